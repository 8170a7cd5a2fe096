"""What a step sees beside the images: hints, palettes, warps; the same from the same seed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import guidance
from bench.batches import Resident, batches, hints, palette_maps
from bench.errors import BenchError
from bench.job import Job
from bench.types import Adam, Budget, Entry, Images, Mix, Recipe, Stage, Track, Warp

SIZE = 32
CPU = torch.device("cpu")


def pictures(count: int, seed: int = 0) -> Images:
    targets = np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    ids = tuple(f"i{k}" for k in range(count))
    told = np.stack([guidance.hints(target, id) for target, id in zip(targets, ids, strict=True)])
    palettes = np.stack([guidance.palette(target) for target in targets])
    return Images(ids, ids, targets, targets[..., 0], hints=told, palettes=palettes)


def resident(track: str = "gray", **recipe: Any) -> Resident:
    def build(size: int, width: float, weights: Path | None = None) -> None:
        raise AssertionError("no model is needed")

    rules = replace(Recipe(4, 160, (Stage("l1", 1.0, Adam(1e-3)),), flip=False), **recipe)
    budget = Budget("smoke", 160, 1.0, 4)
    one = Job(Entry("toy", Mix(("cartoon",))), build, rules, Track.parse(track), budget, 0, SIZE, "toy")
    return Resident(one, {"cartoon": pictures(6)}, CPU)


def step(of: Resident, number: int) -> Any:
    return of.batch(of.choose(number), number, None, slice(0, 4))


def test_hints_are_averages_of_the_patches_shown() -> None:
    target = torch.from_numpy(pictures(2).targets).permute(0, 3, 1, 2).float() / 255
    places = torch.tensor([[0, 9], [63, 5]])
    told = hints(target, places)
    assert told.shape == (2, 4, SIZE, SIZE)
    assert told[0, 3].sum() == 2 * 16
    patch = target[0, :, 4:8, 4:8].mean(dim=(1, 2))
    assert told[0, :3, 6, 5] == pytest.approx(patch.numpy(), abs=0.5 / 255 + 1e-6)
    assert told[1, 3, 31, 31] == 1
    assert not told[:, :3][(told[:, 3:] == 0).expand(-1, 3, -1, -1)].any()


def test_training_hints_are_as_dense_as_those_of_a_test_and_new_in_every_step() -> None:
    of = resident("gray+hints")
    first, again, other = step(of, 0), step(of, 0), step(of, 1)
    assert torch.equal(first.hints, again.hints)
    assert not torch.equal(first.hints[:, 3], other.hints[:, 3])
    count = guidance.hint_count(SIZE, SIZE)
    assert first.hints[:, 3].sum(dim=(1, 2)).tolist() == [count * 16] * 4
    shown = pictures(3).hints
    assert shown is not None
    assert (shown[..., 3] == 255).sum(axis=(1, 2)).tolist() == [count * 16] * 3


def test_a_palette_is_four_bands_of_four_colours() -> None:
    palettes = torch.arange(48, dtype=torch.uint8).view(1, 4, 4, 3)
    maps = palette_maps(palettes, 32, 20)
    assert maps.shape == (1, 12, 32, 20)
    for band in range(4):
        for color in range(4):
            for channel in range(3):
                value = maps[0, 3 * color + channel, band * 8 : band * 8 + 8]
                assert value.unique().tolist() == pytest.approx([palettes[0, band, color, channel].item() / 255])


def test_training_shows_the_own_palette_and_a_test_that_of_another() -> None:
    of, part = resident("gray+reference"), pictures(6)
    assert part.palettes is not None
    batch = step(of, 0)
    own = palette_maps(torch.from_numpy(part.palettes[of.choose(0).rows]), SIZE, SIZE)
    assert torch.equal(batch.reference, own)
    other = guidance.reference_of(part.ids, part.groups)
    ((rows, shown),) = batches(part, Track("gray", ("reference",)), 8, CPU)
    assert shown.target is None
    assert shown.reference is not None
    assert torch.equal(shown.reference, palette_maps(torch.from_numpy(part.palettes[other[rows]]), SIZE, SIZE))


def test_a_warp_moves_target_and_condition_alike() -> None:
    of = resident(warp=Warp(rotation=20, shear=0.2, zoom=0.2))
    plain = resident()
    batch, still = step(of, 0), step(plain, 0)
    assert not torch.allclose(batch.target, still.target)
    # The condition here is the red channel, so it must stay so.
    assert torch.allclose(batch.target[:, :1], batch.condition, atol=1e-6)
    assert torch.equal(batch.target, step(of, 0).target)
    assert (of.choose(0).warp != of.choose(1).warp).any()
    nothing = step(resident(warp=Warp()), 0)
    assert torch.allclose(nothing.target, still.target, atol=1e-5)


def test_a_flip_turns_all_that_belongs_together() -> None:
    of, plain = resident(flip=True), resident()
    chosen = of.choose(0)
    assert chosen.flip is not None
    batch, still = step(of, 0), step(plain, 0)
    for place, flipped in enumerate(chosen.flip):
        expected = still.target[place].flip(-1) if flipped else still.target[place]
        assert torch.equal(batch.target[place], expected)
        assert torch.equal(batch.target[place, :1], batch.condition[place])


def test_shares_of_devices_are_the_one_batch() -> None:
    of = resident("gray+hints", flip=True, warp=Warp(rotation=5))
    whole = step(of, 3)
    halves = [of.batch(of.choose(3), 3, None, slice(k, k + 2)) for k in (0, 2)]
    for name in ("condition", "target", "hints"):
        together = torch.cat([getattr(half, name) for half in halves])
        assert torch.allclose(together, getattr(whole, name), atol=1e-6), name


def test_an_empty_domain_is_one_line() -> None:
    of = resident()
    nothing = pictures(1).at(np.array([], int))
    with pytest.raises(BenchError, match="training split of anime is empty"):
        Resident(replace(of.job), {"cartoon": pictures(2), "anime": nothing}, CPU)
