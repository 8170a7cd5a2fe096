"""`bench demo`: the main job on drawn images, with nothing needed; the same calls as the commands it prints."""

from __future__ import annotations

from pathlib import Path

from bench import grid, progress, records, report
from bench.data.collections import open_collection
from bench.device import Machine
from bench.evaluate import Distributions
from bench.features import load_inception
from bench.types import EVALUATED_SPLITS, Track

COLLECTION = "procedural-v1"
SIZE = 64


def demo(registry: grid.Registry, home: Path, out: Path, machine: Machine) -> list[Path]:
    """Draw procedural-v1, train every baseline on every mix at the smoke budget, score them, render the boards.

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
        manifest = open_collection(home, COLLECTION, SIZE, show)
    with progress.grid("training") as show:
        grid.train_all(grid.jobs(registry, manifest, track=track), manifest, home, machine, show)
    entries = grid.runnable(registry, manifest, home, "all", track, "smoke")
    folder = out / "leaderboards" / "records"
    with progress.grid("scoring") as show:
        grid.evaluate_all(
            registry, manifest, list(manifest.domains), list(EVALUATED_SPLITS), entries, track,
            Distributions(*load_inception(device=machine.fabric().device)), home, folder, machine, show,
        )  # fmt: skip
    return report.render(records.read_all(folder), out / "leaderboards", out / "reports")
