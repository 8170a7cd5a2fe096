"""The kernels of MS-SSIM: a pyramid of sums and differences, and the two terms of SSIM on each of its levels.

Sum and difference of the two images are blurred instead of the images (as in `kernels_structure`, whose blur this is),
and since averaging is linear the pyramid is made of them too.
"""

import numpy as np
from numba import boolean, float32

from bench.compiled import DOUBLES, IMAGE_ROWS, F, compiled
from bench.metrics.kernels_structure import (
    BAND,
    F256,
    HALF,
    MARGIN,
    PLANE,
    RADIUS,
    RAW,
    SSIM_C1,
    SSIM_C2,
    TILE,
    across,
    blurred,
)

QUARTER = F(0.25)
SECOND = BAND * TILE
"""Where the second map of a tile begins in its output."""
ROWS = float32[:, ::1]


@compiled(IMAGE_ROWS, IMAGE_ROWS, ROWS, ROWS)
def sum_and_difference(first, second, total, difference):
    """x + y - 256 and x - y of two images, uint8 (h, w * 3), as float32."""
    for y in range(first.shape[0]):
        a, b, s, d = first[y], second[y], total[y], difference[y]
        for i in range(first.shape[1]):
            x, z = F(a[i]), F(b[i])
            s[i] = x + z - F256
            d[i] = x - z


@compiled(ROWS, ROWS)
def halve(rows, out):
    """Means of 2x2 pixels of interleaved RGB; a last odd row or column is dropped."""
    for y in range(out.shape[0]):
        upper, lower, row = rows[2 * y], rows[2 * y + 1], out[y]
        for x in range(out.shape[1] // 3):
            for channel in range(3):
                i = 6 * x + channel
                row[3 * x + channel] = QUARTER * (upper[i] + upper[i + 3] + lower[i] + lower[i + 3])


@compiled()
def _contrast(planes, rows, out):
    """The product of contrast and structure (Wang et al. 2004, equation 13, second factor) of each sample of a tile."""
    for i in range(rows * TILE):
        s = blurred(planes, i, TILE)
        d = blurred(planes, i + PLANE, TILE)
        var_s = blurred(planes, i + 2 * PLANE, TILE) - s * s
        var_d = blurred(planes, i + 3 * PLANE, TILE) - d * d
        out[i] = (HALF * (var_s - var_d) + SSIM_C2) / (HALF * (var_s + var_d) + SSIM_C2)


@compiled()
def _contrast_and_whole(planes, rows, out):
    """The same, and from `SECOND` on the whole of equation 13, by the very steps of `kernels_structure`."""
    for i in range(rows * TILE):
        s = blurred(planes, i, TILE)
        d = blurred(planes, i + PLANE, TILE)
        var_s = blurred(planes, i + 2 * PLANE, TILE) - s * s
        var_d = blurred(planes, i + 3 * PLANE, TILE) - d * d
        s = s + F256
        mean_s = s * s
        mean_d = d * d
        upper = HALF * (var_s - var_d) + SSIM_C2
        lower = HALF * (var_s + var_d) + SSIM_C2
        out[i] = upper / lower
        out[i + SECOND] = ((HALF * (mean_s - mean_d) + SSIM_C1) * upper) / (
            (HALF * (mean_s + mean_d) + SSIM_C1) * lower
        )


@compiled(ROWS, ROWS, boolean, DOUBLES)
def level_means(total, difference, whole, means):
    """Means over one level: of contrast times structure of R, G and B, of SSIM of R, G and B, and SSIM of all.

    Args:
        total, difference: float32 (h, w * 3) as `sum_and_difference` makes them, h and w at least 11.
        whole: whether to make those of SSIM; else they are 0.
        means: float64 (7,), takes the means; the last is `kernels_structure.structural_similarity` to the bit.
    """
    height, width = total.shape
    out_height, out_width = height - 2 * RADIUS, width - MARGIN
    raw = np.empty(4 * RAW, np.float32)
    planes = np.empty(4 * PLANE, np.float32)
    out = np.empty(2 * SECOND, np.float32)
    sums = np.zeros(2 * TILE, np.float64)
    means[:] = 0
    for left in range(0, out_width, TILE):
        inside = min(RAW, width - left)
        sums[:] = 0
        raw[:] = F(0)
        for top in range(0, out_height, BAND):
            rows = min(BAND, out_height - top)
            for y in range(rows + 2 * RADIUS):
                a, b = total[top + y, left : left + inside], difference[top + y, left : left + inside]
                for i in range(inside):
                    s, d = a[i], b[i]
                    raw[i] = s
                    raw[i + RAW] = d
                    raw[i + 2 * RAW] = s * s
                    raw[i + 3 * RAW] = d * d
                across(raw, planes, y * TILE)
            if whole:
                _contrast_and_whole(planes, rows, out)
            else:
                _contrast(planes, rows, out)
            for y in range(rows):
                for i in range(TILE):
                    sums[i] += np.float64(out[y * TILE + i])
            if whole:
                for y in range(rows):
                    for i in range(TILE):
                        sums[i + TILE] += np.float64(out[SECOND + y * TILE + i])
        for i in range(min(TILE, out_width - left)):
            channel = (left + i) % 3
            means[channel] += sums[i]
            means[3 + channel] += sums[i + TILE]
            means[6] += sums[i + TILE]
    means[:6] /= out_height * (out_width // 3)
    means[6] /= out_height * out_width
