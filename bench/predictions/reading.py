"""Predictions are read in the split's order, piece by piece, while what came before is being scored."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NoReturn, Protocol

import numpy as np

from bench.cores import cores
from bench.errors import BenchError
from bench.predictions.archive import Archive
from bench.predictions.arrays import Arrays
from bench.predictions.faults import Fault, refusal
from bench.predictions.folder import Folder

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.predictions.picture import Problem
    from bench.types import Images

    Pieces = Generator[tuple[slice, UInt8[np.ndarray, "k h w 3"]]]

Place = tuple[str, str]
"""Domain and split."""

CHUNK = 256
"""Images that are handed on together. Three times as many are in memory at most."""

_PIXELS_A_TASK = 2**20
"""Enough work for a task that handing it to a thread costs nothing."""

_NOT_YET = "not there yet"
"""What is missing of pictures that are waited for."""

_LAYOUTS = ("{0}/{1}", "{0}", "{1}", "")
"""Where the pictures of a domain (0) and split (1) may lie; the first of these that exists counts."""


@dataclass(frozen=True)
class Wanted:
    """What a split asks for.

    Attributes:
        ids: in order, all different.
        shape: of each picture: height, width, 3.
    """

    ids: tuple[str, ...]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, images: Images) -> Wanted:
        height, width = images.targets.shape[1:3]
        return cls(images.ids, (height, width, 3))


@dataclass(frozen=True)
class Watch:
    """How to wait for pictures that another program is still writing.

    Attributes:
        timeout: seconds without anything new after which what is not there counts as missing.
        every: seconds between two looks.
        tell: called after each look, in another thread, with how many pictures are there and how many are wanted.
    """

    timeout: float = 600.0
    every: float = 0.5
    tell: Callable[[int, int], None] = lambda there, wanted: None


class Source(Protocol):
    """Where pictures come from: see `Folder`, `Archive`, `Arrays`."""

    suffix: str

    def names(self, folder: str) -> list[str] | None: ...

    def flaws(self, folders: Iterable[str], shape: tuple[int, ...]) -> list[Fault]: ...

    def prepare(self, shape: tuple[int, ...]) -> None: ...

    def read(self, name: str, row: np.ndarray) -> list[Problem]: ...


class Submission:
    """Somebody's predictions for one or more splits, read once and in order under strict rules.

    The pictures of a split lie in `<domain>/<split>/`, `<domain>/`, `<split>/` or right in `path`, the first of these
    that exists. Nothing is wrong with any of them, or whoever reads learns of everything that is: as soon as one fault
    is found no more pictures are handed on, all others are checked, and one error names them all. So write down what
    was scored only when every split was read to its end.

    Args:
        path: a folder or zip of `<id>.png`; an `.npz` of `images`, uint8 (n, height, width, 3), and `ids`; or a folder
            with `images.npy` and `ids.txt` or `ids.json`.
        wanted: the splits that will be read.
        watch: wait for pictures that are still being written (folders of PNGs only); None to take what is there.
        threads: that decode; None for as many as the process may use.

    Raises:
        BenchError: nothing there, no such kind of file, an archive or array made to harm; two splits would take the
            same picture.
    """

    def __init__(
        self, path: Path, wanted: Mapping[Place, Wanted], watch: Watch | None = None, threads: int | None = None
    ):
        self.path = path
        self.wanted = dict(wanted)
        self._watch = watch
        self._threads = threads or cores()
        self._unread = dict.fromkeys(self.wanted)
        self._faults: list[Fault] = []
        self._missing: set[str] = set()
        self._stop = Event()
        self._source = _source(path, wanted, watch)
        if watch is not None:
            self._await_any(watch)
        self._folders = self._laid_out()
        self._expected = self._names()
        if watch is None:
            self._compare()
        if not self._faults:
            for shape in dict.fromkeys(one.shape for one in self.wanted.values()):
                self._source.prepare(shape)

    def chunks(self, place: Place, size: int = CHUNK) -> Pieces:
        """The pictures of one split, in its order, while the next are being decoded.

        Args:
            place: one of the splits wanted.
            size: how many at a time.

        Yields:
            Which images of the split, and their predictions, 8-bit sRGB. The array is the caller's.

        Raises:
            BenchError: at the end at the latest: every fault of every split that was not read before.
        """
        if self._faults:
            self._refuse()
        for rows, chunk in self._decoded(place, size):
            if self._faults:
                self._stop.set()  # what is not there by now is not waited for
            else:
                yield rows, chunk
        self._unread.pop(place, None)
        if not self._unread and self._watch is not None and not self._faults:
            self._compare()
        if self._faults:
            self._refuse()

    def all(self, place: Place) -> UInt8[np.ndarray, "n h w 3"]:
        """The pictures of one split in one array; errors as `chunks`."""
        one = self.wanted[place]
        images = np.empty((len(one.ids), *one.shape), np.uint8)
        for rows, chunk in self.chunks(place):
            images[rows] = chunk
        return images

    def faults(self) -> tuple[Fault, ...]:
        """Everything that is wrong, empty if nothing is: what was not read before is checked now."""
        self._stop.set()
        for place in list(self._unread):
            for _ in self._decoded(place, CHUNK):
                pass
            del self._unread[place]
        return tuple(self._faults)

    def _refuse(self) -> NoReturn:
        shape = next(iter(self.wanted.values())).shape
        raise refusal(self.path, shape, self.faults())

    def _decoded(self, place: Place, size: int) -> Pieces:
        one, folder = self.wanted[place], self._folders[place]
        step = max(1, _PIXELS_A_TASK // (one.shape[0] * one.shape[1]))
        names = [_joined(folder, id + self._source.suffix) for id in one.ids]

        def piece(start: int, rows: np.ndarray) -> list[Fault]:
            return [
                Fault(_NOT_YET if kind == "missing" and self._watch else kind, name, detail)
                for name, row in zip(names[start : start + step], rows, strict=False)
                if name not in self._missing
                for kind, detail in self._source.read(name, row)
            ]

        def fill(start: int) -> tuple[slice, np.ndarray, list[Fault]]:
            stop = min(start + size, len(names))
            if self._watch is not None:
                self._arrived(names[start:stop], one.shape, self._watch)
            chunk = np.empty((stop - start, *one.shape), np.uint8)
            tasks = [pool.submit(piece, start + at, chunk[at : at + step]) for at in range(0, stop - start, step)]
            return slice(start, stop), chunk, [fault for task in tasks for fault in task.result()]

        with ThreadPoolExecutor(self._threads) as pool, ThreadPoolExecutor(1) as ahead:
            try:
                coming = ahead.submit(fill, 0) if names else None
                while coming is not None:
                    rows, chunk, faults = coming.result()
                    self._faults += faults
                    coming = ahead.submit(fill, rows.stop) if rows.stop < len(names) else None
                    yield rows, chunk
                    del chunk
            except BaseException:
                self._stop.set()  # whoever reads has left: end the waiting too
                ahead.shutdown(wait=True, cancel_futures=True)
                raise

    def _laid_out(self) -> dict[Place, str]:
        """The folder of each split."""
        folders = {}
        for place in self.wanted:
            choices = [_folder(layout, place) for layout in _LAYOUTS]
            folders[place] = next((one for one in choices if self._source.names(one) is not None), "")
        if self._watch is not None:
            # Folders that will come later lie as those that came first do.
            for layout in _LAYOUTS:
                if any(self._source.names(_folder(layout, place)) for place in self.wanted):
                    return {place: _folder(layout, place) for place in self.wanted}
        return folders

    def _names(self) -> dict[str, dict[str, Place]]:
        """By folder, the name of each picture and whose it is."""
        expected: dict[str, dict[str, Place]] = {}
        for place, one in self.wanted.items():
            names = expected.setdefault(self._folders[place], {})
            for id in one.ids:
                name = id + self._source.suffix
                other = names.setdefault(name, place)
                if other != place:
                    raise BenchError(
                        f"{name} in {self.path / self._folders[place]} would stand for {'/'.join(other)} and "
                        f"{'/'.join(place)}; put each domain's pictures into a folder of its own, named after it."
                    )
        return expected

    def _compare(self) -> None:
        """Note what is missing, unexpected, or there more than once."""
        by_kind: dict[str, list[Fault]] = {"missing": [], "unexpected": [], "duplicate": []}
        folders: dict[tuple[int, ...], dict[str, None]] = {}
        for place, one in self.wanted.items():
            folders.setdefault(one.shape, {})[self._folders[place]] = None
        self._faults += [fault for shape, some in folders.items() for fault in self._source.flaws(some, shape)]
        for folder, names in self._expected.items():
            found = Counter(self._source.names(folder) or [])
            for name in sorted(names.keys() - found.keys()):
                self._missing.add(_joined(folder, name))
                by_kind["missing"].append(Fault("missing", _joined(folder, name)))
            by_kind["unexpected"] += [
                Fault("unexpected", _joined(folder, name)) for name in sorted(found.keys() - names.keys())
            ]
            by_kind["duplicate"] += [
                Fault("duplicate", _joined(folder, name), f"{count} times")
                for name, count in sorted(found.items())
                if count > 1
            ]
        self._faults += [fault for faults in by_kind.values() for fault in faults]

    def _await_any(self, watch: Watch) -> None:
        """Wait until one picture is there, so that it is plain how the folders lie."""
        since, total = time.monotonic(), sum(len(one.ids) for one in self.wanted.values())
        folders = dict.fromkeys(_folder(layout, place) for layout in _LAYOUTS for place in self.wanted)
        while not any(name.endswith(self._source.suffix) for one in folders for name in self._source.names(one) or ()):
            watch.tell(0, total)
            if time.monotonic() - since > watch.timeout:
                raise BenchError(f"no picture came into {self.path} within {watch.timeout:g} s; give <id>.png there.")
            time.sleep(watch.every)

    def _arrived(self, names: Sequence[str], shape: tuple[int, ...], watch: Watch) -> None:
        """Return when these pictures are whole, nothing new has come for too long, or nobody waits any more."""
        source = self._source
        assert isinstance(source, Folder)
        total, since, before = sum(len(one.ids) for one in self.wanted.values()), time.monotonic(), None
        pending = list(names)
        while True:
            pending = [name for name in pending if not source.settled(name, shape)]
            there = sum(len(names.keys() & set(source.names(one) or ())) for one, names in self._expected.items())
            watch.tell(there, total)
            if not pending or self._stop.is_set():
                return
            now = there, [source.stamp(name) for name in pending]
            if now != before:
                since, before = time.monotonic(), now
            elif time.monotonic() - since > watch.timeout:
                self._stop.set()
                return
            self._stop.wait(watch.every)


def chunks(
    path: Path,
    ids: Sequence[str],
    shape: tuple[int, int, int],
    size: int = CHUNK,
    watch: Watch | None = None,
    threads: int | None = None,
) -> Pieces:
    """The predictions for one split, whose pictures lie right in `path`; see `Submission`.

    Args:
        path: a folder, a zip or an `.npz`.
        ids: of the split, in order.
        shape: of each picture: height, width, 3.
        size: how many at a time.
        watch: how to wait for what is still being written, or None.
        threads: that decode; None for as many as the process may use.

    Raises:
        BenchError: as `Submission` and its `chunks`.
    """
    place = ("", "")
    yield from Submission(path, {place: Wanted(tuple(ids), shape)}, watch, threads).chunks(place, size)


def _source(path: Path, wanted: Mapping[Place, Wanted], watch: Watch | None) -> Source:
    arrays = path.suffix.lower() == ".npz" or (path / "images.npy").is_file()
    if watch is not None:
        if path.is_file() or arrays:
            raise BenchError(f"{path}: only a folder of <id>.png can be watched; leave the watching out.")
        return Folder(path)
    if path.is_dir():
        return Arrays.open(path) if arrays else Folder(path)
    if path.is_file() and arrays:
        return Arrays.open(path)
    if path.is_file() and path.suffix.lower() == ".zip":
        return Archive(path, {name for place in wanted for name in place})
    raise BenchError(
        f"--predictions {str(path)!r} is not a folder, .zip or .npz; give one that holds <id>.png for every image, or "
        "the arrays images and ids."
    )


def _folder(layout: str, place: Place) -> str:
    return layout.format(*place).strip("/")  # a split without names, as `chunks` reads, lies right in the path


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
