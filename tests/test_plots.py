"""Drawings and the sections that hold them: fit for any page, the same every time, and told in words."""

import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from test_analysis import costly, domains_of, spread, told, with_slices

from bench.analysis.contrasts import Contrast
from bench.gallery import Curve
from bench.gallery import Line as Values
from bench.leaderboard import GRAY
from bench.records import Record
from bench.report.content import Page, pages
from bench.report.drawing import asset
from bench.report.forest import Forest, Spot, signed
from bench.report.plots import Dot, Line, Point, dots, lines, scatter, span
from bench.report.sections import cost, curves, gaps, slices, tracks, transfer

HOSTILE = '$x^2$ <script>alert("1")</script> & \u202e #000001'


def drawings(id: str, name: str) -> dict[str, str]:
    words: dict[str, Any] = {"title": name, "finding": f"what {name} says"}
    points = [Point(name, 10.0**place, 20.0 - place, 18.0, 22.0, front=place > 1) for place in range(4)]
    return {
        "dots": dots(id, [(name, [Dot(1.25, 0.5, 2.0, 0), Dot(-1, None, None, 9)])], axis=name, **words),
        "scatter": scatter(id, points, x_axis=name, y_axis=name, logarithmic=True, better_x="higher", level=18.5,
                           ceiling=19.0, **words),
        "linear": scatter(id, points, x_axis=name, y_axis=name, logarithmic=False, better_x="lower", **words),
        "lines": lines(id, [Line(name, (0, 50, 100), (3.0, 1.5, 1.25), 1)], x_axis=name, y_axis=name, **words),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["dots", "scatter", "linear", "lines"])
def test_a_drawing_is_fit_for_any_page(kind: str) -> None:
    text = drawings("one", HOSTILE)[kind]
    root = ElementTree.fromstring(text)  # well-formed: what came from outside stayed text
    assert root.get("role") == "img"
    assert [child.tag for child in root][:2] == ["title", "desc"]
    title, desc = root[0], root[1]
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}" == "one-title one-desc"
    assert title.text == HOSTILE
    assert desc.text == f"what {HOSTILE} says"
    tags = {element.tag for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "path", "text", "use", "defs"}
    if kind == "dots":
        assert HOSTILE in {element.text for element in root.iter("text")}
    for element in root.iter():
        style = element.get("style", "")
        assert not re.search(r"#|rgb|font-family", style), style
        assert all(
            value.startswith("var(--") or value == "none" for value in re.findall(r"(?:fill|stroke): ([^;]+)", style)
        )
        assert "href" not in element.attrib or element.attrib["href"].startswith("#one-")
        assert element.get("id", "one-").startswith("one-")
        assert all(len(number.partition(".")[2]) <= 1 for number in re.findall(r"-?\d+\.\d+", element.get("d", "")))
    assert not re.search(r"atplotlib|Date|http", text.replace(HOSTILE, ""))
    shown = {element.get("href", "")[1:] for element in root.iter("use")}
    assert shown <= {element.get("id") for element in root.iter("path")}


def test_a_long_name_has_two_lines_and_its_dots_stand_below() -> None:
    def texts(name: str) -> tuple[list[str], float]:
        root = ElementTree.fromstring(dots("a", [(name, [Dot(1.0, 0.5, 2.0)])], axis="x", title="t", finding="f"))
        said = [text for element in root.iter("text") if (text := element.text or "").strip("0123456789.−-")]
        return said, float(root.get("viewBox", "").split()[-1])

    long = "lineart-canny+previous → lineart-canny+previous-true, the same entry"
    (short, low), (both, high) = texts("m"), texts(long)
    assert sorted(short) == ["m", "x"]
    assert " ".join(text for text in both if text != "x") == long
    assert len(both) == 3
    assert high > low
    assert len(texts("m" * 10_000)[0]) == 3


def test_the_same_numbers_give_the_same_bytes_in_another_process() -> None:
    call = "dots('a', [('m', [Dot(1.5, 0.5, 2.0, 3)])], axis='x', title='t', finding='f')"
    code = f"from bench.report.plots import Dot, dots; print({call})"
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8")
    again = dots("a", [("m", [Dot(1.5, 0.5, 2.0, 3)])], axis="x", title="t", finding="f")
    assert made.stdout.rstrip("\n") == again


def test_two_drawings_of_a_page_share_no_id() -> None:
    first, second = drawings("a", "m"), drawings("b", "m")
    for kind, text in first.items():
        ids = set(re.findall(r' id="([^"]+)"', text))
        assert ids
        assert not ids & set(re.findall(r' id="([^"]+)"', second[kind]))


def test_reports_and_help_do_not_load_the_library_before_a_drawing() -> None:
    code = "import sys, bench.cli, bench.report, bench.recommend\nassert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def shown(section: Any, records: list[Record], **more: Any) -> str:
    (page,) = pages(records)
    return section.SECTION.body(replace(page, **more))


def transfer_page() -> list[Record]:
    means = {"cartoon": 12.0, "anime": 14.0, "live-action": 13.0}
    made = [record for mix in (*means, "mixed") for record in domains_of(f"m@{mix}", means)]
    return [*made, *domains_of(GRAY, means)]


def test_transfer_answers_both_questions() -> None:
    text = shown(transfer, transfer_page())
    assert "What does a specialist lose away from home?" in text
    assert "Does mixed beat the best specialist?" in text
    assert text.count('<svg class="plot"') == 2
    assert "± 0.50" in text  # the records' half interval, in a matrix's cell
    assert "measured" in text


def test_gaps_tell_who_was_at_home() -> None:
    made = [told(f"m@{mix}", spread(11.0), split=split) for mix in ("anime", "cartoon") for split in ("test", "series")]
    text = shown(gaps, made)
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", text, re.DOTALL)
    assert [("●" in row) for row in rows] == ["@anime" in row.replace("<wbr>", "") for row in rows]
    assert len(rows) == 2
    assert shown(gaps, made[:1]) == ""


def test_tracks_say_where_no_difference_is_taken() -> None:
    still = told("d@anime", [5.0, 6.0, 7.0])
    clips = replace(still.split, digest="f" * 64, key="open-v1/anime/test-clips:ffffffff")
    text = shown(tracks, [still, replace(still, split=clips, track="gray+previous")])
    assert "played on other pictures (stills or clips): gray against gray+previous." in text
    assert "<svg" not in text
    longer = told("d@anime", [4.0, 4.5, 6.5], track="gray+hints")
    longer = replace(longer, training=longer.training and replace(longer.training, budget="small"))
    assert "trained at different budgets: gray against gray+hints." in shown(tracks, [still, longer])
    hints = told("d@anime", [4.0, 4.5, 6.5], track="gray+hints")
    assert "gray → gray+hints" in shown(tracks, [still, hints])
    assert shown(tracks, [still]) == ""


def test_tracks_draw_what_a_hint_buys_and_say_how_many_rows_they_leave_out() -> None:
    names = ("gray", "gray+hints", "lineart-canny", "lineart-sketch", "lineart-sketch+reference")
    made = [told("d@anime", [5.0 + place, 6.0, 7.5], track=name) for place, name in enumerate(names)]
    text = shown(tracks, made)
    answers = re.findall(r"<li><b>([^<]*)</b>", text)
    assert {one.partition(",")[0] for one in answers} == {
        "gray → gray+hints", "lineart-sketch → lineart-sketch+reference"}  # fmt: skip
    rows = text.count('<tr><th scope="row"')
    assert len(answers) < rows
    assert text.count(f"{len(answers)} of {rows} rows; the table holds all") == 2
    # Where no two tracks show the same, all are drawn.
    assert "rows; the table" not in shown(tracks, [made[0], *made[2:4]])


def test_the_plots_of_a_print_are_light() -> None:
    for style in asset("plots.css").splitlines():
        assert "dark" not in style or "macro" in style or style.startswith("@media screen"), style


def test_costs_name_the_machine_as_text_and_what_lies_above() -> None:
    made = [costly(f"m{place}@anime", 10.0 + place, speed=100.0 + 40 * place) for place in range(5)]
    made += [costly("far@anime", 60.0, speed=50.0), costly(GRAY, 11.5, speed=None, kind="reference")]
    made = [replace(record, machine={"device": f"<b>{'x' * 10_000}"}) for record in made]
    text = shown(cost, made)
    assert "Speed by the clock of: &lt;b&gt;xxx" in text
    assert "x" * 100 not in text
    assert "1 further up" in text
    assert "gray copy 11.50" in text
    assert "CIEDE2000 against memory" not in text  # no record knows it
    heavy = [replace(record, cost=replace(record.cost, memory_bytes=(place + 1) * 2**20))
             for place, record in enumerate(made)]  # fmt: skip
    assert "CIEDE2000 against memory" in shown(cost, heavy)
    assert shown(cost, made[:1]) == ""


def test_slices_are_coloured_by_the_difference_to_the_whole() -> None:
    made = [with_slices(told("m@anime", [10.0, 10.0]), {"night": 14.0, "day": 9.0})]
    text = shown(slices, made)
    (data,) = re.findall(r'id="slices-data">(.*?)</script>', text)
    (drawn,) = json.loads(data)["maps"]
    assert (drawn["entries"], drawn["wholes"], drawn["reach"]) == (["m@anime"], [10.0], 4.0)
    names = json.loads(data)["slices"]
    assert {names[name]: values for name, _, *values in drawn["rows"]} == {"night": [14.0], "day": [9.0]}
    assert "Hardest against an entry&#39;s own mean: night (+4.00 ΔE00 on average); easiest: day (−1.00)" in text
    assert shown(slices, [told("m@anime", [10.0, 10.0])]) == ""


def test_curves_are_empty_without_a_gallery_and_thin_with_one() -> None:
    records = [told("m@anime", [10.0, 11.0])]
    assert shown(curves, records) == ""
    steps = tuple(range(0, 3000, 50))
    curve = Curve(
        Values(steps, tuple(20 - step / 500 for step in steps)), {"l1": Values(steps, tuple(map(float, steps)))}
    )
    known = {(f"m@{mix}", "gray", seed): curve for mix in ("anime", "mixed") for seed in (0, 1)}
    gallery = SimpleNamespace(curves=known)
    text = shown(curves, records, gallery=gallery)
    assert text.count('<svg class="plot"') == 2
    assert "Lowest" not in text  # each mix was validated on pictures of its own
    assert "the curves of different mixes do not compare" in text
    assert "Lower at the end than at the start: none." in text
    assert "lowest validation in the training's last stage" in html.unescape(text)
    assert max(map(len, re.findall(r"<svg.*?</svg>", text, re.DOTALL))) < 12_000


def test_every_mix_has_its_curve_however_many_seeds_there_are() -> None:
    mixes = ("anime", "cartoon", "live-action", "manga", "mixed")
    known = {(f"m@{mix}", "gray", seed): Curve(Values((1, 2), (9.0, 8.0)), {}) for mix in mixes for seed in (0, 1, 2)}
    text = shown(curves, [told("m@anime", [10.0, 11.0])], gallery=SimpleNamespace(curves=known))
    assert all(f"</span> {mix}, seed 0</li>" in text for mix in mixes)
    assert "seed 1" not in text
    assert "One training of each mix; 10 more are not drawn." in text


def test_a_forest_counts_what_is_sure_and_what_cannot_be() -> None:
    def spot(value: float, half: float | None) -> Spot:
        ends = (None, None) if half is None else (value - half, value + half)
        contrast = Contrast(value, *ends, None, 4)
        return Spot(contrast, contrast.sure)

    rows = (("a", (spot(-2.0, 0.5), spot(0.1, 1.0))), ("b", (spot(9.0, None), None)), ("c", (spot(3.0, 1.0), None)))
    found = Forest("f", "t", "axis", "closer", "further", ("anime", "own"), rows)
    assert found.finding == (
        "Closer in 1 of 4, further in 1, not told apart in 1, without an interval in 1."
        " The largest that is sure: +3.00 ± 1.00 ΔE00, c in anime."
    )
    assert found.answers == [
        ("a", "closer in 1, not told apart in 1 of 2"),
        ("b", "without an interval in 1 of 1"),
        ("c", "further in 1 of 1"),
    ]
    assert [place for place, _, _ in found.keys] == [2, 5]  # anime has its own colour, a user's domain the next free
    assert [signed(value) for value in (0.004, -0.004, -1.5, 2)] == ["0.00", "0.00", "−1.50", "+2.00"]


def test_an_interval_that_dwarfs_the_rest_ends_at_the_edge() -> None:
    usual = [Dot(place / 10, place / 10 - 1, place / 10 + 1) for place in range(5)]
    wide = Dot(0.0, -30.0, 30.0)
    assert span([*usual, wide]) == (-1.0, 1.4)
    assert span([wide]) == (-30.0, 30.0)
    assert span([]) == (0.0, 0.0)
    spots = tuple(Spot(Contrast(dot.value, dot.low, dot.high, None, 4), False) for dot in (*usual, wide))
    rows = tuple((f"m{place}", (spot,)) for place, spot in enumerate(spots))
    found = [Forest("f", "t", "axis", "closer", "further", ("anime",), rows[:count]) for count in (5, 6)]
    assert [one.cut for one in found] == [False, True]
    assert [one.drawing.count("<use") for one in found] == [5, 8]


def test_a_long_board_draws_its_first_rows_only() -> None:
    contrast = Contrast(1.0, 0.5, 1.5, None, 4)
    rows = tuple((f"m{place:03d}", (Spot(contrast, True),) * 4) for place in range(500))
    found = Forest("f", "t", "axis", "closer", "further", ("cartoon", "anime", "live-action", "manga"), rows)
    assert len(found.picture) == 12
    assert found.part == "12 of 500 rows; the table holds all"
    assert replace(found, rows=rows[:12]).part == ""
    assert replace(found, drawn=rows[7:9]).part == "2 of 500 rows; the table holds all"
    others = tuple((f"x{name}", spots) for name, spots in rows)
    assert replace(found, drawn=others[:14]).part == "12 of 14 rows; the table holds all"
    assert len(found.drawing) < 20_000


def test_a_page_with_every_section_stays_small(tmp_path: Any) -> None:
    (page,) = pages([*transfer_page(), *(replace(one, track="gray+hints") for one in transfer_page())])
    assert isinstance(page, Page)
    bodies = [section.SECTION.body(page) for section in (transfer, gaps, tracks, cost, slices, curves)]
    drawn = [text for body in bodies for text in re.findall(r'<svg class="plot".*?</svg>', body, re.DOTALL)]
    assert len(drawn) >= 5
    assert max(map(len, drawn)) < 40_000
    ids = [id for body in bodies for id in re.findall(r' id="([^"]+)"', body)]
    assert len(ids) == len(set(ids))
