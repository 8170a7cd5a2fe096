"""Section: the ranked tables, a board for each domain and track."""

from bench.report.content import Page
from bench.report.drawing import render
from bench.report.numbers import packed
from bench.report.section import Section


def body(page: Page) -> str:
    return render("boards.html.j2", page=page, numbers=packed(page.boards))


SECTION = Section("boards", "Leaderboards", body)
