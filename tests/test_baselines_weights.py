"""Pretrained weights for the ResNet-34 body: what is taken, what is recorded of it, what is refused."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision

from baselines import camizan2023_resnet34, fu2017_cgan
from baselines._resnet_unet import ResNetUnet
from bench.errors import BenchError


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in torchvision's format: random weights, named with its checksum."""
    torch.manual_seed(7)
    plain = tmp_path_factory.mktemp("weights") / "resnet34.pth"
    torch.save(torchvision.models.resnet34().state_dict(), plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    named = plain.with_name(f"resnet34-{digest[:8]}.pth")
    return plain.rename(named)


def test_weights_reach_the_body(resnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = camizan2023_resnet34.build(64, 1.0, resnet)
    digest = resnet.stem[-8:]
    recorded = [model.PRETRAINED, camizan2023_resnet34.build(64, 0.25).PRETRAINED]
    assert recorded == ["resnet34:" + digest, "none"]
    given = torch.load(resnet, weights_only=True)
    assert isinstance(model.generator, ResNetUnet)
    body = model.generator.body.eval()
    loaded = body.state_dict()
    assert torch.equal(loaded["layer4.2.conv2.weight"], given["layer4.2.conv2.weight"])
    # On gray the body answers as torchvision's network does to R = G = B.
    theirs = torchvision.models.resnet34()
    theirs.load_state_dict(given)
    theirs.eval()
    gray = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(gray.expand(-1, 3, -1, -1)))))
        x = theirs.layer4(theirs.layer3(theirs.layer2(theirs.layer1(x))))
        torch.testing.assert_close(body(gray)[-1], x, rtol=1e-4, atol=1e-4)


def test_only_the_published_file_is_recorded_as_imagenets(resnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = torchvision.models.ResNet34_Weights.IMAGENET1K_V1.url
    assert published == camizan2023_resnet34.WEIGHTS.url
    assert camizan2023_resnet34.WEIGHTS.sha256 in published
    digest = resnet.stem[-8:]
    monkeypatch.setattr(camizan2023_resnet34, "WEIGHTS", replace(camizan2023_resnet34.WEIGHTS, sha256=digest))
    recorded = camizan2023_resnet34.build(64, 1.0, resnet).PRETRAINED
    assert recorded == "resnet34-imagenet:" + digest


def test_weights_that_do_not_fit_are_refused(resnet: Path, tmp_path: Path) -> None:

    def build(size: int, width: float, weights: Path) -> None:
        with torch.device("meta"):  # nothing is drawn for a model that is refused
            camizan2023_resnet34.build(size, width, weights)

    with pytest.raises(BenchError, match="width 1 only"):
        build(64, 0.25, resnet)
    with pytest.raises(BenchError, match="no file at"):
        build(64, 1.0, tmp_path / "absent.pth")
    text = tmp_path / "text.pth"
    text.write_text("not weights")
    with pytest.raises(BenchError, match="no plain tensors"):
        build(64, 1.0, text)
    wrong = tmp_path / "resnet34-00000000.pth"
    wrong.write_bytes(text.read_bytes())
    with pytest.raises(BenchError, match="is damaged"):
        build(64, 1.0, wrong)
    other = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, other)
    with pytest.raises(BenchError, match="not a ResNet-34"):
        build(64, 1.0, other)
    code = tmp_path / "code.pth"
    torch.save(Path, code)
    with pytest.raises(BenchError, match="no plain tensors"):
        build(64, 1.0, code)
    with pytest.raises(BenchError, match="starts from random weights"):
        fu2017_cgan.build(64, 1.0, resnet)
