"""`varga2016-vgg16`: chroma from the features of VGG-16 at four scales, the largest last.

    Y x 3 ------------------------------------------------- BN --> + 3 --> 3x3, 3 --> 3x3, 2, sigmoid --> U, V
      conv1_2  64, 1/1 ------------------------------ BN --> + 64 --> 3x3, 3 ^
        conv2_2  128, 1/2 ------------------- BN --> + 128 --> 3x3, 64 ^
          conv3_3  256, 1/4 -------- BN --> + 256 --> 3x3, 128 ^
            conv4_3  512, 1/8 -- BN --> 1x1, 256 ^

    up the right: convolution, its activation, then twice the size (bilinear), plus the normalized map across

Sources: S. Zhang, Y. Mao, "Project Final Report" (on the anime SK8 Infinity, 2022), section 4.3, where the model is "a
two-stage feature-based CNN architecture called VGG-16", after D. Varga, T. Szirányi, "Fully automatic image
colorization based on Convolutional Neural Network", ICPR 2016, whose decoder could not be read. What stands here is the
nearest public design of chroma in YUV from VGG-16 (pavelgonchar/colornet), a residual encoder with ImageNet's body
frozen. (What the report's code trains is `varga2016-cnn`.)

The public design fixes: the maps and their sums; ReLU behind the 1x1; BN and a leaky slope of 0.01 behind the 3x3 of
128, 64 and 3 filters, the slope alone behind the next; a sigmoid for U and V in [0, 1]; their mean squared error.
Our fills [F]: BN has a bias, so the convolution before it has none; the body is shown Y as torchvision's weights expect
it (ImageNet's mean and deviation); initialization N(0, 0.02), which starts at no colour, and He's in a body without
weights; Adam 1e-4 in place of SGD; batches of 10, 500 epochs of 4,500 frames and flips, as `varga2016-cnn`, in place of
single crops of 224.

Weights: with a VGG-16 the body stays as it is and only what is drawn to its right learns. Without, a frozen body would
be noise, so it learns with the rest, and the training's record says `none`: that is another model, not this paper's.
"""

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines import _layers, _pretrained, _varga2016
from baselines._layers import BatchNorm, scaled
from baselines._varga2016 import EPOCHS, FRAMES, ChromaColorizer
from bench.types import Adam, Recipe, Stage
from bench.weights import Published

TITLE = "VGG-16 features to UV (after Varga & Szirányi 2016)"
SOURCE = _varga2016.SOURCE
TRACKS = ("gray",)

RECIPE = Recipe(
    batch_size=10,
    paper_images=EPOCHS * FRAMES,
    stages=(Stage("l2", share=1.0, generator=Adam(1e-4)),),
)

WEIGHTS = Published(
    what="torchvision's ImageNet weights of VGG-16",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    sha256="397923af",
    option="--backbone-weights",
)
"""The file the body may start from; no other is recorded as ImageNet's."""

LEVELS = ((64, 2), (128, 2), (256, 3), (512, 3))
"""Filters and convolutions of VGG-16 up to conv4_3; a max pool between."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's R, G, B in [0, 1], which torchvision's weights are told the distance from."""
SLOPE = 0.01


class Body(nn.Module):
    """VGG-16 up to conv4_3; parameter names are torchvision's.

    Args:
        width: factor on the filters.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: float = 1.0):
        super().__init__()
        layers: list[nn.Module] = []
        self.ends: list[int] = []
        before = 3
        for filters, convolutions in LEVELS:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(convolutions):
                layer = nn.Conv2d(before, scaled(filters, width), 3, padding=1)
                layers += [layer, nn.ReLU(inplace=True)]
                before = scaled(filters, width)
            self.ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """conv1_2, conv2_2, conv3_3 and conv4_3 behind their ReLU: 1/1, 1/2, 1/4 and 1/8 of the size, rounded down."""
        x, maps = (rgb - self.mean) / self.deviation, []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in self.ends:
                maps.append(x)
        return maps


def convolution(before: int, after: int, kernel: int, *finish: nn.Module, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=bias), *finish)


class Generator(nn.Module):
    """Y (n, 1, h, w) in [0, 1] to U and V (n, 2, h, w) in (0, 1), any size from 8.

    Args:
        width: factor on the filters, the body's too.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        self.body = Body(width)
        *filters, deepest = (scaled(count, width) for count, _ in LEVELS)
        wanted = [*filters[::-1], 3]
        self.normalize = nn.ModuleList(BatchNorm(count) for count in (deepest, *wanted))
        self.rise = nn.ModuleList([convolution(deepest, wanted[0], 1, nn.ReLU(inplace=True))])
        for before, after in pairwise(wanted):
            finish = BatchNorm(after), nn.LeakyReLU(SLOPE, inplace=True)
            self.rise.append(convolution(before, after, 3, *finish, bias=False))
        self.chroma = nn.Sequential(convolution(3, 3, 3, nn.LeakyReLU(SLOPE, inplace=True)), convolution(3, 2, 3))
        _layers.normal_(self)
        for layer in self.body.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, y: Tensor) -> Tensor:
        rgb = y.expand(-1, 3, -1, -1)
        maps = [rgb, *self.body(rgb)]
        normalized = [normalize(x) for normalize, x in zip(self.normalize, reversed(maps), strict=True)]
        x = normalized[0]
        for rise, across in zip(self.rise, normalized[1:], strict=True):
            x = F.interpolate(rise(x), size=across.shape[-2:], mode="bilinear") + across
        return torch.sigmoid(self.chroma(x))


class FeatureColorizer(ChromaColorizer):
    """U and V in [0, 1], as they are."""

    SCALE, OFFSET = 1.0, 0.0


def build(size: int, width: float, weights: Path | None = None) -> FeatureColorizer:
    """The untrained model; torch's seed decides what `weights` does not.

    Args:
        size: pixels a side, at least 32; the network takes any.
        width: factor on the filters.
        weights: torchvision's VGG-16 (`vgg16-397923af.pth`) for the body, which then stays as it is; only at width 1.
            Read without running any code in it.

    Raises:
        BenchError: for a size or width out of range, weights at another width, or a file that is missing, damaged, or
            not a VGG-16.
    """
    _layers.check(size, width)
    generator = Generator(width)
    model = FeatureColorizer(generator)
    if weights is not None:
        model.PRETRAINED = _pretrained.start_from(weights, generator.body, "VGG-16", width, WEIGHTS, _up_to_conv4_3)
        generator.body.requires_grad_(False)
    return model


def _up_to_conv4_3(state: _pretrained.State) -> _pretrained.State:
    """The body's tensors of torchvision's: neither conv5 nor classes."""
    beyond = tuple(f"features.{place}." for place in (24, 26, 28))
    return {key: value for key, value in state.items() if not key.startswith(("classifier.", *beyond))}
