"""The networks of Thasarathan et al. 2019, shared by `tcvc2019` and `thasarathan2020-hint`, and what both have alike.

Generator, at 256x256 (channels@side):

    condition, ..., previous colours                                     64@256 -- 7x7 --> 3, (tanh + 1) / 2 --> RGB
      7x7, IN, ReLU  64@256                                  4x4 up, IN, ReLU ^
        4x4 s2, IN, ReLU  128@128                 4x4 up, IN, ReLU  128@128 ^
          4x4 s2, IN, ReLU  256@64 --> 8 residual blocks  256@64 ^

    residual block:  x -- 3x3 dilation 2, IN, ReLU, 3x3, IN -- + x        7x7 and 3x3 pad by reflection

Discriminator: the 70x70 PatchGAN's five 4x4 convolutions (64 s2, 128 s2, 256 s2, 512 s1, 1 s1), each divided by its
largest singular value, LeakyReLU 0.2 between; no normalization of maps, no bias; logits.

Thasarathan et al. 2020, section 3, fix two downsampling layers, eight residual blocks, two upsampling layers, instance
normalization, a 70x70 PatchGAN with spectral normalization; the layers' sizes are those of the public code of the 2019
paper (Harry-Thasarathan/TCVC). Instance normalization has no gain and no running statistics, so training and evaluation
are the same function. It takes its mean and its scale from each map, and there is no skip around it: nothing of a
frame's brightness and hardly anything of its contrast reaches the output. What the gray copy keeps exactly, such a
model must guess from the shapes; luminance-locked scores show its colours by themselves.
Our fills [F]: an odd side is halved downwards and comes back whole; a convolution before a normalization has no bias,
which would never learn; N(0, 0.02) also for the discriminator, whose power iteration starts from it.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from baselines import _perceptual
from baselines._colorizer import Colorizer
from baselines._layers import normal_, scaled
from baselines._perceptual import Perceptual, full_precision
from bench.types import Batch

FILTERS = (64, 128, 256)
BLOCKS = 8
JUDGE_FILTERS = (64, 128, 256, 512, 1)
JUDGE_STRIDES = (2, 2, 2, 1, 1)

STYLE_WEIGHT = 1000.0
CONTENT_WEIGHT = 1.0


class Residual(nn.Module):
    """(n, channels, h, w) to the same; sides of 3 or more."""

    def __init__(self, channels: int):
        super().__init__()
        wide = nn.Conv2d(channels, channels, 3, padding=2, dilation=2, padding_mode="reflect", bias=False)
        near = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)
        self.layers = nn.Sequential(
            wide, nn.InstanceNorm2d(channels), nn.ReLU(inplace=True), near, nn.InstanceNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Up(nn.Module):
    """(n, before, h, w) to (n, after, *size), where size is 2h or 2h + 1, and 2w or 2w + 1."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.convolution = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
        self.finish = nn.Sequential(nn.InstanceNorm2d(after), nn.ReLU(inplace=True))

    def forward(self, x: Tensor, size: list[int]) -> Tensor:
        return self.finish(self.convolution(x, output_size=size))


class Generator(nn.Module):
    """What is seen (n, channels, h, w) in [0, 1] to sRGB (n, 3, h, w) in (0, 1); any size from 12 on.

    Args:
        channels: of the input.
        width: factor on FILTERS.
    """

    def __init__(self, channels: int, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) for count in FILTERS]
        first = nn.Conv2d(channels, filters[0], 7, padding=3, padding_mode="reflect", bias=False)
        self.downs = nn.ModuleList([nn.Sequential(first, nn.InstanceNorm2d(filters[0]), nn.ReLU(inplace=True))])
        for before, after in pairwise(filters):
            convolution = nn.Conv2d(before, after, 4, 2, 1, bias=False)
            self.downs.append(nn.Sequential(convolution, nn.InstanceNorm2d(after), nn.ReLU(inplace=True)))
        self.blocks = nn.Sequential(*(Residual(filters[-1]) for _ in range(BLOCKS)))
        self.ups = nn.ModuleList(Up(before, after) for before, after in pairwise(reversed(filters)))
        self.head = nn.Conv2d(filters[0], 3, 7, padding=3, padding_mode="reflect")
        normal_(self)

    def forward(self, x: Tensor) -> Tensor:
        sizes: list[list[int]] = []
        for down in self.downs:
            x = down(x)
            sizes.append(list(x.shape[-2:]))
        x = self.blocks(x)
        for up, size in zip(self.ups, sizes[-2::-1], strict=True):
            x = up(x, size)
        return (torch.tanh(self.head(x)) + 1) / 2


class Discriminator(nn.Module):
    """Logits (n, 1, h', w') of conditions and frames (n, channels, h, w); 30x30 of 256x256.

    A pass in training mode moves the power iteration on by one step, one in evaluation changes nothing.

    Args:
        channels: of the conditions and frames together.
        width: factor on 64, 128, 256, 512.
    """

    def __init__(self, channels: int, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) if count > 1 else 1 for count in JUDGE_FILTERS]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride, 1, bias=False)
            for (before, after), stride in zip(pairwise([channels, *filters]), JUDGE_STRIDES, strict=True)
        )
        normal_(self)
        for convolution in self.convolutions:
            parametrizations.spectral_norm(convolution)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, seen: Tensor) -> Tensor:
        with parametrize.cached():
            with full_precision(seen):
                for convolution in self.convolutions:
                    _ = convolution.weight  # the norms are taken here; the layers below read the result
            *others, last = self.convolutions
            for convolution in others:
                seen = self.activation(convolution(seen))
            return last(seen)


class FrameColorizer(Colorizer):
    """A frame coloured after the frame before, in sRGB in [0, 1]; both papers' losses but the adversarial one.

    Args:
        generator: from the condition and what is told, ending in the previous colours.
        discriminator: of frames with their conditions.
        perceptual: content and style, or None where its weights are not there.
        content: whether the content term counts.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator, perceptual: Perceptual | None, content: bool
    ):
        super().__init__(generator, discriminator)
        self.perceptual = perceptual
        self.content = content
        self.PRETRAINED = _perceptual.LEFT_OUT if perceptual is None else perceptual.pretrained

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        return torch.clamp(output.float(), 0, 1)

    def perceptual_terms(self, fake: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The weighted content and style terms; empty without the weights."""
        if self.perceptual is None:
            return {}
        content, style = self.perceptual(fake, y)
        terms = {"style": STYLE_WEIGHT * style}
        return {"content": CONTENT_WEIGHT * content, **terms} if self.content else terms


def previous_colors(batch: Batch) -> Tensor:
    """The frame before as the model is shown it, (n, 3, h, w); black where nothing came before."""
    return black(batch) if batch.previous is None else batch.previous.colors


def black(batch: Batch) -> Tensor:
    """(n, 3, h, w) of zeros."""
    return torch.zeros_like(batch.condition).expand(-1, 3, -1, -1)
