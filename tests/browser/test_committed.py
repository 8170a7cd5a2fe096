"""The committed pages as readers get them: no error, no request, no overflow, no rule of accessibility broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from conftest import PHONE, WIDE, Visit

REPORTS = Path(__file__).parents[2] / "reports"
PAGES = sorted(path.name for path in REPORTS.glob("*px.html"))


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page(visit: Callable[..., Visit], name: str, width: int, scheme: Literal["light", "dark"]) -> None:
    seen = visit(REPORTS / name, width=width, scheme=scheme)
    seen.page.set_default_timeout(180_000)
    assert seen.overflow() <= 0
    assert seen.axe() == []


def test_there_are_pages() -> None:
    assert len(PAGES) >= 3
