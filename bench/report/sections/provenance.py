"""Section: how every entry was trained, what was scored and by which versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import parts
from bench.claims.claim import Side
from bench.claims.commands import evaluations
from bench.data.collections import TRAINED_ON
from bench.records import Record
from bench.records.facts import TrainingFacts
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section


@dataclass(frozen=True)
class Origin:
    """How an entry came to be, its seeds together where they share all facts but the time.

    Attributes:
        entry: its name.
        kind: as in its records.
        track: it was trained under; empty without a training.
        training: the facts of the first seed; None without a training.
        seeds: of the trainings.
        seconds: of the shortest and the longest.
        commands: that make it again: its training, then its evaluations; of an untrained entry one evaluation.
    """

    entry: str
    kind: str
    track: str
    training: TrainingFacts | None
    seeds: tuple[int, ...]
    seconds: tuple[float, float]
    commands: tuple[str, ...]

    @property
    def duration(self) -> str:
        """`61–75 s`"""
        shortest, longest = (f"{seconds:,.0f}" for seconds in self.seconds)
        return f"{shortest} s" if shortest == longest else f"{shortest}–{longest} s"


def body(page: Page) -> str:
    records = page.records
    splits = {record.split.key: record.split for record in records}
    versions = sorted({f"{name} {number}" for record in records for name, number in record.versions.items()})
    return render(
        "provenance.html.j2",
        entries=origins(records),
        splits=list(splits.values()),
        versions=versions,
        again=_again(page),
    )


def origins(records: Iterable[Record]) -> list[Origin]:
    """Every training behind records, by entry and track, and every entry without one."""
    found: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        found.setdefault((record.entry.name, _track(record), *_facts(record.training)), []).append(record)
    made = [_origin(same) for same in found.values()]
    return sorted(made, key=lambda one: (one.entry, one.track, one.seeds))


def _origin(same: Sequence[Record]) -> Origin:
    first = min(same, key=lambda record: record.seed)
    training = first.training
    if training is None:
        return Origin(first.entry.name, first.entry.kind, "", None, (), (0.0, 0.0), (first.command,))
    seeds = sorted({record.seed for record in same})
    seconds = [record.training.seconds for record in same if record.training is not None]
    return Origin(
        first.entry.name,
        first.entry.kind,
        _track(first),
        training,
        tuple(seeds),
        (min(seconds), max(seconds)),
        (*_training(first, training, seeds), *_evaluations(same, training)),
    )


def _track(record: Record) -> str:
    """What an entry was trained under; records before this fact was kept were all scored as they were trained."""
    return "" if record.training is None else record.training.track or record.track


def _facts(training: TrainingFacts | None) -> tuple[object, ...]:
    """What a row of the table shows of a training."""
    if training is None:
        return ()
    one = training
    return (one.budget, one.images, one.width, one.precision, one.pretrained, one.device, one.collection, one.size)


def _training(record: Record, training: TrainingFacts, seeds: Sequence[int]) -> tuple[str, ...]:
    """The command that trains an entry with these seeds; none where its name tells no mix."""
    model, _, mix = record.entry.name.partition("@")
    if not mix:
        return ()
    words = [f"bench train-baselines --model {model} --mix {mix} --track {_track(record)}"]
    words += [f"--collection {training.collection} --size {training.size} --budget {training.budget}"]
    words += [f"--seed {seed}" for seed in seeds]
    return (" ".join(words),)


def _evaluations(same: Sequence[Record], training: TrainingFacts) -> tuple[str, ...]:
    """The commands that score it wherever it was scored; one scores every seed that is trained."""
    sides = [
        Side(record.entry.name, record.track, record.split.name, record.split.domain)
        for record in same
        if record.entry.kind == "trained"
    ]
    place = same[0].split
    return evaluations(sides, place.collection, place.size, f"--budget {training.budget}")


def _again(page: Page) -> str:
    """The command that makes the whole page again; empty where the study does not make everything on it."""
    school = TRAINED_ON.get(page.collection, page.collection)
    made = [record for record in page.records if record.entry.kind != "reference"]
    budgets = {record.training.budget for record in made if record.training is not None}
    planned = {_planned(record, school) for record in made}
    if school not in parts.COLLECTIONS or "" in planned or not budgets:
        return ""
    words = f"bench study --collection {school} --size {page.size}"
    if all(record.training and record.training.budget == _planned(record, school) for record in made):
        return words
    return f"{words} --budget {budgets.pop()}" if len(budgets) == 1 else ""


def _planned(record: Record, school: str) -> str:
    """The budget at which the study trains it where none is given; empty where the study does not train it."""
    training = record.training
    if training is None or (training.collection, training.size) != (school, record.split.size):
        return ""
    model, _, mix = record.entry.name.partition("@")
    of = (part for part in parts.PARTS if part.holds(school, model, mix, _track(record), record.seed))
    return next((part.budget(school) for part in of), "")


SECTION = Section("provenance", "Provenance: how these numbers were made", body)
