"""How long a grid takes on many GPUs that fail now and then: a simulation of the schedule, event by event.

It says nothing of the networks: durations and memory needs are given. What it adds is the queue, the failures, the
checkpoints and the retries. One failure ends the work of one GPU at a moment; the GPU is back after its repair. What
was done since the last checkpoint is lost, and the task goes to the head of the queue: with the longest first it is one
of the longest, and at the end of the queue it would run alone while all others are done.

Sources: R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17(2), 1969 (list scheduling:
the makespan is at most total / GPUs + longest); J. W. Young, "A First Order Approximation to the Optimum Checkpoint
Interval", CACM 17(9), 1974.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from bench.errors import BenchError


@dataclass(frozen=True)
class Cluster:
    """The machines and what is borne.

    Attributes:
        gpus: how many.
        memory: of each, GiB.
        failures_per_gpu_hour: a Poisson rate, at work or not; a failure of an idle GPU costs its repair alone.
        repair_hours: until a failed GPU works again.
        checkpoint_hours: of work between two checkpoints; 0 for always, infinity for never.
        start_hours: that a task takes before its first step, each time that it starts.
        retries: how often a task is given out again.
    """

    gpus: int
    memory: float = 80.0
    failures_per_gpu_hour: float = 0.0
    repair_hours: float = 0.1
    checkpoint_hours: float = 1 / 60
    start_hours: float = 0.0
    retries: int = 3


@dataclass(frozen=True)
class Schedule:
    """How a grid went.

    Attributes:
        makespan: hours from the first start to the last end.
        utilisation: part of the GPU hours until then that was spent on steps that were not lost.
        wasted: GPU hours of steps that were lost and of starts that were repeated.
        failures: losses of a task with its GPU.
        failed: tasks that were given up.
        bound: hours below which no schedule can end: the longest task, or all work shared by all GPUs.
    """

    makespan: float
    utilisation: float
    wasted: float
    failures: int
    failed: int
    bound: float


@dataclass
class _Task:
    left: float
    memory: float
    tries: int = 0


def simulate(
    hours: Float64[np.ndarray, " tasks"], memory: Float64[np.ndarray, " tasks"], cluster: Cluster, seed: int = 0
) -> Schedule:
    """Play a grid through. Tasks are given out in the order given, each to the first GPU with room for it.

    A task holds the part of a GPU that its memory needs, and GPU hours count that part. Tasks that share a GPU run at
    their full speed: right for small networks, which leave most of a GPU idle, and too hopeful for large ones.

    Args:
        hours: that each task takes alone, without failures, above 0.
        memory: that each task needs, GiB, above 0.
        cluster: the machines.
        seed: of the failures.

    Raises:
        BenchError: a task needs more memory than a GPU has, a duration is not above 0, or there is no GPU.
    """
    hours, memory = np.asarray(hours, float), np.asarray(memory, float)
    _check(hours, memory, cluster)
    rng = np.random.default_rng(seed)
    tasks = [_Task(float(h), float(m)) for h, m in zip(hours, memory, strict=True)]
    waiting = deque(range(len(tasks)))
    free = np.full(cluster.gpus, cluster.memory)
    at_work: list[dict[int, tuple[int, float]]] = [{} for _ in range(cluster.gpus)]
    events: list[tuple[float, int, str, int, int, int]] = []
    serial, now, end, busy, wasted, failures, failed = 0, 0.0, 0.0, 0.0, 0.0, 0, 0

    def plan(when: float, kind: str, gpu: int, task: int = -1, run: int = -1) -> None:
        nonlocal serial
        serial += 1
        heapq.heappush(events, (when, serial, kind, gpu, task, run))

    if cluster.failures_per_gpu_hour:
        for gpu, when in enumerate(rng.exponential(1 / cluster.failures_per_gpu_hour, cluster.gpus)):
            plan(float(when), "failure", gpu)
    unfinished, starts, smallest = len(tasks), 0, float(memory.min())
    while unfinished:
        passed_over: list[int] = []
        while waiting and free.max() >= smallest:
            number = waiting.popleft()
            fits = np.flatnonzero(free >= tasks[number].memory)
            if not len(fits):
                passed_over.append(number)
                continue
            gpu, starts = int(fits[np.argmax(free[fits])]), starts + 1
            free[gpu] -= tasks[number].memory
            at_work[gpu][number] = (starts, now)
            plan(now + cluster.start_hours + tasks[number].left, "end", gpu, number, starts)
        waiting.extendleft(reversed(passed_over))
        now, _, kind, gpu, number, run = heapq.heappop(events)
        if kind == "end":
            if at_work[gpu].get(number, (-1, 0.0))[0] != run:
                continue  # it was lost before
            del at_work[gpu][number]
            free[gpu] += tasks[number].memory
            busy += tasks[number].left * tasks[number].memory / cluster.memory
            unfinished, end = unfinished - 1, now
        elif kind == "failure":
            for number, (_, begun) in at_work[gpu].items():
                done = max(0.0, now - begun - cluster.start_hours)
                kept = _kept(done, cluster.checkpoint_hours)
                task = tasks[number]
                wasted += (now - begun - kept) * task.memory / cluster.memory
                busy += kept * task.memory / cluster.memory
                task.left, task.tries, failures = task.left - kept, task.tries + 1, failures + 1
                if task.tries > cluster.retries:
                    failed, unfinished, end = failed + 1, unfinished - 1, now
                else:
                    waiting.appendleft(number)
            at_work[gpu].clear()
            free[gpu] = -1.0
            plan(now + cluster.repair_hours, "repair", gpu)
        else:
            free[gpu] = cluster.memory
            plan(now + float(rng.exponential(1 / cluster.failures_per_gpu_hour)), "failure", gpu)
    bound = max(float(hours.max()), float((hours * memory).sum()) / cluster.memory / cluster.gpus)
    return Schedule(end, busy / (cluster.gpus * end), wasted, failures, failed, bound)


def _kept(done: float, interval: float) -> float:
    """Of so many hours of steps those that the last checkpoint holds."""
    if interval == 0:
        return done
    return 0.0 if np.isinf(interval) else float(np.floor(done / interval) * interval)


def _check(hours: Float64[np.ndarray, " tasks"], memory: Float64[np.ndarray, " tasks"], cluster: Cluster) -> None:
    if cluster.gpus < 1:
        raise BenchError(f"a cluster of {cluster.gpus} GPUs trains nothing; give at least 1.")
    if not len(hours) or not (hours > 0).all() or not np.isfinite(hours).all():
        raise BenchError("every task must take a time above 0; give hours above 0.")
    if not (memory > 0).all() or (memory > cluster.memory).any():
        raise BenchError(
            f"a task needs {memory.max():.3g} GiB, a GPU has {cluster.memory:.3g}; give needs above 0 that a GPU has."
        )


def durations(entries: int, mean_hours: float, seed: int = 0) -> Float64[np.ndarray, " entries"]:
    """Hours of the trainings of an uneven grid: log-normal with sigma 0.6, the longest first.

    Longest first is the order that ends soonest of the simple ones (Graham 1969). With sigma 0.6 a tenth of the
    trainings take more than twice the median.

    Args:
        entries: how many.
        mean_hours: their mean.
        seed: of the draw.
    """
    drawn = np.random.default_rng(seed).lognormal(0.0, 0.6, entries)
    return np.sort(drawn / drawn.mean() * mean_hours)[::-1].copy()
