"""Words a user types become entries, mixes and tracks, or one clear line."""

import pytest

from bench.errors import BenchError
from bench.types import BUDGETS, DOMAINS, MIX_MODEL, Entry, Mix, Track, slug

KNOWN = ["camizan2023-resnet34", "fu2017-cgan", "gray-copy"]


@pytest.mark.parametrize(
    ("text", "name", "domains"),
    [
        ("mixed", f"{MIX_MODEL}@mixed", DOMAINS),
        ("live-action", f"{MIX_MODEL}@live-action", ("live-action",)),
        ("live-action+cartoon", f"{MIX_MODEL}@cartoon+live-action", ("cartoon", "live-action")),
        ("fu2017-cgan@anime", "fu2017-cgan@anime", ("anime",)),
        ("fu2017-cgan@manga+live-action+anime+cartoon", "fu2017-cgan@mixed", DOMAINS),
    ],
)
def test_entry(text: str, name: str, domains: tuple[str, ...]) -> None:
    entry = Entry.parse(text, KNOWN)
    assert entry.name == name
    assert entry.mix is not None
    assert entry.mix.domains == domains


def test_a_reference_has_no_mix() -> None:
    assert Entry.parse("gray-copy", KNOWN) == Entry("gray-copy")


def test_unknown_names_are_answered_with_near_and_all_known_ones() -> None:
    with pytest.raises(BenchError, match=r"Did you mean fu2017-cgan.*Available: camizan2023-resnet34, fu2017-cgan"):
        Entry.parse("fu2017-gcan", KNOWN)
    with pytest.raises(BenchError, match="Available: gray, lineart-canny"):
        Track.parse("grey")


@pytest.mark.parametrize("text", ["cartoon+cartoon", "../x", "a b", ""])
def test_mixes_that_cannot_be(text: str) -> None:
    with pytest.raises(BenchError):
        Mix.parse(text)


def test_track_names_read_back() -> None:
    for text in ("gray", "lineart-canny+hints", "screentone+reference", "gray+hints+previous"):
        assert Track.parse(text).name == text
    assert Track.parse("lineart").name == "lineart-canny"
    assert Track.parse("gray+previous+hints").name == "gray+hints+previous"
    assert Track.parse("gray+previous-true").trained == Track.parse("gray+previous")
    assert Track.parse("lineart-sharpened+reference").trained == Track.parse("lineart-sketch+reference")
    assert Track.parse("lineart-canny+reference").trained == Track.parse("lineart-canny+reference")
    assert [Track.parse(text).temporal for text in ("gray+hints", "gray+previous-true")] == [False, True]
    with pytest.raises(BenchError, match="no track tells hints and reference together"):
        Track.parse("gray+hints+reference")
    with pytest.raises(BenchError, match="no track tells hints and hints together"):
        Track.parse("gray+hints+hints")


@pytest.mark.parametrize("name", ["My-Show", "a/b", "..", ".a", "a\nb", "x" * 65, "-a", "a--b"])
def test_slugs_refuse_what_could_leave_a_folder(name: str) -> None:
    with pytest.raises(BenchError):
        slug("name", name)


def test_an_error_is_one_line_whatever_the_name() -> None:
    assert "\n" not in str(BenchError("file 'a\nb\x1b[31m' is no image"))
    assert "\x1b" not in str(BenchError("file 'a\nb\x1b[31m' is no image"))
    assert len(str(BenchError("\n" * 10**6))) <= 10_000


def test_standard_budget_shows_every_entry_the_same_number_of_images() -> None:
    assert BUDGETS["standard"].images is not None
    assert BUDGETS["standard"].width == BUDGETS["paper"].width == 1.0
