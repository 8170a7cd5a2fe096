"""A U-Net over a ResNet-34 body, as fastai's DynamicUnet builds it: the generator of `camizan2023-resnet34`.

Sizes at 256x256:

    L 1@256 ---------------------------------------------------------------- concat --> 97@256 residual block, 1x1 --> 2
      conv 7x7 s2, BN, ReLU   64@128 ------------------> up4  96@128 --> shuffle 96@256 ^
        max pool, layer1        64@64 -----------------> up3  256@64
          layer2                 128@32 ---------------> up2  384@32
            layer3                 256@16 -------------> up1  512@16
              layer4                 512@8 --> BN, ReLU, 3x3 1024, 3x3 512 --^

    up:  x -- shuffle to half the channels, twice the size --\\
         skip -- BN ------------------------------------------ concat -- ReLU -- 3x3, ReLU -- 3x3, ReLU
    shuffle:  1x1, ReLU, PixelShuffle; initialized so that each 2x2 block starts constant (ICNR)

Batch normalization stands in the body, on the skips and before the bottleneck only: with fastai 2's `norm_type=None`
the decoder's convolutions have a bias and no normalization (fastai 1 put one after each). No output activation, no
dropout. A map whose size is odd comes back one pixel too large from the shuffle and is resized to its skip, nearest, as
fastai does; so any image size of 32 or more works, and multiples of 32 never need it.

Sources: He et al. 2016 (body), Shi et al. 2016 (PixelShuffle), Aitken et al. 2017 (ICNR), fastai's DynamicUnet.
Our fills [F]: channels at other widths (every count of the figure is scaled, then rounded to a multiple of 8).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from baselines._layers import BatchNorm, scaled

WIDTHS = (64, 64, 128, 256, 512)
"""Channels of the body's five maps, largest first; the first four are the skips."""
DEPTHS = (3, 4, 6, 3)
"""Residual blocks of layer1 to layer4: ResNet-34."""
UPS = (512, 384, 256, 96)
"""Channels that the four up blocks give, smallest map first: what comes up plus the skip; half of that in the last."""


class Body(nn.Module):
    """ResNet-34 without its head and with one input channel; parameter names are torchvision's."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        first, *others = (scaled(count, width) for count in WIDTHS)
        self.conv1 = nn.Conv2d(1, first, 7, 2, 3, bias=False)
        self.bn1 = BatchNorm(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before, layers = first, []
        for place, (after, depth) in enumerate(zip(others, DEPTHS, strict=True)):
            layers.append(_residual_layer(before, after, depth, stride=1 if place == 0 else 2))
            before = after
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> list[Tensor]:
        """The five maps, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size (halves rounded up)."""
        stem = self.relu(self.bn1(self.conv1(x)))
        maps = [stem, self.layer1(self.maxpool(stem))]
        for layer in (self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        return maps


def _residual_layer(before: int, after: int, depth: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != after:
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), BatchNorm(after))
    blocks = [BasicBlock(before, after, stride, shortcut, norm_layer=BatchNorm)]
    blocks += [BasicBlock(after, after, norm_layer=BatchNorm) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def conv3(before: int, after: int) -> nn.Conv2d:
    """A 3x3 convolution with bias, He initialization and no normalization."""
    layer = nn.Conv2d(before, after, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class Shuffle(nn.Sequential):
    """Twice the size: 1x1 convolution to four times `after` channels, ReLU, PixelShuffle. ICNR initialization."""

    def __init__(self, before: int, after: int):
        layer = nn.Conv2d(before, 4 * after, 1)
        # The four channels of a 2x2 block start equal: no checkerboard at the start.
        kernel = nn.init.kaiming_normal_(torch.empty_like(layer.weight[:after]))
        layer.weight = nn.Parameter(kernel.repeat_interleave(4, dim=0))
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
        super().__init__(layer, nn.ReLU(inplace=True), nn.PixelShuffle(2))


class UpBlock(nn.Module):
    """One step up: `x` at half the size joins the normalized skip.

    Args:
        before: channels of x.
        skip: channels of the skip.
        risen: channels of x after the shuffle.
        after: channels that come out.
    """

    def __init__(self, before: int, skip: int, risen: int, after: int):
        super().__init__()
        self.shuffle = Shuffle(before, risen)
        self.normalize = BatchNorm(skip)
        self.convolve = nn.Sequential(
            conv3(risen + skip, after), nn.ReLU(inplace=True), conv3(after, after), nn.ReLU(inplace=True)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        risen = _at_size_of(skip, self.shuffle(x))
        return self.convolve(F.relu(torch.cat([risen, self.normalize(skip)], dim=1)))


def _at_size_of(wanted: Tensor, x: Tensor) -> Tensor:
    size = wanted.shape[-2:]
    return x if x.shape[-2:] == size else F.interpolate(x, size=size, mode="nearest")


class ResNetUnet(nn.Module):
    """(n, 1, h, w) to (n, outputs, h, w), unbounded.

    Args:
        outputs: channels that come out.
        width: factor on every channel count.
    """

    def __init__(self, outputs: int = 2, width: float = 1.0):
        super().__init__()
        self.body = Body(width)
        skips, deepest = [scaled(count, width) for count in WIDTHS[-2::-1]], scaled(WIDTHS[-1], width)
        middle = scaled(2 * WIDTHS[-1], width)
        self.bottleneck = nn.Sequential(
            BatchNorm(deepest),
            nn.ReLU(),
            conv3(deepest, middle),
            nn.ReLU(inplace=True),
            conv3(middle, deepest),
            nn.ReLU(inplace=True),
        )
        self.ups = nn.ModuleList()
        before = WIDTHS[-1]
        for skip, after in zip(skips, UPS, strict=True):
            self.ups.append(UpBlock(scaled(before, width), skip, scaled(before // 2, width), scaled(after, width)))
            before = after
        last = scaled(before, width)
        self.shuffle = Shuffle(last, last)
        self.residual = nn.Sequential(conv3(last + 1, last + 1), nn.ReLU(inplace=True), conv3(last + 1, last + 1))
        self.head = nn.Conv2d(last + 1, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        *skips, deepest = self.body(x)
        y = self.bottleneck(deepest)
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            y = up(y, skip)
        y = _at_size_of(x, self.shuffle(y))
        # Under autocast one float32 channel would widen all the others, at full size, for nothing.
        y = torch.cat([y, x.to(y.dtype)], dim=1)
        return self.head(F.relu(y + self.residual(y)))
