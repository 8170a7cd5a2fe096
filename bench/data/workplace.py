"""Long work that can be cut: one command at a time in a folder, and a journal of what is done."""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench import files
from bench.errors import BenchError

LOCK = ".lock"
JOURNAL = "journal.jsonl"


@contextmanager
def alone(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold `folder` (made if it is not there) against other commands on this machine while the block runs.

    The system frees the lock of a process that ends, however it ends: a lock file left behind by one is taken over.

    Args:
        folder: what to hold.
        wait: until another command that holds it ends, instead of refusing.

    Raises:
        BenchError: if another command holds it.
    """
    path = folder / LOCK
    stream = None
    while stream is None:
        with suppress(FileNotFoundError, FileExistsError):  # the holder before removes the folder just now
            folder.mkdir(parents=True, exist_ok=True)
            stream = path.open("a+")
        if stream is None:
            continue
        if not _locked(stream):
            if wait:
                stream.close()
                stream = None
                time.sleep(0.1)
                continue
            stream.seek(0)
            owner = stream.read(20).strip()
            stream.close()
            who = f"process {owner}" if owner else "another process"
            raise BenchError(f"{folder} is being changed by {who}; wait for it to end, then give the command again.")
        try:
            same = os.path.samestat(os.fstat(stream.fileno()), path.stat())
        except FileNotFoundError:
            same = False
        if not same:  # the holder before removed it between our opening and our locking
            stream.close()
            stream = None
    try:
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield
    finally:
        if sys.platform == "win32":  # which removes no open file; elsewhere the lock is held until its file is gone
            stream.close()
        with suppress(OSError):  # who waits for the lock may have the file open: it stays, and is taken over
            path.unlink(missing_ok=True)
        stream.close()
        with suppress(OSError):
            folder.rmdir()  # a command that made nothing leaves nothing


def _locked(stream: Any) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(1 << 20)  # beyond the text, which others may then read
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Workplace:
    """A folder for work under way, and a journal with a line for each piece that is done. Safe to call from threads.

    What an interrupted command left is taken up again if it was begun with the same `key`, else removed.

    Args:
        folder: made if it is not there; `done` removes it.
        key: says what the work is; other options make other work.
    """

    def __init__(self, folder: Path, key: str):
        self.folder = folder
        self._lock = threading.Lock()
        self._journal = folder / JOURNAL
        lines = self._lines()
        if not lines or lines[0] != {"key": key}:
            shutil.rmtree(folder, ignore_errors=True)
            lines = [{"key": key}]
        folder.mkdir(parents=True, exist_ok=True)
        self._done = {line["path"]: line for line in lines[1:] if "path" in line}
        # Written anew: what a full disk cut in the middle of a line would spoil the line that follows.
        files.write_text(self._journal, "".join(_line(value) for value in (lines[0], *self._done.values())))

    def get(self, path: str) -> dict[str, Any] | None:
        """What was noted of a piece, None if it is not done."""
        return self._done.get(path)

    def note(self, value: dict[str, Any]) -> None:
        """Note that a piece is done; its name is `value["path"]`."""
        with self._lock, self._journal.open("a", encoding="ascii") as stream:
            stream.write(_line(value))

    def done(self) -> None:
        """All is done, or none of it is wanted: remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lines(self) -> list[Any]:
        try:
            text = self._journal.read_text(encoding="ascii")
        except (OSError, UnicodeError):
            return []
        found = []
        for line in text.splitlines():
            try:
                value = json.loads(line)
            except ValueError:  # cut short
                continue
            if isinstance(value, dict):
                found.append(value)
        return found


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value) + "\n"


def link(source: Path | str, target: Path | str) -> None:
    """Give a file a second name, or a copy where the disk cannot do that.

    Raises:
        FileExistsError: there is something under the second name; it stays.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(source, target)
