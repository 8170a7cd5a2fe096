"""Putting a collection on disk: images as they come, then splits, then the whole folder under its name at once."""

import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench import files
from bench.cores import cores
from bench.data import png
from bench.data.manifest import Item, LeftOut, in_order
from bench.data.naming import printable
from bench.data.splits import Candidate, assign
from bench.data.standardize import quiet

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, in whatever unit the work has."""

Work = TypeVar("Work")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Draft:
    """An image that is on disk and has no split yet.

    Attributes:
        id, domain, group, source, pixels, page: as in an Item; the source also gives the natural order in the group.
        fingerprint: finds near-duplicates.
        piece: as in a Candidate.
    """

    id: str
    domain: str
    group: str
    source: str
    pixels: str
    page: bool
    fingerprint: int
    piece: str = ""


def store(
    folder: Path,
    target: "UInt8[np.ndarray, 'size size 3']",
    page: "UInt8[np.ndarray, 'size size'] | None",
    *,
    id: str,
    domain: str,
    group: str,
    name: str,
    mark: int,
    piece: str = "",
) -> Draft:
    """Write a standardized image (and its page) into `folder/domain` and describe it. Safe to call from threads.

    Args:
        folder: of the collection.
        target: the image.
        page: the drawn page that is its condition, if any.
        id, domain, group: as in an Item.
        name: where it comes from; also its place in the natural order.
        mark: the fingerprint of the original.
        piece: as in a Candidate.
    """
    place = folder / domain
    place.mkdir(exist_ok=True)
    png.write(place / f"{id}.png", target)
    if page is not None:
        png.write(place / f"{id}.page.png", page)
    pixels = png.digest(target, page)
    return Draft(id, domain, printable(group), printable(name), pixels, page is not None, mark, piece)


def settle(
    folder: Path, drafts: Sequence[Draft], known: Mapping[tuple[str, str], str] | None = None
) -> tuple[tuple[Item, ...], tuple[LeftOut, ...], tuple[str, ...]]:
    """Give every draft its split; images that would leak are removed again.

    Args:
        folder: where `store` put them.
        drafts: all of them.
        known: as for `splits.assign`.

    Returns:
        items in order, what was left out, and notes.
    """
    candidates = [Candidate(d.domain, d.id, d.group, d.source, d.fingerprint, d.piece) for d in drafts]
    found = assign(candidates, known)
    items, left_out = [], []
    for draft in drafts:
        key = draft.domain, draft.id
        if key in found.leaks:
            left_out.append(LeftOut(draft.source, found.leaks[key]))
            for suffix in (".png", ".page.png"):
                (folder / draft.domain / f"{draft.id}{suffix}").unlink(missing_ok=True)
            continue
        split = found.splits[key]
        items.append(Item(draft.id, draft.domain, split, draft.group, draft.source, draft.pixels, draft.page))
    return in_order(items), tuple(left_out), found.notes


def work(job: Callable[[Work], Result], tasks: Iterable[Work], report: Progress | None) -> Iterator[Result]:
    """Run `job` on every task in threads, in order, and report after each; an error stops what has not begun."""
    tasks = list(tasks)
    # One `quiet` around all threads: the filters it sets are the process's.
    with quiet(), ThreadPoolExecutor(max_workers=cores()) as pool:
        running = [pool.submit(job, task) for task in tasks]
        try:
            for done, result in enumerate(running, 1):
                yield result.result()
                if report:
                    report(done, len(tasks))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class Stopped(Exception):
    """Another task failed, or the person had enough: what is under way ends here."""


def gather(
    job: Callable[[Work, Callable[[float], None]], Result],
    tasks: Sequence[Work],
    weights: Sequence[int],
    report: Progress | None = None,
    workers: int | None = None,
) -> list[Result]:
    """Run `job` on every task in threads, and report by weight, also from inside a long task.

    Args:
        job: takes a task, and a function to call often with the share of it that is done.
        tasks: the heaviest are begun first.
        weights: of the tasks, in the report's unit, 1 or more.
        report: called from this thread.
        workers: threads; None for as many as there are cores.

    Returns:
        The results, in the order of the tasks.

    Raises:
        BaseException: what a task or the report raised first; the other tasks are then stopped.
    """
    shares: dict[int, float] = {}
    results: list[Any] = [None] * len(tasks)
    order = iter(sorted(range(len(tasks)), key=lambda place: -weights[place]))
    taking, stop = threading.Lock(), threading.Event()
    finished: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        while not stop.is_set():
            with taking:
                place = next(order, None)
            if place is None:
                return

            def tick(share: float, place: int = place) -> None:
                if stop.is_set():
                    raise Stopped
                shares[place] = share

            try:
                finished.put((place, job(tasks[place], tick), None))
            except BaseException as error:  # handed to the thread that waits
                finished.put((place, None, error))
                return

    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(workers or cores(), len(tasks)))]
    whole, done, left = sum(weights), 0, len(tasks)
    with quiet():  # one around all threads: the filters it sets are the process's
        try:
            for thread in threads:
                thread.start()
            while left:
                with suppress(queue.Empty):
                    place, result, error = finished.get(timeout=0.5)
                    if error is not None:
                        raise error
                    results[place] = result
                    shares.pop(place, None)
                    done, left = done + weights[place], left - 1
                if report:
                    report(done + sum(int(share * weights[place]) for place, share in shares.copy().items()), whole)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    return results


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it takes the name `path` only if the block ends without an error.

    What stands at `path` then is replaced; if the block fails, or removes the temporary folder, it stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    files.sweep(path.parent)
    restore(path)
    with files.held(partial(_beside, path, files.PART)) as temporary:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp makes it private
        if path.exists():
            with files.held(partial(_beside, path, ".old")) as old:
                path.replace(old / "folder")
                temporary.replace(path)
        else:
            temporary.replace(path)


def restore(path: Path) -> None:
    """Put a folder back that a killed process had taken from its place and not yet replaced; else do nothing."""
    for old in files.left(path.parent, f".{path.name}.*.old"):
        if not path.exists() and (old / "folder").exists():
            (old / "folder").replace(path)
        shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path, suffix: str) -> str:
    return tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=suffix)
