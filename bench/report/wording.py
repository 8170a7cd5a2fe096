"""What boards call things, the same in every format."""

from collections.abc import Sequence

from bench.errors import printable
from bench.leaderboard import Board, Cell, Column, Row, Table
from bench.report.content import Page
from bench.types import Track

ARROWS = {"lower": "↓", "higher": "↑", None: ""}
ABSENT = "–"
COLLECTIONS = {
    "procedural-v1": "Drawn by this project's code, so there is nothing to download and every true colour is known.",
    "procedural-v1-slices": "Hard cases of procedural-v1: captions, darkness, two colours, broken lines, look-alikes.",
    "open-v1": "Openly licensed drawings, pages and film frames, pinned by checksum.",
}
SPLITS = {
    "test": "series that no training split holds",
    "series": "new images of series that the training split holds",
}


def unit(column: Column) -> str:
    """The unit in brackets, or nothing."""
    return f" ({column.unit})" if column.unit else ""


def heading(column: Column) -> str:
    """Name, unit and the direction that is better: `PSNR (dB) ↑`."""
    return f"{column.name}{unit(column)} {ARROWS[column.direction]}".rstrip()


def interval(column: Column, cell: Cell) -> str:
    """`[10.90, 11.80]`, or nothing."""
    if cell.low is None or cell.high is None:
        return ""
    return f"[{column.text(cell.low)}, {column.text(cell.high)}]"


def ranks(row: Row) -> str:
    """`2` where the intervals leave one rank, `2 (1–3)` where they leave several, a dash for references."""
    if row.rank is None:
        return ABSENT
    return str(row.rank) if row.ranks is None or row.ranks[0] == row.ranks[1] else f"{row.rank} ({span(row.ranks)})"


def span(found: tuple[int, int]) -> str:
    return f"{found[0]}–{found[1]}"


def collection(name: str) -> str:
    """What a collection is, in a sentence."""
    return COLLECTIONS.get(name, "A collection of your own.")


def title(page: Page) -> str:
    return f"{page.collection} at {page.size} px"


def counts(table: Table) -> str:
    """`192 images in 4 groups`"""
    images = "1 image" if table.n == 1 else f"{table.n:,} images"
    return f"{images} in {table.groups:,} group{'' if table.groups == 1 else 's'}"


def signatures(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Name and signature of every column that was measured or derived from measures."""
    return [(column.name, column.signature) for column in columns if column.kind != "cost"]


def anchor(board: Board) -> str:
    """The board's anchor: `anime-gray`."""
    return f"{board.domain}-{board.track}".replace("+", "-")


def unpainted(board: Board) -> str:
    """What the gray copy is on this board's track, where not a gray picture but a drawing is shown."""
    return "leaving it gray" if Track.parse(board.track).condition == "gray" else "the bare lines"


def line(text: str) -> str:
    """Text from outside on one line; what is not printed (controls, marks that turn the direction) is spelled out."""
    return printable(" ".join(text.split()))
