"""The grid: every baseline on every mix, trained one after another; what is done is skipped."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import torch

from bench.data.manifest import Manifest
from bench.device import Machine
from bench.errors import BenchError, unknown
from bench.job import Job
from bench.parallel import together
from bench.shelf import Shelf
from bench.train import Stop, is_trained, read_facts, train
from bench.types import (
    BUDGETS,
    DOMAINS,
    Budget,
    Entry,
    Mix,
    Track,
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


def train_one(
    one: Job, shelf: Shelf, machine: Machine, tell: Tell, stop: Stop = lambda: False, wait: bool = True
) -> None:
    """Train a job, or go on with it, or skip it if it is done; a failure is told, not raised.

    Args:
        one: the training.
        shelf: its collection.
        machine: where to compute.
        tell: called with `training`, then `trained`, `skipped` or `failed`, and the facts.
        stop, wait: see `train`, as for `Stopped` and `Taken`.
    """
    domains, keys, home = one.domains, split_keys(shelf, one), shelf.home
    try:
        if machine.several:
            machine.fabric()  # connects the processes
        if is_trained(one.folder(home)):
            tell("skipped", read_facts(one, keys, home))
            return
        tell("training", {"step": 0, "steps": one.steps})
        with together():
            images = {domain: shelf.load(domain, "train", one.track) for domain in domains}
            judged = [domain for domain in domains if shelf.has(domain, "val", one.track)]
            validation = {domain: shelf.load(domain, "val", one.track) for domain in judged}
        train(
            one,
            images,
            validation,
            keys,
            home,
            machine,
            lambda facts: tell("training", facts),
            stop,
            wait,
        )
        facts = read_facts(one, keys, home)
    except BenchError as error:
        tell("failed", {"why": str(error)})
    else:
        tell("trained", facts)
