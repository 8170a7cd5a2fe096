"""Two entries on the same pictures: the difference a reader can check by hand, and what is not comparable."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel
from test_records import sample_record

from bench.compare import Comparison, compare, find, headline, rows
from bench.comparison import over_seeds_together
from bench.errors import BenchError
from bench.leaderboard import Row
from bench.leaderboard.rows import rows as rows_of
from bench.records import Record

A = {"g1": 10.0, "g2": 12.0, "g3": 9.0, "g4": 15.0}
B = {"g1": 11.0, "g2": 12.5, "g3": 11.0, "g4": 14.0}


def pair() -> tuple[Record, Record]:
    return (
        replace(sample_record("fu2017-cgan@anime"), groups=A),
        replace(sample_record("gray-copy"), groups=B),
    )


def row(*records: Record) -> Row:
    return rows_of(records)[0]


def held(one: Record, two: Record, home: Path) -> Comparison:
    return compare(row(one), row(two), home)


def test_the_difference_is_paired_by_group(tmp_path: Path) -> None:
    one, two = pair()
    made = held(one, two, tmp_path)
    apart = np.array(list(A.values())) - np.array(list(B.values()))
    assert made.primary.value == pytest.approx(apart.mean())
    test = ttest_rel(list(A.values()), list(B.values()))
    assert made.primary.p == pytest.approx(test.pvalue)
    interval = test.confidence_interval()
    assert (made.primary.low, made.primary.high) == pytest.approx((interval.low, interval.high))
    assert made.ahead == 3
    assert "is -0.62" in headline(made)
    assert "closer in 3 of 4 groups" in headline(made)
    assert [row["metric"] for row in rows(made)] == ["CIEDE2000"]
    assert held(one, one, tmp_path).primary.p == 1.0


def test_several_trainings_are_compared_as_on_a_board(tmp_path: Path) -> None:
    """One training of three may say the reverse of their mean."""
    one, gray = pair()
    shifts = (-0.3, 0.1, 1.0)
    trained = [
        replace(sample_record("fu2017-cgan@anime", seed=seed), groups={name: mean + by for name, mean in A.items()})
        for seed, by in enumerate(shifts)
    ]
    place: dict[str, object] = {"domain": "anime", "split": "test"}
    every, alone = find(trained, one.entry.name, place), find(trained, one.entry.name, place, seed=2)
    assert (every.seeds, alone.seeds) == ((0, 1, 2), (2,))
    made = compare(every, row(gray), tmp_path)
    table = np.array([[A[name] + by - B[name] for by in shifts] for name in sorted(A)])
    (expected,) = over_seeds_together(table[None])
    assert made.primary == expected
    assert made.ahead == 3
    assert "fu2017-cgan@anime (seeds 0, 1, 2) minus gray-copy is -0.36" in headline(made)
    assert "(seed 2) minus gray-copy is +0.38" in headline(compare(alone, row(gray), tmp_path))
    much = [replace(one, training=one.training and replace(one.training, budget="small")) for one in trained]
    said = headline(compare(find(much, one.entry.name, place, seed=2), alone, tmp_path))
    assert "(seed 2, small budget) minus fu2017-cgan@anime (seed 2, smoke budget)" in said
    with pytest.raises(BenchError, match="unknown seed '5'"):
        find(trained, one.entry.name, place, seed=5)
    with pytest.raises(BenchError, match="scored at 64 and 128 px; choose one with --size"):
        find([*trained, sample_record("fu2017-cgan@anime", size=128)], one.entry.name, place)


def test_values_an_image_show_every_metric_and_where_it_is_won(tmp_path: Path) -> None:
    one, two = pair()
    values = {"id": list("abcd"), "group": list(A), "psnr": [20.0, 21.0, 22.0, 23.0], "saturation-ratio": [1.0] * 4}
    for record, own in ((one, A), (two, B)):
        frame = pd.DataFrame({**values, "ciede2000": list(own.values())})
        path = tmp_path / "scores" / f"{record.file_name.removesuffix('.json')}.parquet"
        path.parent.mkdir(exist_ok=True)
        frame.to_parquet(path)
    made = held(one, two, tmp_path)
    # What no board ranks by is not compared.
    assert set(made.metrics) == {"ciede2000", "psnr"}
    assert made.metrics["psnr"].value == 0
    assert [(gain.id, gain.difference) for gain in made.better] == [("c", -2.0), ("a", -1.0), ("b", -0.5)]
    assert [(gain.id, gain.group, gain.difference) for gain in made.worse] == [("d", "g4", 1.0)]
    # The record of another run must not stand over these values.
    with pytest.raises(BenchError, match="another run of gray-copy"):
        held(one, replace(two, groups=B | {"g1": 11.5}), tmp_path)
    path.write_bytes(b"PAR1")
    with pytest.raises(BenchError, match="is damaged"):
        held(one, two, tmp_path)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one, two = pair()
    with pytest.raises(BenchError, match="same groups; evaluate both"):
        held(one, replace(two, groups={"g1": 1.0}), tmp_path)
    other = replace(two.scores["ciede2000"], signature=two.scores["ciede2000"].signature.replace("k1", "k2"))
    with pytest.raises(BenchError, match="made in one way"):
        held(one, replace(two, scores={**two.scores, "ciede2000": other}), tmp_path)
    with pytest.raises(BenchError, match="of one track"):
        held(one, replace(two, track="lineart-canny"), tmp_path)
    with pytest.raises(BenchError, match="same pictures"):
        held(one, replace(two, split=replace(two.split, digest="f" * 64)), tmp_path)


def test_records_are_found_by_place_and_name() -> None:
    found = list(pair())
    place: dict[str, object] = {"collection": "open-v1", "domain": "anime", "split": "test", "track": "gray"}
    assert find(found, "gray-copy", place).records == (found[1],)
    with pytest.raises(BenchError, match="Did you mean fu2017-cgan@anime"):
        find(found, "fu2017-cgan@anim", place)
    with pytest.raises(BenchError, match=r"no record of .*domain manga"):
        find(found, "gray-copy", place | {"domain": "manga"})
