"""The error over pixels of one kind: by the target's colour (skin tones, skies, foliage, ...) or by given masks.

The classes are ranges of CIE Lab under D65. They name colours, not objects: an orange wall may fall in skin tones, and
green hair in foliage. Which colours are asked after follows what people remember the colours of (Bartleson 1960: skin,
sky, grass, ...) and what colorizers get wrong (tinted whites, reds gone brown); the ranges are this module's own rule.
True masks give numbers of other names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.pair import Pair, score_pairs
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import Float32

    from bench.metrics.pair import Batch, Masks, Scores

LEAST_SHARE = 0.005
"""Of an image's pixels that a class must hold to count there: a few stray pixels say nothing."""


class ColourClass(NamedTuple):
    """A range of CIE Lab, each from (included) and to (left out).

    Attributes:
        lightness: L, 0 to 100.
        chroma: C*ab.
        hue: h_ab in degrees, from and to both included, less than 180 apart; None for any.
    """

    lightness: tuple[float, float]
    chroma: tuple[float, float]
    hue: tuple[float, float] | None


CLASSES: dict[str, ColourClass] = {
    "neutrals": ColourClass((0, 101), (0, 6), None),
    "skin-tones": ColourClass((55, 97), (10, 50), (25, 90)),
    "browns": ColourClass((12, 55), (10, 50), (25, 90)),
    "reds": ColourClass((0, 101), (50, 200), (-15, 50)),
    "foliage-greens": ColourClass((15, 92), (15, 200), (105, 170)),
    "sky-blues": ColourClass((45, 97), (10, 200), (215, 290)),
}
"""No two overlap, and not every colour is in one. Browns are dark skin and hair, wood and earth."""


def _described(kind: ColourClass) -> str:
    hue = "any" if kind.hue is None else f"{kind.hue[0]:g}..{kind.hue[1]:g}"
    return (
        f"L{kind.lightness[0]:g}..{kind.lightness[1]:g},C{kind.chroma[0]:g}..{kind.chroma[1]:g},h{hue},"
        f"of-target,from-{LEAST_SHARE:g}-of-pixels,D65/2deg,k1"
    )


METRICS: tuple[Metric, ...] = tuple(
    Metric(
        id=f"ciede2000-{name}",
        name=f"CIEDE2000 {name.replace('-', ' ')}",
        unit="ΔE00",
        direction="lower",
        kind="full-reference",
        definition=_described(kind),
        source="Sharma, Wu and Dalal 2005; classes after the memory colours of Bartleson 1960, ranges our own",
        decimals=2,
    )
    for name, kind in CLASSES.items()
)


def hue_scores(predictions: Batch, targets: Batch, threads: int | None = None) -> Scores:
    """Mean CIEDE2000 over the pixels whose target colour falls in each of `CLASSES`.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        threads: how many threads; the values do not depend on it.

    Returns:
        `ciede2000-<class>` (ΔE00, lower is better); NaN where the class holds less than 0.5 % of the target.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11.
    """
    return score_pairs([hues], predictions, targets, threads=threads)


def masked_scores(predictions: Batch, targets: Batch, masks: Mapping[str, Masks], threads: int | None = None) -> Scores:
    """Mean CIEDE2000 over true masks, such as the skin, hair and sky of a labelled split.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        masks: by name (lower-case letters, digits and `-`), True where the thing is, bool (n, h, w).
        threads: how many threads; the values do not depend on it.

    Returns:
        `ciede2000-in-<name>` (ΔE00, lower is better); NaN where the mask holds less than 0.5 % of the image.

    Raises:
        BenchError: on a bad name or a mask of another type or shape, and as `hue_scores`.
    """
    scores: Scores = {}
    for name, mask in masks.items():
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise BenchError(f"a mask's name must be lower-case letters, digits and '-', such as 'skin'; got {name!r}.")

        def masked(pair: Pair, name: str = name) -> dict[str, float]:
            assert pair.boundary is not None  # it carries the mask
            inside = pair.delta[pair.boundary.reshape(-1)]
            enough = inside.size and inside.size >= LEAST_SHARE * pair.pixels
            return {f"ciede2000-in-{name}": float(inside.mean(dtype=np.float64)) if enough else np.nan}

        scores |= score_pairs([masked], predictions, targets, boundaries=mask, threads=threads)
    return scores


def hues(pair: Pair) -> dict[str, float]:
    """The scores of `hue_scores` of one pair."""
    from bench.metrics.kernels_pair import class_sums

    sums = np.empty(2 * len(CLASSES))
    class_sums(pair.target_lab, pair.delta, _limits(), sums)
    counts, totals = np.split(sums, 2)
    enough = counts >= np.maximum(1, LEAST_SHARE * pair.pixels)
    means = np.where(enough, totals / np.maximum(counts, 1), np.nan)
    return {f"ciede2000-{name}": float(mean) for name, mean in zip(CLASSES, means, strict=True)}


@cache
def _limits() -> Float32[np.ndarray, "k 8"]:
    """The classes as the kernel takes them."""
    rows = []
    for lightness, chroma, hue in CLASSES.values():
        angles = [math.radians(degrees) for degrees in hue or ()]
        sides = [part for angle in angles for part in (math.cos(angle), math.sin(angle))] or [0.0] * 4
        rows.append([*lightness, chroma[0] ** 2, chroma[1] ** 2, *sides])
    return np.array(rows, np.float32)
