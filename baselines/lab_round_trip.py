"""`lab-round-trip`: the target through 8-bit CIE Lab and back. The one of every skill score: a ceiling, not perfection.

    target -- Lab --> round(L * 255/100), round(a + 128), round(b + 128), each one byte --> back --> sRGB, rounded

The encoding is the usual one of 8-bit Lab images; a pipeline that stores it loses this much before any model acts.

It sees the target. Source: our own.
"""

import numpy as np

from baselines._references import EVERY_TRACK, Painter, recolor
from bench.color import lab_to_srgb, srgb_to_lab
from bench.types import Images

TITLE = "8-bit Lab round trip"
SOURCE = "reference: the target through Lab of 8 bits a channel"
TRACKS = EVERY_TRACK
SEES_TARGET = True

SCALE = np.array([255 / 100, 1.0, 1.0])
SHIFT = np.array([0.0, 128.0, 128.0])


def fit(train: Images) -> Painter:
    """Nothing is learned."""
    return lambda images: recolor(images, through_bytes)


def through_bytes(rgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to sRGB in [0, 1], three bytes of Lab between; channels last."""
    codes = np.clip(np.rint(srgb_to_lab(rgb) * SCALE + SHIFT), 0, 255)
    return lab_to_srgb((codes - SHIFT) / SCALE)
