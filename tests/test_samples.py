"""Several colourings of each image: read strictly, scored under other names, never ranked with single answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from bench import records
from bench.cli import app
from bench.data import collections
from bench.data.loading import load
from bench.data.manifest import Item, Split
from bench.errors import BenchError
from bench.evaluate import Subject, evaluate
from bench.leaderboard import boards
from bench.metrics.samples import best_of
from bench.predictions import Place, Samples, Submission, Wanted, write_predictions
from bench.scoring import Scorer
from bench.types import Entry, Images, Track

COUNT, SIDE = 5, 16
IDS = tuple(f"i{place}" for place in range(COUNT))
RNG = np.random.default_rng(7)
TARGETS = RNG.integers(0, 256, (COUNT, SIDE, SIDE, 3)).astype(np.uint8)
IMAGES = Images(IDS, ("a", "a", "b", "b", "c"), TARGETS, TARGETS[..., 0])
DRAWN = RNG.integers(0, 256, (3, COUNT, SIDE, SIDE, 3)).astype(np.uint8)
PLACE: Place = ("anime", "test")
WANTED: dict[Place, Wanted] = {PLACE: Wanted.of(IMAGES)}
BEST, MEAN = "ciede2000-best-of-3", "ciede2000-mean-of-3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, pictures in enumerate(DRAWN):
        write_predictions(tmp_path / "drawn" / str(number), IMAGES, pictures)
    (tmp_path / "drawn" / ".DS_Store").write_bytes(b"")
    return tmp_path / "drawn"


@pytest.mark.parametrize("size", [1, 3, 6, 256])
def test_all_colourings_come_together_and_in_order(folder: Path, size: int) -> None:
    found, done = np.zeros_like(DRAWN), 0
    for rows, piece in Samples(folder, WANTED, 3).chunks(PLACE, size):
        assert rows.start == done
        assert piece.shape[:2] == (3, rows.stop - rows.start)
        found[:, rows], done = piece, rows.stop
    assert done == COUNT
    np.testing.assert_array_equal(found, DRAWN)


def test_every_fault_of_every_folder_is_named_at_once(folder: Path) -> None:
    (folder / "0" / "i3.png").unlink()
    (folder / "1" / "i0.png").write_bytes(b"\xff\xd8\xff")
    write_predictions(folder / "2", IMAGES.at(np.array([4])), np.zeros((1, 8, 8, 3), np.uint8))
    (folder / "2" / "other.png").write_bytes(b"")
    with pytest.raises(BenchError) as refused:
        list(Samples(folder, WANTED, 3).chunks(PLACE))
    for said in ("4 problems", "0/i3.png", "not PNG but JPEG 1/i0.png", "2/i4.png (8 x 8)", "unexpected 2/other.png"):
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (2, "unexpected 2"),
        (4, r"0 to 3 .*missing 3\."),
        (1, "2 to 100 samples of each image can be scored; got 1"),
        (101, "got 101"),
    ],
)
def test_there_are_as_many_folders_as_are_said(folder: Path, count: int, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        Samples(folder, WANTED, count)


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="missing 0, 1"):
        Samples(tmp_path / "nothing", WANTED, 2)


def by_group(values: np.ndarray) -> list[float]:
    groups = np.array(IMAGES.groups)
    return [float(values[groups == name].mean()) for name in sorted(set(IMAGES.groups))]


def test_the_first_is_scored_and_the_others_count_apart(folder: Path, tmp_path: Path) -> None:
    items = tuple(Item(id, "anime", "test", group, id, "0" * 64) for id, group in zip(IDS, IMAGES.groups, strict=True))
    split = Split(Path(), "toy", "anime", "test", SIDE, "none", items)

    def score(home: str, subject: Subject) -> records.Record:
        return evaluate(subject, split, IMAGES, "gray", Scorer(protocol_only=True), tmp_path / home, "bench evaluate")

    several, one = Samples(folder, WANTED, 3), Submission(folder / "0", WANTED)
    drawn = score("drawn", Subject(Entry("mine"), "submission", lambda _: several.chunks(PLACE, 6), samples=3))
    single = score("single", Subject(Entry("mine"), "submission", lambda _: one.chunks(PLACE)))
    expected = best_of(DRAWN, TARGETS)
    kept = pd.read_parquet(next((tmp_path / "drawn" / "scores").glob("*.parquet")))
    for id, values in expected.items():
        np.testing.assert_array_equal(kept[id], values)
    assert set(drawn.scores) - set(single.scores) == {BEST, MEAN}
    assert {id: drawn.scores[id] for id in single.scores} == single.scores
    assert drawn.scores[BEST].name == "CIEDE2000 best of 3"
    assert "best-of-3-samples" in drawn.scores[BEST].signature
    assert drawn.scores[BEST].value == pytest.approx(np.mean(by_group(expected[BEST])))
    assert drawn.groups == single.groups
    assert drawn.means["diversity-of-3"] == pytest.approx(by_group(expected["diversity-of-3"]), rel=1e-5)
    assert "scored by the first of 3 samples" in drawn.flags
    assert "scored by the first of 3 samples" not in single.flags


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(collections, "SERIES", 6)
    monkeypatch.setattr(collections, "PICTURES", 8)
    return tmp_path / "home"


def bench(home: Path, *words: str) -> Result:
    places = ["--home", str(home), "--records", str(home / "records")]
    words = ("evaluate", "--domain", "cartoon", "--split", "test", "--size", "32", "--device", "cpu", *words)
    return CliRunner().invoke(app, [*words, *places])


@pytest.mark.slow
def test_from_the_command_line_to_a_board(home: Path, tmp_path: Path) -> None:
    images = load(collections.open_collection(home, "procedural-v1", 32).split("cartoon", "test"), Track("gray"))
    for number, shift in enumerate((0, 40)):  # the second is far off, the first a fair answer to be ranked by
        painted = np.clip(images.targets.astype(int) + 9 + shift, 0, 255).astype(np.uint8)
        write_predictions(tmp_path / "drawn" / str(number) / "cartoon" / "test", images, painted)
    given = ("--predictions", str(tmp_path / "drawn"), "--name", "painter", "--samples", "2")
    for words in (given, ("--predictions", str(tmp_path / "drawn" / "1"), "--name", "far-off")):
        result = bench(home, *words)
        assert result.exit_code == 0, result.output
    made = records.read_all(home / "records")
    assert {record.entry.name: "ciede2000-best-of-2" in record.scores for record in made} == {
        "painter": True,
        "far-off": False,
    }
    assert next(record for record in made if record.entry.name == "painter").command.count("--samples 2") == 1
    [board] = boards(made)
    table = board.tables[0]
    assert "ciede2000-best-of-2" in {column.id for column in table.more}
    first, second = table.rows
    assert (first.entry, second.entry) == ("painter", "far-off")
    assert "ciede2000-best-of-2" not in second.cells
    # What a single answer is ranked by is sample 0's alone.
    assert first.cells["ciede2000"].value == first.cells["ciede2000-best-of-2"].value
    answers = [row.cells["ciede2000"].value or 0.0 for row in (first, second)]
    assert first.cells["ciede2000-mean-of-2"].value == pytest.approx(np.mean(answers))
    assert answers[0] < answers[1]


@pytest.mark.parametrize("words", [("--model", "gray-copy"), ("--predictions", "x", "--name", "y", "--watch", "5")])
def test_samples_are_of_predictions_that_are_there(home: Path, words: tuple[str, ...]) -> None:
    result = bench(home, *words, "--samples", "2")
    assert result.exit_code == 2
    assert "--samples needs --predictions that are all there" in result.stderr
