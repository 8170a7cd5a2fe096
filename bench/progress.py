"""What long work shows on stderr: a live bar with rate and time left on a terminal, one line a step elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bench.job import Job
from bench.launched import follows

PENDING = ("waiting", "busy", "again", "evaluating")
"""States of what is not done and makes no step."""

console = Console(stderr=True, highlight=False, quiet=follows())


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


class Steps:
    """Progress of one piece of work whose length is told with each step."""

    def __init__(self, title: str, bar: Progress):
        self.title, self.bar, self._task = title, bar, None

    def __call__(self, done: int, total: int) -> None:
        if self._task is None:
            self._task = self.bar.add_task(self.title, total=total, note="")
        self.bar.update(self._task, completed=done, total=total)


@contextmanager
def steps(title: str) -> Iterator[Steps]:
    """A bar for work that reports (done, total)."""
    with _bar() as bar:
        yield Steps(title, bar)


class Grid:
    """The overview of a grid: one bar for the whole, one for the entry under way, one line for each that is done."""

    def __init__(self, title: str, bar: Progress):
        self.title, self.bar = title, bar
        self._all: Any = None
        self._one: Any = None
        self._entry = ""
        self._done = 0

    def __call__(self, event: Any) -> None:
        if self._all is None:
            self._all = self.bar.add_task(self.title, total=event.total, note="")
        facts = event.facts
        if event.state == "training":
            if self._entry != event.entry:
                self._close()
                self._entry = event.entry
                self._one = self.bar.add_task(event.entry, total=facts["steps"], note="")
            rate = f"{facts['images_per_second']:.0f} images/s" if "images_per_second" in facts else ""
            self.bar.update(self._one, completed=facts["step"], note=rate + _validation(facts, "  "))
            return
        self._close()
        if event.state in PENDING:
            if event.state == "again":
                say(f"{event.entry}: {_line(event.state, facts)}")
            return
        self._done += 1
        self.bar.update(self._all, completed=self._done)
        say(f"[{event.number}/{event.total}] {event.entry}: {_line(event.state, facts)}")

    def _close(self) -> None:
        if self._one is not None:
            self.bar.remove_task(self._one)
            self._one = None
        self._entry = ""


def _validation(facts: dict[str, Any], before: str) -> str:
    """The last score of a training under way and, where another was better, the best one that may be kept."""
    last, best = facts.get("validation"), facts.get("best_validation")
    if last is None:
        return ""
    return f"{before}ΔE00 {last:.2f}" + (f" (best {best:.2f})" if best is not None and best < last else "")


def _line(state: str, facts: dict[str, Any]) -> str:
    if state in ("waiting", "busy"):
        return "another command works on it"
    if state == "again":
        return f"lost, and given out again ({facts['lost']} of {facts['retries']}): {facts['why']}"
    if state == "failed":
        return f"failed: {facts['why']}"
    if state in ("trained", "skipped"):
        word = "trained" if state == "trained" else "already trained"
        made = f"{facts['images']} images, {facts['precision']}, pretrained: {facts['pretrained']}"
        line = f"{word}, {made}, {facts['seconds']:.0f} s ({facts['images_per_second']:.0f} images/s)"
        score = facts["best_validation_ciede2000"]
        return line + (f", validation ΔE00 {score:.2f}" if score is not None else "")
    score = facts["record"].scores["ciede2000"].value
    return f"{facts['split']}  ΔE00 {score:.2f}  ({facts['seconds']:.1f} s)"


class Trainings:
    """The overview of a grid of trainings: models down, mixes across, and in each cell how that entry stands."""

    def __init__(self, jobs: Sequence[Job], live: Live):
        self.places = {job.label: (_row(job), job.entry.mix.name if job.entry.mix else "") for job in jobs}
        self.mixes = list(dict.fromkeys(mix for _, mix in self.places.values()))
        self.cells: dict[tuple[str, str], str] = dict.fromkeys(self.places.values(), "·")
        self.live = live
        self._now = ""
        live.update(self._shown())

    def __call__(self, event: Any) -> None:
        facts, place = event.facts, self.places[event.entry]
        if event.state == "training":
            done = f"{100 * facts['step'] // facts['steps']} %"
            left = f", {facts['seconds_left']:.0f} s left" if "seconds_left" in facts else ""
            rate = f", {facts['images_per_second']:.0f} images/s" if "images_per_second" in facts else ""
            self.cells[place] = done
            self._now = f"[{event.number}/{event.total}] {event.entry}: {done}{rate}{left}{_validation(facts, ', ')}"
        elif event.state in PENDING:
            self.cells[place] = "again" if event.state == "again" else "elsewhere"
            self._now = f"[{event.number}/{event.total}] {event.entry}: {_line(event.state, facts)}"
        else:
            score = facts.get("best_validation_ciede2000")
            self.cells[place] = "failed" if event.state == "failed" else f"{score:.2f}" if score else "done"
            self._now = f"[{event.number}/{event.total}] {event.entry}: {_line(event.state, facts)}"
        self.live.update(self._shown())

    def _shown(self) -> Group:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("validation ΔE00")
        for mix in self.mixes:
            table.add_column(mix, justify="right")
        for row in dict.fromkeys(row for row, _ in self.cells):
            table.add_row(row, *(self.cells.get((row, mix), "") for mix in self.mixes))
        return Group(table, Text(self._now))


def _row(job: Job) -> str:
    return " ".join([job.entry.model, *job.label.split()[1:]])


@contextmanager
def trainings(jobs: Sequence[Job]) -> Iterator[Trainings | Grid]:
    """The overview of a grid of trainings: a table that is drawn anew on a terminal, one line an entry elsewhere."""
    if not console.is_terminal:
        with grid("training") as lines:
            yield lines
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield Trainings(jobs, live)


@contextmanager
def grid(title: str) -> Iterator[Grid]:
    """The overview of a grid of entries."""
    with _bar() as bar:
        yield Grid(title, bar)


def say(text: str) -> None:
    """A line for the person, not for a pipe."""
    console.print(text, markup=False, soft_wrap=True)
