"""What several networks share: channel widths, layers that stand a map of one pixel, initialization."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.errors import BenchError

SMALLEST = 32
"""Pixels a side: below, the 70x70 PatchGAN has no output left."""


def check(size: int, width: float) -> None:
    """Refuse an image size or a width that no network here can be built for.

    Raises:
        BenchError: for a size under 32 pixels, or a width outside (0, 4].
    """
    if size < SMALLEST:
        raise BenchError(f"the baselines need images of at least {SMALLEST}x{SMALLEST} pixels; got size {size}.")
    if not 0 < width <= 4:
        raise BenchError(f"width is a factor on the paper's channels, above 0 and at most 4; got {width}.")


def no_weights(name: str, weights: Path | None) -> None:
    """Refuse a weights file where the paper trains from scratch.

    Raises:
        BenchError: if `weights` is given.
    """
    if weights is not None:
        raise BenchError(f"{name} starts from random weights, as in its paper; leave out the file {weights.name!r}.")


def scaled(channels: int, width: float) -> int:
    """A paper's channel count at a width factor: the nearest multiple of 8, at least 8; unchanged at width 1."""
    return channels if width == 1 else max(8, 8 * round(channels * width / 8))


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization that also learns from one value a channel (batch of 1 on a 1x1 map).

    That value is its own mean: batch statistics would replace it by the bias and cut every gradient below, so torch
    refuses. Such a call is normalized by the running statistics, as in evaluation, and leaves them as they are.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training and input.numel() == input.shape[1]:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class Convolution(nn.Conv2d):
    """A convolution that leaves half precision where its map is one pixel.

    There a CPU's bf16 weight gradient (torch 2.15) never writes some taps, so the optimizer would read whatever lay in
    that memory: weights that are not finite, and another training every time.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or input.shape[-2:].numel() > 1:
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())


class TransposedConvolution(nn.ConvTranspose2d):
    """The same care for the layer that leaves a map of one pixel."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        if input.device.type != "cpu" or input.shape[-2:].numel() > 1:
            return super().forward(input, output_size)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float(), output_size)


def normal_(network: nn.Module) -> None:
    """DCGAN's initialization in place: weights N(0, 0.02), normalization gains N(1, 0.02), biases 0."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
