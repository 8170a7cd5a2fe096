"""Predictions as a folder of PNGs."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.files import whole
from bench.predictions.faults import Fault
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

    def flaws(self, folders: Iterable[str], shape: tuple[int, ...]) -> list[Fault]:
        """What stands there under a picture's name and is none: a pipe, a socket, a device, a folder, a broken link."""
        odd = []
        for folder in folders:
            with suppress(OSError), os.scandir(self.root / folder) as found:
                for entry in found:
                    if entry.name.endswith(self.suffix) and not entry.name.startswith(".") and not entry.is_file():
                        name = f"{folder}/{entry.name}" if folder else entry.name
                        odd.append(Fault("not a plain file", name, _kind(entry)))
        return sorted(odd)

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
        except (OSError, ValueError):
            return None
        return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None

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
        # Not blocking: a pipe in a picture's place would wait for its writer for ever.
        handle = os.open(self.root / name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a plain file")
            return stream.read(limit(shape) + 1)


def _kind(entry: os.DirEntry[str]) -> str:
    """What a directory entry is that is no plain file."""
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "a link that leads nowhere"
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
