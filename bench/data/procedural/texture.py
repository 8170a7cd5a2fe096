"""Grain, blotches, film and screentone: patterns made once for a size and kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from bench.data.procedural.canvas import Frame
from bench.data.procedural.plan import stream


@lru_cache(maxsize=8)
def _field(side: int, kind: str) -> np.ndarray:
    """Noise around 0, about -128..127, twice as wide as a picture so that it can be shifted; int16."""
    cells = {"fine": ((640, 640),), "streak": ((36, 560), (90, 300)), "blotch": ((36, 36), (96, 96))}[kind]
    layers = []
    for k, shape in enumerate(cells):
        noise = stream(0, 90, len(kind), k).integers(0, 256, shape, dtype=np.uint8)
        layers.append(
            cv2.resize(noise, (2 * side, 2 * side), interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int16) - 128
        )
    return layers[0] if len(layers) == 1 else (layers[0] * 5 + layers[1] * 4) // 7


def _shift(side: int, grain: int) -> tuple[int, int]:
    return (grain * 7 % 997) * side // 997, (grain * 13 % 991) * side // 991


def _window(field: np.ndarray, side: int, grain: int) -> np.ndarray:
    x, y = _shift(side, grain)
    return field[y : y + side, x : x + side]


def still(side: int, kind: str, grain: int) -> np.ndarray:
    """The texture of a single picture.

    Args:
        side: pixels.
        kind: `fine`, `blotch` (soft) or `streak` (upright).
        grain: moves it.

    Returns:
        int16 around 0, shape (side, side).
    """
    return _window(_field(side, kind), side, grain)


def clinging(side: int, kind: str, places: np.ndarray) -> np.ndarray:
    """The texture of a frame of a clip, for the `places` that `cling` found: int16 around 0, shape (side, side)."""
    return _field(side, kind).ravel().take(places)


def cling(figures: np.ndarray, anchors: Sequence[Frame], grain: int) -> np.ndarray:
    """Where in the fields each pixel's texture lies, so that it moves with what it is on.

    Args:
        figures: the number of the figure that each pixel belongs to, uint8, shape (side, side).
        anchors: origin and zoom of each figure in this frame.
        grain: moves all of them, the same in every frame of a clip.

    Returns:
        Flat indices, shape (side, side).
    """
    side = len(figures)
    x, y = _shift(side, grain)
    pixels = np.arange(side)
    columns = np.stack([_mirrored(np.rint((pixels - a.e * side) / a.a).astype(np.int64) + x, side) for a in anchors])
    rows = np.stack([_mirrored(np.rint((pixels - a.f * side) / a.d).astype(np.int64) + y, side) for a in anchors])
    rows *= 2 * side
    if len(anchors) == 1:
        return rows[0][:, None] + columns[0][None, :]
    return rows[figures, pixels[:, None]] + columns[figures, pixels[None, :]]


def _mirrored(places: np.ndarray, side: int) -> np.ndarray:
    """Places in a field of twice the side, turned back at its ends."""
    places = places % (4 * side)
    return np.minimum(places, 4 * side - 1 - places)


@lru_cache(maxsize=8)
def hatching(side: int, across: int) -> np.ndarray:
    """Hatching thresholds: falling lines, `across` in a row; uint8 (side, side), 1-254."""
    place = np.arange(side, dtype=np.int64) * across * 256 // side
    return (1 + np.abs((place[:, None] + place[None, :]) % 256 - 128) * 253 // 128).astype(np.uint8)


@lru_cache(maxsize=8)
def dots(side: int, across: int) -> np.ndarray:
    """Screentone thresholds: a 45 degree grid of dots, 1-254, `across` * 2 dots in a row; uint8 (side, side)."""
    # 256 units are one cell of the upright grid; two shifted grids make the diagonal one.
    place = np.arange(side, dtype=np.int64) * across * 256 // side

    def near(shift: int) -> np.ndarray:
        offset = (place + shift) % 256 - 128
        return offset[:, None] ** 2 + offset[None, :] ** 2

    distance = np.minimum(near(0), near(128))
    # Share of the cell within this distance of a dot's centre, so that density t covers about t/256 of the paper.
    order = np.sort(distance.ravel())
    rank = np.searchsorted(order, distance.ravel(), side="left").reshape(distance.shape)
    return (1 + rank * 253 // distance.size).astype(np.uint8)


@lru_cache(maxsize=8)
def _vignette(size: int) -> np.ndarray:
    axis = (2 * np.arange(size, dtype=np.int64) + 1 - size) * 256 // size
    square = axis[:, None] ** 2 + axis[None, :] ** 2
    return (256 - square * 34 // (2 * 65536)).astype(np.int16)[..., None]


@lru_cache(maxsize=8)
def _grain(size: int) -> np.ndarray:
    rng = stream(0, 91)
    noise = rng.integers(-3, 4, (2 * size, 2 * size), dtype=np.int16) + rng.integers(
        -3, 4, (2 * size, 2 * size), dtype=np.int16
    )
    return noise[..., None]


def film(image: np.ndarray, grain: int) -> np.ndarray:
    """Darken the corners and add film grain. Takes and gives uint8 (size, size, 3)."""
    size = len(image)
    noisy = (image.astype(np.int16) * 127 >> 7) * (_vignette(size) >> 1) >> 7
    noisy += _window(_grain(size), size, grain)
    return np.clip(noisy, 0, 255).astype(np.uint8)
