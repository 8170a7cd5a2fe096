"""The kernels of regions: flat ones found in an image, and how evenly each is painted."""

import numpy as np
from numba import int32, int64, types

from bench.compiled import DOUBLES, IMAGE_ROWS, SINGLES, compiled

LABELS = int32[::1]
GIVEN = types.Array(int32, 1, "C", readonly=True)


@compiled()
def _root(parents, label):
    while parents[label] != label:
        parents[label] = parents[parents[label]]
        label = parents[label]
    return label


@compiled()
def _alike(first, second, step, close, out):
    """1 in `out` for each pixel of two rows of interleaved RGB whose channels differ by at most `step`, else 0."""
    for i in range(len(first)):
        close[i] = abs(np.int16(first[i]) - np.int16(second[i])) <= step
    for x in range(len(first) // 3):
        out[x] = close[3 * x] & close[3 * x + 1] & close[3 * x + 2]


@compiled(IMAGE_ROWS, int64, int64, LABELS)
def find_flat(rows, step, least, labels):
    """Number the connected regions of an image from 1 in raster order; 0 where a region has fewer than `least` pixels.

    Args:
        rows: uint8 (h, w * 3), sRGB.
        step: neighbours (left, right, above, below) belong together if no channel differs by more.
        least: pixels.
        labels: int32 (h * w,), takes the numbers.

    Returns:
        How many regions there are.
    """
    height, width = rows.shape[0], rows.shape[1] // 3
    parents = np.empty(height * width, np.int32)
    close = np.empty(3 * width, np.uint8)
    left = np.zeros(width, np.uint8)
    up = np.zeros(width, np.uint8)
    count = 0
    for y in range(height):
        row = rows[y]
        _alike(row[3:], row[:-3], step, close, left[1:])
        if y:
            _alike(row, rows[y - 1], step, close, up)
        for x in range(width):
            place = y * width + x
            if left[x]:
                label = labels[place - 1]
                if up[x] and labels[place - width] != label:
                    one, other = _root(parents, label), _root(parents, labels[place - width])
                    label = min(one, other)
                    parents[max(one, other)] = label
            elif up[x]:
                label = labels[place - width]
            else:
                label = np.int32(count)
                parents[count] = label
                count += 1
            labels[place] = label
    # A parent's number is smaller than its child's, so one pass in order leads every label to its root.
    sizes = np.zeros(count, np.int32)
    for label in range(count):
        parents[label] = parents[parents[label]]
    for place in range(height * width):
        labels[place] = parents[labels[place]]
        sizes[labels[place]] += 1
    found = 0
    for label in range(count):
        # From here on the parents hold the final numbers.
        if sizes[label] >= least:
            found += 1
            parents[label] = found
        else:
            parents[label] = 0
    for place in range(height * width):
        labels[place] = parents[labels[place]]
    return found


@compiled(GIVEN, int64, SINGLES, SINGLES, SINGLES, DOUBLES)
def region_sums(labels, count, prediction, target, delta, sums):
    """Sums over each region.

    Args:
        labels: int32 (pixels,), 0 for none.
        count: the largest label.
        prediction, target: Lab planes, float32 (3 * padded,).
        delta: CIEDE2000, float32 (pixels,).
        sums: float64 ((count + 1) * 8,), takes of each region: pixels, CIEDE2000; a, b and a² + b² of the prediction;
            the same of the target.
    """
    padded = len(prediction) // 3
    sums[:] = 0
    first = 0
    while first < len(labels):
        # A run of one label is added up by itself: adding to memory pixel by pixel would wait for every sum.
        label, last = labels[first], first + 1
        while last < len(labels) and labels[last] == label:
            last += 1
        if label:
            error, a_sum, b_sum, ab_square, c_sum, d_sum, cd_square = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for i in range(first, last):
                a, b = np.float64(prediction[i + padded]), np.float64(prediction[i + 2 * padded])
                c, d = np.float64(target[i + padded]), np.float64(target[i + 2 * padded])
                error += np.float64(delta[i])
                a_sum += a
                b_sum += b
                ab_square += a * a + b * b
                c_sum += c
                d_sum += d
                cd_square += c * c + d * d
            place = 8 * label
            sums[place] += last - first
            sums[place + 1] += error
            sums[place + 2] += a_sum
            sums[place + 3] += b_sum
            sums[place + 4] += ab_square
            sums[place + 5] += c_sum
            sums[place + 6] += d_sum
            sums[place + 7] += cd_square
        first = last
