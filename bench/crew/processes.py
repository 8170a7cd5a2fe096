"""Worker processes of this machine, each with its share of the cores, and the work done in this process.

A worker is a fresh interpreter that is told an order a line and answers with what happens, as JSON through pipes:
nothing is forked from a process that may hold torch's threads, and no object is unpickled.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import bench
from bench.cores import cores
from bench.crew.dispatch import OVER, Order, Said, Stopping
from bench.crew.orders import Desk

QUIET_SECONDS = 0.2
"""Between two words of progress from a worker."""


class Here:
    """Orders are carried out in this process, one after another.

    Args:
        desk: carries them out.
        stopping: looked at between steps.
    """

    def __init__(self, desk: Desk, stopping: Stopping):
        self._desk, self._stopping = desk, stopping

    def room(self) -> bool:
        return True

    def start(self, number: int, order: Order, said: Said) -> None:
        def tell(state: str, facts: dict[str, Any]) -> None:
            if state == "stopped":  # of several processes that share the work the first one was asked
                self._stopping.asked = True
            said(state, facts)

        self._desk.perform(order, tell, lambda: self._stopping.asked)

    def hear(self, seconds: float) -> None:
        time.sleep(seconds)

    def drop(self, number: int) -> None:
        """Nothing runs between two orders."""

    def wind_down(self) -> None:
        """What runs looks at `stopping` itself."""

    def close(self) -> None:
        """Nothing is left running."""


class Processes:
    """Orders are carried out by so many worker processes; one that dies loses its order, and another takes its place.

    Args:
        count: how many at most.
    """

    def __init__(self, count: int):
        self._count = count
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}
        self._words: queue.SimpleQueue[tuple[int, _Worker, Said, str, dict[str, Any]]] = queue.SimpleQueue()

    def room(self) -> bool:
        return len(self._busy) < self._count

    def start(self, number: int, order: Order, said: Said) -> None:
        worker = self._idle.pop() if self._idle else _Worker(self._count)
        self._busy[number] = worker
        said("started", {})

        def listen() -> None:
            for state, facts in worker.do(order):
                self._words.put((number, worker, said, state, facts))

        worker.listener = threading.Thread(target=listen, daemon=True)
        worker.listener.start()

    def hear(self, seconds: float) -> None:
        with suppress(queue.Empty):
            first = self._words.get(timeout=seconds)
            while True:
                number, worker, said, state, facts = first
                if state in OVER and self._busy.get(number) is worker:
                    del self._busy[number]
                    if worker.gone:
                        worker.kill()
                    else:
                        self._idle.append(worker)
                said(state, facts)
                first = self._words.get_nowait()

    def drop(self, number: int) -> None:
        self._busy.pop(number).kill()

    def wind_down(self) -> None:
        for worker in self._busy.values():
            with suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        for worker in (*self._idle, *self._busy.values()):
            worker.kill()


class _Worker:
    """A process that does what it is told."""

    def __init__(self, count: int):
        share = str(max(1, cores() // count))
        root = str(Path(bench.__file__).parents[1])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), share)
        self.noise = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from bench.crew.processes import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.noise,
            env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self.listener: threading.Thread | None = None

    @property
    def gone(self) -> bool:
        return self.process.poll() is not None

    def do(self, order: Order) -> Any:
        """Hand it an order and yield what it says, until that is over."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        for line in self.process.stdout:
            try:
                said = json.loads(line)
                state, facts = said["state"], said["facts"]
            except (ValueError, TypeError, KeyError):  # it was killed in the middle of a word
                self.process.kill()
                break
            yield state, facts
            if state in OVER:
                return
        code = self.process.wait()
        task = "trained" if order["task"] == "train" else "evaluated"
        why = f"{order['entry']}: the process that {task} it ended with status {code}{self._last_words()}"
        yield "lost", {"why": why}

    def _last_words(self) -> str:
        self.noise.seek(0)
        lines = self.noise.read().decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:200]})" if lines else ""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.listener is not None:
            self.listener.join()  # it comes to the end of the answers
        for pipe in (self.process.stdin, self.process.stdout, self.noise):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def serve() -> None:
    """What a worker does: carry out what each line of its input says. Its output is for answers alone."""
    asked = False

    def ask(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C goes to all; the command tells its workers
    signal.signal(signal.SIGTERM, ask)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    desk, told = Desk(), 0.0

    def tell(state: str, facts: dict[str, Any]) -> None:
        nonlocal told
        if state in OVER or time.monotonic() - told > QUIET_SECONDS:
            told = time.monotonic()
            # Where nobody listens any more this ends the process, and with it work that nobody waits for.
            print(json.dumps({"state": state, "facts": facts}), file=answers, flush=True)

    for line in sys.stdin:
        desk.perform(json.loads(line), tell, lambda: asked)
        if asked:
            return
