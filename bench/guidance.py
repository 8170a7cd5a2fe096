"""What a model is told besides the condition: colour hints, and the palette of another image."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError

if TYPE_CHECKING:
    from jaxtyping import Int, UInt8

VERSION = 1
"""Of these rules, as `bench.conditions.VERSION` is of those."""

PATCH = 4
"""Pixels a side of a hint."""
SHARE = 0.01
"""Of the patches, how many are shown."""

BANDS = 4
COLORS = 4
CELLS = 64
"""Cells in which a palette's colours are gathered: 2 bits each of luma, hue and lightness."""


def hint_count(height: int, width: int) -> int:
    """How many 4x4 patches of an image are shown as hints: 1 %, at least one; 41 at 256x256.

    Raises:
        BenchError: for an image without a whole patch.
    """
    patches = (height // PATCH) * (width // PATCH)
    if not patches:
        raise BenchError(f"hints are {PATCH}x{PATCH} pixels; an image of {height}x{width} holds none.")
    return max(1, round(SHARE * patches))


def hints(rgb: UInt8[np.ndarray, "h w 3"], id: str) -> UInt8[np.ndarray, "h w 4"]:
    """The hints that a test gives of an image (Thasarathan and Ebrahimi 2020, section 3.2).

    The paper averages the true colours over 4x4 patches and shows a random 1 % of them on black. What it leaves open is
    ours: a fourth channel tells a black hint from none, colours are 8-bit, and the patches shown are drawn from the
    image's id alone, so that everybody is told the same. Pixels beyond the last whole patch are never shown.

    Args:
        rgb: the target, 8-bit sRGB, shape (height, width, 3).
        id: of the image.

    Returns:
        sRGB, averaged in code values and rounded half to even, and 255 where it is shown; 0 elsewhere.

    Raises:
        BenchError: for an image without a whole patch.
    """
    height, width = rgb.shape[:2]
    count, across = hint_count(height, width), width // PATCH
    # The raw numbers of a bit generator never change with numpy's version; what is made of them may.
    ranks = np.random.Philox(key=_number(id, 16)).random_raw((height // PATCH) * across)
    out = np.zeros((height, width, 4), np.uint8)
    for place in np.argsort(ranks, kind="stable")[:count].tolist():
        top, left = PATCH * (place // across), PATCH * (place % across)
        patch = slice(top, top + PATCH), slice(left, left + PATCH)
        out[patch] = (*np.rint(rgb[patch].mean(axis=(0, 1))), 255)
    return out


def palette(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "4 4 3"]:
    """The colours of an image from top to bottom (Chen et al. 2019, with the extraction that their code uses).

    The image is cut into four horizontal bands; row y is in band 4 y // height. Pixels are gathered in cells by the top
    two bits of luma (BT.709 weights), hue and lightness (both of HSL, 0 to 255, in whole numbers), and a band's colours
    are the means of its four fullest cells, fullest first, of equals the one with the lower number. The paper keeps the
    first four; its code asks for five and drops the first as the white of the sheet. Ours follows the paper, as few of
    our images are drawn on white. A band with fewer cells repeats its last colour.

    Args:
        rgb: 8-bit sRGB, shape (height, width, 3).

    Returns:
        8-bit sRGB, rounded half to even, shape (4 bands, 4 colours, 3).

    Raises:
        BenchError: for an image of fewer than four rows.
    """
    height, width = rgb.shape[:2]
    if height < BANDS or not width:
        raise BenchError(f"a palette is taken from {BANDS} bands; an image of {height}x{width} has not so many rows.")
    band = (np.arange(height, dtype=np.int32) * BANDS // height)[:, None]
    place = (band * CELLS + _cells(rgb)).ravel()
    counts = np.bincount(place, minlength=BANDS * CELLS)
    sums = [np.bincount(place, rgb[..., channel].ravel(), BANDS * CELLS) for channel in range(3)]
    colors = np.rint(np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]).astype(np.uint8)
    counts = counts.reshape(BANDS, CELLS)
    fullest = np.argsort(-counts, axis=1, kind="stable")
    # The filled come first, so the last of them is the number of them less one.
    last = np.count_nonzero(counts, axis=1)[:, None] - 1
    shown = np.take_along_axis(fullest, np.minimum(np.arange(COLORS), last), axis=1)
    return np.take_along_axis(colors.reshape(BANDS, CELLS, 3), shown[..., None], axis=1)


def reference_of(ids: Sequence[str], groups: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Whose palette each image is shown in a test: that of another image of the split (Chen et al. 2019).

    Drawn from the image's id evenly among all others, of its own group too, as the paper does; the order in which the
    images come does not matter.

    Args:
        ids: of the split's images, all different.
        groups: the group of each.

    Returns:
        For each image the place of its reference in `ids`.

    Raises:
        BenchError: for a split of one image, or ids that are not all different.
    """
    count = len(ids)
    if len(set(ids)) != count or len(groups) != count:
        raise BenchError(f"references need images with different ids, each with a group; got {count} ids.")
    if count == 1:
        raise BenchError(f"a reference is another image of the split, and {ids[0]} is its only one; add images.")
    order = sorted(range(count), key=ids.__getitem__)
    chosen = np.empty(count, np.int64)
    for rank, place in enumerate(order):
        chosen[place] = order[(rank + 1 + _number(ids[place], 8) % (count - 1)) % count]
    return chosen


def _number(id: str, size: int) -> int:
    """A number of so many bytes from the SHA-256 of an id."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:size], "big")


def _cells(rgb: UInt8[np.ndarray, "h w 3"]) -> Int[np.ndarray, "h w"]:
    """The cell of each pixel: 16 x luma + 4 x hue + lightness, two bits each."""
    red, green, blue = (rgb[..., channel].astype(np.int32) for channel in range(3))
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = np.maximum(most - least, 1)
    # Hue in sixths of 255, from red over green and blue: the channel that is most says which third of the circle.
    ahead = np.where(most == red, green - blue, np.where(most == green, blue - red, red - green))
    third = np.where(most == red, np.where(green < blue, 1530, 0), np.where(most == green, 510, 1020))
    hue = (ahead * 255 // spread + third) // 6
    luma = (2126 * red + 7152 * green + 722 * blue) // 10000
    return (luma >> 6) * 16 + (hue >> 6) * 4 + ((most + least) >> 7)
