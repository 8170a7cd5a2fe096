"""The commands that compute: the demo, training, evaluation, and what published code would print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import (
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
from bench.errors import BenchError, unknown
from bench.types import BUDGETS, EVALUATED_SPLITS, Entry, Mix, Track

running = typer.Typer()
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", help="Run on a Ray cluster: auto, or its address. Default: on this machine."),
]
Retries = Annotated[
    int, typer.Option("--retries", min=0, help="How often what was lost with a worker is given out again.")
]
Patience = Annotated[
    float, typer.Option("--patience", min=1, help="Seconds without a word after which a worker is taken for lost.")
]
Exchange = Annotated[
    str | None,
    typer.Option("--store", help="s3://..., file:///...: workers that do not see the home exchange through it."),
]


@running.command()
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


@running.command("train-baselines")
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
    cluster: Cluster = None,
    store: Exchange = None,
    retries: Retries = 3,
    patience: Patience = 1800,
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
    if cluster is None:
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
        rules = crew.Rules(retries, patience)
        crew.train_all(baselines, jobs, shelf, machine, overview, workers, cluster, rules, store)


@running.command()
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
    samples: Annotated[
        int | None,
        typer.Option("--samples", min=2, help="So many colourings of each image, in the folders 0, 1, ... of PATH."),
    ] = None,
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
    workers: Annotated[int, typer.Option("--workers", min=1, help="Evaluations side by side.")] = 1,
    cluster: Cluster = None,
    store: Exchange = None,
    retries: Retries = 3,
    patience: Patience = 1800,
    home: Home = HOME,
    records: Records = RECORDS,
) -> None:
    """Score entries on a domain's splits; one JSON record each.

    Example: bench evaluate --domain cartoon --model mixed
    """
    import baselines
    from bench import crew, playing, progress
    from bench.device import Machine
    from bench.exported import SUFFIXES, read
    from bench.predictions import Watch
    from bench.shelf import Shelf

    if (model is None) == (predictions is None):
        raise BenchError("give either --model ENTRY or --predictions PATH.")
    if watch is not None and predictions is None:
        raise BenchError("--watch waits for --predictions.")
    if samples is not None and (predictions is None or watch is not None):
        raise BenchError("--samples needs --predictions that are all there: a folder with the folders 0, 1, ...")
    if (predictions is None) != (name is None):
        raise BenchError("--predictions and --name go together: where they lie, and what the board calls them.")
    machine, seen, splits = Machine(device), Track.parse(track) if track else None, split or list(EVALUATED_SPLITS)
    if cluster is None:
        machine.check()  # what cannot be is said before a collection is drawn
    for one in splits:
        if one not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", one, list(EVALUATED_SPLITS))
    exported = read(Path(model)) if model and Path(model).suffix in SUFFIXES else None
    given = predictions is not None or exported is not None
    if given and (cluster is not None or store is not None or workers > 1):
        raise BenchError(
            "predictions and model files are scored in one process; leave out --cluster, --store and --workers."
        )
    if model not in (None, "all") and exported is None:
        Entry.parse(model, baselines.names())
    with progress.steps(f"preparing {collection}") as report:
        shelf = Shelf(home, collection, size, report)
        if predictions is not None and name is not None:
            mine = playing.submission(baselines, name)
            entry = playing.Runnable(mine, predictions=predictions, samples=samples or 1)
            plays = [(seen or Track("gray"), [entry])]
        elif exported is not None:
            if seen not in (None, exported.track):
                raise BenchError(f"{exported.path.name} declares the track {exported.track.name}; leave out --track.")
            plays = [
                (exported.track, [playing.Runnable(playing.submission(baselines, exported.name), exported=exported)])
            ]
        else:
            if store is not None:
                only = None if model in (None, "all") else Entry.parse(model, baselines.names()).name
                crew.fetch_trainings(store, shelf, only)
            plays = playing.plays(baselines, shelf, model or "all", seen, budget)
        for one, _ in plays:
            shelf.manifest(one)  # clips are drawn under this bar, not under the next
    options = playing.Options(
        _placed(inception), _placed(lpips), fid_clean, save_predictions=save_predictions, repaint=repaint
    )
    made = 0
    for one, entries in plays:
        held = shelf.manifest(one).domains
        # Clips may lack a domain that the stills have; asked for by itself that is an error, among several tracks not.
        domains = list(held) if domain == ["all"] else [name for name in domain if len(plays) == 1 or name in held]
        with progress.grid(f"scoring {one.name}") as overview:
            if given:
                found = playing.evaluate_all(
                    baselines, shelf, domains, splits, entries, one, options.scorer(machine, home), records, machine,
                    overview, save_predictions, repaint, None if watch is None else Watch(watch),
                )  # fmt: skip
            else:
                found = crew.evaluate_all(
                    baselines, shelf, domains, splits, entries, one, options, records, machine,
                    overview, workers, cluster, crew.Rules(retries, patience), store,
                )  # fmt: skip
            made += len(found)
    if not made:
        raise BenchError(f"nothing was scored: {', '.join(splits)} of {', '.join(domain)} hold no image.")


def _placed(weights: str | None) -> str | None:
    """A weights option that means the same to a process elsewhere: words stay, a path becomes a whole one."""
    return weights if weights in (None, "download", "none") else str(Path(weights).absolute())


@running.command("literature")
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
        str | None, typer.Option("--inception-weights", help="torch-fidelity's, for the right FID, or download.")
    ] = None,
    legacy: Annotated[
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
    from bench.features import load_inception
    from bench.metrics.literature import load_inception as load_legacy
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
    old, no_old = load_legacy(legacy, machine.fabric().device)
    found = literature.numbers(predictions, images, judge, old)
    table(literature.rows(found, predictions, images, judge, network), as_json)
    for absent in dict.fromkeys(filter(None, (no_judge, no_network, no_old))):
        progress.say(absent)
