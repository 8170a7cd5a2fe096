"""The untrained references: what each answers, on images whose right answer is known."""

import dataclasses

import numpy as np
import pytest

import baselines
from baselines import _references as references
from baselines import lab_round_trip, nearest_image
from bench.color import lab_to_srgb, luma, quantize, srgb_to_lab
from bench.errors import BenchError
from bench.types import Images

UNTRAINED = ("gray-copy", "half-saturation", "lab-round-trip", "mean-chroma", "nearest-image")


def pictures(count: int, size: int, seed: int = 0) -> Images:
    """Flat colour fields of 8 pixels with a gradient over them, as a drawing has."""
    draw = np.random.default_rng(seed)
    cells = -(-size // 8)
    fields = draw.uniform(0.1, 0.9, (count, cells, cells, 3)).repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
    shade = np.linspace(0.8, 1.0, size)[None, :, None, None]
    targets = np.asarray(quantize(fields * shade))
    names = tuple(f"p{place}" for place in range(count))
    return Images(names, names, targets, luma(targets))


def painted(name: str, train: Images, images: Images) -> np.ndarray:
    out = baselines.load(name).fit(train)(images)
    assert out.dtype == np.uint8
    assert out.shape == images.targets.shape
    return out


def test_gray_copy_is_gray() -> None:
    images = pictures(3, 40)
    out = painted("gray-copy", images, images)
    assert (out == images.conditions[..., None]).all()


def test_mean_chroma_is_one_chroma_on_the_inputs_lightness() -> None:
    train, images = pictures(5, 40), pictures(3, 40, seed=1)
    out = srgb_to_lab(painted("mean-chroma", train, images) / 255)
    wanted = srgb_to_lab(train.targets / 255)[..., 1:].mean(axis=(0, 1, 2))
    shown = srgb_to_lab(np.repeat(images.conditions[..., None], 3, axis=-1) / 255)[..., 0]
    assert np.abs(wanted).max() > 1
    assert np.abs(out[..., 1:] - wanted).max() < 1.5  # 8 bits
    assert np.abs(out[..., 0] - shown).max() < 0.5


def test_mean_chroma_does_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    train, images = pictures(7, 40), pictures(3, 40, seed=1)
    whole = {name: painted(name, train, images) for name in UNTRAINED}
    monkeypatch.setattr(references, "CHUNK_PIXELS", 3000)
    monkeypatch.setattr(nearest_image, "QUERIES", 2)
    monkeypatch.setattr(nearest_image, "CANDIDATES", 3)
    for name in UNTRAINED:
        assert np.array_equal(painted(name, train, images), whole[name]), name


@pytest.mark.parametrize("size", [32, 40, 57])
def test_nearest_image_finds_a_training_image_again(size: int) -> None:
    train = pictures(9, size)
    chosen = np.array([7, 2, 2, 0])
    # Darker and flatter than in training: the layout is the same.
    dimmed = (train.conditions[chosen] * 0.5 + 20).astype(np.uint8)
    asked = Images(("a", "b", "c", "d"), ("g",) * 4, np.zeros((4, size, size, 3), np.uint8), dimmed)
    bright = dataclasses.replace(asked, conditions=train.conditions[chosen])
    # Its own luma back: what is lost is the rounding of the gray, at most one level a channel.
    assert np.abs(painted("nearest-image", train, bright).astype(int) - train.targets[chosen]).max() <= 1
    out = painted("nearest-image", train, asked)
    assert np.abs(luma(out).astype(int) - dimmed).max() <= 12  # clipped colours miss their luma, others do not
    assert np.median(np.abs(luma(out).astype(int) - dimmed)) <= 1
    wanted = references.on_luma(dimmed, train.targets[chosen])
    assert np.array_equal(out, wanted)


def test_nearest_image_agrees_with_a_direct_search() -> None:
    train, images = pictures(40, 48), pictures(20, 48, seed=5)
    rows = [
        condition.reshape(-1, 16, 3, 16, 3).mean(axis=(2, 4)).reshape(-1, 256)
        for condition in (train.conditions.astype(float), images.conditions.astype(float))
    ]
    table = np.corrcoef(np.concatenate(rows))[40:, :40]
    wanted = references.on_luma(images.conditions, train.targets[table.argmax(axis=1)])
    assert np.array_equal(painted("nearest-image", train, images), wanted)


def test_nearest_image_of_a_flat_condition_is_the_first() -> None:
    train = pictures(4, 37)
    flat = Images(("a",), ("g",), np.zeros((1, 37, 37, 3), np.uint8), np.full((1, 37, 37), 99, np.uint8))
    wanted = references.on_luma(flat.conditions, train.targets[:1])
    assert np.array_equal(painted("nearest-image", train, flat), wanted)


def test_half_saturation_halves_chroma() -> None:
    images = pictures(4, 40)
    out = srgb_to_lab(painted("half-saturation", images, images) / 255)
    target = srgb_to_lab(images.targets / 255)
    # One level of 8 bits is up to about 1 in a and b; fields at 10 to 90 % stay inside sRGB.
    assert np.abs(out[..., 1:] - target[..., 1:] / 2).max() < 1.5
    assert np.abs(out[..., 0] - target[..., 0]).max() < 0.5
    chroma = np.linalg.norm(target[..., 1:], axis=-1)
    assert np.linalg.norm(out[..., 1:], axis=-1).sum() / chroma.sum() == pytest.approx(0.5, abs=0.01)


def test_lab_round_trip_loses_little() -> None:
    images = pictures(4, 40)
    difference = np.abs(painted("lab-round-trip", images, images).astype(int) - images.targets)
    assert 0.1 < difference.mean() < 1
    assert 0 < difference.max() <= 10  # levels, of a dark channel beside bright ones
    # A gray keeps a = b = 128, so only its lightness is rounded, in steps finer than sRGB's.
    codes = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 16, 16, 3)
    grays = Images(("a",), ("g",), codes, luma(codes))
    assert np.abs(painted("lab-round-trip", grays, grays).astype(int) - codes).max() <= 1


def test_lab_round_trip_stores_bytes() -> None:
    """Colours that are whole numbers of the encoding come back as they are, and pull those beside them along."""
    codes = np.stack(np.meshgrid([80, 128, 190], [118, 128, 140], [120, 128, 150], indexing="ij"), axis=-1)
    lab = (codes - lab_round_trip.SHIFT) / lab_round_trip.SCALE
    wanted = lab_to_srgb(lab)
    for beside in (np.zeros(3), np.array([0.1, 0.4, -0.4])):
        np.testing.assert_allclose(lab_round_trip.through_bytes(lab_to_srgb(lab + beside)), wanted, atol=1e-9)


def test_references_that_see_no_target_ignore_it() -> None:
    train, images = pictures(5, 40), pictures(3, 40, seed=1)
    hidden = dataclasses.replace(images, targets=np.zeros_like(images.targets))
    for name in UNTRAINED:
        same = np.array_equal(painted(name, train, images), painted(name, train, hidden))
        assert same != baselines.load(name).SEES_TARGET, name


def test_references_refuse_what_they_cannot_learn_from() -> None:
    train, none = pictures(3, 40), pictures(0, 40)
    for name in ("mean-chroma", "nearest-image"):
        with pytest.raises(BenchError, match="which is empty"):
            baselines.load(name).fit(none)
    with pytest.raises(BenchError, match="at one size"):
        painted("nearest-image", train, pictures(2, 48))
    for name in UNTRAINED:
        assert painted(name, train, none).shape == (0, 40, 40, 3)
