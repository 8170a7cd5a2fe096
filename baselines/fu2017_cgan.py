"""`fu2017-cgan`: the generator of `fu2017-convnet` against a discriminator that sees the condition.

    gray --> U-Net (_fu2017.py) --> RGB --.
      \\------------------------------- concat (4) --> 6 x down --> dense --> one logit
      \\------------------- true RGB ----/

Source: Q. Fu, W.-T. Hsu, M.-H. Yang, "Colorization Using ConvNet and GAN", Stanford CS231n report, 2017, section 3.2.

The paper fixes: the generator of section 3.1.1; a discriminator of six encoder layers on condition and colour, ending
in one probability; -log D(x, G(x)) + lambda |G(x) - y|_1 with lambda 100 against -log D(x, y) - log(1 - D(x, G(x)));
Adam 2e-4 with beta1 0.5 for both; batches of 64, 20 epochs of 22,543 images; no noise, no mention of flips. (Its text
says L1 "between input x and label y"; the formula, followed here, has G(x).)
The paper trains one model on gray, another on Canny edges: both are tracks here, edges as dark lines on white.
Our fills [F]: the layers' sizes and the dense layer (_fu2017.py), logits for the sigmoid, L1 as a mean, one step each.
"""

from pathlib import Path

from torch import Tensor

from baselines import _fu2017, _layers, _losses
from baselines._colorizer import Judge, RgbColorizer
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "Conditional GAN with L1 (Fu et al. 2017)"
SOURCE = "Q. Fu, W.-T. Hsu, M.-H. Yang, Colorization Using ConvNet and GAN, Stanford CS231n report, 2017"
TRACKS = ("gray", "lineart-canny")

L1_WEIGHT = 100.0

RECIPE = Recipe(
    batch_size=64,
    paper_images=20 * 22_543,
    stages=(Stage("gan", share=1.0, generator=Adam(2e-4, (0.5, 0.999)), discriminator=Adam(2e-4, (0.5, 0.999))),),
    flip=False,
)


class ConditionalGan(RgbColorizer):
    """The generator under L1 and the global discriminator's verdict; L1 alone where no judge plays."""

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        return _losses.generator_terms(x, y, fake, judge, L1_WEIGHT)

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return _losses.discriminator_terms(x, y, fake, judge, weight=1.0)


def build(size: int, width: float, weights: Path | None = None) -> ConditionalGan:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; the discriminator is built for it, the generator takes any.
        width: factor on the paper's channels, in both networks.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("fu2017-cgan", weights)
    return ConditionalGan(_fu2017.Generator(width), _fu2017.Discriminator(size, width))
