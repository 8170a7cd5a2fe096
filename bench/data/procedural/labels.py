"""What the drawing says of a whole picture: who is in it, where and when it plays, how large things are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.procedural.regions import Regions
from bench.data.procedural.slices import SLICES

Value = str | bool | int | float


@dataclass(frozen=True)
class Told:
    """One label of a picture.

    Attributes:
        name: such as `night`.
        description: what it says, with its unit and range.
        value: of this picture.
    """

    name: str
    description: str
    value: Value


def tell(id: str, series: str, which: str, known: Regions) -> tuple[Told, ...]:
    """All labels of a picture, in one order for all pictures.

    Args:
        id: of the picture.
        series: it belongs to.
        which: the hard case it is, a key of `slices.SLICES`, or "".
        known: its regions.
    """
    scene = known.scene
    cast = [actor.character.name for actor in scene.actors]
    prop = "+".join(name for name, *_ in scene.props)
    shares = _shares(known)
    people = [shares.get(name, 0.0) for name in cast]
    things = [shares.get(name, 0.0) for name, *_ in scene.props]
    slices = {name: which == name for name in SLICES}
    return (
        Told("slice", "the hard case it was drawn for, empty for a plain picture", which),
        Told("series", "the series, such as s03", series),
        Told("shot", "the shot or clip it is from, such as s03-012 or s03-c02", "-".join(id.split("-")[:2])),
        Told("cast", "the characters shown, back to front, such as c0+c3; c0b is a look-alike of c0", "+".join(cast)),
        Told("characters", "how many people are shown, 0 to 3", len(cast)),
        Told("size", "the size of the shot: close, medium, two, full or wide", scene.size),
        Told("place", "where it plays, such as park or kitchen", scene.place),
        Told("indoors", "whether it plays indoors", scene.indoors),
        Told("hour", "the light outside: noon, golden, overcast or night", scene.hour),
        Told("night", "whether it plays at night", scene.hour == "night"),
        Told("prop", "the thing or animal beside the people, empty for none", prop),
        Told("prop_share", "the share of the picture that it fills, 0 to 1", sum(things)),
        Told("people_share", "the share of the picture that people fill, 0 to 1", sum(people)),
        Told("largest_share", "the share of the largest person or thing, 0 to 1", max([*people, *things, 0.0])),
        Told("regions", "how many regions have a pixel", len(known.regions)),
        Told("line_density", "the share of the picture that drawn lines cover, 0 to 1", float(known.ink.mean()) / 255),
        Told("captions", "whether subtitles lie over it", slices["captions"]),
        Told("memory", "whether it has a remembered scene's two colours", slices["memory"]),
        Told("dark", "whether nearly all of it is black", slices["dark"]),
        Told("sketch", "whether its lines are broken and strokes stray", slices["sketch"]),
        Told("large", "whether one thing or animal was drawn to fill it", slices["large"]),
        Told("lookalike", "whether two people in it differ by the hair's colour only", slices["lookalike"]),
    )


def _shares(known: Regions) -> dict[str, float]:
    """The share of the picture that belongs to each owner."""
    counts = np.bincount(known.numbers.ravel(), minlength=len(known.regions)) / known.numbers.size
    shares: dict[str, float] = {}
    for region, share in zip(known.regions, counts, strict=True):
        shares[region.owner] = shares.get(region.owner, 0.0) + float(share)
    return shares
