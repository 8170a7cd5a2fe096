"""The main job through the command line on a small drawn collection, and what users get wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner, Result

import baselines
from bench import floor, grid, records
from bench.cli import app
from bench.data import collections
from bench.data.collections import open_collection
from bench.data.loading import load
from bench.types import BUDGETS, DOMAINS, Budget, Track

SIZE = 32
MODEL = "fu2017-convnet"


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    """A small procedural-v1 and a small budget, so that the whole job takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collections, "SERIES", 10)
        patch.setattr(collections, "PICTURES", 32)
        patch.setattr(floor, "LAID", 40)
        patch.setattr(floor, "DRAWN", 20)
        patch.setitem(BUDGETS, "smoke", Budget("smoke", images=64, width=0.125, batch_size=8))
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # on so small images two threads would mostly wait for each other
        yield
        torch.set_num_threads(threads)


PERFECT_IN_GRAY = {"luma-error", "region-spread", "region-spread-true"}
"""A gray copy keeps the luma (but in manga, where a page is shown), and paints every region in one colour: gray."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def bench(home: Path, *words: str) -> Result:
    """Run `bench ... --home HOME --size 32`, records under the home."""
    added = ["--home", str(home)]
    if words[0] in ("train-baselines", "evaluate"):
        added += ["--size", str(SIZE), "--device", "cpu"]
    if words[0] == "train-baselines":
        added += ["--workers", "1"]  # other processes would not know of the small collection
    if words[0] == "evaluate":
        added += ["--records", str(home / "records")]
    return CliRunner().invoke(app, [*words, *added])


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    result = bench(home, "train-baselines", "--model", MODEL, "--mix", "cartoon", "--mix", "mixed")
    assert result.exit_code == 0, result.output
    result = bench(home, "evaluate", "--domain", "all", "--model", "all")
    assert result.exit_code == 0, result.output
    return home


def test_every_entry_is_recorded_on_every_domain_and_split(trained: Path) -> None:
    found = records.read_all(trained / "records")
    ladder = [name for name in grid.references(baselines) if "gray" in baselines.load(name).TRACKS]
    entries = {f"{MODEL}@cartoon", f"{MODEL}@mixed", *ladder}
    assert {record.entry.name for record in found} == entries
    assert len(found) == len(entries) * len(DOMAINS) * 2
    one = next(r for r in found if r.entry.name == f"{MODEL}@mixed" and r.split.domain == "manga")
    assert one.training is not None
    assert len(one.training.splits) == 4
    assert one.scores["fid"].absent is not None
    assert "inception" in one.scores["fid"].absent.lower()


def test_a_value_an_image_is_kept_and_averages_to_the_record(trained: Path) -> None:
    for record in records.read_all(trained / "records")[::7]:
        frame = pd.read_parquet(trained / "scores" / record.file_name.replace(".json", ".parquet"))
        assert len(frame) == record.split.n
        for name in ("l1", "ssim", "ciede2000"):
            macro = np.mean([part[name].to_numpy().mean() for _, part in frame.groupby("group")])
            assert record.scores[name].value == pytest.approx(macro, rel=1e-9)


def test_the_round_trip_beats_gray_copy_on_every_metric(trained: Path) -> None:
    found = {(r.entry.name, r.split.key): r for r in records.read_all(trained / "records")}
    for (name, key), gray in found.items():
        if name != "gray-copy":
            continue
        trip = found["lab-round-trip", key]
        for metric, score in gray.scores.items():
            if score.value is None:
                continue
            if metric in PERFECT_IN_GRAY - ({"luma-error"} if "/manga/" in key else set()):
                assert score.value < 1e-3
                continue
            better = trip.scores[metric].value
            assert better is not None
            assert better < score.value if score.direction == "lower" else better > score.value, (key, metric)


def test_the_scores_are_those_of_scikit_image_and_colour_science(trained: Path) -> None:
    import colour
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    manifest = open_collection(trained, "procedural-v1", SIZE)
    split = manifest.split("anime", "test")
    images = load(split, Track("gray"))
    frame = pd.read_parquet(trained / "scores" / f"procedural-v1-{SIZE}px.anime.test.gray.gray-copy.s0.parquet")
    white = np.array([0.3127, 0.3290])
    for place in range(0, len(images), 5):
        target = images.targets[place]
        gray = np.repeat(images.conditions[place][..., None], 3, 2)
        xyz = [
            colour.RGB_to_XYZ(x / 255, "sRGB", white, apply_cctf_decoding=True, chromatic_adaptation_transform=None)
            for x in (gray, target)
        ]
        labs = [colour.XYZ_to_Lab(x, white) for x in xyz]
        row = frame.iloc[place]
        assert row["id"] == images.ids[place]
        assert row["ciede2000"] == pytest.approx(colour.difference.delta_E_CIE2000(labs[0], labs[1]).mean(), abs=2e-3)
        assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(target, gray, data_range=255), abs=1e-5)
        similarity = structural_similarity(
            target, gray, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        assert row["ssim"] == pytest.approx(similarity, abs=1e-5)
        assert row["l1"] == pytest.approx(np.abs(target.astype(float) - gray).mean(), abs=1e-9)


def test_the_same_command_again_trains_nothing(trained: Path) -> None:
    result = bench(trained, "train-baselines", "--model", MODEL, "--mix", "cartoon")
    assert result.exit_code == 0
    assert "already trained" in result.stderr


def test_a_mix_alone_means_the_model_whose_trainings_compare_mixes(trained: Path) -> None:
    result = bench(trained, "evaluate", "--domain", "cartoon", "--model", "mixed")
    assert result.exit_code == 2
    assert "camizan2023-resnet34@mixed is not trained" in result.stderr
    assert "bench train-baselines --model camizan2023-resnet34 --mix mixed" in result.stderr


def test_boards_are_rendered_and_checked(trained: Path, tmp_path: Path) -> None:
    places = ["--records", str(trained / "records"), "--boards", str(tmp_path / "b"), "--reports", str(tmp_path / "r")]
    result = CliRunner().invoke(app, ["report", *places])
    assert result.exit_code == 0, result.output
    made = [Path(line) for line in result.stdout.split()]
    assert {path.suffix for path in made} == {".md", ".html"}
    assert CliRunner().invoke(app, ["report", "--check", *places]).exit_code == 0
    made[0].write_text(made[0].read_text(encoding="utf-8").replace("gray-copy", "gray-cope"), encoding="utf-8")
    assert CliRunner().invoke(app, ["report", "--check", *places]).exit_code == 1


@pytest.mark.parametrize("format", ["md", "csv", "tex", "json"])
def test_one_board_is_printed(trained: Path, format: str) -> None:
    places = ["--records", str(trained / "records")]
    result = CliRunner().invoke(app, ["leaderboard", "--domain", "anime", "--format", format, *places])
    assert result.exit_code == 0, result.output
    assert f"{MODEL}@mixed" in result.stdout.replace("\\", "")
    assert "live-action/test" not in result.stdout


def test_saved_predictions_score_as_the_model_did(trained: Path) -> None:
    result = bench(trained, "evaluate", "--domain", "cartoon", "--model", f"{MODEL}@cartoon", "--save-predictions")
    assert result.exit_code == 0, result.output
    stem = f"procedural-v1-{SIZE}px.cartoon.test.gray.{MODEL}@cartoon.s0"
    folder = trained / "predictions" / stem
    result = bench(
        trained, "evaluate", "--domain", "cartoon", "--split", "test", "--predictions", str(folder), "--name", "mine"
    )
    assert result.exit_code == 0, result.output
    mine = records.read(trained / "records" / f"procedural-v1-{SIZE}px.cartoon.test.gray.mine.s0.json")
    model = records.read(trained / "records" / f"{stem}.json")
    assert {k: s.value for k, s in mine.scores.items()} == {k: s.value for k, s in model.scores.items()}
    (trained / "records" / mine.file_name).unlink()


def test_predictions_with_faults_are_all_named_and_nothing_is_scored(trained: Path, tmp_path: Path) -> None:
    split = open_collection(trained, "procedural-v1", SIZE).split("cartoon", "test")
    for item in split.items[2:]:
        cv2.imwrite(str(tmp_path / f"{item.id}.png"), np.zeros((SIZE, SIZE, 3), np.uint8))
    cv2.imwrite(str(tmp_path / f"{split.items[0].id}.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "extra.png").write_bytes(b"")
    result = bench(
        trained, "evaluate", "--domain", "cartoon", "--split", "test", "--predictions", str(tmp_path), "--name", "mine"
    )
    assert result.exit_code == 2
    assert f"missing {split.items[1].id}.png" in result.stderr
    assert "unexpected extra.png" in result.stderr
    assert f"of another size {split.items[0].id}.png (8 x 8)" in result.stderr
    assert not (trained / "records" / f"procedural-v1-{SIZE}px.cartoon.test.gray.mine.s0.json").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["evaluate", "--domain", "cartoon"], "either --model ENTRY or --predictions PATH"),
        (["evaluate", "--domain", "cartoons", "--model", "gray-copy"], "Did you mean cartoon"),
        (["evaluate", "--domain", "cartoon", "--model", "grey-copy"], "Did you mean gray-copy"),
        (["evaluate", "--domain", "cartoon", "--model", "gray-copy@anime"], "not trained on a mix"),
        (["evaluate", "--domain", "cartoon", "--model", "fu2017-cgan"], "write --model fu2017-cgan@mixed"),
        (["evaluate", "--domain", "cartoon", "--model", "gray-copy", "--split", "train"], "test, series"),
        (["evaluate", "--domain", "cartoon", "--model", "all", "--track", "grey"], "Did you mean gray"),
        (["evaluate", "--domain", "cartoon", "--model", "all", "--collection", "nope"], "unknown collection 'nope'"),
        (["evaluate", "--domain", "cartoon", "--model", "all", "--collection", "../x"], "must be lower-case"),
        (["train-baselines", "--model", "gray-copy"], "baseline to train"),
        (["train-baselines", "--mix", "cartoon+films"], "films"),
        (["train-baselines", "--budget", "huge"], "Available: smoke, small, standard, paper"),
        (["train-baselines", "--track", "gray+hints", "--model", MODEL], "serves the tracks gray"),
        (["train-baselines", "--track", "screentone+hints"], "no baseline serves the track screentone+hints"),
        (["train-baselines", "--device", "tpu"], "auto, cpu, cuda"),
        (["train-baselines", "--precision", "8-bit"], "bf16-mixed"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_one_line(home: Path, words: list[str], expected: str) -> None:
    if "--device" in words:
        result = CliRunner().invoke(app, [*words, "--home", str(home), "--size", str(SIZE)])
    else:
        result = bench(home, *words)
    assert result.exit_code == 2, result.output
    assert expected in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("bench: ")


def test_registries_are_readable_by_scripts() -> None:
    for command in ("models", "metrics", "tracks"):
        result = CliRunner().invoke(app, [command, "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)


def test_the_collections_are_listed_and_verified(home: Path) -> None:
    listed = CliRunner().invoke(app, ["data", "list", "--json", "--home", str(home)])
    assert any(row["collection"] == "procedural-v1" and row["size"] == SIZE for row in json.loads(listed.stdout))
    good = CliRunner().invoke(app, ["data", "verify", "procedural-v1", "--size", str(SIZE), "--home", str(home)])
    assert good.exit_code == 0, good.output
    assert "0 problems" in good.stdout


def test_no_size_means_the_one_that_is_there(trained: Path) -> None:
    words = ["evaluate", "--domain", "cartoon", "--model", f"{MODEL}@mixed", "--split", "test"]
    result = CliRunner().invoke(app, [*words, "--home", str(trained), "--records", str(trained / "again")])
    assert result.exit_code == 0, result.output
    (record,) = records.read_all(trained / "again")
    assert record.split.size == SIZE
    assert record.command.endswith(
        f"--split test --model {MODEL}@mixed --budget smoke --collection procedural-v1 --size 32 --track gray"
    )


def test_reserved_words_are_no_names_for_predictions(trained: Path, tmp_path: Path) -> None:
    for name in ("mixed", "all", "anime", MODEL):
        result = bench(trained, "evaluate", "--domain", "cartoon", "--predictions", str(tmp_path), "--name", name)
        assert result.exit_code == 2
        assert "means something already" in result.stderr
