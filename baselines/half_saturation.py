"""`half-saturation`: the target itself with half its chroma. What a timid but right colouring would score.

    target -- Lab --> (L, a/2, b/2) --> sRGB, clipped and rounded

It sees the target. Source: our own, after the papers' complaint of dull colours (low saturation, averaging).
"""

import numpy as np

from baselines._references import EVERY_TRACK, Painter, recolor
from bench.color import lab_to_srgb, srgb_to_lab
from bench.types import Images

TITLE = "Half-saturated target"
SOURCE = "reference: the target at half its Lab chroma"
TRACKS = EVERY_TRACK
SEES_TARGET = True


def fit(train: Images) -> Painter:
    """Nothing is learned."""
    return lambda images: recolor(images, lambda rgb: lab_to_srgb(srgb_to_lab(rgb) * np.array([1, 0.5, 0.5])))
