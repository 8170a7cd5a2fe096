"""Collections by name: prepared once, listed with what they hold, refused with what there is."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.data import collections
from bench.data.collections import known, open_collection, prepare_procedural, prepare_procedural_clips
from bench.data.folder import add
from bench.data.manifest import read, verify
from bench.errors import BenchError
from bench.types import DOMAINS, SPLITS


@dataclass
class Shot:
    id: str
    series: str
    split: str
    clip: str = ""
    frame: int = 0


@dataclass
class Picture:
    image: np.ndarray
    page: np.ndarray | None


class Drawer(ModuleType):
    """Draws noise by the rules of the real drawing package, so that these tests need no time for beauty."""

    mismatches: tuple[str, ...] = ()
    fail_at: str | None = None
    plans = 0

    def plan(self, seed: int = 0, series: int = 40, pictures: int = 48) -> tuple[Shot, ...]:
        self.plans += 1
        splits = ("train", "series", "val", "test")
        return tuple(Shot(f"s{s:02}-{p:03}", f"s{s:02}", splits[s % 4]) for s in range(series) for p in range(pictures))

    def plan_clips(self, seed: int = 0, series: int = 40, clips: int = 4) -> tuple[Shot, ...]:
        self.plans += 1
        splits = ("train", "series", "val", "test")
        return tuple(
            Shot(f"s{s:02}-c{c:02}-{f:02}", f"s{s:02}", splits[s % 4], f"s{s:02}-c{c:02}", f)
            for s in range(series)
            for c in range(clips)
            for f in range(3)
        )

    def draw_many(self, shots: Sequence[Shot], domain: str, size: int, workers: int | None = None) -> Iterator[Picture]:
        for place, shot in enumerate(shots):
            if f"{domain}/{shot.id}" == self.fail_at:
                raise RuntimeError("the pencil broke")
            rng = np.random.default_rng(place)
            image = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
            yield Picture(image, image[..., 0].copy() if domain == "manga" else None)

    def check_probe(self) -> list[str]:
        return list(self.mismatches)


@pytest.fixture
def drawer(monkeypatch) -> Drawer:
    stub = Drawer("bench.data.procedural")
    monkeypatch.setitem(sys.modules, "bench.data.procedural", stub)
    monkeypatch.setattr(data, "procedural", stub, raising=False)
    monkeypatch.setattr(collections, "SERIES", 4)
    monkeypatch.setattr(collections, "PICTURES", 3)
    monkeypatch.setattr(collections, "CLIPS", 2)
    return stub


def test_procedural_is_drawn_once(tmp_path, drawer):
    said = []
    made = open_collection(tmp_path, "procedural-v1", 32, lambda *now: said.append(now))
    assert made.domains == DOMAINS
    assert made.counts()["anime"] == {"train": 3, "val": 3, "test": 3, "series": 3}
    assert all(item.page == (item.domain == "manga") for item in made.items)
    assert verify(made) == []
    assert said == [(n + 1, 48) for n in range(48)]
    assert open_collection(tmp_path, "procedural-v1", 32) == made
    assert drawer.plans == 1
    assert open_collection(tmp_path, "procedural-v1") == made, "no size means the one that is there"
    open_collection(tmp_path, "procedural-v1", 40)
    with pytest.raises(BenchError, match="at 32 and 40 px; say which with --size"):
        open_collection(tmp_path, "procedural-v1")


def test_a_built_in_collection_that_is_not_there_is_made_at_128(tmp_path, drawer):
    assert open_collection(tmp_path, "procedural-v1").size == 128


def test_a_machine_that_draws_differently_is_noted(tmp_path, drawer):
    drawer.mismatches = ("anime s00-001 differs",)
    made = open_collection(tmp_path, "procedural-v1", 32)
    assert made.notes == drawer.mismatches
    assert read(made.root).notes == drawer.mismatches


def test_another_version_or_a_broken_manifest_is_made_again(tmp_path, drawer, monkeypatch):
    made = open_collection(tmp_path, "procedural-v1", 32)
    (made.root / "manifest.json").write_text("{")
    assert open_collection(tmp_path, "procedural-v1", 32) == made
    monkeypatch.setattr(collections, "PROCEDURAL_VERSION", "2")
    assert open_collection(tmp_path, "procedural-v1", 32).version.startswith("2")
    assert [path.name for path in made.root.parent.iterdir()] == ["32px"]


def test_a_smaller_one_does_not_pass_for_the_published(tmp_path, drawer):
    small = prepare_procedural(tmp_path, 32, series=4, pictures=1)
    assert len(small.items) == 16
    assert len(open_collection(tmp_path, "procedural-v1", 32).items) == 48


def test_an_error_in_the_middle_leaves_nothing(tmp_path, drawer):
    drawer.fail_at = "live-action/s02-001"
    with pytest.raises(RuntimeError):
        open_collection(tmp_path, "procedural-v1", 32)
    assert not list((tmp_path / "data").rglob("*32px*")), "neither a collection nor a part of one"


def test_clips_are_drawn_once_beside_the_stills(tmp_path, drawer):
    stills = open_collection(tmp_path, "procedural-v1", 32)
    said = []
    made = open_collection(tmp_path, "procedural-v1", None, lambda *now: said.append(now), clips=True)
    assert (made.size, made.clips, made.root.name) == (32, True, "32px-clips")
    assert made.counts()["anime"] == dict.fromkeys(SPLITS, 6)
    assert said[-1] == (96, 96)
    assert [(item.clip, item.frame) for item in made.items[:4]] == [
        ("s00-c00", 0),
        ("s00-c00", 1),
        ("s00-c00", 2),
        ("s00-c01", 0),
    ]
    assert verify(made) == []
    assert read(made.root) == made
    assert open_collection(tmp_path, "procedural-v1", clips=True) == made
    assert open_collection(tmp_path, "procedural-v1") == stills
    assert drawer.plans == 2


def test_clips_need_no_stills_and_stills_no_clips(tmp_path, drawer):
    assert open_collection(tmp_path, "procedural-v1", clips=True).size == 128
    small = prepare_procedural_clips(tmp_path, 32, series=4, clips=1)
    assert len(small.items) == 48
    with pytest.raises(BenchError, match="at 32 and 128 px; say which with --size"):
        open_collection(tmp_path, "procedural-v1", clips=True)
    assert len(open_collection(tmp_path, "procedural-v1", 32, clips=True).items) == 96
    assert collections.sizes(tmp_path, "procedural-v1") == []
    assert not open_collection(tmp_path, "procedural-v1", 32).clips


@pytest.mark.parametrize("size", [None, 32, 64])
def test_a_collection_without_clips_says_which_has_some(tmp_path, size):
    add(tmp_path, "mine", coloured(tmp_path / "in"), "anime", 32)
    for name in ("procedural-v1-slices", "mine"):
        with pytest.raises(BenchError, match=f"{name} has no clips; temporal tracks need them: use procedural-v1"):
            open_collection(tmp_path, name, size, clips=True)
    with pytest.raises(BenchError, match="unknown collection 'gone'"):
        open_collection(tmp_path, "gone", size, clips=True)


@pytest.mark.parametrize("size", [0, -1, 31, 5000])
def test_sizes_have_limits(tmp_path, drawer, size):
    with pytest.raises(BenchError, match="from 32 to 1024"):
        open_collection(tmp_path, "procedural-v1", size)


def coloured(folder, count: int = 4):
    for number in range(count):
        folder.mkdir(exist_ok=True)
        blocks = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((48, 48), 0).save(folder / f"{number}.png")
    return folder


def test_a_users_collection_opens_at_its_size(tmp_path):
    built_in = "procedural-v1, procedural-v1-slices, open-v1"
    with pytest.raises(BenchError, match=rf"unknown collection 'mine'.*Available: {built_in}"):
        open_collection(tmp_path, "mine")
    with pytest.raises(BenchError, match="lower-case"):
        open_collection(tmp_path, "../mine")
    made = add(tmp_path, "mine", coloured(tmp_path / "in"), "anime", 32)
    assert open_collection(tmp_path, "mine") == made
    assert open_collection(tmp_path, "mine", 32) == made
    with pytest.raises(BenchError, match="at 32 px, not 64"):
        open_collection(tmp_path, "mine", 64)
    add(tmp_path, "mine", tmp_path / "in", "anime", 40)
    with pytest.raises(BenchError, match="at 32 and 40 px; say which with --size"):
        open_collection(tmp_path, "mine")


def test_the_list_shows_what_there_is(tmp_path, drawer):
    assert [(r["collection"], r["kind"], r["state"]) for r in known(tmp_path)] == [
        ("procedural-v1", "stills", "not prepared yet"),
        ("procedural-v1", "clips", "not prepared yet"),
        ("procedural-v1-slices", "stills", "not prepared yet"),
        ("open-v1", "stills", "not prepared yet"),
        ("open-v1", "clips", "not prepared yet"),
    ]
    open_collection(tmp_path, "procedural-v1", 32)
    clips = open_collection(tmp_path, "procedural-v1", 40, clips=True)
    made = add(tmp_path, "mine", coloured(tmp_path / "in"), "anime", 32)
    broken = add(tmp_path, "other", tmp_path / "in", "anime", 32)
    (broken.root / "manifest.json").write_text("no")
    (tmp_path / "data" / "stray").mkdir()
    rows = known(tmp_path)
    assert [r["domain"] for r in rows] == [*DOMAINS, *DOMAINS, None, None, None, "anime", None]
    assert all(list(row) == list(rows[0]) for row in rows)
    drawn = {"collection": "procedural-v1", "size": 40, "kind": "clips", "domain": "manga", "state": "ready"}
    assert rows[7] == clips.counts()["manga"] | drawn
    mine = {"collection": "mine", "size": 32, "kind": "stills", "domain": "anime", "state": "ready"}
    assert rows[11] == {"train": 0, "val": 0, "test": 0, "series": 0} | made.counts()["anime"] | mine
    assert "not JSON" in rows[12]["state"]
