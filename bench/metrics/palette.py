"""Palette distance: how far the prediction's colours are from the target's, wherever in the picture they are.

Where a colour cannot be known, say of a shirt, the right colours in other places are better than wrong or none. This
number sees which colours there are and how much of each, and nothing of place or lightness; CIEDE2000 sees the place.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.pair import Pair, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from bench.metrics.pair import Batch, Scores

DIRECTIONS = 12
"""Evenly spaced over a half turn: the distance then depends on the direction of a shift by under 0.6 %."""

METRICS: tuple[Metric, ...] = (
    Metric(
        id="palette-distance",
        name="Palette distance",
        unit="Lab",
        direction="lower",
        kind="full-reference",
        definition=f"sliced-w1,ab,{DIRECTIONS}-directions,linear-cells-of-1,times-pi/2,D65/2deg",
        source="Rabin, Peyré, Delon and Bernot 2012, section 2.3; Bonneel et al. 2015",
        decimals=2,
    ),
)


def palette_scores(predictions: Batch, targets: Batch, threads: int | None = None) -> Scores:
    """Sliced optimal transport between the ab distributions of prediction and target.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        threads: how many threads; the values do not depend on it.

    Returns:
        `palette-distance`, in units of CIE Lab, at least 0, lower is better. The 1-Wasserstein distance of the pixels'
        (a, b) along each of 12 fixed directions, their mean times pi / 2, so that a palette that moves as a whole by d
        units is d away; otherwise it is at most pi / 2 times the exact distance in the plane. The colours are shared
        linearly among the whole numbers around them: what lies within one unit is not told apart, yet a shift of less
        is seen. Sums of whole numbers: no order of the pixels changes it.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11.
    """
    return score_pairs([palette], predictions, targets, threads=threads)


def palette(pair: Pair) -> dict[str, float]:
    """`palette-distance` of one pair."""
    from bench.metrics.kernels_palette import SIDE, WEIGHT, add_palettes, transport

    cells = np.zeros(SIDE * SIDE, np.int64)
    add_palettes(pair.prediction_lab, pair.target_lab, pair.pixels, cells)
    cost = transport(cells, *_directions(), float(WEIGHT * pair.pixels))
    return {"palette-distance": cost * math.pi / 2}


@cache
def _directions() -> tuple[np.ndarray, np.ndarray]:
    angles = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    return np.cos(angles), np.sin(angles)
