"""Files are written whole or not at all: into a temporary file beside the place, then renamed over it.

While a process writes, it holds a lock on its temporary file. The system frees the lock of a process that ends, however
it ends: what it left is so told from what another process is writing now, and goes with the next file written there.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PART = ".bench.part"
"""How temporary names end; nobody else's do, so that they can be swept."""

_swept: set[Path] = set()
"""Folders that this process has looked through."""


@contextmanager
def held(make: Callable[[], str]) -> Iterator[Path]:
    """Hold what `make` makes, a file or a folder, as being written by this process; in the end it is removed.

    Args:
        make: makes a new one beside the place and gives its path, as `tempfile.mkstemp` does.
    """
    path, lock = Path(make()), None
    for _ in range(9):
        lock = _hold(path)
        if lock is None and path.exists():
            break  # a disk without locks: there nothing is ever taken for left
        if lock is not None and os.fstat(lock).st_nlink:
            break
        # Between its making and its lock another process took it for left.
        path = Path(make())
    try:
        yield path
    finally:
        _remove(path)
        if lock is not None:
            os.close(lock)


def left(folder: Path, pattern: str) -> Iterator[Path]:
    """What processes that ended left in a folder under such names; while one is looked at, it is held."""
    if sys.platform == "win32":
        return  # a file that is open there cannot be renamed, so none is held
    for path in sorted(folder.glob(pattern)):
        lock = _hold(path)
        if lock is not None:
            try:
                yield path
            finally:
                os.close(lock)


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left; a process looks once into each folder."""
    place = folder.absolute()
    if place not in _swept:
        _swept.add(place)
        for path in left(folder, f".*{PART}"):
            _remove(path)


def _hold(path: Path) -> int | None:
    """Lock a file or folder; None where another process holds it, or it is gone."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()


@contextmanager
def whole(path: Path, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the name `path` only if the block ends without an error.

    Args:
        path: what is written.
        durable: wait until it lies on the disk, so that a machine that loses its power keeps the old or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)

    def make() -> str:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=PART)
        os.close(handle)
        return name

    with held(make) as temporary:
        yield temporary
        os.chmod(temporary, 0o644)  # mkstemp makes it private; what a run leaves is as readable as any file
        if durable:
            _settle(temporary)
        temporary.replace(path)
        if durable:
            with suppress(OSError):  # not every system or disk can do that for a folder
                _settle(path.parent)


def _settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str, durable: bool = False) -> None:
    """Write UTF-8 text atomically; `durable` as for `whole`."""
    with whole(path, durable) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any, durable: bool = False) -> None:
    """Write `json_text` atomically; `durable` as for `whole`."""
    write_text(path, json_text(value), durable)


def json_text(value: Any) -> str:
    """JSON with its keys in the given order, one fact a line so that a diff can be read."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
