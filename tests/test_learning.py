"""Slow: what the boards promise, run in full: trained models beat gray copy where the answer can be known."""

import json
import os
import shutil
import subprocess
import sys
import time
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


STEPS = 64
DRIVER = f"""
import bench.train, bench.types
from bench.cli import app
bench.train.CHECKPOINT_SECONDS = 0
bench.types.BUDGETS["smoke"] = bench.types.Budget("smoke", images={STEPS} * 16, width=0.25, batch_size=16)
app()
"""
"""The command itself, but for fewer steps, and checkpoints as often as the curves allow."""


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all models: its images are drawn once."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "track"), [("fu2017-cgan", "gray"), ("chen2019-resunet", "lineart-sketch+reference"), ("tcvc2019", "")]
)
def test_a_killed_training_goes_on_to_the_same_weights(model: str, track: str, shared_home: Path) -> None:
    words = ["train-baselines", "--model", model, "--mix", "cartoon", "--size", "32", "--device", "cpu"]
    words += ["--track", track] if track else []
    command = [sys.executable, "-c", DRIVER, *words, "--home", str(shared_home)]
    # One thread: on images this small two would mostly wait for each other.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    checkpoints = shared_home / "checkpoints"
    shutil.rmtree(checkpoints, ignore_errors=True)

    def found(name: str) -> Path:
        (path,) = checkpoints.glob(f"**/{name}")
        return path

    def whole() -> None:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    # However slow the machine is: it is killed by what it has written, never by the clock.
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not list(checkpoints.glob("**/state.json")):
            assert first.poll() is None, "it ended before its first checkpoint"
            time.sleep(0.02)
    finally:
        first.kill()
        first.wait()
    assert not list(checkpoints.glob("**/training.json"))
    state = json.loads(found("state.json").read_text())
    assert 0 < state["step"] < STEPS
    # A mark that only a run which goes on from here can carry to its end.
    found("state.json").write_text(json.dumps(state | {"seconds": 1e6}))
    whole()
    facts = json.loads(found("training.json").read_text())
    assert facts["images"] == STEPS * 16
    assert facts["seconds"] > 1e6, "it must go on from the checkpoint, not from the start"
    continued = found("weights.safetensors").read_bytes(), found("curves.csv").read_text()
    shutil.rmtree(checkpoints)
    whole()
    assert (found("weights.safetensors").read_bytes(), found("curves.csv").read_text()) == continued


@pytest.mark.slow
def test_two_processes_train_as_one_and_the_record_is_of_every_image_once(tmp_path: Path) -> None:
    """Data parallel over two CPU processes: half a batch each; the scores come from one process, without padding."""
    words = ["train-baselines", "--model", "fu2017-convnet", "--mix", "cartoon", "--size", "32", "--device", "cpu"]
    command = [str(Path(sys.executable).parent / "bench"), *words, "--home", str(tmp_path), "--devices", "2"]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    (path,) = tmp_path.glob("checkpoints/**/training.json")
    facts = json.loads(path.read_text())
    assert facts["devices"] == 2
    assert facts["images"] == 6400
    for entry in ("fu2017-convnet@cartoon", "gray-copy"):
        run(
            tmp_path, "evaluate", "--domain", "cartoon", "--model", entry, "--size", "32", "--split", "series",
            "--records", str(tmp_path / "records"),
        )  # fmt: skip
    scores = ciede2000(tmp_path, "series")
    assert scores["fu2017-convnet@cartoon cartoon"] < scores["gray-copy cartoon"] - 0.5
