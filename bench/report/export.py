"""Boards for use elsewhere: plain lines for a terminal, CSV, LaTeX and JSON."""

import csv
import io
import json
from collections.abc import Sequence

from bench.leaderboard import PRIMARY, SKILL, Board, Cell, Table
from bench.report import markdown
from bench.report.content import Page
from bench.report.rows import LEADS, Style, cells, leads
from bench.report.wording import counts, line, signatures, title

TERMINAL_COLUMNS = (PRIMARY, SKILL, "psnr", "ssim", "l1", "fid")
"""What fits a terminal; the other formats hold every column."""

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "Δ": r"$\Delta$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "†": r"$\dagger$", "×": r"$\times$", "σ": r"$\sigma$",
    "–": "--", "≥": r"$\ge$", "|": r"\textbar{}",
}  # fmt: skip


def latex(text: str) -> str:
    """Text in which nothing is a command."""
    return "".join(_LATEX.get(c, c) for c in line(text))


def spreadsheet(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before `=`, `+`, `-`, `@`, wide or not."""
    shown = line(text)
    return f"'{shown}" if shown.startswith(tuple("=+-@＝＋－＠")) else shown


LATEX = Style(latex, r"\textbf{{{}}}".format, r"\textit{{{}}}".format, "--", r"\#")
PLAIN = Style(line, str, "({})".format)


def _place(board: Board, table: Table) -> str:
    return f"{board.collection} {board.size} px · {board.domain} · {board.track} · {table.split} · {counts(table)}"


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    padded = (
        [c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return ["  ".join(cells).rstrip() for cells in padded]


def index(pages: Sequence[Page]) -> str:
    """Who leads each board, for a terminal."""
    parts = []
    for page in pages:
        rows = [["Board", "Split", *LEADS]]
        for board in page.boards:
            place = f"{board.domain} · {board.track}"
            rows += [[line(cell) for cell in (place, table.split, *leads(table))] for table in board.tables]
        parts.append("\n".join([title(page), *_aligned(rows, left=(0, 1, 4, 9))]))
    return "\n\n".join(parts) + "\n"


def as_text(boards: Sequence[Board]) -> str:
    """Aligned lines for a terminal, with the columns that fit one."""
    parts = []
    for board in boards:
        for table in board.tables:
            columns = [column for column in table.columns if column.id in TERMINAL_COLUMNS]
            head, rows = cells(table, columns, PLAIN)
            lines = [_place(board, table), *_aligned([head, *rows], left=(1,))]
            lines += [f"! {line(flag)}" for flag in table.flags]
            lines += [f"  {line(note)}" for note in table.notes]
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def as_latex(boards: Sequence[Board]) -> str:
    """`tabular`s for the booktabs package; the caption's facts stand in comments above each."""
    parts = []
    for board in boards:
        for table in board.tables:
            head, rows = cells(table, table.columns, LATEX)
            lines = [
                f"% {_place(board, table)}",
                *(f"% {line(name)}: {line(made)}" for name, made in signatures(table.columns)),
            ]
            lines += [f"% {line(note)}" for note in (*table.flags, *table.notes)]
            lines += [
                rf"\begin{{tabular}}{{rl{'r' * (len(head) - 2)}}}",
                r"\toprule",
                rf"{' & '.join(head)} \\",
                r"\midrule",
            ]
            lines += [rf"{' & '.join(row)} \\" for row in rows]
            parts.append("\n".join([*lines, r"\bottomrule", r"\end{tabular}"]))
    return "\n\n".join(parts) + "\n"


def as_csv(boards: Sequence[Board]) -> str:
    """One line for one number, full precision, with everything needed to read it alone."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = (
        "collection size domain track split entry kind rank seeds metric value low high infinite absent unit direction"
    )
    writer.writerow([*head.split(), "n", "groups", "signature", "flags"])
    for board in boards:
        for table in board.tables:
            for row in table.rows:
                for column in (*table.columns, *table.more):
                    cell = row.cells.get(column.id, Cell(None, absent="not in the record"))
                    facts = [board.collection, board.size, board.domain, board.track, table.split, row.entry, row.kind]
                    facts += [row.rank, len(row.seeds), column.id, cell.value, cell.low, cell.high, cell.infinite]
                    facts += [cell.absent, column.unit, column.direction, table.n, table.groups, column.signature]
                    facts += ["; ".join((*table.flags, *row.flags))]
                    writer.writerow([spreadsheet(fact) if isinstance(fact, str) else fact for fact in facts])
    return out.getvalue()


def as_json(boards: Sequence[Board]) -> str:
    """The boards as they are, for a program."""

    def facts(table: Table) -> dict:
        return {
            "split": table.split,
            "key": table.key,
            "n": table.n,
            "groups": table.groups,
            "flags": table.flags,
            "notes": table.notes,
            "columns": [vars(column) for column in table.columns],
            "more": [vars(column) for column in table.more],
            "rows": [
                {
                    **{
                        name: getattr(row, name) for name in ("rank", "ranks", "entry", "model", "mix", "kind", "seeds")
                    },
                    "sees_target": row.sees_target,
                    "flags": row.flags,
                    "cells": {
                        column.id: vars(row.cells[column.id])
                        for column in (*table.columns, *table.more)
                        if column.id in row.cells
                    },
                }
                for row in table.rows
            ],
        }

    shown = [
        {
            **{name: getattr(board, name) for name in ("collection", "size", "domain", "track")},
            "tables": [facts(table) for table in board.tables],
        }
        for board in boards
    ]
    return json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS = {"text": as_text, "md": markdown.render_boards, "csv": as_csv, "tex": as_latex, "json": as_json}
