"""An order in JSON's words, and the one function that carries it out, wherever that is."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import bench
from bench import grid, playing, scoring
from bench import train as training
from bench.checkpoint import STATE
from bench.cluster.storage import Store
from bench.crew.claims import Claim, claim
from bench.crew.dispatch import Order, Said
from bench.device import Machine
from bench.errors import BenchError
from bench.evaluate import versions
from bench.files import PART, sha256, sweep
from bench.files import held as keeping
from bench.job import Job
from bench.parallel import agreed, by_the_first, in_words, together
from bench.records import decode, encode, write
from bench.shelf import Shelf
from bench.train import Stop, Stopped, Taken
from bench.types import Budget, Entry, Track

RESULTS = "evaluating"
"""In a home: results of evaluations whose command is not over."""
PAUSE = 2.0
"""Seconds before processes that share a training look again whether it is free."""


class Registered(grid.Registry, Protocol):
    """A registry of baselines that another process can import by name."""

    __name__: str


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
        "judges": {name: _judge(given) for name, given in asdict(options).items() if isinstance(given, str)},
    }


def _judge(weights: str) -> str:
    """Of an option that names a file of weights the file's digest, for another file is another evaluation."""
    path = Path(weights)
    if not path.is_file():
        return ""
    facts = path.stat()
    return _digest(path, facts.st_mtime_ns, facts.st_size)


@lru_cache
def _digest(path: Path, written: int, size: int) -> str:
    return sha256(path)


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
        self._beat = lambda: None

    def perform(self, order: Order, tell: Said, stop: Stop = lambda: False) -> None:
        """Do what an order says.

        Args:
            order: see `train_order`, `evaluate_order`.
            tell: hears how it gets on and, last, one of `dispatch.OVER`.
            stop: asked between steps; when it says yes, a training writes a checkpoint and ends.

        Raises:
            Exception: what `tell` raises; and where processes share the work, what is no BenchError: the others wait
                for this one, and only its end ends them. Alone, any failure is this order's and no other's.
        """
        unheard: list[Exception] = []

        def heard(state: str, facts: dict[str, Any]) -> None:
            try:
                tell(state, facts)
            except Exception as error:
                unheard.append(error)
                raise

        try:
            self._perform(order, heard, stop)
        except BenchError as error:
            tell("failed", {"why": str(error)})
        except Stopped:
            tell("stopped", {})
        except Taken:
            tell("busy", {})
        except Exception as error:
            if any(error is one for one in unheard) or Machine(**order["machine"]).several:
                raise
            tell("failed", {"why": f"{order['entry']}: {in_words(error)}"})

    def _perform(self, order: Order, tell: Said, stop: Stop) -> None:
        if order["version"] != bench.__version__:
            raise BenchError(
                f"a worker has chromabench {bench.__version__}, the command {order['version']}; "
                "install the same on all nodes."
            )
        if (machine := Machine(**order["machine"])).several:
            machine.fabric()  # connects the processes
            names = ("task", "entry", "track", "budget", "seed", "plays", "domain", "split", "digest", "weights_sha256")
            agreed("what they do", [order.get(name) for name in names])
        if order["task"] == "train":
            self._train(order, tell, stop)
        else:
            tell("scored", self._evaluate(order, tell))

    def _shelf(self, order: Order) -> Shelf:
        home = order["home"] if "store" not in order else str(self._fetched(order))
        place = home, order["collection"], order["size"]
        if place not in self._shelves:
            self._shelves[place] = Shelf(Path(home), order["collection"], order["size"])
        return self._shelves[place]

    def _fetched(self, order: Order) -> Path:
        """A home of this process alone, with the collection as it is in the store."""
        if self._scratch is None:
            place, stack = Path(tempfile.gettempdir()), ExitStack()
            sweep(place)  # of workers that were killed
            make = partial(tempfile.mkdtemp, dir=place, prefix=".chromabench-", suffix=PART)
            self._scratch = stack.enter_context(keeping(make))
            atexit.register(stack.close)
        home = self._scratch / hashlib.sha256(order["store"].encode()).hexdigest()[:16]
        for pack in order["packs"]:
            if not (home / pack).exists() and not Store(order["store"]).get(pack, home / pack):
                raise BenchError(f"{pack} is not in the store {order['store']}; give the command again.")
        return home

    def _train(self, order: Order, tell: Said, stop: Stop) -> None:
        machine = Machine(**order["machine"])
        with together():
            registry, shelf = import_module(order["registry"]), self._shelf(order)
            one = _read_job(registry, shelf, order)
        folder = one.folder(shelf.home)
        kept = Kept(order.get("store"), shelf.home, folder)
        kept.fetch()
        if training.is_trained(folder):
            grid.train_one(one, shelf, machine, tell)
            return
        with ExitStack() as stack:
            held: Claim | None = None

            def take() -> bool:
                nonlocal held
                beside = folder.with_name(f".{folder.name}.claim")
                held = stack.enter_context(claim(beside, order["patience"], lambda: tell("waiting", {})))
                return held is not None

            # Processes that share the work wait here, so that all of them take up the same order.
            while not by_the_first(take):
                if not machine.several:
                    raise Taken
                if by_the_first(stop):
                    raise Stopped
                time.sleep(PAUSE)

            def ending() -> bool:
                if held is not None and held.lost:
                    if machine.several:
                        raise BenchError(f"{one.label}: another command took it over; give the same command again.")
                    raise Taken
                return stop()

            grid.train_one(one, shelf, machine, partial(_watch, held, kept, tell, machine), ending, wait=False)

    def _evaluate(self, order: Order, tell: Said) -> dict[str, Any]:
        registry, shelf = import_module(order["registry"]), self._shelf(order)
        track, place = Track.parse(order["plays"]), (order["domain"], order["split"])
        machine = Machine(**order["machine"])
        # Processes that share an evaluation must do the same: none may find what another has just written.
        if not machine.several and (found := finished(shelf.home, order)) is not None:
            return found
        self._beat = partial(tell, "evaluating", {})
        self._beat()
        with together():
            if shelf.split(*place, track).digest != order["digest"]:
                raise BenchError(f"{shelf.home} holds another {shelf.collection} than the command saw; copy it anew.")
            playing.assert_agreement()
            options = playing.Options(**order["options"])
            one, subjects = self._reader(order, registry, shelf, track, machine)
            started = time.monotonic()
            subject = subjects(*place)
            if (subject.training or {}).get("weights_sha256") != order["weights_sha256"]:
                raise BenchError(f"{order['entry']}: {shelf.home} holds others of its weights than the command saw.")
            scorer = self._scorer(options, shelf.home, machine)
        record = playing.score(one, subject, shelf, *place, track, scorer, options)
        seconds = time.monotonic() - started
        if machine.several:
            return {"seconds": seconds, "record": encode(record)}
        write(_result(shelf.home, order), record)
        return {"seconds": seconds, "record": encode(record)}

    def _reader(
        self, order: Order, registry: Any, shelf: Shelf, track: Track, machine: Machine
    ) -> tuple[playing.Runnable, Any]:
        """An entry and how it predicts, as long as the orders are about it."""
        key = repr({**order, "domain": "", "split": "", "digest": ""})
        if self._subjects[0] != key:
            job = None if order["job"] is None else _read_job(registry, shelf, order["job"])
            one = playing.Runnable(Entry.parse(order["entry"], registry.names()), job)
            self._subjects = (key, (one, playing.subjects(registry, one, shelf, [], track, machine, beat=self._heard)))
        return self._subjects[1]

    def _heard(self) -> None:
        """What predicts gets on, for whichever order that is."""
        self._beat()

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


def _watch(held: Claim | None, kept: Kept, tell: Said, machine: Machine, state: str, facts: dict[str, Any]) -> None:
    """Pass on how a training gets on; end it where its claim was lost."""
    if held is not None:
        held.word()
    kept.put()  # before anybody is told that it is done
    tell(state, facts)
    if state == "training" and held is not None and held.lost and not machine.several:
        raise Taken


def _read_job(registry: Any, shelf: Shelf, order: Order) -> Job:
    weights = None if order["weights"] is None else Path(order["weights"])
    entry, track = Entry.parse(order["entry"], registry.names()), Track.parse(order["track"])
    return grid.job(registry, shelf, entry, track, Budget(**order["budget"]), order["seed"], weights)
