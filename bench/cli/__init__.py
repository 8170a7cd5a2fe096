"""The command line: parse, call one function, print. The only importer of baselines/.

Every heavy import stands inside the command that needs it, so that `bench --help` answers at once.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bench import __version__
from bench.cli.boards import boards
from bench.cli.claims import claims
from bench.cli.cluster import cluster
from bench.cli.data import data
from bench.cli.gallery import galleries
from bench.cli.recommend import recommending
from bench.cli.records import records
from bench.cli.registries import registries
from bench.cli.running import running
from bench.cli.study import studies
from bench.cli.submission import submission
from bench.errors import BenchError


class _Bench(TyperGroup):
    """Turns what a user can mend into one line and exit status 2."""

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without ΔE shall still get its board
        try:
            return super().invoke(ctx)
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            print(f"bench: {BenchError(f'{where}{error.strerror or error}.')}", file=sys.stderr)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            print("bench: stopped; give the same command again to go on.", file=sys.stderr)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Bench,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="The benchmark for colorizing cartoons, anime, live-action frames and manga. Start with: bench demo",
)
app.add_typer(data, name="data")
app.add_typer(submission, name="submission")
app.add_typer(records, name="records")
for commands in (running, boards, galleries, registries, claims, recommending, cluster, studies):
    app.add_typer(commands)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"chromabench {__version__}")
