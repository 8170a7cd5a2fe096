"""`mean-chroma`: one chroma for every pixel, the mean CIE Lab a and b of the training split.

    training targets -- Lab --> mean a, mean b over all pixels --\\
    condition -- Lab L of the gray ------------------------------ (L, a, b) --> sRGB, clipped and rounded

The best constant guess under squared error in ab. Since the lightness has 256 values, so has the answer: it is a table.
Colours outside sRGB (near black and white) are clipped channel by channel, so there the chroma is smaller.

Source: our own; the mean is taken over pixels, in float64.
"""

import numpy as np

from baselines._references import EVERY_TRACK, Painter, chunks, needs_images, unit
from bench.color import lab_to_srgb, quantize, srgb_to_lab
from bench.types import Images

TITLE = "Training-mean chroma"
SOURCE = "reference: mean Lab a, b of the training split on the input's lightness"
TRACKS = EVERY_TRACK
SEES_TARGET = False


def fit(train: Images) -> Painter:
    """Take the mean chroma of the training targets.

    Raises:
        BenchError: for an empty training split.
    """
    needs_images("mean-chroma", train)
    total = np.zeros(2)
    for part in chunks(train):
        total += srgb_to_lab(unit(train.targets[part]))[..., 1:].sum(axis=(0, 1, 2))
    lab = srgb_to_lab(np.repeat(unit(np.arange(256, dtype=np.uint8))[:, None], 3, axis=1))
    lab[:, 1:] = total / train.conditions.size
    table = quantize(lab_to_srgb(lab))
    return lambda images: table[images.conditions]
