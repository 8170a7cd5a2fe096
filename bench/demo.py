"""`bench demo`: the main job on drawn images, with nothing needed; the same calls as the commands it prints."""

from __future__ import annotations

from pathlib import Path

from bench import crew, grid, playing, progress, records, report, scoring
from bench.device import Machine
from bench.shelf import Shelf
from bench.types import EVALUATED_SPLITS, Track

COLLECTION = "procedural-v1"
SIZE = 64
MODELS = ("camizan2023-resnet34", "fu2017-cgan", "fu2017-convnet")
"""Few enough that a newcomer sees a whole board within minutes."""


def demo(registry: crew.Registered, home: Path, out: Path, machine: Machine) -> list[Path]:
    """Draw procedural-v1, train three baselines on every mix at the smoke budget, score them, render the boards.

    Scored by protocol v1's metrics alone; `bench evaluate` adds the others.

    Args:
        registry: the baselines.
        home: where images, weights and per-image scores go; what is done there is not repeated.
        out: gets `leaderboards/` (records and Markdown) and `reports/` (HTML).
        machine: where to compute.

    Returns:
        The boards' paths.
    """
    track = Track("gray")
    with progress.steps(f"drawing {COLLECTION}") as show:
        shelf = Shelf(home, COLLECTION, SIZE, show)
    jobs = grid.jobs(registry, shelf, MODELS, track=track)
    with progress.trainings(jobs) as show:
        crew.train_all(registry, jobs, shelf, machine, show)
    entries = [
        one
        for one in playing.runnable(registry, shelf, "all", track, "smoke")
        # The floors of what can be known take as long as some trainings.
        if not hasattr(registry.load(one.entry.model), "COLLECTIONS")
    ]
    folder = out / "leaderboards" / "records"
    with progress.grid("scoring") as show:
        playing.evaluate_all(
            registry, shelf, list(shelf.images.domains), list(EVALUATED_SPLITS), entries, track,
            scoring.make(device=machine.fabric().device, protocol_only=True), folder, machine, show,
        )  # fmt: skip
    return report.render(records.read_all(folder), out / "leaderboards", out / "reports")
