"""All per-image metrics beyond those of protocol v1, in one pass that shares what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import bleeding, chroma, hues, locked, multiscale, palette, regions
from bench.metrics.pair import Pair, score_pairs
from bench.metrics.pixel import JUST_NOTICEABLE, Room, code_scores
from bench.types import Metric

if TYPE_CHECKING:
    from bench.metrics.pair import Batch, Maps, Masks, Scores

TOPICS = (multiscale, locked, chroma, bleeding, regions, hues, palette)

SUITE: dict[str, Metric] = {metric.id: metric for topic in TOPICS for metric in topic.METRICS}
"""Every metric of `score`; those named `-true` only where boundaries or regions are given."""

UNRANKED: dict[str, str] = chroma.UNRANKED
"""What `score` returns besides: values without a direction, which no board ranks by."""

_SCORERS = (
    multiscale.multiscale,
    locked.locked,
    chroma.chroma,
    bleeding.bleeding,
    regions.flat_regions,
    hues.hues,
    palette.palette,
)


def score(
    predictions: Batch,
    targets: Batch,
    boundaries: Masks | None = None,
    regions: Maps | None = None,
    threads: int | None = None,
) -> Scores:
    """Every metric of `SUITE` and every value of `UNRANKED`, one value an image.

    The same numbers as the topics' own functions; Lab and CIEDE2000 are computed once for all of them.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        boundaries: True on true boundaries, bool (n, h, w), or None.
        regions: the number of each pixel's true region, 0 for none, integers (n, h, w), or None.
        threads: how many threads; None for as many as the process may use. The values do not depend on it.

    Returns:
        By id, float64 of shape (n,), NaN where a metric does not apply to an image.

    Raises:
        BenchError: unless the arrays have the types and shapes asked for, h and w at least 11.
    """
    return score_pairs(_SCORERS, predictions, targets, boundaries, regions, threads)


def score_all(
    predictions: Batch,
    targets: Batch,
    boundaries: Masks | None = None,
    regions: Maps | None = None,
    threads: int | None = None,
) -> Scores:
    """The metrics of protocol v1 (`bench.metrics.pixel.score_images`, bit by bit) and all of `score`, in one pass.

    Arguments, values and errors as `score`.
    """
    return score_pairs((protocol, *_SCORERS), predictions, targets, boundaries, regions, threads)


def protocol(pair: Pair) -> dict[str, float]:
    """The scores of `bench.metrics.pixel.score_images` of one pair."""
    from bench.metrics.kernels_color import count_above, percentile
    from bench.metrics.kernels_pair import chroma_differences

    room = Room(pair.delta, np.empty(pair.pixels, np.int32))
    sums = np.empty(2)
    chroma_differences(pair.prediction_lab, pair.target_lab, sums)
    return {
        **code_scores(pair.prediction, pair.target, room),
        "ssim": pair.structure[0, 6],
        "l1-ab": sums[0] / (2 * pair.pixels),
        "l2-ab": sums[1] / (2 * pair.pixels),
        "ciede2000": pair.delta_sum / pair.pixels,
        "ciede2000-p95": percentile(pair.delta, 95.0, room.bits),
        "ciede2000-over-2.3": count_above(pair.delta, np.float32(JUST_NOTICEABLE)) / pair.pixels,
    }
