"""What the commands share: their common options, and tables on a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Home = Annotated[Path, typer.Option("--home", envvar="BENCH_HOME", help="Folder for everything a run makes.")]
Records = Annotated[Path, typer.Option("--records", envvar="BENCH_RECORDS", help="Folder of the records.")]
Collection = Annotated[str, typer.Option("--collection", help="procedural-v1, open-v1, or one you added.")]
Size = Annotated[int | None, typer.Option("--size", min=32, max=1024, help="Side of the standardized images, pixels.")]
TrackName = Annotated[str, typer.Option("--track", help="Condition, or condition+guidance: see bench tracks.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Devices = Annotated[int, typer.Option("--devices", min=1, help="How many of them.")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Trainings side by side. Default: one a core, or one on a GPU.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
HOME = Path(".bench")
RECORDS = Path("leaderboards/records")


def _shown(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def table(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows of one shape, for a person or as JSON for a script."""
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for key in rows[0] if rows else ():
        shown.add_column(key, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_shown(value)) for value in row.values()))
    # A pipe has no width; a table cut at 80 columns would lose facts.
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(shown)
