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


OPENED = """(most) => {
  for (const section of document.querySelectorAll("main > section")) {
    for (const kind of ["details.model", "figure", "article:not(:has(.shown))"]) {
      [...section.querySelectorAll(kind)].slice(most).forEach((one) => one.remove());
    }
  }
  for (const one of document.querySelectorAll("form[hidden], div.slicetrack[hidden]")) one.hidden = false;
  for (const one of document.querySelectorAll("details")) one.open = true;
  return [...document.querySelectorAll("main > section")].map((section) => section.id);
}"""
"""Opens what is left of every section after a few boxes of a kind."""

FEW_ROWS = """(most) => {
  for (const body of document.querySelectorAll("tbody")) [...body.rows].slice(most).forEach((row) => row.remove());
}"""
"""The rules look at each element together with all that may lie behind it: ten thousand rows that are alike take hours
and tell no more than four."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_what_a_committed_page_hides_until_asked(visit: Callable[..., Visit], name: str) -> None:
    seen = visit(REPORTS / name)
    seen.page.set_default_timeout(120_000)
    ids = seen.page.evaluate(OPENED, 4)
    seen.page.locator(".panel.shown .more table").wait_for()
    seen.page.locator("#slices .slicemap").last.wait_for()
    seen.page.evaluate(FEW_ROWS, 4)
    assert {"boards", "claims", "provenance"} <= set(ids)
    assert {id: broken for id in ids if (broken := seen.axe(f"#{id}"))} == {}
    assert seen.overflow() <= 0


def test_there_are_pages() -> None:
    assert len(PAGES) >= 3
