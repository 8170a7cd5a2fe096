"""The vocabulary: domains, splits, tracks, mixes, entries, recipes, budgets. Importing it never imports torch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bench.errors import BenchError, unknown

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int, UInt8
    from torch import Tensor

DOMAINS = ("cartoon", "anime", "live-action", "manga")
"""The four domains of protocol v1, in the order of every board. A user's collection may name others."""

SPLITS = ("train", "val", "test", "series")
"""train, val and test share no group; series holds new images of groups that are in train."""

EVALUATED_SPLITS = ("test", "series")

CONDITIONS = ("gray", "lineart-canny", "lineart-sketch", "lineart-sharpened", "lineart-drawn", "screentone")
"""What a model may see of its target; how each is made stands in `bench.conditions`."""

PLAYED_ONLY = {"lineart-sharpened": "lineart-sketch"}
"""Conditions that nothing is trained on, and the condition whose training is played on them: the sharpened sketch asks
what sharpening does to a network that has learned from sketches as they are."""

GUIDANCE = ("hints", "reference", "previous", "previous-true")
"""What a model is told besides: hints and a reference palette for images; on clips its own previous frame, or the
target's, which tells it the truth and therefore is another track."""

GUIDANCES = ((), ("hints",), ("reference",), ("previous",), ("previous-true",), ("hints", "previous"))
"""What is told on a track, alone or together."""

LINEART = "lineart"
"""Short for `lineart-canny`, the lines of the papers."""

MIXED = "mixed"
MIX_MODEL = "camizan2023-resnet34"
"""A mix alone (`mixed`, `cartoon`) is short for this model trained on it: the trainings that paper compares."""

SLUG = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def slug(kind: str, name: str) -> str:
    """Check that a name from outside may stand in a path, a record and a page.

    Raises:
        BenchError: unless it is lower-case letters and digits, with single `-` or `.` between them, up to 64 long.
    """
    if len(name) > 64 or not SLUG.fullmatch(name):
        raise BenchError(
            f"{kind} {name!r} must be lower-case letters and digits, with single '-' or '.' between, such as 'my-show'."
        )
    return name


@dataclass(frozen=True)
class Track:
    """What a model may see of the target (condition) and what it is told besides (guidance)."""

    condition: str
    guidance: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "+".join((self.condition, *self.guidance))

    @property
    def temporal(self) -> bool:
        """Whether it is played on clips, frame after frame."""
        return "previous" in self.guidance or "previous-true" in self.guidance

    @property
    def trained(self) -> Track:
        """The track whose training serves it.

        One training is played with its own previous frame and with the true, and on sketches as they are and sharpened.
        """
        guidance = ("previous" if kind == "previous-true" else kind for kind in self.guidance)
        return Track(PLAYED_ONLY.get(self.condition, self.condition), tuple(guidance))

    @classmethod
    def parse(cls, text: str) -> Track:
        """Read `gray`, `lineart-canny+hints`, `gray+hints+previous`; `lineart` is `lineart-canny`.

        Raises:
            BenchError: an unknown condition or guidance, or guidances that no track puts together.
        """
        condition, *guidance = text.split("+")
        condition = "lineart-canny" if condition == LINEART else condition
        if condition not in CONDITIONS:
            raise unknown("condition", condition, list(CONDITIONS))
        for kind in guidance:
            if kind not in GUIDANCE:
                raise unknown("guidance", kind, list(GUIDANCE))
        told = tuple(sorted(guidance, key=GUIDANCE.index))  # one name whatever the order
        if told not in GUIDANCES:
            raise BenchError(
                f"no track tells {' and '.join(told)} together; the choices: "
                f"{', '.join('+'.join(some) for some in GUIDANCES if some)}."
            )
        return cls(condition, told)


@dataclass(frozen=True)
class Mix:
    """The domains an entry was trained on, in equal parts. `mixed` is all four."""

    domains: tuple[str, ...]

    @property
    def name(self) -> str:
        return MIXED if self.domains == DOMAINS else "+".join(self.domains)

    @classmethod
    def parse(cls, text: str) -> Mix:
        if text == MIXED:
            return cls(DOMAINS)
        domains = tuple(slug("domain", part) for part in text.split("+"))
        if len(set(domains)) != len(domains):
            raise BenchError(f"mix {text!r} names a domain twice.")
        # One order, so that one mix has one name whatever the order it was typed in.
        rank = {domain: place for place, domain in enumerate(DOMAINS)}
        return cls(tuple(sorted(domains, key=lambda d: (rank.get(d, len(rank)), d))))


@dataclass(frozen=True)
class Entry:
    """What stands in a row: a baseline trained on a mix, or an untrained reference or submission (no mix)."""

    model: str
    mix: Mix | None = None

    @property
    def name(self) -> str:
        return self.model if self.mix is None else f"{self.model}@{self.mix.name}"

    @classmethod
    def parse(cls, text: str, known: list[str]) -> Entry:
        """Read `fu2017-cgan@anime`, `gray-copy`, or a mix alone (`mixed`, `cartoon+live-action`).

        Args:
            text: what the user typed.
            known: the registered baselines.
        """
        model, at, mix = text.partition("@")
        if at:
            if model not in known:
                raise unknown("model", model, known)
            return cls(model, Mix.parse(mix))
        if model in known:
            return cls(model)
        if model == MIXED or set(model.split("+")) <= set(DOMAINS):
            return cls(MIX_MODEL, Mix.parse(model))
        raise unknown("model or mix", text, [*known, MIXED, *DOMAINS])


@dataclass(frozen=True)
class Adam:
    """Adam's settings for one network."""

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True)
class RMSprop:
    """RMSprop's settings for one network; `alpha` is Keras's rho."""

    lr: float
    alpha: float = 0.9
    eps: float = 1e-7


Optimizer = Adam | RMSprop


@dataclass(frozen=True)
class Stage:
    """A part of a training: which networks learn, and how.

    Attributes:
        name: such as `l1` or `gan`; stands in the loss curves.
        share: the part of the budget's images that it sees; a recipe's stages sum to 1.
        generator: the generator's optimizer.
        discriminator: the discriminator's, or None where the generator learns alone.
        discriminator_every: the discriminator learns in every so-manieth step, from the stage's first on.
        decay_from: the share of the stage after which the learning rates fall linearly to 0; 1 for never.
    """

    name: str
    share: float
    generator: Optimizer
    discriminator: Optimizer | None = None
    discriminator_every: int = 1
    decay_from: float = 1.0


@dataclass(frozen=True)
class Warp:
    """Random affine augmentation: each is drawn evenly from minus to plus the value, about the image's centre.

    Attributes:
        rotation: degrees.
        shear: degrees.
        zoom: share of the image's side, such as 0.2 for factors from 0.8 to 1.2.
    """

    rotation: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """The scientific facts of a training, copied into every record.

    Attributes:
        batch_size: images a step.
        paper_images: images the paper's own schedule shows the model (epochs x images an epoch, all stages).
        stages: in order.
        flip: random horizontal flips.
        warp: random rotation, shear and zoom, or None.
        unroll: on clips, so many consecutive frames are learned one after another, each told the model's own output
            for the frame before (black for the first); 1 where the recipe shows the true previous frame instead.
        true_previous: on clips with `unroll` 1, how often the previous frame shown is the target's; else it is black.
    """

    batch_size: int
    paper_images: int
    stages: tuple[Stage, ...]
    flip: bool = True
    warp: Warp | None = None
    unroll: int = 1
    true_previous: float = 1.0

    def at_width(self, width: float) -> Recipe:
        """The recipe of a narrower network: its generator's learning rate grows as layers shrink.

        Under Adam the best learning rate of hidden layers goes as one over their width (Yang et al. 2021, Tensor
        Programs V, table 3), so that a small budget's narrow network takes steps as long as the paper's wide one. A
        discriminator keeps its rate: a narrow one that learns four times as fast tells every fake within some fifty
        steps and spoils the generator. RMSprop keeps its rate too: four times as fast it learns less (docs/adr/0008).
        """

        def faster(settings: Optimizer) -> Optimizer:
            return replace(settings, lr=settings.lr / width) if isinstance(settings, Adam) else settings

        if width == 1:
            return self
        return replace(self, stages=tuple(replace(one, generator=faster(one.generator)) for one in self.stages))


@dataclass(frozen=True)
class Budget:
    """How much training an entry gets.

    Attributes:
        name: `smoke`, `small`, `standard` or `paper`.
        images: images shown in training, the same for every entry; None for the recipe's own number.
        width: factor on every layer's channels (1 is the paper's width).
        batch_size: images a step; None for the recipe's own.
    """

    name: str
    images: int | None
    width: float
    batch_size: int | None


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", images=6_400, width=0.25, batch_size=16),
        Budget("small", images=25_600, width=0.25, batch_size=16),
        Budget("standard", images=200_000, width=1.0, batch_size=None),
        Budget("paper", images=None, width=1.0, batch_size=None),
    )
}


@dataclass(frozen=True)
class Batch:
    """What a model may see and, in training, what it should make of it.

    Attributes:
        condition: shape (n, 1, height, width), in [0, 1]; lines are dark on white.
        target: sRGB in [0, 1], shape (n, 3, height, width); None outside training.
        hints: shape (n, 4, height, width): sRGB in [0, 1] where the mask, the fourth channel, is 1; 0 elsewhere. None
            on a track without hints.
        reference: shape (n, 12, height, width), in [0, 1]: four RGB maps, map i holds colour i of each band of the
            reference. None on a track without.
        previous: the frame before, on a track with one.
    """

    condition: Float[Tensor, "n 1 h w"]
    target: Float[Tensor, "n 3 h w"] | None = None
    hints: Float[Tensor, "n 4 h w"] | None = None
    reference: Float[Tensor, "n 12 h w"] | None = None
    previous: Previous | None = None


@dataclass(frozen=True)
class Previous:
    """The frame before a batch's; all black before a clip's first.

    Attributes:
        colors: sRGB in [0, 1] that the model is shown: its own output, or the target's.
        condition: the condition of that frame.
        target: the true colours of that frame; None outside training.
    """

    colors: Float[Tensor, "n 3 h w"]
    condition: Float[Tensor, "n 1 h w"]
    target: Float[Tensor, "n 3 h w"] | None = None


@dataclass(frozen=True)
class Images:
    """A split in memory, 8-bit.

    Attributes:
        ids: one an image, in the split's order.
        groups: the group of each.
        targets: sRGB, shape (n, height, width, 3).
        conditions: what the track shows of each, shape (n, height, width).
        hints: what a test tells of each, sRGB and mask (0 or 255), shape (n, height, width, 4); None on a track
            without hints. In training they are drawn anew in every step.
        palettes: of each image's own target, sRGB, shape (n, 4 bands, 4 colours, 3); None on a track without a
            reference.
        frames: on clips, the place of each image in its clip: 0 begins a new one. None for single images.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    targets: UInt8[np.ndarray, "n h w 3"]
    conditions: UInt8[np.ndarray, "n h w"]
    hints: UInt8[np.ndarray, "n h w 4"] | None = None
    palettes: UInt8[np.ndarray, "n 4 4 3"] | None = None
    frames: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, rows: Int[np.ndarray, " k"]) -> Images:
        """These rows of it, in this order."""
        return Images(
            ids=tuple(self.ids[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
            targets=self.targets[rows],
            conditions=self.conditions[rows],
            hints=None if self.hints is None else self.hints[rows],
            palettes=None if self.palettes is None else self.palettes[rows],
            frames=None if self.frames is None else tuple(self.frames[row] for row in rows),
        )


@dataclass(frozen=True)
class Metric:
    """One column of a board.

    Attributes:
        id: such as `ciede2000`.
        name: as printed, such as `CIEDE2000`.
        unit: such as `dB`, `ΔE00`, or empty.
        direction: `lower` or `higher` is better.
        kind: `full-reference` (a value an image) or `distribution` (a value a split).
        definition: the part of the signature that says how the number is made.
        source: paper, section or equation.
        decimals: digits after the point in a board.
        bounds: the least and the greatest value there can be; an interval does not leave them.
    """

    id: str
    name: str
    unit: str
    direction: Literal["lower", "higher"]
    kind: Literal["full-reference", "distribution"]
    definition: str
    source: str
    decimals: int = 3
    bounds: tuple[float, float] = (0.0, math.inf)
