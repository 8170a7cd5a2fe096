"""One process at a time on an entry, also between machines that share no clock: a claim, kept alive by beats.

Who works on an entry keeps a small file beside it and writes a new number into it every few seconds. Who finds the
file watches it by its own monotonic clock: a number that moves means that somebody works; one that stands still for
long enough means that nobody does, and the claim is broken. No two clocks are ever compared, so that a clock that
jumps neither breaks a claim nor keeps a dead one.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BEAT = 5.0
"""Seconds between two beats."""
EXPIRES = 90.0
"""Seconds without a beat after which a claim is nobody's. Longer than file systems keep old contents of a file."""
WIDTH = 400
"""Bytes of a claim: every beat overwrites the whole of the one before."""


class Claim:
    """A claim that is held. Its beats stop when its holder says nothing for `patience` seconds.

    Args:
        path: the file, open as `handle` and made by this process alone.
        handle: its descriptor.
        token: names this claim and no other.
        beat: seconds between beats.
        patience: seconds of silence after which the holder is taken for stuck.
    """

    def __init__(self, path: Path, handle: int, token: str, beat: float, patience: float):
        self._path, self._handle, self._token = path, handle, token
        self._beat, self._patience = beat, patience
        self._heard = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.lost = False
        """Whether somebody else took it."""
        self._write(0)
        self._thread.start()

    def word(self) -> None:
        """The holder gets on."""
        self._heard = time.monotonic()

    def release(self) -> None:
        """Let go of it."""
        self._over.set()
        self._thread.join()
        try:
            with suppress(OSError):  # where the disk is away, the claim expires
                if self._own():
                    for left in self._path.parent.glob(f"{self._path.name}.*"):  # of one cut while breaking a claim
                        left.unlink(missing_ok=True)
                    self._path.unlink(missing_ok=True)
        finally:
            os.close(self._handle)

    def _write(self, number: int) -> None:
        facts = {**_me(), "token": self._token, "beat": number}
        os.pwrite(self._handle, json.dumps(facts).ljust(WIDTH).encode(), 0)

    def _own(self) -> bool:
        return _facts(_content(self._path)).get("token") == self._token

    def _keep(self) -> None:
        number = 0
        while not self._over.wait(self._beat):
            if time.monotonic() - self._heard > self._patience:
                continue
            number += 1
            # A disk that is full or away for a while: the claim may expire then, and its holder must notice.
            with suppress(OSError):
                self._write(number)
            with suppress(OSError):
                self.lost = not self._own()


@contextmanager
def claim(
    path: Path,
    patience: float = float("inf"),
    waiting: Callable[[], None] = lambda: None,
    beat: float = BEAT,
    expires: float = EXPIRES,
) -> Iterator[Claim | None]:
    """Hold a claim while the block runs.

    A claim of a process of this machine that has ended is taken at once; another one is watched until it moves, or
    until it stood still for `expires` seconds.

    Args:
        path: the file.
        patience: see `Claim`.
        waiting: called now and then while a claim is watched.
        beat: seconds between beats.
        expires: seconds without a beat after which a claim is nobody's.

    Yields:
        The claim; None where somebody holds it who gets on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    token, held = uuid.uuid4().hex, None
    while held is None:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        except FileExistsError:
            if _moves(path, expires, waiting):
                break
        else:
            held = Claim(path, handle, token, beat, patience)
    try:
        yield held
    finally:
        if held is not None:
            held.release()


def _moves(path: Path, expires: float, waiting: Callable[[], None]) -> bool:
    """Whether somebody works on it. Where nobody does, its claim is gone afterwards."""
    seen = _content(path)
    if seen is None:
        return False
    begun = time.monotonic()
    while not _dead(_facts(seen)) and time.monotonic() - begun < expires:
        time.sleep(min(0.2, expires / 4))
        waiting()
        now = _content(path)
        if now is None:
            return False  # it was let go of
        if now != seen:
            return True
    _break(path, seen)
    return False


def _break(path: Path, seen: str) -> None:
    """Take away a claim, but no other than the one that was seen: somebody may have been faster."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _facts(_content(aside)).get("token") != _facts(seen).get("token"):
        with suppress(FileExistsError):
            os.link(aside, path)
    aside.unlink(missing_ok=True)


def _content(path: Path) -> str | None:
    """What stands in a claim, None where there is none. It is opened anew, so that a network file system looks too."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _facts(content: str | None) -> dict[str, Any]:
    """What a claim says; nothing where it was cut in its first write."""
    try:
        facts = json.loads(content or "")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _me() -> dict[str, Any]:
    return {"machine": _machine(), "process": os.getpid(), "born": _born(os.getpid())}


def _dead(facts: dict[str, Any]) -> bool:
    """Whether a claim is of a process of this machine that has ended; its number may be another process's by now."""
    process = facts.get("process")
    if facts.get("machine") != _machine() or type(process) is not int:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return facts.get("born") != _born(process)


def _machine() -> str:
    """This machine since it was started, and the part of it whose process numbers this process sees."""
    names = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            names.append(os.readlink(place) if "ns" in place.split("/") else Path(place).read_text().strip())
    return " ".join(names)


def _born(process: int) -> str:
    """When a process began, in the kernel's ticks; empty where the system does not tell."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
