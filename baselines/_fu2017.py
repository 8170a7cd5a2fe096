"""The networks of Fu, Hsu & Yang 2017, shared by `fu2017-convnet` and `fu2017-cgan` (their section 3.1.1, 3.2.1).

Generator, sizes at 64x64 (at the paper's 180x320: 90x160, 45x80, 23x40, 12x20, 6x10, 3x5):

    gray 1@64                                            128 -> 3@64, tanh --> RGB
      64@32 -------------------------------------- + 256 -> 64@32 ^
        128@16 ---------------------------- + 512 -> 128@16 ^
          256@8 -------------------- + 1024 -> 256@8 ^
            512@4 ----------- + 1024 -> 512@4 ^
              512@2 --- + 512 -> 512@2 ^
                512@1 ----------^

    down the left: convolution, BN, LeakyReLU; up the right: transposed convolution from so many channels, BN, ReLU,
    then + the concatenation with the layer across

The paper fixes six encoder layers (strided convolution, batch normalization, leaky ReLU; more and more filters), six
decoder layers (transposed convolution, batch normalization, ReLU; fewer and fewer), a concatenation with the mirrored
encoder layer before each next one, no noise, and a discriminator of six such encoder layers that ends in one number.

Our fills [F]: filters 64, 128, 256, 512, 512, 512 down and 512, 512, 256, 128, 64, 3 up; kernel 5, stride 2, padding 2,
so that every size is the upper half of the one above, and a decoder layer asks for its skip's exact size; slope 0.2;
colours in [-1, 1] with a tanh on the last layer, which has no normalization; a dense layer for the one number;
initialization N(0, 0.02); batch normalization of a single value by running statistics (see BatchNorm).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from baselines._layers import BatchNorm, Convolution, TransposedConvolution, normal_, scaled

FILTERS = (64, 128, 256, 512, 512, 512)


def down(before: int, after: int) -> nn.Sequential:
    """An encoder layer: (n, before, h, w) to (n, after, ceil(h/2), ceil(w/2))."""
    convolution = Convolution(before, after, kernel_size=5, stride=2, padding=2, bias=False)
    return nn.Sequential(convolution, BatchNorm(after), nn.LeakyReLU(0.2, inplace=True))


class Up(nn.Module):
    """A decoder layer: (n, before, h, w) to (n, after, *size), where size is 2h or 2h - 1, and 2w or 2w - 1."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.convolution = TransposedConvolution(before, after, kernel_size=5, stride=2, padding=2, bias=False)
        self.finish = nn.Sequential(BatchNorm(after), nn.ReLU(inplace=True))

    def forward(self, x: Tensor, size: list[int]) -> Tensor:
        return self.finish(self.convolution(x, output_size=size))


class Generator(nn.Module):
    """Gray (n, 1, h, w) in [-1, 1] to sRGB (n, 3, h, w) in (-1, 1), any size.

    Args:
        width: factor on FILTERS.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) for count in FILTERS]
        self.encoder = nn.ModuleList(down(before, after) for before, after in pairwise([1, *filters]))
        # A decoder layer makes as many filters as the skip it meets, so the layer after it is fed twice as many.
        self.decoder = nn.ModuleList()
        before = filters[-1]
        for skip in filters[-2::-1]:
            self.decoder.append(Up(before, skip))
            before = 2 * skip
        self.last = nn.ConvTranspose2d(before, 3, kernel_size=5, stride=2, padding=2)
        normal_(self)

    def forward(self, gray: Tensor) -> Tensor:
        maps = [gray]
        for layer in self.encoder:
            maps.append(layer(maps[-1]))
        x = maps.pop()
        for layer in self.decoder:
            skip = maps.pop()
            x = torch.cat([layer(x, list(skip.shape[-2:])), skip], dim=1)
        return torch.tanh(self.last(x, output_size=list(gray.shape[-2:])))


class Discriminator(nn.Module):
    """One logit (n, 1) a pair of condition and colour (n, 4, size, size).

    Args:
        size: pixels a side; the dense layer is as long as the last map, ceil(size/64) a side.
        width: factor on FILTERS.
    """

    def __init__(self, size: int, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) for count in FILTERS]
        self.encoder = nn.Sequential(*(down(before, after) for before, after in pairwise([4, *filters])))
        self.dense = nn.Linear(filters[-1] * (-(-size // 2 ** len(filters))) ** 2, 1)
        normal_(self)

    def forward(self, pair: Tensor) -> Tensor:
        return self.dense(self.encoder(pair).flatten(1))
