"""The papers' numbers: as printed, derived by the formula that is named, beside ours and never among them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from test_records import sample_record

from bench.leaderboard import boards
from bench.metrics import METRICS
from bench.papers import DERIVED, NUMBERS, ORDERS, PAPERS, REPORTED, psnr_of_mean, rmse
from bench.records import Record
from bench.report import claims_markdown
from bench.report.content import pages
from bench.report.sections import papers as section
from bench.types import DOMAINS, Track

FILES = {"fu2017": "D1", "camizan2023": "D3", "thasarathan2020": "D4"}


def ours(split: str = "series", l1: float = 17.5, l2: float | None = 900.0) -> Record:
    return sample_record("fu2017-convnet@anime", "anime", split=split, values={"l1": l1, "l2": l2})


def test_every_number_is_there_and_knows_our_nearest() -> None:
    counts = {paper: sum(one.paper == paper for one in NUMBERS) for paper in PAPERS}
    assert counts == {"zhang2022": 0, "fu2017": 16, "chen2019": 0, "camizan2023": 0, "thasarathan2020": 24}
    assert len({(one.paper, one.row, one.input, one.metric) for one in NUMBERS}) == len(NUMBERS)
    for one in NUMBERS:
        assert one.metric_id in METRICS
        assert one.domain in DOMAINS
        assert all(Track.parse(track).name == track for track in one.tracks)
        assert one.derived == (one.metric in DERIVED)
    # The paper's L2 is a mean squared error, and says so under that name.
    assert {one.printed for one in NUMBERS if one.metric == "MSE"} == {"L2"}


def test_printed_numbers_stand_in_the_papers() -> None:
    shared = os.environ.get("CHROMABENCH_SHARED")
    if not shared:
        pytest.skip("set CHROMABENCH_SHARED to the folder that holds papers/")
    texts = {id: next(Path(shared, "papers").glob(f"{start}*.txt")).read_text("utf-8") for id, start in FILES.items()}
    for one in NUMBERS:
        assert one.derived or f"\t{one.text}" in texts[one.paper], one
    for order in ORDERS:
        assert order.statement in " ".join(texts[order.paper].split()), order
    # The whole rows, so that no number stands under another's column.
    fu, hint = texts["fu2017"].splitlines(), texts["thasarathan2020"].splitlines()
    for metric, line in (("L1", "L1"), ("MSE", "L2")):
        assert "\t".join([line, *(one.text for one in NUMBERS if one.metric == metric)]) in fu
    for metric in ("FID", "SSIM", "PSNR"):
        found = [one.text for one in NUMBERS if one.paper == "thasarathan2020" and one.metric == metric]
        assert "\t".join([metric, *found]) in hint


def test_derived_numbers() -> None:
    found = {one.metric: one for one in NUMBERS if one.row == "ConvNet" and one.input == "grayscale"}
    assert found["RMSE (derived)"].text == "34.92"
    assert found["PSNR of the mean MSE (derived)"].text == "17.27"
    assert rmse(100.0) == 10.0
    assert psnr_of_mean(255.0**2) == 0.0
    assert psnr_of_mean(0.65025) == pytest.approx(50.0)


def test_what_paper_states_without_numbers_has_no_direction_where_it_contradicts_itself() -> None:
    assert {one.direction for one in ORDERS if "CIEDE2000" in one.metric} == {"unresolved"}
    assert {one.direction for one in ORDERS if one.metric == "SSIM"} == {"higher is better"}


def test_ours_stands_beside_on_the_nearest_board() -> None:
    (page,) = pages([ours("series"), ours("test", l1=30.0, l2=None)])
    rows = {row.reported.metric: row for row in section.beside(page)
            if row.reported.row == "ConvNet" and row.reported.input == "grayscale"}  # fmt: skip
    assert rows["L1"].ours[0].text.split()[0] == "17.500"  # the series split, not test
    assert "fu2017-convnet@anime, anime series, gray" in rows["L1"].ours[0].where
    assert rows["RMSE (derived)"].ours[0].text == "30.00"
    assert rows["PSNR of the mean MSE (derived)"].ours[0].text == "18.59"
    # Both ways of telling the baseline its previous frame.
    baseline = next(row for row in section.beside(page) if row.reported.row == "Futurama (Baseline)")
    assert [one.absent for one in baseline.ours] == ["no record yet", "no record yet"]
    assert [one.where for one in baseline.ours] == [
        "tcvc2019@cartoon, gray+previous",
        "tcvc2019@cartoon, gray+previous-true",
    ]


def test_an_absent_number_says_why() -> None:
    (page,) = pages([ours(l2=None)])
    row = next(row for row in section.beside(page) if row.reported.metric == "MSE")
    assert row.ours[0].text == "–"
    assert row.ours[0].absent == "no Inception weights; see bench doctor"


def test_reported_numbers_are_marked_and_never_ranked() -> None:
    records = [ours(), replace(ours(), entry=replace(ours().entry, name="x@anime", model="x"))]
    (page,) = pages(records)
    body = section.body(page)
    assert f'<span class="badge">{REPORTED}</span>' in body
    assert body.count("<tr>") >= len(NUMBERS) + len(ORDERS)
    assert "19.19" in body
    entries = {row.entry for board in boards(records) for table in board.tables for row in table.rows}
    assert entries == {"fu2017-convnet@anime", "x@anime"}
    text = "\n\n".join(claims_markdown.papers(page))
    assert "| Q. Fu | ConvNet, grayscale | MSE (printed as L2) | 1219.73 | 900.000" in text
    assert "unresolved" in text


def test_a_page_without_any_of_these_models_has_no_such_section() -> None:
    (page,) = pages([sample_record("my-studio", kind="submission")])
    assert section.body(page) == ""
    assert claims_markdown.papers(page) == []
