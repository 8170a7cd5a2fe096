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
from bench.data.kernels import BITS, weigh

TALL = 1.5
"""Images higher than so many times their width are left to Pillow, which since version 13 goes down first in some."""


class Weights(NamedTuple):
    """How much of which source pixels makes each target pixel: `taps[i]` of those from `first[i]` on."""

    first: Int32[np.ndarray, " n"]
    taps: Int32[np.ndarray, "n k"]


def square(pixels: UInt8[np.ndarray, "h w 3"], size: int) -> UInt8[np.ndarray, "size size 3"]:
    """`bench.data.standardize.square` of an RGB array: the same pixels.

    Args:
        pixels: 8-bit RGB.
        size: S, in pixels.
    """
    height, width = pixels.shape[:2]
    if height > TALL * width:
        return standardize.square(Image.fromarray(pixels), size)
    short = min(height, width)
    columns, rows = round(width * size / short), round(height * size / short)
    left, top = (columns - size) // 2, (rows - size) // 2
    if columns == width:
        pixels = np.ascontiguousarray(pixels[:, left : left + size])
    else:
        pixels = _across(pixels, _weights(_cubic, 2, width, columns, left, size))
    if rows == height:
        return pixels[top : top + size].copy()
    down = _weights(_cubic, 2, height, rows, top, size)
    return weigh(pixels.reshape(height, -1), *down).reshape(size, size, 3)


def enlarge(plane: UInt8[np.ndarray, "h w"], height: int, width: int) -> UInt8[np.ndarray, "height width"]:
    """A plane of colour differences at the size of luma: Pillow's bilinear `resize`."""
    if plane.shape[1] != width:
        plane = _across(plane, _weights(_linear, 1, plane.shape[1], width, 0, width))
    if plane.shape[0] != height:
        plane = weigh(plane, *_weights(_linear, 1, plane.shape[0], height, 0, height))
    return plane


def _across(pixels: UInt8[np.ndarray, "h w ..."], weights: Weights) -> UInt8[np.ndarray, "h n ..."]:
    """The horizontal pass, as a vertical one of the transposed image."""
    begin = int(weights.first.min())
    end = int(weights.first.max()) + weights.taps.shape[1]
    turned = cv2.transpose(pixels[:, begin:end])
    found = weigh(turned.reshape(len(turned), -1), weights.first - begin, weights.taps)
    return cv2.transpose(found.reshape(len(weights.first), len(pixels), *pixels.shape[2:]))


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
