"""`varga2016-cnn`: a plain stack of 3x3 convolutions from luma to chroma, without skips.

    Y --> 64 --> 64 --> 128 --> 128 --> 256 --> 256 --> 512 --> 256 --> 128 --> 64 --> 32 --> 2 --> U, V
           1    1/2     1/2    1/4     1/4     1/8      1/8     1/8     1/8     1/4    1/2    1/2    1     of the size

    all 3x3 with bias, ReLU, no normalization; tanh on the last; halved by stride 2, doubled nearest

Sources: S. Zhang, Y. Mao, "Project Final Report" (on the anime SK8 Infinity, 2022), section 4.3, who train it, after
D. Varga, T. Szirányi, "Fully automatic image colorization based on Convolutional Neural Network", ICPR 2016. The report
calls it VGG-16; the public code that it builds on (rrupeshh's Auto_color notebook) is this stack, which is VGG-like and
starts from scratch. What the report's words describe is `varga2016-vgg16`.

The report fixes: Y in, U and V out, in YUV; two runs, the longer of 4,500 frames and "500 iterations", read here as
epochs. Its public code fixes the layers, the squared error on both chroma channels, RMSprop with Keras's defaults
(1e-3, rho 0.9), batches of 10, rotation up to 20 degrees, shear and zoom 0.2 (Keras takes shear in degrees), flips; its
chroma comes at half the size and is doubled. The code works in Lab (raw L in, ab/128 out): the report's YUV is
followed.

Our fills [F]: Y in [0, 1], U and V recentred and scaled to [-1, 1]; one pixel of padding on every side, where
TensorFlow pads behind only at stride 2; Keras's initialization (Glorot uniform, biases 0); a size that 8 does not
divide comes back to the sizes it went down through.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines import _layers, _varga2016
from baselines._layers import scaled
from baselines._varga2016 import EPOCHS, FRAMES, ChromaColorizer
from bench.types import Recipe, RMSprop, Stage, Warp

TITLE = "Plain CNN for UV (after Varga & Szirányi 2016)"
SOURCE = _varga2016.SOURCE
TRACKS = ("gray",)

RECIPE = Recipe(
    batch_size=10,
    paper_images=EPOCHS * FRAMES,
    stages=(Stage("l2", share=1.0, generator=RMSprop(1e-3, alpha=0.9)),),
    warp=Warp(rotation=20, shear=0.2, zoom=0.2),
)

DOWN = (((64, 1), (64, 2)), ((128, 1), (128, 2)), ((256, 1), (256, 2)))
"""Filters and strides, one tuple for every halving."""
MIDDLE = (512, 256, 128)
UP = (64, 32)
"""Filters behind the first and the second doubling; then come the two of chroma, and the third doubling."""


class Generator(nn.Module):
    """Y (n, 1, h, w) in [0, 1] to U and V (n, 2, h, w) in (-1, 1), any size.

    Args:
        width: factor on the filters.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        before = 1

        def convolution(filters: int, stride: int = 1) -> nn.Sequential:
            nonlocal before
            layer = nn.Conv2d(before, scaled(filters, width), 3, stride, padding=1)
            before = scaled(filters, width)
            return nn.Sequential(layer, nn.ReLU(inplace=True))

        self.down = nn.ModuleList(nn.Sequential(*(convolution(*layer) for layer in level)) for level in DOWN)
        self.middle = nn.Sequential(*(convolution(filters) for filters in MIDDLE))
        self.up = nn.ModuleList(convolution(filters) for filters in UP)
        self.chroma = nn.Conv2d(before, 2, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_uniform_(layer.weight)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, y: Tensor) -> Tensor:
        sizes = []
        for level in self.down:
            sizes.append(y.shape[-2:])
            y = level(y)
        y = self.middle(y)
        for layer in self.up:
            y = layer(F.interpolate(y, size=sizes.pop(), mode="nearest"))
        return F.interpolate(torch.tanh(self.chroma(y)), size=sizes.pop(), mode="nearest")


class PlainCnn(ChromaColorizer):
    """U and V, from [0, 1] to [-1, 1]."""

    SCALE, OFFSET = 2.0, -1.0


def build(size: int, width: float, weights: Path | None = None) -> PlainCnn:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; the network takes any.
        width: factor on the filters.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("varga2016-cnn", weights)
    return PlainCnn(Generator(width))
