"""How much colour a prediction has beside its target: colourfulness and saturation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.pair import Pair, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.metrics.pair import Batch, Scores

TINT = 1.0
"""C*ab added to both sides of the saturation's ratio, about what 8-bit rounding makes of a gray: without it a gray
prediction would be infinitely far and drop out of the mean."""

_CHROMA = "CIE 15:2004, 8.2.2, C*ab"

METRICS: tuple[Metric, ...] = (
    Metric(
        id="colourfulness-error",
        name="Colourfulness error",
        unit="levels",
        direction="lower",
        kind="full-reference",
        definition="abs-difference,per-image,signed-rg-yb,0-255",
        source="Hasler and Süsstrunk 2003, equation for M(3)",
        decimals=2,
    ),
    Metric(
        id="saturation-error",
        name="Saturation error",
        unit="octaves",
        direction="lower",
        kind="full-reference",
        definition="abs-log2-ratio,mean-Cab-plus-1,D65/2deg",
        source=_CHROMA,
        decimals=3,
    ),
)

UNRANKED: dict[str, str] = {
    "colourfulness-shift": "colourfulness of the prediction minus the target's, in levels; 0 is right",
    "saturation-ratio": "mean C*ab of the prediction over the target's; 1 is right, NaN where the target has under 1",
}
"""Values beside the metrics that no direction fits: both too little and too much are wrong."""


def chroma_scores(predictions: Batch, targets: Batch, threads: int | None = None) -> Scores:
    """Colourfulness and saturation of each prediction against its target's. Neither looks at where the colour is.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        threads: how many threads; the values do not depend on it.

    Returns:
        `colourfulness-shift`: `colourfulness` of the prediction minus the target's, levels, 0 is right, no direction;
        `colourfulness-error`: its absolute value (lower is better);
        `saturation-ratio`: mean C*ab of the prediction over the target's, 1 is right, no direction, NaN where the
        target's mean is under 1;
        `saturation-error`: |log2((mean C*ab of the prediction + 1) / (the target's + 1))|, so that half and double the
        saturation are equally wrong (lower).

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11.
    """
    return score_pairs([chroma], predictions, targets, threads=threads)


def colourfulness(image: UInt8[np.ndarray, "h w 3"]) -> float:
    """Colourfulness of an 8-bit sRGB image, at least 0, in levels; not "higher is better".

    Hasler and Süsstrunk 2003, M(3): sqrt(var rg + var yb) + 0.3 sqrt(mean rg² + mean yb²), with rg = R - G and
    yb = (R + G) / 2 - B. Both are signed: with absolute values, as often written, an image of opposite colours would
    lose its spread.
    """
    from bench.metrics.kernels_pair import opponent_sums

    pixels = image.size // 3
    rg, rg_square, yb, yb_square = (int(value) for value in opponent_sums(np.ascontiguousarray(image).reshape(-1)))
    # Whole numbers up to the last step: a constant image has no variance, and rounding could make it negative.
    variance = (pixels * rg_square - rg**2) + (pixels * yb_square - yb**2) / 4
    return (np.sqrt(variance) + 0.3 * np.sqrt(rg**2 + yb**2 / 4)) / pixels


def chroma(pair: Pair) -> dict[str, float]:
    """The scores of `chroma_scores` of one pair."""
    from bench.metrics.kernels_pair import chroma_sum

    shift = float(colourfulness(pair.prediction) - colourfulness(pair.target))
    own, true = (chroma_sum(planes) / pair.pixels for planes in (pair.prediction_lab, pair.target_lab))
    return {
        "colourfulness-shift": shift,
        "colourfulness-error": abs(shift),
        "saturation-ratio": own / true if true >= 1 else np.nan,
        "saturation-error": float(abs(np.log2((own + TINT) / (true + TINT)))),
    }
