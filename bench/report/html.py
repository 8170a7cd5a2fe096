"""One collection at one size as one HTML file: no network, no font, no script from elsewhere."""

from dataclasses import replace

from markupsafe import Markup

from bench.report.content import Page
from bench.report.drawing import render
from bench.report.sections import SECTIONS, explorer

LARGEST = 8_000_000
"""Bytes of a page, pictures included: what a phone loads in a few seconds."""


def page(shown: Page, largest: int = LARGEST) -> str:
    """The HTML document, a pure function of the page's boards and gallery.

    Args:
        shown: what it shows.
        largest: bytes that it should not have more of. Then as many of the gallery's entries are shown as fit, and the
            page says how many are not; what is no picture is never left out.
    """
    bodies = [(section, section.body(shown).strip()) for section in SECTIONS]

    def document(players: int | None = None) -> str:
        """The page with so many of the gallery's entries; None for all."""
        light = shown
        if players is not None and shown.gallery is not None:
            light = replace(shown, gallery=shown.gallery.fewer(players))
        made = (
            (section, explorer.body(light).strip() if section is explorer.SECTION and light is not shown else body)
            for section, body in bodies
        )
        return render("page.html.j2", page=light, sections=[(one, Markup(body)) for one, body in made if body])

    whole = document()
    if shown.gallery is None or not shown.gallery.index.shown or _bytes(whole) <= largest:
        return whole
    # The most that fit, by halving: more entries never make a smaller page.
    fits, too_many = 0, shown.gallery.players
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _bytes(document(middle)) <= largest else (fits, middle)
    return document(fits)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))
