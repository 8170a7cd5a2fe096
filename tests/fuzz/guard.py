"""What an input may not do: raise anything but a BenchError, take long, take memory, write outside, call out."""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import LONGEST, BenchError

SECONDS = 20.0
MEBIBYTES = 512
"""What one input may take: time on a busy machine, and resident memory beyond what all before it took."""

FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.kill",
    "pickle.find_class",
    "urllib.",
    "http.",
    "ftplib.",
    "webbrowser.",
)
"""Audit events that no input may cause, wherever in the process (Python's table of audit events)."""

CHANGES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.chmod": ((0, 2),),
    "os.truncate": ((0, None),),
    "os.symlink": ((1, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
}
"""Audit events that change a folder: where among an event's arguments each path stands, and the handle of the folder
that it is relative to. What a symbolic link says is no path that changes; what is written through it is."""

FOLLOWS = ("os.chmod", "os.truncate")
"""Of these, those that act on what a symbolic link leads to; the others act on the link."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_watching: list[Guard] = []


class Harm(AssertionError):
    """An input broke a promise."""


class TooSlow(BaseException):
    """An input took too long."""


class Guard:
    """Watches one process through Python's audit events.

    Args:
        home: the only folder that may change.

    Attributes:
        harm: what the last input did.
        said: the last refusal.
    """

    def __init__(self, home: Path):
        self.home = os.path.realpath(home)
        self.harm: list[str] = []
        self.said = ""

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """Note what must not happen."""
        if event.startswith(FORBIDDEN):
            self.harm.append(f"{event} {args!r}"[:300])
        elif event == "open" and isinstance(args[2], int) and args[2] & WRITING and not self._inside(args[0]):
            self.harm.append(f"writes {args[0]!r}"[:300])
        for path, handle in CHANGES.get(event, ()):
            folder = None if handle is None or args[handle] in (-1, None) else args[handle]
            if not self._inside(args[path], folder, event in FOLLOWS):
                self.harm.append(f"{event} {args[path]!r}"[:300])

    def _inside(self, path: Any, folder: int | None = None, follows: bool = True) -> bool:
        if isinstance(path, int) or path is None:
            return True  # a handle that was opened before
        start = os.getcwd() if folder is None else os.readlink(f"/proc/self/fd/{folder}")
        name = os.path.join(start, os.fsdecode(path).rstrip(os.sep))
        above, last = os.path.split(name)  # `..` is left to the disk: behind a link it leads elsewhere
        place = os.path.realpath(name) if follows or last in ("", ".", "..") else f"{os.path.realpath(above)}/{last}"
        if f"{os.sep}__pycache__" in place and not place.startswith(os.path.dirname(self.home) + os.sep):
            return True  # what numba compiles of our own code
        return place in (os.devnull, self.home) or place.startswith(self.home + os.sep)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _watching:
        _watching[-1].see(event, args)


sys.addaudithook(_hook)


def _late(*_: Any) -> None:
    raise TooSlow


@contextmanager
def watched(home: Path) -> Iterator[Guard]:
    """Watch what the process does; temporary files go into `home` meanwhile."""
    guard, before, compiled = Guard(home), tempfile.tempdir, sys.dont_write_bytecode
    old = signal.signal(signal.SIGALRM, _late)
    tempfile.tempdir = str(home)
    sys.dont_write_bytecode = True  # what is imported late would be compiled beside its source
    try:
        yield guard
    finally:
        tempfile.tempdir, sys.dont_write_bytecode = before, compiled
        signal.signal(signal.SIGALRM, old)


def peak() -> float:
    """The most resident memory of this process so far, in mebibytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def judge(guard: Guard, run: Callable[[], object]) -> bool:
    """Run one input.

    Returns:
        Whether it was accepted; else it was refused in one line.

    Raises:
        Harm: it did anything else.
    """
    before = peak()
    guard.harm.clear()
    _watching.append(guard)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    accepted = True
    try:
        run()
    except BenchError as error:
        accepted = False
        text = guard.said = str(error)
        if not text or len(text) > LONGEST or not text.isprintable():
            raise Harm(f"a refusal of {len(text):,} characters, not one line: {text[:200]!r}") from error
    except TooSlow:
        raise Harm(f"took over {SECONDS:g} s") from None
    except Harm:
        raise
    except Exception as error:
        raise Harm(f"{type(error).__name__}: {str(error)[:300]}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _watching.pop()
    if guard.harm:
        raise Harm("; ".join(guard.harm[:5]))
    if (grown := peak() - before) > MEBIBYTES:
        raise Harm(f"took {grown:.0f} MiB of memory")
    return accepted
