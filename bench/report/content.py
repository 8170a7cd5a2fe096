"""What a page shows: the boards, and their numbers again as transfer matrices, training mix by test domain."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis.slicing import sliced as sliced
from bench.analysis.transfer import Matrix as Matrix
from bench.analysis.transfer import matrices
from bench.gallery import Gallery
from bench.leaderboard import Board, boards
from bench.records import Record


@dataclass(frozen=True)
class Page:
    """Everything one collection at one size has to show."""

    collection: str
    size: int
    boards: tuple[Board, ...]
    matrices: tuple[Matrix, ...]
    gallery: Gallery | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        """Every record behind its rows, in the order of the boards."""
        return tuple(r for board in self.boards for table in board.tables for row in table.rows for r in row.records)

    @property
    def stem(self) -> str:
        return f"{self.collection}-{self.size}px"


def pages(records: Iterable[Record]) -> list[Page]:
    """Every collection and size, in alphabetical and numerical order.

    Raises:
        BenchError: where numbers of one board differ in signature, or seeds of one entry in their training.
    """
    found: dict[tuple[str, int], list[Board]] = {}
    for board in boards(records):
        found.setdefault((board.collection, board.size), []).append(board)
    return [Page(*place, tuple(made), tuple(matrices(made))) for place, made in found.items()]
