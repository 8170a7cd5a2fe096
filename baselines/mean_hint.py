"""`mean-hint`: the mean colour of the hints, put on the whole picture by one linear equation, wherever they lie.

    1 ------------------------------------------\\
    condition -- Lab L of the pixel ------------- 5 --> linear --> Lab L, a, b of the pixel --> sRGB, clipped, rounded
    hints -- mean sRGB --> Lab L, a, b (3) -----/

The fifteen numbers are least squares over all pixels of the training split. From gray, but for ink pages, it finds the
input's lightness and a half to two thirds of the hints' chroma; from lines, which say little of lightness, the hints'
mean, drawn towards that of the training split.

Source: our own; least squares in Lab, in float64.
"""

import numpy as np
from jaxtyping import Float, UInt8

from baselines._references import Painter, chunks, needs_images, unit
from bench.color import lab_to_srgb, quantize, srgb_to_lab
from bench.errors import BenchError
from bench.types import CONDITIONS, GUIDANCES, Images, Track

TITLE = "Mean colour of the hints"
SOURCE = "reference: least squares from the input's lightness and the Lab of the hints' mean to Lab"
TRACKS = tuple(Track(condition, told).name for condition in CONDITIONS for told in GUIDANCES if "hints" in told)
SEES_TARGET = False


def fit(train: Images) -> Painter:
    """Find the equation that is best on the training split.

    Raises:
        BenchError: for an empty training split; here and when painting, for images without hints, or an image of which
            no pixel is hinted.
    """
    needs_images("mean-hint", train)
    hints = _told(train)
    squares, products = np.zeros((5, 5)), np.zeros((5, 3))
    for part in chunks(train):
        seen = _seen(train.conditions[part], hints[part]).reshape(-1, 5)
        squares += seen.T @ seen
        products += seen.T @ srgb_to_lab(unit(train.targets[part])).reshape(-1, 3)
    # Of a split that does not tell its numbers apart (one image: one mean), the smallest that are best; what is less
    # than the rounding of such sums tells nothing.
    equation = np.linalg.lstsq(squares, products, rcond=1e-12)[0]

    def paint(images: Images) -> UInt8[np.ndarray, "n h w 3"]:
        hints = _told(images)
        out = np.empty_like(images.targets)
        for part in chunks(images):
            out[part] = quantize(lab_to_srgb(_seen(images.conditions[part], hints[part]) @ equation))
        return out

    return paint


def _told(images: Images) -> UInt8[np.ndarray, "n h w 4"]:
    if images.hints is None:
        raise BenchError(f"mean-hint colors from hints and was given none; its tracks are {', '.join(TRACKS)}.")
    blank = ~images.hints[..., 3].any(axis=(1, 2))
    if blank.any():
        raise BenchError(f"mean-hint colors from hints, and image {images.ids[int(blank.argmax())]} shows none.")
    return images.hints


def _seen(conditions: UInt8[np.ndarray, "k h w"], hints: UInt8[np.ndarray, "k h w 4"]) -> Float[np.ndarray, "k h w 5"]:
    shown = hints[..., 3:] > 0
    mean = np.where(shown, unit(hints[..., :3]), 0).sum(axis=(1, 2)) / shown.sum(axis=(1, 2))
    out = np.ones((*conditions.shape, 5))
    out[..., 1] = srgb_to_lab(np.repeat(unit(conditions)[..., None], 3, axis=-1))[..., 0]
    out[..., 2:] = srgb_to_lab(mean)[:, None, None]
    return out
