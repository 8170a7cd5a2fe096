"""The full-reference metrics: a prediction against its target, pixel by pixel, one value an image.

They run on the CPU on every machine, also where a GPU did the colouring, under strict IEEE arithmetic and summed in a
fixed order: neither the device nor the number of threads can change a score.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench import color
from bench.cores import threads_or_all
from bench.errors import BenchError

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Float64, UInt8

    Batch = UInt8[np.ndarray, "n h w 3"]

WINDOW = 11
"""Side of the SSIM window; no image may be smaller."""

JUST_NOTICEABLE = 2.3
"""CIEDE2000 above which a pixel counts in `ciede2000-over-2.3`."""

_PIXELS_A_TASK = 2**18
"""Enough work for a task that handing it to a thread costs nothing."""


def score_images(
    predictions: Batch, targets: Batch, threads: int | None = None
) -> dict[str, Float64[np.ndarray, " n"]]:
    """Every full-reference metric of protocol v1, one value an image.

    Args:
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        threads: how many threads; None for as many as the process may use. The values do not depend on it.

    Returns:
        By metric id, float64 of shape (n,):
        `l1`, `l2`: mean absolute and squared difference per pixel-channel, in levels of 0..255 (lower is better);
        `l1-ab`, `l2-ab`: the same of a and b of CIE Lab (lower);
        `psnr`: 10 log10(255² / l2) in dB, infinite where the images are equal (higher);
        `ssim`: Wang et al. 2004, Gaussian window of 11 taps, sigma 1.5, biased covariance, no border, mean over R, G, B
        and pixels (higher);
        `ciede2000`, `ciede2000-p95`, `ciede2000-over-2.3`: mean, 95th percentile (numpy's `linear`) and share of pixels
        above 2.3 of CIEDE2000 under D65, 2 degrees, kL = kC = kH = 1 (lower).

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with h and w at least 11.
    """
    return _scored(predictions, targets, threads, (code_scores, _structure, _colours))


def ssim(predictions: Batch, targets: Batch, threads: int | None = None) -> Float64[np.ndarray, " n"]:
    """`ssim` of `score_images` alone."""
    return _scored(predictions, targets, threads, (_structure,))["ssim"]


def colour_scores(
    predictions: Batch, targets: Batch, threads: int | None = None
) -> dict[str, Float64[np.ndarray, " n"]]:
    """The metrics of `score_images` that are read in CIE Lab: three of CIEDE2000, `l1-ab` and `l2-ab`."""
    return _scored(predictions, targets, threads, (_colours,))


def ciede2000(
    first: Float[np.ndarray, "*batch 3"], second: Float[np.ndarray, "*batch 3"]
) -> Float32[np.ndarray, "*batch"]:
    """CIEDE2000 (k = 1) of colours given in CIE Lab, by the kernel that scores images, in single precision.

    Args:
        first: L, a, b; shape (..., 3).
        second: the same shape.

    Returns:
        The difference of each pair, float32, at least 0.

    Raises:
        BenchError: unless both are arrays of one shape (..., 3).
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape or first.ndim < 1 or first.shape[-1] != 3:
        raise BenchError(f"ciede2000 needs two arrays of one shape (..., 3); got {first.shape} and {second.shape}.")
    from bench.metrics.kernels_color import lab_differences

    pairs = [np.ascontiguousarray(lab, np.float32).reshape(-1, 3) for lab in (first, second)]
    out = np.empty(len(pairs[0]), np.float32)
    lab_differences(*pairs, out)
    return out.reshape(first.shape[:-1])


def ciede2000_map(
    prediction: UInt8[np.ndarray, "h w 3"], target: UInt8[np.ndarray, "h w 3"]
) -> Float32[np.ndarray, "h w"]:
    """CIEDE2000 of every pixel of one pair: what `score_images` averages.

    Raises:
        BenchError: unless both are uint8 of one shape (h, w, 3) with h and w at least 11.
    """
    check_pairs(prediction[None], target[None])
    room = Room.of(prediction.shape[0] * prediction.shape[1])
    _colours(np.ascontiguousarray(prediction), np.ascontiguousarray(target), room)
    return room.delta[: room.bits.size].reshape(prediction.shape[:2])


class Room(NamedTuple):
    """Memory that the images of a task share.

    Attributes:
        delta: CIEDE2000 of each pixel, and zeros up to a whole number of the kernel's blocks.
        bits: room for the selection of the percentile.
    """

    delta: Float32[np.ndarray, " padded"]
    bits: np.ndarray

    @classmethod
    def of(cls, pixels: int) -> Room:
        from bench.metrics.kernels_color import BLOCK

        return cls(np.empty(-(-pixels // BLOCK) * BLOCK, np.float32), np.empty(pixels, np.int32))


def code_scores(prediction: np.ndarray, target: np.ndarray, room: Room) -> dict[str, float]:
    """`l1`, `l2` and `psnr` of `score_images` of one pair, uint8 (h, w, 3) and contiguous; `room` is not used."""
    from bench.metrics.kernels_structure import code_differences

    absolute, squared = code_differences(prediction.reshape(-1), target.reshape(-1))
    l2 = squared / prediction.size
    psnr = float(10 * np.log10(255**2 / l2)) if squared else np.inf
    return {"l1": absolute / prediction.size, "l2": l2, "psnr": psnr}


def _structure(prediction: np.ndarray, target: np.ndarray, room: Room) -> dict[str, float]:
    from bench.metrics.kernels_structure import structural_similarity

    height = len(prediction)
    return {"ssim": structural_similarity(prediction.reshape(height, -1), target.reshape(height, -1))}


def _colours(prediction: np.ndarray, target: np.ndarray, room: Room) -> dict[str, float]:
    from bench.metrics.kernels_color import colour_differences, count_above, percentile

    linear, matrix = lab_constants()
    chroma = np.empty(2)
    total = colour_differences(prediction.reshape(-1), target.reshape(-1), linear, matrix, room.delta, chroma)
    pixels = room.bits.size
    delta = room.delta[:pixels]
    return {
        "l1-ab": chroma[0] / (2 * pixels),
        "l2-ab": chroma[1] / (2 * pixels),
        "ciede2000": total / pixels,
        "ciede2000-p95": percentile(delta, 95.0, room.bits),
        "ciede2000-over-2.3": count_above(delta, np.float32(JUST_NOTICEABLE)) / pixels,
    }


@cache
def lab_constants() -> tuple[np.ndarray, np.ndarray]:
    """The constants of `kernels_color.colour_differences`: linear light of each 8-bit code, and the matrix."""
    linear = color.srgb_to_linear(np.arange(256) / 255)
    x, y, z = np.array(color.SRGB_TO_XYZ) / np.array(color.WHITE)[:, None]
    matrix = np.stack([y, x - y, y - z])
    matrix[:, 1] = matrix.sum(axis=1)
    return linear.astype(np.float32), matrix.astype(np.float32)


def _scored(
    predictions: np.ndarray,
    targets: np.ndarray,
    threads: int | None,
    scorers: tuple[Callable[[np.ndarray, np.ndarray, Room], dict[str, float]], ...],
) -> dict[str, np.ndarray]:
    check_pairs(predictions, targets)
    n, height, width, _ = predictions.shape
    step = max(1, _PIXELS_A_TASK // (height * width))

    def task(start: int) -> list[dict[str, float]]:
        room = Room.of(height * width)
        rows = []
        for place in range(start, min(start + step, n)):
            pair = np.ascontiguousarray(predictions[place]), np.ascontiguousarray(targets[place])
            rows.append({name: value for scorer in scorers for name, value in scorer(*pair, room).items()})
        return rows

    threads = threads_or_all(threads)
    if threads == 1 or n <= step:
        done = [task(start) for start in range(0, n, step)]
    else:
        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(task, range(0, n, step)))
    rows = [row for chunk in done for row in chunk]
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}


def check_pairs(predictions: np.ndarray, targets: np.ndarray) -> None:
    """Refuse what is not a batch of pairs.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3) with n at least 1, h and w at least 11.
    """
    for name, images in (("predictions", predictions), ("targets", targets)):
        if not isinstance(images, np.ndarray):
            raise BenchError(f"{name} must be a numpy array; got {type(images).__name__}.")
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise BenchError(f"{name} must be uint8 of shape (n, height, width, 3); got {images.dtype} {images.shape}.")
    if predictions.shape != targets.shape:
        raise BenchError(
            f"predictions and targets must have one shape; got {predictions.shape} and {targets.shape}. "
            "Predictions are never resized: write them at the size of the split."
        )
    if not len(predictions):
        raise BenchError("expected at least one image to score; got none.")
    height, width = predictions.shape[1:3]
    if min(height, width) < WINDOW:
        raise BenchError(f"images must be at least {WINDOW}x{WINDOW}, the window of SSIM; got {height}x{width}.")
