"""`thasarathan2020-hint`: video colorization told colour hints and its own previous frame; the judge sees two frames.

    condition ----------\\                                                                  VGG-19 --> content, style
    hints (3) ----------- 7 --> generator (_tcvc2019.py) --> RGB --.-- decode --> sRGB    /
    previous colours (3) /                                         the next frame's previous colours
    (condition, colours) at t-1 and at t: 1 + 3 + 1 + 3 = 8 --> 70x70 PatchGAN, spectral norm --> patch logits
        judged fake: the model's colours at both times; judged real: the target's at both

Source: H. Thasarathan, M. Ebrahimi, "Artist-Guided Semiautomatic Animation Colorization", University of Ontario
Institute of Technology.

The paper fixes: the inputs (eq. 1), the generator's and the discriminator's kind (_tcvc2019.py), the sequence that is
judged (eq. 2), content (eq. 3), style (eq. 4) and L1 with weights GAN 1, content 1, style 1000, L1 10 (eq. 5), no
content term for gray input, hints as 1 % of the 4x4 patches on black, a blank frame before the first, 100,000 frames
a show. Its eq. 2 reads E log[1 - D]; the meaning is E[log(1 - D)], and the generator is given the non-saturating form.
It is silent on the optimizer, so that is of the public code of Thasarathan et al. 2019 (TCVC): Adam 1e-4 for the
generator, 1e-5 for the discriminator, betas (0, 0.999), batches of 16, 50 epochs, 256x256, the discriminator in the
first and every 12th step, no flips; as are the VGG-19's layers (_perceptual.py, which also says what becomes of the two
terms without its weights).
Our fills [F]: windows of five frames, each told the model's own output for the frame before, without a gradient between
them. Five and twelve share no factor, so the discriminator's turns fall on every place of a window; in windows of four
it would meet first frames only, which nothing comes before. Where a track tells no hints or no previous frame, those
channels are black. A hint of black looks like no hint, as in the paper: the hints' mask is not shown.
"""

from pathlib import Path

import torch
from torch import Tensor

from baselines import _layers, _losses, _perceptual, _tcvc2019
from baselines._colorizer import Judge
from bench.types import Adam, Batch, Recipe, Stage, Track

TITLE = "Artist-guided animation colorization, hints and previous frame (Thasarathan & Ebrahimi 2020)"
SOURCE = "H. Thasarathan, M. Ebrahimi, Artist-Guided Semiautomatic Animation Colorization, 2020"
TRACKS = (
    "gray+hints+previous",
    "lineart-canny+hints+previous",
    "gray+previous",
    "lineart-canny+previous",
    "gray+hints",
    "lineart-canny+hints",
)
WEIGHTS = _perceptual.WEIGHTS

L1_WEIGHT = 10.0

RECIPE = Recipe(
    batch_size=16,
    paper_images=50 * 100_000,
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
    unroll=5,
)


class HintedVideoGan(_tcvc2019.FrameColorizer):
    """Colours after hints and the previous frame, under L1, the verdict on both frames, content and style."""

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        hints = _tcvc2019.black(batch) if batch.hints is None else batch.hints[:, :3]
        return torch.cat([batch.condition, hints, _tcvc2019.previous_colors(batch)], dim=1), batch.target

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        terms = {"l1": L1_WEIGHT * _losses.l1(fake, y)}
        if judge is not None:
            terms["gan"] = _losses.adversarial(judge(_generated(batch, fake)), real=True)
        return terms | self.perceptual_terms(fake, y)

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return {
            "real": _losses.adversarial(judge(_true(batch, y)), real=True),
            "fake": _losses.adversarial(judge(_generated(batch, fake)), real=False),
        }


def _generated(batch: Batch, fake: Tensor) -> Tensor:
    return _sequence(batch, _tcvc2019.previous_colors(batch), fake)


def _true(batch: Batch, y: Tensor) -> Tensor:
    before = None if batch.previous is None else batch.previous.target
    return _sequence(batch, _tcvc2019.black(batch) if before is None else before, y)


def _sequence(batch: Batch, before: Tensor, now: Tensor) -> Tensor:
    """Condition and colours at t-1, then at t: (n, 8, h, w)."""
    condition = torch.zeros_like(batch.condition) if batch.previous is None else batch.previous.condition
    return torch.cat([condition, before, batch.condition, now], dim=1)


def build(size: int, width: float, weights: Path | None = None, track: Track | None = None) -> HintedVideoGan:
    """The untrained model; torch's seed decides its weights.

    Args:
        size: pixels a side, at least 32; both networks take any.
        width: factor on the paper's channels, in both networks.
        weights: torchvision's VGG-19 (`vgg19-dcbb9e9d.pth`) for the content and style terms, at any width; without it
            they are left out.
        track: what the model sees; the content term counts unless that is gray. The default track if None.

    Raises:
        BenchError: for a size or width out of range, or a file that is missing, damaged, or not a VGG-19.
    """
    _layers.check(size, width)
    generator, judge = _tcvc2019.Generator(7, width), _tcvc2019.Discriminator(8, width)
    perceptual = None if weights is None else _perceptual.Perceptual(weights)
    condition = (track or Track.parse(TRACKS[0])).condition
    return HintedVideoGan(generator, judge, perceptual, content=condition != "gray")
