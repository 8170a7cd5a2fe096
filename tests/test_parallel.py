"""Two processes do the work of one: the same weights but for rounding, the same record, the same refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import ranks
import torch
from safetensors.torch import load_file
from torch import nn

from bench.parallel import _BatchNorm

TOLERANCE = 2e-5
"""Of a weight, beside one device: sums of floats in another order, over 40 steps."""


def test_two_devices_train_and_evaluate_what_one_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    threads = torch.get_num_threads()
    ranks.main(tmp_path / "one")
    torch.set_num_threads(threads)
    said = ranks.start(2, tmp_path / "two")
    assert capsys.readouterr().out.splitlines() == ["the first one failed."]
    for lines in said:
        assert "batches of 3 images cannot be shared by 2 devices in equal parts" in lines, "both refuse"
        assert "the first one failed." in lines, "both hear of it"
        assert "No space left on device" in lines, "whatever it was"
        assert "differ in the entry: the first has 'entry 0', another 'entry 1'" in lines
        assert "ZeroDivisionError: in the last one" in lines
        assert "stopped together" in lines
    (state,) = (tmp_path / "two").rglob("smoke-s2/state.json")
    assert 0 < json.loads(state.read_text())["step"] < 40
    (one,), (two,) = ((tmp_path / name).rglob("smoke-s0/weights.safetensors") for name in ("one", "two"))
    first, second = load_file(one), load_file(two)
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert (value.double() - second[key].double()).abs().max() <= TOLERANCE, key
    curves = [
        [(row["step"], row["term"], float(row["value"])) for row in csv.DictReader(path.read_text().splitlines())]
        for path in (one.with_name("curves.csv"), two.with_name("curves.csv"))
    ]
    for mine, theirs in zip(*curves, strict=True):
        assert mine[:2] == theirs[:2]
        assert mine[2] == pytest.approx(theirs[2], abs=1e-4)
    facts = [json.loads(path.with_name("training.json").read_text()) for path in (one, two)]
    assert [found["devices"] for found in facts] == [1, 2]
    assert facts[0]["best_step"] == facts[1]["best_step"]


def test_normalization_without_momentum_keeps_the_mean_of_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.parallel.dist.all_reduce", lambda value: None)  # one process is all of them
    torch.manual_seed(0)
    plain, ours = nn.BatchNorm2d(3, momentum=None), _BatchNorm(3, momentum=None)
    for _ in range(4):
        batch = torch.randn(5, 3, 4, 4)
        plain(batch)
        ours(batch)
    for name, value in plain.state_dict().items():
        assert torch.allclose(value.float(), ours.state_dict()[name].float(), atol=1e-6), name


@pytest.mark.slow
def test_two_devices_write_the_record_of_one(tmp_path: Path) -> None:
    """Weights of one training, evaluated by one process and by two: protocol rule 10."""
    (tmp_path / "one").mkdir()
    ranks.start(1, tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "checkpoints").symlink_to(tmp_path / "one" / "checkpoints")
    ranks.start(2, tmp_path / "two")
    records = []
    for name in ("one", "two"):
        (path,) = (tmp_path / name / "records").glob("*.json")
        record = json.loads(path.read_text())
        record.pop("created")
        record["cost"].pop("images_per_second")
        records.append(record)
    assert records[0] == records[1]
    assert records[0]["split"]["n"] == 12
    kept = [sorted((tmp_path / name / "scores").rglob("*.parquet")) for name in ("one", "two")]
    assert [path.read_bytes() for path in kept[0]] == [path.read_bytes() for path in kept[1]]
    assert (np.load(tmp_path / "one" / "clips.npy") == np.load(tmp_path / "two" / "clips.npy")).all()
