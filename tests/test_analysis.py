"""The boards read together: gaps, mixed against specialists, tracks, costs, slices; each from records built by hand."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_records import sample_record

from bench.analysis.contrasts import holm, independent, paired
from bench.analysis.cost import FACTS, costs, front, trades
from bench.analysis.generalization import home_gaps, mixed_tests, seen_gaps
from bench.analysis.slicing import slice_map
from bench.analysis.tracks import steps
from bench.analysis.transfer import matrices
from bench.compare import compare
from bench.leaderboard import GRAY, PRIMARY, Board, Row, boards, track_order
from bench.records import Record, Slice
from bench.report.sections.tracks import sides

COSTS = {fact.id: fact for fact in FACTS}


def told(entry: str, groups: list[float], domain: str = "anime", **more: Any) -> Record:
    """A record whose groups have these means."""
    value = float(np.mean(groups))
    made = sample_record(entry, domain, values={PRIMARY: value}, groups=len(groups), **more)
    return replace(made, groups={f"g{place:02d}": float(mean) for place, mean in enumerate(groups)})


def rows(*records: Record) -> dict[str, Row]:
    (board,) = boards(records)
    return {row.entry: row for row in board.tables[0].rows}


def spread(mean: float, count: int = 6, by: float = 0.3, seed: int = 0) -> list[float]:
    """Group means around a mean that they have exactly."""
    drawn = np.random.default_rng(seed).normal(0, by, count)
    return (mean + drawn - drawn.mean()).tolist()


def test_a_paired_contrast_is_the_one_of_bench_compare(tmp_path: Path) -> None:
    found = rows(told("a@anime", [10.0, 12.0, 15.0, 11.0]), told("b@anime", [11.0, 12.5, 15.5, 12.5]))
    made = paired(found["a@anime"], found["b@anime"])
    expected = compare(found["a@anime"], found["b@anime"], tmp_path).primary
    assert made is not None
    assert made.value == pytest.approx(-0.875)
    assert (made.low, made.high, made.p) == (expected.low, expected.high, expected.p)
    assert made.sure
    assert made.p == pytest.approx(0.03535284700251737)  # scipy.stats.ttest_rel
    # Other pictures have nothing to pair.
    assert paired(found["a@anime"], rows(told("b@anime", [1.0] * 4, "cartoon"))["b@anime"]) is None


def test_several_seeds_widen_a_paired_contrast_and_its_p_value() -> None:
    shifts = (0.0, 1.5, -1.2)
    many = [told("a@anime", [10.0 + shift + k for k in range(6)], seed=seed) for seed, shift in enumerate(shifts)]
    other = [told("b@anime", [10.8 + k + 0.1 * (k % 2) for k in range(6)], seed=seed) for seed in range(3)]
    found = rows(*many, *other)
    made = paired(found["a@anime"], found["b@anime"])
    alone = rows(many[0], other[0])
    one = paired(alone["a@anime"], alone["b@anime"])
    assert made is not None
    assert one is not None
    assert one.sure
    assert not made.sure
    assert made.p is not None
    assert made.p > 0.05 > (one.p or 1)


def test_paired_contrasts_of_unlike_seeds_are_for_other_trainings_too() -> None:
    hard = [10.0 + k for k in range(6)]
    many = [told("a@anime", [one + shift + 0.01 * (k % 2) for k, one in enumerate(hard)], seed=seed)
            for seed, shift in enumerate((0.0, 2.0, -2.0))]  # fmt: skip
    once = told("b@anime", [one + 1.0 + 0.01 * (k % 3) for k, one in enumerate(hard)], seed=7)
    gray = told(GRAY, [one + 9.0 for one in hard])
    found = rows(*many, once, gray)
    unlike = paired(found["a@anime"], found["b@anime"])
    assert unlike is not None
    assert unlike.value == pytest.approx(-1, abs=0.02)
    assert not unlike.sure
    fixed = paired(found["a@anime"], found[GRAY])
    mirrored = paired(found[GRAY], found["a@anime"])
    assert fixed is not None
    assert mirrored is not None
    assert fixed.low is not None
    assert fixed.high is not None
    # A reference brings no seeds: three trainings of standard deviation 2 alone, 4.3 standard errors either way.
    assert (fixed.high - fixed.low) / 2 == pytest.approx(4.3027 * 2 / 3**0.5, rel=0.01)
    assert mirrored.high == pytest.approx(-fixed.low)


def test_gaps_of_several_seeds_are_for_other_trainings_too() -> None:
    shifts = (0.0, 2.0, -2.0)
    unseen = [told("m@anime", spread(14.0 + shift, by=0.1), seed=seed) for seed, shift in enumerate(shifts)]
    seen = [told("m@anime", spread(13.0, 9, by=0.1), split="series", seed=seed) for seed in range(4)]
    (found,) = seen_gaps(boards([*unseen, *seen]))
    (gap,) = found.gaps
    assert gap.measured.value == pytest.approx(-1.0)  # over the seeds that both have
    assert gap.measured.high is not None
    assert gap.measured.high + 1 == pytest.approx(4.3027 * 2 / 3**0.5, rel=0.01)
    (alone,) = seen_gaps(boards([unseen[0], seen[0]]))
    assert alone.gaps[0].measured.sure
    assert seen_gaps(boards([unseen[0], *seen[1:]])) == []


def test_independent_samples_are_welch() -> None:
    first, second = np.array([10.0, 12.0, 11.0, 14.0]), np.array([9.0, 9.5, 8.0, 10.0, 9.0, 8.8])
    made = independent([first, second], [1.0, -1.0])
    # scipy.stats.ttest_ind(first, second, equal_var=False)
    assert made.p == pytest.approx(0.044786528386807994)
    assert made.value == pytest.approx(first.mean() - second.mean())
    assert independent([first, np.array([1.0])], [1.0, -1.0]).low is None
    with pytest.raises(ValueError, match="one weight a sample"):
        independent([first], [1.0, 2.0])


def test_holm_is_stepwise_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def domains_of(entry: str, means: dict[str, float], **more: Any) -> list[Record]:
    return [told(entry, spread(mean, seed=len(domain)), domain, **more) for domain, mean in means.items()]


def test_the_home_gap_takes_off_what_the_domains_differ() -> None:
    gray = domains_of(GRAY, {"cartoon": 10.0, "anime": 20.0, "live-action": 12.0})
    own = domains_of("m@anime", {"cartoon": 12.0, "anime": 17.0, "live-action": 14.0})
    (found,) = home_gaps(boards([*gray, *own]))
    (gap,) = found.gaps
    assert (gap.domain, found.left_out) == ("anime", ())
    assert gap.measured.value == pytest.approx(17.0 - 13.0)
    assert gap.adjusted is not None
    assert gap.adjusted.value == pytest.approx(-3.0 - 2.0)
    # Paired with the gray copy, groups that are as hard for both leave no doubt; unpaired they do.
    assert gap.adjusted.high == pytest.approx(-5.0)
    assert (gap.measured.high or 0) - (gap.measured.low or 0) > 0.1


def test_a_domain_of_one_group_is_no_ones_other() -> None:
    wide = domains_of("m@anime", {"cartoon": 12.0, "anime": 17.0})
    narrow = told("m@anime", [40.0], "manga")
    (found,) = home_gaps(boards([*wide, narrow]))
    assert found.left_out == ("manga",)
    assert found.gaps[0].measured.value == pytest.approx(5.0)
    assert found.gaps[0].measured.low is not None
    assert found.gaps[0].adjusted is None  # no gray copy there
    at_home_only = [told("m@anime", [1.0, 2.0])]
    assert home_gaps(boards(at_home_only)) == []


def test_mixed_against_the_best_specialist() -> None:
    hard = np.linspace(0, 9, 8)
    noise = np.random.default_rng(1).normal(0, 0.1, (4, 8))
    made = [
        told("m@mixed", (10 + hard + noise[0]).tolist()),
        told("m@anime", (11 + hard + noise[1]).tolist()),
        told("m@cartoon", (12 + hard + noise[2]).tolist()),
        told("m@cartoon+anime", (5 + hard).tolist()),  # no specialist
        told("n@mixed", (10.01 + hard + noise[3]).tolist()),
        told("n@anime", (10 + hard + noise[1]).tolist()),
    ]
    (found,) = mixed_tests(boards(made))
    first, second = found.tests
    assert (first.model, first.specialist, first.verdict) == ("m", "anime", "mixed")
    assert first.contrast.value == pytest.approx(-1, abs=0.1)
    assert (second.model, second.verdict) == ("n", "open")
    longer = replace(made[0], training=made[0].training and replace(made[0].training, budget="small"))
    (fair,) = mixed_tests(boards([longer, *made[1:]]))
    assert [test.model for test in fair.tests] == ["n"], "trained as long as the specialists"
    assert first.contrast.p is not None
    assert second.contrast.p is not None
    assert (first.candidates, second.candidates) == (2, 1)
    assert first.adjusted == pytest.approx(2 * 2 * first.contrast.p)
    assert second.adjusted == pytest.approx(second.contrast.p)


def test_a_test_that_stands_only_alone_is_open_among_many() -> None:
    apart = np.array([0.2, 0.9, 0.5, 0.1, 0.8, 0.4])
    models = [told(f"m{k}@{mix}", (10 + shift).tolist()) for k in range(40)
              for mix, shift in (("anime", apart), ("mixed", 0 * apart))]  # fmt: skip
    (alone,) = mixed_tests(boards(models[:2]))
    (among,) = mixed_tests(boards(models))
    assert alone.tests[0].verdict == "mixed"
    assert {test.verdict for test in among.tests} == {"open"}


def test_seen_minus_unseen() -> None:
    unseen = [told(GRAY, spread(15.0)), told("m@anime", spread(14.0))]
    seen = [told(GRAY, spread(13.0, 9), split="series"), told("m@anime", spread(11.0, 9), split="series")]
    (found,) = seen_gaps(boards([*unseen, *seen]))
    (gap,) = found.gaps
    assert (found.seen.split, found.unseen.split, gap.entry) == ("series", "test", "m@anime")
    assert gap.measured.value == pytest.approx(-3.0)
    assert gap.adjusted is not None
    assert gap.adjusted.value == pytest.approx(-1.0)
    assert gap.measured.groups == 6
    assert seen_gaps(boards(unseen)) == []


def test_tracks_are_compared_on_the_same_pictures_only() -> None:
    plain = [told("a@anime", [10.0, 11.0, 12.0]), told("b@anime", [13.0, 13.0, 13.0])]
    hints = [told("c@anime", [8.0, 9.5, 10.0], track="gray+hints"), told("b@anime", [9.0] * 3, track="gray+hints")]
    still = told("d@anime", [5.0, 6.0, 7.0])
    clips = replace(still.split, digest="f" * 64, key="open-v1/anime/test-clips:ffffffff")
    (found,) = steps(boards([*plain, *hints, replace(still, split=clips, track="gray+previous")]))
    assert [(step.kind, step.entries) for step in found.steps] == [
        ("best", ("a@anime", "b@anime")),
        ("model", ("b@anime", "b@anime")),
    ]
    of_weights = [replace(one, training=one.training and replace(one.training, weights_sha256=letter * 64))
                  for one, letter in ((plain[1], "a"), (hints[1], "a"), (hints[1], "b"))]  # fmt: skip
    for other, kind in ((of_weights[1], "same"), (of_weights[2], "model")):
        (once,) = steps(boards([plain[0], of_weights[0], hints[0], other]))
        assert [step.kind for step in once.steps] == ["best", kind]
    assert [step.contrast.value for step in found.steps] == pytest.approx([-2.0, -4.0])
    assert set(found.apart) == {("gray", "gray+previous"), ("gray+hints", "gray+previous")}
    assert found.unlike == ()
    longer = [replace(one, training=one.training and replace(one.training, budget="small")) for one in hints]
    (uneven,) = steps(boards([*plain, *longer]))
    assert (uneven.steps, uneven.unlike) == ((), (("gray", "gray+hints"),))
    assert steps(boards(plain)) == []


def test_pairs_of_tracks_are_said_as_lists() -> None:
    stills, clips = ["gray", "gray+hints", "lineart-canny"], ["gray+previous", "lineart-canny+previous"]
    pairs = [pair for pair in combinations(sorted([*stills, *clips], key=track_order), 2)
             if len(set(pair) & set(stills)) == 1]  # fmt: skip
    assert sides(pairs) == [(stills, clips)]
    assert sides(pairs[:-1]) == [(["gray", "gray+hints"], clips), (["lineart-canny"], clips[:1])]
    assert sides([]) == []


def test_the_front_is_what_nothing_betters() -> None:
    assert front([(1, 5), (2, 4), (2, 5), (3, 3), (1, 5), (4, 4)]) == [True, True, False, True, True, False]
    assert front([]) == []


def costly(entry: str, value: float, *, speed: float | None, parameters: int | None = 1000, **more: Any) -> Record:
    made = told(entry, [value - 1, value, value + 1], **more)
    return replace(made, cost=replace(made.cost, images_per_second=speed, parameters=parameters))


def test_a_clocks_cost_is_the_median_of_a_models_mixes_on_one_machine() -> None:
    made = [costly(f"m@{mix}", 10.0 + speed / 100, speed=speed) for mix, speed in
            (("anime", 100.0), ("cartoon", 400.0), ("mixed", 120.0))]  # fmt: skip
    elsewhere = replace(costly("m@manga", 10.0, speed=999.0), machine={"cpu": "another"})
    other = costly("n@anime", 10.0, speed=50.0, parameters=None)
    taken = costs(list(rows(*made, elsewhere, other).values()), COSTS["speed"])
    assert taken == {"m@anime": 120.0, "m@cartoon": 120.0, "m@mixed": 120.0, "m@manga": 999.0, "n@anime": 50.0}
    own = costs(list(rows(*made, other).values()), COSTS["parameters"])
    assert own["n@anime"] is None
    assert own["m@anime"] == 0.001


def test_trades_know_their_front_their_machines_and_what_is_unknown() -> None:
    made = [
        costly("close@anime", 10.0, speed=100.0),
        costly("fast@anime", 12.0, speed=900.0),
        costly("neither@anime", 13.0, speed=90.0),
        costly("silent@anime", 9.0, speed=None),
        costly(GRAY, 11.0, speed=5000.0, kind="reference"),
    ]
    (board,) = boards(made)
    found = {trade.fact.id: trade for trade in trades(board.tables[0])}
    assert {offer.row.entry: offer.front for offer in found["speed"].offers} == {
        "close@anime": True, "fast@anime": True, "neither@anime": False,
    }  # fmt: skip
    assert found["speed"].unknown == 1
    assert found["speed"].machines == ("two cores",)
    assert "parameters" not in found  # all alike: nothing to trade
    assert "memory" not in found  # no record knows it
    assert COSTS["speed"].text(1234.5) == "1,230 images/s"
    assert COSTS["flops"].text(0.0021237) == "0.00212 GFLOP"


def with_slices(record: Record, values: dict[str, float | None]) -> Record:
    made = {
        name: Slice(n=20, groups=3, value=value, absent=None if value is not None else "too few")
        for name, value in values.items()
    }
    return replace(record, slices=made)


def test_the_map_of_slices_shows_the_best_mix_of_each_model() -> None:
    made = [
        with_slices(told(GRAY, [16.0, 16.0]), {"night": 14.0, "size:close": None}),
        with_slices(told("m@anime", [10.0, 10.0]), {"night": 13.0, "size:close": 9.5}),
        with_slices(told("m@mixed", [11.0, 11.0]), {"night": 1.0, "size:close": 1.0}),
        with_slices(told("n@mixed", [12.0, 12.0]), {"night": 12.5, "size:close": None}),
    ]
    (board,) = boards(made)
    found = slice_map(board.tables[0])
    assert found is not None
    assert [row.entry for row in found.entries] == [GRAY, "m@anime", "n@mixed"]
    assert found.left_out == 1
    shown = {name: [None if cell is None else (cell.value, cell.apart) for cell in cells]
             for name, _, cells in found.rows}  # fmt: skip
    assert shown == {"night": [(14.0, -2.0), (13.0, 3.0), (12.5, 0.5)], "size:close": [None, (9.5, -0.5), None]}
    assert found.reach == 3.0
    fewer = slice_map(board.tables[0], most=1)
    assert fewer is not None
    assert [row.entry for row in fewer.entries] == [GRAY, "m@anime"]
    assert fewer.left_out == 2


def test_matrices_hold_the_intervals_of_the_boards() -> None:
    made: list[Board] = boards([*domains_of("m@anime", {"cartoon": 12.0, "anime": 17.0})])
    (matrix,) = matrices(made)
    ends = [end for cell in matrix.rows[0].cells if cell for end in (cell.low, cell.high)]
    assert ends == pytest.approx([11.5, 12.5, 16.5, 17.5])
