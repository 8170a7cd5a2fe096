"""The command that makes galleries: what entries painted, for the report's failure explorer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import HOME, RECORDS, Home, Records, Size

galleries = typer.Typer()


@galleries.command()
def gallery(
    collection: Annotated[str | None, typer.Option("--collection", help="Only this one. Default: all.")] = None,
    size: Size = None,
    entries: Annotated[
        int | None,
        typer.Option("--entries", min=1, help="Most a domain and track. Default: what keeps a report small."),
    ] = None,
    home: Home = HOME,
    records: Records = RECORDS,
    out: Annotated[Path, typer.Option("--out", help="Folder of the galleries.")] = Path("leaderboards/gallery"),
) -> None:
    """Collect best, median and worst pictures, and the trainings' curves, for the HTML report. No model runs.

    Example: bench gallery --collection procedural-v1
    """
    from bench import gallery as made
    from bench.errors import BenchError, printable
    from bench.gallery.choosing import ENTRIES
    from bench.gallery.making import make
    from bench.records import read_all

    found = read_all(records)
    places = sorted({(record.split.collection, record.split.size) for record in found})
    wanted = [place for place in places if collection in (None, place[0]) and size in (None, place[1])]
    if not wanted:
        there = ", ".join(f"{name} at {side} px" for name, side in places) or "none"
        raise BenchError(f"no record of what was asked for; there are records of: {there}.")
    for name, side in wanted:
        path = made.write(
            out, make(found, name, side, home, entries or ENTRIES, lambda line: print(f"  {printable(line)}"))
        )
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
