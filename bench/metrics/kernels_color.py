"""The kernels of CIEDE2000: 8-bit sRGB to Lab, colour differences, and their percentile.

No arc tangent: hue differences are cross and dot products, the mean hue is a bisecting vector, and what remains of the
formula's curves are short series. The constants of sRGB and of the white come in as arguments, because numba's cache
watches this file alone and would keep old ones.
"""

import math

import numpy as np
from numba import float32, float64

from bench.compiled import BITS, CONSTANTS, DOUBLES, IMAGE, MATRIX, SINGLES, F, compiled

BLOCK = 1024
"""Pixels at a time: the scratch of a block stays in the first-level cache."""

R1, G1, B1, R2, G2, B2 = (row * BLOCK for row in range(6))
"""Offsets of the scratch's rows: linear RGB of both images, and then, in its place, L, a, b."""
ROWS = 6

ZERO, HALF, ONE, TWO, SIXTEEN = F(0), F(0.5), F(1), F(2), F(16)
THIRD, TWO_NINTHS, FOURTEEN_81 = F(1 / 3), F(2 / 9), F(14 / 81)
EPSILON, KAPPA_116, OFFSET_116 = F((6 / 29) ** 3), F((29 / 3) ** 3 / 116), F(16 / 116)
ROOT_GUESS = F(0x54A21D2A)
"""Bits of the first guess of an inverse cube root: this minus a third of the argument's bits."""

F116, F500, F200 = F(116), F(500), F(200)
F25_7, F50, F20, F0_015, F0_045 = F(25.0**7), F(50), F(20), F(0.015), F(0.045)
ROOT2 = F(math.sqrt(2))


def _cosine(factor: float, degrees: float) -> tuple[F, F]:
    """factor * cos(x - degrees) as the factors of cos x and sin x."""
    return F(factor * math.cos(math.radians(degrees))), F(factor * math.sin(math.radians(degrees)))


# T = 1 - 0.17 cos(h - 30) + 0.24 cos 2h + 0.32 cos(3h + 6) - 0.20 cos(4h - 63), degrees.
T1C, T1S = _cosine(-0.17, 30)
T2C = F(0.24)
T3C, T3S = _cosine(0.32, -6)
T4C, T4S = _cosine(-0.20, 63)
BLUE_C, BLUE_S = _cosine(1, 275)

# (x / 25 degrees)^2 / 32 as a series in 1 - cos x: x^2 = 2 sum of (2 (1 - cos x))^n / (n^2 binomial(2n, n)).
Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8 = (
    F(2 * 2**n / (n * n * math.comb(2 * n, n)) / math.radians(25) ** 2 / 32) for n in range(1, 9)
)
E2, E3, E4, E5 = (F(1 / math.factorial(n)) for n in range(2, 6))
S3, S5, S7, S9 = (F((-1) ** (n // 2) / math.factorial(n)) for n in (3, 5, 7, 9))
SIXTY = F(math.radians(60))


@compiled()
def _lightness(value):
    """f of CIE Lab: the cube root by three Newton-like steps, without a division; a line near black."""
    x = max(value, EPSILON)
    y = np.int32(ROOT_GUESS - F(F(x).view(np.int32)) * THIRD).view(np.float32)
    h = ONE - x * y * y * y
    y = y + y * h * (THIRD + h * (TWO_NINTHS + h * FOURTEEN_81))
    h = ONE - x * y * y * y
    y = y + y * h * THIRD
    root = x * y * y
    root = root - (root * root * root - x) * (y * y * THIRD)
    return root if value > EPSILON else KAPPA_116 * value + OFFSET_116


@compiled()
def _step(difference, high, low, f_high, f_low):
    """f(high) - f(low) from high - low, without the cancellation that would leave a gray no hue to speak of."""
    curved = difference / (f_high * f_high + f_high * f_low + f_low * f_low)
    return curved if min(high, low) > EPSILON else f_high - f_low


@compiled()
def to_lab(rows, matrix):
    """Linear RGB in three rows of a scratch becomes Lab, in place; `matrix` as in `colour_differences`."""
    yr, yg, yb = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    ar, ag, ab = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    br, bg, bb = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    for i in range(BLOCK):
        r, g, b = rows[i], rows[i + BLOCK], rows[i + 2 * BLOCK]
        r, b = r - g, b - g
        y = yr * r + yg * g + yb * b
        x_y = ar * r + ag * g + ab * b
        y_z = br * r + bg * g + bb * b
        x, z = y + x_y, y - y_z
        fx, fy, fz = _lightness(x), _lightness(y), _lightness(z)
        rows[i] = F116 * fy - SIXTEEN
        rows[i + BLOCK] = F500 * _step(x_y, x, y, fx, fy)
        rows[i + 2 * BLOCK] = F200 * _step(y_z, y, z, fy, fz)


@compiled()
def ciede2000(scratch, out):
    """CIEDE2000 (Sharma, Wu and Dalal 2005, equations 2 to 22; k = 1) of the block's Lab pairs into `out`."""
    for i in range(BLOCK):
        l1, a1, b1 = scratch[i + R1], scratch[i + G1], scratch[i + B1]
        l2, a2, b2 = scratch[i + R2], scratch[i + G2], scratch[i + B2]

        mean = HALF * (math.sqrt(a1 * a1 + b1 * b1) + math.sqrt(a2 * a2 + b2 * b2))
        power = mean * mean * mean
        power = power * power * mean
        stretch = ONE + HALF * (ONE - math.sqrt(power / (power + F25_7)))
        a1 = a1 * stretch
        a2 = a2 * stretch
        c1 = math.sqrt(a1 * a1 + b1 * b1)
        c2 = math.sqrt(a2 * a2 + b2 * b2)
        product = c1 * c2
        dot = a1 * a2 + b1 * b2
        cross = a1 * b2 - a2 * b1
        near = dot >= ZERO

        # Which way round from the first hue to the second. Exactly opposite: hues in [0, 360) decide, as in (10).
        upper = b1 > ZERO if b1 != ZERO else a1 >= ZERO
        turn = ONE if (cross > ZERO if cross != ZERO else upper) else -ONE

        # dH' = 2 sqrt(C1' C2') sin(dh' / 2), from the half-angle formula that does not cancel.
        opened = product + abs(dot)
        safe = opened if opened > ZERO else ONE
        ratio = cross / safe if near else turn
        dh = ROOT2 * math.sqrt(opened) * ratio

        # The mean hue (14) is the direction of the bisector; a colour without chroma has no say in it.
        sum_a, sum_b = a1 * c2 + a2 * c1, b1 * c2 + b2 * c1
        dif_a, dif_b = a2 * c1 - a1 * c2, b2 * c1 - b1 * c2
        bis_a = sum_a if near else turn * dif_b
        bis_b = sum_b if near else -turn * dif_a
        bis_a = bis_a if product > ZERO else a1 + a2
        bis_b = bis_b if product > ZERO else b1 + b2
        length = bis_a * bis_a + bis_b * bis_b
        inverse = ONE / math.sqrt(length if length > ZERO else ONE)
        c = bis_a * inverse if length > ZERO else ONE
        s = bis_b * inverse

        cos2, sin2 = c * c - s * s, TWO * c * s
        cos3, sin3 = c * cos2 - s * sin2, s * cos2 + c * sin2
        cos4, sin4 = cos2 * cos2 - sin2 * sin2, TWO * cos2 * sin2
        t = ONE + T1C * c + T1S * s + T2C * cos2 + T3C * cos3 + T3S * sin3 + T4C * cos4 + T4S * sin4

        # exp(-((h - 275) / 25)^2) by its 32nd root; 101 degrees away and more it is below 1e-7.
        d = max(min(ONE - (BLUE_C * c + BLUE_S * s), F(1.2)), ZERO)
        q = d * (Q1 + d * (Q2 + d * (Q3 + d * (Q4 + d * (Q5 + d * (Q6 + d * (Q7 + d * Q8)))))))
        e = ONE - q * (ONE - q * (E2 - q * (E3 - q * (E4 - q * E5))))
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        angle = SIXTY * e * e
        square = angle * angle
        sine = angle * (ONE + square * (S3 + square * (S5 + square * (S7 + square * S9))))

        mean = HALF * (c1 + c2)
        power = mean * mean * mean
        power = power * power * mean
        rotation = -TWO * sine * math.sqrt(power / (power + F25_7))
        level = HALF * (l1 + l2) - F50
        level = level * level
        dl = (l2 - l1) / (ONE + F0_015 * level / math.sqrt(F20 + level))
        dc = (c2 - c1) / (ONE + F0_045 * mean)
        dh = dh / (ONE + F0_015 * mean * t)
        out[i] = math.sqrt(max(dl * dl + dc * dc + dh * dh + rotation * dc * dh, ZERO))


@compiled()
def decode(pixels, start, count, linear, rows):
    """`count` interleaved 8-bit pixels from `start` on into three rows of linear RGB; the rest of the rows is black."""
    rows[:] = ZERO
    for i in range(count):
        pixel = 3 * (start + i)
        rows[i] = linear[pixels[pixel]]
        rows[i + BLOCK] = linear[pixels[pixel + 1]]
        rows[i + 2 * BLOCK] = linear[pixels[pixel + 2]]


@compiled()
def _add_chroma(scratch, absolute, squared):
    for i in range(BLOCK):
        a = scratch[i + G1] - scratch[i + G2]
        b = scratch[i + B1] - scratch[i + B2]
        absolute[i] += np.float64(abs(a) + abs(b))
        squared[i] += np.float64(a * a + b * b)


@compiled()
def add(values, sums):
    for i in range(BLOCK):
        sums[i] += np.float64(values[i])


@compiled(MATRIX, MATRIX, SINGLES)
def lab_differences(first, second, out):
    """CIEDE2000 of Lab pairs: `first` and `second` float32 (n, 3), `out` float32 (n,). For tests and single colours."""
    scratch = np.zeros(ROWS * BLOCK, np.float32)
    block = np.empty(BLOCK, np.float32)
    for start in range(0, len(first), BLOCK):
        count = min(BLOCK, len(first) - start)
        for channel in range(3):
            for i in range(count):
                scratch[channel * BLOCK + i] = first[start + i, channel]
                scratch[(channel + 3) * BLOCK + i] = second[start + i, channel]
        ciede2000(scratch, block)
        out[start : start + count] = block[:count]


@compiled(IMAGE, IMAGE, CONSTANTS, MATRIX, SINGLES, DOUBLES)
def colour_differences(first, second, linear, matrix, delta, chroma):
    """CIEDE2000 of every pixel, and the differences of a and b, of one pair of images.

    Args:
        first, second: uint8 (pixels * 3,), sRGB.
        linear: float32 (256,), linear light of each code.
        matrix: float32 (3, 3), R - G, G and B - G of linear light to Y, X - Y and Y - Z of XYZ over the white's XYZ;
            by differences, because a gray's faint hue under the rounded matrix decides on its CIEDE2000 to a colour.
        delta: float32 (pixels rounded up to whole blocks,), takes the CIEDE2000 of each pixel, then zeros.
        chroma: float64 (2,), takes the sums of |da| + |db| and of da^2 + db^2.

    Returns:
        The sum of CIEDE2000 over the pixels.
    """
    scratch = np.empty(ROWS * BLOCK, np.float32)
    sums = np.zeros((3, BLOCK), np.float64)
    pixels = len(first) // 3
    for start in range(0, pixels, BLOCK):
        count = min(BLOCK, pixels - start)
        decode(first, start, count, linear, scratch[:R2])
        decode(second, start, count, linear, scratch[R2:])
        to_lab(scratch[:R2], matrix)
        to_lab(scratch[R2:], matrix)
        _add_chroma(scratch, sums[0], sums[1])
        ciede2000(scratch, delta[start : start + BLOCK])
        add(delta[start : start + BLOCK], sums[2])
    totals = np.zeros(3)
    for row in range(3):
        for i in range(BLOCK):
            totals[row] += sums[row, i]
    chroma[:] = totals[:2]
    return totals[2]


@compiled()
def _select(values, rank, room):
    """The value of a 0-based rank and the next greater one in order, among float32 values >= 0, exactly.

    Radix selection on the bits, which order non-negative floats: 11, then 11, then 10 bits, three passes
    whatever the values. `room` is an int32 array as long as `values`.
    """
    counts = np.empty(2048, np.int64)
    for i in range(len(values)):
        room[i] = F(values[i]).view(np.int32)
    size, low = len(values), 0
    after = np.int32(0x7FFFFFFF)  # the smallest value above the bin that holds the rank
    for shift in (21, 10, 0):
        counts[:] = 0
        for i in range(size):
            counts[(room[i] >> shift) & 2047] += 1
        digit = 0
        while low + counts[digit] <= rank:
            low += counts[digit]
            digit += 1
        kept = 0
        for i in range(size):
            bits = room[i]
            own = (bits >> shift) & 2047
            if own == digit:
                room[kept] = bits
                kept += 1
            elif own > digit:
                after = min(after, bits)
        size = kept
    value = room[0]
    # All that is left is equal to the value: the next in order is one of them, or what came after.
    following = value if rank + 1 < low + size else after
    return np.int32(value).view(np.float32), np.int32(following).view(np.float32)


@compiled(SINGLES, float64, BITS)
def percentile(values, percent, room):
    """The percentile of float32 values >= 0 by numpy's definition `linear`, as float64."""
    place = (len(values) - 1) * (percent / 100)
    rank = int(place)
    if rank + 1 >= len(values):
        return np.float64(values.max())
    value, following = _select(values, rank, room)
    return value + (place - rank) * (np.float64(following) - np.float64(value))


@compiled(SINGLES, float32)
def count_above(values, threshold):
    """How many of the values lie above the threshold."""
    count = 0
    for i in range(len(values)):
        count += values[i] > threshold
    return count
