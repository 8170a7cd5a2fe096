"""What the training and evaluation loops know of a model: two networks, its own colour space, and its losses.

    Batch -- encode --> x -- generator --> fake -- decode --> sRGB in [0, 1]
                 \\----> y -------------------\\
                                              losses (x, y, fake, judge)

A model's colour scaling is a fact of its paper, so it lives here and never in a loop.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.types import Batch

Judge = Callable[[Tensor], Tensor]
"""The discriminator as a callable (perhaps wrapped for several devices): images or tuples of them to logits."""


class Colorizer(nn.Module, ABC):
    """A paper's networks with its colour space and objective.

    Attributes:
        MEMORY: networks and buffers besides the two that a training must find again when it goes on, such as a pool of
            past images: names of attributes that are modules.
        generator: maps x to an output in the model's own colour space.
        discriminator: maps what the losses show it to logits; None where the paper has none.
        PRETRAINED: `none`, or `<name>:<first 8 of the file's SHA-256>` where a network starts from given weights.
    """

    PRETRAINED: str = "none"
    MEMORY: tuple[str, ...] = ()

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None = None):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator

    @abstractmethod
    def encode(self, batch: Batch) -> tuple[Float[Tensor, "n i h w"], Float[Tensor, "n o h w"] | None]:
        """The generator's input, and the target in the model's own colour space (None if the batch has none)."""

    @abstractmethod
    def decode(self, output: Float[Tensor, "n o h w"], batch: Batch) -> Float[Tensor, "n 3 h w"]:
        """sRGB in [0, 1], float32, of a generator's output; `batch` gives what the model copies from its input."""

    @abstractmethod
    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        """Weighted scalar terms whose sum the generator lowers.

        Args:
            batch: all that the step sees.
            x: the generator's input.
            y: the target in the model's colour space.
            fake: the generator's output, with its gradient.
            judge: the discriminator, or None in a stage where it does not play.
        """

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        """Weighted scalar terms whose sum the discriminator lowers; `fake` comes detached. Empty if there is none."""
        return {}

    def forward(self, batch: Batch) -> Float[Tensor, "n 3 h w"]:
        """Colorize: sRGB in [0, 1] from what the track shows; the target is never looked at."""
        seen = replace(batch, target=None)
        return self.decode(self.generator(self.encode(seen)[0]), seen)


class RgbColorizer(Colorizer):
    """A model from gray in [-1, 1] (one channel) to sRGB in [-1, 1]; it rebuilds the luminance itself."""

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        return 2 * batch.condition - 1, None if batch.target is None else 2 * batch.target - 1

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        # A generator under autocast answers in half precision, too coarse for 256 levels of colour arithmetic.
        return torch.clamp((output.float() + 1) / 2, 0, 1)
