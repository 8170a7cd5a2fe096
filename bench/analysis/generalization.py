"""What a specialist loses away from home, what unseen series cost, and whether training on all domains beats both.

Domains and splits differ in how hard they are, so that a plain difference between two of them tells little of an entry.
Each difference is therefore given twice: as measured, and less the gray copy's own on the same pictures. The second is
0 for an entry that is as far above or below doing nothing in the one place as in the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.analysis.contrasts import ALPHA, Contrast, holm, independent, paired, relative
from bench.leaderboard import GRAY, PRIMARY, Board, Row, Table, domain_order, place, track_order
from bench.types import EVALUATED_SPLITS, MIX_MODEL, MIXED

Verdict = Literal["mixed", "specialist", "open"]


@dataclass(frozen=True)
class Gap:
    """One entry here minus the same entry there, in mean CIEDE2000: below 0, it is closer here.

    Attributes:
        entry: whose.
        domain: of the pictures here.
        measured: the difference as measured.
        adjusted: less that of the gray copy, paired with it group by group within each place; None without one.
    """

    entry: str
    model: str
    domain: str
    measured: Contrast
    adjusted: Contrast | None


@dataclass(frozen=True)
class HomeGaps:
    """Own domain minus the mean of the others, of every specialist of one split and track.

    Attributes:
        domains: all that were tested.
        left_out: those of a single group, which are no one's other domain: they would leave no interval.
    """

    split: str
    track: str
    domains: tuple[str, ...]
    left_out: tuple[str, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class SeenGaps:
    """`series` minus `test` of one board: new pictures of known series against pictures of unknown ones."""

    domain: str
    track: str
    seen: Table
    unseen: Table
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class MixedTest:
    """Training on all domains against the best specialist of one model, on one domain.

    Attributes:
        specialist: the mix, of one domain, that is best there.
        candidates: how many specialists it was picked from.
        contrast: mixed minus specialist in mean CIEDE2000; below 0, mixed is closer.
        adjusted: the p-value times the candidates, after Holm's correction for all tests of the split and track; None
            where there is none.
        verdict: which of the two is better at 5 %, by the adjusted p-value; `open` where that is not told apart.
    """

    model: str
    domain: str
    specialist: str
    candidates: int
    contrast: Contrast
    adjusted: float | None
    verdict: Verdict


@dataclass(frozen=True)
class MixedTests:
    """All tests of one split and track: a family whose p-values are adjusted together."""

    split: str
    track: str
    tests: tuple[MixedTest, ...]


def home_gaps(made: Sequence[Board]) -> list[HomeGaps]:
    """The generalization gap: the domain a specialist was trained on minus the mean of all others.

    The domains share no group: `independent` says how the interval is made. Only entries that were tested at home and
    in at least one other domain have a gap. A domain of a single group is left out of the others.

    Args:
        made: the boards of one collection and size.
    """
    found = []
    for split, track, tables in _places(made):
        gaps = []
        left_out = tuple(domain for domain, table in tables.items() if table.groups < 2)
        for domain, table in tables.items():
            for row in table.rows:
                if row.mix != domain or row.cells.get(PRIMARY) is None:
                    continue
                elsewhere = [tables[other] for other in tables if other not in (domain, *left_out)]
                away = [(there, same) for there in elsewhere if (same := there.row(row.entry)) is not None]
                gap = _gap(row, domain, [(table, row), *away], [1.0, *[-1 / len(away)] * len(away)]) if away else None
                gaps += [gap] if gap else []
        if gaps:
            gaps.sort(key=lambda gap: (gap.model != MIX_MODEL, gap.model, domain_order(gap.domain)))
            found.append(HomeGaps(split, track, tuple(tables), left_out, tuple(gaps)))
    return found


def seen_gaps(made: Sequence[Board]) -> list[SeenGaps]:
    """The seen-versus-unseen gap of every ranked entry of a board that has both splits, in the order of `test`."""
    found = []
    for board in made:
        tables = {table.split: table for table in board.tables}
        if "series" not in tables or "test" not in tables:
            continue
        gaps = []
        for row in tables["test"].rows:
            seen = tables["series"].row(row.entry)
            if row.rank is not None and seen is not None:
                gap = _gap(row, board.domain, [(tables["series"], seen), (tables["test"], row)], [1.0, -1.0])
                gaps += [gap] if gap else []
        if gaps:
            found.append(SeenGaps(board.domain, board.track, tables["series"], tables["test"], tuple(gaps)))
    return found


def mixed_tests(made: Sequence[Board]) -> list[MixedTests]:
    """Does training on all domains beat the best specialist? For each model and domain, paired over groups.

    The best specialist is chosen on the pictures of the test. Its p-value is therefore multiplied by the number of
    specialists it was chosen from (Bonferroni), then adjusted for all tests of the place (Holm).
    """
    found = []
    for split, track, tables in _places(made):
        tests = [test for domain, table in tables.items() for test in _mixed(domain, table)]
        known = [place for place, test in enumerate(tests) if test.contrast.p is not None]
        adjusted = holm([p * test.candidates for test in tests if (p := test.contrast.p) is not None])
        for place_, p in zip(known, adjusted, strict=True):
            ahead: Verdict = "mixed" if tests[place_].contrast.value < 0 else "specialist"
            tests[place_] = replace(tests[place_], adjusted=p, verdict=ahead if p < ALPHA else "open")
        if tests:
            tests.sort(key=lambda test: (test.model != MIX_MODEL, test.model, domain_order(test.domain)))
            found.append(MixedTests(split, track, tuple(tests)))
    return found


def _places(made: Sequence[Board]) -> Iterator[tuple[str, str, Mapping[str, Table]]]:
    """Each split and track with its tables by domain."""
    places = {(table.split, board.track) for board in made for table in board.tables}
    for split, track in sorted(places, key=lambda at: (place(EVALUATED_SPLITS, at[0]), track_order(at[1]))):
        tables = {
            board.domain: table
            for board in made
            if board.track == track
            for table in board.tables
            if table.split == split
        }
        yield split, track, {domain: tables[domain] for domain in sorted(tables, key=domain_order)}


def _gap(row: Row, domain: str, at: Sequence[tuple[Table, Row]], weights: Sequence[float]) -> Gap | None:
    """The weighted sum of an entry's means in several places, over the seeds that all have.

    Returns:
        None where its records have no group means, or share no seed.
    """
    seeds = sorted(set.intersection(*(set(there.seeds) for _, there in at)))
    samples = [sample for _, there in at if seeds and (sample := relative(there, None, seeds)) is not None]
    if len(samples) < len(at):
        return None
    grays = [(there, gray) for table, there in at if (gray := table.row(GRAY)) is not None]
    above = [apart for there, gray in grays if (apart := relative(there, gray, seeds)) is not None]
    adjusted = independent(above, weights) if len(above) == len(at) else None
    return Gap(row.entry, row.model, domain, independent(samples, weights), adjusted)


def _mixed(domain: str, table: Table) -> Iterator[MixedTest]:
    for mixed in table.rows:
        if mixed.mix != MIXED:
            continue
        alone = [
            row
            for row in table.rows
            if (row.model, row.budget) == (mixed.model, mixed.budget)
            and row.mix is not None
            and row.mix != MIXED
            and "+" not in row.mix
            and _value(row) is not None
        ]
        if not alone or _value(mixed) is None:
            continue
        best = min(alone, key=lambda row: (_value(row), row.entry))
        contrast = paired(mixed, best)
        if contrast is not None and best.mix is not None:
            yield MixedTest(mixed.model, domain, best.mix, len(alone), contrast, None, "open")


def _value(row: Row) -> float | None:
    return row.cells[PRIMARY].value if PRIMARY in row.cells else None
