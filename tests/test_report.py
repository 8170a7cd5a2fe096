"""What stands on a page: the overview, the numbers for its script, and text from outside that stays text everywhere."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_leaderboard import ladder
from test_records import sample_record
from typer.testing import CliRunner

from bench import records as files_of
from bench import report
from bench.cli import app
from bench.errors import BenchError
from bench.leaderboard import GRAY, PRIMARY, Board, Row, Table, boards
from bench.records import Record
from bench.report import check, index, render, table
from bench.report.content import Page, pages
from bench.report.drawing import scale
from bench.report.export import as_csv, as_latex, as_text
from bench.report.export import index as index_of
from bench.report.html import page as html_page
from bench.report.markdown import render_boards, render_index, render_page
from bench.report.numbers import COUNT, KEY, _numbers, packed
from bench.report.overview import doubted, doubts, lead, sentence
from bench.report.sections.provenance import origins


def one(records: list[Record]) -> Table:
    (board,) = boards(records)
    return board.tables[0]


def paired(name: str, value: float, noise: float = 0.0) -> Record:
    """An entry whose groups lie around its value; noise turns the groups against those of other entries."""
    groups = {f"g{place:02d}": value + noise * (-1) ** place for place in range(12)}
    return replace(sample_record(name, values={PRIMARY: value, "psnr": 20.0}), groups=groups)


# The overview.


def test_a_lead_says_who_by_how_much_and_how_certain() -> None:
    found = lead(one([*ladder(), paired("a@anime", 9.0), paired("b@anime", 9.5), paired("c@anime", 15.0)]))
    assert found is not None
    assert found.row.entry == "a@anime"
    assert found.second is not None
    assert found.second.entry == "b@anime"
    assert found.gap == pytest.approx(0.5)
    assert found.certain is True
    assert found.beats_gray is True

    found = lead(one([paired("a@anime", 9.0, noise=3.0), paired("b@anime", 9.1, noise=-3.0), paired("c@anime", 30.0)]))
    assert found is not None
    assert (found.contenders, found.certain) == (2, False)
    assert found.beats_gray is None  # no gray copy to beat


def test_a_lead_over_nobody_and_no_lead() -> None:
    assert lead(one(ladder())) is None
    alone = lead(one([sample_record()]))
    assert alone is not None
    assert (alone.second, alone.gap, alone.certain) == (None, None, None)


def test_a_leader_behind_gray_is_a_caution() -> None:
    (board,) = boards([*ladder(), sample_record("a@anime", values={PRIMARY: 13.0})])
    found = lead(board.tables[0])
    assert found is not None
    assert found.beats_gray is False
    assert sentence(board, found).startswith("not closer than leaving it gray (12.00)")
    (page,) = pages([*ladder(), sample_record("a@anime", values={PRIMARY: 13.0})])
    assert re.search(
        r'class="against caution">not closer than leaving it gray \(12\.00\)[^<]* · skill −0\.09<', html_page(page)
    )


@pytest.mark.parametrize(
    ("value", "noise", "said"),
    [
        (9.0, 0.1, "closer than leaving it gray (12.00)"),
        (11.0, 9.0, "closer than leaving it gray (12.00), not surely"),
        (13.0, 0.1, "not closer than leaving it gray (12.00)"),
        (12.5, 9.0, "not closer than leaving it gray (12.00), not surely"),
        (9.0, None, "closer than leaving it gray (12.00), no interval"),
    ],
)
def test_closer_than_gray_is_said_with_whether_that_is_sure(value: float, noise: float | None, said: str) -> None:
    gray = paired(GRAY, 12.0)
    first = paired("a@anime", value, noise or 0.0)
    if noise is None:
        gray, first = (replace(one, groups={"g": one.scores[PRIMARY].value or 0.0}) for one in (gray, first))
    (page,) = pages([gray, first])
    found = lead(page.boards[0].tables[0])
    assert found is not None
    assert sentence(page.boards[0], found) == said
    assert found.caution is (said != "closer than leaving it gray (12.00)")
    # Only the card's own line is marked, and the table of leaders by track says the same.
    assert f'class="against{" caution" if found.caution else ""}">{said}' in html_page(page)
    (page,) = pages([gray, first, *(replace(one, track="gray+hints") for one in (gray, first))])
    assert f"<small{' class=' + chr(34) + 'caution' + chr(34) if found.caution else ''}>{said}</small>" in html_page(
        page
    )


def test_a_skill_of_nothing_has_no_sign() -> None:
    found = lead(one([*ladder(), sample_record("a@anime", values={PRIMARY: 12.0001})]))
    assert found is not None
    assert found.skill == "0.00"


def test_doubts_are_few_groups_and_flags_and_stand_on_their_column() -> None:
    values: dict[str, float | None] = {PRIMARY: 9.0, "fid": 40.0}
    flag = "FID under 2,048 images"
    small = one([sample_record("a@anime", values=values, flags=(flag,), groups=4)])
    assert doubts(small) == ["only 4 groups", flag]
    assert [doubted(small, column) for column in small.columns if column.id in values] == ["", flag]
    assert doubts(one([sample_record(groups=12)])) == []


# The drawing and the numbers behind it.


def test_one_failed_entry_does_not_press_all_others_into_a_point() -> None:
    near = [sample_record(f"m{place}@anime", values={PRIMARY: 10.0 + place}) for place in range(7)]
    axis = scale(one([*ladder(), *near, sample_record("failed@anime", values={PRIMARY: 90.0})]))
    assert axis.high < 20
    assert axis.beyond(90.0) == "right"
    assert axis.beyond(0.5) == "left"
    assert axis.gray == 12.0
    assert axis.x(axis.low) < axis.x(11.0) < axis.x(axis.high)


def test_the_scripts_numbers_are_those_of_the_records() -> None:
    values: dict[str, float | None] = {PRIMARY: 9.87654, "psnr": 22.0, "fid": None}
    (board,) = boards([*ladder(), sample_record("a@anime", values=values)])
    (made,) = board.tables
    numbers = packed([board])
    shared, found = (json.loads(str(text)) for text in (numbers.shared, *numbers.tables.values()))
    ids = [column.id for column in (*made.columns, *made.more)]
    assert (found["main"], found["key"], found["n"]) == (len(made.columns), made.key, made.n)
    heads = [shared["columns"][place] for place in found["columns"]]
    assert [head[0] for head in heads] == [column.name for column in (*made.columns, *made.more)]
    assert dict(zip(ids, (head[2] for head in heads), strict=True))["psnr"] == 1
    said = [head[4].replace(KEY, made.key).replace(COUNT, str(made.n)) for head in heads]
    assert said == [column.signature for column in (*made.columns, *made.more)]
    place = [row.entry for row in made.rows].index("a@anime")
    cells = dict(zip(ids, found["rows"][place], strict=True))
    assert cells[PRIMARY] == [9.877, 0.5]
    (reason,) = cells["fid"]
    assert shared["reasons"][reason] == "no Inception weights; see bench doctor"


@pytest.mark.parametrize(
    ("value", "low", "high", "wanted"),
    [
        (0.5, 0.25, 0.75, [0.5, 0.25]),
        (0.9, 0.75, 1.0, [0.9, 0.75, 1]),  # cut off at what is possible
        (-3.0, None, None, -3),
        (12.345678, 11.999, 12.692356, [12.346, 0.347]),
        (12.3449, 11.0049, 13.6849, [12.3449, 1.34]),  # 12.345 would be printed as 12.35
        (12.6064, 10.8177, 14.3951, [12.606, 10.82, 14.4]),  # 12.606 + 1.789 would be printed as 14.39
        (0.125, None, None, 0.12),  # a script rounds the half up
        (-1e300, None, None, -1e300),
    ],
)
def test_an_interval_is_said_by_half_where_that_prints_alike(
    value: float, low: float | None, high: float | None, wanted: object
) -> None:
    found = _numbers(value, low, high, 2)
    assert found == wanted
    if low is not None and high is not None and isinstance(found, list) and len(found) == 2:
        assert (f"{found[0] - found[1]:.2f}", f"{found[0] + found[1]:.2f}") == (f"{low:.2f}", f"{high:.2f}")


def test_the_marks_of_further_metrics_are_those_of_the_board() -> None:
    scores: dict[str, float | None] = {PRIMARY: 9.0, "ms-ssim": 0.90012, "bleeding": 3.0}
    shy = sample_record("shy@anime", values=scores | {"ms-ssim": 0.90008, "bleeding": 1.0})
    shy = replace(shy, scores=shy.scores | {"bleeding": replace(shy.scores["bleeding"], missing=150)})
    (board,) = boards([*ladder(), shy, sample_record("bold@anime", values=scores)])
    (made,) = board.tables
    (text,) = packed([board]).tables.values()
    marked = [[made.rows[place].entry for place in places] for places in json.loads(str(text))["best"]]
    names = dict(zip((column.id for column in made.more), marked, strict=True))
    assert names["bleeding"] == ["bold@anime"]  # the other has it for fewer images
    assert names["ms-ssim"] == ["shy@anime"]  # printed alike, but lower


def test_what_tables_say_alike_stands_once() -> None:
    one_board = boards([*ladder(), sample_record()])
    more = boards([*ladder(), sample_record(), *ladder("manga"), sample_record(domain="manga")])
    assert len(more) == 2
    assert packed(more).shared == packed(one_board).shared
    assert len(packed(more).tables) == 2


# How entries came to be.


def trained(seed: int = 0, track: str = "gray", **changes: object) -> Record:
    made = sample_record(seed=seed, track=track, collection="procedural-v1")
    assert made.training is not None
    return replace(made, training=replace(made.training, track=track, **changes))


def test_every_training_stands_once_and_seeds_together() -> None:
    gray = [trained(seed, seconds=60.0 + seed) for seed in (0, 1, 2)]
    sketch = trained(track="lineart-canny")
    found = origins([*gray, replace(gray[0], split=replace(gray[0].split, name="series")), sketch, *ladder()])
    assert [(one.entry, one.track, one.seeds, one.duration) for one in found if one.training] == [
        ("fu2017-cgan@anime", "gray", (0, 1, 2), "60–62 s"),
        ("fu2017-cgan@anime", "lineart-canny", (0,), "12 s"),
    ]
    there = "--track gray --collection procedural-v1 --size 64"
    assert found[0].commands == (
        f"bench train-baselines --model fu2017-cgan --mix anime {there} --budget smoke --seed 0 --seed 1 --seed 2",
        f"bench evaluate --model fu2017-cgan@anime --domain anime --split test {there} --budget smoke",
        f"bench evaluate --model fu2017-cgan@anime --domain anime --split series {there} --budget smoke",
    )
    assert [len(one.commands) for one in found if not one.training] == [1] * len(ladder())
    longer = origins([trained(), trained(1, images=12800)])
    assert [(one.seeds, one.training.images) for one in longer if one.training] == [((0,), 6400), ((1,), 12800)]


def test_the_study_is_named_only_where_it_makes_everything() -> None:
    words = "bench study --collection procedural-v1 --size 64"
    references = ladder(collection="procedural-v1")

    def named(*records: Record) -> str | None:
        (page,) = pages([*references, *records])
        found = re.search(rf"{words}( --budget \w+)?", html_page(page))
        return found and (found.group(1) or "")

    def at(budget: str, record: Record) -> Record:
        return replace(record, training=record.training and replace(record.training, budget=budget))

    assert named(trained(), trained(2)) == " --budget smoke"
    assert named(at("small", trained()), at("small", trained(2))) == "", "as the study does where it is not told"
    still = trained()
    clip = replace(
        still,
        track="gray+previous",
        entry=replace(still.entry, name="tcvc2019@anime", model="tcvc2019"),
        split=replace(still.split, key=still.split.key.replace("/test:", "/test-clips:")),
        training=still.training and replace(still.training, track="gray+previous"),
    )
    assert named(at("small", trained()), clip) == ""
    assert named(trained(), at("small", clip)) is None, "each at another's budget"
    assert named(trained(3)) is None, "a seed that it does not train"
    assert named(trained(track="screentone")) is None
    assert named(trained(), sample_record("mine", kind="submission", collection="procedural-v1")) is None


# Text from outside.

NASTY = (
    "</script><script>alert(1)</script>",
    "<!--",
    '=HYPERLINK("http://x")',
    "＝1+1",
    "\t=1+1",
    "@SUM(1)",
    "\u202egnp.exe",
    "| a | b |\n| --- |",
    "[a](javascript:b) ![c](d) `e` ~~f~~ $x$ <g>",
    "\\input{/etc/passwd} % & # _ ^^41",
    "]]>\u2028\u0000\x1b[31m",
    "w" * 10_000,
)


def outside(text: str) -> list[Page]:
    """A page that says the text wherever something from outside may stand, sound names or not."""
    made = pages([*ladder(), sample_record("a@anime", values={PRIMARY: 10.0, "fid": None, "x": 1.0})])

    def of_row(row: Row) -> Row:
        return row if row.entry != "a@anime" else replace(row, entry=text, flags=(text,))

    def of_board(board: Board) -> Board:
        tables = []
        for found in board.tables:
            more = tuple(replace(column, name=text, unit=text, signature=text) for column in found.more)
            rows = tuple(of_row(row) for row in found.rows)
            tables.append(replace(found, key=text, rows=rows, more=more, flags=(text,), notes=(text,)))
        return replace(board, tables=tuple(tables))

    return [replace(page, boards=tuple(of_board(board) for board in page.boards), matrices=()) for page in made]


class Seen(HTMLParser):
    """The tags of a page, its text, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within = tag
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        (self.scripts if self.within == "script" else self.texts).append(data)


def harmless() -> list[str]:
    return Seen(html_page(outside("harmless")[0])).tags


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=60))
@example(NASTY[0])
@example(NASTY[1])
@example(NASTY[6])
@example(NASTY[10])
@example(NASTY[11])
def test_text_from_outside_makes_no_element_of_a_page(text: str) -> None:
    (page,) = outside(text.encode("utf-8", "ignore").decode())
    seen = Seen(html_page(page))
    # A name is cut at @ and +, where a phone may wrap it; nothing else may differ from a harmless one's page.
    assert [tag for tag in seen.tags if tag != "wbr"] == [tag for tag in harmless() if tag != "wbr"]
    assert seen.handlers == []
    data = json.loads(next(script for script in seen.scripts if script.startswith("{")))
    assert data["columns"][-1][0] == page.boards[0].tables[0].more[-1].name


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=80)))
def test_text_from_outside_ends_no_cell_and_starts_no_command(text: str) -> None:
    made = outside(text.encode("utf-8", "ignore").decode())
    (page,) = made
    flat = list(csv.reader(io.StringIO(as_csv(page.boards))))
    assert {len(row) for row in flat} == {len(flat[0])}
    for cell in (cell for row in flat for cell in row):
        assert not cell.startswith(("=", "+", "@", "\t", "\r", "＝", "＋", "－", "＠"))
        assert not cell.startswith("-") or re.fullmatch(r"-[\d.e+-]+", cell)

    for shown in (render_boards(page.boards), render_page(page, "x.html"), render_index(made, "reports")):
        rows = [line for line in shown.splitlines() if line.startswith("|")]
        bars = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}
        assert len(bars) <= 2  # the boards have one shape, the index another
        assert not re.search(r"(?<!\\)<(?!/?details>|/?summary>)", re.sub(r"`[^`\n]*`", "", shown))
        assert shown.isprintable() or set(filter(lambda c: not c.isprintable(), shown)) == {"\n"}

    tex = [line for line in as_latex(page.boards).splitlines() if not line.startswith("%")]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in tex if line.endswith(r"\\")}) == 1
    ours = r"\\(begin|end)\{tabular\}|\\(top|mid|bottom)rule|\\text\w+|\\[&%$#_{}\\]"
    signs = r"\\(Delta|downarrow|uparrow|dagger|times|sigma|ge)\b"
    assert "\\" not in re.sub(f"{ours}|{signs}", "", "\n".join(tex))

    for told in (as_text(page.boards), index_of(made)):
        assert set(filter(lambda c: not c.isprintable(), told)) <= {"\n"}


# The commands.


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    for record in [*ladder(), sample_record(), *ladder("manga", track="gray+hints", split="series")]:
        files_of.write(tmp_path / "records", record)
    return ["--records", str(tmp_path / "records")]


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_report_writes_everything_and_checks_it(places: list[str], tmp_path: Path) -> None:
    for kind in ("boards", "reports", "tables"):
        places += [f"--{kind}", str(tmp_path / kind)]
    code, said = run("report", *places)
    assert code == 0, said
    written = [Path(line).relative_to(tmp_path).as_posix() for line in said.split()]
    assert written == [
        "boards/open-v1-64px.md",
        "reports/open-v1-64px.html",
        "tables/open-v1-64px.csv",
        "tables/open-v1-64px.tex",
        "boards/README.md",
    ]
    assert run("report", "--check", *places) == (0, "")
    (tmp_path / "tables/old-64px.csv").write_text("")
    (tmp_path / "tables/open-v1-64px.tex").unlink()
    code, said = run("report", "--check", *places)
    assert code == 1
    assert "run: bench report" in said
    assert "old-64px.csv has no record behind it" in said


def test_the_leaderboard_is_an_index_and_with_an_option_the_boards(places: list[str]) -> None:
    code, said = run("leaderboard", *places)
    assert code == 0, said
    lines = said.splitlines()
    assert lines[0] == "open-v1 at 64 px"
    assert lines[1].split()[:2] == ["Board", "Split"]
    assert re.match(r"anime · gray +test +192 +1 +fu2017-cgan@anime +12\.00 +12\.00 +0\.00 +– +smoke$", lines[2])
    assert re.match(r"manga · gray\+hints +series +192 +0 +– +– +12\.00 +– +– +–$", lines[3])
    code, said = run("leaderboard", "--split", "series", *places)
    assert code == 0, said
    assert "manga · gray+hints · series" in said
    assert "anime" not in said
    assert run("leaderboard", "--domain", "manga", *places)[1] == said
    code, said = run("leaderboard", "--split", "serie", *places)
    assert code == 2
    assert "Did you mean series?" in said


def test_no_records_is_said_in_one_line(tmp_path: Path) -> None:
    for command in ("report", "leaderboard"):
        code, said = run(command, "--records", str(tmp_path))
        assert code == 2
        assert said.count("\n") == 1
        assert "bench demo" in said
    with pytest.raises(BenchError, match="domain 'anime', track 'gray\\+hints' together"):
        table([sample_record(), sample_record(domain="manga", track="gray+hints")], "anime", "gray+hints")


def test_tables_are_written_only_on_request(tmp_path: Path) -> None:
    found = [*ladder(), sample_record()]
    render(found, tmp_path, tmp_path)
    assert not list(tmp_path.glob("*.csv"))
    for record in found:
        files_of.write(tmp_path / "records", record)
    assert check(tmp_path / "records", tmp_path, tmp_path) == []
    assert len(check(tmp_path / "records", tmp_path, tmp_path, tmp_path)) == 2


def test_a_check_of_one_collection_looks_at_no_other(tmp_path: Path) -> None:
    found, records = [*ladder(), *ladder(collection="procedural-v1")], tmp_path / "records"
    for record in found:
        files_of.write(records, record)
    render(found, tmp_path, tmp_path)
    (tmp_path / "open-v1-64px.md").write_text("changed")
    (tmp_path / "old-64px.md").write_text("")
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery/procedural-v1-32px.zip").write_bytes(b"")
    ours = check(records, tmp_path, tmp_path, collections=["procedural-v1"])
    assert ours == [f"{tmp_path / 'gallery/procedural-v1-32px.zip'} has no record behind it; remove it"]
    other = check(records, tmp_path, tmp_path, collections=["open-v1"])
    assert other == [f"{tmp_path / 'open-v1-64px.md'} differs from what the records say; run: bench report"]
    assert len(check(records, tmp_path, tmp_path)) == 3
    with pytest.raises(BenchError, match="unknown collection"):
        check(records, tmp_path, tmp_path, collections=["old"])


def test_a_page_that_is_too_large_is_told(places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places += ["--boards", str(tmp_path / "boards"), "--reports", str(tmp_path / "reports")]
    monkeypatch.setattr(report, "LARGEST_PAGE", 10_000)
    for words in (["report"], ["report", "--check"]):
        code, said = run(*words, *places)
        assert code == len(words) - 1
        assert re.search(r"open-v1-64px\.html has 0\.\d MB, more than 0\.01 MB", said)
    monkeypatch.setattr(report, "LARGEST_PAGE", 1_000_000)
    assert run("report", "--check", *places) == (0, "")


def test_gray_is_in_the_index() -> None:
    said = index([*ladder(), sample_record("a@anime", values={PRIMARY: 9.0})])
    assert GRAY in said
    assert "a@anime" in said
