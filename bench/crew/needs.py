"""How much memory a training needs, estimated without memory for it, so that it is placed where it fits."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from bench.job import Job
from bench.shelf import Shelf

RUNTIME = 1 << 30
"""Bytes that torch, its kernels and the validation split take whatever is trained."""
COPIES = 4
"""Of every parameter: itself, its gradient and Adam's two moments, 4 bytes each."""
SHARES = 8
"""A GPU is given out in so many parts."""


def training_bytes(one: Job, shelf: Shelf) -> int | None:
    """A guess at the memory that a training takes, from its layers alone: no bound.

    Parameters count `COPIES` times; what the generator's layers put out for a batch counts twice, for itself and its
    gradient, and twice again where a discriminator looks on; the images lie in memory with their conditions and
    their palettes.

    Returns:
        Bytes; None for a model whose layers cannot be counted without running it.
    """
    with torch.device("meta"):
        model = one.build(size=one.size, width=one.budget.width, weights=None)
    networks = [network for network in (model.generator, model.discriminator) if network is not None]
    parameters = sum(parameter.numel() for network in networks for parameter in network.parameters())
    outputs = _outputs(model.generator, one.size)
    if outputs is None:
        return None
    images = sum(shelf.school.manifest(one.track).counts()[domain]["train"] for domain in one.domains)
    held = images * one.size**2 * 8
    return RUNTIME + 4 * COPIES * parameters + 4 * 2 * len(networks) * outputs * one.batch_size + held


def gpu_share(memory: int | None, whole: int) -> float:
    """The part of a GPU that a task asks for: eighths, enough for its memory; a whole one where that is not known.

    Args:
        memory: bytes it needs, None where that is not known.
        whole: bytes of the smallest GPU.

    Returns:
        In (0, 1]. What needs more than a GPU gets a whole one; it may split its batches.
    """
    if memory is None or whole <= 0:
        return 1.0
    return min(1.0, math.ceil(SHARES * memory / whole) / SHARES)


def _outputs(network: nn.Module, size: int) -> int | None:
    """Numbers that a network's layers put out for one image; None where it cannot run without memory."""
    first = next((layer for layer in network.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None:
        return None
    count = 0

    def add(layer: nn.Module, given: Any, out: Any) -> None:
        nonlocal count
        count += out.numel() if isinstance(out, torch.Tensor) else 0

    hooks = [layer.register_forward_hook(add) for layer in network.modules() if not list(layer.children())]
    try:
        with torch.no_grad():
            # Two images: a batch norm on a 1x1 map refuses a batch of one.
            network.train()(torch.empty(2, first.in_channels, size, size, device="meta"))
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None
    finally:
        for hook in hooks:
            hook.remove()
    return count // 2
