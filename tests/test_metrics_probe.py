"""The probe's alarm: every metric is covered, and one that drifts stops the run before a record is written."""

import ast
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from bench import color, playing
from bench.data.manifest import Item, Manifest
from bench.device import Machine
from bench.errors import BenchError
from bench.metrics import (
    METRICS,
    PROTOCOL,
    bleeding,
    chroma,
    distribution,
    hues,
    lpips,
    multiscale,
    pixel,
    probe,
    regions,
    suite,
    temporal,
)
from bench.metrics.probe import pictures
from bench.metrics.probe.protocol import colour_science
from bench.shelf import Shelf
from bench.types import Track

torch.set_num_threads(1)

CARRIED = set(METRICS) | set(suite.SUITE) | {
    metric.id for topic in (temporal, lpips, distribution) for metric in topic.METRICS
}  # fmt: skip
"""What a record can carry."""
QUICK = sorted(CARRIED - set(probe.SLOW))
NINE = {name for name, metric in PROTOCOL.items() if metric.kind == "full-reference"}
ALONE = [("score_images", name) for name in sorted(NINE)] + [
    ("colour_scores", name) for name in sorted(NINE) if name.startswith("ciede2000") or name.endswith("-ab")
]
"""Protocol v1's metrics by the kernels that score them alone."""
WIDTHS = {"fid": 24, "fid-clean": 48, "fd-chroma": 64}
"""Of the features that each distance is checked on: by these a drift of one leaves the others alone."""


@pytest.fixture(autouse=True)
def _afresh():
    for kept in (probe.assert_agreement, pixel.lab_constants):
        kept.cache_clear()
    yield
    for kept in (probe.assert_agreement, pixel.lab_constants):
        kept.cache_clear()


@pytest.fixture(scope="module")
def theirs():
    return probe._theirs(False)


@pytest.fixture
def remembered(theirs, monkeypatch):
    """The libraries' side does not drift: once is enough."""
    monkeypatch.setattr(probe, "_theirs", lambda whole: theirs)


def drift(monkeypatch, name, factor):
    """Let one metric drift where an evaluation takes its numbers."""
    module, function, width = suite, "score_all", 0
    if name in {metric.id for metric in temporal.METRICS}:
        module, function = temporal, "temporal_scores"
    elif name in WIDTHS:
        width = WIDTHS[name]
        true_distance = distribution.Gaussian.distance

        def distance(self, features):
            return true_distance(self, features) * (factor if features.shape[1] == width else 1)

        monkeypatch.setattr(distribution.Gaussian, "distance", distance)
        return
    elif name == "kid":
        true_kid = distribution.kid
        monkeypatch.setattr(distribution, "kid", lambda *a, **k: tuple(factor * one for one in true_kid(*a, **k)))
        return
    true = getattr(module, function)

    def drifting(*args, **options):
        return {id: values * (factor if id == name else 1) for id, values in true(*args, **options).items()}

    monkeypatch.setattr(module, function, drifting)


def test_every_metric_is_checked_and_agrees():
    checks = probe.cross_check()
    assert {check.metric for check in checks} == CARRIED
    assert len(checks) == len(CARRIED)
    assert all(check.good for check in checks), [check for check in checks if not check.good]
    assert {check.metric for check in probe.cross_check(whole=False)} == set(QUICK)
    probe.assert_agreement()


@pytest.mark.parametrize("factor", [1.01, 0.99])
@pytest.mark.parametrize("name", QUICK)
def test_a_drift_of_a_percent_is_heard(name, factor, remembered, monkeypatch):
    probe.assert_agreement()
    probe.assert_agreement.cache_clear()
    drift(monkeypatch, name, factor)
    with pytest.raises(BenchError, match=rf"^{name} differs from .* no score is written"):
        probe.assert_agreement()


@pytest.mark.parametrize(("kernel", "name"), ALONE)
def test_a_drift_where_the_protocol_is_scored_alone_is_heard(kernel, name, remembered, monkeypatch):
    """`bench demo`, training's validation and the best of several samples do not score by `score_all`."""
    true = getattr(pixel, kernel)
    monkeypatch.setattr(
        pixel, kernel, lambda *pairs: {id: values * (1.01 if id == name else 1) for id, values in true(*pairs).items()}
    )
    with pytest.raises(BenchError, match=rf"^{name} differs from .* no score is written"):
        probe.assert_agreement()


@pytest.mark.parametrize("name", ["ciede2000-p95", "ms-ssim", "warp-error-ab", "fd-chroma"])
def test_a_metric_that_drifts_stops_the_run(name, tmp_path, monkeypatch):
    drift(monkeypatch, name, 1.01)
    item = Item("a", "cartoon", "test", "g", "drawn", "0" * 64)
    Manifest(tmp_path / "data" / "toy" / "32px", "toy", "1", 32, (item,)).write()
    shelf = Shelf(tmp_path, "toy", 32)
    unused: Any = None
    with pytest.raises(BenchError, match=rf"^{name} differs from .* no score is written"):
        playing.evaluate_all(
            _NoBaselines(), shelf, ["cartoon"], ["test"], [], Track("gray"), unused,
            tmp_path / "records", Machine("cpu"), lambda event: None,
        )  # fmt: skip
    assert not (tmp_path / "records").exists()


def test_the_doctor_hears_lpips_drift(monkeypatch):
    true = lpips.Lpips.__call__
    monkeypatch.setattr(lpips.Lpips, "__call__", lambda self, *pair: {"lpips": true(self, *pair)["lpips"] * 1.01})
    wrong = [check for check in probe.cross_check() if not check.good]
    assert [(check.metric, check.library) for check in wrong] == [("lpips", "torchmetrics")]


@pytest.mark.parametrize("name", ["ciede2000-reds", "bleeding", "cdc-difference"])
def test_a_value_that_is_lost_is_heard(name, remembered, monkeypatch):
    drift(monkeypatch, name, np.nan)
    with pytest.raises(BenchError, match=f"^{name} differs from .* by inf"):
        probe.assert_agreement()


@pytest.mark.parametrize(
    ("module", "constant", "value", "heard"),
    [
        (bleeding, "STEP", 11.0, "bleeding"),
        (bleeding, "RADIUS", 3, "bleeding-true"),
        (regions, "STEP", 1, "region-spread"),
        (regions, "STEP", 3, "region-spread"),
        (regions, "LEAST", 15, "small-regions-true"),
        (regions, "SMALL", 0.009, "small-regions"),
        (hues, "LEAST_SHARE", 0.01, "ciede2000-neutrals"),
        (multiscale, "WEIGHTS", (0.05, 0.28, 0.3, 0.2363, 0.1333), "ms-ssim"),
        (chroma, "TINT", 1.1, "saturation-error"),
        (suite, "JUST_NOTICEABLE", 2.4, "ciede2000-over-2.3"),
        (temporal, "STEPS", (1, 2), "cdc-difference"),
        (color, "WHITE", (0.9642, 1.0, 0.8251), "ciede2000"),  # D50
        (color, "WHITE", (0.95047, 1.0, 1.08883), "l2-ab"),  # D65 with other digits
        (color, "SRGB_TO_XYZ", ((0.4361, 0.3851, 0.1431), *color.SRGB_TO_XYZ[1:]), "saturation-error"),
    ],
)
def test_a_constant_that_moves_is_heard(module, constant, value, heard, remembered, monkeypatch):
    monkeypatch.setattr(module, constant, value)
    assert heard in {check.metric for check in probe.cross_check(whole=False) if not check.good}


@pytest.mark.parametrize("name", ["clips", "distances", "protocol", "restated"])
def test_the_other_side_takes_nothing_from_what_it_checks(name):
    """A constant that both sides read would move on both, unheard."""
    tree = ast.parse(Path(probe.__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    found |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {module for module in found if module.split(".")[0] == "bench"}
    assert ours <= {"bench.metrics.probe.protocol"}


def test_what_counts_as_a_deviation():
    nan, inf = np.nan, np.inf
    assert probe.largest(np.array([1, nan, 2.0, inf]), np.array([1, nan, 2.5, inf])) == 0.5
    for ours, theirs in (([1, nan], [1, 2]), ([1, 2], [1, nan]), ([1, inf], [1, -inf]), ([1, 2], [1, inf])):
        assert probe.largest(np.array(ours), np.array(theirs)) == inf
    assert probe.largest(np.array([nan]), np.array([nan])) == inf  # nothing was checked


def test_the_alarm_is_cheap(theirs):
    """Processor time, imports and compiled code being there: on an idle core the wall shows the same."""
    spent = []
    for _ in range(3):
        started = time.process_time()
        probe.cross_check(whole=False)
        spent.append(time.process_time() - started)
    assert min(spent) < 2


def test_the_probe_is_the_same_everywhere():
    made = {
        "pairs": probe.probe_pairs(),
        "truth": pictures.probe_truth(),
        "clips": pictures.probe_clips()[:2],
    }
    sums = {name: [int(array.sum(dtype=np.int64)) for array in arrays] for name, arrays in made.items()}
    assert sums == {"pairs": [6759195, 6882466], "truth": [1994, 575694], "clips": [3975303, 3967811]}


def test_the_probe_shows_every_metric_something(theirs):
    """One value at least is there, and not a perfect one, so that a factor cannot pass unheard."""
    for name, values in theirs.items():
        known = values[np.isfinite(values)]
        assert len(known), name
        assert np.abs(known).max() > 1e-3, name


def test_colour_science_leaves_no_stand_ins():
    colour_science()
    stand_ins = [name for name, module in sys.modules.items() if isinstance(module, MagicMock)]
    assert not [name for name in stand_ins if name.startswith(("matplotlib", "mpl_toolkits"))]


@pytest.mark.slow
def test_torchmetrics_can_be_imported_after_it():
    code = (
        "from bench.metrics.probe.protocol import colour_science\n"
        "colour_science()\n"
        "import torchmetrics.functional.image\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class _NoBaselines:
    def names(self) -> list[str]:
        return []

    working = names

    def load(self, name: str):
        raise AssertionError(Path(name))
