"""What the untrained references share: painting a split in chunks of bounded memory, and putting chroma on a gray."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, UInt8

from bench.color import quantize, rgb_to_yuv601, yuv601_to_rgb
from bench.errors import BenchError
from bench.types import CONDITIONS, GUIDANCES, Images, Track

Painter = Callable[[Images], UInt8[np.ndarray, "n h w 3"]]
"""A fitted reference: a split in, its predictions out."""

EVERY_TRACK = tuple(Track(condition, told).name for condition in CONDITIONS for told in GUIDANCES)
"""The tracks of references that paint from the condition alone, or from the target: whatever else is told changes
nothing. These are all that a baseline serves, so that every board has its zero and its ceiling."""

CHUNK_PIXELS = 1 << 18
"""Pixels worked on at once: 6 MiB a float64 picture of three channels, small enough for a core's cache to help."""


def chunks(images: Images) -> Iterator[slice]:
    """Consecutive slices of a split of about CHUNK_PIXELS, at least one image each."""
    _, height, width = images.conditions.shape
    step = max(1, CHUNK_PIXELS // max(1, height * width))
    for start in range(0, len(images), step):
        yield slice(start, start + step)


def unit(codes: UInt8[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """8-bit codes as float64 in [0, 1]; in float32 a tie in rounding could fall differently from machine to machine."""
    return codes / np.float64(255)


def recolor(images: Images, change: Callable[[Float[np.ndarray, "k h w 3"]], np.ndarray]) -> np.ndarray:
    """Predictions that are a function of the target alone.

    Args:
        images: a split; only its targets are read.
        change: sRGB in [0, 1] to sRGB in [0, 1], images independent of each other.

    Returns:
        8-bit sRGB, shape (n, h, w, 3).
    """
    out = np.empty_like(images.targets)
    for part in chunks(images):
        out[part] = quantize(change(unit(images.targets[part])))
    return out


def on_luma(gray: UInt8[np.ndarray, "k h w"], colors: UInt8[np.ndarray, "k h w 3"]) -> UInt8[np.ndarray, "k h w 3"]:
    """The chroma of `colors` (BT.601 U, V) on the luma `gray`, clipped to RGB and rounded to 8 bits."""
    yuv = rgb_to_yuv601(unit(colors))
    yuv[..., 0] = unit(gray)
    return quantize(yuv601_to_rgb(yuv))


def needs_images(name: str, train: Images) -> None:
    """Refuse an empty training split.

    Raises:
        BenchError: if it is empty.
    """
    if not len(train):
        raise BenchError(f"{name} learns from the training split, which is empty; add images to the collection.")
