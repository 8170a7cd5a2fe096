"""Predictions as a folder of PNGs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.files import whole
from bench.predictions.picture import UNFINISHED, decode, inspect, limit

if TYPE_CHECKING:
    from bench.predictions.picture import Problem
    from bench.types import Images


def write_predictions(folder: Path, images: Images, predictions: np.ndarray) -> None:
    """Write each prediction as `<folder>/<id>.png` (8-bit sRGB)."""
    import cv2

    for id, picture in zip(images.ids, predictions, strict=True):
        done, png = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
        if not done:
            raise BenchError(f"the prediction for {id} could not be encoded as PNG.")
        with whole(folder / f"{id}.png") as temporary:
            temporary.write_bytes(png.tobytes())


class Folder:
    """A folder of `<id>.png`, or of folders of them.

    Attributes:
        root: the folder.
        suffix: of a picture's name after its id.
    """

    suffix = ".png"

    def __init__(self, root: Path):
        self.root = root
        self._unfinished: dict[str, tuple[int, int]] = {}

    def names(self, folder: str) -> list[str] | None:
        """The files right in a folder, without hidden ones; None if it does not exist."""
        try:
            with os.scandir(self.root / folder) as found:
                return [entry.name for entry in found if not entry.name.startswith(".") and entry.is_file()]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def prepare(self, shape: tuple[int, ...]) -> None:
        """Nothing: each picture is checked when it is read."""

    def read(self, name: str, row: np.ndarray) -> list[Problem]:
        """Decode one picture into `row`; what is wrong with it, as `bench.predictions.picture.decode`."""
        try:
            return decode(self._load(name, row.shape), row)
        except FileNotFoundError:
            return [("missing", "")]
        except OSError as error:
            return [("unreadable", error.strerror or "")]

    def stamp(self, name: str) -> tuple[int, int] | None:
        """Size and time of the last change, which differ while a file grows; None if it is not there yet."""
        try:
            found = (self.root / name).stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def settled(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether a picture is there and nothing that may still come can mend it: it is whole, or not a PNG at all."""
        stamp = self.stamp(name)
        if stamp is None or self._unfinished.get(name) == stamp:
            return False  # the same bytes that were unfinished before
        try:
            problems = inspect(self._load(name, shape), shape)
        except OSError:
            return False
        if any(kind in UNFINISHED for kind, _ in problems):
            self._unfinished[name] = stamp
            return False
        return True

    def _load(self, name: str, shape: tuple[int, ...]) -> bytes:
        with (self.root / name).open("rb") as stream:
            return stream.read(limit(shape) + 1)
