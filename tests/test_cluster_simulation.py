"""The simulated schedule against cases that are worked out by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cluster import simulation
from bench.cluster.simulation import Cluster, durations, simulate
from bench.errors import BenchError


def whole(hours: list[float], cluster: Cluster, seed: int = 0) -> simulation.Schedule:
    """Tasks that take a GPU each."""
    return simulate(np.array(hours), np.full(len(hours), cluster.memory), cluster, seed)


def test_without_failures_it_is_list_scheduling() -> None:
    """Graham's example: 3, 3, 2, 2, 2 on two GPUs are 7 in this order, though 6 is possible."""
    found = whole([3, 3, 2, 2, 2], Cluster(2))
    assert found.makespan == 7
    assert found.bound == 6
    assert found.utilisation == pytest.approx(12 / 14)
    assert (found.wasted, found.failures, found.failed) == (0, 0, 0)


@pytest.mark.parametrize("gpus", [1, 3, 17])
def test_graham_s_bound_holds(gpus: int) -> None:
    hours = np.random.default_rng(1).exponential(2.0, 200)
    found = whole(hours.tolist(), Cluster(gpus))
    assert found.bound == pytest.approx(max(hours.max(), hours.sum() / gpus))
    assert found.bound - 1e-9 <= found.makespan <= hours.sum() / gpus + hours.max()


def test_tasks_share_a_gpu_as_their_memory_allows() -> None:
    """40 + 40 share a GPU of 80, 50 must wait for both; it holds five eighths of the GPU for an hour."""
    found = simulate(np.array([1.0, 1.0, 1.0]), np.array([40.0, 40.0, 50.0]), Cluster(1))
    assert found.makespan == 2
    assert found.utilisation == pytest.approx((1 + 5 / 8) / 2)


def test_one_known_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure at 2.5 h, checkpoints each hour, repair 0.5 h, start 0.25 h: 0.25 + 2.25 done, 2 kept, 2 left.

    It starts again at 3.0 and ends at 3.0 + 0.25 + 2 = 5.25; lost are the quarter of a start and that of steps.
    """

    class Once:
        times = iter([2.5, 1e9])

        def exponential(self, scale: float, size: int | None = None) -> object:
            return next(self.times) if size is None else np.array([next(self.times)])

    monkeypatch.setattr(simulation.np.random, "default_rng", lambda seed: Once())
    cluster = Cluster(1, failures_per_gpu_hour=1.0, repair_hours=0.5, checkpoint_hours=1.0, start_hours=0.25, retries=1)
    found = whole([4.0], cluster)
    assert found.makespan == 5.25
    assert found.wasted == pytest.approx(0.5)
    assert found.utilisation == pytest.approx(4 / 5.25)
    assert (found.failures, found.failed) == (1, 0)


def test_a_task_without_checkpoints_that_fails_always_is_given_up() -> None:
    found = whole([1000.0], Cluster(1, failures_per_gpu_hour=1.0, checkpoint_hours=float("inf"), retries=3))
    assert (found.failures, found.failed) == (4, 1)
    assert found.utilisation == 0


def test_work_is_neither_lost_nor_invented() -> None:
    hours = durations(300, 2.0)
    assert hours.mean() == pytest.approx(2.0)
    cluster = Cluster(20, failures_per_gpu_hour=0.1, checkpoint_hours=0.25, retries=100)
    found = whole(hours.tolist(), cluster)
    assert found.failed == 0
    assert found.failures > 10
    assert found.utilisation * 20 * found.makespan == pytest.approx(hours.sum())
    rarer = whole(hours.tolist(), replace(cluster, checkpoint_hours=1.0))
    assert rarer.wasted > 2 * found.wasted
    assert found == whole(hours.tolist(), cluster)


@pytest.mark.parametrize(
    ("hours", "memory", "gpus"), [([1.0], [90.0], 1), ([0.0], [1.0], 1), ([1.0], [1.0], 0), ([1.0], [0.0], 1)]
)
def test_what_cannot_be_is_refused(hours: list[float], memory: list[float], gpus: int) -> None:
    with pytest.raises(BenchError, match="give"):
        simulate(np.array(hours), np.array(memory), Cluster(gpus))


def test_the_command_prints_a_row_for_each_size_and_rate() -> None:
    words = ["cluster", "simulate", "--gpus", "4", "--gpus", "8", "--failures-per-gpu-day", "0", "--entries", "40"]
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.output)
    assert [row["GPUs"] for row in rows] == [4, 8]
    assert float(rows[1]["makespan, h"]) < float(rows[0]["makespan, h"])


def test_the_page_shows_what_the_command_says() -> None:
    page = (Path(__file__).parents[1] / "docs" / "cluster.md").read_text(encoding="utf-8")
    result = CliRunner().invoke(app, ["cluster", "simulate", "--gpus", "100", "--gpus", "1000", "--json"])
    for row in json.loads(result.output):
        assert f"| {' | '.join(map(str, row.values()))} |" in page
