"""The commands that read records: boards, comparisons, and the list of metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import HOME, RECORDS, Collection, Home, Json, Records, Size, TrackName, table
from bench.errors import BenchError, printable, unknown
from bench.types import Track

boards = typer.Typer()


@boards.command()
def leaderboard(
    domain: Annotated[str | None, typer.Option("--domain", help="Print this domain's board.")] = None,
    collection: Annotated[str | None, typer.Option("--collection", help="Only this collection's boards.")] = None,
    track: TrackName = "gray",
    format: Annotated[str | None, typer.Option("--format", help="Print as md, html, csv, tex or json.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 if the boards on disk differ from the records.")
    ] = False,
    records: Records = RECORDS,
    boards: Annotated[Path, typer.Option("--boards", help="Folder of the Markdown boards.")] = Path("leaderboards"),
    reports: Annotated[Path, typer.Option("--reports", help="Folder of the HTML boards.")] = Path("reports"),
) -> None:
    """Render the boards from the records; with --domain or --format print one.

    Example: bench leaderboard --domain cartoon
    """
    from bench import report
    from bench.records import read_all

    if check:
        if not read_all(records):
            raise BenchError(f"no records in {records}: there is nothing to check the boards against.")
        differing = report.check(records, boards, reports)
        for line in differing:
            print(line)
        raise typer.Exit(1 if differing else 0)
    found = read_all(records)
    if not found:
        raise BenchError(
            f"no records in {records}; make some first: bench demo, or bench evaluate --domain cartoon --model all."
        )
    names = sorted({record.split.collection for record in found})
    if collection is not None and collection not in names:
        raise unknown("collection with records", collection, names)
    seen = Track.parse(track).name
    chosen = [record for record in found if collection in (None, record.split.collection)]
    if domain is not None or format is not None:
        print(report.table(chosen, domain, seen, format or "text"))
        return
    for path in report.render(found, boards, reports, None if collection is None else [collection]):
        print(path)


@boards.command("compare")
def compare_entries(
    first: Annotated[str, typer.Argument(help="An entry, such as fu2017-cgan@anime.")],
    second: Annotated[str, typer.Argument(help="Another, such as gray-copy.")],
    domain: Annotated[str, typer.Option("--domain", help="Where they are compared.")],
    split: Annotated[str, typer.Option("--split", help="test or series.")] = "test",
    track: TrackName = "gray",
    collection: Collection = "procedural-v1",
    size: Size = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the trainings.")] = 0,
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
    one, two = (compare.find(found, name, place | ({"seed": seed} if "@" in name else {})) for name in (first, second))
    made = compare.compare(one, two, home)
    gains = [asdict(gain) for gain in (*made.better, *made.worse)]
    if as_json:
        facts = {"primary": asdict(made.primary), "p": made.p, "ahead": made.ahead}
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
    """The metrics: unit, direction, definition, source.

    Example: bench metrics
    """
    from dataclasses import asdict

    from bench.metrics import METRICS

    keep = ("id", "name", "unit", "direction", "kind", "definition", "source")
    table([{key: asdict(metric)[key] for key in keep} for metric in METRICS.values()], as_json)
