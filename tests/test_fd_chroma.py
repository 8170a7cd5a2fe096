"""FD-chroma on drawn and real pictures: more damage is never better, and nothing but the picture moves a feature."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data import procedural
from bench.data.standardize import standardize
from bench.errors import BenchError
from bench.features import Chroma, chroma
from bench.features import chroma_evidence as evidence
from bench.features import chroma_training as training
from bench.metrics.distribution import fid

KNOWN_TO_RISE = 6
"""So many strengths of each damage; hues turned by more than 60 degrees may make palettes like the old ones."""


@pytest.fixture(scope="module")
def drawn():
    """Pictures of series that the network was not trained on."""
    shots = [shot for shot in procedural.plan(series=4, pictures=12) if shot.split == "test"]
    return np.stack([procedural.draw(shot, domain, 64).image for shot in shots for domain in ("anime", "cartoon")])


@pytest.fixture(scope="module")
def extractor():
    return Chroma()


@pytest.mark.parametrize("name", evidence.DAMAGES)
def test_more_damage_is_worse_on_drawn_pictures(drawn, extractor, name):
    values = evidence.curve(extractor, drawn, name)[:KNOWN_TO_RISE]
    assert all(np.diff([0.0, *values]) > 0), values


def test_gray_is_far_worse_than_half_the_colour(drawn, extractor):
    target, lab = extractor(drawn), evidence.to_lab(drawn)
    half, none = (fid(extractor(evidence.to_rgb(evidence.desaturated(lab, share))), target) for share in (0.5, 1.0))
    assert none > 2 * half
    assert fid(target, target) == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.skipif("CHROMABENCH_SHARED" not in os.environ, reason="needs CHROMABENCH_SHARED, a mirror of open-v1")
@pytest.mark.parametrize("name", evidence.DAMAGES)
def test_more_damage_is_worse_on_real_pictures(extractor, name):
    home = Path(os.environ["CHROMABENCH_SHARED"])
    rows = list(csv.DictReader((home / "open-v1.csv").read_text(encoding="utf-8").splitlines()))
    drawings = [row for row in rows if row["domain"] == "cartoon" and row["file"].endswith((".jpg", ".png"))]
    pictures = np.stack([standardize(home / "open-v1" / row["file"], 64) for row in drawings[::20][:40]])
    values = evidence.curve(extractor, pictures, name)[:KNOWN_TO_RISE]
    assert all(np.diff([0.0, *values]) > 0), values


def test_features_are_the_same_on_any_number_of_threads(drawn, extractor):
    before = torch.get_num_threads()
    try:
        said = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            said.append(extractor(drawn).tobytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(set(said)) == 1


def test_neither_place_nor_company_nor_size_of_an_image_matters(drawn, extractor):
    said = extractor(drawn)
    assert said.shape == (len(drawn), chroma.FEATURES)
    assert said.dtype == np.float32
    np.testing.assert_allclose(extractor(drawn[5:8]), said[5:8], rtol=1e-5, atol=1e-5)
    larger = drawn[:4].repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(extractor(larger), said[:4], rtol=1e-4, atol=1e-4)
    assert extractor(drawn[:0]).shape == (0, chroma.FEATURES)
    with pytest.raises(BenchError, match="uint8 images"):
        extractor(drawn.astype(np.float32))


def test_every_feature_says_something(drawn, extractor):
    said = extractor(drawn)
    assert np.isfinite(said).all()
    assert (said.std(axis=0) > 0.01).mean() > 0.9
    assert np.abs(said - said.mean(axis=0)).max() < 30, "one picture must not outweigh all others"


def test_weights_are_small_and_those_that_were_published(tmp_path, monkeypatch):
    assert chroma.WEIGHTS.stat().st_size < 2**20
    other = tmp_path / "chroma.safetensors"
    other.write_bytes(chroma.WEIGHTS.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(chroma, "WEIGHTS", other)
    with pytest.raises(BenchError, match="FD-chroma's weights with SHA-256"):
        Chroma()
    monkeypatch.setattr(chroma, "WEIGHTS", tmp_path / "none")
    with pytest.raises(BenchError, match="missing or others"):
        Chroma()


@pytest.mark.slow
def test_training_repeats_and_learns(drawn):
    images = torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous()
    first, again = (training.train(images, steps=3).state_dict() for _ in range(2))
    fresh = chroma.network().state_dict()
    assert first.keys() == fresh.keys()
    for name, value in first.items():
        assert torch.equal(value, again[name]), name
    torch.manual_seed(0)
    assert not torch.equal(first["first.weight"], chroma.network().state_dict()["first.weight"])


@pytest.mark.parametrize("way", training.DAMAGES)
def test_training_damages_colours_and_keeps_luma(drawn, way):
    rgb = torch.from_numpy(drawn[:8]).permute(0, 3, 1, 2).float() / 255
    rgb = 0.3 + 0.4 * rgb  # inside the gamut, where nothing is clipped
    damaged = training.damage(rgb, way, 0.3)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    assert float(((damaged - rgb) * weights).sum(1).abs().mean()) < 2 / 255
    assert float((damaged - rgb).abs().max()) > 4 / 255


def test_evidence_bleeds_the_strongest_colour_and_keeps_lightness():
    lab = np.zeros((1, 9, 9, 3), np.float32)
    lab[..., 0] = np.arange(81).reshape(9, 9)
    lab[0, 4, 4, 1:] = (30, -40)
    lab[0, 4, 5, 1:] = (1, 1)
    out = evidence.bled(lab, 2 / 9)
    np.testing.assert_array_equal(out[..., 0], lab[..., 0])
    assert (out[0, 2:7, 2:7, 1:] == (30, -40)).all()
    assert (out[0, :2, :, 1:] == 0).all()
    assert (out[0, 4, 7, 1:] == (1, 1)).all()
