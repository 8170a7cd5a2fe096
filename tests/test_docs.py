"""Every command and example of the manual, carried out as it stands, on small collections and budgets."""

import importlib.util
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import films
import numpy as np
import pytest
from pages import DOCS, entered, play, read, small
from test_records import sample_record

from bench import records
from bench.metrics import suite
from bench.report import html, sections
from bench.report.content import pages

PAGES = ("read-a-board.md", "your-own-series.md", "reproduce-a-row.md", "extend.md")


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with small():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: their films."""
    folder = tmp_path_factory.mktemp("reader")
    for episode in range(6):
        frames = [frame for shot in range(4) for frame in films.shot(10 * episode + shot, 24)]
        films.film(folder / "episodes" / f"{episode}.mp4", frames)
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return entered(place, monkeypatch)


def shell(page: str) -> list[str]:
    return [text for kind, text in read(page) if kind == "sh"]


def test_a_row_is_made_again_and_a_board_read(here: Path) -> None:
    (again,) = shell("reproduce-a-row.md")
    play(again)
    (record,) = records.read_all(here / "leaderboards/records")
    assert record.entry.name == "fu2017-convnet@cartoon"
    assert record.command in again, "the page gives another command than the record"
    # What the other page reads: a second entry, and the references.
    play("bench train-baselines --model fu2017-cgan --mix cartoon --size 64")
    play("bench evaluate --domain cartoon --size 64 --model all --track gray")
    prints, compares, recommends, claims = shell("read-a-board.md")
    assert "gray-copy" in play(prints)
    assert "fu2017-cgan@cartoon" in play(compares)
    assert "fu2017" in play(recommends)
    assert "fu2017-gan-over-convnet" in play(claims)


def test_films_become_a_board(here: Path) -> None:
    (commands,) = shell("your-own-series.md")
    printed = play(commands)
    assert "fu2017-cgan@anime" in printed
    assert "gray-copy" in printed


def test_the_commands_of_extend() -> None:
    assert "pokemon" in play("".join(shell("extend.md")))


@pytest.mark.parametrize("page", PAGES)
def test_python_on_a_page_is_that_of_an_example(page: str) -> None:
    examples = [path.read_text(encoding="utf-8") for path in sorted((DOCS / "examples").glob("*.py"))]
    for kind, text in read(page):
        assert kind in ("sh", "python")
        assert kind == "sh" or any(text in example for example in examples)


def test_a_metric_that_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    added = runpy.run_path(str(DOCS / "examples" / "my_metric.py"))
    monkeypatch.setattr(suite, "_SCORERS", (*suite._SCORERS, added["tint"]))
    targets = np.full((2, 16, 16, 3), 100, np.uint8)
    predictions = targets + np.array([0, 30], np.uint8)[:, None, None, None]
    scores = suite.score(predictions, targets)
    np.testing.assert_allclose(scores[added["METRICS"][0].id], [0, 30])


def test_a_section_that_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    added = runpy.run_path(str(DOCS / "examples" / "my_section.py"))["SECTION"]
    monkeypatch.setattr(html, "SECTIONS", (*sections.SECTIONS, added))
    (page,) = pages([sample_record("fu2017-cgan@anime")])
    assert added.title in html.page(page)


def test_every_page_is_listed() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name == "README.md" or f"({page.name}" in index


def test_every_module_that_a_page_names_is_there() -> None:
    for page in PAGES:
        for path in re.findall(r"`((?:bench|baselines)/[\w/]+\.py)`", (DOCS / page).read_text(encoding="utf-8")):
            assert importlib.util.find_spec(path.removesuffix(".py").replace("/", ".")) is not None
