"""`cgan`: the conditional GAN as an image-to-image network, pix2pix; the condition goes to both networks.

    condition --> U-Net, 8 down, 8 up, dropout --> RGB --.
      \\------------------------------------------- concat (4) --> 70x70 PatchGAN --> patch logits
      \\------------------------------ true RGB ----/

Generator, sizes at 256x256; down: convolution 4x4 s2, BN, LeakyReLU 0.2; up: transposed convolution 4x4 s2, BN, ReLU:

            64@128  128@64  256@32  512@16  512@8  512@4  512@2  512@1        down; no BN on the first and the last
    3@256   64@128  128@64  256@32  512@16* 512@8* 512@4* 512@2               up; * dropout 0.5; 3 is tanh, no BN

S. Zhang, Y. Mao, "Project Final Report" (on the anime SK8 Infinity, 2022), section 7, ask for a conditional GAN next;
Q. Fu, W.-T. Hsu, M.-H. Yang, Stanford CS231n report, 2017, section 2.3, describe it: the condition is given to the
generator and to the discriminator. Neither fixes a network. The image form is that of P. Isola et al., "Image-to-Image
Translation with Conditional Adversarial Networks", CVPR 2017, with the defaults of its authors' PyTorch code,
junyanz/pytorch-CycleGAN-and-pix2pix: the U-Net of 256 pixels, whose skips lose their negative part, PatchGAN,
initialization N(0, 0.02), -log D + 100 L1, the discriminator's loss as the mean of its halves, the discriminator first,
Adam 2e-4 (0.5, 0.999), 200 epochs of which the second half decays to 0.

Our fills [F]: lines serve as well as gray, since all three channels are made; batches of 16 instead of 1, and no
dropout in evaluation: pix2pix normalizes a single image by its own statistics and draws noise even then, here a score
depends on neither. An image allows floor(log2 size) halvings: below 256 pixels the innermost go first and, as in
pix2pix's smaller network, their dropout (none is left at 32). Epochs of the 4,500 images of Zhang & Mao.
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines import _layers, _losses
from baselines._colorizer import Judge, RgbColorizer
from baselines._layers import TransposedConvolution, scaled
from baselines._patchgan import PatchGAN
from baselines._unet import Unet, Up, depth, down
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "Conditional GAN (pix2pix)"
SOURCE = (
    "P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, Image-to-Image Translation with Conditional Adversarial Networks, 2017"
)
TRACKS = ("gray", "lineart-canny", "lineart-sketch", "lineart-sharpened", "screentone")

L1_WEIGHT = 100.0
DROPOUT = 0.5
FILTERS = (64, 128, 256, 512, 512, 512, 512, 512)

RECIPE = Recipe(
    batch_size=16,
    paper_images=(100 + 100) * 4_500,
    stages=(
        Stage(
            "gan",
            share=1.0,
            generator=Adam(2e-4, (0.5, 0.999)),
            discriminator=Adam(2e-4, (0.5, 0.999)),
            decay_from=0.5,
        ),
    ),
)


class Generator(nn.Module):
    """The condition (n, 1, h, w) in [-1, 1] to sRGB (n, 3, h, w) in (-1, 1), any size of at least `size`.

    Args:
        size: pixels a side; decides how many of the eight halvings there are.
        width: factor on FILTERS.
    """

    def __init__(self, size: int, width: float = 1.0):
        super().__init__()
        filters = [scaled(count, width) for count in FILTERS[: depth(size, len(FILTERS))]]
        steps = list(enumerate(pairwise([1, *filters])))
        encoder = [down(before, after, norm=0 < place < len(filters) - 1) for place, (before, after) in steps]
        decoder, before = [], filters[-1]
        for place in reversed(range(len(filters) - 1)):
            # What rises to the maps of 512 filters, but for the innermost of all.
            dropped = DROPOUT if FILTERS[place] == FILTERS[-1] and place < len(filters) - 2 else 0.0
            decoder.append(Up(before, filters[place], dropped))
            before = 2 * filters[place]
        self.unet = Unet(encoder, decoder, rectified=True)
        self.last = TransposedConvolution(before, 3, kernel_size=4, stride=2, padding=1)
        _layers.normal_(self)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.last(self.unet(x), output_size=list(x.shape[-2:])))


class Pix2Pix(RgbColorizer):
    """100 L1 and the verdict on condition and colour together."""

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        return _losses.generator_terms(x, y, fake, judge, L1_WEIGHT)

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return _losses.discriminator_terms(x, y, fake, judge, weight=0.5)


def build(size: int, width: float, weights: Path | None = None) -> Pix2Pix:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; the generator takes any from the power of two at or below it.
        width: factor on the paper's channels, in both networks.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("cgan", weights)
    return Pix2Pix(Generator(size, width), PatchGAN(1 + 3, width))
