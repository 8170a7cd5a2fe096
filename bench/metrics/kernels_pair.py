"""The kernels of what several topics read (CIE Lab planes, the CIEDE2000 of each pixel), of locking, chroma and hues.

Lab and CIEDE2000 are the functions that `kernels_color` scores with, so no pixel has two values. numba's cache watches
one file at a time: after an edit of `kernels_color` or `kernels_structure` delete `__pycache__` here.
"""

import math

import numpy as np
from numba import uint8

from bench.compiled import CONSTANTS, DOUBLES, IMAGE, MATRIX, SINGLES, compiled
from bench.metrics.kernels_color import BLOCK, ROWS, add, ciede2000, decode, to_lab

BYTES = uint8[::1]


@compiled(IMAGE, CONSTANTS, MATRIX, SINGLES)
def lab_planes(pixels, linear, matrix, lab):
    """CIE Lab of one image, plane by plane.

    Args:
        pixels: uint8 (pixels * 3,), sRGB.
        linear, matrix: as in `kernels_color.colour_differences`.
        lab: float32 (3 * padded,), takes L, a and b; padded is the number of pixels up to whole blocks.
    """
    rows = np.empty(3 * BLOCK, np.float32)
    padded = len(lab) // 3
    total = len(pixels) // 3
    for start in range(0, total, BLOCK):
        decode(pixels, start, min(BLOCK, total - start), linear, rows)
        to_lab(rows, matrix)
        for channel in range(3):
            place = channel * padded + start
            lab[place : place + BLOCK] = rows[channel * BLOCK : (channel + 1) * BLOCK]


@compiled(SINGLES, SINGLES, SINGLES)
def lab_deltas(first, second, delta):
    """CIEDE2000 of two images' Lab planes into `delta` (padded,); returns the sum, padding being alike and so zero."""
    scratch = np.empty(ROWS * BLOCK, np.float32)
    sums = np.zeros(BLOCK, np.float64)
    padded = len(delta)
    for start in range(0, padded, BLOCK):
        for channel in range(3):
            place, row = channel * padded + start, channel * BLOCK
            scratch[row : row + BLOCK] = first[place : place + BLOCK]
            scratch[row + 3 * BLOCK : row + 4 * BLOCK] = second[place : place + BLOCK]
        ciede2000(scratch, delta[start : start + BLOCK])
        add(delta[start : start + BLOCK], sums)
    total = 0.0
    for i in range(BLOCK):
        total += sums[i]
    return total


@compiled(SINGLES, SINGLES, DOUBLES)
def chroma_differences(first, second, sums):
    """The sums of |da| + |db| and of da² + db² of two images' Lab planes into `sums` (2,), as `kernels_color` adds."""
    padded = len(first) // 3
    absolute = np.zeros(BLOCK, np.float64)
    squared = np.zeros(BLOCK, np.float64)
    for start in range(padded, 2 * padded, BLOCK):
        for i in range(BLOCK):
            a = first[start + i] - second[start + i]
            b = first[start + padded + i] - second[start + padded + i]
            absolute[i] += np.float64(abs(a) + abs(b))
            squared[i] += np.float64(a * a + b * b)
    sums[:] = 0
    for i in range(BLOCK):
        sums[0] += absolute[i]
        sums[1] += squared[i]


@compiled(IMAGE, IMAGE, BYTES)
def lock(prediction, target, out):
    """The prediction with the target's luma into `out`, all uint8 (pixels * 3,). Returns the sum of |luma changes|."""
    away = 0
    for i in range(len(out) // 3):
        r, g, b = np.int32(prediction[3 * i]), np.int32(prediction[3 * i + 1]), np.int32(prediction[3 * i + 2])
        tr, tg, tb = np.int32(target[3 * i]), np.int32(target[3 * i + 1]), np.int32(target[3 * i + 2])
        own = (299 * r + 587 * g + 114 * b + 500) // 1000
        wanted = (299 * tr + 587 * tg + 114 * tb + 500) // 1000
        shift = wanted - own
        away += abs(shift)
        out[3 * i] = min(max(r + shift, 0), 255)
        out[3 * i + 1] = min(max(g + shift, 0), 255)
        out[3 * i + 2] = min(max(b + shift, 0), 255)
    return away


@compiled(SINGLES)
def chroma_sum(lab):
    """The sum of C*ab = sqrt(a² + b²) over Lab planes; the padding is black and so without chroma."""
    padded = len(lab) // 3
    sums = np.zeros(BLOCK, np.float64)
    for start in range(padded, 2 * padded, BLOCK):
        for i in range(BLOCK):
            a, b = lab[start + i], lab[start + padded + i]
            sums[i] += np.float64(math.sqrt(a * a + b * b))
    total = 0.0
    for i in range(BLOCK):
        total += sums[i]
    return total


@compiled(IMAGE)
def opponent_sums(pixels):
    """Of one image's uint8 (pixels * 3,): the exact sums of rg = R - G, its square, yb2 = R + G - 2 B, its square."""
    rg_sum, rg_square, yb_sum, yb_square = 0, 0, 0, 0
    for i in range(len(pixels) // 3):
        r, g, b = np.int32(pixels[3 * i]), np.int32(pixels[3 * i + 1]), np.int32(pixels[3 * i + 2])
        rg, yb = r - g, r + g - 2 * b
        rg_sum += rg
        rg_square += rg * rg
        yb_sum += yb
        yb_square += yb * yb
    return rg_sum, rg_square, yb_sum, yb_square


OUTSIDE = np.float32(-1e9)
"""A lightness that no class holds."""


@compiled()
def _pick(block, limits, counts, totals):
    """Add 1 and the delta of each pixel of the block that lies within the limits to the pixel's own lane."""
    l_from, l_to, c_from, c_to = limits[0], limits[1], limits[2], limits[3]
    x_from, y_from, x_to, y_to = limits[4], limits[5], limits[6], limits[7]
    zero = np.float32(0)
    for i in range(BLOCK):
        level, a, b, square = block[i], block[i + BLOCK], block[i + 2 * BLOCK], block[i + 3 * BLOCK]
        inside = (level >= l_from) & (level < l_to) & (square >= c_from) & (square < c_to)
        inside &= (x_from * b - y_from * a >= zero) & (y_to * a - x_to * b >= zero)
        counts[i] += np.float32(1) if inside else zero
        totals[i] += np.float64(block[i + 4 * BLOCK] if inside else zero)


@compiled(SINGLES, SINGLES, MATRIX, DOUBLES)
def class_sums(lab, delta, classes, sums):
    """How many pixels of `lab` fall in each class of colours, and the sum of `delta` over them.

    Args:
        lab: float32 (3 * padded,).
        delta: float32 (pixels,); no more than these pixels are read.
        classes: float32 (k, 8), each from and to: L, C*ab squared, then cosine and sine of the first hue and of the
            last (under 180 degrees on; all four zero for any hue).
        sums: float64 (2 * k,), takes the number of each class, then the sum of each.
    """
    padded, pixels = len(lab) // 3, len(delta)
    block = np.empty(5 * BLOCK, np.float32)  # L, a, b, squared chroma, delta
    counts = np.zeros(len(classes) * BLOCK, np.float32)
    totals = np.zeros(len(classes) * BLOCK, np.float64)
    for start in range(0, pixels, BLOCK):
        count = min(BLOCK, pixels - start)
        for channel in range(3):
            place = channel * padded + start
            block[channel * BLOCK : (channel + 1) * BLOCK] = lab[place : place + BLOCK]
        block[count:BLOCK] = OUTSIDE
        block[4 * BLOCK :] = np.float32(0)
        block[4 * BLOCK : 4 * BLOCK + count] = delta[start : start + count]
        for i in range(BLOCK):
            a, b = block[i + BLOCK], block[i + 2 * BLOCK]
            block[i + 3 * BLOCK] = a * a + b * b
        for k in range(len(classes)):
            _pick(block, classes[k], counts[k * BLOCK : (k + 1) * BLOCK], totals[k * BLOCK : (k + 1) * BLOCK])
    for k in range(len(classes)):
        sums[k], sums[len(classes) + k] = 0, 0
        for i in range(k * BLOCK, (k + 1) * BLOCK):
            sums[k] += np.float64(counts[i])
            sums[len(classes) + k] += totals[i]
