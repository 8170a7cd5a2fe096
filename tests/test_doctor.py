"""The doctor's report: every cross-check with its deviation, topic by topic, and exit 1 where one is wrong."""

import hashlib
import io
import json
from dataclasses import replace

import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from typer.testing import CliRunner

from bench import doctor
from bench.cli import app
from bench.errors import BenchError
from bench.features import inception
from bench.features import probe as extractors
from bench.metrics import probe, suite

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def run(tmp_path, *options):
    return CliRunner().invoke(app, ["doctor", "--home", str(tmp_path), *options])


def test_every_check_is_shown_with_its_library(tmp_path):
    done = run(tmp_path, "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert len({tuple(row) for row in rows}) == 1  # one shape
    checks = {row["found"]: row for row in rows if row["library"]}
    metrics = {name for topic in probe.CHECKERS.values() for name in topic}
    assert set(checks) == metrics | {"fid, kid: resize", "fid-clean: resize", "fd-chroma: network"}
    for row in checks.values():
        assert float(row["largest deviation"]) <= float(row["tolerance"])
        assert row["state"] == "ok"
    topics = [row["what"] for row in rows if row["library"]]
    assert len(set(topics)) == sum(a != b for a, b in zip(topics, ["", *topics], strict=False))  # each in one place
    assert any("Inception: not compared" in row["found"] for row in rows)


def test_a_wrong_one_is_named_and_ends_with_1(tmp_path, monkeypatch):
    true = suite.score_all
    monkeypatch.setattr(suite, "score_all", lambda *a: true(*a) | {"psnr-locked": true(*a)["psnr-locked"] + 0.01})
    done = run(tmp_path)
    assert done.exit_code == 1
    wrong = [line for line in done.stdout.splitlines() if line.rstrip().endswith("WRONG")]
    assert len(wrong) == 1
    assert "psnr-locked" in wrong[0]
    assert "scikit-image" in wrong[0]
    assert "1.0e-02" in wrong[0]


def test_extractors_that_drift_are_wrong(monkeypatch):
    monkeypatch.setattr(extractors, "resized", lambda batch, rule, to: inception.resized(batch, rule, to) * 1.01)
    checks, _ = extractors.cross_check_extractors()
    assert [check.metric for check in checks if not check.good] == ["fid, kid: resize", "fid-clean: resize"]
    extractors.assert_agreement.cache_clear()
    with pytest.raises(BenchError, match=r"^fid, kid: resize differs from torch-fidelity"):
        extractors.assert_agreement()  # as every run asks
    true = extractors.Chroma.__call__
    monkeypatch.setattr(extractors.Chroma, "__call__", lambda self, images: true(self, images) * 1.01)
    assert not any(check.good for check in extractors.cross_check_extractors()[0])


class _Blank(FeatureExtractorInceptionV3):
    """torch-fidelity's network, built without its weights."""

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return super().load_state_dict({}, strict=False)


@pytest.mark.slow
def test_inception_is_compared_where_its_weights_are(tmp_path, monkeypatch):
    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = _Blank("blank", ["2048"], feature_extractor_weights_path=empty)
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    published = replace(inception.WEIGHTS, sha256=hashlib.sha256(content.getvalue()).hexdigest()[:8])
    for module in (inception, extractors):
        monkeypatch.setattr(module, "WEIGHTS", published)
    place = published.cached()
    place.parent.mkdir(parents=True)
    place.write_bytes(content.getvalue())
    checks, absent = extractors.cross_check_extractors()
    assert absent == ""
    assert (checks[-1].metric, checks[-1].good) == ("fid, kid: network", True), checks[-1]
    true = inception.Inception.__call__
    monkeypatch.setattr(inception.Inception, "__call__", lambda self, images: true(self, images) * 1.01)
    assert not extractors.cross_check_extractors()[0][-1].good


def test_a_finding_that_is_no_check_has_the_same_columns():
    assert list(doctor.Finding("cuda", "none").facts()) == [
        "what", "found", "library", "largest deviation", "tolerance", "state",
    ]  # fmt: skip
