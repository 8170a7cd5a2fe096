"""Resizing as two matrix products."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Float32, UInt8


@lru_cache(maxsize=32)
def weights(rule: str, size: int, to: int) -> Float32[np.ndarray, "to size"]:
    """What each of `to` pixels takes of `size` pixels along one axis.

    Args:
        rule: `tf1`, the bilinear rule of TensorFlow 1 (corner to corner, never antialiased; its grid in single
            precision, as torch-fidelity has it); or a filter of Pillow's, antialiased: `bicubic`, `box`.
        size: pixels there are.
        to: pixels wanted.

    Returns:
        Rows that sum to 1. Do not write to it: it is kept.
    """
    if rule == "tf1":
        place = np.arange(to, dtype=np.float32) * np.float32(size / to)
        low = place.astype(np.int64)
        share = place - low.astype(np.float32)
        matrix = np.zeros((to, size), np.float32)
        np.add.at(matrix, (np.arange(to), low), 1 - share)
        np.add.at(matrix, (np.arange(to), np.minimum(low + 1, size - 1)), share)
        return matrix
    from PIL import Image

    # Pillow resizes floats by a sum along one axis, then the other: the identity shows it the sum's weights.
    identity = Image.fromarray(np.eye(size, dtype=np.float32))
    return np.array(identity.resize((size, to), Image.Resampling[rule.upper()]), np.float32)


def resized(batch: Float[torch.Tensor, "n 3 h w"], rule: str, to: int) -> Float[torch.Tensor, "n 3 to to"]:
    """Images resized to `to` x `to` by a rule of `weights`, across first and then down."""
    down, across = (_there(rule, size, to, batch.device, batch.dtype) for size in batch.shape[-2:])
    return down @ (batch @ across.T)


@lru_cache(maxsize=32)
def _there(rule: str, size: int, to: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Weights on a device, brought there once: a GPU would be waited for."""
    import torch

    with torch.inference_mode(False):
        return torch.from_numpy(weights(rule, size, to)).to(device, dtype)


def checked(images: UInt8[np.ndarray, "n h w 3"]) -> None:
    """Refuse what is not a batch of 8-bit images.

    Raises:
        BenchError: unless `images` is uint8 of shape (n, h, w, 3).
    """
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise BenchError(f"features need uint8 images of shape (n, height, width, 3); got {got}.")
