"""Regions of one colour: is each painted in one colour, and are the small ones right?

Regions are found in the target, or given by a split that knows its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.pair import Pair, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import Int32

    from bench.metrics.pair import Batch, Maps, Scores

STEP = 2
"""Levels by which neighbours of one flat region may differ in a channel: one less and the rounding of a resized or
compressed flat area tears it apart."""

LEAST = 16
"""Pixels of the smallest region that counts; under that, lines and their soft edges would be regions."""

UNEVEN = 2.0
"""Spread of ab (root mean square, Lab) over which a region found in the target is no flat one, but a gradient that
neighbours chain together."""

SMALL = 0.01
"""Share of the image's pixels up to which a region is a small one: 25 x 25 pixels of 256 x 256."""

_FOUND = f"4-connected,step{STEP}-of-255,from-{LEAST}px,target-spread-to-{UNEVEN:g}"
_GIVEN = f"true-regions,from-{LEAST}px"
_SPREAD = "ab-rms-over-target's,pixel-mean,D65/2deg"
_ERROR = f"regions-to-{SMALL:g}-of-pixels,region-mean,D65/2deg,k1"
_SHARMA = "Sharma, Wu and Dalal 2005; regions by our own rule"


def _table(suffix: str, name: str, regions: str) -> tuple[Metric, Metric]:
    return (
        Metric(
            id=f"region-spread{suffix}",
            name=f"Region spread{name}",
            unit="Lab",
            direction="lower",
            kind="full-reference",
            definition=f"{regions},{_SPREAD}",
            source="root mean square of CIE 15:2004, 8.2.1, a and b; our own rule",
            decimals=2,
        ),
        Metric(
            id=f"small-regions{suffix}",
            name=f"Small regions{name}",
            unit="ΔE00",
            direction="lower",
            kind="full-reference",
            definition=f"{regions},{_ERROR}",
            source=_SHARMA,
            decimals=2,
        ),
    )


METRICS: tuple[Metric, ...] = (*_table("", "", _FOUND), *_table("-true", " (true)", _GIVEN))


def region_scores(
    predictions: Batch, targets: Batch, regions: Maps | None = None, threads: int | None = None
) -> Scores:
    """How evenly regions are painted, and the error of small ones.

    A flat region is a set of target pixels, each connected to the next above, below, left or right by a step of at most
    2 levels in every channel; of at least 16 pixels; over which the target's own ab spread is at most 2 units.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        regions: the number of each pixel's true region, 0 for none, integers (n, h, w); or None. A true region counts
            from 16 pixels on and need be neither connected nor flat.
        threads: how many threads; the values do not depend on it.

    Returns:
        `region-spread`: by how much the spread of the prediction's (a, b) about its mean in a region (root mean square,
        Lab units) is above the target's own, 0 where it is not; mean over regions by pixels (lower is better). A gray
        copy is perfectly even.
        `small-regions`: mean CIEDE2000 of each region of at most 1 % of the image, mean over these regions, each once:
        a button is as wrong as a sleeve (lower).
        With `regions`, also `region-spread-true` and `small-regions-true`, the same over these.
        NaN where there is no such region.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11, and regions fit them.
    """
    return score_pairs([flat_regions], predictions, targets, regions=regions, threads=threads)


def flat_regions(pair: Pair) -> dict[str, float]:
    """The scores of `region_scores` of one pair."""
    from bench.metrics.kernels_regions import find_flat

    labels = np.empty(pair.pixels, np.int32)
    count = find_flat(pair.target.reshape(pair.height, -1), STEP, LEAST, labels)
    spread, small = _summed(pair, labels, count, UNEVEN)
    scores = {"region-spread": spread, "small-regions": small}
    if pair.regions is not None:
        labels = pair.regions.reshape(-1)
        spread, small = _summed(pair, labels, int(labels.max()), np.inf)
        scores |= {"region-spread-true": spread, "small-regions-true": small}
    return scores


def _summed(pair: Pair, labels: Int32[np.ndarray, " pixels"], count: int, uneven: float) -> tuple[float, float]:
    from bench.metrics.kernels_regions import region_sums

    room = np.empty(8 * (count + 1))
    region_sums(labels, count, pair.prediction_lab, pair.target_lab, pair.delta, room)
    sums = room.reshape(-1, 8)
    sums = sums[sums[:, 0] >= LEAST]
    pixels, delta = sums[:, 0], sums[:, 1] / sums[:, 0]
    own, true = (_spread(sums[:, first : first + 3] / pixels[:, None]) for first in (2, 5))
    flat = true <= uneven
    small = flat & (pixels <= SMALL * pair.pixels)
    excess = np.maximum(own - true, 0)
    return (
        float((excess[flat] * pixels[flat]).sum() / pixels[flat].sum()) if flat.any() else np.nan,
        float(delta[small].mean()) if small.any() else np.nan,
    )


def _spread(moments: np.ndarray) -> np.ndarray:
    """Root mean square distance from the mean, from the means of a, b and a² + b²."""
    a, b, square = moments.T
    return np.sqrt(np.maximum(square - a * a - b * b, 0))
