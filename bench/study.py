"""The reference study: the trainings behind the committed boards, and the one call that makes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import crew, grid, playing, progress
from bench.data import open_v1
from bench.data.collections import TRAINED_ON
from bench.device import Machine
from bench.job import Job
from bench.parts import PARTS, Part
from bench.shelf import Shelf
from bench.types import DOMAINS, EVALUATED_SPLITS, Entry, Mix, Track


class Planned(NamedTuple):
    """A training of the study: the entry, what it sees, its seed and the name of its budget."""

    entry: Entry
    track: Track
    seed: int
    budget: str


def plan(collection: str, budget: str | None = None) -> list[Planned]:
    """What `jobs` trains on a collection of the study, told without opening or drawing it; the first seeds first."""
    found = []
    for part in _parts(collection):
        track = Track.parse(part.track)
        domains = _domains(collection, track)
        mixes = [Mix.parse(text) for text in part.mixes] or [Mix((domain,)) for domain in domains]
        if not part.mixes and domains == DOMAINS:
            mixes.append(Mix(DOMAINS))
        found += [
            Planned(Entry(model, mix), track, seed, budget or part.budget(collection))
            for model in part.models
            for mix in mixes
            for seed in part.seeds
        ]
    return sorted(found, key=lambda one: one.seed)


def _parts(collection: str) -> list[Part]:
    return [part for part in PARTS if collection in part.on]


def _domains(collection: str, track: Track) -> tuple[str, ...]:
    """The domains that a collection of the study has for a track: all four, but for clips those with films."""
    if collection != open_v1.NAME or not track.temporal:
        return DOMAINS
    filmed = {row.domain for row in open_v1.listed() if row.kind == "video"}
    return tuple(domain for domain in DOMAINS if domain in filmed)


def jobs(registry: crew.Registered, shelf: Shelf, budget: str | None = None) -> list[Job]:
    """The trainings of the study on a collection, those whose track it cannot serve left out; the first seeds first.

    Args:
        registry: the baselines.
        shelf: the collection.
        budget: how much training; None for what each part says.
    """
    found = []
    for part in _parts(shelf.collection):
        track = Track.parse(part.track)
        much = budget or part.budget(shelf.collection)
        seen = grid.serving(registry, part.models, track, much)
        models = [model for model, one in seen.items() if shelf.serves(one)]
        if models:
            found += grid.jobs(registry, shelf, models, part.mixes, track, much, part.seeds)
    return sorted(found, key=lambda one: one.seed)


def plays(registry: crew.Registered, shelf: Shelf, made: Sequence[Job]) -> list[tuple[Track, list[playing.Runnable]]]:
    """What is scored on each track of a collection: the trainings of the study, on whatever they serve, and the ladder.

    Args:
        registry: the baselines.
        shelf: the collection, or one for evaluation alone.
        made: what was trained. Whatever else lies in the home is left out, such as the same entry at another budget.
    """
    ours = {one.folder(shelf.home) for one in made}
    found = []
    for track in playing.played(registry, shelf):
        entries: list[playing.Runnable] = []
        for budget in sorted({one.budget.name for one in made}):
            there = playing.runnable(registry, shelf, "all", track, budget)
            mine = [one for one in there if one.job is None or one.job.folder(shelf.home) in ours]
            entries += [one for one in mine if one not in entries]
        if shelf.serves(track) and any(one.job is not None for one in entries):
            found.append((track, entries))
    return found


def scored(collections: Iterable[str]) -> list[str]:
    """These collections, and those for evaluation alone whose entries learn from them."""
    return [*collections, *(name for name, school in TRAINED_ON.items() if school in collections)]


def run(
    registry: crew.Registered,
    home: Path,
    records: Path,
    collections: list[str],
    size: int,
    budget: str | None,
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
        budget: how much training; None for what each part says.
        machine: where to compute.
        workers: trainings, and evaluations, side by side; None for one a core, or one on a GPU.

    Raises:
        BenchError: as `crew.train_all` and `crew.evaluate_all`.
    """
    made: dict[str, list[Job]] = {}
    for collection in collections:
        with progress.steps(f"preparing {collection}") as show:
            shelf = Shelf(home, collection, size, show)
            made[collection] = jobs(registry, shelf, budget)
        with progress.trainings(made[collection]) as show:
            crew.train_all(registry, made[collection], shelf, machine, show, workers)
    for collection in scored(made):
        with progress.steps(f"preparing {collection}") as show:
            shelf = Shelf(home, collection, size, show)
        for track, entries in plays(registry, shelf, made[shelf.school.collection]):
            domains = list(shelf.manifest(track).domains)
            with progress.grid(f"scoring {collection} {track.name}") as show:
                side_by_side = crew.workers_for(machine, len(entries), workers)
                crew.evaluate_all(
                    registry, shelf, domains, list(EVALUATED_SPLITS), entries, track, playing.Options(), records,
                    machine, show, side_by_side,
                )  # fmt: skip
