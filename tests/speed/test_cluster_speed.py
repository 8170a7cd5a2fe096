"""How many small trainings a second end with 1, 2 and 4 workers on this machine, their start included."""

import sys
import time
from pathlib import Path

import pytest

import baselines
from bench import crew
from bench.shelf import Shelf
from bench.types import Budget

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_cluster import CPU, SIZE, drawn, jobs

ENTRIES = 4
BUDGET = Budget("smoke", images=1600, width=0.25, batch_size=8)


@pytest.mark.slow
def test_entries_a_second_by_workers(benchmark, tmp_path):
    data = drawn(tmp_path).home / "data"

    def rate(workers: int) -> float:
        home = tmp_path / f"{workers}-workers"
        home.mkdir()
        (home / "data").symlink_to(data)
        shelf = Shelf(home, "toy", SIZE)
        started = time.perf_counter()
        todo = jobs(shelf, BUDGET, seeds=ENTRIES // 2)
        crew.train_all(baselines, todo, shelf, CPU, lambda event: None, workers)
        return len(todo) / (time.perf_counter() - started)

    rates = {workers: rate(workers) for workers in (1, 2, 4)}
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info["cores"] = crew.cores()
    benchmark.extra_info["entries a second"] = {f"{count} workers": found for count, found in rates.items()}
    benchmark.extra_info["of the rate of as many cores"] = {
        f"{count} workers": found / rates[1] / min(count, crew.cores()) for count, found in rates.items()
    }
