"""Section: every claim of the papers, and whether this collection's records replicate it."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from bench.claims import CLAIMS, RULE, VERDICTS, Outcome, judge_all
from bench.claims.estimate import chance
from bench.claims.judging import decimals, name, unit
from bench.papers import PAPERS, Paper
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section

ICONS = {"replicated": "✓", "not replicated": "✗", "inconclusive": "≈", "not tested": "○"}
"""A verdict's sign beside its word, so that it can be told without its colour."""

EXPECTED = {"lower": "below 0", "higher": "above 0", "same": "within the margin"}


@dataclass(frozen=True)
class Drawing:
    """An effect on a line whose right half is the paper's side (of a claim of no difference, the margin is); 0 to 100.

    Attributes:
        low, value, high: of the interval and the effect.
        near, far: of the margin around 0, which stands in the middle.
    """

    low: float
    value: float
    high: float
    near: float
    far: float


def drawing(outcome: Outcome) -> Drawing | None:
    """Where the interval lies, seen from the claim; None where there is none."""
    if outcome.effect is None or outcome.low is None or outcome.high is None or outcome.margin is None:
        return None
    sign = -1 if outcome.claim.says == "lower" else 1
    reach = max(abs(outcome.low), abs(outcome.high), outcome.margin, 1e-12) * 1.1

    def at(value: float) -> float:
        return round(50 + 50 * sign * value / reach, 1)

    low, high = sorted((at(outcome.low), at(outcome.high)))
    near, far = sorted((at(-outcome.margin), at(outcome.margin)))
    return Drawing(low, at(outcome.effect), high, near, far)


def number(outcome: Outcome, value: float | None) -> str:
    """A value of the claim's metric with its sign, a dash for none."""
    return "–" if value is None else f"{value:+.{decimals(outcome.claim.metric)}f}".replace("-", "−")


def plain(outcome: Outcome, value: float) -> str:
    """A value of the claim's metric without a plus sign."""
    return f"{value:.{decimals(outcome.claim.metric)}f}".replace("-", "−")


def lacking(outcome: Outcome) -> str:
    """Why there is no effect, in a few words."""
    return "no records yet" if outcome.lacks_records else "not in the records"


def tally(outcomes: list[Outcome]) -> list[tuple[str, int]]:
    """How many of each verdict, in the order of `VERDICTS`."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    return [(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]]


def body(page: Page) -> str:
    outcomes = judge_all(CLAIMS, page.records)
    papers: list[tuple[Paper, list[Outcome]]] = [
        (PAPERS[paper], list(found)) for paper, found in groupby(outcomes, lambda outcome: outcome.claim.paper)
    ]
    tested = any(outcome.verdict != "not tested" for outcome in outcomes)
    return (
        render(
            "claims.html.j2", papers=papers, all=outcomes, rule=RULE, icons=ICONS, expected=EXPECTED, drawing=drawing,
            signed=number, plain=plain, chance=chance, tally=tally, metric=name,
            lacking=lacking,
            unit=unit,
        )
        if tested
        else ""
    )  # fmt: skip


SECTION = Section("claims", "Claims: do the papers' findings replicate?", body)
