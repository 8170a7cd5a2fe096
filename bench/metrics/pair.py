"""A prediction beside its target, with what several topics read of them computed once, and the loop over a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.cores import threads_or_all
from bench.errors import BenchError
from bench.metrics.pixel import WINDOW, check_pairs, lab_constants

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, Float64, Int, UInt8

    Batch = UInt8[np.ndarray, "n h w 3"]
    Maps = Int[np.ndarray, "n h w"]
    Masks = Bool[np.ndarray, "n h w"]
    Scores = dict[str, Float64[np.ndarray, " n"]]

SCALES = 5
"""Of MS-SSIM, at most (Wang, Simoncelli and Bovik 2003)."""

LARGEST_LABEL = 65_535
"""Region maps hold integers from 0, no region, to this."""


class Pair:
    """One prediction and its target.

    Attributes:
        prediction: 8-bit sRGB, shape (h, w, 3).
        target: 8-bit sRGB, the same shape.
        boundary: where true boundaries are, shape (h, w), or None.
        regions: the number of the true region of each pixel, 0 for none, int32 (h, w), or None.
    """

    def __init__(
        self,
        prediction: UInt8[np.ndarray, "h w 3"],
        target: UInt8[np.ndarray, "h w 3"],
        boundary: Bool[np.ndarray, "h w"] | None = None,
        regions: Int[np.ndarray, "h w"] | None = None,
    ):
        self.prediction = np.ascontiguousarray(prediction)
        self.target = np.ascontiguousarray(target)
        self.boundary = None if boundary is None else np.ascontiguousarray(boundary)
        self.regions = None if regions is None else np.ascontiguousarray(regions, np.int32)
        self.height, self.width = prediction.shape[:2]
        self.pixels = self.height * self.width

    @cached_property
    def prediction_lab(self) -> Float32[np.ndarray, " three_planes"]:
        """L, a and b of the prediction, each padded with black to whole blocks of the kernels."""
        return lab(self.prediction)

    @cached_property
    def target_lab(self) -> Float32[np.ndarray, " three_planes"]:
        """The same of the target."""
        return lab(self.target)

    @cached_property
    def delta(self) -> Float32[np.ndarray, " pixels"]:
        """CIEDE2000 of each pixel."""
        return self._deltas[0][: self.pixels]

    @cached_property
    def structure(self) -> Float64[np.ndarray, "scales 7"]:
        """Means of SSIM's terms on each scale: contrast times structure of R, G, B, then SSIM of R, G, B and of all.

        SSIM is made on the finest and the coarsest scale and is 0 between.
        """
        from bench.metrics.kernels_multiscale import halve, level_means, sum_and_difference

        rows = self.prediction.reshape(self.height, -1), self.target.reshape(self.height, -1)
        levels = [np.empty(rows[0].shape, np.float32) for _ in rows]
        sum_and_difference(*rows, *levels)
        count = scales(self.height, self.width)
        means = np.empty((count, 7))
        for scale in range(count):
            if scale:
                height, width = levels[0].shape[0] // 2, levels[0].shape[1] // 3 // 2
                finer, levels = levels, [np.empty((height, 3 * width), np.float32) for _ in rows]
                for level, half in zip(finer, levels, strict=True):
                    halve(level, half)
            level_means(*levels, scale in (0, count - 1), means[scale])
        return means

    @property
    def delta_sum(self) -> float:
        """CIEDE2000 of all pixels, added up."""
        return self._deltas[1]

    @cached_property
    def _deltas(self) -> tuple[Float32[np.ndarray, " padded"], float]:
        return deltas(self.prediction_lab, self.target_lab)


def scales(height: int, width: int) -> int:
    """How many scales an image of this size has in MS-SSIM: while the window of SSIM fits, at most five."""
    shorter, count = min(height, width), 0
    while count < SCALES and shorter >> count >= WINDOW:
        count += 1
    return count


def lab(image: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, " three_planes"]:
    """L, a and b of an image in one array, each padded with black to whole blocks of the kernels."""
    from bench.metrics.kernels_color import BLOCK
    from bench.metrics.kernels_pair import lab_planes

    flat = image.reshape(-1)
    planes = np.empty(3 * BLOCK * -(-flat.size // (3 * BLOCK)), np.float32)
    lab_planes(flat, *lab_constants(), planes)
    return planes


def deltas(
    first: Float32[np.ndarray, " three_planes"], second: Float32[np.ndarray, " three_planes"]
) -> tuple[Float32[np.ndarray, " padded"], float]:
    """CIEDE2000 of each pixel, zeros in the padding, and its sum."""
    from bench.metrics.kernels_pair import lab_deltas

    delta = np.empty(len(first) // 3, np.float32)
    return delta, lab_deltas(first, second, delta)


def score_pairs(
    scorers: Sequence[Callable[[Pair], dict[str, float]]],
    predictions: Batch,
    targets: Batch,
    boundaries: Masks | None = None,
    regions: Maps | None = None,
    threads: int | None = None,
) -> Scores:
    """Run topics over a batch, image by image, on a pool of threads.

    Args:
        scorers: what is asked of each pair.
        predictions: 8-bit sRGB.
        targets: 8-bit sRGB, the same shape.
        boundaries: True where true boundaries are, or None.
        regions: true regions by number, 0 for none, or None.
        threads: how many threads; None for as many as the process may use. The values do not depend on it.

    Returns:
        By metric id, float64 of shape (n,); NaN where a metric does not apply to an image.

    Raises:
        BenchError: unless the arrays have the types and the shape asked for, and at least one thread.
    """
    check_pairs(predictions, targets)
    shape = predictions.shape[:3]
    if boundaries is not None and (boundaries.dtype != np.bool_ or boundaries.shape != shape):
        raise BenchError(f"boundaries must be bool of shape {shape}; got {boundaries.dtype} {boundaries.shape}.")
    if regions is not None:
        if not np.issubdtype(regions.dtype, np.integer) or regions.shape != shape:
            raise BenchError(f"regions must be integers of shape {shape}; got {regions.dtype} {regions.shape}.")
        if regions.min() < 0 or regions.max() > LARGEST_LABEL:
            raise BenchError(
                f"regions must be numbered 0 (none) to {LARGEST_LABEL}; got {regions.min()} to {regions.max()}."
            )
    threads = threads_or_all(threads)

    def task(place: int) -> dict[str, float]:
        pair = Pair(
            predictions[place],
            targets[place],
            None if boundaries is None else boundaries[place],
            None if regions is None else regions[place],
        )
        return {name: value for scorer in scorers for name, value in scorer(pair).items()}

    if threads == 1 or len(predictions) == 1:
        rows = [task(place) for place in range(len(predictions))]
    else:
        with ThreadPoolExecutor(threads) as pool:
            rows = list(pool.map(task, range(len(predictions))))
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
