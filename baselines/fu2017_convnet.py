"""`fu2017-convnet`: an encoder-decoder with skips, trained on the squared distance alone.

    gray in [-1, 1] --> U-Net, 6 down, 6 up (_fu2017.py) --> RGB in [-1, 1]        loss: 1/2 mean (F(x) - y)^2

Source: Q. Fu, W.-T. Hsu, M.-H. Yang, "Colorization Using ConvNet and GAN", Stanford CS231n report, 2017, section 3.1.

The paper fixes: six and six layers with skips, the loss 1/2 sum over pixels of the squared distance (section 3.1.2),
Adam 2e-4 with beta1 at its default 0.9, batches of 64, 20 epochs of 22,543 images of 180x320; it mentions no flips.
It trains one model on gray, another on Canny edges: both are tracks here, edges as dark lines on white.
Our fills [F]: the layers' sizes (_fu2017.py); the mean in place of the sum, a scale that Adam does not feel.
"""

from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from baselines import _fu2017, _layers
from baselines._colorizer import Judge, RgbColorizer
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "ConvNet with L2 (Fu et al. 2017)"
SOURCE = "Q. Fu, W.-T. Hsu, M.-H. Yang, Colorization Using ConvNet and GAN, Stanford CS231n report, 2017"
TRACKS = ("gray", "lineart-canny")

RECIPE = Recipe(
    batch_size=64,
    paper_images=20 * 22_543,
    stages=(Stage("l2", share=1.0, generator=Adam(2e-4)),),
    flip=False,
)


class ConvNet(RgbColorizer):
    """The generator alone under 1/2 mean squared error."""

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        return {"l2": 0.5 * F.mse_loss(fake.float(), y.float())}


def build(size: int, width: float, weights: Path | None = None) -> ConvNet:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32.
        width: factor on the paper's channels.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("fu2017-convnet", weights)
    return ConvNet(_fu2017.Generator(width))
