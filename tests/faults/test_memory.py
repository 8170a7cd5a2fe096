"""A device whose memory is too small: the same numbers from smaller pieces, or a clear end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from test_train import DATA, RECIPE, Tiny, build, clips, job, run
from torch import Tensor, nn

from bench.colorize import predict
from bench.errors import BenchError
from bench.train import FACTS, WEIGHTS
from bench.types import Recipe, Track

CPU = torch.device("cpu")


class Small(nn.Module):
    """A device of little memory around a network: more than so many images at once do not fit."""

    def __init__(self, network: nn.Module, room: int):
        super().__init__()
        self.network, self.room, self.refused = network, room, 0

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.room:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.network(x)


def plain(size: int, width: float, weights: Path | None = None) -> Tiny:
    """A network that looks at one image at a time."""
    return Tiny(nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1), nn.Tanh()))


def within(room: int, network: Any, made: list[Small]) -> Any:
    def small(size: int, width: float, weights: Path | None = None) -> Tiny:
        tiny = network(size, width)
        made.append(Small(tiny.generator, room))
        return Tiny(made[-1], tiny.discriminator)

    return small


@pytest.mark.parametrize("room", [1, 3])
def test_a_split_is_colorized_in_smaller_pieces_to_the_same_pictures(room: int) -> None:
    torch.manual_seed(0)
    model = build(16, 1.0)
    small = Small(model.generator, room)
    expected = predict(model, DATA["cartoon"], Track("gray"), CPU, size=12)
    assert (predict(Tiny(small), DATA["cartoon"], Track("gray"), CPU, size=12) == expected).all()
    assert small.refused
    films = clips(3, 4, 5)
    expected = predict(model, films, Track("gray", ("previous",)), CPU, size=3)
    assert (predict(Tiny(small), films, Track("gray", ("previous",)), CPU, size=3) == expected).all()


def test_memory_for_not_even_one_image_is_one_line() -> None:
    with pytest.raises(BenchError, match="too small to colorize one image of 16x16 pixels"):
        predict(Tiny(Small(build(16, 1.0).generator, 0)), DATA["cartoon"], Track("gray"), CPU)


def test_a_step_in_parts_is_the_same_step(tmp_path: Path) -> None:
    recipe = Recipe(4, 160, RECIPE.stages[:1])
    made: list[Small] = []
    whole = run(tmp_path / "whole", job(build=within(4, plain, made), recipe=recipe))
    parts = run(tmp_path / "parts", job(build=within(1, plain, made), recipe=recipe))
    assert 2 <= made[1].refused < 40  # 4 and 2 images at once; then what fits is remembered, through 40 steps
    first, second = load_file(whole / WEIGHTS), load_file(parts / WEIGHTS)
    for name, value in first.items():
        assert (value - second[name]).abs().max() < 1e-5, name
    torch.manual_seed(0)
    start = plain(16, 1.0).generator.state_dict()
    assert any((value - start[name.removeprefix("network.")]).abs().max() > 0.01 for name, value in first.items())


def test_a_batch_that_belongs_together_is_not_split(tmp_path: Path) -> None:
    """Batch normalization in parts would be another training: it ends with a line, and goes on where there is room."""
    made: list[Small] = []
    one = job(build=within(3, build, made))
    with pytest.raises(BenchError, match=r"too small for a step of 4 images.*batch normalization.*--devices"):
        run(tmp_path, one)
    assert not (one.folder(tmp_path) / FACTS).exists()
    assert (run(tmp_path, job(build=within(4, build, made))) / WEIGHTS).exists()


def test_a_discriminator_that_learns_in_turn_is_not_split(tmp_path: Path) -> None:
    class Full(Small):
        def forward(self, x: Tensor) -> Tensor:
            self.refused += 1
            if self.refused == 1:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return self.network(x)

    def judged(size: int, width: float, weights: Path | None = None) -> Tiny:
        tiny = build(size, width)
        return Tiny(plain(size, width).generator, Full(tiny.discriminator or nn.Identity(), 0))

    with pytest.raises(BenchError, match="the discriminator learns in turn with it"):
        run(tmp_path, job(build=judged))
