"""Which entries were trained for how long: a section as `bench/report/sections/` holds them."""

from markupsafe import Markup

from bench.report.content import Page
from bench.report.section import Section


def body(page: Page) -> str:
    """A list of the trained entries and their seconds; empty, and left out, where nothing was trained."""
    seconds = {r.entry.name: r.training.seconds for r in page.records if r.training is not None}
    items = [Markup("<li>{}: {} s</li>").format(name, round(value)) for name, value in sorted(seconds.items())]
    return str(Markup("<ul>{}</ul>").format(Markup("").join(items))) if items else ""


SECTION = Section("hours", "Hours: how long each entry was trained", body)
