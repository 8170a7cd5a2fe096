"""Markdown: a page for each collection and size, and the index of all of them."""

from collections.abc import Iterable, Sequence

from bench.data import open_v1
from bench.leaderboard import Board, Table
from bench.report.content import Matrix, Page
from bench.report.rows import LEADS, Style, cells, leads
from bench.report.wording import ABSENT, SPLITS, collection, counts, heading, line, signatures, title

RULES = (
    "A number stands only beside numbers with the same signature (listed under each table).",
    "In brackets: the 95 % interval over groups (series, clips, page sources): Student's t on their means. Ranks are"
    " intervals too, from paired differences.",
    "*Italic* rows are references: in place, unranked. A row marked † sees the target.",
    "Skill puts gray-copy at 0 and lab-round-trip at 1; below 0, the colours are further off than none. Colour is"
    " ambiguous, so numbers that compare with the one true picture reward caution.",
)


def escape(text: str) -> str:
    """Text that neither ends a table cell nor opens markup."""
    shown = "".join(f"\\{c}" if c in "\\|`*_[]<>#~" else c for c in line(text))
    return shown.replace("&", "&amp;").replace("$", "&#36;")


def code(text: str) -> str:
    """A code span outside tables."""
    return f"`{line(text).replace('`', chr(39))}`"


STYLE = Style(escape, "**{}**".format, "*{}*".format)


def render_page(page: Page, report: str) -> str:
    """One collection at one size.

    Args:
        page: its boards and matrices.
        report: relative address of the HTML page.
    """
    parts = [f"# {title(page)}", collection(page.collection)]
    parts += [f"With all metrics and slices, sortable: [HTML report]({report}).", _bullets(RULES)]
    if page.collection == open_v1.NAME:
        parts += [f"The pictures belong to their authors: [credits]({report}#credits)."]
    links = [f"[{board.domain} · {board.track}](#{_anchor(board)})" for board in page.boards]
    parts += ["Boards: " + " · ".join(links)]
    for board in page.boards:
        parts += [f"## {board.domain} · {board.track}"]
        for table in board.tables:
            parts += _table(table)
    if page.matrices:
        parts += [
            "## Transfer matrices",
            "Rows: what a model was trained on; columns: where it was tested. **Bold**: the best mix of a column."
            f" A dash ({ABSENT}): not evaluated.",
        ]
    for head, group in _matrix_groups(page.matrices):
        parts += [f"### {head}", *(_matrix(matrix) for matrix in group)]
    return "\n\n".join(parts) + "\n"


def render_index(pages: Sequence[Page], reports: str) -> str:
    """The list of all collections: who leads each board.

    Args:
        pages: all of them.
        reports: relative address of the folder with the HTML pages.
    """
    parts = ["# Leaderboards", "Rendered from the records in `records/`; nothing here is written by hand."]
    for page in pages:
        rows = [["Board", "Split", *LEADS]]
        for board in page.boards:
            link = f"[{board.domain} · {board.track}]({page.stem}.md#{_anchor(board)})"
            rows += [[link, table.split, *map(escape, leads(table))] for table in board.tables]
        parts += [f"## {escape(title(page))}", f"[Boards]({page.stem}.md) · [HTML report]({reports}/{page.stem}.html)"]
        parts += [_aligned(rows, right=(2, 3, 5, 6, 7))]
    return "\n\n".join(parts) + "\n"


def _anchor(board: Board) -> str:
    """The anchor GitHub gives the heading `anime · gray+hints`."""
    return f"{board.domain}--{board.track}".replace("+", "").replace(".", "")


def _table(table: Table) -> list[str]:
    about = SPLITS.get(table.split)
    parts = [f"### {table.split}" + (f": {about}" if about else "")]
    parts += [f"{counts(table)} · {code(table.key)}" + "".join(f" · ⚠ {escape(flag)}" for flag in table.flags)]
    head, rows = cells(table, table.columns, STYLE)
    parts += [_aligned([head, *rows], right=[0, *range(2, len(head))])]
    parts += [_bullets(escape(note) for note in table.notes)] if table.notes else []
    lines = [f"- {escape(name)}: {code(made)}" for name, made in signatures(table.columns)]
    return [*parts, "\n".join(["<details><summary>Signatures</summary>", "", *lines, "", "</details>"])]


def _matrix(matrix: Matrix) -> str:
    head = [escape(heading(matrix.column)), *matrix.domains]
    rows = []
    for row in matrix.rows:
        shown = []
        for cell in row.cells:
            text = ABSENT if cell is None or cell.value is None else matrix.column.text(cell.value)
            shown.append(STYLE.best(text) if cell is not None and cell.best else text)
        rows.append([STYLE.reference(row.name) if row.reference else row.name, *shown])
    return _aligned([head, *rows], right=range(1, len(head)))


def _matrix_groups(matrices: Iterable[Matrix]) -> list[tuple[str, list[Matrix]]]:
    groups: dict[str, list[Matrix]] = {}
    for matrix in matrices:
        groups.setdefault(f"{matrix.model}, {matrix.split}, {matrix.track}", []).append(matrix)
    return list(groups.items())


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _aligned(rows: Sequence[Sequence[str]], right: Iterable[int]) -> str:
    """A Markdown table that can be read unrendered too."""
    right = set(right)
    widths = [max(3, *(len(row[place]) for row in rows)) for place in range(len(rows[0]))]

    def line(cells: Sequence[str]) -> str:
        padded = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
        return f"| {' | '.join(padded)} |"

    rule = [("-" * (w - 1) + ":") if i in right else "-" * w for i, w in enumerate(widths)]
    return "\n".join([line(rows[0]), line(rule), *(line(row) for row in rows[1:])])


def render_boards(boards: Sequence[Board]) -> str:
    """Every table under its own heading, with notes and signatures."""
    parts = []
    for board in boards:
        parts.append(f"## {board.collection} {board.size} px · {board.domain} · {board.track}")
        for table in board.tables:
            parts += _table(table)
    return "\n\n".join(parts) + "\n"
