"""The study: what it trains, and that one command makes data, trainings, evaluations, galleries and pages."""

import socket
from pathlib import Path
from typing import get_args

import pytest
import torch
from test_records import sample_record
from typer.testing import CliRunner

import baselines
from bench import gallery, records, report, study
from bench.cli import app
from bench.cli.terminal import Size
from bench.data import collections
from bench.errors import BenchError
from bench.gallery import making
from bench.parts import COLLECTIONS, GRAY, PARTS, SEEDS, Part
from bench.shelf import Shelf
from bench.types import BUDGETS, Budget, Track

RECORDS = Path(__file__).parents[1] / "leaderboards" / "records"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small procedural-v1, a small budget, one part, in a folder of one's own."""
    monkeypatch.setattr(collections, "SERIES", 10)
    monkeypatch.setattr(collections, "PICTURES", 32)
    for name in ("smoke", "small"):
        monkeypatch.setitem(BUDGETS, name, Budget(name, images=32, width=0.25, batch_size=8))
    monkeypatch.chdir(tmp_path)
    for name in ("BENCH_HOME", "BENCH_RECORDS"):
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(1)
    return tmp_path


def test_every_model_of_the_papers_is_in_the_study() -> None:
    trained = {name for name in baselines.names() if hasattr(baselines.load(name), "RECIPE")}
    assert {model for part in PARTS for model in part.models} == trained


def test_every_part_can_be_trained() -> None:
    for part in PARTS:
        for model in part.models:
            assert part.track in baselines.load(model).TRACKS


def test_the_automatic_gray_track_has_three_seeds() -> None:
    found = study.plan("procedural-v1")
    gray = {(one.entry.name, one.seed) for one in found if one.track == Track("gray")}
    assert len(SEEDS) == 3
    assert gray >= {(f"{model}@mixed", seed) for model in GRAY for seed in SEEDS}
    assert ("camizan2023-resnet34@cartoon+live-action", 2) in gray
    assert [one.seed for one in found] == sorted(one.seed for one in found), "every first seed before any second"
    assert len(set(found)) == len(found), "no training twice"


@pytest.mark.slow
def test_a_plan_is_what_is_trained(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "PICTURES", 8)
    todo = study.jobs(baselines, Shelf(small / ".bench", "procedural-v1", 32))
    planned = study.plan("procedural-v1")
    assert {(one.entry, one.track, one.seed, one.budget.name) for one in todo} == set(planned)
    assert {one.budget for one in planned} == {"smoke", "small"}
    assert {one.budget for one in study.plan("procedural-v1", "smoke")} == {"smoke"}
    assert len({one.folder(small) for one in todo}) == len(todo) == len(planned), "no training twice"
    assert [one.seed for one in todo] == [one.seed for one in planned]


def test_clips_are_planned_for_the_domains_that_have_them() -> None:
    """Open-v1 has films of two domains only; its committed records say which."""
    planned = {one.entry.mix.name for one in study.plan("open-v1") if one.track.temporal and one.entry.mix}
    assert planned == {path.name.split(".")[1] for path in RECORDS.glob("open-v1-64px.*+previous*")}


@pytest.mark.slow
def test_one_command_makes_everything(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "PARTS", (Part(("fu2017-convnet",), mixes=("cartoon",), seeds=(0, 1)),))
    other = "train-baselines --collection procedural-v1 --size 64 --workers 1 --model fu2017-convnet --mix cartoon"
    assert CliRunner().invoke(app, [*other.split(), "--budget", "small"]).exit_code == 0
    words = ["study", "--collection", "procedural-v1", "--size", "64", "--workers", "1"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    made = records.read_all(small / "leaderboards/records")
    assert {r.seed for r in made if r.entry.name == "fu2017-convnet@cartoon"} == {0, 1}
    assert {r.training.budget for r in made if r.training} == {"smoke"}, "whatever else is trained there"
    assert {r.split.collection for r in made} == {"procedural-v1", "procedural-v1-slices"}
    assert (small / "leaderboards/gallery/procedural-v1-64px.zip").is_file()
    page = (small / "reports/procedural-v1-64px.html").read_text(encoding="utf-8")
    assert "bench study --collection procedural-v1 --size 64 --budget smoke" in page, "the real study has it at another"
    assert CliRunner().invoke(app, words).exit_code == 0


def test_galleries_of_other_collections_are_left_alone(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for collection, size in (
        ("procedural-v1", 64),
        ("procedural-v1-slices", 64),
        ("procedural-v1", 96),
        ("open-v1", 64),
    ):
        records.write(small / "leaderboards/records", sample_record(collection=collection, size=size))
    made: list[tuple[str, int]] = []
    monkeypatch.setattr(study, "run", lambda *given: None)
    monkeypatch.setattr(making, "make", lambda found, name, size, *given: made.append((name, size)))
    monkeypatch.setattr(gallery, "write", lambda folder, made: folder)
    monkeypatch.setattr(report, "render", lambda *given: [])
    result = CliRunner().invoke(app, ["study", "--collection", "procedural-v1", "--size", "64"])
    assert result.exit_code == 0, result.output
    assert made == [("procedural-v1", 64), ("procedural-v1-slices", 64)]


def test_a_part_knows_its_trainings() -> None:
    part = Part(("cgan",), "lineart-sketch", seeds=(0, 1), on=("open-v1",))
    assert part.holds("open-v1", "cgan", "mixed", "lineart-sketch", 1)
    assert part.holds("open-v1", "cgan", "manga", "lineart-sketch", 0)
    for other in (
        ("procedural-v1", "cgan", "mixed", "lineart-sketch", 1),
        ("open-v1", "dcgan", "mixed", "lineart-sketch", 0),
        ("open-v1", "cgan", "cartoon+manga", "lineart-sketch", 0),
        ("open-v1", "cgan", "mixed", "gray", 0),
        ("open-v1", "cgan", "mixed", "lineart-sketch", 2),
    ):
        assert not part.holds(*other)


def test_a_part_holds_what_is_planned() -> None:
    for collection in COLLECTIONS:
        for one in study.plan(collection):
            assert one.entry.mix is not None
            what = collection, one.entry.model, one.entry.mix.name, one.track.name, one.seed
            assert {one.budget} == {part.budget(collection) for part in PARTS if part.holds(*what)}


def test_a_plan_opens_and_fetches_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both collections, on a machine that has neither and no network."""
    monkeypatch.setattr(socket, "socket", lambda *given, **more: pytest.fail("the network was asked"))
    result = CliRunner().invoke(app, ["study", "--plan", "--size", "64"])
    assert result.exit_code == 0, result.output
    said = result.output.splitlines()
    for name in COLLECTIONS:
        assert f"{name}: {len(study.plan(name))} trainings" in said
    assert said.count("  fu2017-cgan@anime gray seed 2: small, 32 images") == 1
    assert said.count("  fu2017-cgan@anime gray seed 2: smoke, 32 images") == 1
    assert said.count("  tcvc2019@anime gray+previous seed 0: smoke, 32 images") == 1, "open-v1 has no films of anime"
    assert not any(small.iterdir())


def test_the_command_line_takes_the_sizes_that_collections_take(tmp_path: Path) -> None:
    option = get_args(Size)[1]
    assert (option.min, option.max) == (collections.LEAST_SIDE, collections.MOST_SIDE)
    with pytest.raises(BenchError, match="choose 512 or less"):
        collections.open_collection(tmp_path, "procedural-v1", 513)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--collection", "open-v2"], "unknown collection of the study"),
        (["--budget", "big"], "unknown budget"),
        (["--collection", "procedural-v1", "--mirror", "x"], "--mirror holds the files of open-v1"),
    ],
)
def test_what_cannot_be_is_one_line(small: Path, words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["study", *words])
    assert result.exit_code == 2
    assert said in result.output
