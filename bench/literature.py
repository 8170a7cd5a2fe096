"""What published code would print of an entry, beside the right numbers. Nothing of it enters a record or a board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.metrics.distribution import fid
from bench.metrics.literature import LITERATURE, clip_fid, clip_modes, colormnet_lpips, image_modes
from bench.metrics.suite import score_all
from bench.metrics.temporal import temporal_scores
from bench.types import Images

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.features import Inception
    from bench.metrics.literature import LegacyInception
    from bench.metrics.lpips import Lpips


def numbers(
    predictions: UInt8[np.ndarray, "n h w 3"],
    images: Images,
    lpips: Lpips | None = None,
    inception: LegacyInception | None = None,
) -> dict[str, float]:
    """The plain mean over images (or clips, or the one distance) that each literature mode would print.

    Args:
        predictions: 8-bit sRGB, of the targets' shape.
        images: the split.
        lpips: LPIPS' network, or None to leave its mode out.
        inception: torchvision's network, or None to leave its modes out.

    Returns:
        By mode id; infinite values are left out of means, as published code mostly does not.
    """
    values = image_modes(predictions, images.targets)
    if images.frames is not None:
        values |= clip_modes(predictions, images.frames)
    if lpips is not None:
        values |= colormnet_lpips(predictions, images.targets, lpips)
    found = {id: _mean(column) for id, column in values.items()}
    if inception is not None:
        found["ct2-fid"] = fid(inception(predictions, "ct2"), inception(images.targets, "ct2"))
        found["ddcolor-fid"] = fid(inception(predictions, "ddcolor"), inception(images.targets, "ddcolor"))
        if images.frames is not None:
            found["colormnet-fid"] = clip_fid(inception(predictions), inception(images.targets), images.frames)
    return found


def rows(
    found: Mapping[str, float],
    predictions: UInt8[np.ndarray, "n h w 3"],
    images: Images,
    lpips: Lpips | None = None,
    inception: Inception | None = None,
) -> list[dict[str, Any]]:
    """Each literature number beside the right one, both as plain means over images.

    Args:
        found: from `numbers`.
        predictions, images: what they were made from.
        lpips, inception: the networks of the right LPIPS and FID; without one its cell is empty.
    """
    right = {id: _mean(column) for id, column in score_all(predictions, images.targets).items()}
    if lpips is not None:
        right |= {id: _mean(column) for id, column in lpips(predictions, images.targets).items()}
    if inception is not None:
        right["fid"] = fid(inception(predictions), inception(images.targets))
    if images.frames is not None:
        scored = temporal_scores(predictions, images.targets, images.frames)
        right |= {id: _mean(column) for id, column in scored.items()}
    made = []
    for id, mode in LITERATURE.items():
        if id in found:
            made.append(
                {
                    "literature": id,
                    "prints": found[id],
                    "right": mode.right,
                    "is": right.get(mode.right),
                    "because it": mode.wrong,
                    "source": mode.source,
                }
            )
    return made


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("inf")
