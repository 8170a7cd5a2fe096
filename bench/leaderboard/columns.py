"""The columns of a table, after making sure that what stands in one was made in one way."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter

from bench.errors import BenchError
from bench.leaderboard.order import place
from bench.leaderboard.shape import COSTS, GRAY, MAIN, PRIMARY, ROUND_TRIP, SKILL, Column
from bench.metrics import METRICS
from bench.records import Record, Score

FACTS = ("signature", "name", "unit", "direction", "decimals", "kind")
"""What all numbers of one column have alike."""

_facts = attrgetter(*FACTS)


def columns(records: Sequence[Record]) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The main columns with skill and costs, and all others in the order of the metrics.

    Raises:
        BenchError: where the numbers of a column were made in different ways.
    """
    measured: dict[str, list[tuple[Record, Score]]] = defaultdict(list)
    for record in records:
        for id, score in record.scores.items():
            measured[id].append((record, score))
    ids = sorted(measured, key=lambda id: place((*MAIN, *METRICS), id))
    main = [_column(id, measured[id]) for id in ids if id in MAIN]
    more = tuple(_column(id, measured[id]) for id in ids if id not in MAIN)
    if PRIMARY in measured:
        made = f"({PRIMARY} - {GRAY}) / ({ROUND_TRIP} - {GRAY}), the means of {main[0].signature}"
        main.insert(1, Column(SKILL, "Skill", "", "higher", 2, "derived", made))
    known = {cost.id for cost in COSTS if any(cost.value(record.cost) is not None for record in records)}
    main += [
        Column(cost.id, cost.name, cost.unit, None, cost.decimals, "cost", cost.definition)
        for cost in COSTS
        if cost.id in known
    ]
    return tuple(main), more


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few of some names, and how many more there are."""
    unique = sorted(set(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")


def _column(id: str, measured: Sequence[tuple[Record, Score]]) -> Column:
    """The column of a metric, after making sure that its numbers were all made in one way."""
    numbers = [(record, score) for record, score in measured if score.value is not None] or measured[:1]
    if len({_facts(score) for _, score in numbers}) > 1:
        raise BenchError(_clash(id, numbers))
    first = numbers[0][1]
    return Column(id, first.name, first.unit, first.direction, first.decimals, first.kind, first.signature)


def _clash(id: str, numbers: Sequence[tuple[Record, Score]]) -> str:
    """The first fact in which some numbers differ."""
    where = f"{numbers[0][0].split.key} {numbers[0][0].track}, {id}"
    for fact in FACTS:
        entries: dict[object, list[str]] = defaultdict(list)
        for record, score in numbers:
            entries[getattr(score, fact)].append(record.entry.name)
        if len(entries) > 1:
            return _difference(where, fact, entries)
    raise ValueError("the numbers do not differ")


def _difference(where: str, fact: str, entries: Mapping[object, list[str]]) -> str:
    """Which part of two signatures differs, and in whose records."""
    (one, whose_one), (two, whose_two) = sorted(entries.items(), key=lambda item: (-len(item[1]), str(item[0])))[:2]
    if fact == "signature":
        fact, one, two = parted(str(one), str(two))
    return (
        f"{where}: numbers made in different ways are not ranked together; {fact} is {one!r} for"
        f" {some(whose_one)} but {two!r} for {some(whose_two)}. Evaluate them again alike."
    )


def parted(one: str, two: str) -> tuple[str, str, str]:
    """The part in which two signatures differ: its name, and what it is in each."""
    ends = ("version", "split", "encoding", "n", "size")
    for number, (a, b) in enumerate(zip(reversed(one.split("|")), reversed(two.split("|")), strict=False)):
        if a != b:
            return f"the signature's {ends[number] if number < len(ends) else 'definition'}", a, b
    return "signature", one, two
