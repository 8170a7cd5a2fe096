"""The search for copies: bits name the candidates, and the aligned patterns decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.data.building import Progress
from bench.data.certify.pictures import CELLS, RADIUS, RULE, SIDE, VIEWS, Marks, Pictures, Small, each
from bench.types import SPLITS

COPY = 760
"""Thousandths of correlation from which two pictures are taken for one. In the published collections at 64 px the
closest different pictures reach 750, and all but a few in a thousand planted copies pass."""

AGREEING, UNCHANGED = 500, 32
"""So much correlation is enough where nothing has changed: where no eighth by eighth of the small pictures differs by
more than so many levels on average. Frames of a still camera are found by this: they are mostly plain. In the published
collections the least changed pair of different pictures with such a correlation differs by 46 levels."""

CANDIDATE = 600
"""Thousandths of shared bits from which a pair is looked at closely; each held-out image's nearest always is."""

FEWEST = 24
"""Bits that a view must have: plainer ones say nothing."""

KEEP = 8
"""Candidates of each image in each other split and domain."""

NOISE = 64
"""Added to the square of each pattern's entry (64 for one spread), so that faint patterns correlate less."""

WHOLE, UPPER = "whole", "upper three quarters"
WINDOWS = {WHOLE: SIDE, UPPER: SIDE * 3 // 4}
"""Rows that must agree: all, or all above where a caption stands."""

# Left, top and side of each view in 1/256 pixel.
_BOXES = np.array([[256 * left // 10, 256 * top // 10, 256 * CELLS[1] * cell // 10] for left, top, cell in VIEWS])

METHOD: dict[str, Any] = {
    "pictures": RULE,
    "bits": {
        "cells": list(CELLS),
        "of": "the upper three quarters of a view",
        "rule": "a cell that differs from the mean of the 5 x 5 around it by more than half their spread is brighter "
        "or darker: two planes of bits",
        "views in tenths of a pixel: left, top, side of a cell": [list(view) for view in VIEWS],
        "mirrored too": True,
        "likeness": "2 x shared bits / bits of both, the best over channels, views and mirror image, in thousandths",
        "fewest bits of a view": FEWEST,
        "looked at closely from": CANDIDATE,
        "at most of each image, in each other split and domain": KEEP,
    },
    "patterns": {
        "rule": "a 3 x 3 binomial mean, then each pixel's difference from its square neighbourhood, in units of the "
        "spread there",
        "radius": RADIUS,
        "alignment": "place and scale by steps of 2 to 1/4 pixel from the candidate's view, and from the view, "
        "mirrored or not, whose pattern correlates best",
        "likeness": "correlation over all rows or the upper three quarters, the better; the better channel; in "
        "thousandths",
        "added to the square of each entry": NOISE,
    },
    "changed": "the largest mean difference of an eighth by eighth of the small pictures, in levels, not aligned",
    "copy": {"likeness from": COPY, "or": {"likeness from": AGREEING, "changed by at most": UNCHANGED}},
}
"""All that decides, as it stands in the certificate."""


@dataclass(frozen=True)
class Found:
    """Two pictures that were compared closely, that of the earlier split first.

    Attributes:
        first, second: their places.
        bits: likeness of their bits, in thousandths.
        likeness: correlation of their aligned patterns, in thousandths; 1000 for equal pixels.
        changed: how much the most changed part differs, in levels.
        window: which rows agreed best.
        mirrored: whether one shows the other's mirror image.
        box: left, top and side, in 1/256 pixel of `SIDE`, of what is seen of the larger one (mirrored, if it is).
        larger: which one is seen in part, `first` or `second`.
        equal: whether every pixel is equal.
    """

    first: int
    second: int
    bits: int
    likeness: int
    changed: int
    window: str = WHOLE
    mirrored: bool = False
    box: tuple[int, int, int] = (0, 0, SIDE * 256)
    larger: str = "first"
    equal: bool = False

    @property
    def copy(self) -> bool:
        """Whether they are taken for one picture."""
        return self.equal or self.likeness >= COPY or (self.likeness >= AGREEING and self.changed <= UNCHANGED)


def candidates(one: Marks, place: int, others: Marks, at_least: int) -> list[tuple[int, ...]]:
    """The images most like one by their bits, best first, at most `KEEP`.

    Args:
        one, place: the image is that at `place` of `one`.
        others: to look among.
        at_least: so many come back even if none is like it.

    Returns:
        place among `others`, likeness, channel, mirrored, view: see `kernels.nearest`.
    """
    from bench.data.certify import kernels

    rows = np.empty((KEEP, 5), np.int64)
    count = kernels.nearest(
        one.bits[place], one.counts[place], others.bits, others.counts, FEWEST, CANDIDATE, at_least, rows
    )
    return [tuple(map(int, row)) for row in rows[:count]]


def compared(first: Small, second: Small, candidate: Sequence[int]) -> Found:
    """Align two pictures from a candidate's view, and say how well they agree.

    Args:
        first: the one that `candidates` found.
        second: the one for which it was found.
        candidate: an entry of `candidates`.
    """
    from bench.data.certify import kernels

    _, bits, channel, *guess = candidate
    mirrored, view = kernels.best_view(first.pattern[channel], second.pattern[channel], _BOXES, WINDOWS[UPPER], NOISE)
    starts = dict.fromkeys([(int(guess[0]), int(guess[1])), (int(mirrored), int(view))])
    return max((_aligned(first, second, bits, channel, *start) for start in starts), key=lambda found: found.likeness)


def _aligned(first: Small, second: Small, bits: int, channel: int, mirrored: int, view: int) -> Found:
    from bench.data.certify import kernels

    larger, smaller = (first, second) if view >= 0 else (second, first)
    left, top, wide = (int(value) for value in _BOXES[abs(view)])
    if mirrored:
        left = SIDE * 256 - left - wide
    seen, shown = smaller.pattern, larger.pattern
    box = kernels.align(seen[channel], shown[channel], left, top, wide, bool(mirrored), WINDOWS[UPPER], NOISE)
    likeness, window = max(
        (int(kernels.likeness(seen[plane], shown[plane], *box, bool(mirrored), rows, NOISE)), name)
        for name, rows in WINDOWS.items()
        for plane in range(len(seen))
    )
    return Found(
        first=first.place,
        second=second.place,
        bits=bits,
        likeness=likeness,
        changed=int(kernels.changed(first.channels, second.channels)),
        window=window,
        mirrored=bool(mirrored),
        box=(int(box[0]), int(box[1]), int(box[2])),
        larger="first" if view >= 0 else "second",
    )


def across(pictures: Pictures, report: Progress | None = None, threads: int | None = None) -> list[Found]:
    """Every close look at two images of different splits, and all images of equal pixels there.

    Each image is compared with all images of the splits before its own (train, val, test, series), in its own domain
    and in the others.

    Args:
        pictures: of the collection.
        report: called with images done and images in all.
        threads: None for as many as there are cores; no result depends on it.

    Returns:
        the closest first, then by place.
    """
    marks = {
        (split, domain): (places, pictures.marks.of(places))
        for split in SPLITS
        for domain in pictures.manifest.domains
        if (places := pictures.places(split, domain))
    }
    results: list[list[Found]] = [[] for _ in pictures.items]

    def look(place: int) -> None:
        item, own = pictures.items[place], pictures.small(place)
        for (split, domain), (places, others) in marks.items():
            if SPLITS.index(split) < SPLITS.index(item.split):
                for found in candidates(pictures.marks, place, others, int(domain == item.domain)):
                    results[place].append(compared(pictures.small(places[found[0]]), own, found))

    each(look, len(pictures), report, threads)
    pairs = {(found.first, found.second): found for row in results for found in row}
    for first, second in _equal(pictures):
        pairs[first, second] = Found(first, second, 1000, 1000, 0, equal=True)
    return sorted(pairs.values(), key=lambda found: (-found.likeness, found.first, found.second))


def plain(pictures: Pictures) -> list[int]:
    """Images with too little detail for the bits: of these only equal pixels are found."""
    return [int(place) for place in np.flatnonzero(pictures.marks.counts[:, :, 0].max(axis=1) < FEWEST)]


def _equal(pictures: Pictures) -> Iterable[tuple[int, int]]:
    """Images of different splits with the same digest; of each at most `KEEP` in each split before its own."""
    homes: dict[str, dict[str, list[int]]] = {}
    for place, item in enumerate(pictures.items):
        homes.setdefault(item.pixels, {}).setdefault(item.split, []).append(place)
    for by_split in homes.values():
        for split, places in by_split.items():
            for before in SPLITS[: SPLITS.index(split)]:
                yield from ((first, second) for second in places for first in by_split.get(before, [])[:KEEP])
