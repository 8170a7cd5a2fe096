"""What people read: Markdown boards, HTML pages, tables for papers; pure functions of the records and the gallery."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from bench import files
from bench import gallery as galleries
from bench.errors import BenchError, unknown
from bench.leaderboard import boards
from bench.records import Record, read_all
from bench.report import claims_markdown, export, html, markdown
from bench.report.content import pages

INDEX = "README.md"
LARGEST_PAGE = html.LARGEST
"""Bytes of an HTML page."""


def render(
    records: Iterable[Record],
    boards_dir: Path,
    reports_dir: Path,
    collections: Sequence[str] | None = None,
    tables_dir: Path | None = None,
) -> list[Path]:
    """Write the boards, their index, the HTML pages, and on request the tables for spreadsheets and papers.

    Args:
        records: all there are.
        boards_dir: gets `<collection>-<size>px.md` and the index `README.md`.
        reports_dir: gets `<collection>-<size>px.html`.
        collections: write the pages of these only; None for all. The index always lists all.
        tables_dir: gets `<collection>-<size>px.csv` and `.tex`, the numbers of the same boards; None for neither.

    Returns:
        What was written, the index last; nothing if there are no records.

    Raises:
        BenchError: an unknown collection, or as `pages`.
    """
    written = []
    for path, content in _rendered(records, boards_dir, reports_dir, collections, tables_dir).items():
        files.write_text(path, content)
        written.append(path)
    return written


def check(
    records_dir: Path,
    boards_dir: Path,
    reports_dir: Path,
    tables_dir: Path | None = None,
    collections: Sequence[str] | None = None,
) -> list[str]:
    """Render again in memory and compare with what lies there; of the tables only where their folder is given.

    Args:
        records_dir: where all records lie.
        boards_dir, reports_dir, tables_dir, collections: as for `render`.

    Returns:
        One line for each file that is missing, differs, is too large, or has no record behind it; empty when all is
        well.

    Raises:
        BenchError: where a record is damaged, or as `render`.
    """
    expected = _rendered(read_all(records_dir), boards_dir, reports_dir, collections, tables_dir)
    wrong = []
    for path, content in expected.items():
        if not path.is_file():
            wrong.append(f"{path} is missing; run: bench report")
        elif path.read_bytes() != content.encode("utf-8"):
            wrong.append(f"{path} differs from what the records say; run: bench report")
        if path.is_file() and (why := too_large(path)):
            wrong.append(why)
    stems = {path.stem for path in expected}
    made = [*boards_dir.glob("*px.md"), *reports_dir.glob("*px.html"), *(boards_dir / galleries.FOLDER).glob("*px.zip")]
    made += [] if tables_dir is None else [*tables_dir.glob("*px.csv"), *tables_dir.glob("*px.tex")]
    for path in sorted(made):
        if path.stem not in stems and (collections is None or _collection(path) in collections):
            wrong.append(f"{path} has no record behind it; remove it")
    return wrong


def too_large(path: Path) -> str:
    """Why a page is larger than people should have to load; empty where it is not, or is no page."""
    size = path.stat().st_size if path.suffix == ".html" else 0
    if size <= LARGEST_PAGE:
        return ""
    return (
        f"{path} has {size / 1e6:.1f} MB, more than {LARGEST_PAGE / 1e6:g} MB even without pictures; "
        "render fewer of its records: bench report --records DIR"
    )


def _collection(path: Path) -> str:
    """Of `<collection>-<size>px.<kind>`."""
    return path.stem.rpartition("-")[0]


def index(records: Iterable[Record]) -> str:
    """Who leads each board, in aligned lines for a terminal.

    Raises:
        BenchError: no records, or as `pages`.
    """
    return export.index(pages(_some(records)))


def table(
    records: Iterable[Record],
    domain: str | None = None,
    track: str | None = None,
    format: str = "text",
    split: str | None = None,
) -> str:
    """Boards for a terminal, a spreadsheet, a paper or a program.

    Args:
        records: all there are; several collections and sizes follow each other.
        domain: only this one; None for all.
        track: only this one; None for all.
        format: `text`, `md`, `csv`, `tex`, `json`, or `html` (one collection and size only).
        split: only this one; None for all.

    Raises:
        BenchError: an unknown format, no record for what was asked, or as `pages`.
    """
    records = _some(records)
    chosen = records
    wanted = {"domain": domain, "track": track, "split": split}
    asked_for = {kind: name for kind, name in wanted.items() if name is not None}
    for kind, name in asked_for.items():
        known = sorted({_place(record)[kind] for record in records})
        if name not in known:
            raise unknown(f"{kind} among the records:", name, known)
        chosen = [record for record in chosen if _place(record)[kind] == name]
    if not chosen:
        place = ", ".join(f"{kind} {name!r}" for kind, name in asked_for.items())
        raise BenchError(f"no record of {place} together; evaluate an entry there first.")
    if format == "html":
        made = pages(chosen)
        if len(made) > 1:
            names = ", ".join(page.stem for page in made)
            raise BenchError(f"format html is one page, the records make {len(made)} ({names}); run: bench report")
        return html.page(made[0])
    if format not in export.FORMATS:
        raise unknown("format", format, [*export.FORMATS, "html"])
    return export.FORMATS[format](boards(chosen))


def _place(record: Record) -> dict[str, str]:
    return {"domain": record.split.domain, "track": record.track, "split": record.split.name}


def _some(records: Iterable[Record]) -> list[Record]:
    found = list(records)
    if not found:
        raise BenchError("no records yet; first run: bench demo, or bench evaluate --help")
    return found


def _rendered(
    records: Iterable[Record],
    boards_dir: Path,
    reports_dir: Path,
    collections: Sequence[str] | None,
    tables_dir: Path | None,
) -> dict[Path, str]:
    made = pages(records)
    known = sorted({page.collection for page in made})
    for name in collections or ():
        if name not in known:
            raise unknown("collection among the records:", name, known)
    here = quote(Path(os.path.relpath(reports_dir, boards_dir)).as_posix())
    content: dict[Path, str] = {}
    for page in made:
        if collections is None or page.collection in collections:
            boards_and_claims = markdown.render_page(page, f"{here}/{page.stem}.html") + claims_markdown.render(page)
            content[boards_dir / f"{page.stem}.md"] = boards_and_claims
            gallery = galleries.of(boards_dir / galleries.FOLDER, page.collection, page.size)
            content[reports_dir / f"{page.stem}.html"] = html.page(replace(page, gallery=gallery), LARGEST_PAGE)
            if tables_dir is not None:
                content[tables_dir / f"{page.stem}.csv"] = export.as_csv(page.boards)
                content[tables_dir / f"{page.stem}.tex"] = export.as_latex(page.boards)
    if made:
        content[boards_dir / INDEX] = markdown.render_index(made, here)
    return content
