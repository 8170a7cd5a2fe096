"""The command line: parse, call one function, print. The only importer of baselines/.

Every heavy import stands inside the command that needs it, so that `bench --help` answers at once.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bench import __version__
from bench.errors import BenchError, printable, unknown
from bench.types import BUDGETS, CONDITIONS, DOMAINS, EVALUATED_SPLITS, GUIDANCE, SPLITS, Entry, Mix, Track


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
data = typer.Typer(no_args_is_help=True, help="Collections: add, fetch, list, show, verify.")
app.add_typer(data, name="data")

Home = Annotated[Path, typer.Option("--home", envvar="BENCH_HOME", help="Folder for everything a run makes.")]
Records = Annotated[Path, typer.Option("--records", help="Folder of the records.")]
Collection = Annotated[str, typer.Option("--collection", help="procedural-v1, open-v1, or one you added.")]
Size = Annotated[int | None, typer.Option("--size", min=32, max=1024, help="Side of the standardized images, pixels.")]
TrackName = Annotated[str, typer.Option("--track", help="Condition, or condition+guidance: see bench tracks.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Devices = Annotated[int, typer.Option("--devices", min=1, help="How many of them.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
HOME = Path(".bench")
RECORDS = Path("leaderboards/records")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"chromabench {__version__}")


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option("--out", help="Where boards go; default HOME/demo.")] = None,
    home: Home = HOME,
    device: Device = "auto",
) -> None:
    """Draw images, train a few baselines, score the whole matrix, write the boards. Nothing is downloaded.

    Example: bench demo
    """
    import baselines
    from bench.demo import demo as run
    from bench.device import Machine

    for path in run(baselines, home, out or home / "demo", Machine(device)):
        print(path)


@app.command("train-baselines")
def train_baselines(
    model: Annotated[
        list[str] | None, typer.Option("--model", help="A baseline; again for more. Default: all.")
    ] = None,
    mix: Annotated[
        list[str] | None,
        typer.Option(
            "--mix", help="cartoon, mixed, cartoon+live-action, ...; again for more. Default: each, and mixed."
        ),
    ] = None,
    track: TrackName = "gray",
    collection: Collection = "procedural-v1",
    size: Size = None,
    budget: Annotated[str, typer.Option("--budget", help=f"How much training: {', '.join(BUDGETS)}.")] = "smoke",
    seed: Annotated[
        list[int] | None, typer.Option("--seed", min=0, max=2**31 - 1, help="Again for more. Default: 0.")
    ] = None,
    device: Device = "auto",
    devices: Devices = 1,
    precision: Annotated[str, typer.Option("--precision", help="auto, bf16-mixed or 32-true.")] = "auto",
    weights: Annotated[
        str | None,
        typer.Option("--backbone-weights", help="ImageNet weights file, download, or none. Default: torch's cache."),
    ] = None,
    home: Home = HOME,
) -> None:
    """Train baselines. What is done is skipped, what was cut goes on: give the same command again.

    Example: bench train-baselines --model fu2017-cgan --mix anime --size 64
    """
    import baselines
    from bench import grid, progress
    from bench.data.collections import open_collection
    from bench.device import Machine

    machine, seen = Machine(device, devices, precision), Track.parse(track)
    machine.check()  # what cannot be is said before a collection is drawn
    names = grid.serving(baselines, model or (), seen, budget)
    for text in mix or ():
        Mix.parse(text)
    with progress.steps(f"preparing {collection}") as report:
        manifest = open_collection(home, collection, size, report)
    jobs = grid.jobs(baselines, manifest, names, mix or (), seen, budget, seed or (0,), weights)
    with progress.grid("training") as overview:
        grid.train_all(jobs, manifest, home, machine, overview)


@app.command()
def evaluate(
    domain: Annotated[list[str], typer.Option("--domain", help="A domain, again for more, or all.")],
    model: Annotated[str | None, typer.Option("--model", help="mixed, fu2017-cgan@anime, gray-copy, or all.")] = None,
    predictions: Annotated[Path | None, typer.Option("--predictions", help="Folder of <id>.png to score.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the board calls the predictions.")] = None,
    split: Annotated[list[str] | None, typer.Option("--split", help="test or series. Default: both.")] = None,
    track: TrackName = "gray",
    collection: Collection = "procedural-v1",
    size: Size = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Of the training. Default: the largest done.")] = None,
    device: Device = "auto",
    inception: Annotated[
        str | None,
        typer.Option("--inception-weights", help="torch-fidelity's weights file, or download. For FID, KID."),
    ] = None,
    save_predictions: Annotated[bool, typer.Option("--save-predictions", help="Keep the pictures.")] = False,
    home: Home = HOME,
    records: Records = RECORDS,
) -> None:
    """Score entries on a domain's splits; one JSON record each.

    Example: bench evaluate --domain cartoon --model mixed
    """
    import baselines
    from bench import grid, progress
    from bench.data.collections import open_collection
    from bench.device import Machine
    from bench.evaluate import Distributions
    from bench.features import load_inception

    if (model is None) == (predictions is None):
        raise BenchError("give either --model ENTRY or --predictions DIR.")
    if (predictions is None) != (name is None):
        raise BenchError("--predictions and --name go together: the folder, and what the board calls it.")
    machine, seen, splits = Machine(device), Track.parse(track), split or list(EVALUATED_SPLITS)
    machine.check()  # what cannot be is said before a collection is drawn
    for one in splits:
        if one not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", one, list(EVALUATED_SPLITS))
    if model not in (None, "all"):
        Entry.parse(model, baselines.names())
    with progress.steps(f"preparing {collection}") as report:
        manifest = open_collection(home, collection, size, report)
    domains = list(manifest.domains) if domain == ["all"] else domain
    if predictions is not None and name is not None:
        entries = [grid.Runnable(grid.submission(baselines, name), predictions=predictions)]
    else:
        entries = grid.runnable(baselines, manifest, home, model or "all", seen, budget)
    scorer = Distributions(*load_inception(inception, machine.fabric().device))
    with progress.grid("scoring") as overview:
        made = grid.evaluate_all(
            baselines,
            manifest,
            domains,
            splits,
            entries,
            seen,
            scorer,
            home,
            records,
            machine,
            overview,
            save_predictions,
        )
    if not made:
        raise BenchError(f"nothing was scored: {', '.join(splits)} of {', '.join(domains)} hold no image.")


@app.command()
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


@app.command()
def models(as_json: Json = False) -> None:
    """The baselines and the reference ladder.

    Example: bench models --json
    """
    import baselines

    rows = []
    for name in baselines.names():
        module = baselines.load(name)
        kind = "trained" if hasattr(module, "RECIPE") else "reference"
        rows.append(
            {
                "model": name,
                "kind": kind,
                "tracks": " ".join(module.TRACKS),
                "title": module.TITLE,
                "source": module.SOURCE,
            }
        )
    _print(rows, as_json)


@app.command()
def metrics(as_json: Json = False) -> None:
    """The metrics: unit, direction, definition, source.

    Example: bench metrics
    """
    from dataclasses import asdict

    from bench.metrics import METRICS

    keep = ("id", "name", "unit", "direction", "kind", "definition", "source")
    _print([{key: asdict(metric)[key] for key in keep} for metric in METRICS.values()], as_json)


@app.command()
def tracks(as_json: Json = False) -> None:
    """The tracks, and which baselines serve them.

    Example: bench tracks
    """
    import baselines

    rows = []
    for condition in CONDITIONS:
        for guidance in GUIDANCE:
            name = Track(condition, guidance).name
            served = [model for model in baselines.names() if name in baselines.load(model).TRACKS]
            rows.append({"track": name, "condition": condition, "guidance": guidance, "baselines": " ".join(served)})
    _print(rows, as_json)


@app.command()
def doctor(as_json: Json = False, home: Home = HOME) -> None:
    """What this machine has, and each metric against its independent library. Exit 1 if one disagrees.

    Example: bench doctor
    """
    from bench.doctor import examine

    rows = examine(home)
    _print([row.facts() for row in rows], as_json)
    raise typer.Exit(0 if all(row.good for row in rows) else 1)


@data.command("add")
def data_add(
    name: Annotated[str, typer.Argument(help="The collection's name, such as my-show.")],
    path: Annotated[Path, typer.Argument(help="A folder of images or videos.")],
    domain: Annotated[str, typer.Option("--domain", help=f"{', '.join(DOMAINS)}, or your own.")],
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Side of the standardized images.")] = 128,
    group_by: Annotated[
        str | None, typer.Option("--group-by", help="What must not cross splits: folder, prefix or image.")
    ] = None,
    every: Annotated[float, typer.Option("--every", help="Seconds from one frame of a video to the next.")] = 1.0,
    skip_damaged: Annotated[bool, typer.Option("--skip-damaged", help="List damaged files and go on.")] = False,
    home: Home = HOME,
) -> None:
    """Turn a folder of images into standardized splits.

    Example: bench data add my-show ~/frames --domain anime --size 128
    """
    from bench import progress
    from bench.data.folder import add

    with progress.steps(f"adding {name}") as report:
        manifest = add(home, name, path, domain, size, group_by, skip_damaged, report, every)
    _describe(manifest)


@data.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="open-v1.")],
    mirror: Annotated[
        Path | None, typer.Option("--mirror", help="A folder with the files, instead of the network.")
    ] = None,
    home: Home = HOME,
) -> None:
    """Download a pinned collection; every file is checked by SHA-256. Resumes.

    Example: bench data fetch open-v1
    """
    from bench import progress
    from bench.data import open_v1

    if name != "open-v1":
        raise unknown("collection to fetch", name, ["open-v1"])
    with progress.steps(f"fetching {name}") as report:
        count = open_v1.fetch(home, mirror, report)
    print(f"{name}: {count} files, every checksum right. Next: bench train-baselines --collection {name} --size 64")


@data.command("list")
def data_list(as_json: Json = False, home: Home = HOME) -> None:
    """The collections on this machine, with images by domain and split.

    Example: bench data list
    """
    from bench.data.collections import known

    _print(known(home), as_json)


@data.command("show")
def data_show(name: str, size: Size = None, home: Home = HOME) -> None:
    """A collection's splits, digests, notes and what was left out.

    Example: bench data show open-v1 --size 64
    """
    from bench import progress
    from bench.data.collections import open_collection

    with progress.steps(f"preparing {name}") as report:
        manifest = open_collection(home, name, size, report)
    _describe(manifest, full=True)


@data.command("verify")
def data_verify(name: str, size: Size = None, home: Home = HOME) -> None:
    """Decode every image of a collection and compare its digest. Exit 1 if one differs.

    Example: bench data verify procedural-v1 --size 64
    """
    from bench import progress
    from bench.data.collections import open_collection
    from bench.data.manifest import verify

    with progress.steps(f"preparing {name}") as report:
        manifest = open_collection(home, name, size, report)
    problems = verify(manifest)
    for line in problems:
        print(line)
    print(f"{name} at {manifest.size} px: {len(manifest.items)} images, {len(problems)} problems")
    raise typer.Exit(1 if problems else 0)


def _describe(manifest: Any, full: bool = False) -> None:
    rows = []
    for domain in manifest.domains:
        counts = manifest.counts()[domain]
        row: dict[str, Any] = {"domain": domain, **{name: counts.get(name, 0) for name in SPLITS}}
        keys = [manifest.split(domain, name).key for name in EVALUATED_SPLITS if name in counts]
        rows.append(row | {"keys": " ".join(keys)})
    print(f"{manifest.collection} at {manifest.size} px")
    _print(rows, as_json=False)
    for note in manifest.notes:
        print(f"note: {printable(note)}")
    left_out = manifest.left_out if full else manifest.left_out[:10]
    for left in left_out:
        print(f"left out: {printable(left.source)}: {printable(left.reason)}")
    if len(left_out) < len(manifest.left_out):
        print(f"left out: {len(manifest.left_out)} files in all; see bench data show {manifest.collection}")


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in rows[0] if rows else ():
        table.add_column(key, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    # A pipe has no width; a table cut at 80 columns would lose facts.
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)
