"""`he2021-gan`: a U-Net with non-local blocks against a LeNet that sees the colours alone.

    gray x 3 --> U-Net, 5 down, 5 up, 3 non-local blocks --> RGB --.
                                                     true RGB --- LeNet --> one logit

Generator, sizes at 256x160 (width x height); down: convolution 4x4 s2, BN, LeakyReLU 0.2; up: transposed convolution
4x4 s2, BN, ReLU; * a non-local block (_nonlocal.py) behind it:

                    64@128x80   128@64x40   256@32x20*  512@16x10*   512@8x5          down; no BN on the first
    3@256x160       64@128x80   128@64x40   256@32x20*  512@16x10                     up; 3 is tanh, no BN

Discriminator: 5x5 to 6, pool, 5x5 to 16, pool, pool to 16x16, dense 120, 84, 1; LeakyReLU 0.2.

Sources: S. Zhang, Y. Mao, "Project Final Report" (on the anime SK8 Infinity, 2022), section 4.5, who train a simplified
form of X. He, Y. Lu, Y. Yang, "Colorization of anime gray images via generative adversarial networks", 2021. The latter
could not be read: this is the report's model.

The report fixes: gray with R = G = B in, RGB out; a U-Net with non-local blocks for "global and local characteristics";
a discriminator that tells real from fake images, "LeNet", a CNN of five layers of convolution, pooling and full
connection; about 300 epochs of 4,500 frames of about 256x160.
Our fills [F]: all sizes; where the non-local blocks stand; colours in [-1, 1] and tanh; averages as pools, of which the
last makes 16x16 of any size; no condition for the discriminator; -log D + 100 L1 (the report leaves the loss to its
source); Adam 2e-4 (0.5, 0.999) for both, batches of 16, one step each; initialization N(0, 0.02) in the generator and
torch's own in LeNet, which has no normalization to make up for small weights; flips.
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines import _layers, _losses
from baselines._colorizer import Judge, RgbColorizer
from baselines._layers import TransposedConvolution, scaled
from baselines._nonlocal import NonLocal
from baselines._unet import Unet, Up, down
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "U-Net with non-local blocks, GAN (after He et al. 2021)"
SOURCE = "X. He, Y. Lu, Y. Yang, Colorization of anime gray images via generative adversarial networks, IEEE, 2021"
TRACKS = ("gray",)

L1_WEIGHT = 100.0
FILTERS = (64, 128, 256, 512, 512)
ATTENTIVE_DOWN, ATTENTIVE_UP = (2, 3), (2,)
"""Places in FILTERS behind which a non-local block stands: at 1/8 and 1/16 of the size going down, at 1/8 going up."""

LENET = (6, 16)
LENET_DENSE = (120, 84)
LENET_SIDE = 16

RECIPE = Recipe(
    batch_size=16,
    paper_images=300 * 4_500,
    stages=(Stage("gan", share=1.0, generator=Adam(2e-4, (0.5, 0.999)), discriminator=Adam(2e-4, (0.5, 0.999))),),
)


class Generator(nn.Module):
    """Gray three times (n, 3, h, w) in [-1, 1] to sRGB (n, 3, h, w) in (-1, 1), any size from 32.

    Args:
        width: factor on FILTERS.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) for count in FILTERS]
        encoder = []
        for place, (before, after) in enumerate(pairwise([3, *filters])):
            layer = down(before, after, norm=place > 0, bias=place == 0)
            encoder.append(layer.append(NonLocal(after)) if place in ATTENTIVE_DOWN else layer)
        decoder, before = [], filters[-1]
        for place in reversed(range(len(filters) - 1)):
            decoder.append(Up(before, filters[place], last=NonLocal(filters[place]) if place in ATTENTIVE_UP else None))
            before = 2 * filters[place]
        self.unet = Unet(encoder, decoder)
        self.last = TransposedConvolution(before, 3, kernel_size=4, stride=2, padding=1)
        _layers.normal_(self)
        for layer in self.modules():
            if isinstance(layer, NonLocal):
                layer.start_as_identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.last(self.unet(x), output_size=list(x.shape[-2:])))


class LeNet(nn.Module):
    """One logit (n, 1) an image (n, 3, h, w), any size from 32.

    Args:
        width: factor on LENET and LENET_DENSE.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        (first, second), (wide, narrow) = ([scaled(c, width) for c in counts] for counts in (LENET, LENET_DENSE))
        self.layers = nn.Sequential(
            nn.Conv2d(3, first, 5),
            nn.LeakyReLU(0.2, inplace=True),
            nn.AvgPool2d(2),
            nn.Conv2d(first, second, 5),
            nn.LeakyReLU(0.2, inplace=True),
            nn.AvgPool2d(2),
            nn.AdaptiveAvgPool2d(LENET_SIDE),
            nn.Flatten(),
            nn.Linear(second * LENET_SIDE**2, wide),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(wide, narrow),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(narrow, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class NonLocalGan(RgbColorizer):
    """100 L1 and the verdict on the colours alone."""

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        x, y = super().encode(batch)
        return x.expand(-1, 3, -1, -1), y

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        terms = {"l1": L1_WEIGHT * _losses.l1(fake, y)}
        return terms if judge is None else terms | {"gan": _losses.adversarial(judge(fake), real=True)}

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return {
            "real": _losses.adversarial(judge(y), real=True),
            "fake": _losses.adversarial(judge(fake), real=False),
        }


def build(size: int, width: float, weights: Path | None = None) -> NonLocalGan:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; both networks take any.
        width: factor on the channels, in both networks.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("he2021-gan", weights)
    return NonLocalGan(Generator(width), LeNet(width))
