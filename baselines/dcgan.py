"""`dcgan`: deep strided networks without pooling, from gray to all of Lab, against a discriminator of whole images.

    gray --> 64 s1, U-Net, 7 down, 7 up --> 1x1, tanh --> L/50-1, ab/110 --.-- to sRGB
      \\--------------------------------------------------------------- concat (4) --> 6 x down --> dense --> one logit
      \\--------------------------------------------- true L/50-1, ab/110 --/

Generator, sizes at 256x256; down: convolution 4x4, BN, LeakyReLU 0.2; up: transposed convolution 4x4 s2, BN, ReLU:

    64@256 s1  64@128  128@64  256@32  512@16  512@8  512@4  512@2            down, s2 but the first
    64@256     64@128  128@64  256@32  512@16  512@8  512@4                   up; 3@256 by 1x1, tanh, no BN

Discriminator: 64, 128, 256, 512, 512, 512, convolutions 4x4 s2, BN but on the first, LeakyReLU 0.2, flattened to one.

S. Zhang, Y. Mao, "Project Final Report" (on the anime SK8 Infinity, 2022), section 7, ask for a DCGAN next; Q. Fu,
W.-T. Hsu, M.-H. Yang, Stanford CS231n report, 2017, section 2.3, describe it: strided convolutions in both networks.
Neither fixes a network. Its public form for colorization is that of K. Nazeri, E. Ng, M. Ebrahimi, "Image Colorization
using Generative Adversarial Networks", AMDO 2018, with its authors' code, ImagingLab/Colorizing-with-GANs. That gives
the widths, the colour space, no noise, variance-scaling initialization, -log D + 100 L1, two steps of the generator for
one of the discriminator, Adam 3e-4 for the generator and a tenth of it for the discriminator, beta1 0, batches of 16.

The code has changed with time. Followed here: its last networks and optimizers, and of its discriminators the first, of
whole images, as DCGAN's is; the last is a PatchGAN (which `cgan` has). Left out: dropout 0.5 in three decoder layers
and Adam 2e-4 with beta1 0.5 (older), a real label of 0.9 and a channel of noise (options), a tenth of the learning rate
after every 500,000 steps (past the end of this schedule).

Our fills [F]: running statistics in evaluation, where the code always takes the batch's own: a score must not depend on
the images beside it; the layer of stride 1 pads one pixel before and two behind; lines serve as well as gray, since all
three channels are made; an image allows floor(log2 size) halvings, the innermost go first; 300 epochs of 4,500 images,
as the GAN of Zhang & Mao (`he2021-gan`), since the code's 10 to 30 epochs are of a far larger set.
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines import _layers, _losses
from baselines._colorizer import Colorizer, Judge
from baselines._layers import BatchNorm, scaled
from baselines._unet import Unet, Up, depth, down
from bench.color import lab_to_srgb, srgb_to_lab
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "DCGAN, conditional (Nazeri et al. 2018)"
SOURCE = "K. Nazeri, E. Ng, M. Ebrahimi, Image Colorization using Generative Adversarial Networks, AMDO 2018"
TRACKS = ("gray", "lineart-canny", "lineart-sketch", "screentone")

L1_WEIGHT = 100.0
L_HALF, AB_SCALE = 50.0, 110.0
ENCODER = (64, 64, 128, 256, 512, 512, 512, 512)
DISCRIMINATOR = (64, 128, 256, 512, 512, 512)

RECIPE = Recipe(
    batch_size=16,
    paper_images=300 * 4_500,
    stages=(
        Stage(
            "gan",
            share=1.0,
            generator=Adam(3e-4, (0.0, 0.999)),
            discriminator=Adam(3e-5, (0.0, 0.999)),
            discriminator_every=2,
        ),
    ),
)


class Generator(nn.Module):
    """Gray (n, 1, h, w) in [-1, 1] to L/50-1 and ab/110 (n, 3, h, w) in (-1, 1), any size of at least `size`.

    Args:
        size: pixels a side; decides how many of the seven halvings there are.
        width: factor on ENCODER.
    """

    def __init__(self, size: int, width: float = 1.0):
        super().__init__()
        first, *filters = (scaled(count, width) for count in ENCODER[: 1 + depth(size, len(ENCODER) - 1)])
        stem = nn.Sequential(
            nn.ZeroPad2d((1, 2, 1, 2)),
            nn.Conv2d(1, first, kernel_size=4, bias=False),
            BatchNorm(first),
            nn.LeakyReLU(0.2, inplace=True),
        )
        decoder, before = [], filters[-1]
        for after in [*filters[-2::-1], first]:
            decoder.append(Up(before, after))
            before = 2 * after
        self.unet = Unet([stem, *(down(a, b) for a, b in pairwise([first, *filters]))], decoder)
        self.last = nn.Conv2d(before, 3, kernel_size=1)
        variance_scaling_(self)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.last(self.unet(x)))


class Discriminator(nn.Module):
    """One logit (n, 1) for condition and colour together (n, 4, size, size).

    Args:
        size: pixels a side; decides how many of the six halvings there are, and the length of the dense layer.
        width: factor on DISCRIMINATOR.
    """

    def __init__(self, size: int, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) for count in DISCRIMINATOR[: depth(size, len(DISCRIMINATOR))]]
        first, *others = pairwise([1 + 3, *filters])
        self.encoder = nn.Sequential(down(*first, norm=False, bias=True), *(down(a, b) for a, b in others))
        self.dense = nn.Linear(filters[-1] * (size >> len(filters)) ** 2, 1)
        variance_scaling_(self)

    def forward(self, pair: Tensor) -> Tensor:
        return self.dense(self.encoder(pair).flatten(1))


def variance_scaling_(network: nn.Module) -> None:
    """Weights N(0, 1 / fan-in) in place, biases 0; normalization stays at gain 1."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class LabGan(Colorizer):
    """100 L1 on L/50-1 and ab/110, and the verdict on condition and colour together."""

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        x = 2 * batch.condition - 1
        if batch.target is None:
            return x, None
        lightness, chroma = srgb_to_lab(batch.target.float(), axis=1).split([1, 2], dim=1)
        return x, torch.cat([lightness / L_HALF - 1, chroma / AB_SCALE], dim=1)

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        lightness, chroma = output.float().split([1, 2], dim=1)
        return lab_to_srgb(torch.cat([L_HALF * (lightness + 1), AB_SCALE * chroma], dim=1), axis=1)

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        return _losses.generator_terms(x, y, fake, judge, L1_WEIGHT)

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return _losses.discriminator_terms(x, y, fake, judge, weight=1.0)


def build(size: int, width: float, weights: Path | None = None) -> LabGan:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; the discriminator is built for it, the generator takes any from the power of
            two at or below it.
        width: factor on the public form's channels, in both networks.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("dcgan", weights)
    return LabGan(Generator(size, width), Discriminator(size, width))
