"""What a grid leaves and takes up again: trainings and results of evaluations, in a home and in a store beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import train as training
from bench.checkpoint import STATE
from bench.cluster.storage import Store
from bench.crew.dispatch import Order
from bench.errors import BenchError
from bench.evaluate import versions
from bench.files import whole
from bench.records import Record, decode, encode, write
from bench.shelf import Shelf

RESULTS = "evaluating"
"""In a home: results of evaluations whose command is not over."""


def packs(shelf: Shelf) -> list[str]:
    """The folders of a home that hold a collection, and the one that it learns from, at its size."""
    names = dict.fromkeys((shelf.collection, shelf.school.collection))
    found = [path for name in names for path in sorted((shelf.home / "data" / name).glob(f"{shelf.size}px*"))]
    return [path.relative_to(shelf.home).as_posix() for path in found if (path / "manifest.json").is_file()]


class Kept:
    """A training's folder and its copy in a store, where there is one.

    Args:
        store: its URL, or None.
        home: that the folder lies in.
        folder: of the training.
    """

    def __init__(self, store: str | None, home: Path, folder: Path):
        self._store = None if store is None else Store(store)
        self._folder, self._name = folder, folder.relative_to(home).as_posix()
        self._seen = ""

    def fetch(self) -> None:
        """Take the stored folder, finished or cut, if there is one that says more than what lies here."""
        if self._store is not None and not (self._folder / training.FACTS).exists():
            self._store.get(self._name, self._folder)
            self._seen = self._now()

    def offer(self) -> None:
        """Store the folder where the store has none."""
        if self._store is not None and self._folder.is_dir() and not self._store.has(self._name):
            self._store.put(self._folder, self._name)

    def put(self) -> None:
        """Store the folder if a checkpoint or the result was written since it was last stored."""
        if self._store is not None and (now := self._now()) != self._seen:
            self._store.put(self._folder, self._name)
            self._seen = now

    def _now(self) -> str:
        paths = [self._folder / name for name in (training.FACTS, STATE)]
        return " ".join(str(path.stat().st_mtime_ns) for path in paths if path.exists())


def share(store: str, shelf: Shelf, copies: Iterable[Kept]) -> None:
    """Store what workers need that do not see the home: the collection, and trainings that the store lacks."""
    for pack in packs(shelf):
        Store(store).put(shelf.home / pack, pack)
    for copy in copies:
        copy.offer()


def fetch_trainings(store: str, shelf: Shelf, entry: str | None = None) -> None:
    """Fetch the finished trainings on a collection that its home lacks.

    Args:
        store: URL of the place.
        shelf: the collection, and the home that takes them.
        entry: the name of the only entry to fetch; all if None.

    Raises:
        BenchError: a stored file is damaged.
    """
    place = Store(store)
    for name in place.names(f"checkpoints/{shelf.school.collection}/{shelf.size}px"):
        *_, found, _ = name.split("/")
        if entry in (None, found) and training.FACTS in place.files(name):
            Kept(store, shelf.home, shelf.home / name).fetch()


def finished(home: Path, order: Order) -> dict[str, Any] | None:
    """The result of an evaluation that was done before the command was cut; None if there is none."""
    _fetch_result(home, order)
    for path in _result(home, order).glob("*.json"):
        text = path.read_text(encoding="utf-8", errors="replace")
        with suppress(BenchError):  # a damaged one is made anew
            decode(text.encode())
            return {"seconds": 0.0, "record": text}
    return None


def hand_in(home: Path, order: Order, record: Record, seconds: float) -> dict[str, Any]:
    """Leave an evaluation's result where the command finds it, also one that was cut meanwhile and is given again.

    With a store the record and its values of each image go there too, under the names that they have in a home.

    Returns:
        The facts of the order's end.
    """
    place = _result(home, order)
    write(place, record)
    if "store" in order:
        store, scores = Store(order["store"]), _scores(home, record)
        store.put_file(scores, f"{scores.parent.name}/{scores.name}")
        store.put_file(place / record.file_name, f"records/{record.file_name}")
        shutil.copy(scores, place)
        store.put(place, f"{RESULTS}/{place.name}")
        shutil.rmtree(place)  # the worker's own home: there nobody looks for it
    return {"seconds": seconds, "record": encode(record)}


def bring_home(home: Path, order: Order, record: Record) -> None:
    """Take an evaluation's values of each image from the store into the home, where there is a store."""
    _fetch_result(home, order)
    if "store" in order:
        target = _scores(home, record)
        with whole(target) as temporary:
            shutil.copyfile(_result(home, order) / target.name, temporary)


def forget(home: Path, orders: Iterable[Order]) -> None:
    """The command has all results: the same one begins anew when it is given again."""
    for order in orders:
        place = _result(home, order)
        shutil.rmtree(place, ignore_errors=True)
        if "store" in order:
            Store(order["store"]).remove(f"{RESULTS}/{place.name}")
    with suppress(OSError):
        (home / RESULTS).rmdir()


def _fetch_result(home: Path, order: Order) -> None:
    place = _result(home, order)
    if "store" in order and not place.exists():
        Store(order["store"]).get(f"{RESULTS}/{place.name}", place)


def _scores(home: Path, record: Record) -> Path:
    return home / "scores" / f"{record.file_name.removesuffix('.json')}.parquet"


def _result(home: Path, order: Order) -> Path:
    """Where the result of an evaluation waits: other weights, images, options or versions are another place."""
    facts = {name: value for name, value in order.items() if name not in ("home", "patience")}
    text = json.dumps([facts, versions()], sort_keys=True)
    return home / RESULTS / hashlib.sha256(text.encode()).hexdigest()[:32]
