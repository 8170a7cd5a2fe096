"""A full disk, a home that cannot be written, a clock that jumps, company: one line or a wait, and nothing lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from staging import ACTIONS, End, Server, differences, rehearse, snapshot

pytestmark = pytest.mark.slow
NAMES = list(ACTIONS)
SAID = {
    "drawing": [],
    "training": [
        rf"\[1/1\] {entry}: (already )?trained, 32 images, bf16-mixed, .* validation ΔE00 \d+\.\d\d"
        for entry in (r"fu2017-convnet@cartoon\+anime", r"fu2017-cgan@cartoon\+anime")
    ],
    "evaluation": [
        rf"\[{number}/2\] {entry}: toy/{domain}/test:[0-9a-f]{{8}}  ΔE00 \d+\.\d\d  \(\d+\.\d s\)"
        for entry in ("gray-copy", r"fu2017-cgan@cartoon\+anime")
        for number, domain in enumerate(("cartoon", "anime"), 1)
    ],
}
"""What two commands on the same work say, each of them: nobody is refused, one waits for the other's file."""


class Stage:
    """A server, and every action's folder before and after it."""

    def __init__(self, root: Path):
        self.server, self.root = Server(), root
        self.rehearsed = rehearse(self.server, root)

    def before(self, action: str, place: Path) -> Path:
        shutil.rmtree(place, ignore_errors=True)
        return Path(shutil.copytree(self.rehearsed[action][0], place))

    def same(self, action: str, place: Path) -> list[str]:
        return differences(snapshot(place), snapshot(self.root / f"after{NAMES.index(action)}"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


def one_line(end: End) -> str:
    """What a process that failed said: no traceback, exit 2."""
    assert end.code == 2, end.said
    assert "Traceback" not in end.said
    return end.said.strip().splitlines()[-1]


def test_the_whole_grid_twice_is_the_same(stage: Stage, tmp_path: Path) -> None:
    rehearse(stage.server, tmp_path / "again")
    found = differences(snapshot(tmp_path / "again" / "end"), snapshot(stage.root / "end"))
    assert not [name for name in found if name not in ("leaderboards/toy-32px.md", "reports/toy-32px.html")]  # speeds


def test_the_demo_twice_is_the_same(tmp_path: Path) -> None:
    """Few pictures and short trainings, but every mix, every split and all pages; in two folders with two homes."""
    server, ends = Server(), []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        end = server.act(tmp_path / name, "demo", fault="one_core")
        assert end.code == 0, end.said
        ends.append(snapshot(tmp_path / name))
    assert sum("/leaderboards/records/" in name for name in ends[0]) >= 80
    found = [name for name in differences(*ends) if "/records/" in name or not name.startswith("home/demo/")]
    assert not found  # the pages show speeds


@pytest.mark.parametrize("action", [name for name in NAMES if name != "drawing"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.9])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    stage: Stage, tmp_path: Path, action: str, share: float
) -> None:
    place = stage.before(action, tmp_path / "work")
    full = int(share * stage.rehearsed[action][1].writes)
    assert "No space left" in one_line(stage.server.act(place, action, fault=f"full_at {full}"))
    assert stage.server.act(place, action).code == 0
    assert not stage.same(action, place)


@pytest.mark.parametrize(("action", "length"), [("data add", 600), ("training", 4000), ("evaluation", 3000)])
def test_a_write_that_fails_in_the_middle_of_a_file(stage: Stage, tmp_path: Path, action: str, length: int) -> None:
    place = stage.before(action, tmp_path / "work")
    one_line(stage.server.act(place, action, fault=f"short_files {length}"))
    assert stage.server.act(place, action).code == 0
    assert not stage.same(action, place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
def test_a_small_disk_that_is_truly_full(stage: Stage, tmp_path: Path) -> None:
    place = stage.before("training", tmp_path / "work")
    disk = place / "home" / "checkpoints"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        assert "No space left" in one_line(stage.server.act(place, "training"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert stage.server.act(place, "training").code == 0
        assert not stage.same("training", place)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("action", [name for name in NAMES if name != "drawing"])
def test_a_home_that_cannot_be_written_is_one_line(stage: Stage, tmp_path: Path, action: str) -> None:
    place = stage.before(action, tmp_path / "work")
    found = snapshot(place)
    assert "Read-only file system" in one_line(stage.server.act(place, action, fault="read_only"))
    assert not differences(snapshot(place), found)


@pytest.mark.parametrize("action", ["training", "evaluation"])
def test_a_clock_that_jumps_changes_nothing(stage: Stage, tmp_path: Path, action: str) -> None:
    place = stage.before(action, tmp_path / "work")
    assert stage.server.act(place, action, fault="jumping_clock").code == 0
    assert not stage.same(action, place)
    for path in (place / "home" / "checkpoints").rglob("training.json"):
        facts = json.loads(path.read_text())
        assert 0 < facts["seconds"] < 600
        assert facts["images_per_second"] > 0
    for path in (place / "leaderboards").rglob("records/*.json"):
        speed = json.loads(path.read_text())["cost"].get("images_per_second")
        assert speed is None or speed > 0


@pytest.mark.parametrize("action", ["drawing", "training", "evaluation"])
def test_two_processes_on_the_same_work(stage: Stage, tmp_path: Path, action: str) -> None:
    place = stage.before(action, tmp_path / "work")
    ends: list[End] = []
    both = [threading.Thread(target=lambda: ends.append(stage.server.act(place, action))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [end.code for end in ends] == [0, 0], [end.said for end in ends]
    for end in ends:
        lines = end.said.splitlines()
        assert len(lines) == len(SAID[action]), end.said
        for line, expected in zip(lines, SAID[action], strict=True):
            assert re.fullmatch(expected, line), line
    assert not stage.same(action, place)
