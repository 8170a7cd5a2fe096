"""A part of the page, and the parts of which it is made."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.report.content import Page


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: its anchor; `templates/<id>.css` and `templates/<id>.js`, where they exist, go into the page with it.
        title: its heading; what stands before a colon names it in the navigation.
        body: makes its HTML, a pure function of the page; empty: the section is left out.
    """

    id: str
    title: str
    body: Callable[[Page], str]
