"""What a drawn picture knows of itself: which region each pixel belongs to, what that is, whose, and where lines are.

A region is one part of the drawing: a sleeve, an iris, a roof. The picture is laid out again, from its id, but neither
lit nor coloured, so this is exact and needs no files: see `docs/procedural-v1.md` for what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.data.procedural.canvas import RGB, Canvas
from bench.data.procedural.plan import Shot
from bench.data.procedural.render import Layers, inked, lay
from bench.data.procedural.scene import Scene
from bench.data.procedural.slices import captioned

if TYPE_CHECKING:
    from jaxtyping import Bool, UInt8, UInt16

FIGURES = 256
"""Parts of figures are numbered from here, those of the background from 0, while a picture is laid out."""
CAPTION = 2 * FIGURES


@dataclass(frozen=True)
class Region:
    """One region of a picture.

    Attributes:
        kind: what it is made of: a key of `palette.KINDS`, or `caption`.
        owner: whose it is: a character of the series (`c0` to `c4`), a prop (`dog`); "" for the place.
        color: its semantic colour, sRGB, before style, light and shade.
        piece: which part it is of its owner or place, in the order of drawing: a kitchen's floor has the same number
            in every kitchen of an hour, a coat in every picture.
    """

    kind: str
    owner: str
    color: RGB
    piece: int


@dataclass(frozen=True)
class Regions:
    """The regions of one picture.

    Attributes:
        scene: what is shown.
        numbers: the region of each pixel, a place in `regions`; shape (size, size).
        regions: those that have a pixel.
        purity: the share of each pixel that its region fills, without lines, 0-255; shape (size, size).
        ink: the share of each pixel that lines cover, 0-255; shape (size, size). 0 in live action.
        fine: the regions as finely as they are drawn, before the average over a pixel; shape (side, side).
        fine_ink: 255 on lines, as finely; shape (side, side).
    """

    scene: Scene
    numbers: UInt16[np.ndarray, "size size"]
    regions: tuple[Region, ...]
    purity: UInt8[np.ndarray, "size size"]
    ink: UInt8[np.ndarray, "size size"]
    fine: UInt16[np.ndarray, "side side"]
    fine_ink: UInt8[np.ndarray, "side side"]

    @property
    def boundaries(self) -> Bool[np.ndarray, "size size"]:
        """Pixels beside a region of another colour: one of its four neighbours belongs to such a region."""
        colors = list(dict.fromkeys(region.color for region in self.regions))
        own = np.array([colors.index(region.color) for region in self.regions])[self.numbers]
        edge = np.zeros(own.shape, bool)
        for axis in (0, 1):
            low, high = [slice(None)] * 2, [slice(None)] * 2
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            differs = own[tuple(low)] != own[tuple(high)]
            edge[tuple(low)] |= differs
            edge[tuple(high)] |= differs
        return edge


def regions(shot: Shot, domain: str, size: int, seed: int = 0) -> Regions:
    """The regions of a picture.

    A pixel belongs to the part that fills most of it; of two that fill the same, to the one drawn first. Lines are not
    regions: what lies under a line counts. The bands of a sky are one region, and a blurred background has the
    regions that it had before the blur.

    Args:
        shot, domain, size, seed: as for `procedural.draw`.

    Raises:
        BenchError: for another domain or size.
    """
    layers = lay(shot, domain, size, seed)
    side = layers.figures.side
    fine, ink = _fine(layers, domain, side)
    if shot.slice == "captions":
        fine[captioned(shot, side, edge=False) > 0] = CAPTION
        ink[captioned(shot, side) > 0] = 0
    times = side // size
    blocks = fine.reshape(size, times, size, times).swapaxes(1, 2).reshape(size, size, -1)
    found = _majority(blocks)
    covered = cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA)
    clear = (ink == 0).reshape(size, times, size, times).swapaxes(1, 2).reshape(size, size, -1)
    purity = ((blocks == found[..., None]) & clear).sum(axis=-1) * 255 // blocks.shape[-1]
    places, numbers = np.unique(found, return_inverse=True)
    numbers = numbers.reshape(size, size).astype(np.uint16)
    lut = np.full(CAPTION + 1, -1)
    lut[places] = np.arange(len(places))
    named = lut[fine]
    # A part too small for a pixel of its own belongs to its surround.
    named = np.where(named < 0, numbers.repeat(times, axis=0).repeat(times, axis=1), named).astype(np.uint16)
    known = tuple(_region(layers, int(place)) for place in places)
    return Regions(layers.scene, numbers, known, purity.astype(np.uint8), covered, named, ink)


def _fine(layers: Layers, domain: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Part numbers and lines (255) as finely as drawn, both of shape (side, side)."""
    place, figures = layers.behind, layers.figures
    parts = _parts(place)
    ink = inked(place, domain, layers.scene, background=True)
    if place.side != side:
        parts, ink = (cv2.resize(a, (side, side), interpolation=cv2.INTER_NEAREST) for a in (parts, ink))
    front = _parts(figures)
    fine = np.where(front > 0, front + FIGURES, parts)
    over = inked(figures, domain, layers.scene, background=False)
    ink = np.where((front > 0) | (over > 0), over, ink)
    return fine, ink


def _parts(canvas: Canvas) -> np.ndarray:
    """Part numbers, the bands of a sky as one; int32 (side, side)."""
    lut = np.arange(256, dtype=np.int32)
    for part, kind in enumerate(canvas.kinds):
        if kind == "sky":
            lut[part] = canvas.lines[part]
    return lut[canvas.pixels[..., 0]]


def _majority(blocks: np.ndarray) -> np.ndarray:
    """The most frequent value along the last axis, the smallest of equals."""
    ordered = np.sort(blocks, axis=-1)
    best, count = ordered[..., 0].copy(), np.zeros(blocks.shape[:-1], np.int32)
    run = np.zeros(blocks.shape[:-1], np.int32)
    for k in range(blocks.shape[-1]):
        value = ordered[..., k]
        run = np.where(value == ordered[..., max(k - 1, 0)], run + 1, 1)
        longer = run > count
        best, count = np.where(longer, value, best), np.where(longer, run, count)
    return best


def _region(layers: Layers, place: int) -> Region:
    if place == CAPTION:
        return Region("caption", "", (250, 250, 250), 0)
    return named(layers, place >= FIGURES, place % FIGURES)


def named(layers: Layers, front: bool, part: int) -> Region:
    """What a part of the figures' layer (`front`) or of the background is."""
    canvas = layers.figures if front else layers.behind
    figure = canvas.figures[part]
    owner, first = (layers.owners[figure], canvas.figures.index(figure)) if front else ("", 0)
    return Region(canvas.kinds[part], owner, canvas.colors[part], part - first)
