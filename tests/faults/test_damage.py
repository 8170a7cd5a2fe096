"""Files that were cut short, or with one bit turned: named in one line or made again, never used in silence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_evaluate import IMAGES, SPLIT, TARGETS, Painter, of, score
from test_train import SPLITS, job, run

import bench.train
from bench.errors import BenchError
from bench.evaluate import split_facts
from bench.features.store import known
from bench.predictions import Origin, find
from bench.train import FACTS, WEIGHTS, load, read_facts

ROUNDS = 24


def damages(content: bytes, seed: int) -> list[bytes]:
    """The same file cut short, and with a bit turned, at many places."""
    rng = np.random.default_rng(seed)
    made = [content[: int(place)] for place in rng.integers(0, len(content), ROUNDS // 3)]
    for place, bit in zip(rng.integers(0, len(content), ROUNDS), rng.integers(0, 8, ROUNDS), strict=True):
        turned = bytearray(content)
        turned[place] ^= 1 << bit
        made.append(bytes(turned))
    return made


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training that was stopped after a checkpoint."""
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(bench.train, "LOG_STEPS", 3)

    def stop(facts: dict[str, Any]) -> None:
        if facts["step"] == 37:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", report=stop)
    return job().folder(tmp_path / "cut")


@pytest.mark.slow
def test_a_damaged_checkpoint_is_never_gone_on_from(cut: Path, tmp_path: Path) -> None:
    whole = (run(tmp_path / "whole") / WEIGHTS).read_bytes()
    home = cut.parents[5]
    said: list[str] = []
    for name in ("state.json", "step-*.safetensors", "best-*.safetensors"):
        (path,) = cut.glob(name)
        sound = path.read_bytes()
        for content in damages(sound, len(name)):
            spare = tmp_path / "spare"
            shutil.copytree(home, spare)
            (job().folder(spare) / path.name).write_bytes(content)
            try:
                folder = run(spare)
            except BenchError as error:
                said.append(str(error))
            else:  # a bit that says nothing, such as a space of the JSON
                assert (folder / WEIGHTS).read_bytes() == whole
            shutil.rmtree(spare)
    assert len(said) > 2.5 * ROUNDS
    assert all("delete" in line and "\n" not in line for line in said)


def test_a_damaged_training_is_never_evaluated(tmp_path: Path) -> None:
    folder = run(tmp_path)
    facts = read_facts(job(), SPLITS, tmp_path)
    said: list[str] = []
    for path in (folder / FACTS, folder / WEIGHTS):
        sound = path.read_bytes()
        for content in damages(sound, 5):
            path.write_bytes(content)
            try:
                _, found = load(job(), SPLITS, tmp_path, torch.device("cpu"))
            except BenchError as error:
                said.append(str(error))
            else:
                assert {key: found.get(key) for key in facts if key != "digest"} == {
                    key: value for key, value in facts.items() if key != "digest"
                }
        path.write_bytes(sound)
    assert len(said) > 2.2 * ROUNDS
    assert not any("\n" in line for line in said)


def test_damaged_predictions_are_painted_again(tmp_path: Path) -> None:
    painter = Painter()
    first = score(tmp_path, of(painter))
    (path,) = (tmp_path / "predictions").glob("*.kept")
    sound, painted = path.read_bytes(), 0
    origin = Origin(split_facts(SPLIT, IMAGES).digest, "gray", "")
    assert find(tmp_path, path.stem, origin, IMAGES.ids, (9, 32, 32, 3)) is None, "of another model"
    for content in damages(sound, 7)[:12]:
        path.write_bytes(content)
        before = painter.runs
        assert score(tmp_path, of(painter)).scores == first.scores
        painted += painter.runs - before
    assert painted > 6


def spoil(path: Path, read: Callable[[], bool]) -> None:
    """Whatever is wrong with a file that is only a copy, what is read is right."""
    sound = path.read_bytes()
    for content in damages(sound, 9):
        path.write_bytes(content)
        assert read()


def test_damaged_features_are_made_again(tmp_path: Path) -> None:
    class Means:
        definition = "means"

        def __call__(self, images: np.ndarray) -> np.ndarray:
            return images.mean((1, 2)).astype(np.float32)

    first = known("d" * 8, TARGETS, Means(), tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    spoil(path, lambda: bool((known("d" * 8, TARGETS, Means(), tmp_path).features == first.features).all()))
