"""Every command and example of the manual, carried out as it stands, on small collections and budgets."""

import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import films
import numpy as np
import pytest
from pages import DOCS, entered, play, read, small
from PIL import Image
from test_records import sample_record

from bench import crew, records
from bench.data import collections
from bench.metrics import suite
from bench.predictions import write_predictions
from bench.report import html, sections
from bench.report.content import pages
from bench.shelf import Shelf
from bench.types import Track

ROOT = DOCS.parent
PAGES = ("read-a-board.md", "your-own-series.md", "reproduce-a-row.md", "extend.md")


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with small():
        yield


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with an environment, the examples and some committed records; the reader's own folders lie beside it."""
    folder = tmp_path / "clone"
    activate = folder / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text("export ACTIVATED=yes\n")
    shutil.copytree(DOCS / "examples", folder / "docs" / "examples")
    (folder / "leaderboards" / "records").mkdir(parents=True)
    for path in ROOT.glob("leaderboards/records/procedural-v1-64px.cartoon.test.gray.fu2017-convnet@cartoon.s?.json"):
        shutil.copy(path, folder / "leaderboards" / "records")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BENCH_RECORDS", raising=False)
    return entered(folder, monkeypatch)


def indented(page: Path) -> list[str]:
    """The indented blocks of a page."""
    return [
        re.sub(r"^    ", "", text, flags=re.M)
        for text in re.findall(r"(?:\A|\n\n)((?: {4}.*\n)+)", page.read_text(encoding="utf-8"))
    ]


def set_out(page: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Carry out, in the clone, what a page begins with; returns the folder in which its reader then stands."""
    (block,) = [text for text in indented(page) if "activate" in text]
    done = subprocess.run(
        ["bash", "-e", "-c", f'{block}echo "$ACTIVATED $PWD"'], capture_output=True, text=True, check=True
    )
    activated, where = done.stdout.split()
    assert activated == "yes"
    monkeypatch.chdir(where)
    return Path(where)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shell(page: str) -> list[str]:
    return [text for kind, text in read(page) if kind == "sh"]


def episodes(folder: Path, count: int, shots: int, frames: int) -> None:
    """Films of their own scenes, in a folder."""
    for episode in range(count):
        made = [frame for shot in range(shots) for frame in films.shot(100 * episode + shot, frames)]
        films.film(folder / f"{episode}.mp4", made)


def test_a_row_is_made_again_beside_the_committed_ones_and_a_board_read(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = contents(clone)
    assert sum(name.endswith(".json") for name in committed) == 3
    here = set_out(DOCS / "reproduce-a-row.md", monkeypatch)
    (again,) = shell("reproduce-a-row.md")
    printed = play(again)
    (record,) = records.read_all(here / "leaderboards/records")
    assert record.entry.name == "fu2017-convnet@cartoon"
    assert record.file_name in {Path(name).name for name in committed}
    assert record.command in again, "the page gives another command than the record"
    assert "fu2017-convnet@cartoon" in printed
    assert "×" not in printed, "it was averaged with the committed seeds"
    assert contents(clone) == committed
    # What the other page reads: a second entry, and the references.
    play("bench train-baselines --model fu2017-cgan --mix cartoon --size 64 --budget small")
    play("bench evaluate --domain cartoon --size 64 --model all --track gray")
    before = {name: text for name, text in contents(here).items() if not name.startswith(".bench")}
    prints, compares, recommends, claims = shell("read-a-board.md")
    assert "gray-copy" in play(prints)
    assert "fu2017-cgan@cartoon" in play(compares)
    assert "fu2017" in play(recommends)
    assert "fu2017-gan-over-convnet" in play(claims)
    assert {name: text for name, text in contents(here).items() if not name.startswith(".bench")} == before


def test_films_become_a_board(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = contents(clone)
    here = set_out(DOCS / "your-own-series.md", monkeypatch)
    episodes(here / "episodes", count=6, shots=4, frames=24)
    (commands,) = shell("your-own-series.md")
    printed = play(commands)
    assert "fu2017-cgan@anime" in printed
    assert "gray-copy" in printed
    assert contents(clone) == committed
    play("bench evaluate --collection my-show --domain anime --model gray-copy --save-predictions")
    assert {path.parent.parent for path in here.rglob("*.png") if "gray-copy" in path.parent.name} == {
        here / ".bench/predictions"
    }


@pytest.mark.slow
def test_the_readers_own_series_on_the_first_page(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README's block, at 32 px and with one training after another, where the small budget holds."""
    committed = contents(clone)
    monkeypatch.setattr(crew, "workers_for", lambda *given: 1)
    here = set_out(ROOT / "README.md", monkeypatch)
    home = here.parent
    episodes(home / "episodes", count=6, shots=10, frames=60)
    (block,) = [text for text in indented(ROOT / "README.md") if "my-show" in text]
    printed = []
    for line in block.replace("~", str(home)).splitlines():
        if "--predictions" in line or "submission" in line:
            gray = Track("gray")
            shelf = Shelf(here / ".bench", "my-show")
            for split in ("test", "series"):
                if shelf.has("anime", split, gray):
                    images = shelf.load("anime", split, gray)
                    gone = np.repeat(images.conditions[..., None], 3, axis=-1)
                    write_predictions(home / "out" / split, images, gone)
        small_one = line.replace(" data add ", " data add --size 32 ")
        printed.append(play(small_one))
    assert "my-model" in "".join(printed)
    assert (here / "reports/my-show-32px.html").is_file()
    assert contents(clone) == committed


def test_every_way_in_is_by_a_folder_of_ones_own(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for page in ("your-own-series.md", "your-own-model.md", "reproduce-a-row.md", "../README.md"):
        monkeypatch.chdir(clone)
        assert set_out(DOCS / page, monkeypatch) == clone.parent / "colours", page
    assert Path("docs/examples/paint_folder.py").is_file()


def test_a_variable_names_the_folder_of_the_records(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records.write(clone.parent / "mine", sample_record("cgan@anime"))
    assert "cgan@anime" not in play("bench leaderboard --format text")
    monkeypatch.setenv("BENCH_RECORDS", str(clone.parent / "mine"))
    assert "cgan@anime" in play("bench leaderboard --format text")


@pytest.mark.parametrize(("track", "channels"), [("gray+hints", "RGBA"), ("lineart-sketch+reference", "RGB")])
def test_the_inputs_of_another_program(clone: Path, monkeypatch: pytest.MonkeyPatch, track: str, channels: str) -> None:
    """The example as it stands, for two tracks that tell more than the gray picture."""
    monkeypatch.setattr(collections, "PICTURES", 4)
    example = clone / "docs/examples/write_inputs.py"
    text = example.read_text(encoding="utf-8")
    assert text.count('parse("gray")') == 1
    example.write_text(text.replace('parse("gray")', f'parse("{track}")'), encoding="utf-8")
    runpy.run_path(str(example))
    images = Shelf(Path(".bench"), "procedural-v1", size=64).load("cartoon", "test", Track.parse(track))
    folder = Path("in/cartoon/test")
    more = ".hints.png" if images.hints is not None else ".palette.png"
    told = images.hints if images.hints is not None else images.palettes
    assert told is not None
    assert {path.name for path in folder.iterdir()} == {f"{id}{end}" for id in images.ids for end in (".png", more)}
    for row, id in enumerate(images.ids):
        np.testing.assert_array_equal(np.asarray(Image.open(folder / f"{id}.png")), images.conditions[row])
        shown = Image.open(folder / f"{id}{more}")
        assert shown.mode == channels
        np.testing.assert_array_equal(np.asarray(shown), told[row])


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


def test_every_file_that_a_page_names_is_there() -> None:
    root = DOCS.parent
    named = [
        name
        for page in (*DOCS.rglob("*.md"), *root.glob("*.md"), *(root / "reports").glob("*.md"))
        for name in re.findall(r"`((?:bench|baselines|tests|docs|reports)/[\w/.-]*)`", page.read_text(encoding="utf-8"))
    ]
    assert len(named) > 20
    assert not [name for name in named if not (root / name).exists()]
