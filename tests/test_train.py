"""The training loop: equal parts, the same weights from the same seed, nothing lost by a cut."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import bench.checkpoint
import bench.train
from baselines._colorizer import Judge, RgbColorizer
from bench.batches import Resident
from bench.checkpoint import TENSORBOARD
from bench.colorize import predict
from bench.device import Machine
from bench.errors import BenchError
from bench.files import write_json
from bench.job import Job, judged_at, pick, rate_at, stage_at
from bench.train import CURVES, FACTS, WEIGHTS, Stopped, load, train
from bench.types import Adam, Batch, Budget, Entry, Images, Mix, Recipe, RMSprop, Stage, Track

SIZE = 16
CPU = Machine("cpu", precision="32-true")
RECIPE = Recipe(
    batch_size=4,
    paper_images=160,
    stages=(Stage("l1", 0.5, Adam(1e-2)), Stage("gan", 0.5, Adam(1e-3), Adam(1e-3))),
)


class Tiny(RgbColorizer):
    """Two convolutions with dropout and batch-norm against a one-layer judge."""

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        losses = {"l1": (fake - y).abs().mean()}
        return losses if judge is None else losses | {"gan": -judge(torch.cat([x, fake], 1)).mean()}

    def discriminator_losses(self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge) -> dict[str, Tensor]:
        return {"gan": judge(torch.cat([x, fake], 1)).mean() - judge(torch.cat([x, y], 1)).mean()}


def build(size: int, width: float, weights: Path | None = None) -> Tiny:
    generator = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(8, 3, 1), nn.Tanh()
    )
    return Tiny(generator, nn.Sequential(nn.Conv2d(4, 1, 4, 2, 1), nn.Tanh()))


def images(count: int, seed: int) -> Images:
    """Pictures whose colour follows from their gray: red where bright, blue where dark."""
    gray = np.random.default_rng(seed).integers(0, 256, (count, 2, 2)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    targets = np.stack([gray, gray // 2 + 40, 255 - gray], -1)
    ids = tuple(f"i{seed}-{k}" for k in range(count))
    return Images(ids, ids, targets, gray)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """On so small images two threads would mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def job(seed: int = 0, **changes: Any) -> Job:
    base = Job(
        entry=Entry("tiny", Mix(("cartoon", "anime"))),
        build=build,
        recipe=RECIPE,
        track=Track("gray"),
        budget=Budget("smoke", images=160, width=1.0, batch_size=4),
        seed=seed,
        size=SIZE,
        collection="toy",
    )
    return replace(base, **changes)


DATA = {"cartoon": images(12, 1), "anime": images(5, 2)}
VALIDATION = {"cartoon": images(3, 3)}
SPLITS = ["toy/cartoon/train:0", "toy/anime/train:1"]


def run(home: Path, one: Job | None = None, report: Any = None) -> Path:
    return train(one or job(), DATA, VALIDATION, SPLITS, home, CPU, report)


def test_domains_are_shown_in_equal_parts_and_each_epoch_shows_every_image_once() -> None:
    sizes = {domain: len(part) for domain, part in DATA.items()}
    shown = [chosen for step in range(30) for chosen in pick(job(), step, sizes)]
    assert Counter(domain for domain, _ in shown) == {"cartoon": 60, "anime": 60}
    cartoons = [place for domain, place in shown if domain == "cartoon"]
    for epoch in range(5):
        assert sorted(cartoons[epoch * 12 : (epoch + 1) * 12]) == list(range(12))
    assert cartoons[:12] != cartoons[12:24]


def test_stages_split_the_steps() -> None:
    names = [stage_at(RECIPE, 40, step).name for step in range(40)]
    assert names == ["l1"] * 20 + ["gan"] * 20


def test_rates_fall_and_the_discriminator_waits_as_the_stage_says() -> None:
    slow = Stage("gan", 0.5, Adam(1e-3), Adam(1e-3), discriminator_every=3, decay_from=0.5)
    recipe = replace(RECIPE, stages=(RECIPE.stages[0], slow))
    assert [judged_at(recipe, 40, step) for step in range(40)] == [False] * 20 + [k % 3 == 0 for k in range(20)]
    rates = [rate_at(recipe, 40, step) for step in range(40)]
    assert rates[:31] == [1.0] * 31
    assert rates[31:] == pytest.approx([(40 - step) / 10 for step in range(31, 40)])


def test_a_narrow_network_learns_at_a_higher_rate() -> None:
    narrow = RECIPE.at_width(0.25)
    assert [stage.generator.lr for stage in narrow.stages] == [4e-2, 4e-3]
    assert narrow.stages[1].discriminator == RECIPE.stages[1].discriminator
    keras = Recipe(4, 160, (Stage("l2", 1.0, RMSprop(1e-3)),))
    assert keras.at_width(0.25) == keras
    assert RECIPE.at_width(1.0) == RECIPE


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path) -> None:
    first = load_file(run(tmp_path / "a") / WEIGHTS)
    again = load_file(run(tmp_path / "b") / WEIGHTS)
    other = load_file(run(tmp_path / "c", job(seed=1)) / WEIGHTS)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("cut", [7, 20, 33])
def test_a_cut_training_goes_on_to_the_same_weights_and_curves(
    cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole")
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(bench.train, "LOG_STEPS", 25)

    def stop(facts: dict[str, Any]) -> None:
        if facts["step"] == cut:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", report=stop)
    seen: list[int] = []
    folder = run(tmp_path / "cut", report=lambda facts: seen.append(facts["step"]))
    assert 1 < seen[0] <= cut + 1, "it must go on from a checkpoint, not from the start"
    assert seen[-1] == 40
    assert (folder / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    assert (folder / CURVES).read_text() == (whole / CURVES).read_text()
    assert sorted(path.name for path in folder.iterdir()) == sorted([WEIGHTS, FACTS, CURVES, TENSORBOARD])


def test_who_is_asked_to_stop_saves_and_what_others_left_is_not_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.train, "LOG_STEPS", 4)
    folder = job().folder(tmp_path)
    with pytest.raises(Stopped):
        train(job(), DATA, VALIDATION, SPLITS, tmp_path, CPU, stop=lambda: True)
    assert not list(folder.glob("*.json")), "nothing was begun"
    seen: list[int] = []
    with pytest.raises(Stopped):
        train(
            job(), DATA, VALIDATION, SPLITS, tmp_path, CPU, lambda facts: seen.append(facts["step"]),
            lambda: len(seen) >= 9,
        )  # fmt: skip
    assert seen[-1] in (10, 12), "the next step at which the log is empty, or a validation"
    other = folder / "step-0000001.safetensors"  # of a trainer that overlaps with this one
    other.write_bytes(b"other")
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)
    kept: list[bool] = []
    train(job(), DATA, VALIDATION, SPLITS, tmp_path, CPU, lambda facts: kept.append(other.exists()))
    assert len(kept) == 40 - seen[-1]
    assert all(kept)
    assert not other.exists(), "a finished training keeps no checkpoint"


def test_what_must_outlive_a_power_cut_is_flushed_before_it_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there = tmp_path / "facts.json", []
    monkeypatch.setattr("bench.files.os.fsync", lambda handle: there.append(path.exists()))
    write_json(path, {}, durable=True)
    assert there == [False, True], "the file before, its folder after"
    write_json(path, {})
    assert len(there) == 2


def test_it_learns_and_writes_down_how(tmp_path: Path) -> None:
    folder = run(tmp_path, job(budget=Budget("smoke", 1200, 1.0, 4)))
    rows = list(csv.DictReader((folder / CURVES).read_text().splitlines()))
    curve = [float(row["value"]) for row in rows if row["term"] == "generator_l1"]
    assert curve[-1] < 0.5 * curve[0]
    assert {row["stage"] for row in rows} == {"l1", "gan"}
    facts = json.loads((folder / FACTS).read_text())
    assert facts["images"] == 1200
    assert facts["precision"] == "32-true"
    assert facts["pretrained"] == "none"
    validations = {int(r["step"]): float(r["value"]) for r in rows if r["term"] == "validation_ciede2000"}
    last = {step: value for step, value in validations.items() if step > 150}
    assert facts["best_step"] == min(last, key=lambda step: last[step]), "only the recipe's last stage is its result"
    assert len(validations) == bench.train.VALIDATIONS


def test_tensorboard_shows_the_same_curves(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = run(tmp_path)
    events = EventAccumulator(str(folder / TENSORBOARD)).Reload()
    rows = list(csv.DictReader((folder / CURVES).read_text().splitlines()))
    for term in ("generator_l1", "validation_ciede2000"):
        shown = [(event.step, event.value) for event in events.Scalars(term)]
        kept = [(int(row["step"]), float(row["value"])) for row in rows if row["term"] == term]
        assert shown == [(step, pytest.approx(value, rel=1e-6)) for step, value in kept]


def test_without_tensorboard_the_curves_are_kept_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.checkpoint, "find_spec", lambda name: None)
    folder = run(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == sorted([WEIGHTS, FACTS, CURVES])


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    folder = run(tmp_path)
    before = (folder / FACTS).read_bytes()
    calls: list[Any] = []
    assert run(tmp_path, report=calls.append) == folder
    assert not calls
    assert (folder / FACTS).read_bytes() == before


def test_without_validation_images_the_last_step_counts(tmp_path: Path) -> None:
    folder = train(job(), DATA, {}, [], tmp_path, CPU)
    facts = json.loads((folder / FACTS).read_text())
    assert facts["best_step"] == 40
    assert facts["best_validation_ciede2000"] is None


class Exploding(Tiny):
    """Its loss stops being a number at the 31st batch."""

    seen = 0

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        self.seen += 1
        losses = super().generator_losses(batch, x, y, fake, judge)
        return losses if self.seen != 31 else losses | {"l1": losses["l1"] * float("nan")}


def test_a_loss_that_is_not_finite_names_the_step_and_its_images(tmp_path: Path) -> None:
    def exploding(size: int, width: float, weights: Path | None = None) -> Exploding:
        tiny = build(size, width)
        return Exploding(tiny.generator, tiny.discriminator)

    one = job(build=exploding)
    named = ", ".join(DATA[domain].ids[place] for domain, place in pick(one, 30, {d: len(p) for d, p in DATA.items()}))
    with pytest.raises(BenchError, match=r"generator_l1 is not finite at step 30 of 40") as caught:
        run(tmp_path, one)
    assert named in str(caught.value)
    assert not (one.folder(tmp_path) / FACTS).exists()


def test_a_damaged_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)

    def stop(facts: dict[str, Any]) -> None:
        if facts["step"] == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, report=stop)
    (tensors,) = job().folder(tmp_path).glob("step-*.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"x")
    with pytest.raises(BenchError, match="missing or damaged"):
        run(tmp_path)


def test_an_empty_training_split_is_one_line(tmp_path: Path) -> None:
    empty = Images((), (), np.zeros((0, SIZE, SIZE, 3), np.uint8), np.zeros((0, SIZE, SIZE), np.uint8))
    with pytest.raises(BenchError, match="training split of anime is empty, it holds no images"):
        train(job(), {"cartoon": DATA["cartoon"], "anime": empty}, {}, [], tmp_path, CPU)


def test_predictions_do_not_depend_on_the_batch_they_share(tmp_path: Path) -> None:
    run(tmp_path)
    model, _ = load(job(), SPLITS, tmp_path, torch.device("cpu"))
    alone = predict(model, DATA["cartoon"], Track("gray"), torch.device("cpu"), size=1)
    together = predict(model, DATA["cartoon"], Track("gray"), torch.device("cpu"), size=64)
    assert np.abs(alone.astype(int) - together).max() <= 1
    assert (alone != together).mean() < 1e-3


def test_loading_what_is_not_trained_says_the_command(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"bench train-baselines --model tiny --mix cartoon\+anime"):
        load(job(), SPLITS, tmp_path, torch.device("cpu"))


def test_weights_that_were_exchanged_are_refused(tmp_path: Path) -> None:
    folder = run(tmp_path)
    (folder / WEIGHTS).write_bytes(b"something else")
    with pytest.raises(BenchError, match="is not the file"):
        load(job(), SPLITS, tmp_path, torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there_is_one_line() -> None:
    with pytest.raises(BenchError, match="use --device cpu"):
        Machine("cuda").fabric()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_trains_on_a_gpu(tmp_path: Path) -> None:
    folder = train(job(budget=Budget("smoke", 1200, 1.0, 4)), DATA, VALIDATION, [], tmp_path, Machine("cuda"))
    rows = list(csv.DictReader((folder / CURVES).read_text().splitlines()))
    curve = [float(row["value"]) for row in rows if row["term"] == "generator_l1"]
    assert curve[-1] < 0.5 * curve[0]
    assert json.loads((folder / FACTS).read_text())["precision"] == "bf16-mixed"


def test_a_finished_training_of_other_data_is_not_taken(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(BenchError, match="is of another training: its splits is"):
        train(job(), DATA, VALIDATION, ["toy/cartoon/train:9"], tmp_path, CPU)
    with pytest.raises(BenchError, match="is of another training: its recipe is"):
        run(tmp_path, job(recipe=replace(RECIPE, flip=False)))


def test_a_checkpoint_of_other_data_is_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)

    def stop(facts: dict[str, Any]) -> None:
        if facts["step"] == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, report=stop)
    with pytest.raises(BenchError, match="is of another training"):
        train(job(), DATA, VALIDATION, ["toy/cartoon/train:9"], tmp_path, CPU)

    # A weights file that turned up meanwhile would change the loss, or the record would tell of another start.
    def given(**sizes: Any) -> Tiny:
        model = build(**sizes)
        model.PRETRAINED = "vgg19:dcbb9e9d"
        return model

    with pytest.raises(BenchError, match='its pretrained is "none", now "vgg19:dcbb9e9d"'):
        run(tmp_path, job(build=given))


# Clips


class Remembering(Tiny):
    """It sees the gray frame and the colours before; its loss keeps what it was shown."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None = None):
        super().__init__(generator, discriminator)
        self.shown: list[tuple[Tensor, Tensor]] = []

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        x, y = super().encode(batch)
        assert batch.previous is not None
        return torch.cat([x, batch.previous.colors], dim=1), y

    def generator_losses(
        self, batch: Batch, x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None
    ) -> dict[str, Tensor]:
        assert batch.previous is not None
        self.shown.append((batch.previous.colors.clone(), self.decode(fake.detach(), batch)))
        return {"l1": (fake - y).abs().mean()}


def clips(count: int, length: int, seed: int) -> Images:
    made = images(count * length, seed)
    groups = tuple(f"g{k // length}" for k in range(count * length))
    return replace(made, groups=groups, frames=tuple(range(length)) * count)


def remembering(kept: list[Remembering]) -> Any:
    def build(size: int, width: float, weights: Path | None = None) -> Remembering:
        kept.append(Remembering(nn.Sequential(nn.Conv2d(4, 3, 3, padding=1), nn.Tanh())))
        return kept[-1]

    return build


UNROLLED = Recipe(4, 160, (Stage("l1", 1.0, Adam(1e-2)),), unroll=4)


def clip_job(kept: list[Remembering], recipe: Recipe = UNROLLED, images: int = 160) -> Job:
    budget = Budget("smoke", images=images, width=1.0, batch_size=4)
    return job(build=remembering(kept), recipe=recipe, track=Track("gray", ("previous",)), budget=budget)


CLIPS = {"cartoon": clips(3, 6, 1), "anime": clips(2, 5, 2)}


def test_on_clips_a_model_is_shown_its_own_output(tmp_path: Path) -> None:
    kept: list[Remembering] = []
    train(clip_job(kept), CLIPS, {"cartoon": clips(2, 4, 3)}, SPLITS, tmp_path, CPU)
    shown = kept[0].shown
    assert len(shown) == 40
    for step, (previous, _) in enumerate(shown):
        if step % 4 == 0:
            assert not previous.any(), "a window begins with black"
        else:
            assert torch.equal(previous, shown[step - 1][1])


def test_a_window_never_leaves_its_clip() -> None:
    resident = Resident(clip_job([]), CLIPS, torch.device("cpu"))
    assert resident.sizes == {"cartoon": 3 * 3, "anime": 2 * 2}
    for window in range(20):
        rows = np.stack([resident.choose(window * 4 + place).rows for place in range(4)])
        assert (np.diff(rows, axis=0) == 1).all()
        assert (np.diff(resident.frames[rows], axis=0) == 1).all()


def test_true_previous_frames_are_shown_as_often_as_the_recipe_says() -> None:
    recipe = replace(UNROLLED, unroll=1, true_previous=0.5, flip=False)
    resident = Resident(clip_job([], recipe), CLIPS, torch.device("cpu"))
    black, true = 0, 0
    for step in range(200):
        chosen = resident.choose(step)
        batch = resident.batch(chosen, step, None, slice(0, 4))
        assert batch.previous is not None
        for row, colors in zip(chosen.rows, batch.previous.colors, strict=True):
            if not colors.any():
                black += resident.frames[row] > 0
            else:
                assert resident.frames[row] > 0
                assert torch.equal(colors, resident.targets[row - 1].float() / 255)
                true += 1
    assert 0.45 < true / (true + black) < 0.55


def test_a_clip_is_colorized_frame_after_frame_whatever_the_batch(tmp_path: Path) -> None:
    kept: list[Remembering] = []
    one = clip_job(kept)
    train(one, CLIPS, {}, SPLITS, tmp_path, CPU)
    model, _ = load(one, SPLITS, tmp_path, torch.device("cpu"))
    part = replace(clips(3, 4, 5), frames=(0, 1, 2, 3, 0, 1, 0, 1, 2, 3, 4, 5))
    own = predict(model, part, Track("gray", ("previous",)), torch.device("cpu"))
    assert (own == predict(model, part, Track("gray", ("previous",)), torch.device("cpu"), size=1)).all()
    told = predict(model, part, Track("gray", ("previous-true",)), torch.device("cpu"))
    first = np.array(part.frames) == 0
    assert (own[first] == told[first]).all()
    assert (own[~first] != told[~first]).any()
    # By hand: black, then what was made before.
    colors = torch.zeros(1, 3, SIZE, SIZE)
    model.eval()
    for row in range(4):
        gray = torch.from_numpy(part.conditions[row])[None, None].float() / 255
        with torch.no_grad():
            x = torch.cat([2 * gray - 1, colors], dim=1)
            colors = ((model.generator(x) + 1) / 2).clamp(0, 1)
        expected = (colors[0] * 255).round().permute(1, 2, 0).numpy()
        assert np.abs(expected - own[row]).max() <= 1


def test_a_cut_training_on_clips_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(clip_job([], images=3200), CLIPS, {}, SPLITS, tmp_path / "whole", CPU)
    monkeypatch.setattr(bench.train, "CHECKPOINT_SECONDS", -1)

    def stop(facts: dict[str, Any]) -> None:
        if facts["step"] == 130:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(clip_job([], images=3200), CLIPS, {}, SPLITS, tmp_path / "cut", CPU, stop)
    seen: list[int] = []
    again = clip_job([], images=3200)
    folder = train(again, CLIPS, {}, SPLITS, tmp_path / "cut", CPU, lambda facts: seen.append(facts["step"]))
    assert seen[0] == 101
    assert (folder / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_clips_too_short_for_the_recipe_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="training split of anime is empty, it holds no clips of 4 frames"):
        train(clip_job([]), CLIPS | {"anime": clips(4, 3, 2)}, {}, [], tmp_path, CPU)
