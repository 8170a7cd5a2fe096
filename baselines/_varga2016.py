"""What the two models of chroma under the input's luma share: BT.601 YUV, full range, and the squared error of U and V.

gray = Y --> network --> U, V --.-- to sRGB
  \\------- the input's Y ------/
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines._colorizer import Colorizer, Judge
from bench.color import rgb_to_yuv601, yuv601_to_rgb
from bench.types import Batch

SOURCE = "D. Varga, T. Szirányi, Fully automatic image colorization based on Convolutional Neural Network, ICPR 2016"

EPOCHS, FRAMES = 500, 4_500
"""Of the longer run of S. Zhang, Y. Mao, "Project Final Report", 2022, section 5."""


class ChromaColorizer(Colorizer):
    """U and V under the mean squared error; Y is copied from the input.

    Attributes:
        SCALE, OFFSET: the network speaks of SCALE * U + OFFSET, where bench.color has U and V in [0, 1].
    """

    SCALE: float
    OFFSET: float

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        if batch.target is None:
            return batch.condition, None
        return batch.condition, self.SCALE * rgb_to_yuv601(batch.target.float(), axis=1)[:, 1:] + self.OFFSET

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        chroma = (output.float() - self.OFFSET) / self.SCALE
        return yuv601_to_rgb(torch.cat([batch.condition.float(), chroma], dim=1), axis=1)

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        return {"l2": F.mse_loss(fake.float(), y.float())}
