"""Loops over pixels that run as vector code and yet give the same bytes on every machine: integers, or strict doubles."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

BITS = 22
"""Behind the point of a weight."""


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile when first called; the machine code is kept beside the source or in the user's cache (numba's rule)."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except (RuntimeError, OSError):  # neither place can be written: compile in every process
        return numba.njit(**options)(function)


@_compiled
def weigh(source, first, taps):
    """Rows of a target, each a weighted sum of source rows in fixed point, rounded to 8 bits.

    Args:
        source: uint8, shape (h, m), its rows contiguous.
        first: int32, shape (n,): the first source row of each target row.
        taps: int32, shape (n, k): the weights of that row and those after it, `BITS` behind the point.

    Returns:
        uint8, shape (n, m).
    """
    count, width = len(first), source.shape[1]
    out = np.empty((count, width), np.uint8)
    sums = np.empty(width, np.int32)
    for place in range(count):
        sums[:] = 1 << (BITS - 1)
        for tap in range(taps.shape[1]):
            weight = taps[place, tap]
            if weight:  # padding would be read, and cost as much as a tap
                row = source[first[place] + tap]
                for x in range(width):
                    sums[x] += weight * np.int32(row[x])
        for x in range(width):
            out[place, x] = min(max(sums[x] >> BITS, 0), 255)
    return out


@_compiled
def to_rgb(y, cb, cr, black, luma, middle, chroma, red, green, blue):
    """Y'CbCr to R'G'B' in double precision, cut to 8 bits and rounded half to even.

    Args:
        y, cb, cr: shape (h, w), of whole numbers or floats.
        black, luma: level of black, and from there to white.
        middle, chroma: level of no colour, and the span of Cb and Cr.
        red, green, blue: the weights of luma.

    Returns:
        uint8, shape (3, h, w).
    """
    height, width = y.shape
    out = np.empty((3, height, width), np.uint8)
    for i in range(height):
        for j in range(width):
            l = (np.float64(y[i, j]) - black) / luma  # noqa: E741
            r = l + 2 * (1 - red) * ((np.float64(cr[i, j]) - middle) / chroma)
            b = l + 2 * (1 - blue) * ((np.float64(cb[i, j]) - middle) / chroma)
            g = (l - red * r - blue * b) / green
            # By way of a signed integer: vector units have no other conversion.
            out[0, i, j] = np.uint8(np.int32(np.rint(min(max(r, 0.0), 1.0) * 255)))
            out[1, i, j] = np.uint8(np.int32(np.rint(min(max(g, 0.0), 1.0) * 255)))
            out[2, i, j] = np.uint8(np.int32(np.rint(min(max(b, 0.0), 1.0) * 255)))
    return out
