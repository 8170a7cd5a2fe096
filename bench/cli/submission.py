"""The commands under `bench submission`: what somebody wants to enter, looked through before it is scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import HOME, Collection, Home, Json, Size
from bench.errors import printable
from bench.types import EVALUATED_SPLITS, Track

submission = typer.Typer(no_args_is_help=True, help="Submissions: predictions, model files, records.")

NAMED = 10
"""How many of each kind are named on a terminal."""

PRINTED = 600
"""Characters of one reason."""


@submission.callback()
def _root() -> None:
    """Keeps `check` a word of its own while it is the only command."""


@submission.command()
def check(
    path: Annotated[
        Path, typer.Argument(help="Folder, .zip or .npz of predictions; a .pt2 or .onnx model; or a record's .json.")
    ],
    domain: Annotated[
        list[str] | None, typer.Option("--domain", help="A domain, again for more. Default: all.")
    ] = None,
    collection: Collection = "procedural-v1",
    size: Size = None,
    track: Annotated[
        str | None, typer.Option("--track", help="See bench tracks. Default: gray, or what a model declares.")
    ] = None,
    split: Annotated[list[str] | None, typer.Option("--split", help="test or series. Default: both.")] = None,
    as_json: Json = False,
    home: Home = HOME,
) -> None:
    """Is this a valid entry? Every reason why not, at once. Exit 1 if it is none. No model is run, nothing is scored.

    Example: bench submission check my-pictures --domain anime --size 64
    """
    from bench import progress
    from bench.predictions.faults import shown
    from bench.shelf import Shelf
    from bench.submission import by_kind
    from bench.submission import check as run

    shelf, seen = None, Track.parse(track) if track else None
    if path.suffix != ".json" and path.exists():
        with progress.steps(f"preparing {collection}") as report:
            shelf = Shelf(home, collection, size, report)
    verdict = run(path, shelf, domain or (), seen, split or EVALUATED_SPLITS)
    if as_json:
        reasons = [reason._asdict() for reason in verdict.reasons]
        said = {"path": str(path), "kind": verdict.kind, "valid": verdict.valid, "reasons": reasons}
        print(json.dumps(said | {"becomes": verdict.becomes}, indent=1))
        raise typer.Exit(0 if verdict.valid else 1)
    for kind, some in by_kind(verdict.reasons).items():
        print(f"{kind}: {len(some):,}")
        for reason in some[:NAMED]:
            print(printable(f"  {shown(reason, PRINTED)}"))
        if len(some) > NAMED:
            print(f"  and {len(some) - NAMED:,} more; --json lists all")
    for line in verdict.becomes:
        print(printable(line))
    reasons = len(verdict.reasons)
    state = "a valid entry" if verdict.valid else f"not a valid entry, {reasons:,} reason{'s' if reasons > 1 else ''}"
    print(printable(f"{path}: {state}"))
    raise typer.Exit(0 if verdict.valid else 1)
