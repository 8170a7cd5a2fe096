"""What a gallery shows of all there is: rules that give the same choice for the same facts, ties broken by id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from bench.leaderboard import GRAY
from bench.metrics import PRIMARY
from bench.types import Mix

if TYPE_CHECKING:
    from bench.records import Record

SPLIT = "test"
"""The split that is shown: pictures of series that no entry has seen."""

ENTRIES = 4
"""Entries a wall where nobody asks for more: the best by CIEDE2000, the mean over an entry's seeds, of those trained on
its domain, and of submissions.
At 64 px an entry takes about 26 KB of a page."""

COMMON = 2
"""Images a wall that every entry shows."""

FRAMES = 12
"""Most frames of a clip that are shown."""


class Own(NamedTuple):
    """Rows of an entry's own cases."""

    best: int
    median: int
    worst: int


def own(ids: Sequence[str], values: Sequence[float]) -> Own:
    """An entry's best, median and worst image of a split.

    Images are put in order by CIEDE2000, those of one value by id. The best is the first. The median is the one at
    place (n - 1) // 2 from 0, the lower of two in the middle. The worst is, of those with the highest value, the first
    by id.

    Args:
        ids: one an image, distinct.
        values: CIEDE2000, finite.
    """
    order = sorted(range(len(ids)), key=lambda row: (values[row], ids[row]))
    worst = min(range(len(ids)), key=lambda row: (-values[row], ids[row]))
    return Own(order[0], order[(len(order) - 1) // 2], worst)


def common(ids: Sequence[str], groups: Sequence[str]) -> list[int]:
    """Rows of the images that every entry shows, whatever it painted: `COMMON` of them, of different groups if it can.

    They are the first by the SHA-256 of their ids: any image may be among them, and no entry has a say.
    """
    order = sorted(range(len(ids)), key=lambda row: _digest(ids[row]))
    seen: set[str] = set()
    first = [row for row in order if not (groups[row] in seen or seen.add(groups[row]))]
    return [*first, *(row for row in order if row not in first)][:COMMON]


def clip(ids: Sequence[str], frames: Sequence[int]) -> list[int]:
    """Rows of the frames of the clip that every entry shows: the first by the SHA-256 of its first frame's id.

    Args:
        ids: frames of clips, which follow one another.
        frames: the place of each in its clip, 0 first.

    Returns:
        The first `FRAMES` of them, in order.
    """
    starts = [row for row, frame in enumerate(frames) if frame == 0]
    begin = min(starts, key=lambda row: _digest(ids[row]))
    end = next((row for row in starts if row > begin), len(ids))
    return list(range(begin, min(end, begin + FRAMES)))


def of_clip(rows: Sequence[int]) -> list[int]:
    """The clip's frames that stand for the common images: its middle and its last one."""
    return sorted({rows[len(rows) // 2], rows[-1]})


def entries(records: Sequence[Record], domain: str, most: int = ENTRIES) -> tuple[list[Record], dict[str, str]]:
    """The records of a wall that are shown, best first, and why others are not.

    An entry is shown where it was trained on the domain; a submission anywhere. Of several seeds the pictures are those
    of the first, the place is that of their mean, as on the boards. Of references it is the gray copy alone: what the
    model saw, uncoloured.

    Args:
        records: of one split and track.
        domain: of the split.
        most: how many, besides the gray copy.

    Returns:
        Records by the mean CIEDE2000 over an entry's seeds, then by name; and by entry's name the reason why it is left
        out.
    """
    seeds: dict[str, dict[int, float]] = {}
    for record in records:
        if (value := _value(record)) is not None:
            seeds.setdefault(record.entry.name, {})[record.seed] = value
    order = sorted(
        (record for record in records if _value(record) is not None),
        key=lambda record: (fmean(seeds[record.entry.name].values()), record.file_name),
    )
    left_out: dict[str, str] = {}
    chosen = []
    for record in order:
        name, kind, mix = record.entry.name, record.entry.kind, record.entry.mix
        if record.seed != min(seeds[name]):
            continue
        if kind == "reference":
            if name == GRAY:
                chosen.append(record)
        elif kind == "trained" and (mix is None or domain not in Mix.parse(mix).domains):
            left_out[name] = f"not trained on {domain}"
        elif sum(one.entry.kind != "reference" for one in chosen) == most:
            left_out[name] = f"behind the first {most}"
        else:
            chosen.append(record)
    return chosen, left_out


def scores(values: Mapping[str, float]) -> dict[str, float]:
    """The scores that are shown of an image, where they apply to it, to four significant digits more than needed."""
    from math import isfinite

    return {id: float(f"{values[id]:.6g}") for id in SCORES if id in values and isfinite(values[id])}


SCORES = (PRIMARY, "ciede2000-p95", "psnr", "ssim", "palette-distance")


def _value(record: Record) -> float | None:
    score = record.scores.get(PRIMARY)
    return None if score is None else score.value


def _digest(text: str) -> tuple[str, str]:
    return hashlib.sha256(text.encode()).hexdigest(), text
