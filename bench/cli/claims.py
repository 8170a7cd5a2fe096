"""The command that says of every claim of the papers whether it replicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.terminal import RECORDS, Json, Records, table

if TYPE_CHECKING:
    from bench.claims import Claim, Outcome

claims = typer.Typer()

SIZE = 64
"""Pixels a side in the commands that are named where there is no record at all."""


@claims.command("claims")
def list_claims(
    id: Annotated[str | None, typer.Argument(help="One claim, in full.")] = None,
    collection: Annotated[str | None, typer.Option("--collection", help="Only on this collection.")] = None,
    paper: Annotated[str | None, typer.Option("--paper", help="Only of this paper, such as fu2017.")] = None,
    as_json: Json = False,
    records: Records = RECORDS,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Folder with the values an image (scores/): pairs every metric. Default: none."),
    ] = None,
) -> None:
    """What the records say of every claim of the five papers: replicated, not replicated, inconclusive, not tested.

    Example: bench claims --paper fu2017
    """
    from bench.claims import CLAIMS, claim, judge_all
    from bench.claims.values import from_home
    from bench.errors import unknown
    from bench.papers import PAPERS
    from bench.records import read_all

    if paper is not None and paper not in PAPERS:
        raise unknown("paper", paper, list(PAPERS))
    found = read_all(records)
    if collection is not None:
        known = sorted({record.split.collection for record in found})
        if collection not in known:
            raise unknown("collection with records", collection, known)
        found = [record for record in found if record.split.collection == collection]
    asked = [claim(id)] if id is not None else [one for one in CLAIMS if paper in (None, one.paper)]
    judged = judge_all(asked, found, None if home is None else from_home(home))
    outcomes = [outcome for one in asked for outcome in _of(one, judged, everywhere=collection is None)]
    if as_json:
        print(json.dumps([_facts(outcome) for outcome in outcomes], indent=1, ensure_ascii=False))
    elif id is not None:
        print(_full(asked[0], outcomes))
    else:
        table([_row(outcome) for outcome in _shortened(outcomes)], as_json)


def _of(claim: Claim, judged: list[Outcome], *, everywhere: bool) -> list[Outcome]:
    """A claim on every collection of its kind; where there is none, one outcome that says so."""
    from bench.claims.judging import without_records
    from bench.data.collections import PROCEDURAL, SLICES

    own = [outcome for outcome in judged if outcome.claim is claim]
    if own:
        return own
    return [without_records(claim, SLICES if claim.slices else PROCEDURAL, SIZE)] if everywhere else []


def _shortened(outcomes: list[Outcome]) -> list[Outcome]:
    """Without those not tested on one collection of claims that were on another; one of the others at least."""
    kept: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        kept.setdefault(outcome.claim.id, []).append(outcome)
    tested = ([one for one in found if one.verdict != "not tested"] or found[-1:] for found in kept.values())
    return [outcome for found in tested for outcome in found]


def _row(outcome: Outcome) -> dict[str, Any]:
    from bench.claims.judging import decimals, unit
    from bench.errors import printable

    claim, digits = outcome.claim, decimals(outcome.claim.metric)
    known = outcome.effect is not None
    around = None if outcome.low is None else f"[{outcome.low:+.{digits}f}, {outcome.high:+.{digits}f}]"
    return {
        "id": claim.id,
        "paper": claim.paper,
        "verdict": outcome.verdict,
        "effect": f"{outcome.effect:+.{digits}f} {unit(claim.metric)}".rstrip() if known else None,
        "interval": around,
        "where": printable(outcome.where if known or not outcome.reasons else outcome.reasons[0]),
    }


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Everything about an outcome, for a script."""
    claim = outcome.claim
    return {
        "id": claim.id,
        "paper": claim.paper,
        "source": claim.source,
        "quote": claim.quote,
        "wording": claim.wording,
        "contrast": claim.contrast,
        "metric": claim.metric,
        "says": claim.says,
        "counts": claim.counts,
        "collection": outcome.collection,
        "size": outcome.size,
        "verdict": outcome.verdict,
        "effect": outcome.effect,
        "low": outcome.low,
        "high": outcome.high,
        "p": outcome.p,
        "margin": outcome.margin,
        "where": outcome.where,
        "pooling": outcome.pooling,
        "opposed": outcome.opposed,
        "domains": [
            {
                "domain": cell.domain,
                "effect": cell.effect.value,
                "interval": cell.effect.interval,
                "values": cell.values,
                "paired": cell.paired,
                "seeds": cell.seeds,
                "records": cell.records,
            }
            for cell in outcome.cells
        ],
        "reasons": outcome.reasons,
        "commands": outcome.commands,
        "also": [_facts(other) for other in outcome.also],
    }


def _full(claim: Claim, outcomes: list[Outcome]) -> str:
    """One claim on a terminal, with the numbers behind it."""
    from bench.claims import RULE
    from bench.claims.judging import name
    from bench.papers import PAPERS

    paper = PAPERS[claim.paper]
    facts = {
        "claim": claim.wording,
        "paper": f"{paper.authors}, {paper.title}, {paper.year}; {claim.source}",
        "quote": f"“{claim.quote}”" if claim.quote else "none: by numbers, pictures or a recipe only",
        "effect": f"{claim.contrast} ({claim.kind})" if claim.sides else None,
        "metric": name(claim.metric),
        "expected": {"lower": "below 0", "higher": "above 0", "same": "within the margin"}[claim.says],
        "counts": claim.counts,
    }
    lines = [claim.id, *(f"  {title:9s} {text}" for title, text in facts.items() if text)]
    for outcome in outcomes:
        lines += ["", *_told(outcome)]
    return "\n".join([*lines, "", *RULE])


def _told(outcome: Outcome) -> list[str]:
    from bench.claims.estimate import chance
    from bench.claims.judging import decimals
    from bench.errors import printable

    digits = decimals(outcome.claim.metric)
    sure = "" if outcome.p is None else f", p {chance(outcome.p)}"
    margin = "" if outcome.margin is None else f", margin ±{outcome.margin:.{digits}f}"
    lines = [f"{outcome.verdict.upper()}: {outcome.text}{sure}{margin}", f"  {outcome.where}"]
    for cell in outcome.cells:
        ends = cell.effect.interval
        around = "" if ends is None else f" [{ends[0]:+.{digits}f}, {ends[1]:+.{digits}f}]"
        values = ", ".join(f"{value:.{digits}f}" for value in cell.values)
        seeds = f"seed{'s' if len(cell.seeds) > 1 else ''} {', '.join(map(str, cell.seeds))}"
        how = "paired by group" if cell.paired else "not paired"
        lines.append(f"  {cell.domain}: {cell.effect.value:+.{digits}f}{around} from {values}; {how}; {seeds};"
                     f" {cell.budget} budget")  # fmt: skip
        lines += [f"    {record}" for record in cell.records]
    for other in outcome.also:
        lines.append(f"  also, {other.where}: {other.verdict}, {other.text}")
        lines += [f"    {printable(reason)}" for reason in other.reasons]
    if outcome.opposed and outcome.verdict != "not replicated":
        lines.append(f"  the other way in {', '.join(outcome.opposed)}")
    lines += [f"  {printable(reason)}" for reason in outcome.reasons]
    return lines + [f"  $ {command}" for command in outcome.commands]
