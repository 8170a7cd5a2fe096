"""The numbers of published code, each beside the right one: what the mistake is, and how much it makes."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
import torchmetrics.functional.image as torch_image
import torchvision

from bench import color, files
from bench.errors import BenchError
from bench.metrics import METRICS as RANKED
from bench.metrics import literature, lpips, temporal
from bench.metrics.distribution import fid
from bench.metrics.literature import (
    LITERATURE,
    METRICS,
    LegacyInception,
    clip_fid,
    clip_modes,
    colormnet_lpips,
    image_modes,
    inception_input,
)
from bench.metrics.pixel import score_images
from bench.metrics.suite import SUITE
from bench.metrics.temporal import temporal_scores

torch.set_num_threads(1)


def waves(count: int = 4, side: int = 48) -> np.ndarray:
    """Smooth, colourful pictures."""
    y, x = np.mgrid[0:side, 0:side]
    planes = [
        128 + 110 * np.sin(x / (6 + k) + k + i) * np.cos(y / (5 + 2 * k) - i) for i in range(count) for k in range(3)
    ]
    return np.stack(planes).reshape(count, 3, side, side).transpose(0, 2, 3, 1).round().astype(np.uint8)


def faded(images: np.ndarray) -> np.ndarray:
    """Half the saturation."""
    gray = color.luma(images)[..., None].astype(int)
    return ((images.astype(int) + gray) // 2).astype(np.uint8)


def gray(images: np.ndarray) -> np.ndarray:
    return np.repeat(color.luma(images)[..., None], 3, -1)


TARGETS = waves()
PREDICTIONS = faded(TARGETS)


def test_every_mode_names_its_source_and_the_right_metric_and_is_marked() -> None:
    right = {**RANKED, **SUITE, **{metric.id: metric for metric in (*temporal.METRICS, *lpips.METRICS)}}
    for id, mode in LITERATURE.items():
        assert mode.id == id not in right
        assert mode.right in right, id
        assert mode.wrong
        assert "/" in mode.source or "torchmetrics" in mode.source
        assert "literature" in mode.metric.name
        assert mode.metric.definition == f"literature,{id}"
    assert [metric.id for metric in METRICS] == list(LITERATURE)
    assert {"ct2-fid", "colormnet-psnr", "atd12k-ssim"} <= set(LITERATURE)


def test_what_needs_images_and_clips_is_all_made() -> None:
    made = {**image_modes(PREDICTIONS, TARGETS), **clip_modes(TARGETS, range(4))}
    assert set(made) == {id for id, mode in LITERATURE.items() if mode.needs in ("images", "clips")}
    assert all(values.shape == (4,) and values.dtype == np.float64 for values in made.values())


def test_colormnet_psnr_wraps() -> None:
    """A prediction of half the saturation gains decibels; black against white is almost perfect."""
    wrong, right = image_modes(PREDICTIONS, TARGETS)["colormnet-psnr"], score_images(PREDICTIONS, TARGETS)["psnr"]
    assert (wrong > right + 2).all()
    black, white = np.zeros((1, 16, 16, 3), np.uint8), np.full((1, 16, 16, 3), 255, np.uint8)
    assert image_modes(black, white)["colormnet-psnr"][0] == pytest.approx(20 * np.log10(255))  # 0 - 255 is 1
    assert score_images(black, white)["psnr"][0] == 0
    assert np.isposinf(image_modes(black, black + 16)["colormnet-psnr"][0])  # 16 * 16 is 0
    slight = np.clip(TARGETS.astype(int) + np.random.default_rng(0).integers(-15, 16, TARGETS.shape), 0, 255)
    near = slight.astype(np.uint8), TARGETS
    np.testing.assert_allclose(image_modes(*near)["colormnet-psnr"], score_images(*near)["psnr"], atol=1e-9)


def test_torchmetrics_psnr_is_pooled() -> None:
    bad = np.concatenate([PREDICTIONS[:3], 255 - TARGETS[3:]])
    ours = image_modes(bad, TARGETS)["torchmetrics-psnr"]
    tensors = [torch.from_numpy(images).double() for images in (bad, TARGETS)]
    np.testing.assert_allclose(ours, float(torch_image.peak_signal_noise_ratio(*tensors, data_range=255.0)))
    assert score_images(bad, TARGETS)["psnr"].mean() > ours[0] + 3


def test_ct2_target_comes_back_darker() -> None:
    """The target itself is not perfect against its own round trip."""
    found = image_modes(TARGETS, TARGETS)["ct2-psnr-convert"]
    assert (found < 60).all()
    assert (found > 40).all()
    assert np.isposinf(score_images(TARGETS, TARGETS)["psnr"]).all()


def test_ssim_of_other_windows_and_ranges() -> None:
    made, right = image_modes(PREDICTIONS, TARGETS), score_images(PREDICTIONS, TARGETS)["ssim"]
    # A range too large forgives, one too small punishes.
    assert (made["atd12k-ssim"] > made["colormnet-ssim"]).all()
    assert (made["ct2-ssim"] < made["colormnet-ssim"]).all()
    assert (np.abs(made["colormnet-ssim"] - right) > 1e-3).all()
    noise = np.random.default_rng(0).integers(-40, 41, TARGETS.shape)
    noisy = np.clip(TARGETS + noise, 0, 255).astype(np.uint8)
    assert (image_modes(noisy, TARGETS)["atd12k-ssim"] > score_images(noisy, TARGETS)["ssim"] + 0.05).all()


def test_ct2_colourfulness_takes_absolute_values() -> None:
    """Red beside cyan spreads both ways; taken absolutely it is one colour."""
    half = np.zeros((1, 16, 16, 3), np.uint8)
    half[:, :, :8], half[:, :, 8:] = (200, 0, 0), (0, 200, 0)
    found = image_modes(half, half)["ct2-colourfulness"][0]
    assert found == pytest.approx(0.3 * np.hypot(200, 100))
    assert image_modes(gray(half), half)["ct2-colourfulness"][0] == 0
    signed = np.hypot(200.0, 0.0) + 0.3 * np.hypot(0, 100)
    assert signed > 3 * found


def test_colormnet_cdc_prefers_gray() -> None:
    """Colours drift under an even light: the gray clip drifts less than the target, and wins."""
    clip = np.full((6, 32, 32, 3), (200, 80, 80), np.uint8)
    for frame in range(6):
        clip[frame, : 4 + 4 * frame] = (50, 130, 216)  # of the same luma, ever more of it
    frames = list(range(6))
    assert (clip_modes(gray(clip), frames)["colormnet-cdc"] == 0).all()
    assert (clip_modes(clip, frames)["colormnet-cdc"] > 0.02).all()
    assert (temporal_scores(gray(clip), clip, frames)["cdc-difference"] > 0.02).all()
    frozen = np.repeat(clip[:1], 6, 0)
    assert (clip_modes(frozen, frames)["colormnet-cdc"] == 0).all()


def test_colormnet_lpips_is_another_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        features = torchvision.models.alexnet().features
    generator = torch.Generator().manual_seed(0)
    state = {
        f"features.{k}": torch.randn(v.shape, generator=generator) * 0.03 for k, v in features.state_dict().items()
    }
    torch.save(state, tmp_path / "alexnet.pth")
    monkeypatch.setattr(lpips, "WEIGHTS", replace(lpips.WEIGHTS, sha256=files.sha256(tmp_path / "alexnet.pth")[:8]))
    network = lpips.Lpips(tmp_path / "alexnet.pth")
    wrong = colormnet_lpips(PREDICTIONS, TARGETS, network)["colormnet-lpips"]
    right = network(PREDICTIONS, TARGETS)["lpips"]
    assert (np.abs(wrong / right - 1) > 0.05).all()


def test_what_the_inception_network_is_shown() -> None:
    """Black and white arrive at -0.03 and 0.43 (CT2), at 0.20 and 0.43 (DDColor), where -1 and 1 are meant."""
    ends = np.stack([np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)])
    shown = {code: inception_input(ends, code)[:, 0, 0] for code in ("ct2", "ddcolor", "right")}
    np.testing.assert_allclose(shown["ct2"], [[-0.03, -0.088, -0.188], [0.428, 0.36, 0.262]], atol=1e-6)
    np.testing.assert_allclose(shown["ddcolor"], [[0.199, 0.136, 0.037], [0.428, 0.36, 0.262]], atol=1e-6)
    np.testing.assert_allclose(shown["right"], [[-1] * 3, [1] * 3], atol=1e-6)


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    """A file of torchvision's format with random weights, and the network it holds."""
    with torch.device("meta"):
        network = torchvision.models.inception_v3(init_weights=False)
    network = network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_var", "bn.weight")):
            tensor.fill_(1)
        elif name.endswith(("running_mean", "bias", "num_batches_tracked")):
            tensor.zero_()
        else:
            tensor.normal_(std=(2 / max(1, tensor[0].numel())) ** 0.5, generator=generator)
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path, network.eval()


def test_ct2_fid_is_made_of_other_features(
    inception: tuple[Path, torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, network = inception
    monkeypatch.setattr(literature, "WEIGHTS", replace(literature.WEIGHTS, sha256=files.sha256(path)[:8]))
    monkeypatch.setattr(literature, "SIDE", 107)  # the rule is the same, and quicker
    extract = LegacyInception(path)
    codes: tuple[Literal["ct2", "ddcolor", "right"], ...] = ("ct2", "ddcolor", "right")
    few = TARGETS[:2]
    features = {code: extract(few, code) for code in codes}
    assert features["ct2"].shape == (2, 2048)

    kept = []
    pooling = dict(network.named_children())["avgpool"]
    hook = pooling.register_forward_hook(lambda module, given, out: kept.append(out.flatten(1).numpy()))
    shown = torch.from_numpy(inception_input(few, "ct2")).permute(0, 3, 1, 2)
    with torch.inference_mode():
        network(torch.nn.functional.interpolate(shown, (107, 107), mode="bilinear"))
    hook.remove()
    np.testing.assert_allclose(features["ct2"], kept[0], rtol=1e-3, atol=1e-4 * kept[0].max())

    distances = {code: fid(extract(PREDICTIONS[:2], code), features[code]) for code in codes}
    assert distances["ddcolor"] < distances["ct2"] < distances["right"] / 2  # less contrast in, less distance out


def test_another_inception_file_is_refused(inception: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="expected SHA-256 1a9a5a14"):
        LegacyInception(inception[0])


def test_colormnet_fid_is_of_each_clip() -> None:
    """Few frames make a FID of features that agree in distribution large."""
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 64, 32)).astype(np.float32)
    frames = list(range(8)) * 8
    apart = clip_fid(ours, theirs, frames)
    assert apart == pytest.approx(np.mean([fid(ours[i : i + 8], theirs[i : i + 8]) for i in range(0, 64, 8)]))
    assert apart > 1.5 * fid(ours, theirs)


def test_bad_input_is_named() -> None:
    with pytest.raises(BenchError, match=r"need uint8 images .* got targets float64"):
        image_modes(TARGETS, TARGETS / 255)
    with pytest.raises(BenchError, match=r"pairs of one shape, at least 7x7; got \(4, 6, 48, 3\)"):
        image_modes(TARGETS[:, :6], TARGETS[:, :6])
