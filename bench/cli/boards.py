"""The commands that read records: boards, comparisons, and the list of metrics."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import HOME, RECORDS, Collection, Home, Json, Records, Size, TrackName, table
from bench.errors import BenchError, printable, unknown
from bench.types import Track

boards = typer.Typer()


@boards.command("report")
def render_report(
    collection: Annotated[str | None, typer.Option("--collection", help="Only this collection's pages.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if what lies there differs from the records.")
    ] = False,
    records: Records = RECORDS,
    boards: Annotated[Path, typer.Option("--boards", help="Folder of the Markdown boards.")] = Path("leaderboards"),
    reports: Annotated[Path, typer.Option("--reports", help="Folder of the HTML pages.")] = Path("reports"),
    tables: Annotated[Path | None, typer.Option("--tables", help="Folder for CSV and LaTeX too.")] = None,
) -> None:
    """Write everything that people read from the records: Markdown boards, HTML pages, tables for papers.

    Example: bench report
    """
    from bench import report
    from bench.records import read_all

    if not any(records.glob("*.json")):
        raise BenchError(
            f"no records in {records}; make some first: bench demo, or bench evaluate --domain cartoon --model all."
        )
    only = None if collection is None else [collection]
    if check:
        differing = report.check(records, boards, reports, tables, only)
        for line in differing:
            print(line)
        raise typer.Exit(1 if differing else 0)
    for path in report.render(read_all(records), boards, reports, only, tables):
        print(path)
        if why := report.too_large(path):
            print(f"bench: {why}", file=sys.stderr)


@boards.command()
def leaderboard(
    domain: Annotated[str | None, typer.Option("--domain", help="Only this domain's boards.")] = None,
    track: Annotated[str | None, typer.Option("--track", help="Only this track's boards: see bench tracks.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="test or series.")] = None,
    collection: Annotated[str | None, typer.Option("--collection", help="Only this collection's boards.")] = None,
    format: Annotated[
        str | None, typer.Option("--format", help="text, md, csv, tex, json, or html (one collection).")
    ] = None,
    records: Records = RECORDS,
) -> None:
    """Print who leads each board; with an option, the boards themselves.

    Example: bench leaderboard --domain cartoon --track gray
    """
    from bench import report
    from bench.records import read_all

    found = read_all(records)
    names = sorted({record.split.collection for record in found})
    if collection is not None and collection not in names:
        raise unknown("collection with records", collection, names)
    chosen = [record for record in found if collection in (None, record.split.collection)]
    if domain is None and track is None and split is None and format is None:
        print(report.index(chosen), end="")
        return
    seen = None if track is None else Track.parse(track).name
    print(report.table(chosen, domain, seen, format or "text", split), end="")


@boards.command("compare")
def compare_entries(
    first: Annotated[str, typer.Argument(help="An entry, such as fu2017-cgan@anime.")],
    second: Annotated[str, typer.Argument(help="Another, such as gray-copy.")],
    domain: Annotated[str, typer.Option("--domain", help="Where they are compared.")],
    split: Annotated[str, typer.Option("--split", help="test or series.")] = "test",
    track: TrackName = "gray",
    collection: Collection = "procedural-v1",
    size: Size = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Only the trainings of this seed. Default: the mean over all.")
    ] = None,
    as_json: Json = False,
    home: Home = HOME,
    records: Records = RECORDS,
) -> None:
    """The paired difference of two entries on the same pictures: its interval, p-value, best and worst images.

    Example: bench compare fu2017-cgan@anime gray-copy --domain anime
    """
    from dataclasses import asdict

    from bench import compare
    from bench.records import read_all

    found = read_all(records)
    place: dict[str, object] = {"collection": collection, "domain": domain, "split": split}
    place |= {"track": Track.parse(track).name} | ({} if size is None else {"size": size})
    one, two = (compare.find(found, name, place, seed) for name in (first, second))
    made = compare.compare(one, two, home)
    gains = [asdict(gain) for gain in (*made.better, *made.worse)]
    if as_json:
        facts = {"primary": asdict(made.primary), "p": made.primary.p, "ahead": made.ahead}
        table([facts | {"metrics": compare.rows(made), "images": gains}], as_json)
        return
    print(compare.headline(made))
    table(compare.rows(made), as_json)
    for gain in gains:
        print(f"{gain['difference']:+8.2f}  {printable(gain['id'])}  ({printable(gain['group'])})")
    if not made.metrics:
        print(f"images: {home / 'scores'} holds no values of both entries; evaluate them on this machine to see them.")


@boards.command()
def metrics(as_json: Json = False) -> None:
    """The metrics: unit, direction, range, definition, source.

    Example: bench metrics
    """
    from dataclasses import asdict

    from bench.metrics import METRICS

    keep = ("id", "name", "unit", "direction", "range", "kind", "definition", "source")
    rows = [asdict(metric) | {"range": _range(*metric.bounds)} for metric in METRICS.values()]
    table([{key: row[key] for key in keep} for row in rows], as_json)


def _range(least: float, most: float) -> str:
    """As mathematics writes it, such as `[0, 1]` or `[0, ∞)`; JSON has no number that is infinite."""
    start = "(-∞" if math.isinf(least) else f"[{least:g}"
    return f"{start}, ∞)" if math.isinf(most) else f"{start}, {most:g}]"
