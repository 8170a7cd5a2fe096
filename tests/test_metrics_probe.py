"""The probe's alarm: every metric is covered, and one that drifts stops the run before a record is written."""

from pathlib import Path

import numpy as np
import pytest

from bench import grid
from bench.data.manifest import Item, Manifest
from bench.device import Machine
from bench.errors import BenchError
from bench.evaluate import Distributions
from bench.metrics import METRICS, probe
from bench.shelf import Shelf
from bench.types import Track


@pytest.fixture(autouse=True)
def _afresh():
    probe.assert_agreement.cache_clear()
    yield
    probe.assert_agreement.cache_clear()


def test_every_metric_is_checked_and_agrees():
    checks = probe.cross_check()
    assert {check.metric for check in checks} == set(METRICS)
    assert all(check.good for check in checks), checks
    probe.assert_agreement()


@pytest.mark.parametrize("name", ["l1", "ssim", "ciede2000", "ciede2000-p95"])
def test_a_metric_that_drifts_by_a_percent_stops_the_run(name, tmp_path, monkeypatch):
    true = probe.score_images

    def drifting(predictions, targets):
        return {id: values * (1.01 if id == name else 1) for id, values in true(predictions, targets).items()}

    monkeypatch.setattr(probe, "score_images", drifting)
    item = Item("a", "cartoon", "test", "g", "drawn", "0" * 64)
    Manifest(tmp_path / "data" / "toy" / "32px", "toy", "1", 32, (item,)).write()
    shelf = Shelf(tmp_path, "toy", 32)
    with pytest.raises(BenchError, match=rf"^{name} differs from .* no score is written"):
        grid.evaluate_all(
            _NoBaselines(), shelf, ["cartoon"], ["test"], [], Track("gray"), Distributions(None),
            tmp_path / "records", Machine("cpu"), lambda event: None,
        )  # fmt: skip
    assert not (tmp_path / "records").exists()


def test_the_alarm_hears_a_drifting_distance(monkeypatch):
    monkeypatch.setattr(probe, "fid", lambda a, b: 1.0)
    with pytest.raises(BenchError, match="fid differs from torch-fidelity"):
        probe.assert_agreement()


def test_the_probe_is_the_same_everywhere():
    predictions, targets = probe.probe_pairs()
    assert (int(predictions.sum(dtype=np.int64)), int(targets.sum(dtype=np.int64))) == (4_556_539, 4_556_996)


class _NoBaselines:
    def names(self) -> list[str]:
        return []

    working = names

    def load(self, name: str):
        raise AssertionError(Path(name))
