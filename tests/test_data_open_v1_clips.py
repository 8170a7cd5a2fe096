"""The films of the pinned collection become clips: of one shot each, moving, and on the right side of every split."""

import hashlib
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import films
import numpy as np
import pytest
from PIL import Image

from bench.data import open_v1
from bench.data.certify import certify
from bench.data.certify.facts import UNKNOWN
from bench.data.collections import known, open_collection
from bench.data.loading import load
from bench.data.manifest import read, verify
from bench.data.open_v1 import Row, clips, fetch, listed, prepare_clips
from bench.data.open_v1.clips import FRAMES, MARGIN, PER_SECOND, SHOTS, SIDES, Clip, PassedOver
from bench.data.open_v1.making import CUTS, FRAMED
from bench.data.procedural.plan import FRAMES as DRAWN
from bench.data.procedural.plan import FRAMES_PER_SECOND
from bench.data.resampling import square
from bench.data.video.decoding import opened
from bench.data.video.shots import Cuts
from bench.errors import BenchError
from bench.types import Track

SIZE = 32
SHARED = os.environ.get("CHROMABENCH_SHARED")
real = pytest.mark.skipif(SHARED is None, reason="CHROMABENCH_SHARED names no folder of real films")


def row(mirror: Path, file: str, group: str, domain: str = "cartoon", kind: str = "video") -> Row:
    """A row of the list for a file that lies in the mirror."""
    data = (mirror / file).read_bytes()
    sha, size = hashlib.sha256(data).hexdigest(), str(len(data))
    return Row(domain, kind, group, "", "o/r", "c", file, file, size, sha, "CC0")


@pytest.fixture
def mirror(tmp_path) -> Path:
    """A train film of two shots, one that the rules call a test, a live one, and an illustration."""
    root = tmp_path / "mirror"
    films.film(root / "train.mp4", films.shot(1, 50) + films.shot(2, 50))
    films.film(root / "test.mp4", films.shot(3, 50))
    films.film(root / "live.mp4", films.shot(4, 25))
    Image.fromarray(films.scene(5)).save(root / "still.png")
    return root


def rows_of(mirror: Path) -> list[Row]:
    return [
        row(mirror, "train.mp4", "popeye"),
        row(mirror, "test.mp4", next(iter(SIDES))),
        row(mirror, "live.mp4", "camera", "live-action"),
        row(mirror, "still.png", "story", kind="illustration"),
    ]


@pytest.fixture
def home(tmp_path, mirror, monkeypatch) -> Path:
    monkeypatch.setitem(SHOTS, "train.mp4", (50,))
    monkeypatch.setitem(CUTS, "train.mp4", (2.09,))  # 50 / 24, rounded up
    fetch(tmp_path / "home", mirror, rows=rows_of(mirror))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("rate", "expected"), [(8, 1), (10, 1), (12.5, 1), (17, 1), (19, 2), (24, 2), (25, 2), (29.83, 2), (50, 4)]
)
def test_clips_run_at_about_twelve_frames_a_second(rate, expected):
    assert clips.stride(1000, 999 / rate) == expected


def test_frames_and_rate_are_those_of_the_drawn_clips():
    assert (FRAMES, PER_SECOND) == (DRAWN, FRAMES_PER_SECOND)


def test_of_each_shot_a_clip_begins_every_second():
    assert clips.beginnings(100, 2, (40,)) == [2, 42, 66]
    assert clips.beginnings(100, 1, ()) == [2, 14, 26, 38, 50, 62, 74, 86]
    # Frames 2 to 16 of 19: with the margins nothing is left over.
    assert clips.beginnings(19, 2, ()) == [2]
    assert clips.beginnings(18, 2, ()) == []


def test_no_clip_touches_a_cut():
    rng = np.random.default_rng(0)
    for _ in range(50):
        cuts = sorted(set(rng.integers(1, 400, 9).tolist()))
        for step in (1, 2, 3):
            for start in clips.beginnings(400, step, cuts):
                taken = range(start - MARGIN, start + (FRAMES - 1) * step + MARGIN + 1)
                assert taken[0] >= 0
                assert taken[-1] < 400
                assert not any(taken[0] < cut <= taken[-1] for cut in cuts)


def test_a_clip_holds_every_second_frame_of_its_shot(tmp_path):
    shown = films.shot(1, 60)
    path = films.film(tmp_path / "film.mp4", shown)
    made = list(clips.clips(path, SIZE))
    assert [clip.start for clip in made] == [2, 26]
    frames = np.stack([square(frame, SIZE) for frame in shown]).astype(int)
    for clip in made:
        assert isinstance(clip, Clip)
        assert clip.seconds == pytest.approx(clip.start / 24)
        nearest = [int(np.abs(frames - picture).mean(axis=(1, 2, 3)).argmin()) for picture in clip.pictures]
        assert nearest == list(range(clip.start, clip.start + 2 * FRAMES, 2))


def fading(level: float, count: int) -> list[np.ndarray]:
    levels = np.linspace(level, 0, count)
    return [(frame * now).astype(np.uint8) for frame, now in zip(films.shot(3, count), levels, strict=True)]


def test_what_shows_nothing_new_is_passed_over(tmp_path):
    still, black = [films.scene(2)] * 30, [np.zeros((48, 64, 3), np.uint8)] * 30
    path = films.film(tmp_path / "film.mp4", films.shot(1, 30) + still + black + fading(1, 30) + films.shot(1, 30))
    made = list(clips.clips(path, SIZE, (30, 60, 90, 120)))
    assert [one.start for one in made] == [2, 32, 62, 92, 122]
    assert isinstance(made[0], Clip)
    assert isinstance(made[3], Clip)  # it ends before it is dark
    reasons = {one.start: one.reason.split(": ")[1] for one in made if isinstance(one, PassedOver)}
    assert reasons == {32: "nothing moves", 62: "near-black", 122: "it looks like one before"}
    dark = films.film(tmp_path / "dark.mp4", fading(0.5, 19))  # only the last frame of its clip is
    assert [getattr(one, "reason", "")[-10:] for one in clips.clips(dark, SIZE)] == ["near-black"]


def test_a_film_is_judged_alike_at_every_size(tmp_path):
    path = films.film(tmp_path / "film.mp4", films.shot(1, 60) + [films.scene(2)] * 60 + films.shot(1, 60))
    small, large = ([(type(one), one.start) for one in clips.clips(path, size, (60, 120))] for size in (16, 48))
    assert small == large
    assert {kind for kind, _ in small} == {Clip, PassedOver}


def test_the_frame_around_a_film_is_cut_off(tmp_path):
    framed = []
    for inner in films.shot(1, 20, 96, 72):
        whole = np.zeros((96, 128, 3), np.uint8)
        whole[..., 0] = 255
        whole[12:84, 16:112] = np.maximum(inner // 4, 20)
        framed.append(whole)
    path = films.film(tmp_path / "film.mp4", framed)
    (bare,), (cropped,) = clips.clips(path, SIZE), clips.clips(path, SIZE, crop=0.15)
    assert isinstance(bare, Clip)
    assert isinstance(cropped, Clip)
    assert max(int(picture[..., 0].max()) for picture in bare.pictures) > 200
    assert max(int(picture[..., 0].max()) for picture in cropped.pictures) < 120


def test_films_become_clips_in_their_splits(home, mirror):
    done = []
    made = prepare_clips(home, SIZE, lambda *now: done.append(now), rows_of(mirror))
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert made.root == home / "data" / "open-v1" / f"{SIZE}px-clips"
    assert read(made.root) == made
    assert verify(made) == []
    assert made.counts() == {"cartoon": {"train": 16, "test": 16, "series": 16}, "live-action": {"train": 8}}
    by_clip = defaultdict(list)
    for item in made.items:
        by_clip[item.clip].append(item)
    assert {(clip, items[0].split, items[0].source) for clip, items in by_clip.items()} == {
        ("train-f00000002", "train", "train.mp4 at 0000 s"),
        ("train-f00000026", "train", "train.mp4 at 0001 s"),
        ("train-f00000052", "series", "train.mp4 at 0002 s"),
        ("train-f00000076", "series", "train.mp4 at 0003 s"),
        ("test-f00000002", "test", "test.mp4 at 0000 s"),
        ("test-f00000026", "test", "test.mp4 at 0001 s"),
        ("live-f00000002", "train", "live.mp4 at 0000 s"),
    }
    assert all([item.frame for item in items] == list(range(FRAMES)) for items in by_clip.values())
    assert [note.split(":")[0] for note in made.notes] == ["cartoon", "live-action"]
    assert "val" in made.notes[0]
    assert load(made.split("cartoon", "series"), Track.parse("gray+previous")).targets.shape == (16, SIZE, SIZE, 3)


def test_the_collection_opens_its_clips(home, mirror, monkeypatch):
    monkeypatch.setattr(clips, "listed", lambda: tuple(rows_of(mirror)))
    rows = [one for one in known(home) if (one["collection"], one["kind"]) == ("open-v1", "clips")]
    assert [one["state"] for one in rows] == ["not prepared yet"]
    made = open_collection(home, "open-v1", SIZE, clips=True)
    assert made.clips
    assert (made.collection, made.size) == ("open-v1", SIZE)
    monkeypatch.setattr(open_v1, "prepare_clips", lambda *args: pytest.fail("made again"))
    assert open_collection(home, "open-v1", clips=True) == made
    replace(made, version="0").write()
    with pytest.raises(pytest.fail.Exception, match="made again"):
        open_collection(home, "open-v1", SIZE, clips=True)


def test_the_clips_need_their_films(tmp_path):
    with pytest.raises(BenchError, match=r"its 8 films; 8 are missing or changed.*bench data fetch open-v1"):
        open_collection(tmp_path, "open-v1", SIZE, clips=True)


def test_a_film_that_is_too_small_says_so(home, mirror):
    films.film(mirror / "large.mp4", films.shot(9, 25, 128, 96))
    rows = [*rows_of(mirror), row(mirror, "large.mp4", "large")]
    fetch(home, mirror, rows=rows)
    made = prepare_clips(home, 64, rows=rows)
    assert {item.group for item in made.items} == {"large"}
    assert {left.reason for left in made.left_out} == {"64x48"}
    with pytest.raises(BenchError, match=r"no clip of 128 pixels or more; choose a smaller --size"):
        prepare_clips(home, 128, rows=rows)


def test_an_error_in_the_middle_leaves_nothing(home, mirror):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_clips(home, SIZE, stop, rows_of(mirror))
    assert [path.name for path in (home / "data" / "open-v1").iterdir()] == ["raw"]


def test_a_clip_that_would_leak_goes_whole(tmp_path):
    """The test film shows a shot of the train film."""
    mirror, home = tmp_path / "mirror", tmp_path / "home"
    shown = films.shot(1, 40, 192, 144)
    films.film(mirror / "train.mp4", shown)
    films.film(mirror / "test.mp4", films.shot(3, 40, 192, 144)[:26] + shown)
    rows = [row(mirror, "train.mp4", "popeye"), row(mirror, "test.mp4", next(iter(SIDES)))]
    fetch(home, mirror, rows=rows)
    made = prepare_clips(home, 64, rows=rows)
    assert {item.clip for item in made.items} == {"train-f00000002", "test-f00000002"}
    assert verify(made) == []
    assert len(list((made.root / "cartoon").iterdir())) == 2 * FRAMES
    reasons = [left.reason for left in made.left_out if left.source.startswith("test.mp4 at 0001")]
    assert any("a copy of cartoon/train-f00000002" in reason for reason in reasons)


def test_the_rules_speak_of_listed_films():
    rows = {r.file: r for r in listed() if r.kind == "video"}
    assert len(rows) == 8
    assert set(SHOTS) | set(CUTS) <= set(rows)
    assert set(SIDES) | set(FRAMED) <= {r.group for r in rows.values()}
    for file, cuts in SHOTS.items():
        assert list(cuts) == sorted(set(cuts))
        # Shots that decide a split are among the shots that bound clips; these films have 24 frames a second.
        assert {round(second * 24) for second in CUTS.get(file, ())} <= set(cuts)


@real
@pytest.mark.slow
def test_the_real_films(tmp_path):
    fetch(tmp_path, Path(SHARED or "") / "open-v1", rows=[r for r in listed() if r.kind == "video"])
    made = open_collection(tmp_path, "open-v1", 64, clips=True)
    assert verify(made) == []
    keys = {made.split(domain, name).key for domain, counts in made.counts().items() for name in counts}
    assert keys == {
        "open-v1/cartoon/train-clips:4deaad4d",
        "open-v1/cartoon/test-clips:2699ee05",
        "open-v1/cartoon/series-clips:e2e6ddcd",
        "open-v1/live-action/train-clips:917104cc",
        "open-v1/live-action/series-clips:e67c1f1a",
    }
    body = certify(made)["body"]
    assert body["verdict"] == {"clean": True, "crossings": 0, "copies": 0, "copies in other domains": 0}
    assert UNKNOWN not in {entry["credit"] for entry in body["licences"]}


@real
@pytest.mark.slow
def test_the_detector_sees_no_cut_that_is_not_listed(tmp_path):
    """Sure ones; of the others it finds, a listed one is at most a frame away, or a wing swept over the picture."""
    wings = {848, 134}
    for r in listed():
        if r.kind == "video":
            seen = Cuts()
            with opened(originals_of(r), None) as film:
                for number, frame in film.frames():
                    seen.feed(number, frame)
            seen.close()
            assert set(seen.sure()) <= set(SHOTS.get(r.file, ()))
            unlisted = {cut for cut in seen.found if not {cut, cut - 1} & set(SHOTS.get(r.file, ()))}
            assert unlisted <= wings


def originals_of(r: Row) -> Path:
    return Path(SHARED or "") / "open-v1" / r.file
