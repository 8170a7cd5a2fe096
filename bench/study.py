"""The reference study: the trainings behind the committed boards, and the one call that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench import crew, grid, playing, progress
from bench.data import open_v1
from bench.data.collections import TRAINED_ON
from bench.device import Machine
from bench.job import Job
from bench.parts import PARTS
from bench.shelf import Shelf
from bench.types import DOMAINS, EVALUATED_SPLITS, Entry, Mix, Track


class Planned(NamedTuple):
    """A training of the study: the entry, what it sees, and its seed."""

    entry: Entry
    track: Track
    seed: int


def plan(collection: str) -> list[Planned]:
    """What `jobs` trains on a collection of the study, told without opening or drawing it; the first seeds first."""
    found = []
    for part in PARTS:
        track = Track.parse(part.track)
        domains = _domains(collection, track)
        mixes = [Mix.parse(text) for text in part.mixes] or [Mix((domain,)) for domain in domains]
        if not part.mixes and domains == DOMAINS:
            mixes.append(Mix(DOMAINS))
        found += [
            Planned(Entry(model, mix), track, seed) for model in part.models for mix in mixes for seed in part.seeds
        ]
    return sorted(found, key=lambda one: one.seed)


def _domains(collection: str, track: Track) -> tuple[str, ...]:
    """The domains that a collection of the study has for a track: all four, but for clips those with films."""
    if collection != open_v1.NAME or not track.temporal:
        return DOMAINS
    filmed = {row.domain for row in open_v1.listed() if row.kind == "video"}
    return tuple(domain for domain in DOMAINS if domain in filmed)


def jobs(registry: crew.Registered, shelf: Shelf, budget: str) -> list[Job]:
    """The trainings of the study on a collection, those whose track it cannot serve left out; the first seeds first."""
    found = []
    for part in PARTS:
        track = Track.parse(part.track)
        seen = grid.serving(registry, part.models, track, budget)
        models = [model for model, one in seen.items() if shelf.serves(one)]
        if models:
            found += grid.jobs(registry, shelf, models, part.mixes, track, budget, part.seeds)
    return sorted(found, key=lambda one: one.seed)


def scored(collections: Sequence[str]) -> list[str]:
    """These collections, and those for evaluation alone whose entries learn from them."""
    return [*collections, *(name for name, school in TRAINED_ON.items() if school in collections)]


def run(
    registry: crew.Registered,
    home: Path,
    records: Path,
    collections: list[str],
    size: int,
    budget: str,
    machine: Machine,
    workers: int | None = None,
) -> None:
    """Train and score the study; what is done is skipped. Boards and report are rendered from the records afterwards.

    Args:
        registry: the baselines.
        home: the folder for everything a run makes.
        records: the folder that takes the records.
        collections: which of `bench.parts.COLLECTIONS`; with one, those evaluated only that learn from it.
        size: the side of the images, in pixels.
        budget: how much training.
        machine: where to compute.
        workers: trainings, and evaluations, side by side; None for one a core, or one on a GPU.

    Raises:
        BenchError: as `crew.train_all` and `crew.evaluate_all`.
    """
    for collection in collections:
        with progress.steps(f"preparing {collection}") as show:
            shelf = Shelf(home, collection, size, show)
            todo = jobs(registry, shelf, budget)
        with progress.trainings(todo) as show:
            crew.train_all(registry, todo, shelf, machine, show, workers)
    for collection in scored(collections):
        with progress.steps(f"preparing {collection}") as show:
            shelf = Shelf(home, collection, size, show)
            plays = playing.plays(registry, shelf, "all", None, budget)
            plays = [(track, entries) for track, entries in plays if shelf.serves(track)]
        for track, entries in plays:
            domains = list(shelf.manifest(track).domains)
            with progress.grid(f"scoring {collection} {track.name}") as show:
                side_by_side = crew.workers_for(machine, len(entries), workers)
                crew.evaluate_all(
                    registry, shelf, domains, list(EVALUATED_SPLITS), entries, track, playing.Options(), records,
                    machine, show, side_by_side,
                )  # fmt: skip
