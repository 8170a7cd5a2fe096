"""What can be wrong with a machine, staged in a process before it acts: each function is a fault."""

from __future__ import annotations

import errno
import math
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MAKES = {"os.rename", "os.mkdir", "os.link", "tempfile.mkstemp", "tempfile.mkdtemp"}


written: list[str] = []
"""The operations of this process that wrote in the home, or tried to, while one of `counted`, `full_at` looked on."""


def _refuse(code: int, after: float) -> None:
    """After so many, every operation that writes in the home fails."""

    def refuse(event: str, given: Sequence[Any]) -> None:
        writes = event in MAKES or (event == "open" and isinstance(given[2], int) and given[2] & WRITES)
        if not writes or not given or not isinstance(given[0], (str, os.PathLike)):
            return
        if not any(part in Path(given[0]).parts for part in ("home", "leaderboards", "reports")):
            return
        written.append(event)
        if len(written) > after:
            raise OSError(code, os.strerror(code), str(given[0]))

    sys.addaudithook(refuse)


def counted() -> None:
    """Nothing is wrong; what writes is counted as `full_at` counts it."""
    _refuse(0, math.inf)


def read_only() -> None:
    """Nothing can be written."""
    _refuse(errno.EROFS, 0)


def full_at(place: str) -> None:
    """The disk is full from the n-th writing operation on."""
    _refuse(errno.ENOSPC, int(place))


def short_files(length: str) -> None:
    """No file can grow past so many bytes: a write in its middle fails, in whatever language it is made."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(length), resource.RLIM_INFINITY))


def jumping_clock() -> None:
    """The wall clock jumps by up to ten hours, forwards and backwards, whenever it is read."""
    true, rng = time.time, random.Random(0)
    time.time = lambda: true() + rng.uniform(-36_000, 36_000)


def one_core() -> None:
    """There is no second core: trainings run in the process itself, one after another."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
