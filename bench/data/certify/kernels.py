"""The inner loops of the search for copies: whole numbers throughout, so that every machine finds the same pairs."""

from typing import Any

import numpy as np
from numba.extending import intrinsic

from bench.compiled import compiled


def _population(_typing: Any, word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return word(word), generate


_ones: Any = intrinsic(_population)
"""The set bits of a 64-bit word."""


@compiled()
def _floor(mean_variance, level):
    """What is added to a variance so that the noise of plain paper says nothing: less in a picture of low contrast.

    Args:
        mean_variance: over the picture.
        level: one level of 0..255 in the picture's units.
    """
    return min(max(mean_variance // 16, level * level), 36 * level * level)


@compiled()
def detail(cells, level, bits):
    """Which cells stand out from their neighbourhood: two planes of bits, the brighter and the darker ones.

    A cell counts if it differs from the mean of the 5 x 5 cells around it by more than half their spread.

    Args:
        cells: int64, shape (rows, columns).
        level: one level of 0..255 in the units of the cells.
        bits: uint64, shape (words,), zeroed: row by row, the brighter plane, then the darker.

    Returns:
        how many bits are set.
    """
    rows, columns = cells.shape
    above = np.empty((rows, columns), np.int64)
    variance = np.empty((rows, columns), np.int64)
    total = np.int64(0)
    for i in range(rows):
        for j in range(columns):
            n = first = second = np.int64(0)
            for y in range(max(i - 2, 0), min(i + 3, rows)):
                for x in range(max(j - 2, 0), min(j + 3, columns)):
                    n += 1
                    first += cells[y, x]
                    second += cells[y, x] * cells[y, x]
            above[i, j] = (n * cells[i, j] - first) // n
            variance[i, j] = (n * second - first * first) // (n * n)
            total += variance[i, j]
    floor = _floor(total // (rows * columns), level)
    count = 0
    for i in range(rows):
        for j in range(columns):
            if 4 * above[i, j] * above[i, j] > variance[i, j] + floor:
                place = i * columns + j + (0 if above[i, j] > 0 else rows * columns)
                bits[place >> 6] |= np.uint64(1) << np.uint64(place & 63)
                count += 1
    return count


@compiled()
def hashes(channels, boxes, cell, bits, counts):
    """The bits of every view of one image.

    Args:
        channels: uint8, shape (channels, side, side).
        boxes: int64, shape (views, 3): left, top and side of a cell of each view, in tenths of a pixel; the first is
            the whole image.
        cell: how many rows and columns of cells a view has.
        bits: uint64, shape (channels, views + 1, words), zeroed; the last is the whole image mirrored.
        counts: int64, shape (channels, views + 1): how many of them are set.
    """
    side, (rows, columns) = channels.shape[1], cell
    cells = np.empty((rows, columns), np.int64)
    for channel in range(channels.shape[0]):
        for view in range(len(boxes)):
            left, top, step = boxes[view]
            for i in range(rows):
                y0, y1 = top + step * i, top + step * (i + 1)
                for j in range(columns):
                    x0, x1 = left + step * j, left + step * (j + 1)
                    total = np.int64(0)
                    for y in range(y0 // 10, min((y1 + 9) // 10, side)):
                        line = np.int64(0)
                        for x in range(x0 // 10, min((x1 + 9) // 10, side)):
                            share = min(x1, 10 * x + 10) - max(x0, 10 * x)
                            line += share * np.int64(channels[channel, y, x])
                        total += (min(y1, 10 * y + 10) - max(y0, 10 * y)) * line
                    cells[i, j] = total
            counts[channel, view] = detail(cells, step * step, bits[channel, view])
            if view == 0:
                mirrored = np.ascontiguousarray(cells[:, ::-1])
                counts[channel, len(boxes)] = detail(mirrored, step * step, bits[channel, len(boxes)])


@compiled()
def nearest(one, one_counts, bits, counts, fewest, floor, at_least, found):
    """The images most like one image by their bits.

    Args:
        one, one_counts: the image: `bits` and `counts` of `hashes`.
        bits: uint64, shape (images, channels, views + 1, words), and `counts` (images, channels, views + 1).
        fewest: bits that both sides need: plainer views say nothing.
        floor: the least likeness to keep, in thousandths.
        at_least: so many are kept whatever their likeness.
        found: int64, shape (keep, 5), out, the most alike first: image, likeness in thousandths, channel, mirrored
            (0, 1), and the view of the other image, or its negative where it is a view of this one.

    Returns:
        how many were found.
    """
    channels, views, words = bits.shape[1], bits.shape[2] - 1, bits.shape[3]
    filled, keep = 0, len(found)
    for other in range(len(bits)):
        best = best_channel = best_mirror = best_view = np.int64(0)
        for channel in range(channels):
            for mirror in range(2):
                whole = views if mirror else 0
                for view in range(1 - views, views):
                    # Either a view of the other image looks like this one, or the other way round.
                    mine, yours = (whole, view) if view >= 0 else (-view, whole)
                    set_bits = one_counts[channel, mine] + counts[other, channel, yours]
                    if one_counts[channel, mine] < fewest or counts[other, channel, yours] < fewest:
                        continue
                    shared = np.int64(0)
                    for word in range(words):
                        shared += np.int64(_ones(one[channel, mine, word] & bits[other, channel, yours, word]))
                    likeness = 2000 * shared // set_bits
                    if likeness > best:
                        best, best_channel, best_mirror, best_view = likeness, channel, mirror, view
        # Ordered by likeness; of equals the earlier image stays before.
        place = filled
        while place and found[place - 1, 1] < best:
            place -= 1
        if best == 0 or place == keep or (best < floor and place >= at_least):
            continue
        for row in range(min(filled, keep - 1), place, -1):
            found[row] = found[row - 1]
        found[place, 0], found[place, 1] = other, best
        found[place, 2], found[place, 3], found[place, 4] = best_channel, best_mirror, best_view
        filled = min(filled + 1, keep)
    while filled > at_least and found[filled - 1, 1] < floor:
        filled -= 1
    return filled


@compiled()
def pattern(channels, radius, out):
    """Each pixel's difference from its neighbourhood in units of the spread there, 64 for one: what survives grading.

    Args:
        channels: uint8, shape (channels, side, side).
        radius: of the square neighbourhood.
        out: int16, of the same shape.
    """
    side = channels.shape[1]
    smooth = np.empty((side, side), np.int64)
    firsts = np.zeros((side + 1, side + 1), np.int64)
    seconds = np.zeros((side + 1, side + 1), np.int64)
    above = np.empty((side, side), np.int64)
    variance = np.empty((side, side), np.int64)
    for channel in range(channels.shape[0]):
        levels = channels[channel]
        for i in range(side):
            up, down = max(i - 1, 0), min(i + 1, side - 1)
            for j in range(side):
                left, right = max(j - 1, 0), min(j + 1, side - 1)
                corners = np.int64(levels[up, left]) + levels[up, right] + levels[down, left] + levels[down, right]
                sides = np.int64(levels[up, j]) + levels[down, j] + levels[i, left] + levels[i, right]
                smooth[i, j] = 16 * (corners + 2 * sides + 4 * np.int64(levels[i, j]))
        for i in range(side):
            first = second = np.int64(0)
            for j in range(side):
                first += smooth[i, j]
                second += smooth[i, j] * smooth[i, j]
                firsts[i + 1, j + 1] = firsts[i, j + 1] + first
                seconds[i + 1, j + 1] = seconds[i, j + 1] + second
        total = np.int64(0)
        for i in range(side):
            top, bottom = max(i - radius, 0), min(i + radius + 1, side)
            for j in range(side):
                left, right = max(j - radius, 0), min(j + radius + 1, side)
                n = (bottom - top) * (right - left)
                first = firsts[bottom, right] - firsts[top, right] - firsts[bottom, left] + firsts[top, left]
                second = seconds[bottom, right] - seconds[top, right] - seconds[bottom, left] + seconds[top, left]
                above[i, j] = (n * smooth[i, j] - first) // n
                variance[i, j] = (n * second - first * first) // (n * n)
                total += variance[i, j]
        floor = _floor(total // (side * side), 512)
        for i in range(side):
            for j in range(side):
                # A whole number's root and quotient are rounded the same everywhere.
                spread = np.sqrt(np.float64(variance[i, j] + floor))
                out[channel, i, j] = np.int16(np.rint(64.0 * np.float64(above[i, j]) / spread))


@compiled()
def _sample(picture, left, top, wide, mirror, step, out):
    """A box of a pattern, bilinearly resampled to the whole grid (of which every `step`-th pixel is made)."""
    side = picture.shape[0]
    last = np.int64(side - 2)
    for i in range(step // 2, side, step):
        y = min(max(top + wide * (2 * i + 1) // (2 * side) - 128, 0), (side - 1) << 8)
        row = min(y >> 8, last)
        down = y - (row << 8)
        for j in range(step // 2, side, step):
            x = min(max(left + wide * (2 * j + 1) // (2 * side) - 128, 0), (side - 1) << 8)
            column = min(x >> 8, last)
            right = x - (column << 8)
            near, far = (side - 1 - column, side - 2 - column) if mirror else (column, column + 1)
            upper = (256 - right) * np.int64(picture[row, near]) + right * np.int64(picture[row, far])
            lower = (256 - right) * np.int64(picture[row + 1, near]) + right * np.int64(picture[row + 1, far])
            out[i, j] = ((256 - down) * upper + down * lower + 32768) >> 16


@compiled()
def _correlation(one, other, rows, step, noise):
    """The normalised correlation of two patterns over their first rows; `noise` an entry damps plain pictures."""
    both = mine = yours = np.int64(0)
    n = np.int64(0)
    for i in range(step // 2, rows, step):
        for j in range(step // 2, one.shape[1], step):
            a, b = np.int64(one[i, j]), np.int64(other[i, j])
            both += a * b
            mine += a * a
            yours += b * b
            n += 1
    return np.float64(both) / (np.sqrt(np.float64(mine + n * noise)) * np.sqrt(np.float64(yours + n * noise)))


@compiled()
def best_view(first, second, boxes, rows, noise):
    """The view of one pattern that correlates best with all of the other.

    Args:
        first, second: int16, shape (side, side).
        boxes: int64, shape (views, 3): left, top and side of each, in 1/256 pixel; the first is the whole.
        rows, noise: as for `align`.

    Returns:
        mirrored (0, 1) and the view of the first, or its negative where it is a view of the second.
    """
    side = first.shape[0]
    sampled = np.zeros((side, side), np.int64)
    best, best_mirror, best_view = -1.0, np.int64(0), np.int64(0)
    for mirror in range(2):
        for view in range(1 - len(boxes), len(boxes)):
            larger, smaller = (first, second) if view >= 0 else (second, first)
            left, top, wide = boxes[abs(view)]
            if mirror:
                left = side * 256 - left - wide
            _sample(larger, left, top, wide, mirror == 1, 2, sampled)
            now = _correlation(smaller, sampled, rows, 2, noise)
            if now > best:
                best, best_mirror, best_view = now, mirror, view
    return best_mirror, best_view


@compiled()
def align(one, other, left, top, wide, mirror, rows, noise):
    """Where in the other picture this one lies: a search by steps from a first guess, over place and scale.

    Args:
        one, other: int16, shape (side, side): patterns of one channel.
        left, top, wide: the box in the other (mirrored) one, in 1/256 pixel.
        mirror: whether the other is mirrored first.
        rows: how many of this one's rows count.
        noise: as for `_correlation`.

    Returns:
        left, top, wide.
    """
    side = one.shape[0]
    size, slack = np.int64(side * 256), np.int64(512)
    sampled = np.zeros((side, side), np.int64)
    _sample(other, left, top, wide, mirror, 2, sampled)
    best = _correlation(one, sampled, rows, 2, noise)
    step = np.int64(512)
    while step >= 64:
        moved, rounds = True, 0
        while moved and rounds < 6:
            moved, rounds = False, rounds + 1
            for turn in range(6):
                x, y, w = left, top, wide
                if turn == 0:
                    x += step
                elif turn == 1:
                    x -= step
                elif turn == 2:
                    y += step
                elif turn == 3:
                    y -= step
                elif turn == 4:
                    x, y, w = x - step // 2, y - step // 2, w + step
                else:
                    x, y, w = x + step // 2, y + step // 2, w - step
                if w * 4 < size * 3 or min(x, y) < -slack or max(x, y) + w > size + slack:
                    continue
                _sample(other, x, y, w, mirror, 2, sampled)
                now = _correlation(one, sampled, rows, 2, noise)
                if now > best:
                    best, left, top, wide, moved = now, x, y, w, True
        step //= 2
    return left, top, wide


@compiled()
def likeness(one, other, left, top, wide, mirror, rows, noise):
    """The correlation of a pattern with a box of another, over its first rows, in thousandths; see `align`."""
    side = one.shape[0]
    sampled = np.zeros((side, side), np.int64)
    _sample(other, left, top, wide, mirror, 1, sampled)
    return np.int64(np.floor(1000 * _correlation(one, sampled, rows, 1, noise)))


@compiled()
def changed(one, other):
    """The largest mean difference, in whole levels, of an eighth by eighth of two pictures (channels, side, side)."""
    channels, side, part = one.shape[0], one.shape[1], one.shape[1] // 8
    largest = np.int64(0)
    for channel in range(channels):
        for top in range(0, side, part):
            for left in range(0, side, part):
                total = np.int64(0)
                for i in range(top, top + part):
                    for j in range(left, left + part):
                        total += abs(np.int64(one[channel, i, j]) - np.int64(other[channel, i, j]))
                largest = max(largest, total)
    return largest // (part * part)
