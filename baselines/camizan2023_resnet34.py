"""`camizan2023-resnet34`: lightness to chroma by a ResNet-34 U-Net, first with L1 alone, then against a PatchGAN.

    gray -- Lab L/50-1 --> ResNet-34 U-Net (_resnet_unet.py) --> ab/110 --.-- with the input's L --> sRGB
              \\-------------------------------------------- concat (3) --> 70x70 PatchGAN --> patch logits
              \\----------------------------------- true ab/110 --/

Source: E. Camizan, S. Garcia, V. Espinoza, "Diving into Depth: Image Colorization in Cartoon and Live Action Frames".

The paper fixes: a U-Net with a ResNet-34 backbone, a GAN with L1 and BCE-with-logits, Adam, 8,000 training images,
three trainings (cartoon, live action, both in equal halves) each tried on both domains, and epoch 9 chosen on losses
and looks. Our fills [F] are those of the public tutorial of M. Shariatnia that it matches (same 8,000 + 2,000 images):
scaling L/50-1 and ab/110, fastai's DynamicUnet with one input channel, the 70x70 PatchGAN on L and ab with
initialization N(0, 0.02), lambda 100, Adam 2e-4 (0.5, 0.999) for both networks, the discriminator's loss as the mean of
its halves, batches of 16, flips; and a first stage of L1 alone with Adam 1e-4 before the GAN. The tutorial gives each
stage 20 epochs at constant rates; here three quarters of the images are the first stage's, and over the second the
rates fall linearly to 0, as pix2pix's do at its end: with halves and constant rates a small budget ends worse than gray
copy (docs/adr/0008). The budgets `standard` and `paper` keep that split, which was not tried there. L is that of the
gray the model is shown (BT.601 luma), in training too: the target's own L would tell more than a test image does. A mix
shows its domains in equal numbers of images as in the paper, but draws them from all of each domain, where the paper
halves the sets.
"""

from pathlib import Path

import torch
from torch import Tensor

from baselines import _layers, _losses, _pretrained
from baselines._colorizer import Colorizer, Judge
from baselines._patchgan import PatchGAN
from baselines._resnet_unet import ResNetUnet
from bench.color import lab_to_srgb, srgb_to_lab
from bench.types import Adam, Batch, Recipe, Stage
from bench.weights import Published

TITLE = "ResNet-34 U-Net, L1 then GAN (Camizan et al. 2023)"
SOURCE = (
    "E. Camizan, S. Garcia, V. Espinoza, Diving into Depth: Image Colorization in Cartoon and Live Action Frames, "
    "UTEC, 2023"
)
TRACKS = ("gray",)

L1_WEIGHT = 100.0
L_HALF, AB_SCALE = 50.0, 110.0

RECIPE = Recipe(
    batch_size=16,
    paper_images=(20 + 20) * 8_000,
    stages=(
        Stage("l1", share=0.75, generator=Adam(1e-4)),
        Stage(
            "gan",
            share=0.25,
            generator=Adam(2e-4, (0.5, 0.999)),
            discriminator=Adam(2e-4, (0.5, 0.999)),
            decay_from=0.0,
        ),
    ),
)

WEIGHTS = Published(
    what="torchvision's ImageNet weights of ResNet-34",
    url="https://download.pytorch.org/models/resnet34-b627a593.pth",
    sha256="b627a593",
    option="--backbone-weights",
)
"""The file the body may start from; no other is recorded as ImageNet's."""


class ResNet34Gan(Colorizer):
    """Chroma under L1, then under 100 L1 and the PatchGAN's verdict; lightness is copied from the input."""

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        y = None if batch.target is None else srgb_to_lab(batch.target.float(), axis=1)[:, 1:] / AB_SCALE
        return _lightness(batch) / L_HALF - 1, y

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        return lab_to_srgb(torch.cat([_lightness(batch), AB_SCALE * output.float()], dim=1), axis=1)

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        if judge is None:
            return {"l1": _losses.l1(fake, y)}
        return _losses.generator_terms(x, y, fake, judge, L1_WEIGHT)

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return _losses.discriminator_terms(x, y, fake, judge, weight=0.5)


def _lightness(batch: Batch) -> Tensor:
    """CIE L in [0, 100] of the gray shown, (n, 1, h, w)."""
    return srgb_to_lab(batch.condition.float().expand(-1, 3, -1, -1), axis=1)[:, :1]


def build(size: int, width: float, weights: Path | None = None) -> ResNet34Gan:
    """The untrained model; torch's seed decides what `weights` does not.

    Args:
        size: pixels a side, at least 32; both networks take any.
        width: factor on the paper's channels, in both networks.
        weights: torchvision's ResNet-34 (`resnet34-b627a593.pth`) for the body; only at width 1. Read without running
            any code in it.

    Raises:
        BenchError: for a size or width out of range, weights at another width, or a file that is missing, damaged, or
            not a ResNet-34.
    """
    _layers.check(size, width)
    generator = ResNetUnet(2, width)
    model = ResNet34Gan(generator, PatchGAN(3, width))
    if weights is not None:
        model.PRETRAINED = _pretrained.start_from(weights, generator.body, "ResNet-34", width, WEIGHTS, _without_head)
    return model


def _without_head(state: _pretrained.State) -> _pretrained.State:
    """The body's tensors of torchvision's: no classes, and the first layer summed over R, G, B."""
    state = {key: value for key, value in state.items() if not key.startswith("fc.")}
    first = state.get("conv1.weight")
    if isinstance(first, Tensor) and first.ndim == 4:
        state["conv1.weight"] = first.sum(dim=1, keepdim=True)  # the same answer to gray as to R = G = B
    return state
