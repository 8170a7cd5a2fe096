"""Predictions as a zip of PNGs: it is never unpacked, and what it says of itself is not trusted."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.predictions.faults import LONGEST, NAMED, Fault
from bench.predictions.picture import decode, limit

if TYPE_CHECKING:
    import numpy as np

    from bench.predictions.picture import Problem

DIRECTORY = 2**24
"""The most bytes of a zip's table of contents: enough for 100,000 pictures with long names."""

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, ValueError)
"""What `zipfile` raises for an archive that is damaged or made to harm."""

RATIO = 100
"""No PNG is packed that much smaller by a zip than it is."""

HEADER = 30
"""The fewest bytes before an entry's data (APPNOTE 6.3.10, section 4.3.7)."""


def open_zip(path: Path, refuse: bool = True) -> zipfile.ZipFile:
    """Open a zip whose table of contents is small enough to be read, and whose entries can be read without harm.

    Args:
        path: the file.
        refuse: what is `hostile`; else the caller must look for it.

    Raises:
        BenchError: it is no zip, or damaged, its table of contents is too large, or an entry is a link, encrypted,
            packed by a rare method, overlaps another, or is named so that it would lie outside.
    """
    try:
        size = _directory_size(path)
        if size > DIRECTORY:
            raise BenchError(f"{path}: a table of contents of at most {DIRECTORY:,} bytes was expected, got {size:,}.")
        archive = zipfile.ZipFile(path)
    except DAMAGE as error:
        raise BenchError(f"{path} is not a whole zip archive ({str(error)[:LONGEST]}); write it again.") from error
    if refuse and (bad := hostile(archive)):
        archive.close()
        said = "; ".join(f"the entry {name[:200]!r} {why}" for name, why in bad[:NAMED])
        more = f"; and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
        raise BenchError(f"{path}: {said}{more}; give plain files only.")
    return archive


def hostile(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """The entries that a plain archive has not, each with what is wrong with it."""
    found = [(entry.filename, why) for entry in archive.infolist() if (why := _hostile(entry))]
    last = 0
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        if entry.header_offset < last:
            found.append((entry.filename, "overlaps another"))
        last = max(last, entry.header_offset + HEADER + entry.compress_size)
    return found


class Archive:
    """A zip of `<id>.png`, or of folders of them. One folder around everything is passed through.

    Args:
        path: the zip.
        places: names of folders that mean a domain or a split, and are not passed through.
    """

    suffix = ".png"

    def __init__(self, path: Path, places: Collection[str] = ()):
        self.path = path
        self._archive = open_zip(path, refuse=False)
        self._hostile = hostile(self._archive)
        bad = {name for name, _ in self._hostile}
        entries = [
            entry
            for entry in self._archive.infolist()
            if entry.filename not in bad and not entry.is_dir() and not _hidden(entry.filename)
        ]
        tops = {entry.filename.partition("/")[0] for entry in entries if "/" in entry.filename}
        around = len(tops) == 1 and all("/" in entry.filename for entry in entries) and not tops & set(places)
        self._top = f"{tops.pop()}/" if around else ""
        self._names: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            folder, _, name = entry.filename.removeprefix(self._top).rpartition("/")
            self._names[folder].append(name)
        self._entries = entries

    def names(self, folder: str) -> list[str] | None:
        """The files right in a folder, one name as often as it stands there; None if there is no such folder."""
        if folder in self._names or folder == "":
            return self._names.get(folder, [])
        return None

    def flaws(self, folders: Iterable[str], shape: tuple[int, ...]) -> list[Fault]:
        """What a plain archive has not, and what would unpack to far more than a picture: larger, and packed as no PNG.

        All of it, in whatever folder: an archive that holds such an entry is made to harm.
        """
        most = limit(shape)
        return [Fault("hostile", name[:200], why) for name, why in self._hostile] + [
            Fault("hostile", entry.filename[:200], f"would unpack from {entry.compress_size:,} to {entry.file_size:,}")
            for entry in self._entries
            if entry.file_size > max(most, RATIO * entry.compress_size)
        ]

    def prepare(self, shape: tuple[int, ...]) -> None:
        """Nothing: each picture is checked when it is read."""

    def read(self, name: str, row: np.ndarray) -> list[Problem]:
        """Decode one picture into `row`; what is wrong with it, as `bench.predictions.picture.decode`."""
        try:
            with self._archive.open(self._top + name) as stream:
                data = stream.read(limit(row.shape) + 1)
        except DAMAGE:
            return [("damaged", "in the archive")]
        return decode(data, row)


def _hidden(name: str) -> bool:
    """Whether a system's program put it there unasked."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts)


def _hostile(entry: zipfile.ZipInfo) -> str:
    name, mode = entry.filename, entry.external_attr >> 16
    if not name:
        return "has no name"
    if name.startswith("/") or "\\" in name or ":" in name.partition("/")[0] or ".." in name.split("/"):
        return "would lie outside the archive"
    if "\0" in entry.orig_filename:
        return "has a name with a zero byte"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & 1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed neither plainly nor by deflate"
    return ""


def _directory_size(path: Path) -> int:
    """How long the table of contents says it is (APPNOTE 6.3.10, sections 4.3.14 to 4.3.16), before it is read."""
    with path.open("rb") as stream:
        length = stream.seek(0, 2)
        stream.seek(max(0, length - 2**16 - 22 - 20))
        tail = stream.read()
        end = tail.rfind(b"PK\5\6")
        if end < 0:
            raise zipfile.BadZipFile("no table of contents")
        size = int.from_bytes(tail[end + 12 : end + 16], "little")
        if end >= 20 and tail[end - 20 : end - 16] == b"PK\6\7":
            stream.seek(min(length, int.from_bytes(tail[end - 12 : end - 4], "little")))
            size = max(0 if size == 2**32 - 1 else size, int.from_bytes(stream.read(56)[40:48], "little"))
    return size
