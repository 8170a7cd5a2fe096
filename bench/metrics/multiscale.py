"""MS-SSIM: structural similarity on several scales of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.pair import Pair, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from bench.metrics.pair import Batch, Scores

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, from fine to coarse (Wang, Simoncelli and Bovik 2003, section 3.2)."""

METRICS: tuple[Metric, ...] = (
    Metric(
        id="ms-ssim",
        name="MS-SSIM",
        unit="",
        direction="higher",
        kind="full-reference",
        definition="wang2003,gauss11s1.5,biased,crop5,mean2x2,5-scales-from-176px-else-all-that-hold-11px,"
        "weights-sum-1,cs-floor0,rgb-mean,range255",
        source="Wang, Simoncelli and Bovik 2003, equation 7",
        decimals=3,
        bounds=(0, 1),
    ),
)


def multiscale_scores(predictions: Batch, targets: Batch, threads: int | None = None) -> Scores:
    """MS-SSIM of each image.

    Args:
        predictions: 8-bit sRGB, at least 22x22 to have a value.
        targets: 8-bit sRGB, the same shape.
        threads: how many threads; the values do not depend on it.

    Returns:
        `ms-ssim`, 0 to 1, higher is better: Wang, Simoncelli and Bovik 2003, equation 7, with the SSIM of protocol v1
        (11-tap Gaussian window, sigma 1.5, biased covariance, no border). Each scale is the mean of 2x2 pixels of the
        finer one; a last odd row or column is dropped. Five scales where the shorter side has at least 176 pixels, and
        otherwise as many as leave 11 pixels on the coarsest, with the weights of these divided by their sum: numbers of
        different sizes are different metrics. NaN below 22 pixels, where there is one scale alone, which is SSIM. A
        negative mean of contrast and structure counts as 0. Each of R, G and B by itself, then their mean.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11.
    """
    return score_pairs([multiscale], predictions, targets, threads=threads)


def multiscale(pair: Pair) -> dict[str, float]:
    """`ms-ssim` of one pair."""
    means = pair.structure
    count = len(means)
    if count < 2:
        return {"ms-ssim": np.nan}
    weights = np.array(WEIGHTS[:count]) / sum(WEIGHTS[:count])
    terms = np.concatenate([means[:-1, 0:3], means[-1:, 3:6]])  # SSIM on the coarsest scale, else without luminance
    return {"ms-ssim": float((np.maximum(terms, 0) ** weights[:, None]).prod(axis=0).mean())}
