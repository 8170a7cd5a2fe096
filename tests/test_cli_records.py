"""The commands under `bench records`: what is added, what is refused, and that nothing is added by halves."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_records import sample_record
from typer.testing import CliRunner, Result

from bench import records
from bench.cli import app
from bench.leaderboard import PRIMARY, boards
from bench.leaderboard.admission import LARGEST
from bench.records import Record, read_all


def bench(*words: object) -> Result:
    return CliRunner().invoke(app, ["records", *map(str, words)])


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The records of a board."""
    folder = tmp_path / "there"
    for entry in ("gray-copy", "a@anime"):
        records.write(folder, sample_record(entry))
    return folder


@pytest.fixture
def offer(tmp_path: Path) -> Callable[[Record], Path]:
    """Writes a record under a name that says nothing."""
    count = iter(range(99))

    def made(record: Record) -> Path:
        path = tmp_path / f"offer-{next(count)}.json"
        records.write(tmp_path, record).rename(path)
        return path

    return made


def test_good_records_are_added_under_the_names_of_their_facts(there: Path, offer: Callable[[Record], Path]) -> None:
    new = [sample_record("b@anime"), sample_record("a@anime", seed=1), sample_record("a@anime", "manga")]
    result = bench("add", *map(offer, new), "--records", there)
    assert result.exit_code == 0, result.output
    assert result.output.split() == [str(there / record.file_name) for record in new]
    found = read_all(there)
    assert len(found) == 5
    assert all(record in found for record in new)
    assert boards(found)


def test_a_folder_is_added_and_adding_it_again_changes_nothing(there: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    for entry in ("b@anime", "c@anime", "a@anime"):
        records.write(theirs, sample_record(entry))
    assert bench("add", theirs, "--records", there).exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in there.iterdir()}
    result = bench("add", theirs, "--records", there)
    assert (result.exit_code, result.output) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in there.iterdir()} == before
    assert len(before) == 4


def test_an_older_schema_is_added_as_the_present_one(there: Path, offer: Callable[[Record], Path]) -> None:
    path = offer(sample_record("b@anime"))
    content = json.loads(path.read_text())
    content["schema"] = 1
    del content["cost"]["flops"], content["cost"]["memory_bytes"], content["means"]
    path.write_text(json.dumps(content))
    (made,) = bench("add", path, "--records", there).output.split()
    assert json.loads(Path(made).read_text())["schema"] == records.SCHEMA


def changed(record: Record, **facts: Any) -> Record:
    return replace(record, scores={PRIMARY: replace(record.scores[PRIMARY], **facts)})


def signed(record: Record, old: str, new: str) -> Record:
    return changed(record, signature=record.scores[PRIMARY].signature.replace(old, new))


def trained(record: Record, **facts: Any) -> Record:
    assert record.training is not None
    return replace(record, training=replace(record.training, **facts))


NEW = sample_record("b@anime")
REFUSED = {
    "the signature's version is 'bench0.2', here 'bench0.1'": signed(NEW, "bench0.1", "bench0.2"),
    "the signature's definition is 'D65/2deg,k2', here 'D65/2deg,k1'": signed(NEW, "k1", "k2"),
    "the signature's n is 'n191', here 'n192'": signed(NEW, "n192", "n191"),
    "unit is '%', here 'ΔE00'": changed(NEW, unit="%"),
    "split.resampler is 'other', here 'pillow-bicubic'": replace(NEW, split=replace(NEW.split, resampler="other")),
    "would replace a different open-v1-64px.anime.test.gray.a@anime.s0.json; allow it with --replace": sample_record(
        "a@anime", values={PRIMARY: 1.0}
    ),
    "the seeds of a@anime differ in their training's budget (paper, smoke)": trained(
        sample_record("a@anime", seed=1), budget="paper"
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_stand_beside_the_others_is_refused_in_a_line(
    reason: str, there: Path, offer: Callable[[Record], Path]
) -> None:
    before = read_all(there)
    good, bad = offer(sample_record("c@anime")), offer(REFUSED[reason])
    result = bench("add", good, bad, "--records", there)
    assert result.exit_code == 1
    line, end = result.output.splitlines()
    assert line.startswith(f"bench: record {bad}: ")
    assert reason in line
    assert end == "bench: nothing was added."
    assert read_all(there) == before


def test_every_reason_is_told_at_once(there: Path, offer: Callable[[Record], Path], tmp_path: Path) -> None:
    strange = tmp_path / "strange.json"
    strange.write_text('{"schema": 3}')
    (tmp_path / "empty").mkdir()
    bad = [offer(record) for record in REFUSED.values() if record.entry.name == "a@anime"]
    twins = [offer(sample_record("t@anime", values={PRIMARY: value})) for value in (1.0, 2.0)]
    result = bench("add", strange, tmp_path / "empty", tmp_path / "none.json", *bad, *twins, "--records", there)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert len(lines) == 7
    for line, says in zip(
        lines,
        ("upgrade", "folder without", "No such file", "replace", "another one than", "seeds of a@anime", "nothing was"),
        strict=True,
    ):
        assert says in line


def test_replace_puts_a_record_in_the_place_of_a_different_one(there: Path, offer: Callable[[Record], Path]) -> None:
    new = sample_record("a@anime", values={PRIMARY: 1.0})
    assert bench("add", offer(new), "--records", there, "--replace").exit_code == 0
    assert new in read_all(there)
    assert len(read_all(there)) == 2


def test_the_first_records_of_a_board_must_agree_among_themselves(
    tmp_path: Path, offer: Callable[[Record], Path]
) -> None:
    paths = [offer(sample_record("a@anime")), offer(signed(NEW, "k1", "k2"))]
    result = bench("add", *paths, "--records", tmp_path / "new")
    assert result.exit_code == 1
    assert "the signature's definition" in result.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "hostile",
    [b"[" * 100_000, b'{"schema": 2, "entry": "../../x"}', b"\xff\xfe\x00", b'{"schema": 1e999}', b" " * (LARGEST + 1)],
)
def test_hostile_files_are_refused_a_fault_a_line(hostile: bytes, there: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil\n\x1b[31m.json"
    path.write_bytes(hostile)
    for command in (["add", path, "--records", there], ["check", path]):
        result = bench(*command)
        assert result.exit_code == 1
        lines = [line for line in result.stderr.splitlines() if line != "bench: nothing was added."]
        assert lines
        assert all(line.startswith("bench: record ") and "evil\\n" in line for line in lines)
        assert "\x1b" not in result.output
    assert len(read_all(there)) == 2


def test_names_that_would_leave_the_folder_are_refused(there: Path, tmp_path: Path) -> None:
    content = json.loads((there / sample_record("a@anime").file_name).read_text())
    for part, name in (("entry", "model"), ("split", "collection"), ("split", "domain")):
        damaged = json.loads(json.dumps(content))
        damaged[part][name] = "../../x"
        path = tmp_path / "evil.json"
        path.write_text(json.dumps(damaged))
        result = bench("add", path, "--records", there)
        assert result.exit_code == 1
        assert f"field {part}.{name}" in result.output
    assert sorted(tmp_path.glob("*")) == [tmp_path / "evil.json", there]


def test_check_counts_the_sound_and_tells_of_the_others(there: Path, tmp_path: Path) -> None:
    assert bench("check", there).output == "2 sound, 0 faults in others\n"
    bad, worse = tmp_path / "bad.json", tmp_path / "worse.json"
    bad.write_text("{}")
    worse.write_text("{")
    result = bench("check", there, bad, worse)
    assert result.exit_code == 1
    assert "field schema: expected 1 or 2, got None" in result.output
    assert "2 sound, 2 faults in others" in result.output


def test_every_fault_of_a_file_is_told(there: Path, tmp_path: Path) -> None:
    content = json.loads((there / sample_record("a@anime").file_name).read_text())
    content["surprise"] = 1
    content["split"]["size"] = "64"
    content["scores"][PRIMARY] |= {"value": "low", "colour": "red"}
    del content["track"], content["training"]["width"]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    fields = (
        "surprise",
        "split.size",
        "track",
        f"scores.{PRIMARY}.colour",
        f"scores.{PRIMARY}.value",
        "training.width",
    )
    told = [re.findall(r"field ([\w.-]+):", line) for line in bench("check", path).stderr.splitlines()]
    assert [one for (one,) in told] == list(fields)

    content = json.loads((there / sample_record("a@anime").file_name).read_text())
    content["entry"]["name"] = "b@anime"
    content["scores"][PRIMARY]["low"] = 99.0
    content["scores"]["psnr"] = {**content["scores"][PRIMARY], "low": 1.0, "signature": ""}
    path.write_text(json.dumps(content))
    told = [re.findall(r"field ([\w.-]+):", line) for line in bench("check", path).stderr.splitlines()]
    assert [one for (one,) in told] == ["entry.name", f"scores.{PRIMARY}.low", "scores.psnr.signature"]


def test_the_schema_is_printed() -> None:
    assert json.loads(bench("schema").output) == json.loads(json.dumps(records.json_schema()))
