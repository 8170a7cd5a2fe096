"""Predictions as NumPy arrays: `images` and `ids` in an `.npz`, or `images.npy` beside `ids.txt` or `ids.json`."""

from __future__ import annotations

import json
import math
import tempfile
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.predictions.archive import DAMAGE, open_zip
from bench.predictions.faults import LONGEST, Fault

if TYPE_CHECKING:
    from bench.predictions.picture import Problem

HEADER = 10_000
"""The most bytes of an array's header; numpy writes some 100."""

IDS = 2**27
"""The most bytes of all ids together."""

PIECE = 2**22


class Arrays:
    """Predictions in one array, and its ids; the array stays on disk.

    An id may be `<id>`, or `<domain>/<split>/<id>` where several splits lie in one file.
    """

    suffix = ""

    def __init__(self, path: Path, ids: list[str], shape: tuple[int, ...]):
        self.path = path
        self._shape = shape
        self._rows = {id: row for row, id in enumerate(ids)}
        self._images: np.ndarray | None = None
        self._names: dict[str, list[str]] = defaultdict(list)
        for id in ids:
            folder, _, name = id.rpartition("/")
            self._names[folder].append(name)

    @classmethod
    def open(cls, path: Path) -> Arrays:
        """Read the ids, and what the array says of itself, but none of its pixels.

        Args:
            path: an `.npz`, or a folder that holds `images.npy`.

        Raises:
            BenchError: not these two arrays, another type or shape, more or fewer ids than images, or a file that is
                damaged or made to harm.
        """
        try:
            if path.is_dir():
                ids = _listed(path)
                with (path / "images.npy").open("rb") as stream:
                    shape = _images_header(path / "images.npy", stream, (path / "images.npy").stat().st_size)
            else:
                with closing(open_zip(path)) as archive:
                    entries = _members(path, archive)
                    with archive.open(entries["ids.npy"]) as stream:
                        ids = _ids(path, stream, entries["ids.npy"].file_size)
                    with archive.open(entries["images.npy"]) as stream:
                        shape = _images_header(path, stream, entries["images.npy"].file_size)
        except DAMAGE as error:
            raise BenchError(f"{path} is damaged ({str(error)[:LONGEST]}); write it again.") from error
        if len(ids) != shape[0]:
            raise BenchError(f"{path}: one id an image was expected, got {len(ids)} ids and {shape[0]} images.")
        return cls(path, ids, shape)

    def names(self, folder: str) -> list[str] | None:
        """The ids of a folder, one as often as it stands there; None if there are none of such a folder."""
        if folder in self._names or folder == "":
            return self._names.get(folder, [])
        return None

    def flaws(self, folders: Iterable[str], shape: tuple[int, ...]) -> list[Fault]:
        """Whether the images are of another size."""
        if self._shape[1:] == tuple(shape):
            return []
        return [Fault("of another size", "images", " x ".join(map(str, self._shape[1:])))]

    def prepare(self, shape: tuple[int, ...]) -> None:
        """Lay the array open; of a packed one a temporary copy is made on disk. Its checksum is checked.

        Raises:
            BenchError: damage.
        """
        if self.path.is_dir():
            self._images = np.load(self.path / "images.npy", mmap_mode="r", allow_pickle=False)
            return
        try:
            with closing(open_zip(self.path)) as archive:
                self._images = self._laid_open(archive, archive.getinfo("images.npy"))
        except DAMAGE as error:
            raise BenchError(f"{self.path} is damaged ({str(error)[:LONGEST]}); write it again.") from error

    def _laid_open(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
        with archive.open(entry) as stream:
            _images_header(self.path, stream, entry.file_size)
            start = stream.tell()
            if entry.compress_type == zipfile.ZIP_STORED:
                while stream.read(PIECE):
                    pass  # to the end, where zipfile compares the checksum
                with self.path.open("rb") as raw:
                    raw.seek(entry.header_offset + 26)  # two lengths that end the entry's own header
                    names = raw.read(4)
                start += entry.header_offset + 30 + sum(int.from_bytes(names[i : i + 2], "little") for i in (0, 2))
                return np.memmap(self.path, np.uint8, "r", start, self._shape)
            with tempfile.TemporaryFile() as copy:
                while piece := stream.read(PIECE):
                    copy.write(piece)
                copy.flush()
                return np.memmap(copy, np.uint8, "r", 0, self._shape)

    def read(self, name: str, row: np.ndarray) -> list[Problem]:
        """Copy one picture into `row`, once the array is laid open; until then its pixels are not looked at."""
        if self._images is not None:
            row[:] = self._images[self._rows[name]]
        return []


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    names = sorted(archive.namelist())
    if names != ["ids.npy", "images.npy"]:
        given = ", ".join(name.removesuffix(".npy") for name in names[:10]) or "none"
        raise BenchError(f"{path}: the arrays images and ids were expected, got {given}.")
    return {entry.filename: entry for entry in archive.infolist()}


def _header(path: Path, stream: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """An array's shape, whether it is in Fortran's order, and its type.

    Only version 1.0 of the format, whose header cannot be longer than 64 KiB: numpy reads a longer one whole before it
    asks how long it is.
    """
    if np.lib.format.read_magic(stream) != (1, 0):
        raise BenchError(f"{path}: {what} has a header that no plain array needs; write it with numpy.save or savez.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            return np.lib.format.read_array_header_1_0(stream, max_header_size=HEADER)
    except Exception as error:  # numpy hands the header to Python's own parser, which fails in its own ways
        raise ValueError(f"the header of {what} is none: {str(error)[:100]}") from error


def _images_header(path: Path, stream: IO[bytes], size: int) -> tuple[int, ...]:
    shape, fortran, dtype = _header(path, stream, "images")
    if dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3 or min(shape) < 0 or fortran:
        order = ", in Fortran's order" if fortran else ""
        raise BenchError(f"{path}: images must be uint8 of shape (n, height, width, 3); got {dtype} {shape}{order}.")
    if size - stream.tell() != math.prod(shape):
        raise BenchError(f"{path}: images of {math.prod(shape):,} bytes were announced, got {size - stream.tell():,}.")
    return shape


def _ids(path: Path, stream: IO[bytes], size: int) -> list[str]:
    shape, _, dtype = _header(path, stream, "ids")
    if dtype.kind not in "US" or len(shape) != 1 or shape[0] < 0:
        raise BenchError(f"{path}: ids must be strings of shape (n,); got {dtype} {shape}.")
    length = shape[0] * dtype.itemsize
    if length > IDS or size - stream.tell() != length:
        raise BenchError(f"{path}: ids of {length:,} bytes were announced, got {size - stream.tell():,}.")
    ids = np.frombuffer(stream.read(), dtype) if length else np.empty(shape, dtype)
    if dtype.kind == "S":
        ids = np.strings.decode(ids, "utf-8")
    return ids.tolist()


def _listed(folder: Path) -> list[str]:
    """The ids beside `images.npy`: a line each in `ids.txt`, or a JSON list of strings in `ids.json`."""
    text, listed = folder / "ids.txt", folder / "ids.json"
    if text.is_file() == listed.is_file():
        raise BenchError(f"{folder}: images.npy needs either ids.txt, one id a line, or ids.json beside it.")
    path = text if text.is_file() else listed
    if path.stat().st_size > IDS:
        raise BenchError(f"{path}: at most {IDS:,} bytes of ids were expected, got {path.stat().st_size:,}.")
    content = path.read_text(encoding="utf-8")
    if path == text:
        return content.splitlines()
    try:
        ids = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise BenchError(f"{path}: a JSON list of strings was expected.")
    return ids
