"""Colour bleeding: how much of a prediction's chroma changes where the picture has no boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.pair import Pair, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.metrics.pair import Batch, Masks, Scores

STEP = 10.0
"""Difference (L, a, b, Euclidean) of the pixels either side over which a target has an edge."""

RADIUS = 2
"""Pixels about an edge within which a change of chroma is in its place."""

COLOURLESS = 2.0
"""Spread of (a, b), root mean square, below which a picture has no colours to tell apart and so none to bleed."""

_RULE = f"off-share-of-ab-steps,over-target's,band{RADIUS}px,spread-from-{COLOURLESS:g},D65/2deg"
_SOURCE = "CIE 15:2004, 8.2.1, a and b; our own rule"

METRICS: tuple[Metric, ...] = (
    Metric(
        id="bleeding",
        name="Bleeding",
        unit="share",
        direction="lower",
        kind="full-reference",
        definition=f"{_RULE},edges-of-target-over-{STEP:g}-Lab",
        source=_SOURCE,
        decimals=3,
        bounds=(0, 1),
    ),
    Metric(
        id="bleeding-true",
        name="Bleeding (true)",
        unit="share",
        direction="lower",
        kind="full-reference",
        definition=f"{_RULE},true-boundaries",
        source=_SOURCE,
        decimals=3,
        bounds=(0, 1),
    ),
)


def bleeding_scores(
    predictions: Batch, targets: Batch, boundaries: Masks | None = None, threads: int | None = None
) -> Scores:
    """How much of the prediction's chroma change lies off the boundaries, beyond what does in the target.

    The change at a pixel is the length of the step of (a, b) to its right and lower neighbours, four differences in one
    root. The share of a picture's whole change that lies more than 2 pixels from every boundary is 0 where colours
    change only at boundaries, and grows as they run over or stop short of them, until a blur is as wide as what the
    boundaries enclose, after which it stays about where it is. A turn of all hues, or more or less saturation, does not
    change it, but for 8-bit rounding, which weighs more the paler a picture is.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        boundaries: True on the true boundaries, bool (n, h, w); or None.
        threads: how many threads; the values do not depend on it.

    Returns:
        `bleeding`: the prediction's share minus the target's, 0 where it is not above it, so in [0, 1], lower is
        better; boundaries are where the target's pixels either side are more than 10 apart in Lab.
        With `boundaries`, also `bleeding-true`, the same about these.
        NaN where there is no boundary, where no pixel is off it, or where prediction or target has no colours to tell
        apart (spread of (a, b) under 2 Lab units: gray copies above all): nothing painted, nothing bled.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11, and boundaries fit them.
    """
    return score_pairs([bleeding], predictions, targets, boundaries=boundaries, threads=threads)


def bleeding(pair: Pair) -> dict[str, float]:
    """The scores of `bleeding_scores` of one pair."""
    from bench.metrics.kernels_edges import find_edges

    edges = np.empty(pair.pixels, np.uint8)
    find_edges(pair.target_lab, pair.height, pair.width, np.float32(STEP), edges)
    scores = {"bleeding": _excess(pair, edges)}
    if pair.boundary is not None:
        scores["bleeding-true"] = _excess(pair, pair.boundary.reshape(-1).view(np.uint8))
    return scores


def _excess(pair: Pair, edges: UInt8[np.ndarray, " pixels"]) -> float:
    from bench.metrics.kernels_edges import chroma_changes, widen

    if not edges.any():
        return np.nan
    band = np.empty(pair.pixels, np.uint8)
    widen(edges, pair.height, pair.width, RADIUS, band)
    if band.all():
        return np.nan
    shares = []
    for planes in (pair.prediction_lab, pair.target_lab):
        sums = np.empty(5)
        chroma_changes(planes, band, pair.height, pair.width, sums)
        a, b, square = sums[2:] / pair.pixels
        if square - a * a - b * b < COLOURLESS**2:
            return np.nan
        shares.append(sums[1] / sums[0])
    return max(shares[0] - shares[1], 0.0)
