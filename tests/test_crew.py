"""Trainings side by side: each as it would be alone, and a worker that dies costs its job and no other."""

import json
import os
import shutil
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toys import SIZE, beside, store_url, toy_shelf

import baselines
from bench import crew, grid, playing, records, train
from bench.checkpoint import STATE
from bench.cluster.storage import Store
from bench.cores import cores
from bench.crew import processes
from bench.crew.claims import claim
from bench.crew.copies import RESULTS, packs
from bench.crew.dispatch import Stopping, carry_out
from bench.data.workplace import alone
from bench.device import Machine
from bench.errors import BenchError
from bench.grid import Event
from bench.job import Job
from bench.scoring import Scorer
from bench.shelf import Shelf
from bench.train import FACTS, WEIGHTS
from bench.types import Budget, Entry, Mix, Track

CPU = Machine("cpu", precision="32-true")
SMALL = Budget("smoke", images=64, width=0.125, batch_size=8)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return toy_shelf(tmp_path)


def jobs(shelf: Shelf, budget: Budget = SMALL) -> list[Job]:
    entries = [Entry("fu2017-convnet", Mix((domain,))) for domain in ("cartoon", "anime")]
    entries += [Entry("fu2017-convnet", Mix(("cartoon", "anime")))]
    return [grid.job(baselines, shelf, entry, Track("gray"), budget, 0) for entry in entries]


def test_two_workers_train_what_one_would(shelf: Shelf, tmp_path: Path) -> None:
    events: list[Event] = []
    crew.train_all(baselines, jobs(shelf), shelf, CPU, events.append, workers=2)
    assert sorted(event.entry for event in events if event.state == "trained") == sorted(j.label for j in jobs(shelf))
    together = {job.label: (job.folder(shelf.home) / WEIGHTS).read_bytes() for job in jobs(shelf)}
    alone = beside(shelf, tmp_path / "alone")
    facts = json.loads((jobs(shelf)[0].folder(shelf.home) / FACTS).read_text())
    threads = int(facts["device"].split("(")[1].split()[0])
    assert threads == max(1, cores() // 2)
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


def test_a_worker_that_is_killed_loses_its_job_and_another_does_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker is killed in its first training, which is given out again; nothing else is repeated."""
    long = replace(SMALL, images=640)
    victims: list[int] = []
    true = processes._Worker.do

    def do(worker: Any, order: dict[str, Any]) -> Any:
        for state, facts in true(worker, order):
            if not victims:
                victims.append(worker.process.pid)
                os.kill(worker.process.pid, signal.SIGKILL)
            yield state, facts

    monkeypatch.setattr(processes._Worker, "do", do)
    events: list[Event] = []
    crew.train_all(baselines, jobs(shelf, long), shelf, CPU, events.append, workers=2)
    assert sorted(event.state for event in events if event.state in crew.OVER) == ["trained"] * 3
    again = [event.facts for event in events if event.state == "again"]
    assert len(again) == 1
    assert "ended with status -9" in again[0]["why"]
    assert not list(shelf.home.rglob("*.claim*"))


@pytest.mark.slow
def test_what_is_lost_too_often_has_failed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    first = jobs(shelf)[0].entry.name
    true = processes._Worker.do

    def do(worker: Any, order: dict[str, Any]) -> Any:
        if order["entry"] == first:
            os.kill(worker.process.pid, signal.SIGKILL)
        yield from true(worker, order)

    monkeypatch.setattr(processes._Worker, "do", do)
    events: list[Event] = []
    with pytest.raises(BenchError, match=r"1 of 3 trainings failed: .* status -9; 2 times; give the same command"):
        crew.train_all(baselines, jobs(shelf), shelf, CPU, events.append, workers=2, rules=crew.Rules(retries=1))
    assert sorted(event.state for event in events if event.state in crew.OVER) == ["failed", "trained", "trained"]


def test_a_training_that_fails_is_one_reason_and_the_rest_goes_on(shelf: Shelf) -> None:
    first, *others = jobs(shelf)
    first.folder(shelf.home).mkdir(parents=True)
    (first.folder(shelf.home) / FACTS).write_text("{}")
    events: list[Event] = []
    with pytest.raises(BenchError, match=r"1 of 3 trainings failed: .*training.json is damaged"):
        crew.train_all(baselines, [first, *others], shelf, CPU, events.append, workers=2)
    assert sorted(event.state for event in events if event.state in crew.OVER) == ["failed", "trained", "trained"]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_saves_what_runs_and_the_same_call_goes_on(shelf: Shelf, workers: int) -> None:
    one = jobs(shelf, replace(SMALL, images=1600))[0]
    steps: list[int] = []

    def report(event: Event) -> None:
        if event.state == "training" and event.facts["step"] and not steps:
            steps.append(event.facts["step"])
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        crew.train_all(baselines, [one], shelf, CPU, report, workers)
    state = json.loads((one.folder(shelf.home) / STATE).read_text())
    assert steps[0] <= state["step"] < one.steps
    assert not list(shelf.home.rglob("*.claim*"))
    assert train.CHECKPOINT_SECONDS == 60
    events: list[Event] = []
    crew.train_all(baselines, [one], shelf, CPU, events.append, workers=1)
    assert events[-1].state == "trained"
    assert min(event.facts["step"] for event in events[1:-1]) > state["step"]


def test_an_entry_that_another_command_trains_is_left_to_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other command's claim is let go of when the grid has met it; only then is the entry trained here."""
    monkeypatch.setattr("bench.crew.dispatch.PAUSE", 0.1)
    one, other = jobs(shelf)[:2]
    folder = one.folder(shelf.home)
    events: list[Event] = []
    with ExitStack() as theirs:
        theirs.enter_context(claim(folder.with_name(f".{folder.name}.claim"), beat=0.05))

        def report(event: Event) -> None:
            events.append(event)
            if event.state == "busy":
                assert not folder.exists()
                theirs.close()

        crew.train_all(baselines, [one, other], shelf, CPU, report, workers=1)
    ends = [(event.entry, event.state) for event in events if event.state in crew.OVER]
    assert ends == [(one.label, "busy"), (other.label, "trained"), (one.label, "trained")]


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_what_is_trained_through_a_store_comes_home(shelf: Shelf, tmp_path: Path, kind: str) -> None:
    """The worker has a home of its own; one training was cut, and another home goes on with it."""
    store = store_url(kind, tmp_path)
    one = jobs(shelf, replace(SMALL, images=800))[0]

    asked: list[Event] = []

    def cut(event: Event) -> None:
        if event.state == "training" and event.facts["step"] and not asked:
            asked.append(event)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        crew.train_all(baselines, [one], shelf, CPU, cut, 1, store=store)
    assert not one.folder(shelf.home).exists()
    events: list[Event] = []
    other = Shelf(shelf.home, "toy", SIZE)
    crew.train_all(baselines, [one], other, CPU, events.append, 1, store=store)
    assert events[-1].state == "trained"
    assert next(event.facts["step"] for event in events if event.facts.get("step")) > 1  # it went on
    through = (one.folder(shelf.home) / WEIGHTS).read_bytes()
    shutil.rmtree(one.folder(shelf.home))
    crew.train_all(baselines, [one], shelf, CPU, events.append, 1, store=store)
    assert events[-1].state == "skipped"
    shutil.rmtree(one.folder(shelf.home))
    crew.train_all(baselines, [one], shelf, CPU, events.append, 1)
    assert (one.folder(shelf.home) / WEIGHTS).read_bytes() == through


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_what_is_evaluated_through_a_store_comes_home_and_stays_there(shelf: Shelf, tmp_path: Path, kind: str) -> None:
    """From a home that has the collection alone. A command that was cut finds what it had in the store."""
    store, one = store_url(kind, tmp_path), jobs(shelf)[0]
    crew.train_all(baselines, [one], shelf, CPU, lambda event: None, 1, store=store)
    entries = [playing.Runnable(Entry("gray-copy")), playing.Runnable(one.entry, one)]

    def evaluate(place: Shelf, report: Any, through: str | None, save: bool = False) -> list[records.Record]:
        options = playing.Options(protocol_only=True, save_predictions=save)
        return crew.evaluate_all(
            baselines, place, ["cartoon"], ["test"], entries, Track("gray"), options, place.home / "records", CPU,
            report, store=through,
        )  # fmt: skip

    def cut(event: Event) -> None:
        raise KeyboardInterrupt

    here = evaluate(shelf, lambda event: None, None)
    other = beside(shelf, tmp_path / "other")
    crew.fetch_trainings(store, other, "fu2017-cgan@cartoon")
    assert not (other.home / "checkpoints").exists()
    crew.fetch_trainings(store, other)
    with pytest.raises(BenchError, match="leave it or --store out"):
        evaluate(other, cut, store, save=True)
    with pytest.raises(KeyboardInterrupt):
        evaluate(other, cut, store)
    shutil.rmtree(other.home / RESULTS)  # another machine would not have it either
    events: list[Event] = []
    there = evaluate(other, events.append, store)
    assert [event.facts["seconds"] == 0 for event in events] == [True, False]
    assert [record.scores for record in there] == [record.scores for record in here]
    scores = {path.name: path.read_bytes() for path in (shelf.home / "scores").iterdir()}
    assert {path.name: path.read_bytes() for path in (other.home / "scores").iterdir()} == scores
    held = Store(store)
    assert held.names("") == sorted([*packs(shelf), one.folder(shelf.home).relative_to(shelf.home).as_posix()])
    for name, data in scores.items():
        assert held._system.cat_file(f"{held._root}/scores/{name}") == data
    for path in (other.home / "records").iterdir():
        assert held._system.cat_file(f"{held._root}/records/{path.name}") == path.read_bytes()


@pytest.mark.slow
def test_evaluations_side_by_side_give_what_one_after_another_do(shelf: Shelf, tmp_path: Path) -> None:
    """A command that was cut does not repeat what it had; one that ended begins anew."""
    one = jobs(shelf)[0]
    crew.train_all(baselines, [one], shelf, CPU, lambda event: None, workers=1)
    entries = [playing.Runnable(Entry("gray-copy")), playing.Runnable(one.entry, one)]
    options = playing.Options(protocol_only=True)

    def evaluate(place: str, report: Any, workers: int) -> list[records.Record]:
        return crew.evaluate_all(
            baselines, shelf, ["cartoon", "anime"], ["test"], entries, Track("gray"), options, tmp_path / place, CPU,
            report, workers,
        )  # fmt: skip

    def cut(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate("apart", cut, 1)
    events: list[Event] = []
    together = evaluate("together", events.append, 2)
    assert [event.facts["seconds"] == 0 for event in events] == [True, False, False, False]
    events.clear()
    apart = evaluate("apart", events.append, 1)
    assert all(event.facts["seconds"] > 0 for event in events)
    assert not (shelf.home / RESULTS).exists()
    assert [record.file_name for record in together] == [record.file_name for record in apart]
    assert [record.scores for record in together] == [record.scores for record in apart]
    assert len(list((tmp_path / "together").iterdir())) == len(list((tmp_path / "apart").iterdir())) == 4


def test_as_many_workers_as_cores_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 8)
    assert crew.workers_for(CPU, 3) == 3
    assert crew.workers_for(CPU, 100) == 8
    assert crew.workers_for(CPU, 100, asked=2) == 2
    assert crew.workers_for(Machine("cpu", devices=2), 100) == 1
    with pytest.raises(BenchError, match="--workers 2: entries that several devices share"):
        crew.workers_for(Machine("cpu", devices=2), 100, asked=2)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")  # two nodes of one device each
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert crew.workers_for(Machine("cpu"), 100) == 1


def test_a_worker_that_is_killed_in_the_middle_of_a_word_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("""#!/bin/sh\nread order\nprintf '{"state": "trai'\n""")
    python.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(python))
    told: list[str] = []
    orders = [{"entry": "one", "task": "train"}]
    carry_out(orders, processes.Processes(1), lambda _, state, __: told.append(state), crew.Rules(1, 20), Stopping())
    assert told == ["again", "failed"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(28, "No space left on device", "/home/x"), "No space left on device: /home/x"),
        (ZeroDivisionError("no\nmore"), "ZeroDivisionError: no"),
    ],
)
def test_whatever_goes_wrong_with_an_entry_fails_that_entry_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    first, second = jobs(shelf)[:2]
    true = grid.train

    def breaks(job: Job, *given: Any) -> Any:
        if job.entry == first.entry:
            raise error
        return true(job, *given)

    monkeypatch.setattr(grid, "train", breaks)
    events: list[Event] = []
    with pytest.raises(BenchError) as caught:
        crew.train_all(baselines, [first, second], shelf, CPU, events.append, workers=1)
    assert why in str(caught.value)
    assert [event.state for event in events if event.state in crew.OVER] == ["failed", "trained"]


def test_who_trains_without_a_claim_is_met_and_left_to_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer that hung long enough to lose its claim still holds its folder: nobody waits for it in silence."""
    monkeypatch.setattr("bench.crew.dispatch.PAUSE", 0.1)
    one = jobs(shelf)[0]
    states: list[str] = []
    with ExitStack() as theirs:
        theirs.enter_context(alone(one.folder(shelf.home)))

        def report(event: Event) -> None:
            states.append(event.state)
            if event.state == "busy":
                theirs.close()

        crew.train_all(baselines, [one], shelf, CPU, report, workers=1)
    assert [state for state in states if state in crew.OVER] == ["busy", "trained"]


def test_results_wait_for_a_stopped_command_and_for_no_failed_one(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [playing.Runnable(Entry(name)) for name in ("gray-copy", "mean-chroma")]
    weights = tmp_path / "weights"
    weights.write_text("one")
    true, beats = playing.score, []
    monkeypatch.setattr(playing.Options, "scorer", lambda *_: Scorer(protocol_only=True))

    def evaluate(report: Any) -> list[records.Record]:
        options = playing.Options(inception=str(weights), protocol_only=True)
        return crew.evaluate_all(
            baselines, shelf, ["cartoon"], ["test"], entries, Track("gray"), options, tmp_path / "records", CPU, report
        )

    def stopped(event: Event) -> None:
        beats.append(event.state)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(stopped)
    assert len(list((shelf.home / RESULTS).iterdir())) == 1
    weights.write_text("other")  # another judge's results are not taken up
    with pytest.raises(KeyboardInterrupt):
        evaluate(stopped)
    assert len(list((shelf.home / RESULTS).iterdir())) == 2

    def breaks(one: playing.Runnable, *given: Any) -> Any:
        if one.entry == entries[1].entry:
            raise BenchError("it broke.")
        return true(one, *given)

    monkeypatch.setattr(playing, "score", breaks)
    events: list[Event] = []
    with pytest.raises(BenchError, match="it broke"):
        evaluate(events.append)
    assert [event.facts.get("seconds") for event in events] == [0.0, None]
    assert len(list((shelf.home / RESULTS).iterdir())) == 1  # of the other judge


@pytest.mark.slow
def test_a_worker_that_hangs_is_killed_and_its_job_done_by_another(shelf: Shelf) -> None:
    """It is stopped in the middle of a training, and says nothing more."""
    one = jobs(shelf, replace(SMALL, images=640))[0]
    events: list[Event] = []
    stopped: list[int] = []

    def report(event: Event) -> None:
        events.append(event)
        if event.state == "training" and event.facts["step"] and not stopped:
            claimed = json.loads(next(shelf.home.rglob("*.claim")).read_text())
            stopped.append(claimed["process"])
            os.kill(stopped[0], signal.SIGSTOP)

    crew.train_all(baselines, [one], shelf, CPU, report, workers=2, rules=crew.Rules(patience=60))
    states = [event.state for event in events if event.state != "training"]
    assert states == ["again", "trained"]
    assert "nothing was heard of it for 60 s" in next(event.facts["why"] for event in events if event.state == "again")
    with pytest.raises(ProcessLookupError):
        os.kill(stopped[0], 0)
