"""Slow: what the boards promise, run in full: trained models beat gray copy where the answer can be known."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import records
from bench.cli import app

SHARED = os.environ.get("CHROMABENCH_SHARED")


def run(home: Path, *words: str) -> None:
    result = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert result.exit_code == 0, result.output


def ciede2000(home: Path, split: str) -> dict[str, float]:
    """CIEDE2000 of every entry on one split name, by `entry domain`."""
    found = {}
    for record in records.read_all(home / "records"):
        value = record.scores["ciede2000"].value
        if record.split.name == split and value is not None:
            found[f"{record.entry.name} {record.split.domain}"] = value
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("model", "domain"), [("fu2017-cgan", "cartoon"), ("fu2017-convnet", "manga")])
def test_a_trained_model_beats_gray_copy_on_new_images_of_series_it_saw(
    model: str, domain: str, tmp_path: Path
) -> None:
    run(tmp_path, "train-baselines", "--model", model, "--mix", domain, "--size", "64")
    for entry in (f"{model}@{domain}", "gray-copy"):
        run(
            tmp_path, "evaluate", "--domain", domain, "--model", entry, "--size", "64",
            "--records", str(tmp_path / "records"),
        )  # fmt: skip
    scores = ciede2000(tmp_path, "series")
    assert scores[f"{model}@{domain} {domain}"] < scores[f"gray-copy {domain}"] - 0.5


@pytest.mark.slow
@pytest.mark.skipif(SHARED is None, reason="needs CHROMABENCH_SHARED, a folder with a mirror of open-v1")
def test_the_main_job_on_real_images(tmp_path: Path) -> None:
    run(tmp_path, "data", "fetch", "open-v1", "--mirror", str(Path(SHARED or "") / "open-v1"))
    same = ["--collection", "open-v1", "--size", "64"]
    run(tmp_path, "train-baselines", "--model", "fu2017-convnet", "--mix", "mixed", "--budget", "smoke", *same)
    run(tmp_path, "evaluate", "--domain", "all", "--model", "all", *same, "--records", str(tmp_path / "records"))
    found = {(r.entry.name, r.split.domain, r.split.name): r for r in records.read_all(tmp_path / "records")}
    domains = {domain for _, domain, _ in found}
    assert domains == {"cartoon", "anime", "live-action", "manga"}
    for (name, domain, split), gray in found.items():
        if name != "gray-copy":
            continue
        assert ("fu2017-convnet@mixed", domain, split) in found
        trip = found["lab-round-trip", domain, split]
        for metric, score in gray.scores.items():
            theirs = trip.scores[metric].value
            if score.value is not None and theirs is not None:
                assert theirs < score.value if score.direction == "lower" else theirs > score.value
