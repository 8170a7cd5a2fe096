"""The trainings of a grid, one after another or in several processes, each with its share of the cores.

Small networks do not fill many cores: two trainings side by side on one core each are done sooner than one after
another on two. A worker is a fresh interpreter that is told a training a line and answers with what happens, as JSON
through pipes: nothing is forked from a process that may hold torch's threads, and no object is unpickled.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import bench
from bench import grid
from bench.device import Machine
from bench.errors import BenchError
from bench.grid import Event, Report
from bench.job import Job
from bench.shelf import Shelf
from bench.types import Budget, Entry, Track

OVER = ("trained", "skipped", "failed")
QUIET_SECONDS = 0.2
"""Between two words of progress from a worker."""


class Registered(grid.Registry, Protocol):
    """A registry of baselines that another process can import by name."""

    __name__: str


def workers_for(machine: Machine, entries: int, asked: int | None = None) -> int:
    """How many trainings run side by side: as asked, else one a core on a CPU, and one on a GPU."""
    if asked is not None:
        return asked
    one_at_a_time = machine.resolved()[0] != "cpu" or machine.devices > 1
    return 1 if one_at_a_time else max(1, min(cores(), entries))


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_all(
    registry: Registered, todo: list[Job], shelf: Shelf, machine: Machine, report: Report, workers: int | None = None
) -> None:
    """Train every job. Done ones are skipped; a cut one goes on; one that fails does not stop the rest.

    Args:
        registry: the baselines, a module.
        todo: the trainings.
        shelf: their collection.
        machine: where to compute.
        report: told how each stands, one call at a time.
        workers: trainings side by side; None for `workers_for`.

    Raises:
        BenchError: after the last one, when any failed: all their reasons.
    """
    machine.check()  # once, not as every entry's failure
    failed: list[str] = []

    def tell(number: int, state: str, facts: dict[str, Any]) -> None:
        if state == "failed":
            failed.append(facts["why"])
        report(Event(number, len(todo), todo[number - 1].label, state, facts))

    count = workers_for(machine, len(todo), workers)
    if count == 1:
        for number, one in enumerate(todo, 1):
            grid.train_one(one, shelf, machine, lambda state, facts, number=number: tell(number, state, facts))
    else:
        _together(registry, todo, shelf, machine, tell, count)
    if failed:
        raise BenchError(f"{len(failed)} of {len(todo)} trainings failed: " + " | ".join(failed))


def _together(registry: Registered, todo: list[Job], shelf: Shelf, machine: Machine, tell: Any, count: int) -> None:
    """Give out the jobs to so many workers; a worker that dies costs its job, and another takes its place."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(1, len(todo) + 1):
        waiting.put(number)
    events: queue.SimpleQueue[tuple[int, str, dict[str, Any]] | Exception] = queue.SimpleQueue()
    stopped = threading.Event()
    crew: list[_Worker] = []

    def look_after() -> None:
        worker = None
        try:
            while not stopped.is_set():
                number = waiting.get_nowait()
                if worker is None or worker.gone:
                    worker = _Worker(count)
                    crew.append(worker)
                worker.do(
                    _order(registry, todo[number - 1], shelf, machine), lambda *said, n=number: events.put((n, *said))
                )
        except queue.Empty:
            pass
        except Exception as error:  # the caller's thread must hear of it, or it would wait for ever
            events.put(error)
        finally:
            if worker is not None:
                worker.dismiss()

    threads = [threading.Thread(target=look_after, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    left = len(todo)
    try:
        while left:
            event = events.get()
            if isinstance(event, Exception):
                raise event
            tell(*event)
            left -= event[1] in OVER
    finally:
        stopped.set()
        for worker in crew:
            worker.kill()


def _order(registry: Registered, one: Job, shelf: Shelf, machine: Machine) -> dict[str, Any]:
    """All that a worker needs to know of a job."""
    return {
        "registry": registry.__name__,
        "entry": one.entry.name,
        "track": one.track.name,
        "budget": asdict(one.budget),
        "seed": one.seed,
        "weights": None if one.weights is None else str(one.weights),
        "home": str(shelf.home),
        "collection": shelf.collection,
        "size": shelf.size,
        "machine": asdict(machine),
    }


class _Worker:
    """A process that trains what it is told."""

    def __init__(self, count: int):
        share = str(max(1, cores() // count))
        root = str(Path(bench.__file__).parents[1])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), share)
        self.noise = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from bench.crew import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.noise,
            env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)},
        )

    @property
    def gone(self) -> bool:
        return self.process.poll() is not None

    def do(self, order: dict[str, Any], tell: grid.Tell) -> None:
        """Hand it a training and pass on what it says, until that is over."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        for line in self.process.stdout:
            said = json.loads(line)
            tell(said["state"], said["facts"])
            if said["state"] in OVER:
                return
        code = self.process.wait()
        why = f"{order['entry']}: the process that trained it ended with status {code}{self._last_words()}; "
        tell("failed", {"why": why + "give the same command again, with fewer --workers if memory was short."})

    def _last_words(self) -> str:
        self.noise.seek(0)
        lines = self.noise.read().decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:200]})" if lines else ""

    def dismiss(self) -> None:
        """Let it end by itself: no more orders come."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.noise):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def serve() -> None:
    """What a worker does: train what each line of its input says. Its output is for answers alone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    shelves: dict[tuple[str, str, int], Shelf] = {}
    for line in sys.stdin:
        order = json.loads(line)
        registry: Any = import_module(order["registry"])
        place = order["home"], order["collection"], order["size"]
        if place not in shelves:
            shelves[place] = Shelf(Path(place[0]), place[1], place[2])
        shelf = shelves[place]
        weights = None if order["weights"] is None else Path(order["weights"])
        entry, track = Entry.parse(order["entry"], registry.names()), Track.parse(order["track"])
        one = grid.job(registry, shelf, entry, track, Budget(**order["budget"]), order["seed"], weights)
        told = 0.0

        def tell(state: str, facts: dict[str, Any]) -> None:
            nonlocal told
            if state in OVER or time.monotonic() - told > QUIET_SECONDS:
                told = time.monotonic()
                # Where nobody listens any more this ends the process, and with it a training that nobody waits for.
                print(json.dumps({"state": state, "facts": facts}), file=answers, flush=True)

        grid.train_one(one, shelf, Machine(**order["machine"]), tell)
