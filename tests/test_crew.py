"""Trainings side by side: each as it would be alone, and a worker that dies costs its job and no other."""

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import baselines
from bench import crew, grid
from bench.data.folder import add
from bench.device import Machine
from bench.errors import BenchError
from bench.grid import Event
from bench.job import Job
from bench.shelf import Shelf
from bench.train import FACTS, WEIGHTS
from bench.types import Budget, Entry, Mix, Track

SIZE = 32
CPU = Machine("cpu", precision="32-true")
SMALL = Budget("smoke", images=64, width=0.125, batch_size=8)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A collection of two domains that any process can open."""
    rng = np.random.default_rng(0)
    for domain in ("cartoon", "anime"):
        for group in range(10):
            folder = tmp_path / "pictures" / domain / f"g{group}"
            folder.mkdir(parents=True)
            for place in range(4):
                small = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
                cv2.imwrite(str(folder / f"{place}.png"), small.repeat(5, 0).repeat(5, 1))
        add(tmp_path / "home", "toy", tmp_path / "pictures" / domain, domain, SIZE, "folder")
    return Shelf(tmp_path / "home", "toy", SIZE)


def jobs(shelf: Shelf, budget: Budget = SMALL) -> list[Job]:
    entries = [Entry("fu2017-convnet", Mix((domain,))) for domain in ("cartoon", "anime")]
    entries += [Entry("fu2017-convnet", Mix(("cartoon", "anime")))]
    return [grid.job(baselines, shelf, entry, Track("gray"), budget, 0) for entry in entries]


def test_two_workers_train_what_one_would(shelf: Shelf, tmp_path: Path) -> None:
    events: list[Event] = []
    crew.train_all(baselines, jobs(shelf), shelf, CPU, events.append, workers=2)
    assert sorted(event.entry for event in events if event.state == "trained") == sorted(j.label for j in jobs(shelf))
    together = {job.label: (job.folder(shelf.home) / WEIGHTS).read_bytes() for job in jobs(shelf)}
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "data").symlink_to(shelf.home / "data")
    alone = Shelf(tmp_path / "alone", "toy", SIZE)
    facts = json.loads((jobs(shelf)[0].folder(shelf.home) / FACTS).read_text())
    threads = int(facts["device"].split("(")[1].split()[0])
    assert threads == max(1, crew.cores() // 2)
    if threads == 1:  # sums of several threads may differ in their last bits
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)
        crew.train_all(baselines, jobs(alone), alone, CPU, lambda event: None, workers=1)
        torch.set_num_threads(before)
        for job in jobs(alone):
            assert (job.folder(alone.home) / WEIGHTS).read_bytes() == together[job.label]
    again: list[Event] = []
    crew.train_all(baselines, jobs(shelf), shelf, CPU, again.append, workers=2)
    assert {event.state for event in again} == {"skipped"}


def test_a_worker_that_is_killed_costs_its_job_alone(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first worker is killed in its first training; the others are trained, and the same call does the rest."""
    long = replace(SMALL, images=3200)
    victims: list[int] = []
    lock = threading.Lock()
    true = crew._Worker.do

    def do(worker: Any, order: dict[str, Any], tell: Any) -> None:
        def told(state: str, facts: dict[str, Any]) -> None:
            with lock:
                if not victims:
                    victims.append(worker.process.pid)
                    os.kill(worker.process.pid, signal.SIGKILL)
            tell(state, facts)

        true(worker, order, told)

    monkeypatch.setattr(crew._Worker, "do", do)
    events: list[Event] = []
    with pytest.raises(BenchError, match=r"1 of 3 trainings failed: .* ended with status -9"):
        crew.train_all(baselines, jobs(shelf, long), shelf, CPU, events.append, workers=2)
    assert sorted(event.state for event in events if event.state in crew.OVER) == ["failed", "trained", "trained"]
    again: list[Event] = []
    crew.train_all(baselines, jobs(shelf, long), shelf, CPU, again.append, workers=2)
    assert sorted(event.state for event in again if event.state in crew.OVER) == ["skipped", "skipped", "trained"]


def test_a_training_that_fails_is_one_reason_and_the_rest_goes_on(shelf: Shelf) -> None:
    first, *others = jobs(shelf)
    first.folder(shelf.home).mkdir(parents=True)
    (first.folder(shelf.home) / FACTS).write_text("{}")
    events: list[Event] = []
    with pytest.raises(BenchError, match=r"1 of 3 trainings failed: .*training.json is damaged"):
        crew.train_all(baselines, [first, *others], shelf, CPU, events.append, workers=2)
    assert sorted(event.state for event in events if event.state in crew.OVER) == ["failed", "trained", "trained"]


def test_as_many_workers_as_cores_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 8)
    assert crew.workers_for(CPU, 3) == 3
    assert crew.workers_for(CPU, 100) == 8
    assert crew.workers_for(CPU, 100, asked=2) == 2
    assert crew.workers_for(Machine("cpu", devices=2), 100) == 1
