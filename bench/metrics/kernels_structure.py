"""The kernels of SSIM and of L1 and L2 on 8-bit codes."""

import math

import numpy as np

from bench.compiled import IMAGE, IMAGE_ROWS, F, compiled

HALF = F(0.5)
RADIUS = 5
TILE, BAND = 64, 128
"""Samples across and rows down at a time, of the output."""
MARGIN = 2 * RADIUS * 3
RAW = TILE + MARGIN
PLANE = (BAND + 2 * RADIUS) * TILE

_GAUSS = [math.exp(-(k**2) / (2 * 1.5**2)) for k in range(-RADIUS, 1)]
W0, W1, W2, W3, W4, W5 = (F(weight / (2 * sum(_GAUSS) - 1)) for weight in _GAUSS)
F128, F256 = F(128), F(256)
SSIM_C1, SSIM_C2 = F((0.01 * 255) ** 2), F((0.03 * 255) ** 2)


@compiled()
def blurred(x, i, step):
    return (
        W0 * (x[i] + x[i + 10 * step])
        + W1 * (x[i + step] + x[i + 9 * step])
        + W2 * (x[i + 2 * step] + x[i + 8 * step])
        + W3 * (x[i + 3 * step] + x[i + 7 * step])
        + W4 * (x[i + 4 * step] + x[i + 6 * step])
        + W5 * x[i + 5 * step]
    )


@compiled()
def across(raw, planes, start):
    row = planes[start:]
    for i in range(TILE):
        row[i] = blurred(raw, i, 3)
        row[i + PLANE] = blurred(raw, i + RAW, 3)
        row[i + 2 * PLANE] = blurred(raw, i + 2 * RAW, 3)
        row[i + 3 * PLANE] = blurred(raw, i + 3 * RAW, 3)


@compiled()
def _down(planes, rows, out):
    """SSIM (Wang et al. 2004, equation 13) of each sample of a tile, from its horizontally blurred planes."""
    for i in range(rows * TILE):
        s = blurred(planes, i, TILE)
        d = blurred(planes, i + PLANE, TILE)
        ss = blurred(planes, i + 2 * PLANE, TILE)
        dd = blurred(planes, i + 3 * PLANE, TILE)
        # With s = x + y and d = x - y: 2 cov = (var s - var d) / 2 and var x + var y = (var s + var d) / 2.
        var_s = ss - s * s
        var_d = dd - d * d
        s = s + F256
        mean_s = s * s
        mean_d = d * d
        out[i] = ((HALF * (mean_s - mean_d) + SSIM_C1) * (HALF * (var_s - var_d) + SSIM_C2)) / (
            (HALF * (mean_s + mean_d) + SSIM_C1) * (HALF * (var_s + var_d) + SSIM_C2)
        )


@compiled(IMAGE_ROWS, IMAGE_ROWS)
def structural_similarity(first, second):
    """Mean SSIM over the samples whose window lies inside the image; both uint8 (h, w * 3), h and w at least 11.

    Four planes are blurred instead of five: sum and difference of the two images, about mid-gray, and their squares.
    What rounding takes from a variance it then takes from numerator and denominator alike.
    """
    height, width = first.shape
    out_height, out_width = height - 2 * RADIUS, width - MARGIN
    raw = np.empty(4 * RAW, np.float32)
    planes = np.empty(4 * PLANE, np.float32)
    out = np.empty(BAND * TILE, np.float32)
    sums = np.zeros(TILE, np.float64)
    total = 0.0
    for left in range(0, out_width, TILE):
        inside = min(RAW, width - left)
        sums[:] = 0
        raw[:] = F(0)
        for top in range(0, out_height, BAND):
            rows = min(BAND, out_height - top)
            for y in range(rows + 2 * RADIUS):
                a, b = first[top + y, left : left + inside], second[top + y, left : left + inside]
                for i in range(inside):
                    x, z = F(a[i]) - F128, F(b[i]) - F128
                    s, d = x + z, x - z
                    raw[i] = s
                    raw[i + RAW] = d
                    raw[i + 2 * RAW] = s * s
                    raw[i + 3 * RAW] = d * d
                across(raw, planes, y * TILE)
            _down(planes, rows, out)
            for y in range(rows):
                for i in range(TILE):
                    sums[i] += np.float64(out[y * TILE + i])
        for i in range(min(TILE, out_width - left)):
            total += sums[i]
    return total / (out_height * out_width)


@compiled(IMAGE, IMAGE)
def code_differences(first, second):
    """Sums of absolute and squared differences of 8-bit codes, exact; both uint8 (samples,)."""
    absolute, squared = 0, 0
    for i in range(len(first)):
        # Widened before the subtraction: in 8 bits 0 - 255 would be 1.
        difference = np.int64(first[i]) - np.int64(second[i])
        absolute += abs(difference)
        squared += difference * difference
    return absolute, squared
