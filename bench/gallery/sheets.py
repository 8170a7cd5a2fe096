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

QUALITY = 80
"""Of AVIF. At 64 px lossless WebP takes four to five times the bytes (7.4 KB a painted picture, AVIF 1.5 KB on
procedural-v1-slices), so that a report of all entries would not stay small."""


class Sheets:
    """Collects pictures; the same sheet is kept once."""

    def __init__(self) -> None:
        self.made: list[Sheet] = []
        self.pictures: dict[str, bytes] = {}

    def paint(self, pictures: Sequence[UInt8[np.ndarray, "s s *rgb"]]) -> list[Tile]:
        """Keep pictures of one size, RGB or gray, as AVIF without chroma subsampling: colour is what they are about."""
        gray = pictures[0].ndim == 2
        kept = {"subsampling": "4:0:0" if gray else "4:4:4", "quality": QUALITY, "speed": 6, "max_threads": 1}
        return self._add("avif", pictures, kept)

    def map(self, steps: Sequence[UInt8[np.ndarray, "s s"]]) -> list[Tile]:
        """Keep maps of CIEDE2000 without loss."""
        return self._add("webp", steps, {"lossless": True, "quality": 100, "method": 6})

    def _add(self, kind: Literal["avif", "webp"], pictures: Sequence[np.ndarray], options: dict) -> list[Tile]:
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(np.concatenate(pictures))).save(stream, kind.upper(), **options)
        data = stream.getvalue()
        sheet = Sheet(hashlib.sha256(data).hexdigest(), kind, len(pictures))
        if sheet.name not in self.pictures:
            self.pictures[sheet.name] = data
            self.made.append(sheet)
        number = self.made.index(sheet)
        return [Tile(number, place) for place in range(len(pictures))]
