"""Best of k: models that draw several colourings of one input."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.metrics.pixel import colour_scores
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.metrics.pair import Batch, Scores

    Samples = UInt8[np.ndarray, "k n h w 3"]


def sample_metrics(k: int) -> tuple[Metric, ...]:
    """The metrics of `best_of` for k samples: one k is not comparable with another, so each has its own names."""
    return tuple(
        Metric(
            id=f"ciede2000-{kind}-of-{k}",
            name=f"CIEDE2000 {kind} of {k}",
            unit="ΔE00",
            direction="lower",
            kind="full-reference",
            definition=f"{kind}-of-{k}-samples,per-image,D65/2deg,k1",
            source="Sharma, Wu and Dalal 2005; best of k as in Deshpande et al. 2017, section 4",
            decimals=2,
        )
        for kind in ("best", "mean")
    )


def best_of(samples: Samples, targets: Batch, threads: int | None = None) -> Scores:
    """The best and the mean of k colourings of each image, and how different they are.

    Args:
        samples: 8-bit sRGB, shape (k, n, h, w, 3): k colourings of each of n images, k at least 2.
        targets: 8-bit sRGB, shape (n, h, w, 3).
        threads: how many threads; the values do not depend on it.

    Returns:
        `ciede2000-best-of-<k>`: the least mean CIEDE2000 to the target among an image's samples, picked knowing the
        target, and so lower for larger k by chance alone (lower is better);
        `ciede2000-mean-of-<k>`: their mean (lower);
        `diversity-of-<k>`: mean CIEDE2000 between two of an image's samples, over all pairs; no direction: 0 is a model
        that does not draw, and noise is diverse too.

    Raises:
        BenchError: unless the shapes fit, with k at least 2.
    """
    if samples.ndim != 5 or len(samples) < 2:
        raise BenchError(f"samples must be of shape (k, n, height, width, 3), k at least 2; got {samples.shape}.")
    k = len(samples)
    errors = np.stack([colour_scores(sample, targets, threads)["ciede2000"] for sample in samples])
    between = [colour_scores(samples[i], samples[j], threads)["ciede2000"] for i, j in combinations(range(k), 2)]
    return {
        f"ciede2000-best-of-{k}": errors.min(axis=0),
        f"ciede2000-mean-of-{k}": errors.mean(axis=0),
        f"diversity-of-{k}": np.mean(between, axis=0),
    }
