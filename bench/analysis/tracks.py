"""What a hint, a reference or the previous frame buys: the tracks of one domain against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from bench.analysis.contrasts import Contrast, paired
from bench.leaderboard import PRIMARY, Board, Row, Table, domain_order, place, track_order
from bench.types import EVALUATED_SPLITS


@dataclass(frozen=True)
class Step:
    """The second track minus the first on the same pictures.

    Attributes:
        tracks: first and second, in the order of the boards.
        domain: of the pictures.
        entries: whose numbers: the first ranked entry of each track, or one entry that both tracks hold.
        kind: `best`; `same`, the very weights in both tracks; `model`, one name trained for each track.
        contrast: in mean CIEDE2000, paired over groups; below 0, the second is closer.
    """

    tracks: tuple[str, str]
    domain: str
    entries: tuple[str, str]
    kind: Literal["best", "same", "model"]
    contrast: Contrast


@dataclass(frozen=True)
class Steps:
    """Every comparison of one split.

    Attributes:
        domains: all that were tested.
        steps: by tracks, then domain.
        apart: pairs of tracks that are played on unlike pictures, one on clips and one on stills: no difference.
        unlike: pairs of tracks whose entries were trained at different budgets: no difference either, since it would
            tell what the budget buys.
    """

    split: str
    domains: tuple[str, ...]
    steps: tuple[Step, ...]
    apart: tuple[tuple[str, str], ...]
    unlike: tuple[tuple[str, str], ...] = ()


def steps(made: Sequence[Board]) -> list[Steps]:
    """All pairs of tracks of one collection and size; none where there is one track only.

    The best of each track compares what the field makes of them: with the track, the model changes. Where an entry of
    one name stands in both tracks, it is compared with itself besides: of several, the first ranked in the first track.
    """
    tables: dict[str, dict[str, dict[str, Table]]] = {}
    for board in made:
        for table in board.tables:
            tables.setdefault(table.split, {}).setdefault(board.track, {})[board.domain] = table
    found = []
    for split in sorted(tables, key=lambda split: place(EVALUATED_SPLITS, split)):
        by_track = tables[split]
        domains = sorted({domain for known in by_track.values() for domain in known}, key=domain_order)
        told: list[Step] = []
        apart: list[tuple[str, str]] = []
        unlike: list[tuple[str, str]] = []
        for pair in combinations(sorted(by_track, key=track_order), 2):
            both = [domain for domain in domains if all(domain in by_track[track] for track in pair)]
            made_of = [(domain, *(by_track[track][domain] for track in pair)) for domain in both]
            alike = [(domain, one, other) for domain, one, other in made_of if _digest(one) == _digest(other)]
            of_pair = [step for domain, one, other in alike for step in _steps(pair, domain, one, other)]
            told += of_pair
            apart += [pair] if both and not alike else []
            uneven = any(a.leader and b.leader and a.leader.uneven(b.leader) for _, a, b in alike)
            unlike += [pair] if uneven and not of_pair else []
        if told or apart or unlike:
            found.append(Steps(split, tuple(domains), tuple(told), tuple(apart), tuple(unlike)))
    return found


def _steps(pair: tuple[str, str], domain: str, one: Table, other: Table) -> list[Step]:
    made = []
    if one.leader is not None and other.leader is not None:
        made.append((one.leader, other.leader, "best"))
    same = [(row, there) for row in one.rows if row.rank is not None and (there := other.row(row.entry)) is not None]
    made += [(*same[0], "same" if _alike(*same[0]) else "model")] if same else []
    return [
        Step(pair, domain, (first.entry, second.entry), kind, contrast)
        for first, second, kind in made
        if not first.uneven(second)
        and _measured(first)
        and _measured(second)
        and (contrast := paired(second, first)) is not None
    ]


def _alike(first: Row, second: Row) -> bool:
    """Whether two rows are of one training each seed; what was not trained here has no weights to differ in."""
    one, other = ([record.training for record in row.records] for row in (first, second))
    weights = [[training and training.weights_sha256 for training in found] for found in (one, other)]
    return not any(one + other) or (weights[0] == weights[1] and None not in weights[0])


def _digest(table: Table) -> str:
    return table.rows[0].records[0].split.digest


def _measured(row: Row) -> bool:
    return PRIMARY in row.cells and row.cells[PRIMARY].value is not None
