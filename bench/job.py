"""What a training is, before any of it runs: its job, the images of each step, the stage each step belongs to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.types import Budget, Entry, Recipe, Stage, Track

VALIDATION = "validation_ciede2000"
"""The curve of the score by which a step is chosen."""


@dataclass(frozen=True)
class Job:
    """One entry to train.

    Attributes:
        entry: baseline and mix.
        build: makes the model: (size, width, weights) -> Colorizer.
        recipe: the paper's training facts, for the budget's width.
        track: what the model sees.
        budget: how much training.
        seed: of initialisation, order and augmentation.
        size: side of the images in pixels.
        collection: where the images come from.
        weights: file of pretrained weights for the backbone, or None.
    """

    entry: Entry
    build: Callable[..., Any]
    recipe: Recipe
    track: Track
    budget: Budget
    seed: int
    size: int
    collection: str
    weights: Path | None = None

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of its mix."""
        return self.entry.mix.domains if self.entry.mix else ()

    @property
    def label(self) -> str:
        """What an overview calls it: entry, track and seed, without what is usual."""
        words = [self.entry.name]
        words += [self.track.name] if self.track.name != "gray" else []
        words += [f"seed {self.seed}"] if self.seed else []
        return " ".join(words)

    @property
    def images(self) -> int:
        return self.budget.images or self.recipe.paper_images

    @property
    def batch_size(self) -> int:
        return self.budget.batch_size or self.recipe.batch_size

    @property
    def steps(self) -> int:
        """On clips, whole windows."""
        return math.ceil(self.images / self.batch_size / self.recipe.unroll) * self.recipe.unroll

    @property
    def command(self) -> str:
        """The command that trains it."""
        mix = self.entry.mix.name if self.entry.mix else ""
        words = [f"bench train-baselines --model {self.entry.model} --mix {mix}"]
        words += [f"--collection {self.collection} --size {self.size} --budget {self.budget.name}"]
        words += [f"--seed {self.seed}"] if self.seed else []
        words += [f"--track {self.track.name}"]
        return " ".join(words)

    def folder(self, home: Path) -> Path:
        """Where its checkpoints and, in the end, its weights lie."""
        place = home / "checkpoints" / self.collection / f"{self.size}px" / self.track.name
        return place / self.entry.name / f"{self.budget.name}-s{self.seed}"


def pick(job: Job, step: int, sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    """The images of one step: domains in equal parts, each domain's images in a new order every epoch.

    Args:
        job: the training.
        step: from 0.
        sizes: images in each domain's training split, in the mix's order.

    Returns:
        (domain, index in its split) of each image of the batch.
    """
    domains = list(sizes)
    chosen = []
    for shown in range(step * job.batch_size, (step + 1) * job.batch_size):
        turn, place = shown % len(domains), shown // len(domains)
        epoch, position = divmod(place, sizes[domains[turn]])
        chosen.append((domains[turn], int(_order(job.seed, turn, epoch, sizes[domains[turn]])[position])))
    return chosen


@lru_cache(maxsize=64)
def _order(seed: int, domain: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng((seed, domain, epoch, count)).permutation(count)


def stage_at(recipe: Recipe, steps: int, step: int) -> Stage:
    """The stage that a step of a training of so many steps belongs to."""
    return _place(recipe, steps, step)[0]


def rate_at(recipe: Recipe, steps: int, step: int) -> float:
    """The factor on the stage's learning rates at a step: 1, then falling linearly to 0 where the stage decays."""
    stage, place, length = _place(recipe, steps, step)
    passed = place / length
    return 1.0 if passed <= stage.decay_from else (1 - passed) / (1 - stage.decay_from)


def judged_at(recipe: Recipe, steps: int, step: int) -> bool:
    """Whether the discriminator learns in a step."""
    stage, place, _ = _place(recipe, steps, step)
    return stage.discriminator is not None and place % stage.discriminator_every == 0


def _place(recipe: Recipe, steps: int, step: int) -> tuple[Stage, int, int]:
    """The stage of a step, the step's place in it, and its length in steps."""
    begin, share = 0, 0.0
    for stage in recipe.stages:
        share += stage.share
        end = round(steps * share)
        if step < end:
            return stage, step - begin, end - begin
        begin = end
    return recipe.stages[-1], 0, 1
