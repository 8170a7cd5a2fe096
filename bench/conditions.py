"""What a model may see of a target: gray, four kinds of lines, and ink with screentones.

Only integer arithmetic, or floats that hold integers exactly: every machine makes the same bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bench.color import luma
from bench.errors import BenchError, unknown
from bench.types import CONDITIONS

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

VERSION = 1
"""Of these rules. It grows with any change of what they make, so that nothing kept from other rules is taken for it."""

# Luma steps at which a drawing's area turns from paper to tone to solid ink, and the ink each tone covers.
TONES = ((60, 1.0), (115, 0.40), (175, 0.18))
LINE_CONTRAST = 12
"""Levels by which a pixel must be darker than its surround to be drawn as a line."""

CANNY_SIGMA = 1.0
CANNY_INK_SIGMA = 1.5
"""Of an ink page, at least: the screentones of small pages have dots every 4 pixels."""
CANNY_THRESHOLDS = (25.5, 51.0)
"""A tenth and a fifth of 255, of the length of the 3x3 Sobel gradient."""

SKETCH_SIGMA = 3 / 512
"""Of the blur that a sketch is the difference from, in short sides."""
SKETCH_FLOOR = 16
"""Levels by which the darkest lines of a sketch must differ from their surround to be drawn black."""
SKETCH_INK_FLOOR = 32
"""The same of an ink page, whose lines are black: a page without lines must not have its dots drawn instead."""

SHARPEN_SIGMA = 3 / 512
"""Of the blur that a sharpened sketch is led away from, in short sides: as wide as the sketch's own."""

INK_LEVEL, INK_SHARE = 64, 0.02
"""A drawn page is ink, not pencil, where so much of it is as dark as this."""
INK_SIGMA = 1 / 100
"""Of the blur under which an ink page's screentones become even, in short sides."""
INK_RATIO = 1.6
"""Between the two blurs of an ink page's sketch (Marr and Hildreth 1980: the difference nearest to a Laplacian)."""


def condition(
    name: str, rgb: UInt8[np.ndarray, "h w 3"], page: UInt8[np.ndarray, "h w"] | None = None
) -> UInt8[np.ndarray, "h w"]:
    """Make one condition of one image.

    Args:
        name: one of `bench.types.CONDITIONS`.
        rgb: the target, 8-bit sRGB, shape (height, width, 3).
        page: the page drawn for it, shape (height, width), where there is one: then it alone is shown, whatever the
            condition, since it stands for the artist's paper, and the target's luma would tell more than that.

    Returns:
        Shape (height, width); ink is 0 and paper 255.

    Raises:
        BenchError: for an unknown name, or for `lineart-drawn` where nobody drew a page.
    """
    gray = luma(rgb) if page is None else page
    match name:
        case "gray":
            return gray
        case "lineart-canny":
            return canny(gray, ink=page is not None and is_ink(page))
        case "lineart-sketch":
            return sketch(gray, ink=page is not None and is_ink(page))
        case "lineart-sharpened":
            return sharpened(sketch(gray, ink=page is not None and is_ink(page)))
        case "lineart-drawn":
            if page is None:
                raise BenchError("lineart-drawn shows the artist's own lines, and this image comes without a page.")
            return page
        case "screentone":
            return screentone(rgb) if page is None else page
    raise unknown("condition", name, list(CONDITIONS))


def is_ink(page: UInt8[np.ndarray, "h w"]) -> bool:
    """Whether a page is ink, so that it may carry screentones: at least 2 % of it is at most 64. Pencil is lighter."""
    return int(np.count_nonzero(page <= INK_LEVEL)) >= INK_SHARE * page.size


def canny(gray: UInt8[np.ndarray, "h w"], ink: bool = False) -> UInt8[np.ndarray, "h w"]:
    """Edges one pixel wide (Canny 1986), dark on white.

    Fu et al. 2017 take OpenCV's and leave its thresholds unsaid; Thasarathan et al. 2019 take scikit-image's with sigma
    1, whose thresholds are by default a tenth and a fifth of the range. This is the latter in OpenCV: a Gaussian of
    sigma 1 (radius 3), rounded to 8 bits; the 3x3 Sobel gradient, its Euclidean length, at least 51 to begin a line
    and more than 25.5 to go on; 8-connected.

    Args:
        gray: shape (height, width).
        ink: that it is a page which may carry screentones. Their dots would all be edges, so the Gaussian grows with
            them: sigma 1/100 of the short side, at least 1.5. What remains are the borders of areas.

    Returns:
        0 on an edge, else 255, shape (height, width).
    """
    import cv2

    sigma = max(CANNY_INK_SIGMA, INK_SIGMA * min(gray.shape)) if ink else CANNY_SIGMA
    smooth = cv2.convertScaleAbs(_blurred(gray, sigma), alpha=1 / 65536)
    return cv2.bitwise_not(cv2.Canny(smooth, *CANNY_THRESHOLDS, apertureSize=3, L2gradient=True))


def sketch(gray: UInt8[np.ndarray, "h w"], ink: bool = False) -> UInt8[np.ndarray, "h w"]:
    """A soft drawing of everything that is darker than its surround, dark on white.

    As the front end of sketchKeras, the drawing of Chen et al. 2019's data: what is left of the gray when a Gaussian of
    it is taken away, sigma 3 pixels at a side of 512 and in proportion (at least 1 pixel, where nothing would be left
    otherwise), and scaled to the strongest. Only what is darker than the Gaussian is ink; the strongest is the 98th
    percentile and not the maximum, so that one speck does not fade the rest, and at least 16 levels (of ink 32), so
    that an even image stays white. What has less than a tenth of it is paper, the threshold of sketchKeras's
    "enhanced" drawings.

    Args:
        gray: shape (height, width).
        ink: that it is a page which may carry screentones. Then the two sides of the difference are Gaussians of 1/100
            of the short side, which evens the dots (below 100 pixels not all of them), and of at least 1.6 times that.

    Returns:
        Shape (height, width), 0 on the strongest lines, 255 on paper.
    """
    side = min(gray.shape)
    far = max(1.0, SKETCH_SIGMA * side)
    floor = SKETCH_INK_FLOOR if ink else SKETCH_FLOOR
    if ink:
        near, far = _blurred(gray, INK_SIGMA * side), max(far, INK_RATIO * INK_SIGMA * side)
    else:
        near = gray.astype(np.float32) * 65536
    # In sixteenths of a level: 0 to 4080.
    depth = np.rint(np.clip(_blurred(gray, far) - near, 0, None) / 4096).astype(np.int32)
    below = np.bincount(depth.ravel(), minlength=4081).cumsum()
    strongest = max(int(np.searchsorted(below * 50, 49 * depth.size)), 16 * floor)
    # From a tenth of the strongest to all of it, 255 to 0, rounded half up.
    levels = np.arange(4081, dtype=np.int64)
    darkness = (2 * 255 * (10 * levels - strongest) + 9 * strongest) // (18 * strongest)
    return (255 - np.clip(darkness, 0, 255)).astype(np.uint8)[depth]


def sharpened(drawing: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """A drawing after an unsharp mask: the drawing plus its difference from a Gaussian of itself.

    Chen et al. 2019, section 6, problem 2, say that a sharpened sketch is coloured better and leave the filter unsaid.
    Ours is the usual one at strength 1, with a Gaussian of sigma 3 pixels at a side of 512 and in proportion, at least
    1 pixel: thin and faint strokes grow darker, soft edges steeper; paper stays white.

    Args:
        drawing: such as `sketch` makes, shape (height, width), ink 0 and paper 255.

    Returns:
        Shape (height, width), rounded half up and clipped to 0 to 255.
    """
    smooth = _blurred(drawing, max(1.0, SHARPEN_SIGMA * min(drawing.shape))).astype(np.int64)
    doubled = 2 * 65536 * drawing.astype(np.int64)  # beyond what float32 holds exactly
    return np.clip((doubled - smooth + 32768) >> 16, 0, 255).astype(np.uint8)


def _blurred(gray: UInt8[np.ndarray, "h w"], sigma: float) -> Float[np.ndarray, "h w"]:
    """A Gaussian of the gray, times 65536: whole numbers below 2**24, which float32 sums exactly in any order."""
    import cv2

    taps = _taps(sigma)
    return cv2.sepFilter2D(gray, cv2.CV_32F, taps, taps)


@lru_cache(maxsize=16)
def _taps(sigma: float) -> Float[np.ndarray, " taps"]:
    """A Gaussian in 256ths out to 3 sigma; what rounding leaves over goes to the middle."""
    radius = int(np.ceil(3 * sigma))
    bell = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps = np.rint(256 * bell / bell.sum())
    taps[radius] += 256 - taps.sum()
    return taps.astype(np.float32)


def screentone(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """Turn a coloured drawing into an ink page: lines, solid blacks and two dot tones on white.

    The one written rule for manga made from coloured drawings (Fu et al. 2017, section 5.2, place real manga between
    gray and edges): luma is smoothed by a 5x5 median; areas at most 60 become ink, at most 115 a 40 % tone, at most
    175 an 18 % tone, the rest paper. Tones are round dots on a 45-degree grid whose period is 1/32 of the short side,
    from 4 to 10 pixels. Where a difference of Gaussians (sigma 1 and 2.5) is darker than its surround by more than
    12 levels, ink is drawn: the lines. Only 8-bit integer operations, so every machine draws the same page.

    Args:
        rgb: 8-bit sRGB, shape (height, width, 3).

    Returns:
        The page, shape (height, width), 0 where there is ink and 255 where there is paper.
    """
    import cv2

    gray = luma(rgb)
    area = cv2.medianBlur(gray, 5)
    threshold = _dots(gray.shape[0], gray.shape[1])
    page = np.full(gray.shape, 255, np.uint8)
    for level, coverage in reversed(TONES):
        # A dot of coverage c holds the c x 256 lowest ranks of its cell.
        page[(area <= level)] = 255
        page[(area <= level) & (threshold < round(coverage * 256))] = 0
    near = cv2.GaussianBlur(gray, (7, 7), 1.0).astype(np.int16)
    far = cv2.GaussianBlur(gray, (15, 15), 2.5).astype(np.int16)
    page[far - near > LINE_CONTRAST] = 0
    return page


def _dots(height: int, width: int) -> UInt8[np.ndarray, "h w"]:
    """The rank (0-255) of each pixel's distance from its dot's centre, on a grid at 45 degrees."""
    period = min(10, max(4, min(height, width) // 32))
    # In eighths of a pixel; the centres lie off the pixel grid, so that few pixels of a cell are equally far.
    y, x = np.mgrid[0 : period * 8 : 8, 0 : period * 8 : 8]

    def from_centre(shift: int) -> np.ndarray:
        dx, dy = (x + 1 + shift) % (8 * period), (y + 3 + shift) % (8 * period)
        return np.minimum(dx, 8 * period - dx) ** 2 + np.minimum(dy, 8 * period - dy) ** 2

    distance = np.minimum(from_centre(0), from_centre(4 * period)).ravel()
    ranks = np.empty(distance.size, np.int64)
    ranks[np.argsort(distance, kind="stable")] = np.arange(distance.size) * 256 // distance.size
    cell = ranks.reshape(period, period).astype(np.uint8)
    return np.tile(cell, (height // period + 1, width // period + 1))[:height, :width]
