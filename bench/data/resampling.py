"""Pillow's bicubic square and bilinear enlargement, byte for byte, several times as fast.

Pillow weighs in fixed point: across first, rounded to 8 bits, then down. The same sums, taken over contiguous runs of
many pixels, are vector code; and what the square does not show is not computed.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from bench.data import standardize
from bench.data.kernels import BITS, doubled, room, weigh

TALL = 1.5
"""Images higher than so many times their width are left to Pillow, which since version 13 goes down first in some."""


class Weights(NamedTuple):
    """How much of which source pixels makes each target pixel: `taps[i]` of those from `first[i]` on."""

    first: Int32[np.ndarray, " n"]
    taps: Int32[np.ndarray, "n k"]


def square(
    pixels: UInt8[np.ndarray, "h w 3"], size: int, begin: int = 0, width: int = 0
) -> UInt8[np.ndarray, "size size 3"]:
    """`bench.data.standardize.square` of an RGB array: the same pixels.

    Args:
        pixels: 8-bit RGB.
        size: S, in pixels.
        begin, width: where only the columns from `begin` on of an image `width` wide are given: all that `seen` tells.
    """
    height, width = len(pixels), width or pixels.shape[1]
    if height > TALL * width:
        return standardize.square(Image.fromarray(pixels), size)
    columns, rows, left, top = _layout(height, width, size)
    if columns == width:
        pixels = np.ascontiguousarray(pixels[:, left - begin : left - begin + size])
    else:
        narrow = room("narrow", height, size, 3)
        pixels = _across(pixels, _weights(_cubic, 2, width, columns, left, size), narrow, begin)
    if rows == height:
        return pixels[top : top + size].copy()
    down = _weights(_cubic, 2, height, rows, top, size)
    return weigh(pixels.reshape(height, -1), *down, np.empty((size, 3 * size), np.uint8)).reshape(size, size, 3)


def seen(height: int, width: int, size: int) -> tuple[int, int]:
    """The columns of an image that its square depends on: the first, and the one behind the last."""
    columns, _, left, _ = _layout(height, width, size)
    if height > TALL * width:
        return 0, width
    if columns == width:
        return left, left + size
    first, taps = _weights(_cubic, 2, width, columns, left, size)
    return int(first.min()), int(first.max()) + taps.shape[1]


def fingerprint(pixels: UInt8[np.ndarray, "h w 3"]) -> int:
    """`bench.data.standardize.fingerprint` of an RGB array: the same 64 bits."""
    return mark(square(pixels, 64))


def mark(tiny: UInt8[np.ndarray, "64 64 3"]) -> int:
    """The fingerprint of what is standardized to 64 pixels already."""
    import imagehash

    bits = imagehash.dhash(Image.fromarray(tiny)).hash
    return int("".join("1" if bit else "0" for bit in bits.flatten()), 2)


def enlarge(
    plane: UInt8[np.ndarray, "h w"], width: int, begin: int, out: UInt8[np.ndarray, "height n"]
) -> UInt8[np.ndarray, "height n"]:
    """A plane of colour differences at the size of luma: Pillow's bilinear `resize`.

    Args:
        plane: 8-bit.
        width: of the whole result.
        begin: the first of its columns that is wanted.
        out: takes them, contiguous, and is returned.
    """
    height, columns = out.shape
    if (height, width) == (2 * plane.shape[0], 2 * plane.shape[1]):
        return doubled(np.ascontiguousarray(plane), begin, room("wide", len(plane), width), out)
    if plane.shape[1] == width:
        plane = plane[:, begin : begin + columns]
    else:
        weights = _weights(_linear, 1, plane.shape[1], width, begin, columns)
        plane = _across(plane, weights, room("narrow", len(plane), columns))
    if len(plane) == height:
        out[:] = plane
        return out
    return weigh(np.ascontiguousarray(plane), *_weights(_linear, 1, len(plane), height, 0, height), out)


def _layout(height: int, width: int, size: int) -> tuple[int, int, int, int]:
    """Columns and rows of the scaled image, and the left and top of the square in it."""
    short = min(height, width)
    columns, rows = round(width * size / short), round(height * size / short)
    return columns, rows, (columns - size) // 2, (rows - size) // 2


def _across(
    pixels: UInt8[np.ndarray, "h w ..."], weights: Weights, out: UInt8[np.ndarray, "h n ..."], begin: int = 0
) -> UInt8[np.ndarray, "h n ..."]:
    """The horizontal pass, as a vertical one of the transposed image; its columns from `begin` on are given."""
    first = int(weights.first.min())
    last = int(weights.first.max()) + weights.taps.shape[1]
    height, parts = len(pixels), pixels.shape[2:]
    turned = cv2.transpose(pixels[:, first - begin : last - begin], room("turned", last - first, height, *parts))
    flat = room("weighed", len(weights.first), turned[0].size)
    weigh(turned.reshape(len(turned), -1), weights.first - first, weights.taps, flat)
    return cv2.transpose(flat.reshape(len(flat), height, *parts), out)


@lru_cache(maxsize=64)
def _weights(
    curve: Callable[[float], float], support: int, length: int, target: int, start: int, count: int
) -> Weights:
    """The weights of `count` pixels from `start` on, where `length` pixels become `target`.

    Args:
        curve: the filter.
        support: how far it reaches, in pixels of the smaller side.
    """
    scale = length / target
    stretch = max(scale, 1.0)
    reach = support * stretch
    runs = []
    for place in range(start, start + count):
        centre = (place + 0.5) * scale
        begin, end = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), length)
        run = [curve((x - centre + 0.5) * (1.0 / stretch)) for x in range(begin, end)]
        whole = sum(run)
        fixed = [tap / whole * (1 << BITS) for tap in run]
        runs.append((begin, [int(tap + (0.5 if tap >= 0 else -0.5)) for tap in fixed]))
    longest = max(len(run) for _, run in runs)
    first, taps = np.zeros(count, np.int32), np.zeros((count, longest), np.int32)
    for place, (begin, run) in enumerate(runs):
        # All runs are made equally long; one that would leave the image begins earlier, with weights of nothing.
        early = max(0, begin + longest - length)
        first[place] = begin - early
        taps[place, early : early + len(run)] = run
    return Weights(first, taps)


def _cubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * -0.5 if x < 2 else 0.0


def _linear(x: float) -> float:
    return max(0.0, 1.0 - abs(x))
