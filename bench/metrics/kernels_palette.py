"""The kernels of the palette distance: a histogram of ab, and its optimal transport along a line."""

import numpy as np
from numba import float64, int64

from bench.compiled import DOUBLES, SINGLES, F, compiled
from bench.metrics.kernels_color import BLOCK

SIDE = 256
"""Cells each way, of one Lab unit: a and b of -128 to 127, which holds all of sRGB."""
BITS = 4
PARTS = 1 << BITS
"""Parts of a cell that a or b is rounded to: weights are whole numbers, so that no order of pixels changes a sum."""
WEIGHT = PARTS * PARTS
"""What each pixel weighs in all."""

LINE = 512
"""Cells of a line, one Lab unit each: a direction reaches no further than the histogram's diagonal."""

CELLS = int64[::1]
ONE, BELOW = np.uint64(1), np.uint64(SIDE)
"""Steps to the next cell and to the one below; unsigned, so that no index is taken for one from the end."""

OFFSET, FINE, ROUND = F(SIDE // 2), F(PARTS), F(0.5)


@compiled()
def _parts(lab, start, padded, places):
    """a and b of a block's pixels in parts of a cell, in `places` (2 * BLOCK,)."""
    a, b = lab[start + padded : start + padded + BLOCK], lab[start + 2 * padded : start + 2 * padded + BLOCK]
    for i in range(BLOCK):
        places[i] = np.int32((a[i] + OFFSET) * FINE + ROUND)
        places[i + BLOCK] = np.int32((b[i] + OFFSET) * FINE + ROUND)


@compiled()
def _share(a, b, sign, cells):
    place = np.uint64((a >> BITS) * SIDE + (b >> BITS))
    right, down = (b & (PARTS - 1)) * sign, a & (PARTS - 1)
    left = PARTS * sign - right
    cells[place] += (PARTS - down) * left
    cells[place + ONE] += (PARTS - down) * right
    cells[place + BELOW] += down * left
    cells[place + BELOW + ONE] += down * right


@compiled(SINGLES, SINGLES, int64, CELLS)
def add_palettes(first, second, pixels, cells):
    """Add the colours of one image's Lab planes to `cells` (SIDE * SIDE, row a, column b), and take away another's.

    Each pixel is shared linearly among the four cells around it. Lab planes are float32 (3 * padded,).
    """
    padded = len(first) // 3
    added = np.empty(2 * BLOCK, np.int32)
    taken = np.empty(2 * BLOCK, np.int32)
    for start in range(0, pixels, BLOCK):
        _parts(first, start, padded, added)
        _parts(second, start, padded, taken)
        for i in range(min(BLOCK, pixels - start)):
            if added[i] != taken[i] or added[i + BLOCK] != taken[i + BLOCK]:
                _share(np.int64(added[i]), np.int64(added[i + BLOCK]), 1, cells)
                _share(np.int64(taken[i]), np.int64(taken[i + BLOCK]), -1, cells)


@compiled(CELLS, DOUBLES, DOUBLES, float64)
def transport(cells, cosines, sines, mass):
    """The mean over directions of the cost of moving one palette onto the other along that direction, in Lab units.

    On a line that is the area between the cumulative distributions (Rabin et al. 2012, section 2.3).

    Args:
        cells: of `add_palettes`: one palette minus the other.
        cosines, sines: of the directions' angles from the a axis.
        mass: what one palette weighs in all.
    """
    a = np.empty(len(cells), np.float64)
    b = np.empty(len(cells), np.float64)
    weights = np.empty(len(cells), np.float64)
    count = 0
    for place in range(len(cells)):
        if cells[place]:
            a[count] = place // SIDE - SIDE // 2
            b[count] = place % SIDE - SIDE // 2
            weights[count] = cells[place]
            count += 1
    # The lines of all directions side by side: cells that are neighbours fall on one place of a line, and to add to it
    # twice in a row would wait for the first.
    lines = np.zeros(len(cosines) * LINE, np.float64)
    for i in range(count):
        for k in range(len(cosines)):
            along = a[i] * cosines[k] + b[i] * sines[k] + LINE // 2
            cell = np.int64(along)
            rest = (along - cell) * weights[i]
            lines[k * LINE + cell] += weights[i] - rest
            lines[k * LINE + cell + 1] += rest
    cost = 0.0
    for k in range(len(cosines)):
        level = 0.0
        for cell in range(k * LINE, (k + 1) * LINE):
            level += lines[cell]
            cost += abs(level)
    return cost / (mass * len(cosines))
