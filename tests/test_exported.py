"""Models from files: asked and understood as their convention says, and read without running anything in them."""

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor, nn

from bench.errors import BenchError
from bench.exported import Exported, read
from bench.exported.convention import Convention, parse
from bench.types import Images, Track

CPU = torch.device("cpu")
SIZE = 32
SAID: dict[str, Any] = {
    "schema": 1,
    "name": "my-model",
    "track": "gray",
    "input": {"channels": ["condition"], "range": [0, 1]},
    "output": {"space": "rgb", "range": [0, 1]},
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def said(channels: list[str] | None = None, space: str = "rgb", **changes: Any) -> dict[str, Any]:
    outputs = {
        "rgb": {"range": [0, 1]},
        "uv": {"range": [0, 1]},
        "ab": {"scale": 1},
        "lab": {"range": [0, 1], "scale": 1},
    }
    value = SAID | {"output": {"space": space} | outputs[space]} | changes
    return value if channels is None else value | {"input": {"channels": channels, "range": [0, 1]}}


def images(count: int = 5, size: int = SIZE, **more: Any) -> Images:
    rng = np.random.default_rng(7)
    targets = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    ids = tuple(f"i{k}" for k in range(count))
    return Images(ids, ids, targets, rng.integers(0, 256, (count, size, size), dtype=np.uint8), **more)


class Said(nn.Module):
    """A model that is one function."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def write(
    path: Path,
    model: nn.Module | Callable[[Tensor], Tensor],
    convention: dict[str, Any] | None,
    shape: tuple[int, ...] = (2, 1, SIZE, SIZE),
    free: bool = True,
) -> Path:
    """Export a model with its convention beside it."""
    module = model if isinstance(model, nn.Module) else Said(model)
    sides = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO) if free else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own
        program = torch.export.export(module, (torch.rand(shape),), dynamic_shapes=(sides,) if sides else None)
        torch.export.save(program, path)
    if convention is not None:
        path.with_suffix(".json").write_text(json.dumps(convention))
    return path


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Exported]:
    def make(model: Any, convention: dict[str, Any], *args: Any, **more: Any) -> Exported:
        if not isinstance(model, nn.Module):
            model = Said(model)
        return read(write(tmp_path / "model.pt2", model, convention, *args, **more))

    return make


def refused(path: Path, match: str) -> None:
    with pytest.raises(BenchError, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


# What the convention means


def test_a_network_gives_what_it_gives_in_torch(exported: Callable[..., Exported]) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 6, 4, 2, 1), nn.BatchNorm2d(6), nn.LeakyReLU(0.2, inplace=True), nn.Dropout(0.5),
        nn.InstanceNorm2d(6), nn.ConvTranspose2d(6, 3, 4, 2, 1), nn.Tanh(),
    ).eval()  # fmt: skip
    pix2pix = said() | {
        "input": {"channels": ["condition"], "range": [-1, 1]},
        "output": {"space": "rgb", "range": [-1, 1]},
    }
    data = images()
    made = exported(network, pix2pix).predict(data, CPU)
    with torch.no_grad():
        wanted = network(torch.from_numpy(data.conditions).float()[:, None] / 127.5 - 1)
    np.testing.assert_allclose(made, 127.5 * (wanted.permute(0, 2, 3, 1).numpy() + 1), atol=0.51)
    assert made.dtype == np.uint8
    assert (made.std(axis=(0, 1, 2)) > 1).all(), "a constant picture would prove nothing"


def test_lightness_in_and_chroma_out(exported: Callable[..., Exported]) -> None:
    """As in Lab models: L in [0, 100] to ab, checked with scikit-image."""

    def chroma(x: Tensor) -> Tensor:
        return torch.cat([x - 50, 30 - x / 2], dim=1)

    model = exported(chroma, said(space="ab") | {"input": {"channels": ["lightness"], "range": [0, 100]}})
    data = images()
    lightness = rgb2lab(np.repeat(data.conditions[..., None], 3, -1))[..., :1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # colours outside sRGB are clipped, and scikit-image says so
        wanted = lab2rgb(np.concatenate([lightness, lightness - 50, 30 - lightness / 2], -1))
    np.testing.assert_allclose(model.predict(data, CPU), wanted * 255, atol=1.6)  # two whites differ in the third digit


def test_lab_out(exported: Callable[..., Exported]) -> None:
    convention = said() | {"output": {"space": "lab", "range": [-1, 1], "scale": 110}}
    model = exported(lambda x: torch.cat([2 * x - 1, 0 * x + 0.2, 0 * x - 0.1], dim=1), convention)
    data = images()
    level = data.conditions[..., None] / 255 * 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = lab2rgb(np.concatenate([level, 0 * level + 22, 0 * level - 11], -1))
    np.testing.assert_allclose(model.predict(data, CPU), wanted * 255, atol=1.6)


def test_uv_out_keeps_the_luma_shown(exported: Callable[..., Exported]) -> None:
    convention = said() | {"output": {"space": "uv", "range": [-1, 1]}}
    gray = exported(lambda x: torch.cat([0 * x, 0 * x], dim=1), convention)
    data = images()
    np.testing.assert_array_equal(gray.predict(data, CPU), np.repeat(data.conditions[..., None], 3, -1))
    data.conditions[:] = 128
    tinted = exported(lambda x: torch.cat([0 * x + 0.2, 0 * x], dim=1), convention).predict(data, CPU)
    np.testing.assert_allclose(tinted[..., 2], 128 + 255 * 0.1 * 1.772, atol=1)
    assert (tinted[..., 0] == 128).all()


def test_hints_and_mask_are_told(exported: Callable[..., Exported]) -> None:
    hints = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 4), dtype=np.uint8)
    hints[..., 3] = np.where(hints[..., 3] > 99, 255, 0)
    convention = said(["mask", "hints"], track="gray+hints")
    shown = exported(lambda x: x[:, 1:] * x[:, :1], convention, (2, 4, SIZE, SIZE)).predict(images(hints=hints), CPU)
    np.testing.assert_array_equal(shown, hints[..., :3] * (hints[..., 3:] // 255))


def test_a_mask_stays_0_or_1_whatever_the_range(exported: Callable[..., Exported]) -> None:
    hints = np.zeros((5, SIZE, SIZE, 4), np.uint8)
    hints[:, :4, :4, 3] = 255
    convention = said(track="gray+hints") | {"input": {"channels": ["mask"], "range": [-1, 1]}}
    shown = exported(lambda x: torch.cat([x, x, x], 1), convention).predict(images(hints=hints), CPU)
    np.testing.assert_array_equal(shown[..., 0], hints[..., 3])


def test_a_reference_is_told(exported: Callable[..., Exported]) -> None:
    palettes = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    convention = said(["reference"], track="lineart-canny+reference")
    model = exported(lambda x: x[:, 3:6], convention, (2, 12, SIZE, SIZE))
    shown = model.predict(images(palettes=palettes), CPU)
    band = shown[:, : SIZE // 4, :, :]
    assert (band == band[:, :1, :1]).all()
    assert {tuple(one) for one in band[:, 0, 0]} <= {tuple(one) for one in palettes[:, 0, 1]}


def test_its_own_previous_frame_is_told(exported: Callable[..., Exported]) -> None:
    convention = said(["condition", "previous"], track="gray+previous")
    model = exported(lambda x: 0.5 * x[:, :1] + 0.5 * x[:, 1:], convention, (2, 4, SIZE, SIZE))
    data = images(frames=(0, 1, 2, 0, 1))
    shown = model.predict(data, CPU)
    last = np.zeros((SIZE, SIZE))
    for row, place in enumerate(data.frames or ()):
        last = data.conditions[row] / 2 + (last / 2 if place else 0)
        np.testing.assert_allclose(shown[row, ..., 0], last, atol=0.51)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_fixed_batch_is_filled_up_and_changes_nothing(exported: Callable[..., Exported], batch: int) -> None:
    def own_mean(x: Tensor) -> Tensor:
        return (x * 0.5 + 0.5 * x.mean(dim=(2, 3), keepdim=True)).expand(-1, 3, -1, -1)

    data = images()
    fixed = exported(own_mean, said(), (batch, 1, SIZE, SIZE), free=False).predict(data, CPU)
    mean = data.conditions.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(fixed[..., 1], data.conditions / 2 + mean / 2, atol=0.51)


def test_another_size_is_refused_unless_it_is_resized(exported: Callable[..., Exported]) -> None:
    args: Any = (lambda x: 40 * torch.cat([0 * x + 1, 0 * x], 1),)
    shape = (1, 1, SIZE, SIZE)
    model = exported(*args, said(space="ab"), shape, free=False)
    with pytest.raises(BenchError, match=r"32 by 32 pixels, these are 64 by 64; evaluate with --size 32, or declare"):
        model.predict(images(size=64), CPU)
    model = exported(*args, said(space="ab", size=SIZE, resize="bicubic"), shape, free=False)
    assert model.facts()["convention"]["resize"] == "bicubic"
    for size in (16, 48, 64):
        data = images(size=size)
        lightness = rgb2lab(np.repeat(data.conditions[..., None], 3, -1))[..., :1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = lab2rgb(np.concatenate([lightness, 0 * lightness + 40, 0 * lightness], -1))
        np.testing.assert_allclose(model.predict(data, CPU), wanted * 255, atol=1.6)  # lightness is not resized


def test_resizing_uses_antialiasing(exported: Callable[..., Exported]) -> None:
    model = exported(lambda x: torch.cat([x, x, x], 1), said(size=16, resize="bicubic"), (1, 1, 16, 16), free=False)
    data = images(1, size=64)
    data.conditions[:] = np.where(np.arange(64) % 2, 255, 0)
    np.testing.assert_allclose(model.predict(data, CPU)[:, 16:-16, 16:-16], 127.5, atol=3)


def test_sides_that_the_program_was_not_exported_for_are_refused(tmp_path: Path) -> None:
    side = torch.export.Dim("side", min=3)
    program = torch.export.export(Said(lambda x: x.expand(-1, 3, -1, -1)), (torch.rand(2, 1, 24, 24),),
                                  dynamic_shapes=({2: 8 * side, 3: 8 * side},))  # fmt: skip
    torch.export.save(program, tmp_path / "m.pt2")
    (tmp_path / "m.json").write_text(json.dumps(SAID))
    model = read(tmp_path / "m.pt2")
    assert model.predict(images(size=32), CPU).shape == (5, 32, 32, 3)
    for size in (16, 28):
        with pytest.raises(BenchError, match="multiples of 8 from 24"):
            model.predict(images(size=size), CPU)


def test_facts_name_the_file_and_the_convention(exported: Callable[..., Exported]) -> None:
    model = exported(nn.Conv2d(1, 3, 1), said())
    facts = model.facts()
    assert facts["format"] == "torch.export"
    assert facts["parameters"] == 6
    assert facts["convention"] == SAID
    assert len(facts["sha256"]) == 64
    assert (model.name, model.track) == ("my-model", Track("gray"))


# Conventions


@pytest.mark.parametrize(
    "value",
    [said(), said(["lightness"], "ab"), said(space="lab"), said(space="uv", size=64, batch=1, resize="bicubic"),
     said(["condition", "hints", "mask"], track="lineart-canny+hints"), said(["previous"], track="gray+previous-true")],
)  # fmt: skip
def test_a_convention_is_written_as_it_is_read(value: dict[str, Any]) -> None:
    convention = parse(json.dumps(value), "here")
    assert isinstance(convention, Convention)
    assert convention.facts() == value


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"schema": 1, "schema": 1}', "a key stands twice"),
        ('{"schema": NaN}', "NaN is no number"),
        ([], "must be an object with input, name"),
        ({k: v for k, v in SAID.items() if k != "name"}, "lacks 'name'"),
        (SAID | {"colour": 1}, "unknown key 'colour'"),
        (SAID | {"schema": 2}, '"schema" must be 1, got 2'),
        (SAID | {"schema": True}, '"schema" must be 1'),
        (SAID | {"name": "My Model"}, "must be lower-case"),
        (SAID | {"name": 3}, '"name" must be a string'),
        (SAID | {"track": "grey"}, "unknown condition 'grey'"),
        (SAID | {"size": "64"}, '"size" must be null or a whole number'),
        (SAID | {"size": True}, '"size" must be'),
        (SAID | {"batch": 0}, '"batch" must be'),
        (SAID | {"resize": True}, '"resize" must be of bicubic'),
        (SAID | {"input": {"channels": ["condition"]}}, "\"input\" lacks 'range'"),
        (SAID | {"input": {"channels": [], "range": [0, 1]}}, '"channels" must be a list'),
        (SAID | {"input": {"channels": ["gray"], "range": [0, 1]}}, '"channels" must be of condition, lightness'),
        (SAID | {"input": {"channels": ["condition"], "range": [1, 0]}}, "two rising numbers"),
        (json.dumps(SAID).replace("[0, 1]", "[0, 1e999]"), "two rising numbers"),
        (SAID | {"output": {"space": "hsv"}}, '"space" must be of rgb, lab, ab, uv'),
        (SAID | {"output": {"space": "ab", "range": [0, 1]}}, "lacks 'scale'"),
        (SAID | {"output": {"space": "rgb", "range": [0, 1], "scale": 2}}, "unknown key 'scale'"),
        (SAID | {"output": {"space": "ab", "scale": -1}}, '"scale" must be a positive number'),
        (said(["condition", "hints"]), r"'hints' is not told on the track 'gray'; add \+hints"),
        (SAID | {"track": "gray+hints"}, "tells hints, but the input takes no 'hints'"),
        (said(["mask"], track="gray+hints", resize="bicubic"), "'mask' cannot be resized"),
    ],
)
def test_a_faulty_convention_is_one_line(value: Any, match: str) -> None:
    with pytest.raises(BenchError, match=match) as caught:
        parse(value if isinstance(value, str) else json.dumps(value), "model.json")
    assert str(caught.value).startswith("model.json")


def copied(x: Tensor) -> Tensor:
    return x.expand(-1, 3, -1, -1)


@pytest.mark.parametrize(
    ("convention", "match"),
    [
        (None, "needs .*model.json"),
        (said(["condition"] * 3), r"takes .*its convention says \(images, 3 channels"),
        (said(space="ab"), "gives 3 channels, its convention says 2 of 'ab'"),
        (said(size=64), 'takes sides of 32 pixels, its convention says "size": 64'),
        (said(batch=3), 'takes batches of 2, its convention says "batch": 3'),
    ],
)
def test_a_convention_that_contradicts_its_file(tmp_path: Path, convention: Any, match: str) -> None:
    refused(write(tmp_path / "model.pt2", copied, convention, free=False), match)


def test_resizing_needs_a_size(tmp_path: Path) -> None:
    refused(write(tmp_path / "model.pt2", copied, said(resize="bicubic")), '"resize" needs a "size"')


def test_the_convention_may_stand_inside(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    program = torch.export.export(Said(copied), (torch.rand(1, 1, SIZE, SIZE),))
    torch.export.save(program, path, extra_files={"chromabench.json": json.dumps(SAID)})
    assert read(path).facts()["convention"] == SAID
    path.with_suffix(".json").write_text(json.dumps(SAID))
    refused(path, "is another; delete one")


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (lambda x: torch.cat([x / 0, x, x], 1), "not finite"),
        (lambda x: x[:, :, ::2].expand(-1, 3, -1, -1), "must give"),
        (lambda x: x.add_(1).expand(-1, 3, -1, -1) * torch.rand(1), "known to be harmless"),
        (lambda x: torch.nn.functional.dropout(x, 0.5, True).expand(-1, 3, -1, -1), "training mode"),
        (lambda x: (x.expand(-1, 3, -1, -1), x), "gives 2"),
    ],
)
def test_an_output_that_is_no_picture_is_refused(exported: Callable[..., Exported], model: Any, match: str) -> None:
    with pytest.raises(BenchError, match=match):
        exported(model, said(), (1, 1, SIZE, SIZE), free=False).predict(images(), CPU)


class Counting(nn.Module):
    """It remembers how often it was asked, so a split's pictures would depend on their order."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.get_buffer("seen").add_(1)
        return x.expand(-1, 3, -1, -1) + seen


def test_a_model_that_changes_itself_is_refused(exported: Callable[..., Exported]) -> None:
    with pytest.raises(BenchError, match="changes its own"):
        exported(Counting(), said()).predict(images(), CPU)
