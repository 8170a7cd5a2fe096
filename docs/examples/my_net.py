"""`my-net`: two convolutions from gray to sRGB under L1, as a model that ChromaBench trains.

gray -- 2x-1 --> conv 3x3, ReLU, conv 3x3, tanh --> sRGB
"""

from pathlib import Path

from torch import Tensor, nn

from baselines._colorizer import Judge, RgbColorizer
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "My net"
SOURCE = "the authors, the paper, the year"
TRACKS = ("gray",)
RECIPE = Recipe(batch_size=16, paper_images=100_000, stages=(Stage("l1", share=1.0, generator=Adam(2e-4)),))


class MyNet(RgbColorizer):
    """Its encode and decode are those of every model from gray to sRGB in [-1, 1]; the loss is its own."""

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        return {"l1": (fake - y).abs().mean()}


def build(size: int, width: float, weights: Path | None = None) -> MyNet:
    """The untrained model for images of `size` pixels a side; `width` is a factor on its channels."""
    channels = max(1, round(32 * width))
    layers = (nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 3, 3, padding=1), nn.Tanh())
    return MyNet(nn.Sequential(*layers))
