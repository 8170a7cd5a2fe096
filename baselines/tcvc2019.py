"""`tcvc2019`: video colorization told the previous frame; a residual generator against a spectral PatchGAN.

    condition ----------\\                                                                  VGG-19 --> content, style
    previous colours (3) - 4 --> generator (_tcvc2019.py) --> RGB --.-- decode --> sRGB   /
      \\--- condition, previous colours, RGB or true RGB (7) --> 70x70 PatchGAN, spectral norm --> patch logits

Source: H. Thasarathan, K. Nazeri, M. Ebrahimi, "Automatic Temporally Coherent Video Colorization", CRV 2019; the
baseline of table 1 in Thasarathan & Ebrahimi 2020.

Its public code (Harry-Thasarathan/TCVC) fixes: the networks (_tcvc2019.py); GAN (binary cross-entropy) + 10 L1 + 1000
style + 1 content, content on gray input too; the discriminator's halves averaged; in training the previous frame is the
true one with probability 0.5, else black, and black where there is none; Adam 1e-4 for the generator, 1e-5 for the
discriminator, betas (0, 0.999); batches of 16, 50 epochs of about 60,000 frames, 256x256; the discriminator learns in
the first and every 12th step; no flips. (It names a weight of 0.1 for the GAN, but never multiplies by it.) The VGG-19
terms and what becomes of them without its weights: _perceptual.py. A frame after the first is told the model's own
output (the track `...+previous`) or the target's (`...+previous-true`); the paper does not say which it scored, so one
training is played both ways.
Our fills [F]: at a test the first frame is told black; the code's Canny lines are the track `lineart-canny+previous`.
"""

from pathlib import Path

import torch
from torch import Tensor

from baselines import _layers, _losses, _perceptual, _tcvc2019
from baselines._colorizer import Judge
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "Temporally coherent video colorization (Thasarathan et al. 2019)"
SOURCE = "H. Thasarathan, K. Nazeri, M. Ebrahimi, Automatic Temporally Coherent Video Colorization, CRV 2019"
TRACKS = ("gray+previous", "gray+previous-true", "lineart-canny+previous", "lineart-canny+previous-true")
WEIGHTS = _perceptual.WEIGHTS

L1_WEIGHT = 10.0

RECIPE = Recipe(
    batch_size=16,
    paper_images=50 * 60_000,
    stages=(
        Stage(
            "gan",
            share=1.0,
            generator=Adam(1e-4, (0.0, 0.999)),
            discriminator=Adam(1e-5, (0.0, 0.999)),
            discriminator_every=12,
        ),
    ),
    flip=False,
    unroll=1,
    true_previous=0.5,
)


class VideoGan(_tcvc2019.FrameColorizer):
    """Colours after the previous frame, under L1, the PatchGAN's verdict, content and style."""

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        return torch.cat([batch.condition, _tcvc2019.previous_colors(batch)], dim=1), batch.target

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        # x holds the condition and the previous colours: what the discriminator sees beside a frame.
        return _losses.generator_terms(x, y, fake, judge, L1_WEIGHT) | self.perceptual_terms(fake, y)

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return _losses.discriminator_terms(x, y, fake, judge, weight=0.5)


def build(size: int, width: float, weights: Path | None = None) -> VideoGan:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; both networks take any.
        width: factor on the paper's channels, in both networks.
        weights: torchvision's VGG-19 (`vgg19-dcbb9e9d.pth`) for the content and style terms, at any width; without it
            they are left out.

    Raises:
        BenchError: for a size or width out of range, or a file that is missing, damaged, or not a VGG-19.
    """
    _layers.check(size, width)
    generator, judge = _tcvc2019.Generator(4, width), _tcvc2019.Discriminator(7, width)
    perceptual = None if weights is None else _perceptual.Perceptual(weights)
    return VideoGan(generator, judge, perceptual, content=True)
