"""A few hundred bad inputs of every kind, the same each time; `python tests/fuzz` tries more."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import BenchError

from . import commands, guard, targets
from .guard import Harm, judge, watched

QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
SLOW = {"pt2", "onnx", "video", "folder", "recipe", "options"}


def tried(name: str, seed: int, count: int, home: Path) -> int:
    """Run so many inputs; how many were refused."""
    target, refused = targets.TARGETS[name], 0
    for data in targets.sound(name):  # imports late modules, and may be refused: some seeds are hostile themselves
        with suppress(BenchError):
            target.run(data, home)
        targets.clear(home)
    with watched(home) as watcher:
        for number in range(count):
            data = targets.case(name, seed, number)
            try:
                refused += not judge(watcher, lambda data=data: target.run(data, home))
            except Harm as harm:
                pytest.fail(f"input {number} of seed {seed} of {name}: {harm}")
            targets.clear(home)
    return refused


@pytest.mark.parametrize("name", targets.TARGETS)
def test_bad_input_gives_a_result_or_one_line(name: str, tmp_path: Path) -> None:
    few = targets.TARGETS[name].few
    refused = tried(name, 0, few, tmp_path)
    assert refused > few // 4 or name in ("kept predictions", "folder"), "the input is hardly bad"


@pytest.mark.slow
@pytest.mark.parametrize("name", targets.TARGETS)
def test_more_bad_input(name: str, tmp_path: Path) -> None:
    tried(name, int(time.time()), 20 if name in SLOW else 1000, tmp_path)


@pytest.mark.slow
def test_the_driver_counts_what_it_tried() -> None:
    command = [sys.executable, str(Path(__file__).parent), "--target", "words", "--runs", "50"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(ended.stdout)
    assert (found["tried"], found["findings"]) == (50, 0)
    assert found["refused"] + found["accepted"] == 50


def test_an_input_is_known_by_its_number() -> None:
    assert targets.case("manifest", 3, 7) == targets.case("manifest", 3, 7)
    assert len({targets.case("manifest", 3, number) for number in range(50)}) > 40


def writes_outside(outside: Path) -> None:
    (outside / "evil").write_text("x")


def renames_out(outside: Path) -> None:
    (outside / "home" / "x").write_text("x")
    (outside / "home" / "x").rename(outside / "evil")


def renames_in(outside: Path) -> None:
    (outside / "canary").rename(outside / "home" / "x")


def renames_by_a_handle(outside: Path) -> None:
    (outside / "home" / "x").write_text("x")
    folder = os.open(outside, os.O_RDONLY)
    try:
        os.rename(outside / "home" / "x", "evil", dst_dir_fd=folder)
    finally:
        os.close(folder)


def links_out(outside: Path) -> None:
    (outside / "home" / "x").write_text("x")
    (outside / "evil").hardlink_to(outside / "home" / "x")


def links_in(outside: Path) -> None:
    (outside / "home" / "x").hardlink_to(outside / "canary")


def puts_a_symlink_outside(outside: Path) -> None:
    (outside / "evil").symlink_to(outside / "home")


def writes_through_a_symlink(outside: Path) -> None:
    (outside / "home" / "x").symlink_to(outside / "canary")
    (outside / "home" / "x").write_text("dead")


def climbs_behind_a_symlink(outside: Path) -> None:
    (outside / "home" / "x").symlink_to(outside / "folder")
    (outside / "home" / "x" / ".." / "evil").write_text("x")


def cuts_short(outside: Path) -> None:
    os.truncate(outside / "canary", 0)


def deletes(outside: Path) -> None:
    (outside / "canary").unlink()


def calls_out(_: Path) -> None:
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", 9))


def starts_a_program(_: Path) -> None:
    subprocess.run(["true"], check=False)


def unpickles(_: Path) -> None:
    import pickle

    pickle.loads(pickle.dumps(Path("x")))


def raises(_: Path) -> None:
    raise ValueError("not one line for a user")


def says_two_lines(_: Path) -> None:
    error = BenchError("x")
    error.args = ("a\nb",)
    raise error


def says_too_much(_: Path) -> None:
    error = BenchError("x")
    error.args = ("x" * 30_000,)  # past what would cut it
    raise error


def swallows_memory(_: Path) -> None:
    np.ones(2**10)  # in the test the meter is made to show more


def takes_long(_: Path) -> None:
    time.sleep(5)


@pytest.mark.parametrize(
    "harm",
    [
        writes_outside,
        renames_out,
        renames_in,
        renames_by_a_handle,
        links_out,
        links_in,
        puts_a_symlink_outside,
        writes_through_a_symlink,
        climbs_behind_a_symlink,
        cuts_short,
        deletes,
        calls_out,
        starts_a_program,
        unpickles,
        raises,
        says_two_lines,
        says_too_much,
        swallows_memory,
        takes_long,
    ],
)
def test_harm_is_noticed(harm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "canary").write_text("alive")
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(guard, "SECONDS", 0.2 if harm is takes_long else 20)
    if harm is swallows_memory:
        monkeypatch.setattr(guard, "peak", iter([0.0, 700.0]).__next__)
    with watched(home) as watcher, pytest.raises(Harm):
        judge(watcher, lambda: harm(tmp_path))


def test_what_does_no_harm_passes(tmp_path: Path) -> None:
    with watched(tmp_path) as watcher:
        assert judge(watcher, lambda: (tmp_path / "x").write_text("fine"))
        assert judge(watcher, lambda: (tmp_path / "x").rename(tmp_path / "y"))
        assert judge(watcher, lambda: (tmp_path / "z").symlink_to("/etc"))  # until something is written through it
        assert judge(watcher, lambda: (tmp_path / "z").unlink())
        assert not judge(watcher, lambda: (_ for _ in ()).throw(BenchError("one line")))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(targets.mutate.NAMES)
FACTS = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@st.composite
def near(draw: st.DrawFn, name: str) -> Any:
    """Sound facts of a target with anything in one place."""
    value = json.loads(draw(st.sampled_from(targets.sound(name))))
    where, keys = value, list(value)
    while True:
        key = draw(st.sampled_from(keys))
        inner = where[key]
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner))) if isinstance(inner, list) else []
        if not keys or draw(st.booleans()):
            where[key] = draw(FACTS)
            return value
        where = inner


@pytest.mark.parametrize("name", ["manifest", "convention", "state", "record"])
def test_any_facts_in_any_place(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    if not targets.sound(name):
        pytest.skip("no such file lies here")

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=QUIET)
    @given(near(name) | FACTS)
    def check(value: Any) -> None:
        data = json.dumps(value).encode()
        with watched(home) as watcher:
            judge(watcher, lambda: targets.TARGETS[name].run(data, home))
        targets.clear(home)

    check()


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.text())
def test_any_word(text: str) -> None:
    with suppress(BenchError):
        commands.words(text.encode("utf-8", "surrogatepass"), Path())
