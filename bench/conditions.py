"""What a model may see of a target. The gray condition is `bench.color.luma`; this file holds the drawn ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.color import luma

if TYPE_CHECKING:
    from jaxtyping import UInt8

# Luma steps at which a drawing's area turns from paper to tone to solid ink, and the ink each tone covers.
TONES = ((60, 1.0), (115, 0.40), (175, 0.18))
LINE_CONTRAST = 12
"""Levels by which a pixel must be darker than its surround to be drawn as a line."""


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
