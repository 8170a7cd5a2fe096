"""Quality against cost: what an entry takes, and which entries nothing betters in both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from bench.leaderboard import COSTS, PRIMARY, Cell, Row, Table
from bench.records import Record


@dataclass(frozen=True)
class Fact:
    """Something a record knows of an entry's cost.

    Attributes:
        id: its name in programs.
        name: as printed.
        unit: of `read`'s numbers.
        better: whether `lower` or `higher` is.
        machine: names the machine that a clock's number holds for; None for a number that is the same everywhere.
        read: the number, or None where the record does not know it.
    """

    id: str
    name: str
    unit: str
    better: Literal["lower", "higher"]
    read: Callable[[Record], float | None]
    machine: Callable[[Record], str] | None = None

    def badness(self, value: float) -> float:
        """The value, its sign turned so that smaller is better."""
        return -value if self.better == "higher" else value

    def text(self, value: float) -> str:
        """The value as printed, three digits: `0.0021 GFLOP`, `1,350 images/s`."""
        return f"{float(f'{value:.3g}'):,.10g} {self.unit}"


@dataclass(frozen=True)
class Offer:
    """What an entry gives for a cost. `front`: no other entry is better in one and at least as good in the other."""

    row: Row
    quality: Cell
    cost: float
    front: bool


@dataclass(frozen=True)
class Trade:
    """One table's entries by one cost.

    Attributes:
        offers: the ranked entries whose records know the cost, best quality first.
        unknown: ranked entries whose records do not.
        machines: what the numbers were measured on, if by a clock; several are not comparable.
    """

    fact: Fact
    offers: tuple[Offer, ...]
    unknown: int
    machines: tuple[str, ...]


def evaluated_on(record: Record) -> str:
    """The machine of an evaluation in words: device, processor, cores."""
    known = record.machine
    words = [str(known[key]) for key in ("device", "gpu", "cpu", "processor") if known.get(key)]
    return ", ".join(words + ([f"{known['cores']} cores"] if known.get("cores") else [])) or "a machine without a name"


def trained_on(record: Record) -> str:
    """The device of a training, as its record says."""
    return "an unknown machine" if record.training is None else record.training.device


def _fact(id: str, better: Literal["lower", "higher"], machine: Callable[[Record], str] | None = None) -> Fact:
    """A column of the boards as a cost that entries are weighed by."""
    column = next(column for column in COSTS if column.id == id)

    def read(record: Record) -> float | None:
        value = column.value(record.cost)
        return None if value is None else value / column.per

    return Fact(id, column.name, column.unit, better, read, machine)


FACTS: tuple[Fact, ...] = (
    _fact("speed", "higher", evaluated_on),
    _fact("memory", "lower"),
    _fact("parameters", "lower"),
    _fact("flops", "lower"),
    Fact("training", "Training time", "s", "lower",
         lambda record: None if record.training is None else record.training.seconds, trained_on),
)  # fmt: skip
"""Those of the boards, and the training time, which no board has a column for."""


def costs(rows: Sequence[Row], fact: Fact) -> dict[str, float | None]:
    """What each entry takes, by name; None where one of its records does not know it.

    An entry's number is the mean over its seeds. A clock is noisy, and the mix that a model was trained on changes
    nothing of its work: a clock's number is the median over the model's mixes among the rows, by machine and budget.
    """
    own = {row.entry: _mean([fact.read(record) for record in row.records]) for row in rows}
    if fact.machine is None:
        return own
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if own[row.entry] is not None:
            machines = sorted({fact.machine(record) for record in row.records})
            alike.setdefault((row.model, row.budget, *machines), []).append(row.entry)
    for entries in alike.values():
        middle = median(value for entry in entries if (value := own[entry]) is not None)
        own |= dict.fromkeys(entries, middle)
    return own


def trades(table: Table) -> list[Trade]:
    """Quality (CIEDE2000) against every cost that at least two ranked entries of a table know."""
    found = []
    ranked = [row for row in table.rows if row.rank is not None and row.cells[PRIMARY].value is not None]
    for fact in FACTS:
        taken = costs(ranked, fact)
        known = [(row, value) for row in ranked if (value := taken[row.entry]) is not None]
        if len({value for _, value in known}) < 2:
            continue
        ends = [(row.cells[PRIMARY].value or 0.0, fact.badness(value)) for row, value in known]
        offers = tuple(
            Offer(row, row.cells[PRIMARY], value, leads) for (row, value), leads in zip(known, front(ends), strict=True)
        )
        name = fact.machine
        machines = sorted({name(record) for row, _ in known for record in row.records}) if name else []
        found.append(Trade(fact, offers, len(ranked) - len(known), tuple(machines)))
    return found


def front(points: Sequence[tuple[float, ...]]) -> list[bool]:
    """Which points no other dominates: none is at least as good in everything and better in something.

    Args:
        points: of one length each; smaller is better everywhere.
    """
    leading: list[tuple[float, ...]] = []
    for point in sorted(set(points)):  # whatever betters a point comes before it
        if not any(all(a <= b for a, b in zip(other, point, strict=True)) for other in leading):
            leading.append(point)
    kept = set(leading)
    return [point in kept for point in points]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
