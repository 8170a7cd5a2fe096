"""The vocabulary: domains, splits, tracks, mixes, entries, recipes, budgets. Importing it never imports torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.errors import BenchError, unknown

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, UInt8
    from torch import Tensor

DOMAINS = ("cartoon", "anime", "live-action", "manga")
"""The four domains of protocol v1, in the order of every board. A user's collection may name others."""

SPLITS = ("train", "val", "test", "series")
"""train, val and test share no group; series holds new images of groups that are in train."""

EVALUATED_SPLITS = ("test", "series")

CONDITIONS = ("gray", "lineart", "screentone")
GUIDANCE = ("none", "hints", "reference", "previous")

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
    guidance: str = "none"

    @property
    def name(self) -> str:
        return self.condition if self.guidance == "none" else f"{self.condition}+{self.guidance}"

    @classmethod
    def parse(cls, text: str) -> Track:
        condition, _, guidance = text.partition("+")
        guidance = guidance or "none"
        if condition not in CONDITIONS:
            raise unknown("condition", condition, list(CONDITIONS))
        if guidance not in GUIDANCE:
            raise unknown("guidance", guidance, list(GUIDANCE))
        return cls(condition, guidance)


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
class Stage:
    """A part of a training: which networks learn, and how.

    Attributes:
        name: such as `l1` or `gan`; stands in the loss curves.
        share: the part of the budget's images that it sees; a recipe's stages sum to 1.
        generator: the generator's optimizer.
        discriminator: the discriminator's, or None where the generator learns alone.
    """

    name: str
    share: float
    generator: Adam
    discriminator: Adam | None = None


@dataclass(frozen=True)
class Recipe:
    """The scientific facts of a training, copied into every record.

    Attributes:
        batch_size: images a step.
        paper_images: images the paper's own schedule shows the model (epochs x images an epoch, all stages).
        stages: in order.
        flip: random horizontal flips.
    """

    batch_size: int
    paper_images: int
    stages: tuple[Stage, ...]
    flip: bool = True


@dataclass(frozen=True)
class Budget:
    """How much training an entry gets.

    Attributes:
        name: `smoke`, `standard` or `paper`.
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
        Budget("standard", images=200_000, width=1.0, batch_size=None),
        Budget("paper", images=None, width=1.0, batch_size=None),
    )
}


@dataclass(frozen=True)
class Batch:
    """What a model may see and, in training, what it should make of it.

    Attributes:
        condition: shape (n, 1, height, width), in [0, 1].
        target: sRGB in [0, 1], shape (n, 3, height, width); None outside training.
    """

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
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    targets: UInt8[np.ndarray, "n h w 3"]
    conditions: UInt8[np.ndarray, "n h w"]

    def __len__(self) -> int:
        return len(self.ids)


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
    """

    id: str
    name: str
    unit: str
    direction: Literal["lower", "higher"]
    kind: Literal["full-reference", "distribution"]
    definition: str
    source: str
    decimals: int = 3
