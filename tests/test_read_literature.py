"""What published code would print, beside the right number: the same entry, the same images."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from typer.testing import CliRunner

from bench import literature
from bench.cli import app
from bench.metrics.literature import LITERATURE
from bench.metrics.pixel import score_images
from bench.types import Images


def drawn(frames: tuple[int, ...] | None = None) -> tuple[np.ndarray, Images]:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    ids = tuple(str(place) for place in range(8))
    predictions = np.clip(targets.astype(int) + rng.integers(-30, 31, targets.shape), 0, 255).astype(np.uint8)
    return predictions, Images(ids, ids, targets, targets[..., 0], frames=frames)


@pytest.mark.parametrize("frames", [None, (0, 1, 2, 3, 0, 1, 2, 3)])
def test_each_number_stands_beside_the_right_one(frames: tuple[int, ...] | None) -> None:
    predictions, images = drawn(frames)
    rows = literature.rows(literature.numbers(predictions, images), predictions, images)
    needs = {"images"} | ({"clips"} if frames else set())
    assert {row["literature"] for row in rows} == {id for id, mode in LITERATURE.items() if mode.needs in needs}
    right = score_images(predictions, images.targets)
    by_name = {row["literature"]: row for row in rows}
    assert by_name["colormnet-psnr"]["is"] == pytest.approx(right["psnr"].mean())
    # Errors that wrap at 256 look small: the published number is better than the right one.
    assert by_name["colormnet-psnr"]["prints"] > by_name["colormnet-psnr"]["is"]
    assert all(row["is"] is not None for row in rows)


def test_a_network_gives_the_right_number_too() -> None:
    """The same network behind both sides: the literature's FID of equal features is the right one."""
    predictions, images = drawn()

    def features(shown: np.ndarray, code: str = "right") -> np.ndarray:
        return shown.reshape(len(shown), -1)[:, :4].astype(np.float32)

    def far(one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
        return {"lpips": np.abs(one.astype(float) - other).mean(axis=(1, 2, 3))}

    network, judge = cast(Any, features), cast(Any, far)
    found = literature.numbers(predictions, images, None, network)
    rows = {row["literature"]: row for row in literature.rows(found, predictions, images, judge, network)}
    assert rows["ct2-fid"]["is"] == pytest.approx(rows["ct2-fid"]["prints"])
    found = {"colormnet-lpips": 0.5}
    (row,) = literature.rows(found, predictions, images, judge)
    assert row["is"] == pytest.approx(far(predictions, images.targets)["lpips"].mean())
    assert literature.rows(found, predictions, images)[0]["is"] is None


def test_the_command_prints_it_and_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    import cv2

    for number in range(30):
        image = np.random.default_rng(number).integers(0, 256, (9, 9, 3)).astype(np.uint8).repeat(5, 0).repeat(5, 1)
        cv2.imwrite(str(pictures / f"show{number % 6}-{number:02d}.png"), image)
    home = ["--home", str(tmp_path / "home")]
    made = CliRunner().invoke(app, ["data", "add", "mine", str(pictures), "--domain", "anime", "--size", "32",
                                    "--group-by", "prefix", *home])  # fmt: skip
    assert made.exit_code == 0, made.output
    words = ["literature", "--domain", "anime", "--collection", "mine", "--model", "gray-copy", *home]
    shown = CliRunner().invoke(app, [*words, "--json"])
    assert shown.exit_code == 0, shown.output
    assert {row["literature"] for row in json.loads(shown.stdout)} >= {"colormnet-psnr", "ct2-ssim"}
    assert "AlexNet" in shown.stderr
    assert "Inception" in shown.stderr
    wrong = CliRunner().invoke(app, [*words, "--split", "dev"])
    assert wrong.exit_code == 2
