"""A trained model colorizes a split: images in batches, clips frame after frame."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bench.batches import batches, before
from bench.color import quantize
from bench.errors import BenchError
from bench.parallel import joined, place, together
from bench.precision import exact
from bench.step import free
from bench.types import Images, Track

if TYPE_CHECKING:
    from torch import Tensor


def _through(generator: Any, x: Tensor) -> Tensor:
    """A generator's output; where the device's memory is too small, of one half of the images after the other.

    Raises:
        BenchError: it is too small for one image.
    """
    with suppress(torch.OutOfMemoryError):
        return generator(x)
    # Here, and not in a handler, what the attempt held is free again.
    if len(x) == 1:
        raise BenchError(
            f"the device's memory is too small to colorize one image of {x.shape[-1]}x{x.shape[-2]} pixels; "
            "use --device cpu, or a larger device."
        )
    free(x.device)
    return torch.cat([_through(generator, half) for half in x.tensor_split(2)])


@torch.inference_mode()
def predict(
    model: Any,
    images: Images,
    track: Track,
    device: torch.device,
    size: int | None = None,
    beat: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Colorize a split; several processes share its batches, and each gets the whole.

    Args:
        model: a Colorizer.
        images: what to colorize; of their targets only what the track tells is shown.
        track: with `previous` a model is shown its own output for the frame before, black before a clip's first; with
            `previous-true` the target's.
        device: where the model lies.
        size: images a forward pass (of clips: clips), None for 2**18 pixels; normalisation uses running statistics, so
            it does not change the result.
        beat: called after each batch.

    Returns:
        8-bit sRGB, shape (n, height, width, 3).

    Raises:
        BenchError: the memory is too small for one image; in all processes, where one of several failed.
    """
    height, width = images.conditions.shape[1:]
    model.eval()
    result = np.zeros_like(images.targets)
    last: tuple[np.ndarray, Tensor] | None = None  # the frames before: their rows and what was made of them
    # TF32 would make a score depend on the device.
    with together(), exact():
        for rows, shown in batches(images, track, size or max(1, 2**18 // (height * width)), device, place()):
            batch = replace(shown, previous=before(images, track, rows, last, device)) if track.temporal else shown
            x, _ = model.encode(batch)
            output = _through(model.generator, x.contiguous(memory_format=torch.channels_last)).float()
            colors = model.decode(output, batch)
            result[rows] = quantize(colors.permute(0, 2, 3, 1).cpu().numpy())
            last = rows, colors
            beat()
    model.train()
    return joined(result, device)
