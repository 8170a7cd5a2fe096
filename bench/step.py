"""One step of a training: the discriminator's turn, the generator's turn, and their optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from bench.device import Room
from bench.errors import BenchError
from bench.types import Batch, Optimizer, RMSprop, Stage


def make_optimizer(settings: Optimizer, network: nn.Module) -> torch.optim.Optimizer:
    if isinstance(settings, RMSprop):
        return torch.optim.RMSprop(network.parameters(), lr=settings.lr, alpha=settings.alpha, eps=settings.eps)
    return torch.optim.Adam(network.parameters(), lr=settings.lr, betas=settings.betas, fused=True)


def set_rates(optimizers: Mapping[str, Any], stage: Stage, factor: float) -> None:
    """Learning rates by stage and step alone, so that a run that goes on needs to know no more."""
    for name, optimizer in optimizers.items():
        settings = stage.generator if name == "generator" else stage.discriminator
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * factor if settings else 0.0


def take_step(
    fabric: Fabric,
    model: Any,
    generator: Callable[[Tensor], Tensor],
    judge: Callable[[Tensor], Tensor] | None,
    judging: bool,
    optimizers: Mapping[str, Any],
    batch: Batch,
    room: Room | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """One step: the generator runs once; the discriminator, if it is its turn, learns on its detached output, then the
    generator learns.

    Where the device's memory is too small for the batch, its gradients are added up over parts of it, if that is the
    same step: losses are means over images, so it is, unless a layer sees several images at once or draws for each.

    Args:
        fabric: where it runs.
        model: a Colorizer.
        generator, judge: its networks, set up; no judge in a stage without one.
        judging: whether it is the discriminator's turn.
        optimizers: by network.
        batch: what the step sees.
        room: remembers, from step to step, how many images fit at once.

    Returns:
        The output without its gradient, and the loss terms by name.

    Raises:
        BenchError: the memory is too small and the batch cannot be split.
    """
    room = room or Room()
    if not room.images or judge is not None:
        try:
            return _step(fabric, model, generator, judge, judging, optimizers, batch)
        except torch.OutOfMemoryError:
            if fabric.world_size > 1:
                raise  # the others wait for this one: all must end
    # Here, and not above, what the attempt held is free again.
    count = len(batch.condition)
    why = "the discriminator learns in turn with it" if judge is not None else _bound(model.generator)
    for length in (count >> place for place in range(1, count.bit_length())):
        if why:
            break
        if room.images and length > room.images:
            continue
        if length != room.images:
            free(batch.condition.device)
        with suppress(torch.OutOfMemoryError):
            made = _in_parts(fabric, model, generator, optimizers, batch, length)
            room.images = length
            return made
    why = why or "not even one image fits"
    raise BenchError(
        f"the device's memory is too small for a step of {count} images, which cannot be taken in parts: {why}; "
        "share it with --devices, or choose a smaller --size or a larger device. The last checkpoint is kept."
    )


def free(device: torch.device) -> None:
    """Give cached memory back, so that smaller pieces find room."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def part(value: Any, rows: slice) -> Any:
    """Some images of a Batch, or of what it holds."""
    if isinstance(value, Tensor):
        return value[rows]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: part(getattr(value, one.name), rows) for one in fields(value)})
    return value


def _bound(network: nn.Module) -> str:
    """Why a batch of this network cannot be split; empty if it can."""
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            return "batch normalization sees all its images at once"
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            return "dropout draws for all its images at once"
        if is_parametrized(layer):
            return f"{type(layer).__name__} changes with every pass"
    return ""


def _in_parts(
    fabric: Fabric,
    model: Any,
    generator: Callable[[Tensor], Tensor],
    optimizers: Mapping[str, Any],
    batch: Batch,
    length: int,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The generator's step with gradients added up over parts of so many images."""
    count = len(batch.condition)
    fakes, logged = [], {}
    optimizers["generator"].zero_grad()
    for start in range(0, count, length):
        some = part(batch, slice(start, start + length))
        share = len(some.condition) / count
        x, y = model.encode(some)
        fake = generator(x.contiguous(memory_format=torch.channels_last))
        losses = model.generator_losses(some, x, y, fake, None)
        fabric.backward(torch.stack(list(losses.values())).sum() * share)
        fakes.append(fake.detach())
        for name, value in losses.items():
            logged[f"generator_{name}"] = logged.get(f"generator_{name}", 0) + value.detach() * share
    optimizers["generator"].step()
    return torch.cat(fakes), logged


def _step(
    fabric: Fabric,
    model: Any,
    generator: Callable[[Tensor], Tensor],
    judge: Callable[[Tensor], Tensor] | None,
    judging: bool,
    optimizers: Mapping[str, Any],
    batch: Batch,
) -> tuple[Tensor, dict[str, Tensor]]:
    x, y = model.encode(batch)
    fake = generator(x.contiguous(memory_format=torch.channels_last))
    logged: dict[str, Tensor] = {}
    if judge is not None:
        if judging:
            losses = model.discriminator_losses(batch, x, y, fake.detach(), judge)
            optimizers["discriminator"].zero_grad()
            fabric.backward(torch.stack(list(losses.values())).sum())
            optimizers["discriminator"].step()
            logged |= {f"discriminator_{name}": value.detach() for name, value in losses.items()}
        model.discriminator.requires_grad_(False)
    losses = model.generator_losses(batch, x, y, fake, judge)
    optimizers["generator"].zero_grad()
    fabric.backward(torch.stack(list(losses.values())).sum())
    optimizers["generator"].step()
    if judge is not None:
        model.discriminator.requires_grad_(True)
    return fake.detach(), logged | {f"generator_{name}": value.detach() for name, value in losses.items()}
