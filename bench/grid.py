"""The grid: every baseline on every mix, trained and evaluated, one entry after another; what is done is skipped."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import torch

from bench.colorize import predict
from bench.data.manifest import Manifest
from bench.device import Machine, device_name
from bench.errors import BenchError, unknown
from bench.evaluate import Subject, evaluate
from bench.exported import Exported
from bench.job import Job
from bench.metrics.probe import assert_agreement
from bench.predictions import read_predictions
from bench.records import Record, write
from bench.scoring import Scorer
from bench.shelf import Shelf
from bench.train import FACTS, load, read_facts, train
from bench.types import (
    BUDGETS,
    CONDITIONS,
    DOMAINS,
    EVALUATED_SPLITS,
    GUIDANCES,
    MIXED,
    Budget,
    Entry,
    Mix,
    Track,
    slug,
)
from bench.weights import DOWNLOAD, NONE


class Registry(Protocol):
    """The folder of baselines: the file name is the registry; `working` leaves out other packages' broken ones."""

    def names(self) -> list[str]: ...

    def working(self) -> list[str]: ...

    def load(self, name: str) -> ModuleType: ...


@dataclass(frozen=True)
class Event:
    """What a grid tells its caller: entry `number` of `total`, and how it stands."""

    number: int
    total: int
    entry: str
    state: str
    facts: dict[str, Any]


Report = Callable[[Event], None]
Tell = Callable[[str, dict[str, Any]], None]
"""Called with a state and its facts."""


def trained(registry: Registry) -> list[str]:
    """The baselines that have a recipe."""
    return [name for name in registry.working() if hasattr(registry.load(name), "RECIPE")]


def parameters(registry: Registry, model: str, size: int = 256) -> int:
    """A baseline's learned parameters at the paper's width, counted without memory for them."""
    with torch.device("meta"):
        built = registry.load(model).build(size=size, width=1.0)
    return sum(parameter.numel() for parameter in built.generator.parameters())


def references(registry: Registry) -> list[str]:
    """The untrained reference ladder."""
    return [name for name in registry.working() if hasattr(registry.load(name), "fit")]


def barred(registry: Registry, model: str, collection: str) -> str:
    """Why a reference does not run on a collection: it names in COLLECTIONS those that tell what it needs.

    Returns:
        One line, empty where it runs.
    """
    only = getattr(registry.load(model), "COLLECTIONS", (collection,))
    return "" if collection in only else f"{model} needs what only {' and '.join(only)} can tell, not {collection}."


def mixes(manifest: Manifest, asked: Iterable[str]) -> list[Mix]:
    """The mixes asked for, else each domain of the collection and, where it has all four, `mixed`.

    Raises:
        BenchError: a mix names a domain that the collection lacks.
    """
    chosen = [Mix.parse(text) for text in asked]
    if not chosen:
        chosen = [Mix((domain,)) for domain in manifest.domains]
        chosen += [Mix(DOMAINS)] if set(DOMAINS) <= set(manifest.domains) else []
    for mix in chosen:
        for domain in mix.domains:
            if domain not in manifest.domains:
                raise unknown(f"domain in mix {mix.name!r} of {manifest.collection}:", domain, list(manifest.domains))
    return chosen


def default_track(registry: Registry, model: str) -> Track:
    """The track a model is trained for where none is asked: the first it names."""
    return Track.parse(registry.load(model).TRACKS[0])


def serving(registry: Registry, models: Iterable[str], track: Track | None, budget: str) -> dict[str, Track]:
    """The baselines to train and each one's track: those asked for, else all that serve the track, else all.

    Raises:
        BenchError: an unknown model or budget; a model that is a reference; a track that a model cannot serve.
    """
    if budget not in BUDGETS:
        raise unknown("budget", budget, list(BUDGETS))
    known = trained(registry)
    chosen = list(models) or [name for name in known if track is None or track.name in registry.load(name).TRACKS]
    if not chosen:
        raise BenchError(f"no baseline serves the track {track.name if track else ''}; see: bench tracks")
    for name in chosen:
        if name not in known:
            raise unknown("baseline to train", name, known)
        if track is not None:
            require_track(registry, name, track)
    return {name: (track or default_track(registry, name)).trained for name in chosen}


def require_track(registry: Registry, model: str, track: Track) -> None:
    """Refuse a track that a model cannot serve, in one line that names those it can."""
    served = registry.load(model).TRACKS
    if track.name not in served:
        raise BenchError(f"{model} serves the tracks {', '.join(served)}, not {track.name}.")


def jobs(
    registry: Registry,
    shelf: Shelf,
    models: Iterable[str] = (),
    asked_mixes: Iterable[str] = (),
    track: Track | None = None,
    budget: str = "smoke",
    seeds: Iterable[int] = (0,),
    weights: str | None = None,
) -> list[Job]:
    """The trainings of a grid. Where all models are asked for, those whose track the collection cannot serve stay out.

    Args:
        registry: the baselines.
        shelf: the collection.
        models: which; see `serving`.
        asked_mixes: which; see `mixes`.
        track: what the models see; each one's default if None.
        budget: how much training.
        seeds: one training each.
        weights: of pretrained backbones; see `backbone`.

    Raises:
        BenchError: as those, or weights that no chosen model takes.
    """
    asked = list(models)
    chosen = serving(registry, asked, track, budget)
    if not asked and track is None:
        chosen = {name: seen for name, seen in chosen.items() if shelf.serves(seen)}
    bodies = {name: backbone(registry, name, budget, weights) for name in chosen}
    if weights not in (None, NONE) and not any(bodies.values()):
        raise BenchError(f"none of {', '.join(chosen)} takes --backbone-weights at the budget {budget}; leave it out.")
    return [
        job(registry, shelf, Entry(name, mix), seen, BUDGETS[budget], seed, bodies[name])
        for name, seen in chosen.items()
        for mix in mixes(shelf.manifest(seen), asked_mixes)
        for seed in seeds
    ]


def backbone(registry: Registry, model: str, budget: str, option: str | None) -> Path | None:
    """The pretrained weights a model starts from: those named, else those in torch's cache, else none.

    Which it was stands in the record (`pretrained`). A budget below the paper's width has no use for a body's weights;
    those that only judge, as a perceptual loss does, serve every width.

    Raises:
        BenchError: the weights file is missing or another one.
    """
    published = getattr(registry.load(model), "WEIGHTS", None)
    if published is None or (BUDGETS[budget].width != 1 and not published.any_width):
        return None
    if option not in (None, DOWNLOAD, NONE):
        place = Path(option)
        # Several models take several files: a folder may hold them under their published names.
        return place / published.name if place.is_dir() else place  # the model checks that it fits
    found = published.find(option)
    return found if isinstance(found, Path) else None


def job(
    registry: Registry,
    shelf: Shelf,
    entry: Entry,
    track: Track,
    budget: Budget,
    seed: int,
    weights: Path | None = None,
) -> Job:
    """One training of one entry."""
    module = registry.load(entry.model)
    build = module.build
    if "track" in inspect.signature(build).parameters:  # a model whose objective depends on what it sees
        build = partial(build, track=track)
    recipe = module.RECIPE.at_width(budget.width)
    return Job(entry, build, recipe, track, budget, seed, shelf.size, shelf.school.collection, weights)


def split_keys(shelf: Shelf, one: Job) -> list[str]:
    """The training splits of a job, as they are now."""
    return [shelf.school.split(domain, "train", one.track).key for domain in one.domains]


def train_one(one: Job, shelf: Shelf, machine: Machine, tell: Tell) -> None:
    """Train a job, or go on with it, or skip it if it is done; a failure is told, not raised.

    Args:
        one: the training.
        shelf: its collection.
        machine: where to compute.
        tell: called with `training`, then `trained`, `skipped` or `failed`, and the facts.
    """
    domains, keys, home = one.domains, split_keys(shelf, one), shelf.home
    try:
        if (one.folder(home) / FACTS).exists():
            tell("skipped", read_facts(one, keys, home))
            return
        tell("training", {"step": 0, "steps": one.steps})
        train(
            one,
            {domain: shelf.load(domain, "train", one.track) for domain in domains},
            {domain: shelf.load(domain, "val", one.track) for domain in domains if shelf.has(domain, "val", one.track)},
            keys,
            home,
            machine,
            lambda facts: tell("training", facts),
        )
        facts = read_facts(one, keys, home)
    except BenchError as error:
        tell("failed", {"why": str(error)})
    else:
        tell("trained", facts)


@dataclass(frozen=True)
class Runnable:
    """An entry that can be evaluated here: a finished training (job), a model file, predictions, or a reference."""

    entry: Entry
    job: Job | None = None
    predictions: Path | None = None
    exported: Exported | None = None


def submission(registry: Registry, name: str) -> Entry:
    """The entry of somebody's predictions or model file.

    Raises:
        BenchError: the name is not a slug, or is a registered model's.
    """
    if name in (*registry.names(), MIXED, "all", *DOMAINS):
        raise BenchError(f"--name {name!r} means something already; give your predictions a name of their own.")
    return Entry(slug("--name", name))


def runnable(registry: Registry, shelf: Shelf, text: str, track: Track, budget: str | None) -> list[Runnable]:
    """What `--model TEXT` stands for: one entry with all its seeds, or `all`: the ladder and everything trained here.

    Of an entry trained at several budgets the largest counts, unless one is named.

    Raises:
        BenchError: an unknown entry, a track that it cannot serve, or one that is not trained yet (says the command
            that trains it).
    """
    if budget is not None and budget not in BUDGETS:
        raise unknown("budget", budget, list(BUDGETS))
    if text != "all":
        entry = Entry.parse(text, registry.names())
        require_track(registry, entry.model, track)
        if entry.model in references(registry):
            if entry.mix is not None:
                raise BenchError(f"{entry.model} is not trained on a mix; write --model {entry.model}.")
            if why := barred(registry, entry.model, shelf.collection):
                raise BenchError(why)
            return [Runnable(entry)]
        if entry.mix is None:
            raise BenchError(f"{entry.model} is trained on a mix; write --model {entry.model}@mixed, for example.")
        mixes(shelf.manifest(track), [entry.mix.name])
        found = _finished(registry, shelf, entry, track, budget)
        if not found:
            one = job(registry, shelf, entry, track.trained, BUDGETS[budget or "smoke"], 0)
            raise BenchError(
                f"{entry.name} is not trained on {shelf.collection} at {shelf.size} px, track {one.track.name}; "
                f"first run: {one.command}"
            )
        return found
    ladder = [name for name in references(registry) if not barred(registry, name, shelf.collection)]
    entries = [Runnable(Entry(name)) for name in ladder if track.name in registry.load(name).TRACKS]
    for name in _folders(shelf, track):
        entry = Entry.parse(name, trained(registry))
        if track.name in registry.load(entry.model).TRACKS:
            entries += _finished(registry, shelf, entry, track, budget)
    return entries


def plays(
    registry: Registry, shelf: Shelf, text: str, track: Track | None, budget: str | None
) -> list[tuple[Track, list[Runnable]]]:
    """What is evaluated on which track: of one model its default track, of `all` every track with something trained.

    Raises:
        BenchError: as `runnable`.
    """
    if track is not None:
        tracks = [track]
    elif text == "all":
        tracks = played(registry, shelf) or [Track("gray")]
    else:
        tracks = [default_track(registry, Entry.parse(text, registry.names()).model)]
    return [(one, runnable(registry, shelf, text, one, budget)) for one in tracks]


def played(registry: Registry, shelf: Shelf) -> list[Track]:
    """The tracks on which something that was trained here can be evaluated, in the order of the boards."""
    found = []
    for condition in CONDITIONS:
        for track in (Track(condition, guidance) for guidance in GUIDANCES):
            models = {name.partition("@")[0] for name in _folders(shelf, track)} & set(trained(registry))
            if any(track.name in registry.load(model).TRACKS for model in models):
                found.append(track)
    return found


def _folders(shelf: Shelf, track: Track) -> list[str]:
    """The entries that have a training for a track, finished or not."""
    place = shelf.home / "checkpoints" / shelf.school.collection / f"{shelf.size}px" / track.trained.name
    return sorted(folder.name for folder in place.iterdir() if "@" in folder.name) if place.is_dir() else []


def _finished(registry: Registry, shelf: Shelf, entry: Entry, track: Track, budget: str | None) -> list[Runnable]:
    for name in [budget] if budget else reversed(BUDGETS):
        first = job(registry, shelf, entry, track.trained, BUDGETS[name], 0).folder(shelf.home)
        names = (facts.parent.name.removeprefix(f"{name}-s") for facts in first.parent.glob(f"{name}-s*/{FACTS}"))
        seeds = sorted(int(seed) for seed in names if seed.isdecimal())
        if seeds:
            return [Runnable(entry, job(registry, shelf, entry, track.trained, BUDGETS[name], seed)) for seed in seeds]
    return []


def evaluate_all(
    registry: Registry,
    shelf: Shelf,
    domains: list[str],
    splits: list[str],
    entries: list[Runnable],
    track: Track,
    scorer: Scorer,
    records: Path,
    machine: Machine,
    report: Report,
    save_predictions: bool = False,
) -> list[Record]:
    """Evaluate entries on the splits of domains and write one record each; a split that a domain lacks is passed over.

    Returns:
        The records, as written.

    Raises:
        BenchError: an unknown domain or split, predictions with faults, weights of another training, or a metric that
            disagrees with its library on the probe.
    """
    for split in splits:
        if split not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", split, list(EVALUATED_SPLITS))
    for domain in domains:
        if domain not in shelf.manifest(track).domains:
            raise unknown(f"domain of {shelf.collection}", domain, list(shelf.manifest(track).domains))
    wanted = [(domain, split) for domain in domains for split in splits if shelf.has(domain, split, track)]
    assert_agreement()
    device = machine.fabric().device
    made: list[Record] = []
    for one in entries:
        subjects = _subjects(registry, one, shelf, wanted, track, device)
        for domain, name in wanted:
            split, images = shelf.split(domain, name, track), shelf.load(domain, name, track)
            command = _command(one, shelf, domain, name, track)
            started = time.monotonic()
            subject = subjects(domain, name)
            record = evaluate(subject, split, images, track.name, scorer, shelf.home, command, save_predictions)
            write(records, record)
            made.append(record)
            facts = {"split": split.key, "seconds": time.monotonic() - started, "record": record}
            report(Event(len(made), len(wanted) * len(entries), one.entry.name, "scored", facts))
    return made


def _subjects(
    registry: Registry,
    one: Runnable,
    shelf: Shelf,
    wanted: list[tuple[str, str]],
    track: Track,
    device: Any,
) -> Callable[[str, str], Subject]:
    """How an entry predicts on each (domain, split): its model or pictures are read once."""
    if one.predictions is not None:
        pictures = read_predictions(one.predictions, {place: shelf.load(*place, track) for place in wanted})
        return lambda domain, name: Subject(one.entry, "submission", lambda images: pictures[domain, name])
    if one.exported is not None:
        exported = one.exported
        subject = Subject(one.entry, "submission", lambda images: exported.predict(images, device))
        return lambda domain, name: subject
    if one.job is None:
        fit = cache(lambda domain: registry.load(one.entry.model).fit(shelf.school.load(domain, "train", track)))
        return lambda domain, name: Subject(one.entry, "reference", fit(domain))
    model, facts = load(one.job, split_keys(shelf, one.job), shelf.home, device)
    subject = Subject(
        one.entry,
        "trained",
        lambda images: predict(model, images, track, device),
        facts,
        one.job.seed,
        device_name(device),
    )
    return lambda domain, name: subject


def _command(one: Runnable, shelf: Shelf, domain: str, split: str, track: Track) -> str:
    """The command that makes a record again."""
    words = [f"bench evaluate --domain {domain} --split {split}"]
    if one.predictions:
        words += ["--predictions DIR --name", one.entry.name]
    elif one.exported:
        words += ["--model", one.exported.path.name]
    else:
        words += ["--model", one.entry.name]
    words += [f"--budget {one.job.budget.name}"] if one.job else []
    words += [f"--collection {shelf.collection} --size {shelf.size}"]
    words += [f"--track {track.name}"]
    return " ".join(words)
