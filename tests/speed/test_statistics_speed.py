"""Speed of the uncertainty: many metrics on shared resamples against the loop that one would write, and its size."""

import time

import numpy as np
import pytest

from bench.comparison import rank_intervals
from bench.statistics import RESAMPLES, summarize_all

IMAGES = 5_000
METRICS = 20
REPEATS = 3


def timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@pytest.fixture(scope="module")
def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"metric-{number}": rng.gamma(2.0, 5.0, IMAGES) for number in range(METRICS)}


@pytest.mark.parametrize("method", ["percentile", "studentized"])
@pytest.mark.parametrize("groups", [200, IMAGES])
def test_all_metrics_of_a_large_split_take_seconds(benchmark, values, groups, method) -> None:
    """10,000 resamples of 5,000 images under 20 metrics; at worst each image is a group of its own."""
    owners = [f"g{number % groups}" for number in range(IMAGES)]
    benchmark.pedantic(lambda: summarize_all(values, owners, method=method), rounds=REPEATS, warmup_rounds=1)
    assert benchmark.stats.stats.min < 5


def test_shared_resamples_beat_a_bootstrap_a_metric(benchmark, values) -> None:
    """Beside each metric by itself; a plain loop over resamples (a tenth of them) is told besides."""
    owners = [f"g{number}" for number in range(IMAGES)]

    def one_by_one() -> None:
        for column in values.values():
            summarize_all({"": column}, owners, method="percentile")

    def plain_loop() -> None:
        rng = np.random.default_rng(0)
        table = np.stack(list(values.values()), axis=1)
        means = [table[rng.integers(0, IMAGES, IMAGES)].mean(axis=0) for _ in range(RESAMPLES // 10)]
        np.quantile(means, [0.025, 0.975], axis=0)

    def together() -> None:
        summarize_all(values, owners, method="percentile")

    together()
    ours, each, loop = [], [], []
    for _ in range(REPEATS):
        ours.append(timed(together))
        each.append(timed(one_by_one))
        loop.append(10 * timed(plain_loop))
    benchmark.extra_info |= {
        "seconds": round(min(ours), 2),
        "times_one_by_one": round(min(each) / min(ours), 1),
        "times_plain_loop": round(min(loop) / min(ours), 1),
    }
    benchmark.pedantic(together, rounds=1)
    assert min(each) / min(ours) > 2.5


def test_ranks_of_a_large_board(benchmark) -> None:
    """60 entries on 5,000 images of 200 groups, all pairs compared on 10,000 resamples."""
    rng = np.random.default_rng(0)
    hard = rng.normal(15, 4, IMAGES)
    entries = {f"e{number}": hard + 0.05 * number + rng.normal(size=IMAGES) for number in range(60)}
    owners = [f"g{number % 200}" for number in range(IMAGES)]
    benchmark.pedantic(lambda: rank_intervals(entries, owners, direction="lower"), rounds=REPEATS, warmup_rounds=1)
    assert benchmark.stats.stats.min < 10
