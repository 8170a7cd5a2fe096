"""Which entry to take for a domain within limits: the Pareto set of quality against cost, with reasons."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.analysis.contrasts import Contrast, paired
from bench.analysis.cost import FACTS, Fact, costs, front
from bench.errors import BenchError, unknown
from bench.leaderboard import GRAY, PRIMARY, Board, Cell, Row, Table, boards
from bench.records import Record
from bench.statistics import FEW_GROUPS
from bench.types import Track

_UNITS = {"b": 1, **{f"{letter}b": 1000 ** (place + 1) for place, letter in enumerate("kmgt")},
          **{f"{letter}ib": 1024 ** (place + 1) for place, letter in enumerate("kmgt")}}  # fmt: skip
_MIB = 2**20
_WEIGHED = ("memory", "speed", "parameters")
"""The costs that are weighed against quality: what a machine must have, how long one waits, what is kept."""


@dataclass(frozen=True)
class Candidate:
    """A member of the front.

    Attributes:
        row: its row on the board.
        quality: CIEDE2000 with its interval; lower is better.
        costs: by the id of the cost, in the unit of `bench.analysis.cost.FACTS`; None where its records do not know it.
    """

    row: Row
    quality: Cell
    costs: Mapping[str, float | None]


@dataclass(frozen=True)
class Recommendation:
    """What to take, and why.

    Attributes:
        board, table: where the entries were compared.
        front: the Pareto set within the limits, best quality first: the first is recommended.
        reasons: why, and with which doubts, a sentence each.
        beats_gray: whether the first is closer to the target than no colour; None without a gray copy.
        sure: whether the data tell the first from the next best within the limits; None where they cannot say.
        excluded: entries left out by a limit, by reason.
        behind: entries within the limits that another betters in everything weighed.
        futile: members of the front left out because the gray copy, which takes nothing, is closer.
        weighed: the ids of the costs that were weighed.
        gaps: facts that were asked for and that records lack, a sentence each.
    """

    board: Board
    table: Table
    front: tuple[Candidate, ...]
    reasons: tuple[str, ...]
    beats_gray: bool | None
    sure: bool | None
    excluded: Mapping[str, int]
    behind: int
    futile: int
    weighed: tuple[str, ...]
    gaps: tuple[str, ...]


def parse_bytes(text: str) -> int:
    """`8GB` (10⁹ each), `8GiB` (2³⁰ each), `500 MB`: the number of bytes.

    Raises:
        BenchError: another text, or no positive number.
    """
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?i?b)\s*", text.lower(), re.ASCII)
    size = float(found[1]) * _UNITS[found[2]] if found and found[2] in _UNITS else 0
    if size < 1:
        raise BenchError(f"memory is a number with a unit, such as 8GB, 8GiB or 500MB; got {text!r}.")
    return round(size)


def recommend(
    records: Iterable[Record],
    *,
    domain: str,
    track: str = "gray",
    split: str = "test",
    collection: str = "procedural-v1",
    size: int | None = None,
    memory: int | None = None,
    images_per_second: float | None = None,
) -> Recommendation:
    """The ranked entries of one board within limits that nothing betters in quality, memory, speed and size at once.

    Args:
        records: all there are.
        domain, track, split, collection: the board.
        size: side of its images in pixels; None where the records know one only.
        memory: most bytes that colorizing one image of the board's size may take; None for no limit.
        images_per_second: the least; None for no limit.

    Raises:
        BenchError: no such board, or no entry within the limits.
    """
    board, table = _table(records, domain, Track.parse(track).name, split, collection, size)
    ranked = [row for row in table.rows if row.rank is not None]
    if not ranked:
        raise BenchError(f"{table.key} {board.track}: no ranked entry; evaluate one first, see bench evaluate --help.")
    facts = {fact.id: fact for fact in FACTS if fact.id in _WEIGHED}
    by_fact = {id: costs(ranked, fact) for id, fact in facts.items()}
    taken = {row.entry: {id: by_fact[id][row.entry] for id in facts} for row in ranked}
    limits = {
        "memory": None if memory is None else memory / _MIB,
        "speed": images_per_second,
    }
    kept, excluded, gaps = _within(ranked, taken, facts, limits)
    if not kept:
        said = "; ".join(f"{count} {reason}" for reason, count in excluded.items())
        raise BenchError(f"{table.key} {board.track}: no entry within the limits ({said}); ask for less.")
    weighed = tuple(id for id in facts if all(taken[row.entry][id] is not None for row in kept))
    ends = [_ends(row, taken[row.entry], facts, weighed) for row in kept]
    leading = [row for row, leads in zip(kept, front(ends), strict=True) if leads]
    gray = table.row(GRAY)
    # Leaving a picture gray takes nothing, so that it betters whatever is further from the target than it is.
    worth = [row for row in leading if row is leading[0] or gray is None or _quality(row) < _quality(gray)]
    candidates = tuple(Candidate(row, row.cells[PRIMARY], taken[row.entry]) for row in worth)
    reasons, beats, sure = _reasons(board, table, candidates, kept, facts)
    return Recommendation(
        board, table, candidates, tuple(reasons), beats, sure, excluded, len(kept) - len(leading),
        len(leading) - len(worth), weighed, tuple(gaps),
    )  # fmt: skip


def _table(
    records: Iterable[Record], domain: str, track: str, split: str, collection: str, size: int | None
) -> tuple[Board, Table]:
    """The one board that was asked for."""
    found = list(records)
    for kind, given, read in (
        ("collection among the records:", collection, lambda record: record.split.collection),
        ("domain among its records:", domain, lambda record: record.split.domain),
        ("track among its records:", track, lambda record: record.track),
        ("split among its records:", split, lambda record: record.split.name),
    ):
        known = sorted({read(record) for record in found})
        if given not in known:
            raise unknown(kind, given, known)
        found = [record for record in found if read(record) == given]
    sizes = sorted({record.split.size for record in found})
    if size is None and len(sizes) > 1:
        raise BenchError(f"{collection} has records at {', '.join(map(str, sizes))} px; name one with --size.")
    if size is not None and size not in sizes:
        raise unknown("size among its records:", str(size), [str(one) for one in sizes])
    (board,) = boards(record for record in found if size in (None, record.split.size))
    return board, board.tables[0]


def _within(
    ranked: list[Row],
    taken: Mapping[str, Mapping[str, float | None]],
    facts: Mapping[str, Fact],
    limits: Mapping[str, float | None],
) -> tuple[list[Row], dict[str, int], list[str]]:
    """The entries within the limits, how many are not for which reason, and what cannot be judged."""
    kept, excluded, gaps = list(ranked), dict[str, int](), list[str]()
    for id, limit in limits.items():
        fact = facts[id]
        if limit is None:
            continue
        known = {row.entry: value for row in ranked if (value := taken[row.entry][id]) is not None}
        if not known:
            gaps.append(f"No record here knows the {fact.name.lower()}, so that limit is not applied; evaluate again.")
            continue
        shown = fact.text(limit)
        most = f"take more than {shown}" if fact.better == "lower" else f"make fewer than {shown}"
        for row in list(kept):
            value = known.get(row.entry)
            if value is None or fact.badness(value) > fact.badness(limit):
                reason = f"have no {fact.name.lower()} in their records" if value is None else most
                excluded[reason] = excluded.get(reason, 0) + 1
                kept.remove(row)
    return kept, excluded, gaps


def _ends(
    row: Row, taken: Mapping[str, float | None], facts: Mapping[str, Fact], weighed: tuple[str, ...]
) -> tuple[float, ...]:
    """What is weighed, smaller being better."""
    values = [(facts[id], taken[id]) for id in weighed]
    return (_quality(row), *(fact.badness(value or 0.0) for fact, value in values))


def _reasons(
    board: Board, table: Table, candidates: tuple[Candidate, ...], kept: list[Row], facts: Mapping[str, Fact]
) -> tuple[list[str], bool | None, bool | None]:
    """Sentences on the first of the front; whether it beats gray; whether it is told apart from the next."""
    best, first = candidates[0], candidates[0].row
    value, of = _quality(first), _count(len(kept), "entry", "entries")
    said = [f"It is the closest of {of}: CIEDE2000 {value:.2f}{_around(best.quality)}."]
    sure = None
    if len(kept) > 1:
        following = next(row for row in kept if row is not first)
        contrast = paired(following, first)
        sure = None if contrast is None or contrast.low is None else contrast.sure
        said.append(f"It is {_quality(following) - value:.2f} ahead of {following.entry}, the next; {_told(contrast)}.")
    gray, beats = table.row(GRAY), None
    if gray is not None and gray.cells[PRIMARY].value is not None:
        plain = "leaving the picture gray" if Track.parse(board.track).condition == "gray" else "the bare lines"
        least = _quality(gray)
        beats = value < least
        if beats:
            told = _told(paired(gray, first))
            said.append(f"It is {least - value:.2f} closer to the target than {plain} ({least:.2f}); {told}.")
        else:
            said.append(
                f"It does NOT beat {plain} ({least:.2f}): its colours are {value - least:.2f} further from the target"
                f" than none; {_told(paired(first, gray))}."
            )
    known = [(facts[id], amount) for id, amount in best.costs.items() if amount is not None]
    if known:
        shown = ", ".join(f"{fact.name.lower()} {fact.text(value)}" for fact, value in known)
        said.append(f"Its cost at {board.size} px: {shown}.")
    for other in candidates[1:]:
        contrast = paired(other.row, first)
        gains = [gain for id, fact in facts.items() if (gain := _gain(fact, best.costs[id], other.costs[id]))]
        if contrast is not None and contrast.low is not None and not contrast.sure and gains:
            said.append(f"Not told apart from it, and cheaper: {other.row.entry} ({', '.join(gains)}).")
            break
    said += _unlike_machines([row for row in table.rows if row.rank is not None], facts)
    if table.groups < FEW_GROUPS:
        said.append(f"Caution: {_count(table.groups, 'group', 'groups')} only, so that little is certain.")
    others = tuple(f"{column.name} under " for column in (*table.columns, *table.more))  # doubts of other metrics
    flags = dict.fromkeys(flag for flag in (*table.flags, *first.flags) if not flag.startswith(others))
    said += [f"Caution: {flag}." for flag in flags]
    return said, beats, sure


def _unlike_machines(ranked: list[Row], facts: Mapping[str, Fact]) -> list[str]:
    """A caution for each clock's number that was not taken on one machine."""
    said = []
    for fact in facts.values():
        if fact.machine is None:
            continue
        timed = [record for row in ranked for record in row.records if fact.read(record) is not None]
        machines = {fact.machine(record) for record in timed}
        if len(machines) > 1:
            said.append(f"Caution: {fact.name.lower()} was measured on {len(machines)} machines that do not compare.")
    return said


def _quality(row: Row) -> float:
    """CIEDE2000 of a row that has one; no worse can be."""
    value = row.cells[PRIMARY].value if PRIMARY in row.cells else None
    return math.inf if value is None else value


def _gain(fact: Fact, own: float | None, other: float | None) -> str:
    """`2.5 times the speed` or `2.8 times less memory`, where the other is at least a tenth cheaper."""
    if own is None or other is None or min(own, other) <= 0:
        return ""
    times = other / own if fact.better == "higher" else own / other
    more = "the" if fact.better == "higher" else "less" if fact.id == "memory" else "fewer"
    return "" if times < 1.1 else f"{times:.1f} times {more} {fact.name.lower()}"


def _told(contrast: Contrast | None) -> str:
    if contrast is None or contrast.low is None or contrast.high is None:
        return "there are too few groups to say whether that is chance"
    between = f"the paired 95 % interval of the difference, [{contrast.low:+.2f}, {contrast.high:+.2f}],"
    return f"{between} {'tells them apart' if contrast.sure else 'does not tell them apart'}"


def _around(cell: Cell) -> str:
    return "" if cell.low is None or cell.high is None else f" [{cell.low:.2f}, {cell.high:.2f}]"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def rows(made: Recommendation) -> list[dict[str, object]]:
    """The front for a table, the recommended entry first."""
    units = {fact.id: f"{fact.name} ({fact.unit})" for fact in FACTS}
    shown = []
    for one in made.front:
        facts: dict[str, object] = {"entry": one.row.entry, "CIEDE2000": one.quality.value}
        facts |= {"low": one.quality.low, "high": one.quality.high}
        shown.append(facts | {units[id]: amount for id, amount in one.costs.items()})
    return shown


def headline(made: Recommendation) -> str:
    """The recommended entry, and where it was compared."""
    table, board = made.table, made.board
    return (
        f"Recommended for {board.domain} ({board.track}, {table.split}): {made.front[0].row.entry}"
        f" [{table.key}, {board.size} px, {_count(table.n, 'image', 'images')}"
        f" in {_count(table.groups, 'group', 'groups')}]"
    )


def weighed(made: Recommendation) -> str:
    """`CIEDE2000, speed and parameters`"""
    names = {fact.id: fact.name.lower() for fact in FACTS}
    *most, last = ["CIEDE2000", *(names[id] for id in made.weighed)]
    return f"{', '.join(most)} and {last}" if most else last


def leftovers(made: Recommendation) -> list[str]:
    """What is not in the front, and what was not weighed, a line each."""
    names = {fact.id: fact.name.lower() for fact in FACTS}
    said = [f"Left out: {_count(count, 'entry', 'entries')} that {reason}." for reason, count in made.excluded.items()]
    if made.futile:
        said.append(
            f"Left out: {_count(made.futile, 'entry', 'entries')} no closer than the gray copy, which costs nothing."
        )
    if made.behind:
        behind = _count(made.behind, "entry is bettered", "entries are bettered")
        said.append(f"{behind}: another is as good in {weighed(made)}, and better in one of them.")
    lacking = [names[id] for id in _WEIGHED if id not in made.weighed]
    if lacking:
        said.append(f"Not weighed, because records lack it: {', '.join(lacking)}.")
    return said
