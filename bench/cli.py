"""The command line: parse, call one function, print. The only importer of baselines/.

Every heavy import stands inside the command that needs it, so that `bench --help` answers at once.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bench import __version__
from bench.cli_boards import boards
from bench.cli_data import data
from bench.errors import BenchError, unknown
from bench.terminal import (
    HOME,
    RECORDS,
    Collection,
    Device,
    Devices,
    Home,
    Json,
    Records,
    Size,
    TrackName,
    Workers,
    table,
)
from bench.types import BUDGETS, CONDITIONS, EVALUATED_SPLITS, GUIDANCES, Entry, Mix, Track


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
app.add_typer(boards)


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
    track: Annotated[
        list[str] | None, typer.Option("--track", help="See bench tracks; again for more. Default: each model's first.")
    ] = None,
    collection: Collection = "procedural-v1",
    size: Size = None,
    budget: Annotated[str, typer.Option("--budget", help=f"How much training: {', '.join(BUDGETS)}.")] = "smoke",
    seed: Annotated[
        list[int] | None, typer.Option("--seed", min=0, max=2**31 - 1, help="Again for more. Default: 0.")
    ] = None,
    device: Device = "auto",
    devices: Devices = 1,
    precision: Annotated[str, typer.Option("--precision", help="auto, bf16-mixed or 32-true.")] = "auto",
    workers: Workers = None,
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
    from bench import crew, grid, progress
    from bench.device import Machine
    from bench.shelf import Shelf

    machine = Machine(device, devices, precision)
    machine.check()  # what cannot be is said before a collection is drawn
    tracks = [Track.parse(text) for text in track or ()] or [None]
    for one in tracks:
        grid.serving(baselines, model or (), one, budget)
    for text in mix or ():
        Mix.parse(text)
    with progress.steps(f"preparing {collection}") as report:
        shelf = Shelf(home, collection, size, report)
        jobs = [
            one
            for seen in tracks
            for one in grid.jobs(baselines, shelf, model or (), mix or (), seen, budget, seed or (0,), weights)
        ]
    if not (model or track):
        for name, seen in grid.serving(baselines, (), None, budget).items():
            if not shelf.serves(seen):
                progress.say(f"{name} is left out: {collection} has no clips, which {seen.name} is played on.")
    with progress.trainings(jobs) as overview:
        crew.train_all(baselines, jobs, shelf, machine, overview, workers)


@app.command()
def evaluate(
    domain: Annotated[list[str], typer.Option("--domain", help="A domain, again for more, or all.")],
    model: Annotated[
        str | None, typer.Option("--model", help="mixed, fu2017-cgan@anime, gray-copy, all, or a .pt2 or .onnx file.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", help="Folder or .zip of <id>.png, or .npz of images and ids, to score."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the board calls the predictions.")] = None,
    split: Annotated[list[str] | None, typer.Option("--split", help="test or series. Default: both.")] = None,
    track: Annotated[
        str | None, typer.Option("--track", help="See bench tracks. Default: the model's first; of all, every one.")
    ] = None,
    collection: Collection = "procedural-v1",
    size: Size = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Of the training. Default: the largest done.")] = None,
    device: Device = "auto",
    inception: Annotated[
        str | None,
        typer.Option("--inception-weights", help="torch-fidelity's weights file, or download. For FID, KID."),
    ] = None,
    fid_clean: Annotated[
        bool, typer.Option("--fid-clean", help="FID under clean-fid's resize too; costs as much again.")
    ] = False,
    lpips: Annotated[
        str | None, typer.Option("--lpips-weights", help="torchvision's AlexNet weights file, or download. For LPIPS.")
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option("--watch", min=1, help="Score while they are written: seconds without a new one to wait."),
    ] = None,
    save_predictions: Annotated[bool, typer.Option("--save-predictions", help="Write the pictures as PNGs.")] = False,
    repaint: Annotated[
        bool, typer.Option("--repaint", help="Run models even where what they painted is kept.")
    ] = False,
    home: Home = HOME,
    records: Records = RECORDS,
) -> None:
    """Score entries on a domain's splits; one JSON record each.

    Example: bench evaluate --domain cartoon --model mixed
    """
    import baselines
    from bench import playing, progress, scoring
    from bench.device import Machine
    from bench.exported import SUFFIXES, read
    from bench.predictions import Watch
    from bench.shelf import Shelf

    if (model is None) == (predictions is None):
        raise BenchError("give either --model ENTRY or --predictions PATH.")
    if watch is not None and predictions is None:
        raise BenchError("--watch waits for --predictions.")
    if (predictions is None) != (name is None):
        raise BenchError("--predictions and --name go together: where they lie, and what the board calls them.")
    machine, seen, splits = Machine(device), Track.parse(track) if track else None, split or list(EVALUATED_SPLITS)
    machine.check()  # what cannot be is said before a collection is drawn
    for one in splits:
        if one not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", one, list(EVALUATED_SPLITS))
    exported = read(Path(model)) if model and Path(model).suffix in SUFFIXES else None
    if model not in (None, "all") and exported is None:
        Entry.parse(model, baselines.names())
    with progress.steps(f"preparing {collection}") as report:
        shelf = Shelf(home, collection, size, report)
        if predictions is not None and name is not None:
            entry = playing.Runnable(playing.submission(baselines, name), predictions=predictions)
            plays = [(seen or Track("gray"), [entry])]
        elif exported is not None:
            if seen not in (None, exported.track):
                raise BenchError(f"{exported.path.name} declares the track {exported.track.name}; leave out --track.")
            plays = [
                (exported.track, [playing.Runnable(playing.submission(baselines, exported.name), exported=exported)])
            ]
        else:
            plays = playing.plays(baselines, shelf, model or "all", seen, budget)
        for one, _ in plays:
            shelf.manifest(one)  # clips are drawn under this bar, not under the next
    scorer = scoring.make(inception, lpips, fid_clean, machine.fabric().device, home / "cache")
    made = 0
    for one, entries in plays:
        held = shelf.manifest(one).domains
        # Clips may lack a domain that the stills have; asked for by itself that is an error, among several tracks not.
        domains = list(held) if domain == ["all"] else [name for name in domain if len(plays) == 1 or name in held]
        with progress.grid(f"scoring {one.name}") as overview:
            made += len(
                playing.evaluate_all(
                    baselines, shelf, domains, splits, entries, one, scorer, records, machine, overview,
                    save_predictions, repaint, None if watch is None else Watch(watch),
                )
            )  # fmt: skip
    if not made:
        raise BenchError(f"nothing was scored: {', '.join(splits)} of {', '.join(domain)} hold no image.")


@app.command("literature")
def literature_numbers(
    domain: Annotated[str, typer.Option("--domain", help="Of the split.")],
    model: Annotated[str, typer.Option("--model", help="An entry, such as fu2017-cgan@anime.")],
    split: Annotated[str, typer.Option("--split", help="test or series.")] = "test",
    track: TrackName = "gray",
    collection: Collection = "procedural-v1",
    size: Size = None,
    device: Device = "auto",
    lpips: Annotated[str | None, typer.Option("--lpips-weights", help="torchvision's AlexNet, or download.")] = None,
    inception: Annotated[
        str | None, typer.Option("--legacy-inception-weights", help="torchvision's Inception v3, or download.")
    ] = None,
    as_json: Json = False,
    home: Home = HOME,
) -> None:
    """What published code would print of an entry, beside the right numbers. Nothing of it enters a board.

    Example: bench literature --domain cartoon --model gray-copy
    """
    import baselines
    from bench import literature, playing, progress
    from bench.device import Machine
    from bench.metrics.literature import load_inception
    from bench.metrics.lpips import load_lpips
    from bench.shelf import Shelf

    machine, seen = Machine(device), Track.parse(track)
    with progress.steps(f"preparing {collection}") as report:
        shelf = Shelf(home, collection, size, report)
        shelf.manifest(seen)
    one = playing.runnable(baselines, shelf, model, seen, None)[0]
    images, predictions = playing.predicted(baselines, shelf, one, domain, split, seen, machine)
    judge, no_judge = load_lpips(lpips, machine.fabric().device)
    network, no_network = load_inception(inception, machine.fabric().device)
    found = literature.numbers(predictions, images, judge, network)
    table(literature.rows(found, predictions, images), as_json)
    for absent in dict.fromkeys(filter(None, (no_judge, no_network))):
        progress.say(absent)


@app.command()
def models(as_json: Json = False) -> None:
    """The baselines and the reference ladder. Parameters are the generator's at the paper's width and 256 px.

    Example: bench models --json
    """
    import baselines
    from bench import grid

    rows = []
    for name in _working(baselines):
        module = baselines.load(name)
        kind = "trained" if hasattr(module, "RECIPE") else "reference"
        rows.append(
            {
                "model": name,
                "kind": kind,
                "parameters": grid.parameters(baselines, name) if kind == "trained" else 0,
                "tracks": " ".join(module.TRACKS) if kind == "trained" else _played(module.TRACKS),
                "title": module.TITLE,
                "source": module.SOURCE,
            }
        )
    table(rows, as_json)


def _played(tracks: tuple[str, ...]) -> str:
    """A reference that serves every track says so in one word."""
    return "every" if len(tracks) == len(CONDITIONS) * len(GUIDANCES) else " ".join(tracks)


def _working(registry: Any) -> list[str]:
    """The models that can be loaded; of other packages' that cannot, one line each on stderr."""
    from bench import progress

    for line in registry.problems():
        progress.say(line)
    return registry.working()


@app.command()
def tracks(as_json: Json = False) -> None:
    """The tracks, and which baselines serve them.

    Example: bench tracks
    """
    import baselines

    rows = []
    served = {model: baselines.load(model).TRACKS for model in _working(baselines)}
    learned = [model for model in served if hasattr(baselines.load(model), "RECIPE")]
    for condition in CONDITIONS:
        for guidance in GUIDANCES:
            one = Track(condition, guidance)
            models = [model for model in served if one.name in served[model]]
            rows.append(
                {
                    "track": one.name,
                    "played on": "clips" if one.temporal else "images",
                    "trained": " ".join(model for model in models if model in learned),
                    "references": " ".join(model for model in models if model not in learned),
                }
            )
    table([row for row in rows if row["trained"] or as_json], as_json)


@app.command()
def doctor(as_json: Json = False, home: Home = HOME) -> None:
    """What this machine has, and each metric against its independent library. Exit 1 if one disagrees.

    Example: bench doctor
    """
    from bench.doctor import examine

    rows = examine(home)
    table([row.facts() for row in rows], as_json)
    raise typer.Exit(0 if all(row.good for row in rows) else 1)
