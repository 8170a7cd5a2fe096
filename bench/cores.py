"""How many cores this process may use."""

import os

from bench.errors import BenchError


def cores() -> int:
    """The cores this process may use: fewer than the machine has where it is bound to some of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_or_all(threads: int | None) -> int:
    """So many threads, or one for each core.

    Raises:
        BenchError: fewer than one.
    """
    if threads is None:
        return cores()
    if threads < 1:
        raise BenchError(f"threads must be at least 1; got {threads}.")
    return threads
