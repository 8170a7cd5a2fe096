"""One collection at one size as one HTML file: no network, no font, no script from elsewhere."""

from markupsafe import Markup

from bench.report.content import Page
from bench.report.drawing import render
from bench.report.sections import SECTIONS


def page(shown: Page) -> str:
    """The HTML document, a pure function of the page's boards."""
    sections = [(section, body) for section in SECTIONS if (body := section.body(shown).strip())]
    return render("page.html.j2", page=shown, sections=[(section, Markup(body)) for section, body in sections])
