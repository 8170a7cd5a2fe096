"""What is recommended: the best within the limits, with reasons that do not flatter it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_analysis import costly, told
from typer.testing import CliRunner

from bench import recommend as advice
from bench import records as files_of
from bench.cli import app
from bench.errors import BenchError
from bench.leaderboard import GRAY
from bench.records import Record


def entry(name: str, value: float, *, speed: float | None = 100.0, mib: int | None = None, parameters: int = 1000,
          **more: Any) -> Record:  # fmt: skip
    made = costly(name, value, speed=speed, parameters=parameters, **more)
    return replace(made, cost=replace(made.cost, memory_bytes=None if mib is None else mib * 2**20))


def board() -> list[Record]:
    return [
        entry("best@anime", 10.0, speed=50.0, mib=900, parameters=9000),
        entry("light@anime", 11.0, speed=200.0, mib=100, parameters=500),
        entry("worse@anime", 12.0, speed=50.0, mib=950, parameters=9500),
        entry("slow@anime", 10.5, speed=5.0, mib=950, parameters=9500),
        entry("dull@anime", 30.0, speed=9000.0, mib=1, parameters=1),
        told(GRAY, [14.0, 15.0, 16.0]),
    ]


def asked(records: list[Record], **more: Any) -> advice.Recommendation:
    where: dict[str, Any] = {"domain": "anime", "collection": "open-v1"}
    return advice.recommend(records, **where | more)


def names(made: advice.Recommendation) -> list[str]:
    return [one.row.entry for one in made.front]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9),
        ("8GiB", 8 * 2**30),
        ("500MB", 5 * 10**8),
        (" 1.5 gib ", 3 * 2**29),
        ("10b", 10),
        ("2KB", 2000),
    ],
)
def test_sizes_with_a_unit(text: str, size: int) -> None:
    assert advice.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["8", "GB", "-1GB", "0GB", "8 gigs", "1e3GB", "٨GB", "9" * 30 + "GB", "ib", ""])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(BenchError, match="memory is a number with a unit"):
        advice.parse_bytes(text)


def test_the_best_first_then_what_nothing_betters() -> None:
    made = asked(board())
    assert names(made) == ["best@anime", "light@anime"]
    assert made.weighed == ("speed", "memory", "parameters")
    assert (made.behind, made.futile, made.excluded) == (2, 1, {})  # dull is cheap, and further off than gray
    assert (made.beats_gray, made.sure) == (True, True)
    assert made.reasons[0].startswith("It is the closest of 5 entries: CIEDE2000 10.00")
    assert made.reasons[1].startswith("It is 0.50 ahead of slow@anime, the next;")
    assert "It is 5.00 closer to the target than leaving the picture gray (15.00)" in made.reasons[2]
    assert any("3 groups only" in reason for reason in made.reasons)


def test_limits_leave_out_and_count() -> None:
    made = asked(board(), memory=500 * 2**20, images_per_second=60.0)
    assert names(made) == ["light@anime"]
    assert made.excluded == {"take more than 500 MiB": 3}
    slower = asked(board(), images_per_second=60.0)
    assert slower.excluded == {"make fewer than 60 images/s": 3}
    exact = asked(board(), memory=900 * 2**20)
    assert names(exact)[0] == "best@anime"
    with pytest.raises(BenchError, match=r"no entry within the limits \(5 make fewer than 10,000 images/s\)"):
        asked(board(), images_per_second=10_000.0)


def test_a_fact_that_no_record_has_is_said_and_not_guessed() -> None:
    blind = [replace(record, cost=replace(record.cost, memory_bytes=None)) for record in board()]
    made = asked(blind, memory=1)
    assert names(made)[0] == "best@anime"
    assert made.gaps == ("No record here knows the memory, so that limit is not applied; evaluate again.",)
    assert "memory" not in made.weighed
    assert "Not weighed, because records lack it: memory." in advice.leftovers(made)
    some = [*board()[1:], blind[0]]
    mixed = asked(some, memory=2**40)
    assert mixed.excluded == {"have no memory in their records": 1}
    assert "best@anime" not in names(mixed)


def test_it_says_plainly_when_doing_nothing_is_better() -> None:
    made = asked([entry("a@anime", 20.0), entry("b@anime", 21.0, speed=900.0), told(GRAY, [14.0, 15.0, 16.0])])
    assert made.beats_gray is False
    (plain,) = [reason for reason in made.reasons if "NOT" in reason]
    assert plain.startswith("It does NOT beat leaving the picture gray (15.00): its colours are 5.00 further")
    assert names(made) == ["a@anime"]
    assert made.futile == 1


def test_a_cheaper_one_that_is_not_told_apart_is_named() -> None:
    close = told("b@anime", [9.0, 10.2, 11.1])
    close = replace(close, cost=replace(close.cost, images_per_second=400.0, parameters=1000))
    made = asked([entry("a@anime", 10.0), close])
    assert made.sure is False
    assert "does not tell them apart" in made.reasons[1]
    assert "Not told apart from it, and cheaper: b@anime (4.0 times the speed)." in made.reasons
    assert made.beats_gray is None


def test_of_two_as_close_the_cheaper_is_first_and_the_other_the_next() -> None:
    made = asked([entry("a@anime", 10.0, speed=50.0), entry("b@anime", 10.0, speed=100.0)])
    assert names(made) == ["b@anime"]
    assert made.reasons[1].startswith("It is 0.00 ahead of a@anime, the next;")
    assert advice.leftovers(made)[0] == (
        "1 entry is bettered: another is as good in CIEDE2000, speed and parameters, and better in one of them."
    )


def test_costs_are_said_with_their_size_and_the_machines_they_hold_for() -> None:
    made = asked(board())
    assert "Its cost at 64 px: speed 50 images/s, memory 900 MiB, parameters 0.009 M." in made.reasons
    assert not any("machines" in reason for reason in made.reasons)
    other = [*board()[:-2], replace(board()[-2], machine={"cpu": "another"})]
    assert "Caution: speed was measured on 2 machines that do not compare." in asked(other).reasons


def test_what_is_cheaper_is_said_in_its_own_words() -> None:
    close = replace(entry("b@anime", 10.0, speed=100.0, mib=100, parameters=400), groups={})
    close = replace(told("b@anime", [9.0, 10.2, 11.1]), cost=close.cost)
    made = asked([entry("a@anime", 10.0, mib=280), close])
    assert "Not told apart from it, and cheaper: b@anime (2.8 times less memory, 2.5 times fewer parameters)." in (
        made.reasons
    )


def test_one_group_says_nothing_of_chance() -> None:
    made = asked([told("a@anime", [10.0]), told("b@anime", [11.0])])
    assert made.sure is None
    assert "too few groups to say" in made.reasons[1]


def test_doubts_of_other_metrics_are_not_told_here() -> None:
    flags = ("CIEDE2000 under review", "SSIM under 256 images", "smoke budget")
    made = asked([replace(told("a@anime", [10.0, 11.0]), flags=flags)])
    shown = [reason for reason in made.reasons if reason.startswith("Caution")]
    assert "Caution: smoke budget." in shown
    assert sum("SSIM" in reason for reason in shown) == 1  # a metric that this board does not hold may mean anything


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"domain": "anme"}, "unknown domain .* Did you mean anime"),
        ({"collection": "open"}, "unknown collection"),
        ({"track": "gray+hints"}, "unknown track"),
        ({"split": "series"}, "unknown split"),
        ({"size": 256}, "unknown size"),
    ],
)
def test_what_is_not_there_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        asked(board(), **change)
    two = [*board(), told("a@anime", [1.0, 2.0], size=128)]
    with pytest.raises(BenchError, match="64, 128 px; name one with --size"):
        asked(two)
    assert names(asked(two, size=128)) == ["a@anime"]
    with pytest.raises(BenchError, match="no ranked entry"):
        asked(board()[-1:])


def test_the_command(tmp_path: Path) -> None:
    for record in board():
        files_of.write(tmp_path, record)
    common = ["recommend", "--domain", "anime", "--collection", "open-v1", "--records", str(tmp_path)]
    text = CliRunner().invoke(app, [*common, "--memory", "950MiB"])
    assert text.exit_code == 0, text.output
    lines = text.output.splitlines()
    assert lines[0].startswith("Recommended for anime (gray, test): best@anime [open-v1/anime/test:")
    assert "Other entries that nothing betters in CIEDE2000, speed, memory and parameters at once:" in lines
    assert any(line.startswith("light@anime") for line in lines)
    made = json.loads(CliRunner().invoke(app, [*common, "--json"]).output)
    assert made["recommended"]["entry"] == "best@anime"
    assert made["recommended"]["Memory (MiB)"] == 900
    assert [other["entry"] for other in made["others"]] == ["light@anime"]
    assert made["no_closer_than_gray"] == 1
    for wrong in (["--images-per-second", "0"], ["--images-per-second", "nan"], ["--memory", "lots"]):
        assert CliRunner().invoke(app, [*common, *wrong]).exit_code == 2
