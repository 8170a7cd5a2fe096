"""Loops over pixels as vector code that gives the same bytes on every machine: whole numbers, or strict doubles.

Each works on a line of its own before it writes to where it was told: the compiler must see that what is read and what
is written do not overlap, or it makes no vector code.
"""

import threading
from math import prod
from typing import Any

import numpy as np

from bench.compiled import compiled

BITS = 22
"""Behind the point of a weight."""


_kept = threading.local()


def room(name: str, *shape: int) -> Any:
    """An uint8 array for what is soon done with: the next call of this thread with this name gives the same memory.

    Fresh memory costs more than what is done in it here: the system clears every page.
    """
    kept = getattr(_kept, name, None)
    if kept is None or kept.size < prod(shape):
        kept = np.empty(prod(shape), np.uint8)
        setattr(_kept, name, kept)
    return kept[: prod(shape)].reshape(shape)


@compiled()
def weigh(source, first, taps, out):
    """Rows of a target, each a weighted sum of source rows in fixed point, rounded to 8 bits.

    Args:
        source: uint8, shape (h, m), its rows contiguous.
        first: int32, shape (n,): the first source row of each target row.
        taps: int32, shape (n, k): the weights of that row and those after it, `BITS` behind the point.
        out: uint8, shape (n, m); is filled and returned.
    """
    count, width = out.shape
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


@compiled()
def to_rgb(y, cb, cr, begin, black, luma, middle, chroma, red, green, blue, out):
    """Y'CbCr to R'G'B' in double precision, cut to 8 bits and rounded half to even.

    Args:
        y: shape (h, at least begin + w), of whole numbers or floats.
        cb, cr: shape (h, w), the same.
        begin: the column of `y` over which the first of the others stands.
        black, luma: level of black, and from there to white.
        middle, chroma: level of no colour, and the span of Cb and Cr.
        red, green, blue: the weights of luma.
        out: uint8, shape (h, w, 3); is filled and returned.
    """
    height, width = cb.shape
    line = np.empty((3, width), np.uint8)
    for i in range(height):
        for j in range(width):
            l = (np.float64(y[i, begin + j]) - black) / luma  # noqa: E741
            r = l + 2 * (1 - red) * ((np.float64(cr[i, j]) - middle) / chroma)
            b = l + 2 * (1 - blue) * ((np.float64(cb[i, j]) - middle) / chroma)
            g = (l - red * r - blue * b) / green
            # By way of a signed integer: vector units have no other conversion.
            line[0, j] = np.uint8(np.int32(np.rint(min(max(r, 0.0), 1.0) * 255)))
            line[1, j] = np.uint8(np.int32(np.rint(min(max(g, 0.0), 1.0) * 255)))
            line[2, j] = np.uint8(np.int32(np.rint(min(max(b, 0.0), 1.0) * 255)))
        for j in range(width):
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = line[0, j], line[1, j], line[2, j]
    return out


@compiled()
def doubled(plane, begin, wide, out):
    """Columns from `begin` on of a plane enlarged to twice its width and height by Pillow's bilinear filter.

    A pixel is three quarters the nearer and a quarter the next, across first, rounded, then down.

    Args:
        plane: uint8, shape (h, w).
        begin: a column of the result.
        wide: uint8, shape (h, 2w), to work in.
        out: uint8, shape (2h, n); is filled and returned.
    """
    height, width = plane.shape
    pair = np.empty(width, np.uint16)
    line = np.empty(out.shape[1], np.uint8)
    # Two pixels are stored as one number (low byte first, as every machine that numba knows): the loop is vector code.
    pairs = wide.view(np.uint16)
    for i in range(height):
        row = plane[i]
        for j in range(1, width - 1):
            near = 3 * np.int32(row[j]) + 2
            pair[j] = np.uint16(((near + row[j - 1]) >> 2) | (((near + row[j + 1]) >> 2) << 8))
        for j in (0, width - 1):
            near = 3 * np.int32(row[j]) + 2
            left, right = row[max(j - 1, 0)], row[min(j + 1, width - 1)]
            pair[j] = np.uint16(((near + left) >> 2) | (((near + right) >> 2) << 8))
        pairs[i] = pair
    for i in range(2 * height):
        near = i // 2
        far = min(max(near + 2 * (i % 2) - 1, 0), height - 1)
        above, below = wide[near, begin : begin + len(line)], wide[far, begin : begin + len(line)]
        for j in range(len(line)):
            line[j] = (3 * np.int32(above[j]) + np.int32(below[j]) + 2) >> 2
        out[i] = line
    return out
