"""An order in JSON's words, and the one function that carries it out, wherever that is."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import bench
from bench import grid, playing, scoring
from bench import train as training
from bench.checkpoint import STATE, read_object
from bench.cluster.storage import Store
from bench.crew.claims import Claim, claim
from bench.crew.dispatch import Order, Said
from bench.device import Machine
from bench.errors import BenchError
from bench.evaluate import versions
from bench.job import Job
from bench.launched import follows
from bench.records import decode, encode, write
from bench.shelf import Shelf
from bench.types import Budget, Entry, Track

RESULTS = "evaluating"
"""In a home: results of evaluations whose command is not over."""
Stop = Callable[[], bool]
"""Whether the work shall be saved and ended."""


class Registered(grid.Registry, Protocol):
    """A registry of baselines that another process can import by name."""

    __name__: str


class Stopped(Exception):
    """The work was saved and ended, as asked."""


class Taken(Exception):
    """Somebody else took the work over."""


def train_order(
    registry: Registered, one: Job, shelf: Shelf, machine: Machine, patience: float, store: str | None = None
) -> Order:
    """All that a worker needs to know of a training; with a store also where it finds the collection."""
    there = {} if store is None else {"store": store, "packs": packs(shelf)}
    return {**_place(registry, shelf, machine, patience), "task": "train", **_job(one), **there}


def packs(shelf: Shelf) -> list[str]:
    """The folders of a home that hold a collection, and the one that it learns from, at its size."""
    names = dict.fromkeys((shelf.collection, shelf.school.collection))
    found = [path for name in names for path in sorted((shelf.home / "data" / name).glob(f"{shelf.size}px*"))]
    return [path.relative_to(shelf.home).as_posix() for path in found if (path / "manifest.json").is_file()]


def evaluate_order(
    registry: Registered, one: playing.Runnable, shelf: Shelf, track: Track, domain: str, split: str,
    machine: Machine, options: playing.Options, patience: float,
) -> Order:  # fmt: skip
    """All that a worker needs to know of an evaluation of an entry on a split.

    The digests of what is scored are part of it: they tell one evaluation from another, and a worker that finds
    something else refuses.
    """
    weights = None
    if one.job is not None:
        weights = training.read_facts(one.job, grid.split_keys(shelf, one.job), shelf.home)["weights_sha256"]
    return {
        **_place(registry, shelf, machine, patience),
        "task": "evaluate",
        "entry": one.entry.name,
        "job": None if one.job is None else _job(one.job),
        "weights_sha256": weights,
        "plays": track.name,
        "domain": domain,
        "split": split,
        "digest": shelf.split(domain, split, track).digest,
        "options": asdict(options),
    }


def _place(registry: Registered, shelf: Shelf, machine: Machine, patience: float) -> Order:
    return {
        "version": bench.__version__,
        "registry": registry.__name__,
        "home": str(shelf.home.absolute()),
        "collection": shelf.collection,
        "size": shelf.size,
        "machine": asdict(machine),
        "patience": patience,
    }


def _job(one: Job) -> Order:
    return {
        "entry": one.entry.name,
        "track": one.track.name,
        "budget": asdict(one.budget),
        "seed": one.seed,
        "weights": None if one.weights is None else str(one.weights.absolute()),
    }


class Desk:
    """Carries orders out, and keeps what the next one may need again: opened collections, a model, scorers.

    Args:
        shelves: that are open already.
    """

    def __init__(self, *shelves: Shelf):
        self._shelves = {(str(one.home.absolute()), one.collection, one.size): one for one in shelves}
        self._scorers: dict[str, scoring.Scorer] = {}
        self._subjects: tuple[str, Any] = ("", None)
        self._scratch: Path | None = None

    def perform(self, order: Order, tell: Said, stop: Stop = lambda: False) -> None:
        """Do what an order says.

        Args:
            order: see `train_order`, `evaluate_order`.
            tell: hears how it gets on and, last, one of `dispatch.OVER`.
            stop: asked between steps; when it says yes, a training writes a checkpoint and ends.
        """
        try:
            if order["version"] != bench.__version__:
                raise BenchError(
                    f"a worker has chromabench {bench.__version__}, the command {order['version']}; "
                    "install the same on all nodes."
                )
            if order["task"] == "train":
                self._train(order, tell, stop)
            else:
                tell("scored", self._evaluate(order, tell))
        except BenchError as error:
            tell("failed", {"why": str(error)})
        except Stopped:
            tell("stopped", {})
        except Taken:
            tell("busy", {})

    def _shelf(self, order: Order) -> Shelf:
        home = order["home"] if "store" not in order else str(self._fetched(order))
        place = home, order["collection"], order["size"]
        if place not in self._shelves:
            self._shelves[place] = Shelf(Path(home), order["collection"], order["size"])
        return self._shelves[place]

    def _fetched(self, order: Order) -> Path:
        """A home of this process alone, with the collection as it is in the store."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="chromabench-"))
            atexit.register(shutil.rmtree, self._scratch, ignore_errors=True)
        home = self._scratch / hashlib.sha256(order["store"].encode()).hexdigest()[:16]
        for pack in order["packs"]:
            if not (home / pack).exists() and not Store(order["store"]).get(pack, home / pack):
                raise BenchError(f"{pack} is not in the store {order['store']}; give the command again.")
        return home

    def _train(self, order: Order, tell: Said, stop: Stop) -> None:
        registry, shelf = import_module(order["registry"]), self._shelf(order)
        one, machine = _read_job(registry, shelf, order), Machine(**order["machine"])
        folder = one.folder(shelf.home)
        kept = Kept(order.get("store"), shelf.home, folder)
        kept.fetch()
        if follows() or (folder / training.FACTS).exists():
            grid.train_one(one, shelf, machine, tell)
            return
        beside = folder.with_name(f".{folder.name}.claim")
        with claim(beside, order["patience"], lambda: tell("waiting", {})) as held:
            if held is None:
                raise Taken
            before = training.CHECKPOINT_SECONDS
            try:
                grid.train_one(one, shelf, machine, partial(_watch, held, kept, folder, tell, stop))
            finally:
                training.CHECKPOINT_SECONDS = before

    def _evaluate(self, order: Order, tell: Said) -> dict[str, Any]:
        registry, shelf = import_module(order["registry"]), self._shelf(order)
        track, place = Track.parse(order["plays"]), (order["domain"], order["split"])
        machine = Machine(**order["machine"])
        # Processes that share an evaluation must do the same: none may find what another has just written.
        if not machine.several and (found := finished(shelf.home, order)) is not None:
            return found
        tell("evaluating", {})
        if shelf.split(*place, track).digest != order["digest"]:
            raise BenchError(f"{shelf.home} holds another {shelf.collection} than the command saw; copy it anew.")
        playing.assert_agreement()
        options = playing.Options(**order["options"])
        one, subjects = self._reader(order, registry, shelf, track, machine)
        started = time.monotonic()
        subject = subjects(*place)
        if (subject.training or {}).get("weights_sha256") != order["weights_sha256"]:
            raise BenchError(f"{order['entry']}: {shelf.home} holds others of its weights than the command saw.")
        record = playing.score(one, subject, shelf, *place, track, self._scorer(options, shelf.home, machine), options)
        seconds = time.monotonic() - started
        if machine.several:
            return {"seconds": seconds, "record": encode(record)}
        path = write(_result(shelf.home, order), record)
        return {"seconds": seconds, "record": path.read_text(encoding="utf-8")}

    def _reader(
        self, order: Order, registry: Any, shelf: Shelf, track: Track, machine: Machine
    ) -> tuple[playing.Runnable, Any]:
        """An entry and how it predicts, as long as the orders are about it."""
        key = repr({**order, "domain": "", "split": "", "digest": ""})
        if self._subjects[0] != key:
            job = None if order["job"] is None else _read_job(registry, shelf, order["job"])
            one = playing.Runnable(Entry.parse(order["entry"], registry.names()), job)
            self._subjects = (key, (one, playing.subjects(registry, one, shelf, [], track, machine)))
        return self._subjects[1]

    def _scorer(self, options: playing.Options, home: Path, machine: Machine) -> scoring.Scorer:
        key = repr((options, home, machine))
        if key not in self._scorers:
            self._scorers[key] = options.scorer(machine, home)
        return self._scorers[key]


def finished(home: Path, order: Order) -> dict[str, Any] | None:
    """The result of an evaluation that was done before the command was cut; None if there is none."""
    for path in _result(home, order).glob("*.json"):
        text = path.read_text(encoding="utf-8", errors="replace")
        with suppress(BenchError):  # a damaged one is made anew
            decode(text.encode())
            return {"seconds": 0.0, "record": text}
    return None


def forget(home: Path, orders: Iterable[Order]) -> None:
    """The command has all results: the same one begins anew when it is given again."""
    for order in orders:
        shutil.rmtree(_result(home, order), ignore_errors=True)
    with suppress(OSError):
        (home / RESULTS).rmdir()


def _result(home: Path, order: Order) -> Path:
    """Where the result of an evaluation waits: other weights, images, options or versions are another place."""
    facts = {name: value for name, value in order.items() if name not in ("home", "patience")}
    text = json.dumps([facts, versions()], sort_keys=True)
    return home / RESULTS / hashlib.sha256(text.encode()).hexdigest()[:32]


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


def _watch(held: Claim, kept: Kept, folder: Path, tell: Said, stop: Stop, state: str, facts: dict[str, Any]) -> None:
    """Pass on how a training gets on; end it where the claim was lost, or where it was asked to stop and has saved."""
    held.word()
    kept.put()  # before anybody is told that it is done
    tell(state, facts)
    if state != "training":
        return
    if held.lost:
        raise Taken
    if stop():
        training.CHECKPOINT_SECONDS = -1  # the next step that can be saved is
        if facts["step"] == 0 or _saved(folder) == facts["step"]:
            raise Stopped


def _saved(folder: Path) -> int:
    return read_object(folder / STATE).get("step", -1) if (folder / STATE).exists() else -1


def _read_job(registry: Any, shelf: Shelf, order: Order) -> Job:
    weights = None if order["weights"] is None else Path(order["weights"])
    entry, track = Entry.parse(order["entry"], registry.names()), Track.parse(order["track"])
    return grid.job(registry, shelf, entry, track, Budget(**order["budget"]), order["seed"], weights)
