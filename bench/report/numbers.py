"""Every number of a page for its script: what tables say alike stands once, what is a table's own beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from bench.leaderboard import Board, Cell, Column, Table
from bench.report.overview import doubted

DIRECTIONS = {"lower": -1, "higher": 1, None: 0}

KEY, COUNT = "\ue000", "\ue001"
"""Stand in a signature for the table's key and its number of images, which are most of what differs. They are
characters for private use, so that no signature has them."""

EXACT = Context(prec=400)
"""Digits for every float there is."""

Packed = float | list[float] | list[int]


@dataclass(frozen=True)
class Numbers:
    """What the page's script reads, as JSON that may stand inside a `<script>`.

    Attributes:
        shared: `columns`: name, unit, direction (-1: lower is better, 1: higher, 0: neither), decimals and signature,
            in which `KEY` and `COUNT` stand for the table's; `reasons`: why cells are absent.
        tables: by domain, track and split. `columns`: places in the shared ones, of which the first `main` are those
            of the table that is drawn. `rows`: by column the value, or `[value, half the interval]`, or
            `[value, low, high]` where it is not even, or `[k]` where it is absent for the shared reason k. `best`: of
            each further column the rows whose cell is marked. `doubts`: why a column is unreliable, by its place. `key`
            and `n` of the split. Values have a digit more than is printed, for sorting, or as many as they need to be
            printed alike.
    """

    shared: Markup
    tables: dict[tuple[str, str, str], Markup]


def packed(boards: Sequence[Board]) -> Numbers:
    """The numbers of a page's boards."""
    columns: dict[tuple[str, str, int, int, str], int] = {}
    reasons: dict[str, int] = {}
    tables = {
        (board.domain, board.track, table.split): _json(_table(table, columns, reasons))
        for board in boards
        for table in board.tables
    }
    return Numbers(_json({"columns": list(columns), "reasons": list(reasons)}), tables)


def _table(
    table: Table, columns: dict[tuple[str, str, int, int, str], int], reasons: dict[str, int]
) -> dict[str, object]:
    """One table's own; what it shares with others is added to `columns` and `reasons`."""
    shown = (*table.columns, *table.more)

    def cell_of(column: Column, cell: Cell | None) -> Packed:
        if cell is None or cell.value is None:
            why = (None if cell is None else cell.absent) or "not in the record"
            return [reasons.setdefault(why, len(reasons))]
        return _numbers(cell.value, cell.low, cell.high, column.decimals)

    def place_of(column: Column) -> int:
        made = column.signature.replace(table.key, KEY).replace(f"|n{table.n}|", f"|n{COUNT}|")
        facts = (column.name, column.unit, DIRECTIONS[column.direction], column.decimals, made)
        return columns.setdefault(facts, len(columns))

    return {
        "columns": [place_of(column) for column in shown],
        "main": len(table.columns),
        "key": table.key,
        "n": table.n,
        "rows": [[cell_of(column, row.cells.get(column.id)) for column in shown] for row in table.rows],
        "best": [
            [place for place, row in enumerate(table.rows) if column.id in row.cells and row.cells[column.id].best]
            for column in table.more
        ],
        "doubts": {place: doubt for place, column in enumerate(shown) if (doubt := doubted(table, column))},
    }


def _numbers(value: float, low: float | None, high: float | None, digits: int) -> Packed:
    """A value with its interval: half its width says both ends where they are printed alike, which is shorter."""
    middle = _as_printed(value, digits)
    if low is None or high is None:
        return middle
    half = _short((high - low) / 2, digits + 1)
    made, wanted = (middle - half, middle + half), (low, high)
    if all(_in_script(one, digits) == f"{other:.{digits}f}" for one, other in zip(made, wanted, strict=True)):
        return [middle, half]
    return [middle, _short(low, digits), _short(high, digits)]


def _as_printed(value: float, digits: int) -> float:
    """Rounded to a digit more than is printed; where that would be rounded to another number, to more, or to fewer."""
    wanted = f"{value:.{digits}f}"
    tried = (_short(value, digits + more) for more in (1, 2, 3, 4))
    return next((one for one in tried if _in_script(one, digits) == wanted), _short(value, digits))


def _in_script(value: float, digits: int) -> str:
    """What JavaScript's `toFixed` prints, which rounds a half away from 0; Python rounds it to the even digit.

    Source:
        ECMA-262, Number.prototype.toFixed.
    """
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, EXACT):f}"


def _short(value: float, digits: int) -> float:
    """Rounded; whole numbers without a point, which the script reads alike."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def _json(value: object) -> Markup:
    return htmlsafe_json_dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
