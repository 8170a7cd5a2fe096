"""Section: who made the pictures of the published collection, and under which licence."""

from bench.data import open_v1
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section


def body(page: Page) -> str:
    return render("credits.html.j2", credits=open_v1.credits()) if page.collection == open_v1.NAME else ""


SECTION = Section("credits", "Credits: who made the pictures", body)
