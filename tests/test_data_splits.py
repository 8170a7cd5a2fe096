"""Splits never share a group, are the same everywhere, and hold no near-duplicates."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.splits import Candidate, assign, assign_groups, hold_out, natural
from bench.data.standardize import NEAR_DUPLICATE


def candidates(sizes: dict[str, int], domain: str = "anime", start: int = 0) -> list[Candidate]:
    """Images whose fingerprints are far apart."""
    found = []
    for group, count in sizes.items():
        for number in range(count):
            place = start + len(found)
            mark = (place * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64
            found.append(Candidate(domain, f"{group}-{number}", group, f"{group}/{number}.png", mark))
    return found


def by_split(found: list[Candidate], splits: dict) -> dict[str, list[Candidate]]:
    named = defaultdict(list)
    for candidate in found:
        if (candidate.domain, candidate.id) in splits:
            named[splits[candidate.domain, candidate.id]].append(candidate)
    return named


domains = st.dictionaries(
    st.sampled_from(["cartoon", "anime", "manga", "mine"]),
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(1, 40), min_size=1, max_size=20),
    min_size=1,
)


@settings(max_examples=200, deadline=None)
@given(domains)
def test_sides_are_disjoint_and_none_is_empty(counts):
    sides = assign_groups(counts)
    assert set(sides) == {group for groups in counts.values() for group in groups}
    for groups in counts.values():
        found = [sides[group] for group in groups]
        assert "train" in found
        if len(groups) < 3:
            assert set(found) == {"train"}
    if len(counts) == 1:
        (groups,) = counts.values()
        quota = max(1, round(sum(groups.values()) / 10))
        for side in ("test", "val"):
            held = [groups[group] for group in groups if sides[group] == side]
            assert (len(groups) >= 3) == bool(held)
            # Only where no group fits into a tenth does one, the smallest, exceed it.
            assert sum(held) <= quota or len(held) == 1


@settings(max_examples=60, deadline=None)
@given(domains, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.randoms())
def test_assignments_are_disjoint_free_of_leaks_and_independent_of_order(counts, marks, random):
    found = [
        Candidate(domain, f"{group}-{n}", group, f"{group}/{n}.png", marks[(n + len(group)) % len(marks)])
        for domain, groups in counts.items()
        for group, count in groups.items()
        for n in range(count)
    ]
    result = assign(found)
    shuffled = random.sample(found, len(found))
    assert assign(shuffled).splits == result.splits
    assert set(result.splits).isdisjoint(result.leaks)
    assert len(result.splits) + len(result.leaks) == len(found)
    sides = defaultdict(set)
    for candidate in found:
        if (candidate.domain, candidate.id) in result.splits:
            split = result.splits[candidate.domain, candidate.id]
            sides[candidate.group].add("train" if split == "series" else split)
    assert all(len(side) == 1 for side in sides.values())
    named = by_split(found, result.splits)
    seen = {c.fingerprint for split in ("train", "series") for c in named[split]}
    for held in (*named["test"], *named["val"]):
        assert all((held.fingerprint ^ mark).bit_count() > NEAR_DUPLICATE for mark in seen)
    for held in named["series"]:
        train = [c.fingerprint for c in named["train"] if c.group == held.group]
        assert all((held.fingerprint ^ mark).bit_count() > NEAR_DUPLICATE for mark in train)


def test_a_tenth_each_for_test_and_val():
    result = assign(candidates({f"g{n:02}": 5 for n in range(60)}))
    counts = defaultdict(int)
    for split in result.splits.values():
        counts[split] += 1
    assert (counts["test"], counts["val"]) == (30, 30)
    assert counts["series"] == 48  # one of each train group of five
    assert counts["train"] == 300 - 30 - 30 - 48


def test_one_big_film_lands_in_train():
    sizes = {"film": 200} | {f"story{n}": 4 for n in range(20)}
    sides = assign_groups({"cartoon": sizes})
    assert sides["film"] == "train"


def test_series_is_the_end_of_a_group_in_natural_order():
    result = assign(candidates({"show": 40}))
    held = [id for (_, id), split in result.splits.items() if split == "series"]
    assert sorted(held, key=natural) == ["show-36", "show-37", "show-38", "show-39"]


def test_near_duplicates_of_train_go_back_to_it_and_draw_theirs_after_them():
    found = candidates({"show": 40})
    chain = found[0].fingerprint
    found[36] = Candidate("anime", "show-36", "show", "show/36.png", chain ^ 0b1111)
    found[37] = Candidate("anime", "show-37", "show", "show/37.png", chain ^ 0b1111_1111)
    splits = assign(found).splits
    assert splits["anime", "show-36"] == splits["anime", "show-37"] == "train"
    assert splits["anime", "show-38"] == splits["anime", "show-39"] == "series"


def test_a_test_image_that_train_knows_is_left_out():
    sizes = {f"g{n:02}": 4 for n in range(30)}
    found = candidates(sizes)
    splits = assign(found).splits
    known = next(c for c in found if splits[c.domain, c.id] == "train")
    place = next(n for n, c in enumerate(found) if splits[c.domain, c.id] == "test")
    held = found[place]
    found[place] = Candidate(held.domain, held.id, held.group, held.name, known.fingerprint ^ 1)
    result = assign(found)
    assert list(result.leaks) == [("anime", held.id)]
    assert "near-duplicate" in result.leaks["anime", held.id]


def test_few_groups_give_no_test_and_say_so():
    result = assign(candidates({"one": 30, "two": 30}))
    assert set(result.splits.values()) == {"train", "series"}
    assert any("no val and test" in note and "3 groups" in note for note in result.notes)
    assert any("small domain: 60 images" in note for note in result.notes)


def test_a_group_in_two_domains_has_one_side_and_one_series():
    sizes = {f"g{n:02}": 20 for n in range(20)}
    found = candidates(sizes, "cartoon") + candidates(sizes, "manga", start=1000)
    splits = assign(found).splits
    for candidate in found:
        assert splits["cartoon", candidate.id] == splits["manga", candidate.id]


def test_known_images_keep_their_split():
    sizes = {f"g{n:02}": 20 for n in range(20)}
    first = candidates(sizes, "cartoon")
    known = {(c.group, c.name): split for c in first for split in [assign(first).splits[c.domain, c.id]]}
    later = assign(candidates(sizes | {"new": 3}, "manga", start=1000), known).splits
    for candidate in first:
        assert later["manga", candidate.id] == known[candidate.group, candidate.name]


def test_natural_order():
    assert sorted(["a10", "a9", "a", "b1", "a010"], key=natural) == ["a", "a9", "a010", "a10", "b1"]
    assert sorted(["10", "9", "x"], key=natural) == ["9", "10", "x"] or natural("9") < natural("10")


def test_pieces_are_held_out_whole():
    pages = [replace(c, piece=f"page {place // 4}") for place, c in enumerate(candidates({"a": 20}))]
    assert hold_out(pages) == {c.name for c in pages[16:]}
    # The last page alone is less than a tenth: as few as hold one.
    assert hold_out([replace(c, piece="last" if c is pages[-1] else c.piece) for c in pages]) == {
        c.name for c in pages[16:]
    }
    assert hold_out([replace(c, piece="one shot") for c in pages]) == set()
    # More than half is no small part of a series.
    assert hold_out([replace(c, piece="early" if place < 9 else "late") for place, c in enumerate(pages)]) == set()


def test_a_near_duplicate_takes_its_whole_piece_back():
    pages = [replace(c, piece=f"page {place // 2}") for place, c in enumerate(candidates({"a": 40}))]
    twin = replace(pages[-1], fingerprint=pages[0].fingerprint ^ 1)
    assert hold_out(pages) == {c.name for c in pages[36:]}
    assert hold_out([*pages[:-1], twin]) == {c.name for c in pages[36:38]}
