"""Boards: order, direction, references, skill, what is refused; and that every format says what the records say."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_records import sample_record

from bench import records as files_of
from bench.errors import BenchError
from bench.leaderboard import GRAY, PRIMARY, ROUND_TRIP, SKILL, Board, boards, skill
from bench.records import Record, Slice
from bench.report import check, render, table
from bench.report.content import pages, sliced
from bench.report.drawing import heat
from bench.report.html import page as html_page
from bench.report.markdown import render_page

LADDER = {GRAY: 12.0, "mean-chroma": 11.5, "nearest-image": 14.0, "half-saturation": 6.0, ROUND_TRIP: 0.5}


def ladder(domain: str = "anime", **more: Any) -> list[Record]:
    return [sample_record(name, domain, values={PRIMARY: value}, **more) for name, value in LADDER.items()]


def one(records: list[Record]) -> Board:
    (board,) = boards(records)
    return board


def test_entries_are_ordered_by_ciede2000_and_references_are_unranked() -> None:
    board = one(
        [
            *ladder(),
            sample_record("fu2017-cgan@anime", values={PRIMARY: 13.0}),
            sample_record("fu2017-convnet@mixed", values={PRIMARY: 10.0}),
            sample_record("my-studio", kind="submission", values={PRIMARY: 11.7}),
        ]
    )
    rows = board.tables[0].rows
    values = [row.cells[PRIMARY].value for row in rows]
    assert values == sorted(value for value in values if value is not None)
    assert {row.entry: row.rank for row in rows} == {
        **dict.fromkeys(LADDER),
        "fu2017-convnet@mixed": 1,
        "my-studio": 2,
        "fu2017-cgan@anime": 3,
    }
    assert {row.entry for row in rows if row.sees_target} == {"half-saturation", ROUND_TRIP}


def test_equal_values_share_a_rank() -> None:
    values = {"a@anime": 10.0, "b@anime": 10.0, "c@anime": 11.0}
    table = one([sample_record(name, values={PRIMARY: value}) for name, value in values.items()]).tables[0]
    assert [row.rank for row in table.rows] == [1, 1, 3]


def test_ranks_that_paired_differences_leave_open() -> None:
    hard = np.linspace(0, 30, 12)  # series differ far more than entries do
    noise = np.random.default_rng(0).normal(0, 0.3, (3, 12))
    own = {"a@anime": 10 + hard + noise[0], "b@anime": 10.05 + hard + noise[1], "c@anime": 11.5 + hard + noise[2]}
    made = [
        replace(
            sample_record(name, values={PRIMARY: float(values.mean())}),
            groups={f"g{place:02d}": float(value) for place, value in enumerate(values)},
        )
        for name, values in own.items()
    ]
    assert [row.ranks for row in one(made).tables[0].rows] == [(1, 2), (1, 2), (3, 3)]
    # A row without the means of these groups cannot be paired; the others can.
    lacking = replace(made[2], groups={})
    assert [row.ranks for row in one([*made[:2], lacking]).tables[0].rows] == [(1, 2), (1, 2), None]


def test_best_follows_the_direction_and_leaves_references_out() -> None:
    board = one(
        [
            sample_record(GRAY, values={PRIMARY: 5.0, "psnr": 40.0}),
            sample_record("a@anime", values={PRIMARY: 10.0, "psnr": 20.0}),
            sample_record("b@anime", values={PRIMARY: 11.0, "psnr": 25.0}),
        ]
    )
    best = {(row.entry, id) for row in board.tables[0].rows for id, cell in row.cells.items() if cell.best}
    assert best == {("a@anime", PRIMARY), ("b@anime", "psnr")}


def test_best_is_of_the_entries_whose_number_is_of_the_most_images() -> None:
    """Where bleeding needs colour, who colours one picture in ten would be best."""
    made = [sample_record(name, values={PRIMARY: 10.0, "bleeding": value}) for name, value in
            {"shy@anime": 0.01, "bold@anime": 0.2, "wild@anime": 0.3}.items()]  # fmt: skip
    shy = replace(made[0], scores=made[0].scores | {"bleeding": replace(made[0].scores["bleeding"], missing=150)})
    table = one([shy, *made[1:]]).tables[0]
    assert [row.entry for row in table.rows if row.cells["bleeding"].best] == ["bold@anime"]


def test_skill_of_gray_is_zero_and_of_the_round_trip_one() -> None:
    better, worse = (sample_record("a@anime", values={PRIMARY: 9.0}), sample_record("b@anime", values={PRIMARY: 13.0}))
    rows = {row.entry: row.cells[SKILL].value for row in one([*ladder(), better, worse]).tables[0].rows}
    assert rows[GRAY] == 0.0
    assert rows[ROUND_TRIP] == 1.0
    assert rows["a@anime"] == pytest.approx((9.0 - 12.0) / (0.5 - 12.0))
    assert rows["b@anime"] is not None
    assert rows["b@anime"] < 0
    assert skill(0.7, gray=0.6, round_trip=1.0) == pytest.approx(0.25)
    assert skill(0.7, gray=None, round_trip=1.0) is None
    assert skill(0.7, gray=1.0, round_trip=1.0) is None


def test_skill_without_the_ladder_is_absent_with_the_reason() -> None:
    made = one([sample_record()]).tables[0]
    assert made.rows[0].cells[SKILL].value is None
    assert any("Skill is absent" in note and GRAY in note for note in made.notes)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("|bench0.1", "|bench0.2", "version is 'bench0"),
        ("|n192|", "|n191|", "n is 'n19"),
        ("|64|", "|128|", "size is '"),
        ("k1", "k2", "definition is 'D65/2deg,k"),
        ("/test:", "/test:f", "split is 'open-v1"),
    ],
)
def test_numbers_made_in_different_ways_are_never_ranked_together(old: str, new: str, says: str) -> None:
    good, other = sample_record("a@anime"), sample_record("b@anime")
    score = other.scores[PRIMARY]
    bad = replace(other, scores={PRIMARY: replace(score, signature=score.signature.replace(old, new))})
    assert boards([good, other])
    with pytest.raises(BenchError) as raised:
        boards([good, bad])
    message = str(raised.value)
    assert says in message
    assert "a@anime" in message
    assert "b@anime" in message
    assert PRIMARY in message


def test_direction_and_unit_must_agree() -> None:
    good, other = sample_record("a@anime"), sample_record("b@anime")
    for change in ({"direction": "higher"}, {"unit": "%"}):
        bad = replace(other, scores={PRIMARY: replace(other.scores[PRIMARY], **change)})
        with pytest.raises(BenchError, match=next(iter(change))):
            boards([good, bad])


def test_an_absent_number_is_not_ranked_so_its_signature_does_not_matter() -> None:
    good = sample_record("a@anime", values={PRIMARY: 10.0, "fid": 50.0})
    other = sample_record("b@anime", values={PRIMARY: 11.0, "fid": None})
    fid = replace(other.scores["fid"], signature="FID|other")
    made = one([good, replace(other, scores={**other.scores, "fid": fid})]).tables[0]
    assert any(note.startswith("FID is absent for b@anime: no Inception weights") for note in made.notes)


def test_a_value_that_only_samples_have_is_not_missed_elsewhere() -> None:
    first, second = (sample_record(name, values={PRIMARY: 10.0, "psnr": 20.0}) for name in ("a@anime", "b@anime"))
    best = replace(first.scores[PRIMARY], name="CIEDE2000 best of 4")
    sampled = replace(first, scores=first.scores | {"ciede2000-best-of-4": best})
    made = one([sampled, second]).tables[0]
    assert "ciede2000-best-of-4" in {column.id for column in (*made.columns, *made.more)}
    assert not any("best of 4" in note for note in made.notes)
    psnr = replace(second, scores={id: score for id, score in second.scores.items() if id != "psnr"})
    noted = one([sampled, psnr]).tables[0].notes
    assert "PSNR is absent for b@anime: not in the record; evaluate again" in noted


def test_notes_say_what_a_reader_must_know() -> None:
    single = one([sample_record(groups=1, half_width=None)]).tables[0]
    assert any("No intervals" in note for note in single.notes)
    few = one([sample_record(groups=4)]).tables[0]
    assert any("Only 4 groups" in note for note in few.notes)
    enough = one([sample_record(groups=30)]).tables[0]
    assert not any("groups" in note for note in enough.notes)
    perfect = sample_record(ROUND_TRIP, values={PRIMARY: 0.1, "psnr": 50.0})
    perfect = replace(perfect, scores={**perfect.scores, "psnr": replace(perfect.scores["psnr"], infinite=7)})
    assert any("infinite" in note and f"{ROUND_TRIP} 7" in note for note in one([perfect]).tables[0].notes)


def test_flags_are_said_once() -> None:
    shared, budget, own = "FID under 2,048 images", "smoke budget", "no target"
    made = one(
        [
            sample_record(GRAY, flags=(shared,)),
            sample_record("a@anime", flags=(shared, budget)),
            sample_record("b@anime", flags=(shared, budget, own)),
        ]
    ).tables[0]
    assert made.flags == (shared, f"{budget} (every trained entry)")
    assert {row.entry: row.flags for row in made.rows} == {GRAY: (), "a@anime": (), "b@anime": (own,)}


def test_boards_stand_in_the_protocols_order() -> None:
    places = [("my-show", "gray"), ("manga", "gray"), ("anime", "lineart-canny")]
    places += [("anime", "gray+hints"), ("anime", "gray")]
    made = boards([sample_record(domain=domain, track=track) for domain, track in places])
    assert [(board.domain, board.track) for board in made] == [places[4], places[3], places[2], places[1], places[0]]
    both = one([sample_record(split="series"), sample_record(split="test")])
    assert [found.split for found in both.tables] == ["test", "series"]


def transfer_records() -> list[Record]:
    found = []
    for row, mix in enumerate(("cartoon", "anime", "mixed")):
        for column, domain in enumerate(("cartoon", "anime", "manga")):
            if (mix, domain) == ("cartoon", "manga"):
                continue
            values = {PRIMARY: 10.0 + row * 3 - column * row, "ssim": 0.5 + 0.1 * row - 0.05 * column, "fid": None}
            found.append(sample_record(f"camizan2023-resnet34@{mix}", domain, values=values))
            found.append(sample_record(f"fu2017-cgan@{mix}", domain, values=values))
    return [*found, sample_record(GRAY, "anime", values={PRIMARY: 9.0, "ssim": 0.9})]


def test_matrices_repeat_the_records() -> None:
    found = transfer_records()
    (page,) = pages(found)
    assert [(m.model, m.column.id) for m in page.matrices] == [
        (model, metric) for model in ("camizan2023-resnet34", "fu2017-cgan") for metric in (PRIMARY, "ssim")
    ]
    for matrix in page.matrices:
        assert matrix.domains == ("cartoon", "anime", "manga")
        assert [row.name for row in matrix.rows] == ["cartoon", "anime", "mixed", GRAY]
        by_place = {(r.entry.name, r.split.domain): r.scores[matrix.column.id].value for r in found}
        for row in matrix.rows:
            name = GRAY if row.reference else f"{matrix.model}@{row.name}"
            shown = [None if cell is None else cell.value for cell in row.cells]
            assert shown == [by_place.get((name, domain)) for domain in matrix.domains]
        for place in range(3):
            cells = [cells for row in matrix.rows if not row.reference and (cells := row.cells[place])]
            best = (min if matrix.column.direction == "lower" else max)(cell.value for cell in cells if cell.value)
            assert [cell.value for cell in cells if cell.best] == [best]


def test_heat_is_full_at_the_best_of_a_column_and_empty_at_the_worst() -> None:
    for matrix in pages(transfer_records())[0].matrices:
        for place, column in enumerate(zip(*heat(matrix), strict=True)):
            cells = [row.cells[place] for row in matrix.rows]
            pairs = [(cell.value, warmth) for cell, warmth in zip(cells, column, strict=True) if cell and cell.value]
            pairs.sort(key=lambda pair: matrix.column.better(pair[0]))
            warmths = [warmth for _, warmth in pairs]
            assert warmths == sorted(warmths, reverse=True)
            assert (warmths[0], warmths[-1]) == (100, 0)
            assert [cell is None for cell in cells] == [warmth is None for warmth in column]


def test_a_model_trained_and_tested_once_has_no_matrix() -> None:
    (page,) = pages([sample_record(), sample_record(GRAY)])
    assert page.matrices == ()


# What is written.

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> & \\input{x} [a](javascript:b) `c`\nnext"


def hostile_records() -> list[Record]:
    first = sample_record(values={PRIMARY: 10.0, "fid": None}, flags=(HOSTILE,), command=HOSTILE)
    fid = replace(first.scores["fid"], absent=HOSTILE, name=HOSTILE, unit=HOSTILE, signature=HOSTILE)
    return [
        replace(first, scores={**first.scores, "fid": fid}, versions={HOSTILE: HOSTILE}),
        sample_record("b@anime"),
    ]


class Reader(HTMLParser):
    """Collects what a browser would fetch or run, and whether tags close in order."""

    VOID = frozenset({"meta", "wbr", "br", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def test_html_is_one_file_that_loads_nothing() -> None:
    text = html_page(pages([*transfer_records(), *ladder("cartoon")])[0])
    read = Reader(text)
    assert read.open == []
    for tag, attributes in read.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed")
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "src"
            assert name != "href" or (value or "").startswith(("#", "https://github.com/"))
    # Links to the credited repositories are for people to follow; nothing is loaded.
    followed = re.sub(r'<a href="https://github\.com/[\w./-]+" rel="noopener">', "<a>", text)
    assert not re.search(r"https?:|url\(|@import|//cdn", followed)
    targets = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    links = {
        (attributes["href"] or "")[1:] for _, attributes in read.tags if (attributes.get("href") or "").startswith("#")
    }
    assert links <= targets
    assert len([1 for _, attributes in read.tags if "id" in attributes]) == len(targets)
    heads = [attributes for tag, attributes in read.tags if tag == "th"]
    assert all(attributes.get("scope") in ("col", "row") for attributes in heads)
    tables = sum(tag == "table" for tag, _ in read.tags)
    assert tables == sum(tag == "caption" for tag, _ in read.tags) > 4


def test_the_first_screen_leads_to_every_board_once() -> None:
    told = [record for track in ("gray", "gray+hints", "lineart-canny") for record in ladder(track=track)]
    text = html_page(pages([*told, *ladder("manga"), sample_record(track="lineart-canny")])[0])
    top = text[text.index('<ul class="cards"') : text.index('<ul class="reading"')]
    links = re.findall(r'href="#([^"]+)"', top)
    # Boards without a ranked entry have a card on the first track, and a dash on the others.
    assert sorted(links) == ["anime-gray", "anime-lineart-canny", "manga-gray"]
    assert "the bare lines" in top


def test_metrics_beyond_the_main_ones_and_slices_stand_below() -> None:
    values: dict[str, float | None] = {PRIMARY: 12.0, "palette-distance": 8.0, "ms-ssim": 0.7}
    night = {"night": Slice(n=9, groups=3, value=4.0), "dark": Slice(n=1, groups=1, absent="too few")}
    found = [
        *ladder(),
        replace(sample_record("fu2017-cgan@anime", values=values), slices=night),
        replace(
            sample_record("fu2017-convnet@anime", values=values), slices={"night": Slice(n=9, groups=3, value=3.5)}
        ),
    ]
    table = one(found).tables[0]
    assert [column.id for column in table.more] == ["ms-ssim", "palette-distance"]
    assert not {column.id for column in table.columns} & {"ms-ssim", "palette-distance"}
    below = sliced(table)
    assert below is not None
    (row,) = below.rows
    shown = dict(zip((entry.entry for entry in below.entries), row.values, strict=True))
    assert (row.name, row.n) == ("night", 9)
    assert shown == {"fu2017-cgan@anime": 4.0, "fu2017-convnet@anime": 3.5, GRAY: None}
    assert row.best is not None
    assert below.entries[row.best].entry == "fu2017-convnet@anime"
    (page,) = pages(found)
    text = html_page(page)
    assert "2 more metrics" in text
    # Their numbers wait for the page's script; the table itself holds the main ones.
    assert "MS-SSIM" not in text[text.index("<thead>", text.index('class="board"')) : text.index("</tbody>")]
    assert '["MS-SSIM",' in text
    # Markdown leaves their columns to the page: a file of a megabyte is shown nowhere.
    assert "MS-SSIM ↑" not in render_page(page, "x.html")
    assert sliced(one(ladder()).tables[0]) is None


def test_the_published_pictures_are_credited_and_others_are_not() -> None:
    (shown,) = pages(ladder())
    assert shown.collection == "open-v1"
    assert "David Revoy" in html_page(shown)
    assert "x.html#credits" in render_page(shown, "x.html")
    mine = replace(shown, collection="mine")
    assert "David Revoy" not in html_page(mine)
    assert "x.html#credits" not in render_page(mine, "x.html")


def test_nothing_from_outside_becomes_markup() -> None:
    found = hostile_records()
    read = Reader(html_page(pages(found)[0]))
    ours = Reader(html_page(pages([sample_record(), sample_record("b@anime")])[0]))
    assert [tag for tag, _ in read.tags].count("script") == [tag for tag, _ in ours.tags].count("script")
    assert any("<script>alert(1)</script>" in piece for piece in read.text)

    shown = table(found, format="md")
    assert "<script>" not in re.sub(r"\\<|`[^`]*`", "", shown)
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1

    for cells in csv.reader(io.StringIO(table(found, format="csv"))):
        assert not any(cell.startswith(("=", "@", "+")) for cell in cells)
        assert not any(cell.startswith("-") and not re.fullmatch(r"-[\d.e-]+", cell) for cell in cells)

    tex = table(found, format="tex")
    assert r"\textbackslash{}input\{x\}" in tex
    bodies = [line for line in tex.splitlines() if not line.startswith("%")]
    assert r"\input" not in "".join(bodies)
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in bodies if line.endswith(r"\\")}) == 1


def test_every_format_says_the_same_numbers() -> None:
    found = [
        *ladder(),
        sample_record("a@anime", values={PRIMARY: 10.125, "psnr": 22.22, "fid": None}),
        *ladder("manga"),
    ]
    rows = list(csv.DictReader(io.StringIO(table(found, format="csv"))))
    flat = {(row["domain"], row["entry"]): float(row["value"]) for row in rows if row["metric"] == PRIMARY}
    nested = {
        (board["domain"], row["entry"]): row["cells"][PRIMARY]["value"]
        for board in json.loads(table(found, format="json"))
        for split in board["tables"]
        for row in split["rows"]
    }
    truth = {(record.split.domain, record.entry.name): record.scores[PRIMARY].value for record in found}
    assert flat == nested == truth
    for format in ("text", "md", "tex"):
        shown = table(found, "anime", "gray", format)
        assert re.search(r"10\.1[23]\D+\[9\.6[23], 10\.6[23]\]", shown)
        assert "22.22" in shown
        assert "manga" not in shown
    assert "<table" in table(found, format="html")


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(BenchError, match="no records yet"):
        table([])
    for wanted in ({"domain": "anme"}, {"track": "grey"}, {"format": "xls"}):
        with pytest.raises(BenchError, match=r"Did you mean|Available"):
            table([sample_record()], **wanted)
    with pytest.raises(BenchError, match="no record of domain"):
        table([sample_record(track="lineart-canny"), sample_record(domain="manga")], "anime", "gray")
    with pytest.raises(BenchError, match="one page"):
        table([sample_record(), sample_record(collection="mine")], format="html")
    with pytest.raises(BenchError, match="unknown collection"):
        render([sample_record()], Path("a"), Path("b"), ["mine"])


def test_render_and_check(tmp_path: Path) -> None:
    records_dir, boards_dir, reports_dir = tmp_path / "records", tmp_path / "boards", tmp_path / "reports"
    assert check(records_dir, boards_dir, reports_dir) == []
    assert render([], boards_dir, reports_dir) == []
    found = [*ladder(), sample_record(), *ladder("manga", collection="procedural-v1", size=96)]
    for record in found:
        files_of.write(records_dir, record)
    assert len(check(records_dir, boards_dir, reports_dir)) == 5
    written = render(found, boards_dir, reports_dir)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "boards/open-v1-64px.md",
        "reports/open-v1-64px.html",
        "boards/procedural-v1-96px.md",
        "reports/procedural-v1-96px.html",
        "boards/README.md",
    ]
    assert check(records_dir, boards_dir, reports_dir) == []
    before = {path: path.read_bytes() for path in written}
    render(list(reversed(found)), boards_dir, reports_dir)
    assert {path: path.read_bytes() for path in written} == before
    assert not any(b"\r" in content for content in before.values())

    written[0].write_text(written[0].read_text().replace("12.00", "11.00"))
    written[3].unlink()
    (boards_dir / "gone-64px.md").write_text("old")
    wrong = check(records_dir, boards_dir, reports_dir)
    assert len(wrong) == 3
    for path, says in ((written[0], "differs"), (written[3], "missing"), (boards_dir / "gone-64px.md", "no record")):
        assert any(str(path) in line and says in line for line in wrong)


def test_index_links_lead_to_what_was_written(tmp_path: Path) -> None:
    found = [*ladder(), sample_record(), *ladder("manga", track="gray+hints", collection="mine", size=96)]
    written = render(found, tmp_path / "boards here", tmp_path / "pages here")
    for path in (path for path in written if path.suffix == ".md"):
        for link in re.findall(r"\]\(([^)#]+)", path.read_text()):
            assert (path.parent / link.replace("%20", " ")).resolve() in [one.resolve() for one in written]


def test_only_chosen_collections_are_written(tmp_path: Path) -> None:
    found = [sample_record(), sample_record(collection="mine")]
    written = render(found, tmp_path, tmp_path, ["mine"])
    assert [path.name for path in written] == ["mine-64px.md", "mine-64px.html", "README.md"]
    assert "open-v1" in written[-1].read_text()
