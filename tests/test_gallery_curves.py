"""The curves that a gallery keeps: one that burst, a damaged one, and one that was changed after its training."""

import csv
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_records import sample_record

from bench.errors import BenchError
from bench.gallery import learning


def test_a_curve_that_burst_stays_readable_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerows([["step", "stage", "term", "value"], [1, "a", "l1", 2.0], [2, "a", "l1", "nan"]])
    assert learning.curve(path).losses["l1"].steps == (1,)
    assert learning.curve(path).validation.steps == ()
    path.write_text("step,stage,term,value\n1,a,l1,half\n")
    with pytest.raises(BenchError, match="damaged"):
        learning.curve(path)


def test_a_curve_that_was_changed_is_left_out_with_a_line(tmp_path: Path) -> None:
    record = sample_record("m@anime")
    assert record.training is not None
    folder = tmp_path / "checkpoints" / record.training.collection / "m"
    record = replace(record, training=replace(record.training, weights_sha256="ab" * 32))
    folder.mkdir(parents=True)
    curves, facts = folder / "curves.csv", {"weights_sha256": "ab" * 32}
    curves.write_text("step,stage,term,value\n1,a,l1,2.0\n")
    sealed = facts | {"curves_sha256": hashlib.sha256(curves.read_bytes()).hexdigest()}

    def found(facts: dict[str, str]) -> tuple[int, list[str]]:
        (folder / "training.json").write_text(json.dumps(facts))
        lines: list[str] = []
        return len(learning.trainings(tmp_path, [record], lines.append)), lines

    assert found(sealed) == (1, [])
    curves.write_text("step,stage,term,value\n1,a,l1,3.0\n")
    assert found(facts) == (1, [])  # of a version that did not seal it
    count, (line,) = found(sealed)
    assert count == 0
    assert re.match(r"the curve of m@anime gray seed 0 is left out: .*curves\.csv was changed after the training", line)
    curves.write_text("step,stage,term,value\n1,a,l1,half\n")
    count, (line,) = found(facts)
    assert count == 0
    assert "is damaged" in line
