"""Markdown: the verdicts on the papers' claims, and the papers' own numbers beside ours."""

from collections.abc import Iterable
from itertools import groupby

from bench.claims import CLAIMS, RULE, Outcome, judge_all
from bench.claims.judging import name
from bench.papers import ORDERS, PAPERS, REPORTED
from bench.report.content import Page
from bench.report.markdown import escape
from bench.report.sections.claims import ICONS, tally
from bench.report.sections.papers import beside
from bench.report.wording import ABSENT


def render(page: Page) -> str:
    """What follows the boards on a Markdown page; empty where nothing could be tested and no paper stands beside.

    Args:
        page: one collection at one size.
    """
    parts = [*claims(page), *papers(page)]
    return "\n\n".join(["", *parts]).removeprefix("\n") + "\n" if parts else ""


def claims(page: Page) -> list[str]:
    """The parts of a Markdown page, to be joined by blank lines; none where no claim could be tested.

    Args:
        page: one collection at one size.
    """
    outcomes = judge_all(CLAIMS, page.records)
    if all(outcome.verdict == "not tested" for outcome in outcomes):
        return []
    counts = " · ".join(f"{count} {verdict}" for verdict, count in tally(outcomes))
    parts = ["## Claims of the papers", counts, "\n".join(f"- {escape(line)}" for line in RULE)]
    for paper, found in groupby(outcomes, lambda outcome: outcome.claim.paper):
        parts += [f"### {escape(PAPERS[paper].authors)}, {PAPERS[paper].year}"]
        parts += [_table(["Verdict", "Claim", "Metric", "Effect", "Where"], (_row(outcome) for outcome in found))]
    return parts


def papers(page: Page) -> list[str]:
    """The parts of a Markdown page with every reported number; none where no board stands beside them.

    Args:
        page: one collection at one size.
    """
    rows = beside(page)
    if not any(ours.absent is None for row in rows for ours in row.ours):
        return []
    parts = ["## What the papers report", f"{REPORTED.capitalize()}: never ranked, and not comparable with ours."]
    numbers = (
        [
            PAPERS[row.reported.paper].authors.split(",")[0],
            f"{row.reported.row}, {row.reported.input}",
            row.reported.metric + (f" (printed as {row.reported.printed})" if row.reported.printed else ""),
            row.reported.text,
            "; ".join(ours.text for ours in row.ours),
            "; ".join(ours.where for ours in row.ours),
        ]
        for row in rows
    )
    parts += [_table(["Paper", "Row", "Metric", REPORTED.capitalize(), "Ours", "Our board"], numbers)]
    orders = (
        [f"{PAPERS[one.paper].authors.split(',')[0]}, {one.figure}", f"{one.metric}, {one.data}",
         " > ".join(one.order), one.direction]
        for one in ORDERS
    )  # fmt: skip
    return [*parts, _table(["Bars without numbers", "Plotted", "Highest bar first", "Better"], orders)]


def _row(outcome: Outcome) -> list[str]:
    claim = outcome.claim
    shown = [f"{ICONS[outcome.verdict]} {outcome.verdict}", claim.wording]
    if outcome.effect is None:
        return [*shown, name(claim.metric), ABSENT, outcome.reasons[0] if outcome.reasons else ABSENT]
    return [*shown, name(claim.metric), outcome.text, outcome.where]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
