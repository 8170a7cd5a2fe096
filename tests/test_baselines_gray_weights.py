"""Pretrained weights for the VGG-16 body: what is taken, that it stays, what is refused."""

import hashlib
from pathlib import Path

import pytest
import torch
import torchvision

import baselines
from baselines import varga2016_vgg16
from bench.errors import BenchError
from bench.types import Batch


@pytest.fixture(scope="module")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in torchvision's format: random weights, classes of another size, named with its checksum."""
    torch.manual_seed(7)
    features = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"]).state_dict()
    state = {f"features.{key}": value for key, value in features.items()} | {"classifier.6.bias": torch.zeros(2)}
    plain = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save(state, plain)
    return plain.rename(plain.with_name(f"vgg16-{hashlib.sha256(plain.read_bytes()).hexdigest()[:8]}.pth"))


def test_vgg16_weights_reach_the_body_and_stay(vgg: Path) -> None:
    assert varga2016_vgg16.WEIGHTS.url == torchvision.models.VGG16_Weights.IMAGENET1K_V1.url
    assert varga2016_vgg16.WEIGHTS.sha256 in varga2016_vgg16.WEIGHTS.name
    model = varga2016_vgg16.build(32, 1.0, vgg)
    assert f"vgg16:{vgg.stem[-8:]}" == model.PRETRAINED
    body = model.generator.body
    assert isinstance(body, varga2016_vgg16.Body)
    seen = Batch(torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32))
    x, y = model.encode(seen)
    assert y is not None
    model.generator_losses(seen, x, y, model.generator(x), None)["l2"].backward()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in body.parameters())
    learning = [key for key, p in model.generator.named_parameters() if p.grad is not None and p.grad.any()]
    assert learning == [key for key, _ in model.generator.named_parameters() if not key.startswith("body.")]
    # The body answers as torchvision's network does to an image that its weights' own transform has prepared.
    theirs = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"])
    given = torch.load(vgg, weights_only=True)
    theirs.load_state_dict({key[9:]: value for key, value in given.items() if key.startswith("features.")})
    rgb = seen.condition.expand(-1, 3, -1, -1)
    prepared = torchvision.models.VGG16_Weights.IMAGENET1K_V1.transforms(crop_size=32, resize_size=32)(rgb)
    with torch.no_grad():
        for found, last in zip(body(rgb), (3, 8, 15, 22), strict=True):
            torch.testing.assert_close(found, theirs[: last + 1](prepared), rtol=1e-4, atol=1e-4)


def test_vgg16_without_weights_learns_its_body_too() -> None:
    model = varga2016_vgg16.build(32, 0.25)
    assert model.PRETRAINED == "none"
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_vgg16_weights_that_do_not_fit_are_refused(vgg: Path, tmp_path: Path) -> None:
    def build(width: float, weights: Path) -> None:
        with torch.device("meta"):  # nothing is drawn for a model that is refused
            varga2016_vgg16.build(32, width, weights)

    text, other, damaged, code = (tmp_path / name for name in ("text.pth", "other.pth", "v-00000000.pth", "code.pth"))
    text.write_text("not weights")
    dot = tmp_path / "dot.pth"
    dot.write_bytes(b".")  # the shortest pickle, of nothing
    damaged.write_text("not weights")
    torch.save(Path, code)
    nineteen = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["E"][:9])  # of VGG-19: one layer more
    torch.save({f"features.{key}": value for key, value in nineteen.state_dict().items()}, other)
    refusals = [
        (0.25, vgg, "VGG-16 weights fit width 1 only"),
        (1.0, tmp_path / "absent.pth", "no file at .* --backbone-weights"),
        (1.0, text, "holds no plain tensors"),
        (1.0, dot, "holds no plain tensors"),
        (1.0, code, "holds no plain tensors"),
        (1.0, damaged, "is damaged"),
        (1.0, other, "is not a VGG-16"),
    ]
    for width, path, words in refusals:
        with pytest.raises(BenchError, match=words) as refused:
            build(width, path)
        assert "\n" not in str(refused.value)
    for name in ("cgan", "dcgan", "he2021-gan", "varga2016-cnn"):
        with pytest.raises(BenchError, match="starts from random weights"):
            baselines.load(name).build(size=32, width=1.0, weights=vgg)
