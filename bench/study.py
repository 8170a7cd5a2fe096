"""The reference study: the trainings behind the committed boards, declared once, and the one call that makes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench import crew, grid, playing, progress
from bench.data.collections import TRAINED_ON
from bench.device import Machine
from bench.job import Job
from bench.shelf import Shelf
from bench.types import EVALUATED_SPLITS, Track

COLLECTIONS = ("procedural-v1", "open-v1")
SEEDS = (0, 1, 2)

GRAY = (
    "varga2016-cnn", "varga2016-vgg16", "he2021-gan", "dcgan", "cgan", "fu2017-convnet", "fu2017-cgan",
    "camizan2023-resnet34", "camizan2023-resnet34-gan",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Trainings of the study, on each of its collections.

    Attributes:
        models: which.
        mixes: each of these; empty for each domain, and all together.
        track: what they see; None for each one's default.
        seeds: one training each.
    """

    models: tuple[str, ...]
    mixes: tuple[str, ...] = ()
    track: str | None = None
    seeds: tuple[int, ...] = SEEDS[:1]


PARTS = (
    Part(GRAY, seeds=SEEDS),
    Part(("camizan2023-resnet34",), mixes=("cartoon+live-action",), seeds=SEEDS),  # Camizan et al. 2023, the "mix"
    Part(("fu2017-convnet", "fu2017-cgan"), track="lineart-canny"),  # Fu et al. 2017, Table 1, "edge"
    Part(("cgan",), track="lineart-sketch"),  # what a palette buys chen2019-resunet
    Part(("chen2019-resunet", "tcvc2019", "thasarathan2020-hint")),
    Part(("tcvc2019",), track="lineart-canny+previous"),  # Thasarathan and Ebrahimi 2020, Table 1, "line"
    Part(("thasarathan2020-hint",), track="lineart-canny+hints+previous"),
)
"""Three seeds for the automatic gray track, one for each other."""


def jobs(registry: crew.Registered, shelf: Shelf, budget: str) -> list[Job]:
    """The trainings of the study on a collection, those whose track it cannot serve left out; the first seeds first."""
    found = []
    for part in PARTS:
        track = None if part.track is None else Track.parse(part.track)
        seen = grid.serving(registry, part.models, track, budget)
        models = [model for model, one in seen.items() if shelf.serves(one)]
        if models:
            found += grid.jobs(registry, shelf, models, part.mixes, track, budget, part.seeds)
    return sorted(found, key=lambda one: one.seed)


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
        collections: which of `COLLECTIONS`; with one, those evaluated only that learn from it.
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
    played = [name for name, school in TRAINED_ON.items() if school in collections]
    for collection in (*collections, *played):
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
