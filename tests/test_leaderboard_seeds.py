"""Several trainings of one entry on a board: means, intervals and ranks, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from test_leaderboard import one
from test_records import sample_record

from bench.errors import BenchError
from bench.leaderboard import PRIMARY, Cell, boards
from bench.records import Record


def test_the_interval_over_seeds_is_for_another_training_too() -> None:
    names = [f"g{place}" for place in range(8)]
    made = []
    for seed, shift in enumerate((0.0, 2.0, 4.0)):
        groups = {name: 10.0 + shift + place % 3 for place, name in enumerate(names)}
        value = sum(groups.values()) / len(groups)
        made.append(replace(sample_record("a@anime", seed=seed, values={PRIMARY: value}), groups=groups))
    (row,) = one(made).tables[0].rows
    cell = row.cells[PRIMARY]
    assert cell.low is not None
    assert cell.high is not None
    assert cell.value is not None
    # The groups alone would leave 0.7 either way; three seeds that differ by a standard deviation of 2, nearly 5.
    assert 4 < cell.high - cell.value < 5


def test_seeds_are_averaged() -> None:
    made = one([sample_record(seed=seed, values={PRIMARY: value}) for seed, value in enumerate((9.0, 10.0, 14.0))])
    (row,) = made.tables[0].rows
    assert row.seeds == (0, 1, 2)
    assert row.cells[PRIMARY].value == 11.0
    assert any("×k" in note for note in made.tables[0].notes)


def test_a_metric_that_some_seeds_lack_has_no_mean() -> None:
    records = [sample_record(seed=seed, values={PRIMARY: 10.0, "fid": 40.0 + seed}) for seed in range(3)]
    lacking = replace(records[2], scores={PRIMARY: records[2].scores[PRIMARY]})
    table = one([*records[:2], lacking]).tables[0]
    cell = table.rows[0].cells["fid"]
    assert (cell.value, cell.absent) == (None, "2 of 3 seeds have it: evaluate the others")
    assert any("FID is absent: 2 of 3 seeds have it" in note for note in table.notes)
    absent = replace(
        lacking, scores=lacking.scores | {"fid": replace(records[2].scores["fid"], value=None, absent="no weights")}
    )
    cell = one([*records[:2], absent]).tables[0].rows[0].cells["fid"]
    assert (cell.value, cell.absent) == (None, "2 of 3 seeds have it: no weights")
    assert one(records).tables[0].rows[0].cells["fid"].value == 41.0


def test_an_interval_over_seeds_does_not_leave_what_is_possible() -> None:
    names = [f"g{place}" for place in range(4)]
    made = []
    for seed, shift in enumerate((0.0, 1.0, 9.0)):
        means = [0.5 + shift + place for place in range(4)]
        record = sample_record("a@anime", seed=seed, values={PRIMARY: float(np.mean(means)), "ssim": 0.9 - shift / 20})
        made.append(
            replace(
                record,
                groups=dict(zip(names, means, strict=True)),
                means={"ssim": tuple(0.9 - shift / 20 + place / 50 for place in range(4))},
            )
        )
    cells = one(made).tables[0].rows[0].cells
    assert cells[PRIMARY].low == 0.0
    assert cells["ssim"].high == 1.0


def with_interval(record: Record, id: str, low: float | None, high: float | None) -> Record:
    return replace(record, scores=record.scores | {id: replace(record.scores[id], low=low, high=high)})


def test_without_group_means_an_interval_is_joined_from_those_of_the_seeds() -> None:
    told = [(0.50, 0.45, 0.55), (0.56, 0.53, 0.59), (0.53, 0.49, 0.57)]

    def cell(told: Sequence[tuple[float, float | None, float | None]]) -> Cell:
        made = [sample_record("a@anime", seed=seed, values={PRIMARY: 10.0, "ciede2000-over-2.3": value})
                for seed, (value, *_) in enumerate(told)]  # fmt: skip
        ends = zip(made, told, strict=True)
        records = [with_interval(record, "ciede2000-over-2.3", low, high) for record, (_, low, high) in ends]
        return one(records).tables[0].rows[0].cells["ciede2000-over-2.3"]

    reach = float(np.hypot((0.05 + 0.03 + 0.04) / 3, 4.302653 * 0.03 / 3**0.5))  # Student's t of two degrees
    found = cell(told)
    assert found.value == pytest.approx(0.53)
    assert (found.low, found.high) == pytest.approx((0.53 - reach, 0.53 + reach))
    # A share stays within 0 and 1, and an end that a seed's record clipped there does not narrow the interval.
    near = cell([(0.02 * seed, 0.0, 0.02 * seed + 0.3) for seed in range(3)])
    reach = float(np.hypot(0.3, 4.302653 * 0.02 / 3**0.5))
    assert (near.low, near.high) == (0.0, pytest.approx(0.02 + reach))
    # Nothing is said for a seed whose record has no interval.
    assert (cell([*told[:2], (0.53, None, None)]).low, cell([*told[:2], (0.53, None, None)]).high) == (None, None)
    (note,) = [note for note in one([sample_record(seed=seed) for seed in (0, 1)]).tables[0].notes if "×k" in note]
    assert "the seeds' mean interval joined with Student's t of their values" in note


def test_group_means_make_the_interval_over_seeds_where_a_record_has_them() -> None:
    names = [f"g{place}" for place in range(8)]
    made = []
    for seed, shift in enumerate((0.0, 2.0, 4.0)):
        means = tuple(20.0 + shift + place % 3 for place in range(7))
        record = sample_record("a@anime", seed=seed, values={PRIMARY: 10.0, "psnr": float(np.mean(means)), "ssim": 0.5})
        made.append(replace(record, groups=dict.fromkeys(names, 10.0), means={"psnr": (*means, None)}))
    cells = one(made).tables[0].rows[0].cells
    assert cells["psnr"].value is not None
    assert cells["psnr"].high is not None
    assert 4 < cells["psnr"].high - cells["psnr"].value < 6  # three trainings that differ by 2; the records say 0.5
    # Where a group is known under one seed only, value and interval would be of other groups: the records' are joined.
    other = replace(made[0], means={"psnr": (None, *(20.0,) * 7)})
    joined = one([other, *made[1:]]).tables[0].rows[0].cells["psnr"]
    assert joined.high is not None
    assert joined.value is not None
    assert joined.high - joined.value == pytest.approx(float(np.hypot(0.5, 4.302653 * 2 / 3**0.5)))


def test_ranks_are_for_other_trainings_too() -> None:
    rng = np.random.default_rng(3)
    hard, apart = rng.normal(0, 3, 12), rng.normal(0, 0.1, (2, 3, 12))
    shifts = ((0.0, 1.6, 0.8), (1.5, 0.7, 2.4))  # what a training adds says more than which entry it is

    def told(seeds: int) -> list[tuple[int, int] | None]:
        made = []
        for place, name in enumerate(("a@anime", "b@anime")):
            for seed in range(seeds):
                means = 10 + hard + shifts[place][seed] + apart[place, seed]
                record = sample_record(name, seed=seed, values={PRIMARY: float(means.mean())})
                made.append(replace(record, groups={f"g{k:02d}": float(mean) for k, mean in enumerate(means)}))
        return [row.ranks for row in one(made).tables[0].rows]

    assert told(1) == [(1, 1), (2, 2)]  # nothing is known of other trainings
    assert told(3) == [(1, 2), (1, 2)]


def test_seeds_of_different_trainings_are_refused() -> None:
    first, second = sample_record(seed=0), sample_record(seed=1)
    assert second.training is not None
    other = replace(second, training=replace(second.training, budget="paper"))
    with pytest.raises(BenchError, match="differ in their training's budget"):
        boards([first, other])
    with pytest.raises(BenchError, match="two records of fu2017-cgan@anime with one seed"):
        boards([first, first])
