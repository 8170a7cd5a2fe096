"""Luminance-locked scores: the prediction's chroma on the input's luma, and how far its own luma was from it.

Some models copy the luminance of their input and others rebuild it. Locking takes that difference away, so that what
is left is colour (protocol v1, rule 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.pair import Pair, deltas, lab, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.metrics.pair import Batch, Scores

_LOCKED = "luma601-of-target,chroma601-of-prediction,clipped"
_RULE = "protocol v1, rule 7; luma and chroma of ITU-R BT.601-7, 2.5.1"

METRICS: tuple[Metric, ...] = (
    Metric(
        id="psnr-locked",
        name="PSNR locked",
        unit="dB",
        direction="higher",
        kind="full-reference",
        definition=f"{_LOCKED},per-image,rgb,range255",
        source=_RULE,
        decimals=2,
    ),
    Metric(
        id="ssim-locked",
        name="SSIM locked",
        unit="",
        direction="higher",
        kind="full-reference",
        definition=f"{_LOCKED},wang2004,gauss11s1.5,biased,crop5,rgb-mean,range255",
        source=_RULE,
        decimals=3,
        bounds=(-1, 1),
    ),
    Metric(
        id="ciede2000-locked",
        name="CIEDE2000 locked",
        unit="ΔE00",
        direction="lower",
        kind="full-reference",
        definition=f"{_LOCKED},D65/2deg,k1",
        source=_RULE,
        decimals=2,
    ),
    Metric(
        id="luma-error",
        name="Luma error",
        unit="levels",
        direction="lower",
        kind="full-reference",
        definition="mean-absolute,luma601-rounded,0-255",
        source=_RULE,
        decimals=2,
    ),
)


def locked_scores(predictions: Batch, targets: Batch, threads: int | None = None) -> Scores:
    """PSNR, SSIM and CIEDE2000 of the locked prediction, and the prediction's error in luma.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        threads: how many threads; the values do not depend on it.

    Returns:
        `psnr-locked` (dB, higher), `ssim-locked` (higher), `ciede2000-locked` (ΔE00, lower): the metrics of protocol v1
        of `lock_luma` against the target; `luma-error`: mean |luma of the prediction - luma of the target| in levels
        of 0..255, as delivered (lower).

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11.
    """
    return score_pairs([locked], predictions, targets, threads=threads)


def lock_luma(
    prediction: UInt8[np.ndarray, "h w 3"], target: UInt8[np.ndarray, "h w 3"]
) -> tuple[UInt8[np.ndarray, "h w 3"], float]:
    """The prediction's chroma on the target's luma.

    In BT.601 an image is luma Y and two differences proportional to B - Y and R - Y; keeping these and changing Y by d
    adds d to R, G and B alike. Y is the protocol's gray (`bench.color.luma`, rounded to whole levels) of either image,
    so d is whole, nothing is rounded again, an image locked to itself is itself, and the result's gray is the target's
    wherever no channel had to be clipped to 0..255.

    Args:
        prediction: 8-bit sRGB.
        target: 8-bit sRGB, the same shape.

    Returns:
        The locked picture, and the mean |d| in levels.
    """
    from bench.metrics.kernels_pair import lock

    out = np.empty(prediction.size, np.uint8)
    away = lock(np.ascontiguousarray(prediction).reshape(-1), np.ascontiguousarray(target).reshape(-1), out)
    return out.reshape(prediction.shape), 3 * away / prediction.size


def locked(pair: Pair) -> dict[str, float]:
    """The scores of `locked_scores` of one pair."""
    from bench.metrics.kernels_structure import code_differences, structural_similarity

    picture, away = lock_luma(pair.prediction, pair.target)
    _, squared = code_differences(picture.reshape(-1), pair.target.reshape(-1))
    l2 = squared / picture.size
    _, delta = deltas(lab(picture), pair.target_lab)
    return {
        "psnr-locked": float(10 * np.log10(255**2 / l2)) if squared else np.inf,
        "ssim-locked": structural_similarity(picture.reshape(pair.height, -1), pair.target.reshape(pair.height, -1)),
        "ciede2000-locked": delta / pair.pixels,
        "luma-error": away,
    }
