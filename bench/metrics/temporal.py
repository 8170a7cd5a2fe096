"""What only a clip shows: colours that flicker where the film stands still, and colour statistics that drift.

Both metrics compare how much the prediction changes from frame to frame with how much the target does. The best value
is the target's own change, not the smallest: a gray clip never flickers, and is no good colouring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import color
from bench.cores import threads_or_all
from bench.errors import BenchError
from bench.types import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Bool, Float16, Float32, Float64, Int, UInt8

    Batch = UInt8[np.ndarray, "n h w 3"]

METRICS = (
    Metric(
        id="warp-error-ab",
        name="Chroma warp error",
        unit="Lab",
        direction="lower",
        kind="full-reference",
        definition="ab,abs(change-target's change),euclidean,flow of target luma601:dis-medium-finest0,f16,"
        "fb0.01+0.5,bilinear,mean-visible",
        source="Lai et al. 2018 (warping error); Sundaram, Brox and Keutzer 2010 (visibility by flow there and back); "
        "Kroeger et al. 2016 (DIS flow)",
        decimals=3,
    ),
    Metric(
        id="cdc-difference",
        name="CDC difference",
        unit="nat",
        direction="lower",
        kind="full-reference",
        definition="abs(CDC-target's CDC),js-natural,256 bins,r+g+b,t1+2+4,per-clip",
        source="Liu et al. 2021 (TCVC), Colour Distribution Consistency index; as a difference from the target's",
        decimals=5,
    ),
)
"""Both only on clips: no value for single images."""

STEPS = (1, 2, 4)
"""Distances in frames over which CDC compares histograms."""

CONSISTENCY = (0.01, 0.5)
"""A pixel is visible in both frames where the flow there and back cancels: |f + b|² < 0.01 (|f|² + |b|²) + 0.5."""

LEAST_VISIBLE = 0.05
"""Below this share of visible pixels two frames are of two shots, and there is no value."""

SMALLEST = 16
"""Shortest side that the flow can work on."""


@dataclass(frozen=True)
class Motion:
    """How the targets move, worked out once and good for every entry; about 5 bytes a pixel.

    Attributes:
        flow: where each pixel was in the frame before, x and y in pixels, shape (n, h, w, 2); 0 in first frames.
        visible: whether it was visible there, shape (n, h, w); False in first frames.
    """

    flow: Float16[np.ndarray, "n h w 2"]
    visible: Bool[np.ndarray, "n h w"]


def temporal_scores(
    predictions: Batch, targets: Batch, frames: Sequence[int], motion: Motion | None = None, threads: int | None = None
) -> dict[str, Float64[np.ndarray, " n"]]:
    """Both metrics of clips, one value a frame.

    Args:
        predictions: 8-bit sRGB frames, clip after clip.
        targets: the same shape.
        frames: the place of each frame in its clip, 0 beginning a new one.
        motion: `estimate_motion` of these targets, where it is at hand.
        threads: how many; None for as many as the process may use. The values do not depend on it.

    Returns:
        By metric id, float64 of shape (n,), lower is better, the target itself 0:
        `warp-error-ab`: how far the change of a and b since the frame before, followed along the target's motion, is
        from the target's change at the same pixel, both as Euclidean lengths in CIE Lab; mean over the pixels visible
        in both frames. NaN in first frames and where fewer than 5 % of the pixels are visible.
        `cdc-difference`: |CDC - CDC of the target|, one value a clip in each of its frames; NaN in clips of one frame.

        Lengths are compared, not vectors: a hue that is wrong but steady turns every change by one angle and costs
        nothing here, because other metrics see it.

    Raises:
        BenchError: unless both are uint8 of one shape (n, h, w, 3), at least 16 pixels a side, and `frames` counts up
            from 0 in every clip.
    """
    clips = _clips(predictions, targets, frames)

    def score(clip: slice) -> tuple[np.ndarray, np.ndarray]:
        shown, true = predictions[clip], targets[clip]
        moved = _moved(true) if motion is None else Motion(motion.flow[clip], motion.visible[clip])
        changes = zip(_changes(shown, moved), _changes(true, moved), moved.visible, strict=True)
        warped = [_mean_visible(np.abs(a - b), seen) for a, b, seen in changes]
        return np.array(warped), np.full(len(true), abs(_cdc(shown) - _cdc(true)))

    done = _each(score, clips, threads)
    return {metric.id: np.concatenate([values[place] for values in done]) for place, metric in enumerate(METRICS)}


def warp_errors(
    images: Batch, targets: Batch, frames: Sequence[int], motion: Motion | None = None, threads: int | None = None
) -> Float64[np.ndarray, " n"]:
    """The plain warping error of a and b: how far they change along the target's motion, whatever the target does.

    Not a metric, since gray wins it; it tells whether an entry's error in `warp-error-ab` is flicker (more than the
    targets' own, `warp_errors(targets, targets, frames)`) or stiffness (less).

    Args:
        images: 8-bit sRGB frames, clip after clip: predictions, or the targets themselves.
        targets: the same shape; the motion is theirs.
        frames: the place of each frame in its clip.

    Returns:
        Mean Euclidean length in CIE Lab over the visible pixels, NaN as `warp-error-ab` is.

    Raises:
        BenchError: as `temporal_scores` does.
    """
    clips = _clips(images, targets, frames)

    def score(clip: slice) -> np.ndarray:
        moved = _moved(targets[clip]) if motion is None else Motion(motion.flow[clip], motion.visible[clip])
        changes = _changes(images[clip], moved)
        return np.array([_mean_visible(one, seen) for one, seen in zip(changes, moved.visible, strict=True)])

    return np.concatenate(_each(score, clips, threads))


def estimate_motion(targets: Batch, frames: Sequence[int], threads: int | None = None) -> Motion:
    """The targets' motion from frame to frame, for use with many entries.

    Dense inverse search (Kroeger et al. 2016) on BT.601 luma, there and back, by OpenCV's medium preset taken to full
    resolution; kept in half precision, because OpenCV samples at 1/32 pixel anyway. On drawn clips of 256 pixels this
    leaves 0.5 Lab of the targets' own change, the preset as it comes (half resolution) 0.8, Farneback's method 0.9,
    no flow 3.6. On one core it takes about 2 ms a frame of 64 pixels and 36 of 256; scoring an entry then takes 1.4
    and 8.

    Raises:
        BenchError: as `temporal_scores` does.
    """
    clips = _clips(targets, targets, frames)
    made = _each(lambda clip: _moved(targets[clip]), clips, threads)
    return Motion(np.concatenate([one.flow for one in made]), np.concatenate([one.visible for one in made]))


def cdc(images: Batch, frames: Sequence[int]) -> Float64[np.ndarray, " clips"]:
    """Colour Distribution Consistency of each clip: how far its colour histograms drift. 0 is a still.

    Jensen-Shannon divergence (natural logarithm, at most ln 2) of the 256-bin histograms of R, G and B of frames 1, 2
    and 4 apart: mean over pairs, then distances, then channels. A distance that the clip is too short for is left out;
    a clip of one frame has no value (NaN).

    Source:
        Liu et al., Temporally consistent video colorization, 2021, as the field computes it.

    Raises:
        BenchError: as `temporal_scores` does.
    """
    return np.array([_cdc(images[clip]) for clip in _clips(images, images, frames)])


def _moved(targets: np.ndarray) -> Motion:
    """The motion within one clip."""
    import cv2

    count, height, width = targets.shape[:3]
    flow = np.zeros((count, height, width, 2), np.float16)
    visible = np.zeros((count, height, width), bool)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    gray = [np.ascontiguousarray(color.luma(frame)) for frame in targets]
    near, least = CONSISTENCY
    for place in range(1, count):
        # Flow may keep what the last call left in the array it is handed: always a new one.
        back = search.calc(gray[place], gray[place - 1], np.zeros((height, width, 2), np.float32))
        there = search.calc(gray[place - 1], gray[place], np.zeros((height, width, 2), np.float32))
        flow[place] = back
        places = _sampled(flow[place])
        returned = cv2.remap(there, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        apart = ((back + returned) ** 2).sum(-1)
        inside = np.logical_and.reduce(
            [(axis >= 0) & (axis <= side - 1) for axis, side in zip(places, (width, height), strict=True)]
        )
        visible[place] = inside & (apart < near * ((back**2).sum(-1) + (returned**2).sum(-1)) + least)
    return Motion(flow, visible)


def _sampled(flow: Float16[np.ndarray, "h w 2"]) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Where each pixel was, as x and y places."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _changes(images: np.ndarray, motion: Motion) -> Iterator[Float32[np.ndarray, "h w"]]:
    """How far a and b of each pixel are from where the motion had them in the frame before; 0 in the first frame."""
    import cv2

    before = None
    for image, flow in zip(images, motion.flow, strict=True):
        chroma = np.ascontiguousarray(color.srgb_to_lab(image.astype(np.float32) / 255)[..., 1:])
        came = chroma
        if before is not None:
            came = cv2.remap(before, *_sampled(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        yield np.sqrt(((chroma - came) ** 2).sum(-1))
        before = chroma


def _mean_visible(change: np.ndarray, visible: np.ndarray) -> float:
    return float(change[visible].mean(dtype=np.float64)) if visible.mean() >= LEAST_VISIBLE else np.nan


def _cdc(images: np.ndarray) -> float:
    """CDC of one clip."""
    count, pixels = len(images), images.shape[1] * images.shape[2]
    offsets = 256 * np.arange(3)  # a channel's bins follow those of the one before
    counts = [np.bincount((image + offsets).reshape(-1), minlength=768) for image in images]
    shares = np.reshape(counts, (count, 3, 256)) / pixels
    drift = []
    for step in STEPS:
        if step < count:
            first, second = shares[:-step], shares[step:]
            joint = _entropy((first + second) / 2)
            drift.append((joint - (_entropy(first) + _entropy(second)) / 2).mean(axis=0))
    return float(np.mean(drift)) if drift else np.nan


def _entropy(shares: np.ndarray) -> np.ndarray:
    """In nats, of the last axis."""
    return -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=-1)


def _each(task: Callable[[slice], Any], clips: Sequence[slice], threads: int | None) -> list[Any]:
    """The task of every clip, in order."""
    threads = threads_or_all(threads)
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, clips))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """OpenCV's flow depends on how many threads it may use: it cuts the image into as many strips."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _clips(images: np.ndarray, targets: np.ndarray, frames: Sequence[int]) -> list[slice]:
    """Where each clip lies, after making sure of what came."""
    for name, batch in (("images", images), ("targets", targets)):
        if not isinstance(batch, np.ndarray) or batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[-1] != 3:
            got = f"{batch.dtype} {batch.shape}" if isinstance(batch, np.ndarray) else type(batch).__name__
            raise BenchError(f"clips must be uint8 of shape (n, height, width, 3); got {name} {got}.")
    if images.shape != targets.shape or not len(images):
        raise BenchError(f"predictions and targets must be frames of one shape; got {images.shape}, {targets.shape}.")
    if min(images.shape[1:3]) < SMALLEST:
        raise BenchError(f"frames must be at least {SMALLEST}x{SMALLEST} to follow motion; got {images.shape[1:3]}.")
    places: Int[np.ndarray, " n"] = np.asarray(frames, np.int64)
    starts = np.flatnonzero(places == 0)
    follows = np.diff(places, prepend=-1) == 1
    if len(places) != len(images) or places[0] != 0 or not (follows | (places == 0)).all():
        raise BenchError(f"frames must count 0, 1, 2, ... in each of the clips that {len(images)} frames make.")
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(images)], strict=True)]
