"""A user's films become stills and clips: split by film and shot, resumed where they were cut, refused in one line."""

import errno
import itertools
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import films
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench.cli import app
from bench.data import building, folder, intake, png, video
from bench.data.collections import open_collection
from bench.data.folder import add
from bench.data.loading import load
from bench.data.manifest import Manifest, read, verify
from bench.data.workplace import Workplace, alone
from bench.errors import BenchError
from bench.types import Track

SIZE = 32
SHARED = os.environ.get("CHROMABENCH_SHARED")
real = pytest.mark.skipif(SHARED is None, reason="CHROMABENCH_SHARED names no folder of real films")


@pytest.fixture(scope="module")
def season(tmp_path_factory) -> Path:
    """Five episodes of six shots, twenty frames each."""
    root = tmp_path_factory.mktemp("season")
    for number in range(5):
        films.episode(root / f"ep{number}.mp4", number)
    return root


def clips_of(home: Path, made: Manifest) -> Manifest:
    return open_collection(home, made.collection, made.size, clips=True)


def number(source: str) -> int:
    return int(source.split(" frame ")[1].split()[0])


def number_of_shot(source: str) -> int:
    return number(source) // 20


def test_films_become_stills_and_clips_in_the_same_splits(tmp_path, season):
    made = add(tmp_path, "show", season, "anime", SIZE, every="10")
    clips = clips_of(tmp_path, made)
    assert verify(made) == verify(clips) == []
    assert read(made.root) == made
    counts = made.counts()["anime"]
    assert list(counts) == ["train", "val", "test", "series"]
    assert 55 <= sum(counts.values()) <= 60  # a sample now and then looks like the one before
    assert counts["series"] == 6
    assert clips.counts() == {"anime": {split: 8 * count for split, count in made.counts()["anime"].items()}}
    assert {item.group for item in made.items} == {f"ep{n}.mp4" for n in range(5)}
    assert made.items[0].id == "ep0-f00000000"
    assert made.items[1].source == "ep0.mp4 frame 00000010 at 0.417 s"
    stills = {item.id: item for item in made.items}
    for item in clips.items:
        still = stills[item.clip]
        assert (item.split, item.group) == (still.split, still.group)
        if item.frame == 0:
            assert item.pixels == still.pixels
    assert sorted(path.name for path in made.root.parent.iterdir()) == [f"{SIZE}px", f"{SIZE}px-clips"]
    assert made.inputs == clips.inputs
    assert add(tmp_path, "show", season, "anime", SIZE, every="10") == made


def test_a_shot_never_crosses_splits(tmp_path, season):
    made = add(tmp_path, "show", season, "anime", SIZE, every="5")
    sides = defaultdict(set)
    for item in made.items:
        sides[item.group, number_of_shot(item.source)].add(item.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert sum(splits == {"series"} for splits in sides.values()) >= 3
    # About the middle, not the end: that is credits.
    assert {shot for (_, shot), splits in sides.items() if splits == {"series"}} <= {3, 4}


def test_a_single_file_gives_train_and_series(tmp_path, season):
    made = add(tmp_path, "film", season / "ep0.mp4", "anime", SIZE, every="5")
    assert set(made.counts()["anime"]) == {"train", "series"}
    assert set(clips_of(tmp_path, made).counts()["anime"]) == {"train", "series"}
    assert any("no val and test" in note for note in made.notes)


def test_temporal_tracks_play_a_users_clips(tmp_path, season):
    made = add(tmp_path, "show", season, "anime", SIZE, every="10")
    images = load(clips_of(tmp_path, made).split("anime", "test"), Track.parse("gray+previous"))
    assert images.frames == tuple(range(8)) * (len(images.ids) // 8)
    assert len(images.ids) >= 80


def test_films_and_images_share_a_collection(tmp_path, season):
    root = tmp_path / "in"
    shutil.copytree(season, root)
    for place in range(6):
        Image.fromarray(films.scene(900 + place)).save(root / f"{place}.png")
    made = add(tmp_path / "home", "both", root, "anime", SIZE, every="20")
    assert len(made.items) == 5 * 6 + 6
    clips = clips_of(tmp_path / "home", made)
    assert {item.clip for item in clips.items} == {item.id for item in made.items if ".mp4" in item.source}


def test_another_domain_keeps_the_sides_and_the_clips(tmp_path, season):
    first = add(tmp_path, "show", season, "anime", SIZE, every="10")
    both = add(tmp_path, "show", season, "manga", SIZE, every="10")
    assert verify(both) == verify(clips_of(tmp_path, both)) == []
    splits = {item.source: item.split for item in first.items}
    manga = [item for item in both.items if item.domain == "manga"]
    assert len(manga) == len(splits)
    assert all(item.page and splits[item.source] == item.split for item in manga)
    clips = clips_of(tmp_path, both)
    assert clips.domains == ("anime", "manga")
    assert all(item.page == (item.domain == "manga") for item in clips.items)
    assert set(first.items) < set(both.items)


def test_another_step_in_another_domain_does_not_cross_a_split(tmp_path, season):
    add(tmp_path, "show", season, "anime", SIZE, every="10")
    both = add(tmp_path, "show", season, "live-action", SIZE, every="7")
    by_shot = defaultdict(set)
    for item in both.items:
        by_shot[item.group, number_of_shot(item.source)].add(item.split)
    assert all(len(splits) == 1 for splits in by_shot.values())
    assert any("between train and series" in left.reason for left in both.left_out)


def test_films_of_one_folder_stay_together_where_that_is_asked_for(tmp_path, season):
    root = tmp_path / "in"
    for name in ("a", "b", "c"):
        (root / name).mkdir(parents=True)
    for number, name in enumerate("aabbc"):
        shutil.copy(season / f"ep{number}.mp4", root / name)
    made = add(tmp_path / "home", "shows", root, "anime", SIZE, "folder", every="10")
    assert {item.group for item in made.items} == {"a", "b", "c"}
    assert verify(made) == []
    sides = defaultdict(set)
    for item in made.items:
        sides[item.source.split(" frame ")[0], number_of_shot(item.source)].add(item.split)
    assert all(len(splits) == 1 for splits in sides.values())
    counts = made.counts()["anime"]
    assert counts["series"] == sum(splits == {"series"} for splits in sides.values()) * 2
    both = add(tmp_path / "home", "shows", root, "live-action", SIZE, "folder", every="10")
    splits = {item.source: item.split for item in made.items}
    assert all(splits[item.source] == item.split for item in both.items)


def test_only_a_gif_that_moves_is_a_film(tmp_path):
    root = tmp_path / "in"
    films.film(root / "moving.gif", films.shot(1, 10) + films.shot(2, 10))
    for place in range(3):
        Image.fromarray(films.scene(place)).save(root / f"still {place}.gif")
    made = add(tmp_path / "home", "gifs", root, "cartoon", SIZE, every="10")
    assert [item.id for item in made.items] == [
        "moving-f00000000",
        "moving-f00000010",
        *(f"still_{n}" for n in range(3)),
    ]
    assert {item.group for item in made.items} == {"moving.gif", "all"}


def cut_at(files: int):
    def report(done: int, total: int) -> None:
        if done >= files:
            raise KeyboardInterrupt

    return report


def test_an_interrupted_command_goes_on_without_decoding_again(tmp_path, season, monkeypatch):
    whole = add(tmp_path / "whole", "show", season, "anime", SIZE, every="10")
    home = tmp_path / "home"
    with pytest.raises(KeyboardInterrupt):
        add(home, "show", season, "anime", SIZE, every="10", report=cut_at(3))
    assert not list(home.rglob("manifest.json"))
    (work,) = (home / "data" / "show").iterdir()
    journal = (work / "journal.jsonl").read_text().splitlines()
    done = len(journal) - 1
    assert 3 <= done < 5
    # A line that a full disk or a lost machine cut short, and a picture that never reached the disk.
    (work / "journal.jsonl").write_text("\n".join(journal) + '\n{"path": "ep')
    next((work / "stills").rglob("*.png")).write_bytes(b"")
    read_again = []

    class Watched(video.Reading):
        def __init__(self, path, *args):
            read_again.append(path.name)
            super().__init__(path, *args)

    monkeypatch.setattr(video, "Reading", Watched)
    made = add(home, "show", season, "anime", SIZE, every="10")
    assert len(read_again) == 5 - done + 1
    assert [item.pixels for item in made.items] == [item.pixels for item in whole.items]
    assert made.inputs == whole.inputs
    assert sorted(path.name for path in made.root.parent.iterdir()) == [f"{SIZE}px", f"{SIZE}px-clips"]


@pytest.mark.slow
def test_a_killed_command_goes_on(tmp_path, season):
    """As a lost machine or an impatient person ends it: without a word of warning."""
    whole = add(tmp_path / "whole", "show", season, "anime", SIZE, every="2")
    home, words = tmp_path / "home", ["data", "add", "show", str(season), "--domain", "anime", "--size", str(SIZE)]
    command = [sys.executable, "-c", "from bench.cli import app; app()", *words, "--every", "2", "--home", str(home)]
    place = home / "data" / "show"
    killed = 0
    for lines in (2, 3, 5):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                journal = next(place.glob(".*/journal.jsonl"), None)
                if journal is not None and len(journal.read_text().splitlines()) >= lines:
                    process.kill()
                    killed += 1
                    break
                time.sleep(0.002)
    assert killed >= 1
    made = add(home, "show", season, "anime", SIZE, every="2")
    assert made.items == whole.items
    assert verify(made) == verify(clips_of(home, made)) == []
    assert sorted(path.name for path in place.iterdir()) == [f"{SIZE}px", f"{SIZE}px-clips"]


def test_the_command_line(tmp_path, season):
    def bench(*words):
        return CliRunner().invoke(app, ["data", *words, "--home", str(tmp_path)])

    file = str(season / "ep0.mp4")
    added = bench("add", "film", file, "--domain", "anime", "--size", str(SIZE), "--every", "10")
    assert added.exit_code == 0, added.output
    assert "train" in added.output
    assert ", clips" in bench("show", "film", "--clips").output
    verified = bench("verify", "film", "--clips")
    assert verified.exit_code == 0
    assert "0 problems" in verified.output
    by_clock = bench("add", "other", file, "--domain", "anime", "--size", str(SIZE), "--every", "0.5s")
    assert by_clock.exit_code == 0, by_clock.output
    wrong = bench("add", "third", file, "--domain", "anime", "--every", "often")
    assert wrong.exit_code == 2
    assert "--every must be a number of frames such as 60" in wrong.output


def test_other_options_begin_anew(tmp_path, season):
    with pytest.raises(KeyboardInterrupt):
        add(tmp_path, "show", season, "anime", SIZE, every="10", report=cut_at(3))
    made = add(tmp_path, "show", season, "anime", SIZE, every="20")
    assert len(made.items) == 30


def test_a_long_film_is_stopped_in_its_middle(tmp_path, season, monkeypatch):
    seen = []

    taken = intake.Intake._film

    def slowly(self, path, id, content, tick):
        def stopping(share):
            seen.append(share)
            if len(seen) == 5:
                raise KeyboardInterrupt
            tick(share)

        return taken(self, path, id, content, stopping)

    monkeypatch.setattr(intake.Intake, "_film", slowly)
    with pytest.raises(KeyboardInterrupt):
        add(tmp_path, "film", season / "ep0.mp4", "anime", SIZE, every="10")
    assert len(seen) == 5
    assert not list(tmp_path.rglob("manifest.json"))


def test_between_clips_and_stills_nothing_is_lost(tmp_path, season, monkeypatch):
    """The clips have their name already when the command is cut before the stills have theirs."""
    home = tmp_path / "home"
    replace, calls = Path.replace, []

    def failing(self, target):
        calls.append(Path(target).name)
        if Path(target).name == f"{SIZE}px":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        with pytest.raises(BenchError, match="No space left on device"):
            add(home, "show", season, "anime", SIZE, every="10")
    assert f"{SIZE}px-clips" in calls
    monkeypatch.setattr(video, "Reading", lambda *args: pytest.fail("decoded again"))
    made = add(home, "show", season, "anime", SIZE, every="10")
    assert verify(made) == verify(clips_of(home, made)) == []


@pytest.mark.parametrize("after", [0, 7, 25])
def test_a_full_disk_is_one_line_and_the_work_goes_on(tmp_path, season, monkeypatch, after):
    written, write = itertools.count(), png.write

    def full(path, image):
        if next(written) >= after:
            path.write_bytes(b"\x89PNG half")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, image)

    with monkeypatch.context() as patched:
        patched.setattr(png, "write", full)
        with pytest.raises(
            BenchError, match=r"could not be written \(No space left on device\).*same command"
        ) as caught:
            add(tmp_path, "show", season, "anime", SIZE, every="10")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("manifest.json"))
    made = add(tmp_path, "show", season, "anime", SIZE, every="10")
    assert verify(made) == verify(clips_of(tmp_path, made)) == []


def test_two_commands_at_once_on_one_collection(tmp_path, season):
    place = tmp_path / "data" / "show"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom bench.data.workplace import alone\n"
        f"with alone(Path({str(place)!r})):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BenchError, match=f"is being changed by process {other.pid}; wait for it to end"):
            add(tmp_path, "show", season, "anime", SIZE, every="20")
        add(tmp_path, "another", season / "ep0.mp4", "anime", SIZE, every="20")
        other.kill()
    assert (place / ".lock").exists()  # it had no time to tidy up
    made = add(tmp_path, "show", season, "anime", SIZE, every="20")
    assert not (made.root.parent / ".lock").exists()


def _hold(place: Path, held, count: int) -> None:
    for _ in range(count):
        try:
            with alone(place):
                held.value += 1
                assert held.value == 1
                held.value -= 1
        except BenchError:
            pass


def test_a_lock_is_held_by_one(tmp_path):
    context = multiprocessing.get_context("spawn")
    held = context.Value("i", 0, lock=False)
    workers = [context.Process(target=_hold, args=(tmp_path / "place", held, 300)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert not (tmp_path / "place").exists()


def test_a_journal_is_safe_from_threads(tmp_path):
    place = Workplace(tmp_path / "work", "key")
    names = [f"{number} \udcff" for number in range(200)]
    building.gather(lambda name, tick: place.note({"path": name}), names, [1] * 200, workers=8)
    again = Workplace(tmp_path / "work", "key")
    assert all(again.get(name) == {"path": name} for name in names)
    assert Workplace(tmp_path / "work", "other").get(names[0]) is None


@pytest.mark.parametrize("every", ["60x", "0", "-1s"])
def test_a_step_is_checked_before_anything_is_read(tmp_path, season, monkeypatch, every):
    monkeypatch.setattr(folder, "look", lambda *args: pytest.fail("looked"))
    with pytest.raises(BenchError, match="--every must be"):
        add(tmp_path, "show", season, "anime", SIZE, every=every)
    assert not list(tmp_path.iterdir())


@real
def test_real_films(tmp_path):
    made = add(tmp_path, "films", Path(SHARED or "", "open-v1", "mdn"), "live-action", 64, every="60")
    clips = clips_of(tmp_path, made)
    assert verify(made) == verify(clips) == []
    assert set(made.counts()["live-action"]) == {"train", "series"}
    assert len(made.items) > 20
    assert len(clips.items) > 100
