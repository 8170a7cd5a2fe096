"""Operations and memory: as counted by hand, the same for every weight, and there for every baseline."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_evaluate import Painter, of, score
from test_records import sample_record
from torch import Tensor, nn

import baselines
from bench.footprint import Footprint, blank, counted, footprint
from bench.leaderboard import boards
from bench.records import Cost
from bench.types import Batch, Track

GRAY = Track("gray")
FLOAT = 4
TRAINED = [name for name in baselines.names() if hasattr(baselines.load(name), "RECIPE")]


class Plain:
    """The interface of a model around any network, with no arithmetic of its own."""

    def __init__(self, generator: nn.Module):
        self.generator = generator

    def eval(self) -> "Plain":
        self.generator.eval()
        return self

    def encode(self, batch: Batch) -> tuple[Tensor, None]:
        return batch.condition, None

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        return output


def found(*layers: nn.Module, size: int = 8) -> tuple[int, int]:
    one = counted(Plain(nn.Sequential(*layers)).eval(), blank(size, GRAY))
    return one.flops, one.memory_bytes


def test_one_convolution() -> None:
    weights, picture = 3 * 9 + 3, 8 * 8
    assert found(nn.Conv2d(1, 3, 3, padding=1)) == (2 * picture * 3 * 9, FLOAT * (weights + picture + 3 * picture))


def test_one_transposed_convolution() -> None:
    weights = 3 * 16 + 3
    expected = 2 * 5 * 5 * 3 * 16, FLOAT * (weights + 5 * 5 + 3 * 10 * 10)
    assert found(nn.ConvTranspose2d(1, 3, 4, 2, 1), size=5) == expected


def test_what_is_dropped_makes_room() -> None:
    """1 -> 10 -> 1 -> 10 channels: never both wide maps at once."""
    layers = [nn.Conv2d(1, 10, 1, bias=False), nn.Conv2d(10, 1, 1, bias=False), nn.Conv2d(1, 10, 1, bias=False)]
    flops, memory = found(*layers)
    assert flops == 3 * 2 * 64 * 10
    assert memory == FLOAT * (30 + 64 + 64 + 10 * 64)


def test_work_in_place_and_views_take_no_memory() -> None:
    convolution = nn.Conv2d(1, 3, 3, padding=1)
    flops, memory = found(convolution)
    assert found(convolution, nn.ReLU(inplace=True), nn.Flatten(), nn.Unflatten(1, (3, 8, 8))) == (flops, memory)
    assert found(convolution, nn.ReLU()) == (flops, memory + FLOAT * 3 * 64)


def test_buffers_are_counted_once() -> None:
    norm = nn.BatchNorm2d(1)
    assert found(norm)[1] == FLOAT * (4 + 64 + 64) + 8  # gain, offset, mean, variance; the counter is an int64


@pytest.mark.parametrize("name", TRAINED)
def test_every_baseline_is_counted(name: str) -> None:
    module = baselines.load(name)
    build: Any = module.build
    one = footprint(lambda **facts: build(**facts), 64, 0.25, Track.parse(module.TRACKS[0]))
    assert one is not None
    with torch.device("meta"):
        weights = sum(p.numel() for p in build(size=64, width=0.25).generator.parameters())
    assert one.memory_bytes > FLOAT * (weights + 64 * 64 + 3 * 64 * 64)
    assert one.flops > weights  # a weight multiplies at least one pixel


@pytest.mark.parametrize("name", ["fu2017-convnet", "thasarathan2020-hint"])
def test_the_count_is_that_of_a_real_run_with_any_weights(name: str) -> None:
    module = baselines.load(name)
    track = Track.parse(module.TRACKS[0])
    expected = footprint(module.build, 32, 0.25, track)
    for seed in range(2):
        torch.manual_seed(seed)
        model = module.build(size=32, width=0.25).eval()
        assert counted(model, blank(32, track)) == expected


def test_what_a_track_tells_is_counted() -> None:
    build = baselines.load("thasarathan2020-hint").build
    told, bare = (footprint(build, 32, 0.25, Track.parse(name)) for name in ("gray+hints+previous", "gray+previous"))
    assert told is not None
    assert bare is not None
    assert told.flops == bare.flops  # the network has room for hints on every track
    assert told.memory_bytes >= bare.memory_bytes + FLOAT * 4 * 32 * 32


def test_a_model_that_reads_numbers_is_not_counted() -> None:
    class Reads(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * float(x.mean())

    assert footprint(lambda size, width: Plain(Reads()), 32, 1.0, GRAY) is None
    assert asdict(counted(Plain(Reads()), blank(32, GRAY)))["flops"] == 0


def test_what_was_counted_stands_in_the_record(tmp_path: Path) -> None:
    known = score(tmp_path, replace(of(Painter()), footprint=Footprint(flops=7, memory_bytes=9)))
    assert (known.cost.flops, known.cost.memory_bytes) == (7, 9)
    unknown = score(tmp_path, of(Painter()))
    assert (unknown.cost.flops, unknown.cost.memory_bytes) == (None, None)


def test_boards_show_operations_and_memory_where_a_record_knows_them() -> None:
    cost = Cost(parameters=2_500_000, flops=61_686_153_216, memory_bytes=3 * 2**19)
    known = sample_record("a@anime", cost=cost)
    (board,) = boards([known, sample_record("gray-copy")])
    table = board.tables[0]
    shown = {column.id: column for column in table.columns if column.kind == "cost"}
    assert list(shown) == ["parameters", "flops", "memory", "speed"]
    row = table.row("a@anime")
    assert row is not None
    values = {id: row.cells[id].value or 0.0 for id in ("parameters", "flops", "memory")}
    text = {id: shown[id].text(value) for id, value in values.items()}
    assert text == {"parameters": "2.50", "flops": "61.69", "memory": "1.5"}
    (other,) = boards([sample_record("a@anime"), sample_record("gray-copy")])
    assert not {column.id for column in other.tables[0].columns} & {"flops", "memory"}
