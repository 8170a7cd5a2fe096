"""Encoder-decoders of 4x4 kernels with skips, the shape of pix2pix and DCGAN: `cgan`, `dcgan`, `he2021-gan`.

    x --> down --> down --> ... --> down --.
            |        |                     |
            |        '-- concat <-- up <-- '        up asks for the size of the skip it meets
            '----------- concat <-- up <-- ...  --> a map as large as the first down's, for the model's last layer

    down: convolution 4x4 s2 p1, [BN], LeakyReLU 0.2        up: transposed convolution 4x4 s2 p1, BN, [dropout], ReLU

Half of an odd size is rounded down, and the skip's size restores it: so every image works that has a pixel left at the
bottom. `depth` counts the halvings that a small image allows.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines._layers import BatchNorm, Convolution, TransposedConvolution


def depth(size: int, most: int) -> int:
    """Halvings from `size` pixels down to one, rounding down; no more than `most`."""
    return min(most, size.bit_length() - 1)


def down(before: int, after: int, norm: bool = True, bias: bool = False) -> nn.Sequential:
    """An encoder layer: (n, before, h, w) to (n, after, h // 2, w // 2)."""
    layers: list[nn.Module] = [Convolution(before, after, kernel_size=4, stride=2, padding=1, bias=bias)]
    if norm:
        layers.append(BatchNorm(after))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True))


class Up(nn.Module):
    """A decoder layer: (n, before, h, w) to (n, after, *size), where size is 2h or 2h + 1, and 2w or 2w + 1.

    Args:
        before: channels that come in.
        after: channels that go out.
        dropout: share of the values dropped in training.
        last: what follows, at the size that goes out.
    """

    def __init__(self, before: int, after: int, dropout: float = 0.0, last: nn.Module | None = None):
        super().__init__()
        self.convolution = TransposedConvolution(before, after, kernel_size=4, stride=2, padding=1, bias=False)
        layers: list[nn.Module] = [BatchNorm(after)]
        if dropout:
            layers.append(nn.Dropout(dropout))
        layers.append(nn.ReLU(inplace=True))
        if last is not None:
            layers.append(last)
        self.finish = nn.Sequential(*layers)

    def forward(self, x: Tensor, size: list[int]) -> Tensor:
        return self.finish(self.convolution(x, output_size=size))


class Unet(nn.Module):
    """Down the encoder, then up the decoder with the mirrored map beside what rises.

    Args:
        encoder: layers, the largest map first.
        decoder: one fewer, the smallest map first; each but the first is fed what rose and the skip, in that order.
        rectified: whether every map loses its negative part before the decoder sees it, as in pix2pix.
    """

    def __init__(self, encoder: Iterable[nn.Module], decoder: Iterable[Up], rectified: bool = False):
        super().__init__()
        self.encoder = nn.ModuleList(encoder)
        self.decoder = nn.ModuleList(decoder)
        self.rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for layer in self.encoder:
            x = layer(x)
            maps.append(F.relu(x) if self.rectified else x)
        x = maps.pop()
        for layer in self.decoder:
            skip = maps.pop()
            x = torch.cat([layer(x, list(skip.shape[-2:])), skip], dim=1)
        return x
