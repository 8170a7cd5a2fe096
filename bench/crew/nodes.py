"""Orders carried out on the nodes of a Ray cluster: one task an order, with the share of a node that it needs.

Ray finds a place, starts a process there and says when it or its node is lost. That an order is given out again, and
how often, is `dispatch`'s, as everywhere. The nodes share the file system that the home lies on.

Source: P. Moritz et al., "Ray: A Distributed Framework for Emerging AI Applications", OSDI 2018.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unasked

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.crew.dispatch import OVER, Order, Said
from bench.crew.needs import gpu_share
from bench.crew.orders import Desk
from bench.device import Machine
from bench.errors import BenchError
from bench.files import PART, held, sweep

QUIET_SECONDS = 1.0
"""Between two words of progress from a task."""


class Nodes:
    """Orders are carried out on a Ray cluster.

    Args:
        address: of the cluster; `auto` for the one that this machine belongs to.
        machine: what an order runs on; its device decides whether GPUs are asked for.
        home: a folder that all nodes see.

    Raises:
        BenchError: no cluster answers, it has no GPU where one was asked for, or several devices for one entry.
    """

    def __init__(self, address: str, machine: Machine, home: Path):
        if machine.several:
            raise BenchError("--devices is for one machine; with --cluster every entry gets one device: leave it out.")
        self._ours = not ray.is_initialized()
        if self._ours:
            try:
                _reach(address)
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
            except (OSError, ValueError, RuntimeError) as error:
                why = str(error).strip().splitlines() or [type(error).__name__]
                raise BenchError(
                    f"no Ray cluster answers at {address} ({why[0]}); start one with `ray start --head`, "
                    "or leave out --cluster."
                ) from None
        gpus = ray.cluster_resources().get("GPU", 0)
        if machine.device == "cuda" and not gpus:
            raise BenchError("device cuda was asked for, but no node of the cluster has a GPU; use --device cpu.")
        self._on_gpu = machine.device != "cpu" and gpus > 0
        self._gpu_memory = _smallest_gpu() if self._on_gpu else 0
        self._machine = machine
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._board: Any = _Board.options(num_cpus=0, scheduling_strategy=here).remote()
        self._swept_later = ExitStack()
        sweep(home.absolute())
        make = partial(_made, home.absolute())
        self._beacon = self._swept_later.enter_context(held(make))
        self._running: dict[Any, tuple[int, str, str, Said]] = {}
        self._begun: set[str] = set()

    def room(self) -> bool:
        # Ray keeps a queue, but a short one: what is lost must be able to overtake what has not begun.
        alive = sum(node["Alive"] for node in ray.nodes())
        return sum(name not in self._begun for _, name, *_ in self._running.values()) < max(1, alive)

    def start(self, number: int, order: Order, said: Said) -> None:
        options: dict[str, Any] = {"num_cpus": 1, "max_retries": 0}
        memory = order.get("memory")
        if self._on_gpu:
            options["num_gpus"] = gpu_share(memory, self._gpu_memory)
        elif memory:
            options["memory"] = memory
        wanted = {"GPU": options.get("num_gpus", 0), "memory": options.get("memory", 0), "CPU": 1}
        if not any(all(node["Resources"].get(k, 0) >= v for k, v in wanted.items()) for node in ray.nodes()):
            need = f"{memory / 2**30:.1f} GiB of memory" if memory else "one core"
            said("failed", {"why": f"{order['entry']} needs {need}; no node of the cluster has as much."})
            return
        name = uuid.uuid4().hex
        if order["task"] == "train":  # one grid, one precision, whichever node a training falls to
            order = {**order, "machine": {**order["machine"], "precision": self._precision}}
        ref = _work.options(**options).remote(order, name, self._board, self._beacon.name)
        self._running[ref] = (number, name, order["entry"], said)

    def hear(self, seconds: float) -> None:
        done, _ = ray.wait(list(self._running), timeout=seconds) if self._running else ([], [])
        by_name = {name: said for _, name, _, said in self._running.values()}
        words: Any = ray.get(self._board.take.remote())
        for name, (state, facts) in words.items():
            if name not in self._begun and name in by_name:
                self._begun.add(name)
                by_name[name]("started", {})
            if name in by_name:
                by_name[name](state, facts)
        for ref in done:
            _, _, entry, said = self._running.pop(ref)
            try:
                state, facts = ray.get(ref)
            except RayError as error:
                state, facts = "lost", {"why": f"{entry}: {_reason(error)}"}
            said(state, facts)

    def drop(self, number: int) -> None:
        for ref in [ref for ref, (one, *_) in self._running.items() if one == number]:
            del self._running[ref]
            ray.cancel(ref, force=True)

    def wind_down(self) -> None:
        ray.get(self._board.stop.remote())
        for ref, (_, name, *_) in self._running.items():
            if name not in self._begun:  # it waits for a place; one that began just now hears of the stop itself
                ray.cancel(ref)

    def close(self) -> None:
        for ref in self._running:
            ray.cancel(ref, force=True)
        ray.kill(self._board)
        self._swept_later.close()
        if self._ours:
            ray.shutdown()

    @cached_property
    def _precision(self) -> str:
        """What `auto` means for the precision on the nodes that serve.

        Raises:
            BenchError: it means two things: trainings of one grid would not be comparable.
        """
        kind = "GPU" if self._on_gpu else "CPU"
        found = sorted(set(_on_each(_precision, kind, asdict(self._machine))))
        if len(found) != 1:
            raise BenchError(f"--precision auto means {' and '.join(found) or 'nothing'} on these nodes; choose one.")
        return found[0]


def _made(home: Path) -> str:
    handle, name = tempfile.mkstemp(dir=home, prefix=".seen-by-all-", suffix=PART)
    os.close(handle)
    return name


def _reach(address: str) -> None:
    """Say at once that nobody listens at HOST:PORT, where Ray itself would ask again for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _reason(error: RayError) -> str:
    """One line of what Ray says of a loss: of a task's own error its last words, else the first sentence."""
    if isinstance(error, TaskCancelledError):
        return "its task was cancelled"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no reason was given"]
    why = lines[-1] if isinstance(error, RayTaskError) else lines[0].split(". ")[0]
    return f"{type(error).__name__}: {why[:300]}"


@ray.remote
class _Board:
    """Where tasks write how they get on, and read whether to stop. Of each task the last word counts."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[str, dict[str, Any]]] = {}
        self._stopping = False

    def say(self, name: str, state: str, facts: dict[str, Any]) -> bool:
        self._words[name] = (state, facts)
        return self._stopping

    def take(self) -> dict[str, tuple[str, dict[str, Any]]]:
        words, self._words = self._words, {}
        return words

    def stop(self) -> None:
        self._stopping = True


@ray.remote
def _work(order: Order, name: str, board: Any, beacon: str) -> tuple[str, dict[str, Any]]:
    """Carry out an order in a process of some node; what it said last is the task's result."""
    stopping: bool = ray.get(board.say.remote(name, "started", {}))
    if stopping:
        return "stopped", {}
    if "store" not in order and not (Path(order["home"]) / beacon).exists():
        why = f"a node does not see the home {order['home']}; give a --home that all nodes share, or a --store."
        return "failed", {"why": why}
    told, result = time.monotonic(), ("failed", {"why": f"{order['entry']}: it said nothing."})

    def tell(state: str, facts: dict[str, Any]) -> None:
        nonlocal told, result, stopping
        if state in OVER:
            result = (state, facts)
        elif stopping or time.monotonic() - told > QUIET_SECONDS:
            told = time.monotonic()
            stopping = stopping or ray.get(board.say.remote(name, state, facts))

    _desk().perform(order, tell, lambda: stopping)
    return result


@cache
def _desk() -> Desk:
    """One a process: Ray uses a process for several tasks."""
    return Desk()


def _smallest_gpu() -> int:
    """Bytes of memory of the cluster's smallest GPU: a share of any other is more."""
    return min(_on_each(_gpu_bytes, "GPU"))


def _on_each(task: Any, kind: str, *given: Any) -> list[Any]:
    """What a task says on each node that has a resource of a kind."""
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get(kind, 0)]
    share = 0.01 if kind == "GPU" else 0
    places = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
    return ray.get([task.options(scheduling_strategy=one, num_gpus=share).remote(*given) for one in places])


@ray.remote(num_cpus=0)
def _precision(machine: dict[str, Any]) -> str:
    return Machine(**machine).resolved()[1]


@ray.remote(num_cpus=0)
def _gpu_bytes() -> int:
    import torch

    return torch.cuda.get_device_properties(0).total_memory
