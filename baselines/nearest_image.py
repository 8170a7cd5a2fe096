"""`nearest-image`: the chroma of the training image that looks most alike, pixel by pixel on the input's luma.

    condition -- mean over a 16x16 grid -- less its mean, to length 1 --> descriptor (256)
    descriptor . every training condition's descriptor --> the largest: its target's BT.601 U, V
    U, V of that target + the condition as Y --> sRGB, clipped and rounded

The grid's cells are exact areas: at sizes that 16 does not divide, a border pixel counts in two cells by its parts.
Less the mean and at length 1, the product is the correlation of the two layouts, blind to brightness and contrast. A
flat condition has no layout: its descriptor is 0, it is as near to every image, and takes the first. So do ties.
What memorizing a training split is worth: it beats the mean only as far as scenes come again.

Source: our own.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, UInt8

from baselines._references import EVERY_TRACK, Painter, chunks, needs_images, on_luma
from bench.errors import BenchError
from bench.types import Images

TITLE = "Nearest training image"
SOURCE = "reference: chroma of the training image with the most correlated 16x16 layout"
TRACKS = EVERY_TRACK
SEES_TARGET = False

GRID = 16
QUERIES, CANDIDATES = 512, 8192
"""Rows and columns of the table of products at once: 16 MiB."""


def fit(train: Images) -> Painter:
    """Describe the training conditions.

    Raises:
        BenchError: for an empty training split; when painting, for images of another size than the training's.
    """
    find = search("nearest-image", train)

    def paint(images: Images) -> UInt8[np.ndarray, "n h w 3"]:
        chosen = find(images)
        out = np.empty_like(images.targets)
        for part in chunks(images):
            out[part] = on_luma(images.conditions[part], train.targets[chosen[part]])
        return out

    return paint


def search(name: str, train: Images) -> Callable[[Images], Int[np.ndarray, " n"]]:
    """Describe the training conditions, to find the nearest for others.

    Args:
        name: of the reference that searches, for its errors.
        train: where to search.

    Returns:
        From images to the place in `train` of the nearest to each.

    Raises:
        BenchError: for an empty training split; when searching, for images of another size than the training's.
    """
    needs_images(name, train)
    known = _described(train)

    def find(images: Images) -> Int[np.ndarray, " n"]:
        if images.conditions.shape[1:] != train.conditions.shape[1:]:
            raise BenchError(
                f"{name} learned from images of {train.conditions.shape[1:]} pixels and cannot paint "
                f"{images.conditions.shape[1:]}; prepare both splits at one size."
            )
        return _nearest(_described(images), known)

    return find


def _described(images: Images) -> Float[np.ndarray, "n 256"]:
    """A row an image: its gray on a 16x16 grid, mean 0 and length 1, or all 0 if it is flat."""
    _, height, width = images.conditions.shape
    down, across = _areas(height), _areas(width)
    out = np.empty((len(images), GRID * GRID), np.float32)
    for part in chunks(images):
        cells = down @ images.conditions[part].astype(np.float32) @ across.T
        out[part] = cells.reshape(len(cells), -1)
    out -= out.mean(axis=1, keepdims=True)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    # Less than a hundredth of a gray level a cell is float32's rounding of a flat image, not a layout.
    return np.where(length > 0.01 * GRID, out / np.maximum(length, 0.01 * GRID), np.float32(0))


def _areas(size: int) -> Float[np.ndarray, "16 size"]:
    """The part that each of `size` pixels has in each of 16 equal stretches of them; rows sum to 1."""
    edges = np.arange(GRID + 1) * size / GRID
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.clip(overlap, 0, None) * GRID / size).astype(np.float32)


def _nearest(queries: Float[np.ndarray, "n d"], known: Float[np.ndarray, "m d"]) -> Int[np.ndarray, " n"]:
    """The row of `known` with the largest product with each query, the first of equals."""
    chosen = np.zeros(len(queries), np.int64)
    for start in range(0, len(queries), QUERIES):
        some = queries[start : start + QUERIES]
        best = np.full(len(some), -np.inf, np.float32)
        for first in range(0, len(known), CANDIDATES):
            products = some @ known[first : first + CANDIDATES].T
            place = products.argmax(axis=1)
            value = products[np.arange(len(some)), place]
            better = value > best
            best[better] = value[better]
            chosen[start : start + QUERIES][better] = first + place[better]
    return chosen
