"""One evaluation: what is kept, so that a metric that changes does not run a model again, and what never is."""

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd
import pytest
import torch

import baselines
import bench.evaluate
from bench import conditions, grid, guidance, playing
from bench.data.manifest import Item, Split
from bench.device import Machine
from bench.errors import BenchError
from bench.evaluate import Subject, _flags, evaluate, painted
from bench.features import Inception
from bench.predictions.store import code
from bench.records import Record
from bench.scoring import Scorer
from bench.shelf import Shelf
from bench.types import BUDGETS, Entry, Images, Mix, Track

RNG = np.random.default_rng(3)
TARGETS = RNG.integers(0, 256, (9, 8, 8, 3)).astype(np.uint8).repeat(4, 1).repeat(4, 2)
IMAGES = Images(
    tuple(f"i{place}" for place in range(9)), tuple(f"g{place % 3}" for place in range(9)), TARGETS, TARGETS[..., 0]
)
SPLIT = Split(
    Path(), "toy", "anime", "test", 32, "none",
    tuple(Item(id, "anime", "test", group, id, "0" * 64) for id, group in zip(IMAGES.ids, IMAGES.groups, strict=True)),
)  # fmt: skip


class Painter:
    """Counts how often it runs."""

    def __init__(self, shift: int = 9):
        self.runs, self.shift = 0, shift

    def __call__(self, images: Images) -> np.ndarray:
        self.runs += 1
        return np.clip(images.targets.astype(int) + self.shift, 0, 255).astype(np.uint8)


def score(home: Path, subject: Subject, **more: bool):
    return evaluate(subject, SPLIT, IMAGES, "gray", Scorer(), home, "bench evaluate", **more)


def of(painter: Painter, digest: str = "a" * 64, kind: Literal["reference", "submission"] = "submission") -> Subject:
    return Subject(Entry("mine"), kind, painted(painter), digest=digest)


def test_what_is_kept_is_scored_again_without_the_model(tmp_path: Path) -> None:
    painter = Painter()
    first = score(tmp_path, of(painter))
    again = score(tmp_path, of(painter))
    assert painter.runs == 1
    assert again.scores == first.scores
    assert again.groups == first.groups
    # What it cost when it ran is remembered, not measured on reading a file.
    assert again.cost == first.cost
    assert first.cost.images_per_second is not None
    score(tmp_path, of(painter), repaint=True)
    assert painter.runs == 2


def test_painted_in_pieces_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(tmp_path / "whole", of(Painter()))
    monkeypatch.setattr(bench.evaluate, "PIECE", 2 * 32 * 32)
    painter = Painter()
    made = score(tmp_path / "pieces", of(painter))
    assert painter.runs == 5
    assert made.scores == whole.scores
    assert score(tmp_path / "pieces", of(painter)).scores == whole.scores
    assert painter.runs == 5
    # What is told the palette of another image is painted together with it.
    told = replace(IMAGES, palettes=np.zeros((9, 4, 4, 3), np.uint8))
    assert [rows for rows, _ in painted(painter)(told)] == [slice(0, 9)]


def test_what_was_painted_under_other_rules_is_painted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter()
    score(tmp_path, of(painter))
    for runs, rules in enumerate((conditions, guidance), 2):
        monkeypatch.setattr(rules, "VERSION", rules.VERSION + 1)
        for _ in range(2):
            score(tmp_path, of(painter))
        assert painter.runs == runs


def test_what_other_code_painted_is_painted_anew_but_not_what_another_release_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter, model = Painter(), tmp_path / "toy_painter.py"
    monkeypatch.syspath_prepend(tmp_path)

    def runs(text: str) -> int:
        model.write_text(text)
        code.cache_clear()
        score(tmp_path / "home", replace(of(painter), modules=("toy_painter",)))
        return painter.runs

    assert runs("SHIFT = 9") == 1
    monkeypatch.setattr(bench.evaluate, "version", lambda name: "9.9.9")
    monkeypatch.setattr(bench, "__version__", "9.9.9")
    assert runs("SHIFT = 9  # as ever") == 1
    assert runs("SHIFT = 8") == 2
    # The harness's own part counts too.
    monkeypatch.setattr(bench.evaluate, "PAINTING", bench.evaluate.PAINTING[1:])
    assert runs("SHIFT = 8") == 3


def test_a_trained_subject_names_the_module_of_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track, machine = Track("gray"), Machine("cpu")
    shelf = Shelf(tmp_path, "procedural-v1", 64)
    one = grid.job(baselines, shelf, Entry.parse("cgan@anime", baselines.names()), track, BUDGETS["smoke"], 0)
    monkeypatch.setattr(playing, "load", lambda *_: (None, {"weights_sha256": "a" * 64}))
    monkeypatch.setattr(playing, "split_keys", lambda *_: [])
    subject = playing.subjects(baselines, playing.Runnable(one.entry, one), shelf, [], track, machine)("anime", "test")
    assert subject.modules == ("baselines.cgan",)


def test_what_breaks_off_while_it_scores_is_not_painted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter()

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Scorer, "images", cut)
        with pytest.raises(KeyboardInterrupt):
            score(tmp_path, of(painter))
    score(tmp_path, of(painter))
    assert painter.runs == 1


def test_memory_does_not_grow_with_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of targets that lie in a file, as those of a collection do."""
    monkeypatch.setattr(bench.evaluate, "PIECE", 64 * 32 * 32)

    def peak(count: int) -> int:
        targets = np.lib.format.open_memmap(tmp_path / f"{count}.npy", "w+", np.uint8, (count, 32, 32, 3))
        targets[:] = TARGETS[np.arange(count) % 9]
        ids = tuple(f"i{place}" for place in range(count))
        images = Images(ids, tuple(f"g{place % 3}" for place in range(count)), targets, targets[..., 0])
        items = tuple(Item(id, "anime", "test", "g", id, "0" * 64) for id in ids)
        split = Split(Path(), "toy", "anime", "test", 32, "none", items)
        tracemalloc.start()
        evaluate(of(Painter()), split, images, "gray", Scorer(protocol_only=True), tmp_path / "home", "bench evaluate")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(64)  # what is loaded once
    few, many = peak(256), peak(2048)
    assert many - few < 0.5 * (2048 - 256) * 32 * 32 * 3


def test_other_weights_are_never_served_from_what_is_kept(tmp_path: Path) -> None:
    score(tmp_path, of(Painter()))
    other = Painter(30)
    record = score(tmp_path, of(other, digest="b" * 64))
    assert other.runs == 1
    assert record.scores["l1"].value == pytest.approx(
        np.abs(np.clip(TARGETS.astype(int) + 30, 0, 255) - TARGETS).mean()
    )


def test_references_and_pictures_are_not_kept(tmp_path: Path) -> None:
    painter = Painter()
    for _ in range(2):
        score(tmp_path, of(painter, digest="", kind="reference"))
    assert painter.runs == 2

    def pieces(images: Images) -> Iterator[tuple[slice, np.ndarray]]:
        whole = Painter()(images)
        yield slice(0, 4), whole[:4]
        yield slice(4, 9), whole[4:]

    given = score(tmp_path, Subject(Entry("theirs"), "submission", pieces))
    assert given.cost.images_per_second is None
    assert "device" not in given.machine
    assert {id: s.value for id, s in given.scores.items()} == {
        id: s.value for id, s in score(tmp_path, of(Painter())).scores.items()
    }


def test_intervals_stay_within_what_is_possible(tmp_path: Path) -> None:
    record = score(tmp_path, of(Painter()))
    share = record.scores["ciede2000-over-2.3"]
    assert share.low is not None
    assert share.high is not None
    assert 0 <= share.low <= share.high <= 1
    assert record.scores["fd-chroma"].value is not None
    assert "FD-chroma under 256 images" in record.flags


def test_a_gpu_looks_at_pictures_while_the_rest_is_done(tmp_path: Path) -> None:
    """What extractors say piece by piece, in another thread, becomes the numbers that they say of the whole."""

    class Far:
        definition, device = "far", torch.device("cuda")

        def __init__(self) -> None:
            self.threads: list[int] = []

        def __call__(self, images: np.ndarray) -> np.ndarray:
            self.threads.append(threading.get_ident())
            return images.reshape(len(images), -1)[:, :6].astype(np.float32)

    def score_by(device: str) -> tuple[Far, Record]:
        far = Far()
        far.device = torch.device(device)

        def pieces(images: Images) -> Iterator[tuple[slice, np.ndarray]]:
            whole = Painter()(images)
            yield slice(0, 4), whole[:4]
            yield slice(4, 9), whole[4:]

        subject = Subject(Entry("theirs"), "submission", pieces)
        scorer = Scorer(cast(Inception, far), protocol_only=True)
        return far, evaluate(subject, SPLIT, IMAGES, "gray", scorer, tmp_path, "bench evaluate")

    near, expected = score_by("cpu")
    far, found = score_by("cuda")
    assert found.scores == expected.scores
    assert found.scores["fid"].value is not None
    here = threading.get_ident()
    assert set(near.threads) == {here}
    assert [thread == here for thread in far.threads] == [False, False, True]  # the targets last


def test_predictions_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="must be uint8 of shape"):
        score(tmp_path, Subject(Entry("a", Mix(("anime",))), "reference", painted(lambda images: images.targets[:3])))


@pytest.mark.parametrize(("length", "flag"), [(1, "images"), (8, "clips")])
def test_a_clip_counts_once_however_many_frames_it_has(length: int, flag: str) -> None:
    def flags(count: int) -> list[str]:
        size = count * length
        frames = tuple(range(length)) * count if length > 1 else None
        pictures = np.zeros((size, 8, 8, 3), np.uint8)
        images = Images(tuple(map(str, range(size))), ("g",) * size, pictures, pictures[..., 0], frames=frames)
        split = replace(SPLIT, domain_images=150 * length)
        return _flags(of(Painter()), split, images, ())

    assert flags(49) == [f"fewer than 50 {flag}", f"small domain: 150 {flag} in all splits"]
    assert flags(50) == [f"small domain: 150 {flag} in all splits"]


def test_group_means_are_those_of_the_values_an_image(tmp_path: Path) -> None:
    record = score(tmp_path, of(Painter()))
    table = pd.read_parquet(next((tmp_path / "scores").glob("*.parquet")))
    for id in ("ssim", "colourfulness-shift"):
        expected = [table[id][table["group"] == group].mean() for group in sorted(record.groups)]
        np.testing.assert_allclose(np.array(record.means[id], float), expected, rtol=1e-5)
