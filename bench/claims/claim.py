"""What a claim is: whose number is held against whose, in which metric, and which way the paper says it goes."""

from dataclasses import dataclass, replace
from typing import Literal

from bench.types import DOMAINS

MARGIN = 0.02
"""A pooled effect that surely is smaller than this share of the second side's value is no difference worth naming."""

OWN = "{domain}"
"""In an entry's mix: the domain that it is tested on."""

ANIMATION = ("cartoon", "anime")
"""What four of the five papers colorize."""

SIGNS = (1, -1, -1, 1)


@dataclass(frozen=True)
class Side:
    """Whose number: an entry on a split under a track.

    Attributes:
        entry: such as `fu2017-cgan@anime`; `{domain}` stands for the domain that is tested.
        track: such as `gray+previous`.
        split: `test` or `series`; None for the claim's.
        domain: where it is tested; None for each of the claim's domains in turn.
        slice: only the images with this label; None for all.
    """

    entry: str
    track: str = "gray"
    split: str | None = None
    domain: str | None = None
    slice: str | None = None

    @property
    def model(self) -> str:
        return self.entry.partition("@")[0]

    @property
    def mix(self) -> str | None:
        """What it was trained on; None for an untrained reference."""
        return self.entry.partition("@")[2] or None

    def at(self, domain: str, split: str) -> "Side":
        """This side with nothing left open."""
        there = self.domain or domain
        return replace(self, entry=self.entry.replace(OWN, there), split=self.split or split, domain=there)

    @property
    def label(self) -> str:
        """`fu2017-cgan@own domain, lineart-canny`"""
        parts = [self.entry.replace(OWN, "own domain"), self.track]
        parts += [f"on {self.domain}"] if self.domain else []
        parts += [self.split] if self.split else []
        parts += [f"slice {self.slice}"] if self.slice else []
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of one paper as a test of records.

    Attributes:
        id: such as `fu2017-gan-over-convnet-l1-gray`.
        paper: a key of `bench.papers.PAPERS`.
        source: where in the paper.
        quote: its words; empty where the paper says it only by numbers, a picture or a recipe.
        wording: the claim in plain words.
        sides: (A, B) for the effect A - B, or (A, B, C, D) for (A - B) - (C - D).
        metric: an id of `bench.metrics.METRICS`, or of `UNRANKED`, which only the values an image know.
        says: which way the effect goes by the paper: below 0, above 0, or `same`, within the margin.
        counts: what this test can and cannot tell of the paper's statement.
        split: where it is tested, unless a side says otherwise.
        domains: one effect each; the pooled effect is their mean.
        margin: see `MARGIN`.
        least: the share of the second side's value that the effect must surely exceed, where the paper says `far`.
        slices: whether it is about the hard cases of a collection that is made of them.
    """

    id: str
    paper: str
    source: str
    quote: str
    wording: str
    metric: str
    says: Literal["lower", "higher", "same"]
    counts: str
    sides: tuple[Side, ...]
    split: str = "series"
    domains: tuple[str, ...] = ANIMATION
    margin: float = MARGIN
    least: float = 0.0
    slices: bool = False

    @property
    def kind(self) -> str:
        """What is held against what, in a few words."""
        one, two = self.sides[:2]
        if len(self.sides) == 4:
            return "one difference against another"
        if one.model != two.model:
            return "entry against reference" if two.mix is None else "entry against entry"
        if one.mix != two.mix:
            return "mix against mix"
        return "track against track" if one.track != two.track else "split against split"

    @property
    def contrast(self) -> str:
        """The effect as a sum of sides."""
        names = [side.label for side in self.sides]
        if len(names) == 4:
            return f"({names[0]} − {names[1]}) − ({names[2]} − {names[3]})"
        return " − ".join(names)

    @property
    def elsewhere(self) -> "tuple[Claim, ...]":
        """The same test where the paper did not make it: on the other split, and in the other domains."""
        free = not self.slices
        moved = []
        if free and all(side.split is None for side in self.sides):
            moved.append(replace(self, split="test" if self.split == "series" else "series"))
        others = tuple(domain for domain in DOMAINS if domain not in self.domains)
        if free and others and all(side.domain is None and OWN in (side.mix or OWN) for side in self.sides):
            moved.append(replace(self, domains=others))
        return tuple(moved)
