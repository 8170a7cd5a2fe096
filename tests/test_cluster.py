"""A grid on several nodes: what is lost with a node is done again elsewhere, what is finished is not."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import SIZE, beside, toy_shelf
from typer.testing import CliRunner

import baselines
from bench import crew, grid
from bench.cli import app
from bench.crew import claims
from bench.crew.claims import Claim, claim
from bench.crew.dispatch import Order, Rules, Said, Stopping, carry_out
from bench.crew.needs import gpu_share, training_bytes
from bench.device import Machine
from bench.errors import BenchError
from bench.grid import Event
from bench.job import Job
from bench.shelf import Shelf
from bench.train import FACTS, WEIGHTS
from bench.types import BUDGETS, Budget, Entry, Mix, Track

CPU = Machine("cpu", precision="32-true")
LONG = Budget("smoke", images=1600, width=0.125, batch_size=8)
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: chromabench[cluster]")


def jobs(shelf: Shelf, budget: Budget = LONG, seeds: int = 1) -> list[Job]:
    entries = [Entry("fu2017-convnet", Mix((domain,))) for domain in ("cartoon", "anime")]
    return [
        grid.job(baselines, shelf, entry, Track("gray"), budget, seed) for entry in entries for seed in range(seeds)
    ]


# --- claims ---


def held_elsewhere(path: Path, machine: str = "another machine") -> dict[str, Any]:
    facts = {"machine": machine, "process": 1, "born": "0", "token": "theirs", "beat": 0}
    path.write_text(json.dumps(facts))
    return facts


def test_a_claim_is_one_process_s_and_is_let_go_of(tmp_path: Path) -> None:
    path = tmp_path / "a" / ".claim"
    with claim(path, beat=0.02) as mine:
        assert isinstance(mine, Claim)
        with claim(path, expires=5) as other:  # it moves: somebody works on it
            assert other is None
        assert not mine.lost
    assert list(path.parent.iterdir()) == []


def test_a_claim_that_stands_still_is_broken_whatever_the_clocks_say(tmp_path: Path) -> None:
    path = tmp_path / ".claim"
    held_elsewhere(path)
    os.utime(path, (4e9, 4e9))  # a clock far in the future wrote it
    began = time.monotonic()
    with claim(path, expires=0.4) as mine:
        assert mine is not None
        assert time.monotonic() - began >= 0.4
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_moves_is_kept_though_its_file_looks_old(tmp_path: Path) -> None:
    path = tmp_path / ".claim"
    facts = held_elsewhere(path)
    over = threading.Event()

    def beats() -> None:
        while not over.wait(0.05):
            facts["beat"] += 1
            path.write_text(json.dumps(facts))
            os.utime(path, (0, 0))

    thread = threading.Thread(target=beats)
    thread.start()
    with claim(path, expires=3) as mine:
        assert mine is None
    over.set()
    thread.join()


def test_a_claim_of_a_dead_process_of_this_machine_is_taken_at_once(tmp_path: Path) -> None:
    path = tmp_path / ".claim"
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    path.write_text(json.dumps({**claims._me(), "process": gone.pid, "token": "theirs", "beat": 0}))
    (tmp_path / ".claim.0123").touch()  # of one who was cut while breaking a claim
    began = time.monotonic()
    with claim(path) as mine:
        assert mine is not None
    assert time.monotonic() - began < 5
    assert list(tmp_path.iterdir()) == []


def test_who_lost_a_claim_notices_and_leaves_the_other_s_alone(tmp_path: Path) -> None:
    path = tmp_path / ".claim"
    with claim(path, beat=0.02) as mine:
        assert mine is not None
        path.unlink()
        theirs = held_elsewhere(path)
        until = time.monotonic() + 5
        while not mine.lost and time.monotonic() < until:
            time.sleep(0.02)
        assert mine.lost
    assert json.loads(path.read_text()) == theirs


def test_a_file_system_that_is_away_for_a_moment_ends_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system may answer with an error that is none of a missing file."""
    path = tmp_path / ".claim"

    def away(self: Path, *given: object, **more: object) -> str:
        raise OSError(errno.ESTALE, "Stale file handle")

    with claim(path, beat=0.02) as mine:
        assert mine is not None
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_text", away)
            time.sleep(0.2)
        before = path.read_text()
        until = time.monotonic() + 5
        while path.read_text() == before and time.monotonic() < until:
            time.sleep(0.02)
        assert path.read_text() != before
        assert not mine.lost
        monkeypatch.setattr(Path, "read_text", away)
    monkeypatch.undo()
    assert path.exists()  # nobody could say whose it was: it expires


def test_a_holder_that_hangs_beats_no_more(tmp_path: Path) -> None:
    path = tmp_path / ".claim"
    with claim(path, patience=0.1, beat=0.02) as stuck:
        assert stuck is not None
        time.sleep(0.3)
        with claim(path, expires=0.3) as other:
            assert other is not None


# --- giving out ---


class Played:
    """An engine that says what it is told to, a line a hearing."""

    def __init__(self, script: dict[str, list[list[str]]]):
        self.script, self.given, self.closed = script, [], False
        self.talking: dict[int, tuple[Said, list[str]]] = {}
        self.wound = False

    def room(self) -> bool:
        return len(self.talking) < 2

    def start(self, number: int, order: Order, said: Said) -> None:
        self.given.append(order["entry"])
        self.talking[number] = (said, list(self.script[order["entry"]].pop(0)))
        said("started", {})

    def hear(self, seconds: float) -> None:
        time.sleep(0.01)
        for number, (said, words) in list(self.talking.items()):
            if self.wound:
                words[:] = ["stopped"]
            if not words:
                continue  # it hangs
            word = words.pop(0)
            if not words:
                del self.talking[number]
            said(word, {"why": f"{word}."})

    def drop(self, number: int) -> None:
        del self.talking[number]

    def wind_down(self) -> None:
        self.wound = True

    def close(self) -> None:
        self.closed = True


def given_out(script: dict[str, list[list[str]]], rules: Rules) -> tuple[Played, list[tuple[int, str]]]:
    engine, told = Played(script), []
    orders = [{"entry": name} for name in script]
    carry_out(orders, engine, lambda number, state, facts: told.append((number, state)), rules, Stopping())
    assert engine.closed
    return engine, told


def test_lost_orders_are_given_out_again_a_few_times_and_failed_ones_never() -> None:
    engine, told = given_out(
        {"a": [["training", "lost"], ["trained"]], "b": [["failed"]], "c": [["lost"], ["lost"], ["lost"]]}, Rules(2)
    )
    assert sorted(engine.given) == ["a", "a", "b", "c", "c", "c"]
    assert [one for one in told if one[0] == 1] == [(1, "training"), (1, "again"), (1, "trained")]
    assert [one for one in told if one[0] == 2] == [(2, "failed")]
    assert [one for one in told if one[0] == 3] == [(3, "again"), (3, "again"), (3, "failed")]


def test_one_that_says_nothing_is_dropped_and_done_elsewhere() -> None:
    engine, told = given_out({"a": [[], ["trained"]], "b": [["trained"]]}, Rules(patience=0.1))
    assert engine.given == ["a", "b", "a"]
    assert [one for one in told if one[0] == 1] == [(1, "again"), (1, "trained")]


def test_what_another_command_works_on_is_tried_again_later_and_that_is_no_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.crew.dispatch.PAUSE", 0.05)
    script = {"a": [["busy"]] * 3 + [["skipped"]], "b": [["trained"]]}
    _, told = given_out({name: [list(words) for words in tries] for name, tries in script.items()}, Rules(retries=0))
    assert [one for one in told if one[0] == 1] == [(1, "busy")] * 3 + [(1, "skipped")]


def test_asked_to_stop_nothing_new_begins_and_what_runs_stops() -> None:
    engine, stopping, told = Played({name: [["training"] * 9 + ["trained"]] for name in "abc"}), Stopping(), []

    def tell(number: int, state: str, facts: dict[str, Any]) -> None:
        told.append((number, state))
        stopping.asked = True

    with pytest.raises(KeyboardInterrupt):
        carry_out([{"entry": name} for name in "abc"], engine, tell, Rules(), stopping)
    assert engine.given == ["a", "b"]
    assert engine.wound
    assert engine.closed
    assert {state for _, state in told} == {"training"}


# --- memory ---


def test_a_task_asks_for_the_part_of_a_gpu_that_it_needs() -> None:
    assert gpu_share(None, 80) == 1.0
    assert gpu_share(10, 80) == 0.125
    assert gpu_share(11, 80) == 0.25
    assert gpu_share(100, 80) == 1.0


def test_memory_grows_with_the_batch_and_the_discriminator(tmp_path: Path) -> None:
    shelf = toy_shelf(tmp_path)

    def need(model: str, batch: int) -> int:
        budget = Budget("smoke", images=64, width=1.0, batch_size=batch)
        found = training_bytes(
            grid.job(baselines, shelf, Entry(model, Mix(("anime",))), Track("gray"), budget, 0), shelf
        )
        assert found is not None
        return found

    one, two, three = (need("fu2017-convnet", batch) for batch in (8, 16, 24))
    assert two - one == three - two > 0
    assert need("fu2017-cgan", 8) > one


# --- a real cluster ---


def drive(address: str, place: str) -> None:
    """A command of its own process: the grid on a cluster, each event a line."""
    shelf = Shelf(Path(place), "toy", SIZE)
    crew.train_all(
        baselines, jobs(shelf, seeds=2), shelf, CPU, lambda e: print(e.entry, e.state, flush=True), cluster=address
    )


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, list[Any]]]:
    """A head without cores and two nodes of one core each, every one with processes of its own."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "120000")
    monkeypatch.setenv("RAY_worker_register_timeout_seconds", "120")
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"object_store_memory": 100 << 20, "include_dashboard": False, "include_log_monitor": False}
    cluster = patiently(lambda: Cluster(True, head_node_args={"num_cpus": 0, "no_monitor": True, **small}))
    try:
        yield cluster, [patiently(lambda: cluster.add_node(num_cpus=1, memory=8 << 30, **small)) for _ in range(2)]
    finally:
        cluster.shutdown()


def patiently(start: Callable[[], Any], tries: int = 6) -> Any:
    """What starts at last: Ray gives up on a node whose processes are not up within seconds, as on a busy machine."""
    for _ in range(tries - 1):
        with suppress(Exception):
            return start()
    return start()


def weights(shelf: Shelf) -> list[bytes]:
    return [(job.folder(shelf.home) / WEIGHTS).read_bytes() for job in jobs(shelf, seeds=2)]


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_is_killed_costs_time_alone(nodes: tuple[Any, list[Any]], tmp_path: Path) -> None:
    """Four trainings on two nodes; one is killed in the middle of its second training, or of its first."""
    cluster, (victim, _) = nodes
    shelf, events, killed = toy_shelf(tmp_path), [], []

    def report(event: Event) -> None:
        events.append(event)
        if not killed and event.state == "training" and event.facts["step"] > 10:
            killed.append(
                threading.Thread(target=cluster.remove_node, args=(victim,), kwargs={"allow_graceful": False})
            )
            killed[0].start()

    crew.train_all(baselines, jobs(shelf, seeds=2), shelf, CPU, report, cluster=cluster.address)
    killed[0].join()
    ends = [(event.entry, event.state) for event in events if event.state in crew.OVER]
    assert sorted(ends) == sorted((job.label, "trained") for job in jobs(shelf, seeds=2))  # each once
    assert [event.state for event in events].count("again") == 1
    assert not list(shelf.home.glob(".seen-by-all-*"))
    alone = beside(shelf, tmp_path / "alone")
    monitor = subprocess.run(
        [sys.executable, "-c", f"import test_cluster as t; t.alone({str(alone.home)!r})"],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=Path(__file__).parent, check=False,
    )  # fmt: skip
    assert monitor.returncode == 0
    assert weights(alone) == weights(shelf)


def alone(place: str) -> None:
    """The same grid in one process, without Ray."""
    shelf = Shelf(Path(place), "toy", SIZE)
    crew.train_all(baselines, jobs(shelf, seeds=2), shelf, CPU, lambda event: None, workers=1)


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_command_that_is_killed_goes_on_when_given_again(nodes: tuple[Any, list[Any]], tmp_path: Path) -> None:
    cluster, _ = nodes
    shelf = toy_shelf(tmp_path)
    code = f"import test_cluster as t; t.drive({cluster.address!r}, {str(shelf.home)!r})"
    words: dict[str, Any] = {"cwd": Path(__file__).parent, "stdout": subprocess.PIPE, "text": True}
    first = subprocess.Popen([sys.executable, "-c", code], **words)
    assert first.stdout is not None
    for line in first.stdout:
        if line.split()[-1] == "trained":
            break
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stdout.close()
    done = {job.label: (job.folder(shelf.home) / FACTS) for job in jobs(shelf, seeds=2)}
    before = {label: path.stat().st_mtime_ns for label, path in done.items() if path.exists()}
    assert 0 < len(before) < 4
    again = subprocess.run([sys.executable, "-c", code], check=True, **words)
    ends = dict(line.rsplit(" ", 1) for line in again.stdout.splitlines() if line.split()[-1] in crew.OVER)
    ends = {label: state for label, state in ends.items() if state != "busy"}
    assert ends.keys() == done.keys()
    for label, when in before.items():
        assert ends[label] == "skipped"
        assert done[label].stat().st_mtime_ns == when


def timeless(path: Path) -> dict[str, Any]:
    """A record but for when it was made and how fast."""
    record = json.loads(path.read_text())
    del record["created"], record["cost"]["images_per_second"]
    return record


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_evaluations_on_nodes_give_the_records_of_one_process(
    nodes: tuple[Any, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command: here, on nodes that see the home, and on nodes that see a store alone."""
    short = Budget("smoke", images=64, width=0.125, batch_size=8)
    monkeypatch.setitem(BUDGETS, "smoke", short)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    shelf, store = toy_shelf(tmp_path), tmp_path / "store"
    crew.train_all(baselines, jobs(shelf, short)[:1], shelf, CPU, lambda event: None, 1, store=f"file://{store}")

    def evaluate(home: Path, records: str, *more: str) -> dict[str, dict[str, Any]]:
        words = ["evaluate", "--domain", "cartoon", "--model", "all", "--track", "gray", "--collection", "toy"]
        words += ["--size", str(SIZE), "--device", "cpu", "--repaint", "--home", str(home)]
        result = CliRunner().invoke(app, [*words, "--records", str(tmp_path / records), *more])
        assert result.exit_code == 0, result.output
        return {path.name: timeless(path) for path in (tmp_path / records).iterdir()}

    here = evaluate(shelf.home, "here")
    torch.set_num_threads(threads)
    assert any("fu2017-convnet@cartoon" in name for name in here)
    scores = {path.name: path.read_bytes() for path in (shelf.home / "scores").iterdir()}
    assert evaluate(shelf.home, "there", "--cluster", nodes[0].address) == here
    other = beside(shelf, tmp_path / "other")
    found = evaluate(other.home, "through", "--cluster", nodes[0].address, "--store", f"file://{store}")
    assert found == here
    assert {path.name: path.read_bytes() for path in (other.home / "scores").iterdir()} == scores
    for name in here:
        assert (store / "records" / name).read_bytes() == (tmp_path / "through" / name).read_bytes()


@needs_ray
@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    shelf = toy_shelf(tmp_path)
    with pytest.raises(BenchError, match=r"no Ray cluster answers at 127.0.0.1:9 .*ray start --head"):
        crew.train_all(baselines, jobs(shelf), shelf, CPU, lambda event: None, cluster="127.0.0.1:9")
