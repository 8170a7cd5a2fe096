"""Claims as they are told: by the command, on the page and in Markdown."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from test_claims import GAN, gaps, judge, planted
from test_records import sample_record
from typer.testing import CliRunner

from bench.claims import CLAIMS, RULE, Outcome, claim, estimate
from bench.cli import app
from bench.data.collections import PROCEDURAL
from bench.metrics import METRICS, PAIRED
from bench.records import Record, write
from bench.report import claims_markdown
from bench.report.content import pages
from bench.report.sections import claims as section


def test_what_was_tested_elsewhere_names_where_and_what_is_missing(tmp_path: Path) -> None:
    given = claim("fu2017-gan-over-convnet-l1-gray")
    records = planted(given, -6.0) + planted(replace(given, domains=("manga",)), -6.0)
    domains = planted(replace(given, domains=("live-action",)), -6.0)
    alone = [replace(r, scores={"l1": replace(r.scores["l1"], low=None, high=None)}) for r in domains]  # one group
    there = folder(tmp_path, [*records, *alone])
    told = run(given.id, "--records", there)
    assert "also, procedural-v1 64 px, series: manga: replicated" in told
    assert "live-action: one group only" in told
    (facts,) = json.loads(run(given.id, "--records", there, "--json"))
    assert (facts["opposed"], facts["pooling"]) == ([], "intervals")
    (other,) = facts["also"]
    assert other["where"] == "procedural-v1 64 px, series: manga"
    assert any("live-action: one group only" in reason for reason in other["reasons"])
    (page,) = pages([*records, *alone])
    assert "<dt>Also</dt><dd>procedural-v1 64 px, series: manga:" in section.body(page)


def test_collections_where_a_claim_was_not_tested_are_told(tmp_path: Path) -> None:
    given = claim("fu2017-gan-over-convnet-l1-gray")
    lacking = [r for r in planted(given, 6.0) if r.entry.model == "fu2017-cgan"]
    elsewhere = [
        replace(
            r,
            split=replace(r.split, collection="mine", key=r.split.key.replace(PROCEDURAL, "mine")),
            scores={
                id: replace(one, signature=one.signature.replace(f"{PROCEDURAL}/", "mine/"))
                for id, one in r.scores.items()
            },
        )
        for r in lacking
    ]
    there = folder(tmp_path, [*planted(given, -6.0), *elsewhere])
    facts = json.loads(run(given.id, "--records", there, "--json"))
    verdicts = {one["collection"]: one["verdict"] for one in facts}
    assert verdicts == {"mine": "not tested", PROCEDURAL: "replicated"}
    assert "NOT TESTED" in run(given.id, "--records", there)
    assert run("--paper", "fu2017", "--records", there).count(given.id) == 1  # the list says it once


def test_the_rule_names_what_is_paired_and_that_nothing_is_adjusted() -> None:
    text = " ".join(RULE)
    assert "not adjusted for the number of claims" in text
    assert all(METRICS[id].name in text for id in PAIRED if id in METRICS)


def folder(tmp_path: Path, records: Sequence[Record]) -> str:
    for record in records:
        write(tmp_path / "records", record)
    return str(tmp_path / "records")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["claims", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_lists_and_tells(tmp_path: Path) -> None:
    given = claim("fu2017-gan-over-convnet-l1-gray")
    there = folder(tmp_path, planted(given, -6.0))
    listed = json.loads(run("--records", there, "--json"))
    assert {row["id"] for row in listed} == {one.id for one in CLAIMS}
    assert {row["id"]: row["verdict"] for row in listed}[given.id] == "replicated"
    assert all(row["effect"] is None and (row["reasons"]) for row in listed if row["verdict"] == "not tested")
    text = run("--records", there, "--paper", "fu2017")
    assert given.id in text
    assert "zhang2022" not in text
    told = run(given.id, "--records", there)
    assert "REPLICATED: -6.00" in told
    assert "from 6.00, 12.00" in told
    assert "procedural-v1-64px.anime.series.gray.fu2017-cgan@anime.s0.json" in told
    assert "$ bench evaluate" in run("fu2017-gan-over-convnet-l1-edges", "--records", there)


def test_the_command_works_before_there_is_any_record(tmp_path: Path) -> None:
    listed = json.loads(run("--records", str(tmp_path), "--json"))
    assert len(listed) == len(CLAIMS)
    assert {row["verdict"] for row in listed} == {"not tested"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["fu2017-gan-over-convnet"], "Did you mean fu2017-gan-over-convnet-"),
        (["--paper", "fu2016"], "unknown paper 'fu2016'. Did you mean fu2017"),
        (["--collection", "open-v2"], "unknown collection with records 'open-v2'"),
    ],
)
def test_what_is_unknown_is_refused_in_one_line(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(app, ["claims", *arguments])
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1


def outcome_of(effect: float, says: str = "lower") -> Outcome:
    return judge(replace(GAN, says=says), planted(GAN, effect))


def test_the_drawing_shows_the_papers_side_on_the_right() -> None:
    ahead, behind = section.drawing(outcome_of(-6.0)), section.drawing(outcome_of(6.0))
    assert ahead is not None
    assert behind is not None
    assert 50 < ahead.low < ahead.value < ahead.high <= 100
    assert 0 <= behind.low < behind.value < behind.high < 50
    assert ahead.near + ahead.far == pytest.approx(100)
    higher = section.drawing(outcome_of(6.0, "higher"))
    assert higher is not None
    assert higher.value > 50


def test_a_small_p_value_is_never_zero() -> None:
    assert estimate.chance(0.0) == estimate.chance(0.0009) == "< 0.001"
    assert estimate.chance(0.0312) == "= 0.031"
    given = claim("zhang2022-gan-over-cnn-seen")
    (page,) = pages(gaps(given, {("he2021-gan", "series"): 5.0, ("varga2016-cnn", "series"): 12.0}))
    body = section.body(page)
    assert "p &lt; 0.001" in body
    assert "p = 0<" not in body
    assert "a claim of no difference has it in the band" in body


def test_page_and_markdown_say_the_verdicts() -> None:
    given = claim("fu2017-gan-over-convnet-l1-gray")
    (page,) = pages(planted(given, -6.0))
    body = section.body(page)
    assert 'class="verdict replicated"><span aria-hidden="true">✓</span> replicated' in body
    assert "−6.00 [−6." in body
    assert 'class="verdict not-tested"' in body
    text = "\n\n".join(claims_markdown.claims(page))
    row = next(line for line in text.splitlines() if given.wording in line)
    assert row.startswith("| ✓ replicated |")
    assert "-6.00" in row
    assert claims_markdown.render(page).startswith("\n## Claims of the papers\n\n1 replicated")
    # Another entry alone tests no claim, and no empty section is shown.
    (other,) = pages([sample_record("my-studio", kind="submission")])
    assert claims_markdown.render(other) == ""
    assert section.body(other) == ""
    assert claims_markdown.claims(other) == []


def test_a_hostile_reason_stays_text(tmp_path: Path) -> None:
    given = claim("thasarathan2020-hints-over-baseline-fid-gray")
    nasty = "<img src=x onerror=alert(1)> | `x`\n\x1b[31mred"
    records = [
        replace(r, scores=r.scores | {"fid": replace(r.scores["fid"], value=None, low=None, high=None, absent=nasty)})
        for r in planted(given, 0)
    ]
    records += planted(claim("fu2017-gan-over-convnet-l1-gray"), -6.0)
    (page,) = pages(records)
    assert "<img" not in section.body(page)
    assert "&lt;img src=x" in section.body(page)
    assert "| `x`" not in "\n".join(claims_markdown.claims(page))
    there = folder(tmp_path, records)
    for arguments in ([given.id], ["--paper", "thasarathan2020"]):
        assert "\x1b[31m" not in run(*arguments, "--records", there)
