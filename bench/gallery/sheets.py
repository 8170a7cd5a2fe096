"""Sheets: square pictures below each other in one small file. One head serves many, and a page decodes one file."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.gallery.facts import Sheet, Tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import UInt8

QUALITY = 70
"""Of AVIF. At 64 px lossless WebP takes five times the bytes and more (7.4 KB a painted picture, AVIF at 80 1.5 KB on
procedural-v1-slices), so that a report of all entries would not stay small. A quality of 80 takes a third more than 70,
and the eye finds no difference: the mean error of a drawing is 3.3 levels or 4.1."""

Packed = tuple[Literal["avif", "webp"], bytes]
"""A file's kind and content."""


class Sheets:
    """Collects pictures; the same sheet is kept once."""

    def __init__(self) -> None:
        self.made: list[Sheet] = []
        self.pictures: dict[str, bytes] = {}

    def paint(self, pictures: Sequence[UInt8[np.ndarray, "s s 3"]]) -> list[Tile]:
        """Keep pictures of one size as AVIF without chroma subsampling: colour is what they are about."""
        return self._add(_avif(pictures, "4:4:4"), len(pictures))

    def draw(self, pictures: Sequence[UInt8[np.ndarray, "s s"]]) -> list[Tile]:
        """Keep gray pictures of one size: as AVIF, or without loss where that is smaller, as it is for clean lines."""
        return self._add(min(_avif(pictures, "4:0:0"), _webp(pictures), key=lambda made: len(made[1])), len(pictures))

    def map(self, steps: Sequence[UInt8[np.ndarray, "s s"]]) -> list[Tile]:
        """Keep maps of CIEDE2000 without loss."""
        return self._add(_webp(steps), len(steps))

    def _add(self, packed: Packed, tiles: int) -> list[Tile]:
        kind, data = packed
        sheet = Sheet(hashlib.sha256(data).hexdigest(), kind, tiles)
        if sheet.name not in self.pictures:
            self.pictures[sheet.name] = data
            self.made.append(sheet)
        number = self.made.index(sheet)
        return [Tile(number, place) for place in range(tiles)]


def _avif(pictures: Sequence[np.ndarray], subsampling: str) -> Packed:
    return "avif", _saved(pictures, "AVIF", subsampling=subsampling, quality=QUALITY, speed=6, max_threads=1)


def _webp(pictures: Sequence[np.ndarray]) -> Packed:
    return "webp", _saved(pictures, "WEBP", lossless=True, quality=100, method=6)


def _saved(pictures: Sequence[np.ndarray], kind: str, **options: object) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.concatenate(pictures))).save(stream, kind, **options)
    return stream.getvalue()
