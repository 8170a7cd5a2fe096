"""`gray-copy`: the condition as it is, three times. The zero of every skill score.

    condition --> (gray, gray, gray)

Source: our own; every full-reference colour metric rewards not colouring, and this row shows how much.
"""

import numpy as np

from baselines._references import EVERY_TRACK, Painter
from bench.types import Images

TITLE = "Gray copy"
SOURCE = "reference: the condition as R = G = B"
TRACKS = EVERY_TRACK
SEES_TARGET = False


def fit(train: Images) -> Painter:
    """Nothing is learned."""
    return lambda images: np.repeat(images.conditions[..., None], 3, axis=-1)
