"""What people read: Markdown boards, HTML pages and tables for papers, all pure functions of the records."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from bench import files
from bench.errors import BenchError, unknown
from bench.leaderboard import boards
from bench.records import Record, read_all
from bench.report import export, html, markdown
from bench.report.content import pages

INDEX = "README.md"


def render(
    records: Iterable[Record], boards_dir: Path, reports_dir: Path, collections: Sequence[str] | None = None
) -> list[Path]:
    """Write the boards, their index and the HTML pages.

    Args:
        records: all there are.
        boards_dir: gets `<collection>-<size>px.md` and the index `README.md`.
        reports_dir: gets `<collection>-<size>px.html`.
        collections: write the pages of these only; None for all. The index always lists all.

    Returns:
        What was written, the index last; nothing if there are no records.

    Raises:
        BenchError: an unknown collection, or as `pages`.
    """
    written = []
    for path, content in _rendered(records, boards_dir, reports_dir, collections).items():
        files.write_text(path, content)
        written.append(path)
    return written


def check(records_dir: Path, boards_dir: Path, reports_dir: Path) -> list[str]:
    """Render again in memory and compare with what lies there.

    Returns:
        One line for each file that is missing, differs, or has no record behind it; empty when all is well.

    Raises:
        BenchError: where a record is damaged, or as `pages`.
    """
    expected = _rendered(read_all(records_dir), boards_dir, reports_dir, None)
    wrong = []
    for path, content in expected.items():
        if not path.is_file():
            wrong.append(f"{path} is missing; run: bench leaderboard")
        elif path.read_bytes() != content.encode("utf-8"):
            wrong.append(f"{path} differs from what the records say; run: bench leaderboard")
    for path in sorted([*boards_dir.glob("*px.md"), *reports_dir.glob("*px.html")]):
        if path not in expected:
            wrong.append(f"{path} has no record behind it; remove it")
    return wrong


def table(records: Iterable[Record], domain: str | None = None, track: str | None = None, format: str = "text") -> str:
    """Boards for a terminal, a spreadsheet, a paper or a program.

    Args:
        records: all there are; several collections and sizes follow each other.
        domain: only this one; None for all.
        track: only this one; None for all.
        format: `text`, `md`, `csv`, `tex`, `json`, or `html` (one collection and size only).

    Raises:
        BenchError: an unknown format, no record for what was asked, or as `pages`.
    """
    records = list(records)
    if not records:
        raise BenchError("no records yet; first run: bench demo, or bench evaluate --help")
    for kind, wanted, known in (
        ("domain", domain, sorted({record.split.domain for record in records})),
        ("track", track, sorted({record.track for record in records})),
    ):
        if wanted is not None and wanted not in known:
            raise unknown(f"{kind} among the records:", wanted, known)
    chosen = [r for r in records if domain in (None, r.split.domain) and track in (None, r.track)]
    if not chosen:
        raise BenchError(f"no record of domain {domain!r} under track {track!r}; evaluate an entry there first.")
    if format == "html":
        made = pages(chosen)
        if len(made) > 1:
            names = ", ".join(page.stem for page in made)
            raise BenchError(f"format html is one page, the records make {len(made)} ({names}); run: bench leaderboard")
        return html.page(made[0])
    if format not in export.FORMATS:
        raise unknown("format", format, [*export.FORMATS, "html"])
    return export.FORMATS[format](boards(chosen))


def _rendered(
    records: Iterable[Record], boards_dir: Path, reports_dir: Path, collections: Sequence[str] | None
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
            content[boards_dir / f"{page.stem}.md"] = markdown.render_page(page, f"{here}/{page.stem}.html")
            content[reports_dir / f"{page.stem}.html"] = html.page(page)
    if made:
        content[boards_dir / INDEX] = markdown.render_index(made, here)
    return content
