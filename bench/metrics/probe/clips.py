"""The metrics of clips once more: SciPy samples along the motion and compares histograms, colour-science makes Lab.

The flow itself is OpenCV's on both sides, asked for anew here; what is made of it is restated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.probe.protocol import lab

if TYPE_CHECKING:
    from jaxtyping import Float64, UInt8

    Clip = UInt8[np.ndarray, "n h w 3"]


def clips(predictions: Clip, targets: Clip, frames: Sequence[int]) -> dict[str, Float64[np.ndarray, " n"]]:
    """`warp-error-ab` and `cdc-difference` of every frame."""
    starts = [place for place, frame in enumerate(frames) if frame == 0]
    warped, drift = [], []
    for first, last in zip(starts, [*starts[1:], len(frames)], strict=True):
        own, true = predictions[first:last], targets[first:last]
        warped += _warp_errors(own, true)
        drift += [abs(_drift(own) - _drift(true))] * (last - first)
    return {"warp-error-ab": np.array(warped), "cdc-difference": np.array(drift)}


def _warp_errors(own: Clip, true: Clip) -> list[float]:
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the flow depends on it
    try:
        steps = [slice(place - 1, place + 1) for place in range(1, len(true))]
        return [np.nan, *(_warp_error(own[step], true[step]) for step in steps)]
    finally:
        cv2.setNumThreads(threads)


def _warp_error(own: Clip, true: Clip) -> float:
    """How far the change of (a, b) from one frame to the next is from the target's, where both show a pixel."""
    back, there = _flow(true[1], true[0]), _flow(true[0], true[1])
    height, width = back.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    kept = back.astype(np.float16).astype(np.float64)
    at_x, at_y = x + kept[..., 0], y + kept[..., 1]
    returned = _sampled(there, at_x, at_y)
    squares = [(flow**2).sum(-1) for flow in (back + returned, back, returned)]
    visible = (at_x >= 0) & (at_x <= width - 1) & (at_y >= 0) & (at_y <= height - 1)
    visible &= squares[0] < 0.01 * (squares[1] + squares[2]) + 0.5
    if visible.mean() < 0.05:
        return np.nan
    changes = []
    for before, after in (lab(own)[..., 1:], lab(true)[..., 1:]):
        changes.append(np.linalg.norm(after - _sampled(before, at_x, at_y), axis=-1))
    return float(np.abs(changes[0] - changes[1])[visible].mean())


def _flow(first: UInt8[np.ndarray, "h w 3"], second: UInt8[np.ndarray, "h w 3"]) -> Float64[np.ndarray, "h w 2"]:
    import cv2

    lumas = [np.floor(image @ np.array([299, 587, 114]) / 1000 + 0.5).astype(np.uint8) for image in (first, second)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    return search.calc(lumas[0], lumas[1], np.zeros((*lumas[0].shape, 2), np.float32)).astype(np.float64)


def _sampled(field: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear samples of a field of two values, its border prolonged, at 32nds of a pixel as OpenCV takes them."""
    from scipy.ndimage import map_coordinates

    places = np.rint(np.stack([y, x]) * 32) / 32
    return np.stack([map_coordinates(field[..., k], places, order=1, mode="nearest") for k in range(2)], -1)


def _drift(clip: Clip) -> float:
    """Colour Distribution Consistency: mean Jensen-Shannon divergence of the histograms 1, 2 and 4 frames apart."""
    from scipy.spatial.distance import jensenshannon

    counts = np.array([[np.bincount(frame[..., c].ravel(), minlength=256) for c in range(3)] for frame in clip])
    steps = [step for step in (1, 2, 4) if step < len(clip)]
    drifts = [
        np.mean([jensenshannon(*pair) ** 2 for pair in zip(rows[:-step], rows[step:], strict=True)])
        for step in steps
        for rows in np.moveaxis(counts, 1, 0)
    ]
    return float(np.mean(drifts)) if drifts else np.nan
