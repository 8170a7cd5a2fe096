"""An order in JSON's words, and the one function that carries it out, wherever that is."""

from __future__ import annotations

import atexit
import hashlib
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import bench
from bench import grid, playing, scoring
from bench import train as training
from bench.cluster.storage import Store
from bench.crew.claims import Claim, claim
from bench.crew.copies import Kept, finished, hand_in, packs
from bench.crew.dispatch import Order, Said
from bench.device import Machine
from bench.errors import BenchError
from bench.files import PART, sha256, sweep
from bench.files import held as keeping
from bench.job import Job
from bench.parallel import agreed, by_the_first, in_words, together
from bench.records import encode
from bench.shelf import Shelf
from bench.train import Stop, Stopped, Taken
from bench.types import Budget, Entry, Track

PAUSE = 2.0
"""Seconds before processes that share a training look again whether it is free."""


class Registered(grid.Registry, Protocol):
    """A registry of baselines that another process can import by name."""

    __name__: str


def train_order(
    registry: Registered, one: Job, shelf: Shelf, machine: Machine, patience: float, store: str | None = None
) -> Order:
    """All that a worker needs to know of a training; with a store also where it finds the collection."""
    return {**_place(registry, shelf, machine, patience, store), "task": "train", **_job(one)}


def evaluate_order(
    registry: Registered, one: playing.Runnable, shelf: Shelf, track: Track, domain: str, split: str,
    machine: Machine, options: playing.Options, patience: float, store: str | None = None,
) -> Order:  # fmt: skip
    """All that a worker needs to know of an evaluation of an entry on a split.

    The digests of what is scored are part of it: they tell one evaluation from another, and a worker that finds
    something else refuses. With a store it finds the collection and the training there.
    """
    weights = None
    if one.job is not None:
        weights = training.read_facts(one.job, grid.split_keys(shelf, one.job), shelf.home)["weights_sha256"]
    return {
        **_place(registry, shelf, machine, patience, store),
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


def _place(registry: Registered, shelf: Shelf, machine: Machine, patience: float, store: str | None) -> Order:
    there = {} if store is None else {"store": store, "packs": packs(shelf)}
    return {
        "version": bench.__version__,
        "registry": registry.__name__,
        "home": str(shelf.home.absolute()),
        "collection": shelf.collection,
        "size": shelf.size,
        "machine": asdict(machine),
        "patience": patience,
        **there,
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
        # What a store has, the command has looked for.
        if not machine.several and "store" not in order and (found := finished(shelf.home, order)) is not None:
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
        return hand_in(shelf.home, order, record, seconds)

    def _reader(
        self, order: Order, registry: Any, shelf: Shelf, track: Track, machine: Machine
    ) -> tuple[playing.Runnable, Any]:
        """An entry and how it predicts, as long as the orders are about it."""
        key = repr({**order, "domain": "", "split": "", "digest": ""})
        if self._subjects[0] != key:
            job = None if order["job"] is None else _read_job(registry, shelf, order["job"])
            if job is not None:
                Kept(order.get("store"), shelf.home, job.folder(shelf.home)).fetch()
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
