"""The commands under `bench records`: records from other people's machines, by file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import RECORDS, Records
from bench.errors import printable

records = typer.Typer(no_args_is_help=True, help="Records: add those of other machines, check them, their schema.")

Files = Annotated[list[Path], typer.Argument(help="Records' .json files, or folders of them.")]


@records.command()
def add(
    files: Files,
    replace: Annotated[bool, typer.Option("--replace", help="Put them in the place of different ones.")] = False,
    records: Records = RECORDS,
) -> None:
    """Add records to the boards' own: all of them, or, with every reason, none. Then run bench report.

    Example: bench records add their-records/
    """
    from bench.leaderboard.admission import add as write
    from bench.leaderboard.admission import look, refusals
    from bench.records import read_all

    offers, wrong = look(files)
    wrong += refusals(offers, read_all(records), replace=replace)
    if wrong:
        _say(wrong)
        print("bench: nothing was added.", file=sys.stderr)
        raise typer.Exit(1)
    for path in write(offers, records):
        print(printable(str(path)))


@records.command()
def check(files: Files) -> None:
    """Are these records? Exit 1 with every reason why not. Where they may stand, only add tells.

    Example: bench records check leaderboards/records
    """
    from bench.leaderboard.admission import look

    offers, wrong = look(files)
    _say(wrong)
    print(f"{len(offers)} sound, {len(wrong)} faults in others")
    raise typer.Exit(1 if wrong else 0)


@records.command()
def schema() -> None:
    """The JSON Schema of a record.

    Example: bench records schema > record.schema.json
    """
    from bench.records import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _say(wrong: list[str]) -> None:
    for line in wrong:
        print(f"bench: {printable(line)}", file=sys.stderr)
