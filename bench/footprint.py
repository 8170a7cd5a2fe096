"""What it takes to colorize one image, counted from a network's shapes: operations and memory.

Nothing is computed: the network is built on torch's meta device, where tensors have shapes and no numbers. So the count
is the same for every weight, machine and run, and a network of any size is counted in less than a second.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from bench.types import Batch, Previous, Track


@dataclass(frozen=True)
class Footprint:
    """What colorizing one image takes.

    Attributes:
        flops: floating point operations of convolutions and matrix products, two a multiply-add; what is done once a
            pixel (normalization, activation, colour arithmetic) is not counted, as is usual.
        memory_bytes: most bytes of tensors alive at once: the generator's weights and buffers, the input, and what
            every operation makes until the last use of it; without the scratch memory that a kernel may take besides.
    """

    flops: int
    memory_bytes: int


def footprint(build: Callable[..., Any], size: int, width: float, track: Track) -> Footprint | None:
    """The footprint of a baseline on one image, or on one frame of a clip, in float32.

    Args:
        build: makes the model: (size, width) -> Colorizer.
        size: pixels a side.
        width: factor on every layer's channels.
        track: what the model sees.

    Returns:
        None for a model whose shapes depend on its numbers: one that reads a tensor's values while it is built or runs.
    """
    try:
        with torch.device("meta"):
            model = build(size=size, width=width)
            return counted(model.eval(), blank(size, track))
    except (RuntimeError, TypeError):
        return None


@torch.no_grad()
def counted(model: Any, batch: Batch) -> Footprint:
    """The footprint of a built model on a batch, on whatever device both lie.

    Args:
        model: a Colorizer in evaluation mode.
        batch: what it is shown.
    """
    shown = [batch.condition, batch.hints, batch.reference]
    if batch.previous is not None:
        shown += [batch.previous.colors, batch.previous.condition]
    weights = [*model.generator.parameters(), *model.generator.buffers()]
    live = _Live([*weights, *(one for one in shown if one is not None)])
    with FlopCounterMode(display=False) as counter, live:
        x, _ = model.encode(batch)
        model.decode(model.generator(x), batch)
    return Footprint(flops=counter.get_total_flops(), memory_bytes=live.most)


def blank(size: int, track: Track) -> Batch:
    """One image, or one frame, as a track shows it: all zeros, on the default device."""

    def shown(channels: int) -> Tensor:
        return torch.zeros(1, channels, size, size)

    return Batch(
        condition=shown(1),
        hints=shown(4) if "hints" in track.guidance else None,
        reference=shown(12) if "reference" in track.guidance else None,
        previous=Previous(colors=shown(3), condition=shown(1)) if track.temporal else None,
    )


class _Live(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive, each storage once however many views it has.

    Args:
        given: tensors that are there all the time.
    """

    def __init__(self, given: Sequence[Tensor]):
        super().__init__()
        self.known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()
        self.now = self.most = 0
        self._see(given)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        self._see([leaf for leaf in tree_leaves(made) if isinstance(leaf, Tensor)])
        return made

    def _see(self, tensors: Sequence[Tensor]) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage not in self.known:
                self.known.add(storage)
                self.now += storage.nbytes()
                weakref.finalize(storage, self._free, storage.nbytes())
        self.most = max(self.most, self.now)

    def _free(self, size: int) -> None:
        self.now -= size
