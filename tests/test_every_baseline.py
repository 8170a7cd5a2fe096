"""Every baseline through the real loop, on the CPU and on a GPU: trained for some steps, read back, played."""

import inspect
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import baselines
from bench import guidance
from bench.colorize import predict
from bench.device import Machine
from bench.grid import default_track, trained
from bench.job import Job
from bench.train import FACTS, load, train
from bench.types import Budget, Entry, Images, Mix, Track

SIDE, CLIPS, FRAMES = 32, 8, 8


def pictures(track: Track) -> Images:
    """What a track shows and tells of random pictures."""
    rng = np.random.default_rng(0)
    count = CLIPS * FRAMES
    targets = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    ids = tuple(f"{place:03d}" for place in range(count))
    hints = np.stack([guidance.hints(target, id) for target, id in zip(targets, ids, strict=True)])
    return Images(
        ids,
        tuple(f"g{place // FRAMES}" for place in range(count)),
        targets,
        targets.mean(axis=3).astype(np.uint8),
        hints if "hints" in track.guidance else None,
        np.stack([guidance.palette(target) for target in targets]) if "reference" in track.guidance else None,
        tuple(place % FRAMES for place in range(count)) if track.temporal else None,
    )


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("cpu", marks=pytest.mark.slow),
        pytest.param(
            "cuda",
            marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
        ),
    ],
)
@pytest.mark.parametrize("name", trained(baselines))
def test_it_trains_in_every_stage_and_colorizes(name: str, device: str, tmp_path: Path) -> None:
    module, track = baselines.load(name), default_track(baselines, name)
    build = module.build
    if "track" in inspect.signature(build).parameters:
        build = partial(build, track=track)
    images = pictures(track)
    job = Job(
        Entry(name, Mix.parse("cartoon")),
        build,
        module.RECIPE.at_width(0.25),
        track,
        Budget("smoke", 16 * 8, 0.25, 16),
        0,
        SIDE,
        "toy",
    )
    machine = Machine(device)
    few = images.at(np.arange(FRAMES))
    folder = train(job, {"cartoon": images}, {"cartoon": few}, [], tmp_path, machine)
    facts = json.loads((folder / FACTS).read_text())
    assert facts["device"].startswith("cpu") == (device == "cpu")
    model, _ = load(job, [], tmp_path, machine.fabric().device)
    painted = predict(model, few, track, machine.fabric().device)
    assert painted.shape == few.targets.shape
    assert painted.std() > 0
