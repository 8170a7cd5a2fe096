"""How many small trainings end in a second with 1, 2 and 4 workers of one thread each on this machine.

Run with: pytest tests/speed/test_cluster_speed.py --benchmark-only -m slow -s; on a busy machine behind `chrt -r 1`.
"""

import sys
import time
from pathlib import Path

import pytest
import torch

import baselines
from bench import crew
from bench.cores import cores
from bench.grid import Event
from bench.types import Budget

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_cluster import CPU, jobs
from toys import beside, toy_shelf

ENTRIES = 4
BUDGET = Budget("smoke", images=4000, width=0.25, batch_size=8)
"""So long that starting a process is a small part of a training."""
ROUNDS = 2
LEAST = 1.3
"""Two workers on two cores that nobody else uses do nearly twice as much as one; this much on a busy machine too."""


@pytest.mark.slow
def test_entries_a_second_by_workers(benchmark, tmp_path):
    shelf = toy_shelf(tmp_path)
    homes = iter(tmp_path / f"home-{number}" for number in range(99))

    def seconds(workers: int) -> tuple[float, float]:
        """All of it, and from the first step to the last: without the start of processes."""
        place, times = beside(shelf, next(homes)), []

        def report(event: Event) -> None:
            if event.state in ("training", "trained"):
                times.append(time.perf_counter())

        started = time.perf_counter()
        todo = jobs(place, BUDGET, seeds=ENTRIES // 2)
        crew.train_all(baselines, todo, place, CPU, report, workers)
        return time.perf_counter() - started, times[-1] - times[0]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # one worker is this process; others have their share of the cores, and no less than one
    try:
        rounds = {count: [] for count in (1, 2, 4)}
        for _ in range(ROUNDS):
            for count, found in rounds.items():
                found.append(seconds(count))
    finally:
        torch.set_num_threads(threads)
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info["cores"] = cores()
    for place, what in enumerate(("with", "without")):
        best = {count: min(times[place] for times in found) for count, found in rounds.items()}
        benchmark.extra_info[f"entries a second {what} process start"] = {
            f"{count} workers": ENTRIES / least for count, least in best.items()
        }
        benchmark.extra_info[f"of the rate of as many cores, {what} process start"] = {
            f"{count} workers": best[1] / least / min(count, cores()) for count, least in best.items()
        }
        if cores() > 1:
            assert best[1] / best[2] > LEAST, rounds
    print(rounds, benchmark.extra_info)
