"""Several processes, one a device, do the work of one: each takes its share of a batch, and layers see all of it.

    images of a step  -- contiguous runs -->  device 0, device 1, ...
    gradients         -- mean over devices (torch's DistributedDataParallel) --> the same step everywhere
    batch statistics, dropout masks, pools of past images  -- of the whole batch, not of a share

What one device would compute is so computed by many, but for the order in which floats are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from bench.errors import BenchError

Made = TypeVar("Made")


def place() -> tuple[int, int]:
    """This process's rank and how many there are; (0, 1) where it works alone."""
    alone = not (dist.is_available() and dist.is_initialized())
    return (0, 1) if alone else (dist.get_rank(), dist.get_world_size())


def leads() -> bool:
    """Whether this process is the first: the one that writes and speaks."""
    return place()[0] == 0


def by_the_first(make: Callable[[], Made]) -> Made:
    """What the first process makes, in all of them; the others wait for it.

    Raises:
        BenchError: in all of them, where the first one failed.
    """
    rank, count = place()
    if count == 1:
        return make()
    said: list[Any] = [None, None]
    if rank == 0:
        try:
            said[0] = make()
        except Exception as error:  # whatever it is, the others wait here for an answer
            said[1] = in_words(error)
    dist.broadcast_object_list(said)
    if said[1] is not None:
        raise BenchError(said[1])
    return said[0]


def agreed(what: str, value: Made) -> Made:
    """A value that all processes hold alike.

    Args:
        what: the value's name, for the message.
        value: of plain types.

    Raises:
        BenchError: in all of them, where one holds another value.
    """
    held = _told(value)
    if other := [one for one in held if one != held[0]]:
        raise BenchError(
            f"processes that share the work differ in {what}: the first has {held[0]!r}, another {other[0]!r}; "
            "give all of them the same command and the same --home, and give it again."
        )
    return value


@contextmanager
def together() -> Iterator[None]:
    """Within the block each process works for itself; if one fails, all end there.

    Raises:
        BenchError: in all of them, where there are several and one failed.
    """
    if place()[1] == 1:
        yield
        return
    failed = ""
    try:
        yield
    except Exception as error:
        failed = in_words(error)
    if why := next(filter(None, _told(failed)), ""):
        raise BenchError(why)


def in_words(error: Exception) -> str:
    """One line of an error: a BenchError's own words, of another one its kind and its first line."""
    if isinstance(error, BenchError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename}" if error.filename else "")
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def _told(value: Made) -> list[Made]:
    """What each process says, in the order of their ranks."""
    count = place()[1]
    if count == 1:
        return [value]
    said: list[Any] = [None] * count
    dist.all_gather_object(said, value)
    return said


def joined(shares: np.ndarray, device: torch.device) -> np.ndarray:
    """One array of all processes' shares: each has filled its own rows, and left zeros in the others'.

    Args:
        shares: 8-bit, of one shape everywhere.
        device: where the processes talk to each other.
    """
    if place()[1] == 1:
        return shares
    whole = torch.from_numpy(shares).to(device)
    dist.all_reduce(whole)
    return whole.cpu().numpy()


def whole_batch(*networks: nn.Module) -> None:
    """Make layers that mix images, or draw for each, work on the batch of all processes; names and weights stay.

    Nothing is changed where this process works alone, so that one device computes as ever.

    Raises:
        BenchError: a layer that mixes images and is not known here.
    """
    if place()[1] == 1:
        return
    for layer in (layer for network in networks for layer in network.modules()):
        if isinstance(layer, nn.BatchNorm2d):
            layer.__class__ = _BatchNorm
        elif type(layer) in _DROPOUTS:
            layer.__class__ = _DROPOUTS[type(layer)]
        elif isinstance(layer, (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)):
            if isinstance(layer, nn.modules.instancenorm._InstanceNorm):
                continue  # it looks at one image at a time
            raise BenchError(
                f"a layer {type(layer).__name__} cannot be shared by several devices; use BatchNorm2d, Dropout or "
                "Dropout2d, or train it with --devices 1."
            )


def whole_calls(module: nn.Module) -> None:
    """Make a module that remembers images be called with those of all processes, each of which gets its own back."""
    rank, count = place()
    if count == 1:
        return

    def gather(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(_gathered(one) for one in given)

    def own(_: nn.Module, __: tuple[Tensor, ...], made: Tensor) -> Tensor:
        return made.chunk(count)[rank]

    module.register_forward_pre_hook(gather)
    module.register_forward_hook(own)


def _gathered(share: Tensor) -> Tensor:
    parts = [torch.empty_like(share, memory_format=torch.contiguous_format) for _ in range(place()[1])]
    dist.all_gather(parts, share.contiguous())
    return torch.cat(parts)


class _Sum(torch.autograd.Function):
    """The sum over processes, whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _Sum.forward(ctx, grads[0])


def _mean(value: Tensor) -> Tensor:
    total: Any = _Sum.apply(value)
    return total / place()[1]


class _BatchNorm(nn.BatchNorm2d):
    """Batch normalization by the mean and variance of all processes' images, in float32.

    torch's own SyncBatchNorm is for GPUs alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        x = input.float()
        mean = _mean(x.mean((0, 2, 3)))
        centred = x - mean[:, None, None]
        variance = _mean(centred.square().mean((0, 2, 3)))
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            count = place()[1] * x.numel() / x.shape[1]
            with torch.no_grad():
                if self.num_batches_tracked is not None:
                    self.num_batches_tracked += 1
                # Without a momentum torch keeps the mean of all batches so far. To ask how many is to wait for a GPU.
                share = self.momentum
                if share is None:
                    share = 1.0 if self.num_batches_tracked is None else 1 / float(self.num_batches_tracked)
                self.running_mean.lerp_(mean.detach(), share)
                self.running_var.lerp_(variance.detach() * (count / (count - 1)), share)
        y = centred * torch.rsqrt(variance + self.eps)[:, None, None]
        if self.affine:
            y = y * self.weight[:, None, None] + self.bias[:, None, None]
        return y.to(input.dtype)


def _mask(input: Tensor, dropout: Callable[[Tensor], Tensor]) -> Tensor:
    """This process's rows of what dropout makes of ones for the whole batch: the mask that one device would draw."""
    rank, count = place()
    flat = input.ndim != 4 or input.is_contiguous()
    ones = torch.ones((count * len(input), *input.shape[1:]), dtype=input.dtype, device=input.device).contiguous(
        memory_format=torch.contiguous_format if flat else torch.channels_last
    )
    return dropout(ones).chunk(count)[rank]


class _Dropout(nn.Dropout):
    def forward(self, input: Tensor) -> Tensor:
        return input * _mask(input, lambda ones: F.dropout(ones, self.p)) if self.training else input


class _Dropout2d(nn.Dropout2d):
    def forward(self, input: Tensor) -> Tensor:
        return input * _mask(input, lambda ones: F.dropout2d(ones, self.p)) if self.training else input


_DROPOUTS: dict[type, type] = {nn.Dropout: _Dropout, nn.Dropout2d: _Dropout2d}
