"""Grain, blotches, film and screentone: patterns made once for a size and kept."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

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


def _window(field: np.ndarray, side: int, grain: int) -> np.ndarray:
    x, y = (grain * 7 % 997) * side // 997, (grain * 13 % 991) * side // 991
    return field[y : y + side, x : x + side]


def fine(side: int, grain: int) -> np.ndarray:
    """Fine texture, int16 around 0, shape (side, side)."""
    return _window(_field(side, "fine"), side, grain)


def blotch(side: int, grain: int) -> np.ndarray:
    """Soft texture, int16 around 0, shape (side, side)."""
    return _window(_field(side, "blotch"), side, grain)


def streak(side: int, grain: int) -> np.ndarray:
    """Upright streaks, int16 around 0, shape (side, side)."""
    return _window(_field(side, "streak"), side, grain)


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
