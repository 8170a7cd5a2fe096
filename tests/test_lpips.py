"""LPIPS against torchmetrics on the same random weights; what is refused; the range that most get wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from bench import files
from bench.errors import BenchError
from bench.metrics import lpips
from bench.metrics.lpips import CHANNELS, METRICS, Lpips, bundled_linear, load_lpips

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of the published formats with random weights: AlexNet and the layers' weights."""
    folder = tmp_path_factory.mktemp("lpips")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        with torch.device("meta"):  # its classifier would take a second to draw
            features = torchvision.models.alexnet().features
        features = features.to_empty(device="cpu")
        for parameter in features.parameters():
            torch.nn.init.normal_(parameter, std=0.03)
        layers = {f"lin{place}.model.1.weight": torch.rand(1, width, 1, 1) for place, width in enumerate(CHANNELS)}
    state = {f"features.{name}": tensor for name, tensor in features.state_dict().items()}
    state["classifier.6.bias"] = torch.zeros(1000)
    torch.save(state, folder / "alexnet.pth")
    torch.save(layers, folder / "alex.pth")
    return folder / "alexnet.pth", folder / "alex.pth"


@pytest.fixture
def distance(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Lpips:
    monkeypatch.setattr(lpips, "WEIGHTS", replace(lpips.WEIGHTS, sha256=files.sha256(made[0])[:8]))
    return Lpips(*made)


def pictures(count: int, height: int = 40, width: int = 52, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def by_torchmetrics(made: tuple[Path, Path], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The same formula, as torchmetrics writes it, on floats of any range."""
    from torchmetrics.functional.image.lpips import _LPIPS, ScalingLayer

    with torch.device("meta"):
        network: Any = _LPIPS(pretrained=False, net="alex", pnet_rand=True)
    network = network.to_empty(device="cpu")
    network.scaling_layer = ScalingLayer()
    state = torch.load(made[0], weights_only=True)
    for part in network.net.children():
        part.load_state_dict({name: state[f"features.{name}"] for name in part.state_dict()})
    missing = network.load_state_dict(torch.load(made[1], weights_only=True), strict=False)
    assert not missing.unexpected_keys
    tensors = [torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2) for images in (first, second)]
    with torch.inference_mode():
        return network(*tensors).flatten().double().numpy()


def test_agrees_with_torchmetrics(distance: Lpips, made: tuple[Path, Path]) -> None:
    first, second = pictures(19), pictures(19, seed=1)
    second[3] = 255 - first[3]
    second[4] = first[4] // 2
    ours = distance(first, second)["lpips"]
    theirs = by_torchmetrics(made, first / 127.5 - 1, second / 127.5 - 1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours.dtype == np.float64


def test_the_range_is_fixed(distance: Lpips, made: tuple[Path, Path]) -> None:
    """Images in 0..1 or 0..255, as some pass them, give other numbers: why only 8-bit images go in."""
    first, second = pictures(3), pictures(3, seed=1)
    right = distance(first, second)["lpips"]
    for scale in (1 / 255, 1.0):
        wrong = by_torchmetrics(made, first * scale, second * scale)
        assert (np.abs(wrong / right - 1) > 0.02).all()
    with pytest.raises(BenchError, match=r"needs uint8 images .* got predictions float64"):
        distance(first / 255, second)


def test_equal_images_are_at_no_distance_and_damage_adds_to_it(distance: Lpips) -> None:
    images = pictures(2)
    assert distance(images, images.copy())["lpips"].tolist() == [0, 0]
    shift = np.random.default_rng(5).integers(-8, 9, images.shape)
    values = [
        distance(np.clip(images + by * shift, 0, 255).astype(np.uint8), images)["lpips"].mean() for by in (1, 3, 9)
    ]
    assert 0 < values[0] < values[1] < values[2]


def test_company_and_order_change_nothing(distance: Lpips) -> None:
    first, second = pictures(lpips.BATCH + 3), pictures(lpips.BATCH + 3, seed=1)
    together = distance(first, second)["lpips"]
    alone = [distance(first[i : i + 1], second[i : i + 1])["lpips"][0] for i in (0, 5, lpips.BATCH + 2)]
    np.testing.assert_array_equal(together[[0, 5, lpips.BATCH + 2]], alone)
    np.testing.assert_allclose(distance(second, first)["lpips"], together, rtol=1e-12)


def test_the_bundled_layer_weights_are_the_ones_meant(distance: Lpips, made: tuple[Path, Path]) -> None:
    """They come with torchmetrics; every weight is at least 0, as the method trains them."""
    layers = torch.load(bundled_linear(), map_location="cpu", weights_only=True)
    assert [tuple(tensor.shape) for tensor in layers.values()] == [(1, width, 1, 1) for width in CHANNELS]
    assert all((tensor >= 0).all() for tensor in layers.values())
    first, second = pictures(2), pictures(2, seed=1)
    assert (Lpips(made[0])(first, second)["lpips"] > 0).all()


def test_other_layer_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lpips, "LINEAR_SHA256", "0" * 64)
    with pytest.raises(BenchError, match=r"torchmetrics 1.9 \(SHA-256 00000000…\); this one has df73285e"):
        bundled_linear()


def test_without_weights_it_is_absent_and_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    found, reason = load_lpips()
    assert found is None
    assert "needs torchvision's ImageNet weights of AlexNet" in reason
    assert "--lpips-weights download" in reason
    assert load_lpips("none") == (None, "left out by --lpips-weights none.")


def test_a_file_in_the_cache_is_used(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(lpips, "WEIGHTS", replace(lpips.WEIGHTS, sha256=files.sha256(made[0])[:8]))
    place = lpips.WEIGHTS.cached()
    place.parent.mkdir()
    place.write_bytes(made[0].read_bytes())
    found, reason = load_lpips()
    assert found is not None
    assert reason == ""
    monkeypatch.setattr(lpips, "LINEAR_SHA256", "0" * 64)
    assert load_lpips()[1].startswith("LPIPS needs the weights that come with torchmetrics")
    with pytest.raises(BenchError, match="come with torchmetrics"):
        load_lpips(place)


def test_another_file_is_refused(made: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is not torchvision's ImageNet weights of AlexNet: expected SHA-256 7be5be79"):
        Lpips(*made)
    with pytest.raises(BenchError, match="no file at"):
        load_lpips(tmp_path / "nothing.pth")

    def trusted(path: Path) -> Path:
        monkeypatch.setattr(lpips, "WEIGHTS", replace(lpips.WEIGHTS, sha256=files.sha256(path)[:8]))
        return path

    for name, content in (("damaged.pth", b"no tensors"), ("empty.pth", b""), ("stop.pth", b".")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BenchError, match="holds no plain tensors"):
            Lpips(trusted(tmp_path / name))
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(BenchError, match=r"0\.weight has shape \(64, 3, 3, 3\), not \(64, 3, 11, 11\)"):
        Lpips(trusted(tmp_path / "other.pth"))
    with pytest.raises(BenchError, match=r"LPIPS v0\.1"):
        Lpips(trusted(made[0]), made[0])


def test_too_small_images_are_refused(distance: Lpips) -> None:
    edge = pictures(1, lpips.SMALLEST, lpips.SMALLEST)
    assert np.isfinite(distance(edge, edge[:, ::-1].copy())["lpips"]).all()
    with pytest.raises(BenchError, match="at least 31 pixels a side"):
        distance(edge[:, 1:], edge[:, 1:])


def test_its_entry_fits_a_signature() -> None:
    assert [metric.id for metric in METRICS] == ["lpips"]
    assert "|" not in METRICS[0].name + METRICS[0].definition
