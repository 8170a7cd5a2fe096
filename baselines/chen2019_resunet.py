"""`chen2019-resunet`: a sketch coloured by a reference's palette; residual U-Net, attention gates, two guide decoders.

    sketch x 3 --\\
                  15 --> residual U-Net (_chen2019.py) --.--> RGB ----> concat (6) --> 70x70 PatchGAN --> patch logits
    palette (12) -/                                       \\           /      \\
                                                           guides 1, 2      pool of 50 past (sketch, RGB)
    L = GAN + 100 (L1(RGB) + 0.3 L1(guide 1) + 0.9 L1(guide 2))        the discriminator sees sketch and colour only

Source: P. Chen, X. Huang, Y. Zhang, Z. Wang, C. Jiang, "Automatic Colorization of Anime Sketch Image with Enhanced
Residual U-net and Auxiliary Classifier GAN", 2019, sections 1, 2 and table 1.

The paper fixes: 15 channels at 512x512 (the sketch in RGB; four maps, map i holds colour i of each of four horizontal
bands of the reference), residual blocks with pooling and unpooling, attention gates on the skips fed by the innermost
map, two more decoders each with a loss of its own, a 70x70 PatchGAN, a pool of 50 past fakes, lambda 100, learning
rates 2e-4 with beta1 0.5, batches of 4, 15 epochs, 14,000 images meant for training (20 were used); no mention of
flips. Its title's auxiliary classifier and the 4096 numbers of its section 2.3 belong to another paper; the network
described has neither. Its formulas lack the two further losses; their weights 0.3 and 0.9 are those of its public code,
ktaebum/AttentionedDeepPaint, as are the sizes of the layers (_chen2019.py), the binary cross-entropy and the halved
loss of the discriminator. In training the palette is the target's own, in a test another image's. Our fills [F]: Adam's
beta2 0.999, the condition repeated over R, G, B, L1 as a mean over [-1, 1], both guides against the colours, evaluation
with running statistics.
"""

from pathlib import Path

import torch
from torch import Tensor

from baselines import _chen2019, _layers, _losses
from baselines._colorizer import Judge, RgbColorizer
from baselines._patchgan import PatchGAN
from baselines._pool import ImagePool
from bench.errors import BenchError
from bench.types import Adam, Batch, Recipe, Stage

TITLE = "Residual U-Net with attention gates and guide decoders (Chen et al. 2019)"
SOURCE = (
    "P. Chen, X. Huang, Y. Zhang, Z. Wang, C. Jiang, Automatic Colorization of Anime Sketch Image with Enhanced "
    "Residual U-net and Auxiliary Classifier GAN, 2019"
)
TRACKS = (
    "lineart-sketch+reference",
    "lineart-sharpened+reference",  # played only, as the paper's section 6 proposes
    "lineart-drawn+reference",
    "lineart-canny+reference",
    "screentone+reference",
    "gray+reference",
)

L1_WEIGHT = 100.0
GUIDE_WEIGHTS = (0.3, 0.9)
"""Of the two guides' L1, beside the output's 1."""
POOL = 50

RECIPE = Recipe(
    batch_size=4,
    paper_images=15 * 14_000,
    stages=(Stage("gan", share=1.0, generator=Adam(2e-4, (0.5, 0.999)), discriminator=Adam(2e-4, (0.5, 0.999))),),
    flip=False,
)


class ReferenceGan(RgbColorizer):
    """Colours under L1, the guides' L1 and the PatchGAN's verdict; without a judge under the L1 alone.

    Args:
        size: pixels a side.
        width: factor on the paper's channels.
    """

    MEMORY = ("pool",)

    def __init__(self, size: int, width: float):
        super().__init__(_chen2019.Generator(size, width), PatchGAN(6, width))
        self.pool = ImagePool(POOL, 6, size)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        if batch.reference is None:
            raise BenchError(f"chen2019-resunet colours by a reference; choose a track such as {TRACKS[0]}.")
        seen = torch.cat([batch.condition.expand(-1, 3, -1, -1), batch.reference], dim=1)
        return 2 * seen - 1, None if batch.target is None else 2 * batch.target - 1

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        return super().decode(output[:, :3], batch)  # the guides follow in training

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        output, *guides = fake.split(3, dim=1)
        terms = {"l1": L1_WEIGHT * _losses.l1(output, y)}
        for place, (guide, weight) in enumerate(zip(guides, GUIDE_WEIGHTS, strict=True), start=1):
            terms[f"guide{place}"] = L1_WEIGHT * weight * _losses.l1(guide, y)
        if judge is not None:
            terms["gan"] = _losses.adversarial(judge(_pair(x, output)), real=True)
        return terms

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        past = self.pool(_pair(x, fake[:, :3]))
        return {
            "real": 0.5 * _losses.adversarial(judge(_pair(x, y)), real=True),
            "fake": 0.5 * _losses.adversarial(judge(past), real=False),
        }


def _pair(x: Tensor, colors: Tensor) -> Tensor:
    """What the discriminator sees: the sketch without the palette, and colours, (n, 6, h, w)."""
    return torch.cat([x[:, :3], colors], dim=1)


def build(size: int, width: float, weights: Path | None = None) -> ReferenceGan:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; under 64 the generator halves five times instead of six.
        width: factor on the paper's channels, in both networks.
        weights: none are taken.

    Raises:
        BenchError: for a size or width out of range, or given weights.
    """
    _layers.check(size, width)
    _layers.no_weights("chen2019-resunet", weights)
    return ReferenceGan(size, width)
