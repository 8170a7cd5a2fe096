"""What a split knows of its images beyond their pixels: labels, regions and the borders between regions.

Drawn collections know, and tell it on demand: each picture is laid out again from its id, which costs about as much as
drawing it. Real images know nothing here, and say so with None.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bench.data.manifest import Split
from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, UInt16

    from bench.data.procedural.regions import Region, Regions

DRAWN = ("procedural-v1", "procedural-v1-slices")
"""The collections whose pictures can be laid out again from their ids."""


@dataclass(frozen=True)
class Label:
    """One column: something that the split knows of each image.

    Attributes:
        name: such as `night`.
        description: what it says, with unit and range.
        values: one an image, in the split's order, shape (n,): text, bool, int64 or float64.
    """

    name: str
    description: str
    values: np.ndarray


@dataclass(frozen=True)
class Labels:
    """What a split knows of its images, column by column."""

    columns: tuple[Label, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of a column.

        Raises:
            BenchError: where there is none of that name.
        """
        for column in self.columns:
            if column.name == name:
                return column.values
        raise BenchError(f"no label is called {name!r}; the labels: {', '.join(self.names)}.")


def knows(split: Split) -> bool:
    """Whether a split has labels and regions."""
    return split.collection in DRAWN


@dataclass(frozen=True)
class Everything:
    """All that a split knows, of all its images.

    Attributes:
        labels: columns in the split's order.
        regions: as `regions`, of each image.
        boundaries: as `boundaries`, of each image.
    """

    labels: Labels
    regions: UInt16[np.ndarray, "n h w"]
    boundaries: Bool[np.ndarray, "n h w"]


def everything(split: Split) -> Everything | None:
    """Labels, regions and boundaries together, each picture laid out once; None where the split knows nothing."""
    if not knows(split):
        return None
    import numpy as np

    from bench.data.procedural import Shot
    from bench.data.procedural.labels import tell

    shape = len(split), split.size, split.size
    numbers, borders, rows = np.empty(shape, np.uint16), np.empty(shape, bool), []
    for place, item in enumerate(split.items):
        known = _drawn(item.id, split.domain, split.size)
        numbers[place], borders[place] = known.numbers, known.boundaries
        rows.append(tell(item.id, item.group, Shot(item.id, item.group, item.split).slice, known))
    told = [(column[0], np.array([one.value for one in column])) for column in zip(*rows, strict=True)]
    columns = Labels(tuple(Label(first.name, first.description, values) for first, values in told))
    return Everything(columns, numbers, borders)


def labels(split: Split) -> Labels | None:
    """What a split knows of its images; None where it knows nothing.

    Returns:
        Columns in the split's order; the same columns for each drawn split.
    """
    known = everything(split)
    return None if known is None else known.labels


def regions(split: Split, index: int) -> UInt16[np.ndarray, "h w"]:
    """The number of the region that each pixel belongs to: a place in `kinds(split, index)`.

    Args:
        split: a drawn one.
        index: of the image in the split, from 0.

    Raises:
        BenchError: where the split knows no regions, or has no such image.
    """
    return _regions(split, index).numbers


def kinds(split: Split, index: int) -> tuple[Region, ...]:
    """What each region of an image is: its kind (`skin`, `hair`, `cloth`, `sky`), whose it is, and its own colour.

    Raises:
        BenchError: as `regions`.
    """
    return _regions(split, index).regions


def boundaries(split: Split, index: int) -> Bool[np.ndarray, "h w"]:
    """Where regions of different colours meet: True at the pixels on either side.

    Raises:
        BenchError: as `regions`.
    """
    return _regions(split, index).boundaries


def _regions(split: Split, index: int) -> Regions:
    if not knows(split):
        raise BenchError(
            f"{split.collection} holds no regions: only {' and '.join(DRAWN)} know what they show; use one of these."
        )
    if not 0 <= index < len(split):
        raise BenchError(f"{split.key} has images 0 to {len(split) - 1}, not {index}.")
    return _drawn(split.items[index].id, split.domain, split.size)


@lru_cache(maxsize=32)
def _drawn(id: str, domain: str, size: int) -> Regions:
    from bench.data.procedural import Shot
    from bench.data.procedural.regions import regions as found

    return found(Shot(id, id.split("-")[0], ""), domain, size)
