"""Speed of the whole per-image suite beside the metrics of protocol v1, in alternating runs of one process."""

import time

import numpy as np
import pytest

from bench.metrics.pixel import score_images
from bench.metrics.suite import score, score_all

SIDE = 256
PAIRS = 4
REPEATS = 40

MOST_ALONE, MOST_ADDED = 4.5, 4.0
"""Times the processor time of the protocol's metrics that the suite may cost by itself, and on top of them in one pass:
3.6 and 3.3 are measured on textures, less on drawings; there is room for another processor."""


def textured():
    """Smooth pictures and noisy copies of them: more colours and regions than any drawing has."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    waves = [128 + 100 * np.sin(x / (9 + i % 7) + i) * np.cos(y / (11 + i % 5)) for i in range(3 * PAIRS)]
    targets = np.stack(waves).reshape(PAIRS, 3, SIDE, SIDE).transpose(0, 2, 3, 1).round().astype(int)
    predictions = (targets + rng.integers(-40, 41, targets.shape)).clip(0, 255)
    return np.ascontiguousarray(predictions, np.uint8), np.ascontiguousarray(targets, np.uint8)


def drawn():
    """Flat cells of colour, and the same cells with others' colours mixed in."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    seeds = rng.uniform(0, SIDE, (PAIRS, 40, 2))
    cells = [np.argmin((y[..., None] - one[:, 0]) ** 2 + (x[..., None] - one[:, 1]) ** 2, -1) for one in seeds]
    targets = np.stack([rng.integers(0, 256, (40, 3))[numbers] for numbers in cells]).astype(np.uint8)
    return (targets // 4 * 3 + np.roll(targets, 9, 1) // 4).astype(np.uint8), targets


PICTURES = {"textured": textured, "drawn": drawn}


@pytest.mark.parametrize("kind", PICTURES)
def test_ratio(benchmark, kind):
    """What the suite adds to the protocol's metrics, in processor time, which others on the machine hardly change."""
    pairs = PICTURES[kind]()
    benchmark.group = f"per-image suite {SIDE}: times the protocol's metrics"
    least: dict[str, float] = {}

    def alternate():
        for name, function in (("protocol", score_images), ("suite", score), ("both", score_all)):
            for threads in (1, 2):
                wall, processor = time.perf_counter(), time.process_time()
                function(*pairs, threads=threads)
                for key, value in (
                    (f"{name}, {threads} threads", time.perf_counter() - wall),
                    (f"{name}, processor", time.process_time() - processor),
                ):
                    least[key] = min(least.get(key, np.inf), value)

    benchmark.pedantic(alternate, rounds=REPEATS, warmup_rounds=1)
    protocol, suite, both = (least[f"{name}, processor"] for name in ("protocol", "suite", "both"))
    alone, added = suite / protocol, both / protocol - 1
    rates = {name: round(PAIRS / value) for name, value in least.items() if "threads" in name}
    benchmark.extra_info.update(images_per_second=rates, ratio_alone=round(alone, 2), ratio_added=round(added, 2))
    print(f"{kind}: alone {alone:.2f}x the protocol's metrics, in one pass with them {added:.2f}x more; {rates}")
    assert alone <= MOST_ALONE
    assert added <= MOST_ADDED


def test_what_is_timed_is_the_same():
    """Not a benchmark: one pass gives what the two calls give."""
    pairs = drawn()
    apart = score_images(*pairs) | score(*pairs)
    for name, values in score_all(*pairs).items():
        np.testing.assert_array_equal(values, apart[name])
