"""Checkpoints that were exchanged, cut, forged or made to run code: one line each, and nothing in them is executed."""

import csv
import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import bench.train
from baselines._colorizer import Judge, RgbColorizer
from bench.checkpoint import STATE, STATE_KEYS
from bench.device import Machine
from bench.errors import BenchError
from bench.files import sha256
from bench.job import Job
from bench.train import FACTS, WEIGHTS, load, train
from bench.types import Adam, Batch, Budget, Entry, Images, Mix, Recipe, Stage, Track

SIZE = 16
CPU = Machine("cpu", precision="32-true")
SPLITS = ["toy/cartoon/train:0"]
State = dict[str, Tensor]


class Tiny(RgbColorizer):
    """One convolution against a one-layer judge."""

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        losses = {"l1": (fake - y).abs().mean()}
        return losses if judge is None else losses | {"gan": -judge(torch.cat([x, fake], 1)).mean()}

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return {"gan": judge(torch.cat([x, fake], 1)).mean() - judge(torch.cat([x, y], 1)).mean()}


def build(size: int, width: float, weights: Path | None = None) -> Tiny:
    generator = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1), nn.Tanh())
    return Tiny(generator, nn.Sequential(nn.Conv2d(4, 1, 4, 2, 1), nn.Tanh()))


def images(count: int, seed: int) -> Images:
    gray = np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE), dtype=np.uint8)
    ids = tuple(f"i{seed}-{k}" for k in range(count))
    return Images(ids, ids, np.stack([gray, gray // 2, 255 - gray], -1), gray)


JOB = Job(
    entry=Entry("tiny", Mix(("cartoon",))),
    build=build,
    recipe=Recipe(4, 80, (Stage("l1", 0.5, Adam(1e-2)), Stage("gan", 0.5, Adam(1e-3), Adam(1e-3)))),
    track=Track("gray"),
    budget=Budget("smoke", images=80, width=1.0, batch_size=4),
    seed=0,
    size=SIZE,
    collection="toy",
)
DATA, VALIDATION = {"cartoon": images(6, 1)}, {"cartoon": images(2, 2)}


def run(home: Path, one: Job = JOB, stop_at: int | None = None) -> Path:
    def report(facts: dict[str, Any]) -> None:
        if facts["step"] == stop_at:
            raise KeyboardInterrupt

    return train(one, DATA, VALIDATION, SPLITS, home, CPU, report)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One finished training, and one that was cut in its last stage."""
    finished, cut = tmp_path_factory.mktemp("finished"), tmp_path_factory.mktemp("cut")
    run(finished)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(KeyboardInterrupt):
            run(cut, stop_at=17)
    return finished, cut


@pytest.fixture
def finished(homes: tuple[Path, Path], tmp_path: Path) -> Path:
    shutil.copytree(homes[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def cut(homes: tuple[Path, Path], tmp_path: Path) -> Path:
    shutil.copytree(homes[1], tmp_path, dirs_exist_ok=True)
    return tmp_path


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.place),)


def pickled(path: Path, place: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb(place)))


def torch_saved(path: Path, place: Path) -> None:
    torch.save({"0.weight": Bomb(place)}, path)


def shorter(path: Path, place: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def header_only(path: Path, place: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def empty(path: Path, place: Path) -> None:
    path.write_bytes(b"")


def endless_header(path: Path, place: Path) -> None:
    path.write_bytes((2**63 - 1).to_bytes(8, "little") + b"{}")


DAMAGES = [pickled, torch_saved, shorter, header_only, empty, endless_header]


def missing(tensors: State) -> State:
    return {key: value for key, value in tensors.items() if not key.endswith("0.weight")}


def unknown(tensors: State) -> State:
    return tensors | {key.replace("0.weight", "9.weight"): value.clone() for key, value in tensors.items()}


def wider(tensors: State) -> State:
    return {key: torch.cat([v, v]) if key.endswith("0.weight") else v for key, v in tensors.items()}


def not_finite(tensors: State) -> State:
    return {key: v * float("nan") if key.endswith("0.weight") else v for key, v in tensors.items()}


SWAPS = [missing, unknown, wider, not_finite]


def change(path: Path, **values: Any) -> None:
    """Forge a JSON object: other facts, and no digest that would tell; None takes a fact away."""
    facts = json.loads(path.read_text()) | {"digest": None} | values
    path.write_text(json.dumps({key: value for key, value in facts.items() if value is not None}))


def refused(call: Callable[[], Any], place: Path) -> str:
    """The one line; the bomb did not go off."""
    with pytest.raises(BenchError) as caught:
        call()
    assert not place.exists(), "it was executed"
    text = str(caught.value)
    assert "\n" not in text
    assert str(JOB.folder(place.parent)) in text, "it names the place"
    return text


def opened(home: Path, one: Job = JOB) -> Any:
    return load(one, SPLITS, home, torch.device("cpu"))


def test_what_was_not_touched_is_loaded_and_continued(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model, facts = opened(finished)
    assert facts["weights_sha256"] == sha256(JOB.folder(finished) / WEIGHTS)
    assert sum(p.numel() for p in model.generator.parameters()) == facts["parameters"]


def test_a_cut_training_goes_on(cut: Path, homes: tuple[Path, Path]) -> None:
    assert (run(cut) / WEIGHTS).read_bytes() == (JOB.folder(homes[0]) / WEIGHTS).read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("forged", [False, True], ids=["", "checksum-too"])
def test_damaged_weights(finished: Path, damage: Callable[[Path, Path], None], forged: bool) -> None:
    path, bomb = JOB.folder(finished) / WEIGHTS, finished / "bomb"
    damage(path, bomb)
    if forged:
        change(path.parent / FACTS, weights_sha256=sha256(path))
    refused(lambda: opened(finished), bomb)


@pytest.mark.parametrize("swap", SWAPS)
def test_weights_of_another_network(finished: Path, swap: Callable[[State], State]) -> None:
    path = JOB.folder(finished) / WEIGHTS
    save_file(swap(load_file(path)), path)
    change(path.parent / FACTS, weights_sha256=sha256(path))
    refused(lambda: opened(finished), finished / "bomb")


OTHERS = {
    "entry": "other@cartoon",
    "track": "lineart-canny",
    "collection": "other",
    "size": 32,
    "seed": 1,
    "budget": "paper",
    "splits": ["toy/cartoon/train:9"],
    "width": 0.25,
    "format": 999,
}


@pytest.mark.parametrize("fact", OTHERS)
def test_facts_of_another_training(finished: Path, fact: str) -> None:
    change(JOB.folder(finished) / FACTS, **{fact: OTHERS[fact]})
    line = refused(lambda: opened(finished), finished / "bomb")
    assert fact in line


def test_a_folder_moved_to_another_seat_is_not_taken(finished: Path) -> None:
    other = replace(JOB, entry=Entry("other", Mix(("cartoon",))))
    shutil.copytree(JOB.folder(finished), other.folder(finished))
    with pytest.raises(BenchError, match="is of another training: its entry is"):
        opened(finished, other)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"seed": 0}', "\0"])
def test_facts_that_are_no_facts(finished: Path, text: str) -> None:
    (JOB.folder(finished) / FACTS).write_text(text)
    refused(lambda: opened(finished), finished / "bomb")


def test_facts_that_are_no_text(finished: Path) -> None:
    pickled(JOB.folder(finished) / FACTS, finished / "bomb")
    refused(lambda: opened(finished), finished / "bomb")


def step_file(home: Path) -> Path:
    (path,) = JOB.folder(home).glob("step-*.safetensors")
    return path


def best_file(home: Path) -> Path:
    (path,) = JOB.folder(home).glob("best-*.safetensors")
    return path


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("forged", [False, True], ids=["", "checksum-too"])
def test_a_damaged_checkpoint(cut: Path, damage: Callable[[Path, Path], None], forged: bool) -> None:
    path, bomb = step_file(cut), cut / "bomb"
    damage(path, bomb)
    if forged:
        change(path.parent / STATE, sha256=sha256(path))
    refused(lambda: run(cut), bomb)


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("part", ["generator/", "discriminator/"])
def test_a_checkpoint_of_another_network(cut: Path, swap: Callable[[State], State], part: str) -> None:
    path = step_file(cut)
    tensors = load_file(path)
    mine = {key: value for key, value in tensors.items() if key.startswith(part)}
    save_file({key: v for key, v in tensors.items() if key not in mine} | swap(mine), path)
    change(path.parent / STATE, sha256=sha256(path))
    refused(lambda: run(cut), cut / "bomb")


@pytest.mark.parametrize(
    "forge",
    [
        lambda key, value: {key.replace("/0/", "/99/"): value},
        lambda key, value: {key.replace("/0/", "/x/"): value},
        lambda key, value: {key.replace("/0/", "/"): value},
        lambda key, value: {key: torch.cat([value.reshape(-1), value.reshape(-1)])},
        lambda key, value: {},
    ],
    ids=["no-such-parameter", "no-number", "no-slot", "another-shape", "missing"],
)
def test_a_forged_optimizer(cut: Path, forge: Callable[[str, Tensor], State]) -> None:
    path = step_file(cut)
    tensors = load_file(path)
    key = "generator-optimizer/0/exp_avg"
    save_file({k: v for k, v in tensors.items() if k != key} | forge(key, tensors[key]), path)
    change(path.parent / STATE, sha256=sha256(path))
    refused(lambda: run(cut), cut / "bomb")


@pytest.mark.parametrize(
    "values",
    [
        {"step": "7"},
        {"step": -1},
        {"step": 10**9},
        {"step": 7.5},
        {"step": True},
        {"seconds": "long"},
        {"curves": {}},
        {"curves": [3]},
        {"best_step": "../../up"},
        {"best_step": 3},
        {"best_score": "good"},
        {"stage": 7},
        {"file": "../../../up.safetensors"},
        {"file": "/etc/passwd"},
        {"file": 3},
    ],
    ids=str,
)
def test_a_forged_state(cut: Path, values: dict[str, Any]) -> None:
    change(JOB.folder(cut) / STATE, **values)
    refused(lambda: run(cut), cut / "bomb")


@pytest.mark.parametrize("fact", sorted(STATE_KEYS | {"file", "sha256"}))
def test_a_state_that_lacks_something(cut: Path, fact: str) -> None:
    path = JOB.folder(cut) / STATE
    state = json.loads(path.read_text())
    del state[fact]
    path.write_text(json.dumps(state))
    refused(lambda: run(cut), cut / "bomb")


@pytest.mark.parametrize("fact", OTHERS)
def test_a_state_of_another_training(cut: Path, fact: str) -> None:
    change(JOB.folder(cut) / STATE, **{fact: OTHERS[fact]})
    assert fact in refused(lambda: run(cut), cut / "bomb")


@pytest.mark.parametrize("damage", [*DAMAGES, lambda path, place: path.unlink()])
def test_the_best_weights_so_far_are_checked_too(cut: Path, damage: Callable[[Path, Path], None]) -> None:
    """Else a training that finds no better ones would end with them as its result."""
    damage(best_file(cut), cut / "bomb")
    refused(lambda: run(cut), cut / "bomb")


def test_the_best_weights_so_far_exchanged_for_others(cut: Path) -> None:
    path = best_file(cut)
    save_file({key: value + 1 for key, value in load_file(path).items()}, path)
    refused(lambda: run(cut), cut / "bomb")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"best_step": 10**400}, "best_step"),
        ({"seconds": 10**400}, "seconds"),
        ({"step": 10**400, "best_step": 10**399}, "step"),
        ({"file": "../evil.safetensors"}, "its file"),
        ({"file": "x" * 5000}, "its file"),
        ({"file": "step-0000003.safetensors\0"}, "its file"),
        ({"curves": [{"step": 1, "stage": "l1", "term": "l1", "value": float("nan")}]}, "curves"),
    ],
)
def test_numbers_and_names_that_no_training_writes(cut: Path, values: dict[str, Any], said: str) -> None:
    """A whole number too large for a float, a name too long for a disk, a loss that could not be written again."""
    change(JOB.folder(cut) / STATE, **values)
    assert said in refused(lambda: run(cut), cut / "bomb")


def test_an_optimizer_that_lacks_what_its_next_step_needs(cut: Path) -> None:
    path = step_file(cut)
    tensors = {key: value for key, value in load_file(path).items() if not key.endswith("/exp_avg_sq")}
    save_file(tensors, path)
    change(JOB.folder(cut) / STATE, sha256=sha256(path))
    assert "optimizer" in refused(lambda: run(cut), cut / "bomb")


def test_a_refusal_is_short_however_long_a_name_is(cut: Path) -> None:
    path = step_file(cut)
    save_file(load_file(path) | {"generator/" + "x" * 50_000: torch.zeros(1)}, path)
    change(JOB.folder(cut) / STATE, sha256=sha256(path))
    assert len(refused(lambda: run(cut), cut / "bomb")) < 1000


class Poisoned(Tiny):
    """The loss of its fiftieth batch is a number, and the gradient is none."""

    seen = 0

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        self.seen += 1
        if self.seen == 50:
            fake.register_hook(lambda gradient: gradient * float("nan"))
        return super().generator_losses(batch, x, y, fake, judge)


def test_weights_that_are_not_finite_never_replace_a_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)

    def poisoned(size: int, width: float, weights: Path | None = None) -> Poisoned:
        tiny = build(size, width)
        return Poisoned(tiny.generator, tiny.discriminator)

    long = replace(JOB, budget=replace(JOB.budget, images=240))
    whole = run(tmp_path / "whole", long)
    with pytest.raises(BenchError, match=r"weights .* of the generator are not finite at step 50; they are not kept"):
        run(tmp_path, replace(long, build=poisoned))  # at a log between two validations, which would have heard it
    assert [path.name for path in long.folder(tmp_path).glob("step-*")] == ["step-0000045.safetensors"]
    assert (run(tmp_path, long) / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes(), "it goes on from there"


def test_an_overview_is_told_the_last_score_and_the_best(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    folder = train(JOB, DATA, VALIDATION, SPLITS, tmp_path, CPU, told.append)
    with (folder / "curves.csv").open() as stream:
        points = {int(row["step"]): float(row["value"]) for row in csv.DictReader(stream) if "valid" in row["term"]}
    assert [facts["validation"] for facts in told[:2]] == [None, points[2]]
    for facts in told:
        before = {step: value for step, value in points.items() if step <= facts["step"]}
        assert facts["validation"] == (before[max(before)] if before else None)
        of_the_last_stage = [value for step, value in before.items() if step > 10]
        assert facts["best_validation"] == (min(of_the_last_stage) if of_the_last_stage else None)
