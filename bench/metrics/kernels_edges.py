"""The kernels of colour bleeding: edges of an image, the band about them, and where its chroma changes."""

import math

import numpy as np
from numba import float32, int64, uint8

from bench.compiled import DOUBLES, IMAGE, SINGLES, compiled

FLAGS = uint8[::1]


@compiled(SINGLES, int64, int64, float32, FLAGS)
def find_edges(lab, height, width, step, edges):
    """1 in `edges` (h * w,) where the neighbours left and right, or above and below, are more than `step` apart in Lab.

    `lab` holds planes, float32 (3 * padded,). The outermost pixels are 0.
    """
    padded = len(lab) // 3
    square = step * step
    inner = width - 2
    across = np.empty(inner, np.float32)
    down = np.empty(inner, np.float32)
    edges[:] = 0
    for y in range(1, height - 1):
        across[:] = np.float32(0)
        down[:] = np.float32(0)
        for channel in range(3):
            place = y * width + channel * padded
            left, right = lab[place : place + inner], lab[place + 2 : place + 2 + inner]
            upper = lab[place - width + 1 : place - width + 1 + inner]
            lower = lab[place + width + 1 : place + width + 1 + inner]
            for x in range(inner):
                dx, dy = right[x] - left[x], lower[x] - upper[x]
                across[x] += dx * dx
                down[x] += dy * dy
        out = edges[y * width + 1 : y * width + 1 + inner]
        for x in range(inner):
            out[x] = max(across[x], down[x]) > square


@compiled()
def _join(out, other):
    for x in range(len(out)):
        out[x] = out[x] | other[x]


@compiled(IMAGE, int64, int64, int64, FLAGS)
def widen(edges, height, width, radius, band):
    """1 in `band` up to `radius` pixels from an edge, across, down or diagonally."""
    rows = np.zeros(height * width, np.uint8)
    for y in range(height):
        row, out = edges[y * width : (y + 1) * width], rows[y * width : (y + 1) * width]
        for shift in range(-radius, radius + 1):
            first, last = max(0, -shift), min(width, width - shift)
            _join(out[first:last], row[first + shift : last + shift])
    band[:] = 0
    for y in range(height):
        out = band[y * width : (y + 1) * width]
        for other in range(max(0, y - radius), min(height, y + radius + 1)):
            _join(out, rows[other * width : (other + 1) * width])


@compiled(SINGLES, FLAGS, int64, int64, DOUBLES)
def chroma_changes(lab, band, height, width, sums):
    """Sums over one image's Lab planes, each column by itself first.

    Args:
        lab: float32 (3 * padded,).
        band: 1 about the boundaries, uint8 (h * w,).
        height, width: in pixels.
        sums: float64 (5,), takes the lengths of the steps of (a, b) to the right and lower neighbours, over all pixels
            and off the band; then a, b and a² + b².
    """
    padded = len(lab) // 3
    lanes = np.zeros((5, width), np.float64)
    everywhere, off, a_sum, b_sum, squares = lanes[0], lanes[1], lanes[2], lanes[3], lanes[4]
    zero = np.float32(0)
    for y in range(height):
        place = y * width + padded
        a, b = lab[place : place + width], lab[place + padded : place + padded + width]
        for x in range(width):
            a_sum[x] += np.float64(a[x])
            b_sum[x] += np.float64(b[x])
            squares[x] += np.float64(a[x] * a[x] + b[x] * b[x])
        if y == height - 1:
            break
        below = place + width
        c, d = lab[below : below + width], lab[below + padded : below + padded + width]
        row = band[y * width : (y + 1) * width]
        for x in range(width - 1):
            dx, ex = a[x + 1] - a[x], b[x + 1] - b[x]
            dy, ey = c[x] - a[x], d[x] - b[x]
            change = math.sqrt(dx * dx + ex * ex + dy * dy + ey * ey)
            everywhere[x] += np.float64(change)
            off[x] += np.float64(change if row[x] == 0 else zero)
    for k in range(5):
        sums[k] = 0
        for x in range(width):
            sums[k] += lanes[k, x]
