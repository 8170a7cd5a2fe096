"""What is no film, or only half of one, is named in one line or skipped and listed."""

import errno
import os
import re
import shutil
import wave
from pathlib import Path

import av
import films
import numpy as np
import pytest
from PIL import Image

from bench.data import intake
from bench.data.folder import add
from bench.errors import BenchError

SIZE = 32


@pytest.fixture(scope="module")
def season(tmp_path_factory) -> Path:
    """Three episodes of six shots, twenty frames each."""
    root = tmp_path_factory.mktemp("season")
    for number in range(3):
        films.episode(root / f"ep{number}.mp4", number)
    return root


def faststart(path: Path) -> bytes:
    return films.film(path, films.shot(1, 100), container={"movflags": "faststart"}, options={"crf": "20"}).read_bytes()


def make_bad(root: Path) -> dict[str, str]:
    """Files that are no films, and what must be said of each."""
    root.mkdir(parents=True)
    whole = films.film(root / "whole.mp4", films.shot(1, 60)).read_bytes()
    (root / "half.mp4").write_bytes(whole[: len(whole) // 2])
    head = faststart(root / "fast.mp4")
    (root / "fast.mp4").write_bytes(head[: len(head) // 2])
    matroska = films.film(root / "half.mkv", films.shot(1, 100)).read_bytes()
    (root / "half.mkv").write_bytes(matroska[: len(matroska) // 2])
    (root / "empty.mp4").write_bytes(b"")
    (root / "text.webm").write_text("no film at all\n" * 50)
    Image.fromarray(films.scene(1)).save(root / "photo.jpg")
    (root / "photo.jpg").rename(root / "photo.mp4")
    (root / "film.jpg").write_bytes(whole)
    with av.open(str(root / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with wave.open(str(root / "wave.avi"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0\0" * 8000)
    return {
        "half.mp4": "damaged",
        "fast.mp4": "seconds|damaged",
        "half.mkv": "seconds|damaged",
        "empty.mp4": "an empty file",
        "text.webm": "damaged",
        "photo.mp4": "an image",
        "film.jpg": "a video under an image's name",
        "sound.mp4": "sound without pictures",
        "wave.avi": "sound without pictures",
    }


def test_bad_films_are_one_line_or_skipped_and_listed(tmp_path):
    root, home = tmp_path / "in", tmp_path / "home"
    wrong = make_bad(root)
    for place in range(3):
        films.episode(root / f"good{place}.mp4", place, shots=3)
    with pytest.raises(BenchError, match=f"{len(wrong)} cannot be used") as caught:
        add(home, "films", root, "anime", SIZE, every="10")
    assert "\n" not in str(caught.value)
    for name, words in wrong.items():
        assert re.search(rf"{re.escape(name)} \([^)]*({words})", str(caught.value)), name
    for name in wrong:
        with pytest.raises(BenchError, match=re.escape(name)):
            add(home, "one", root / name, "anime", SIZE)
    assert not list(home.rglob("manifest.json"))
    made = add(home, "films", root, "anime", SIZE, skip_damaged=True, every="10")
    assert {left.source for left in made.left_out if left.source in wrong} == set(wrong)
    assert {item.group for item in made.items} == {"whole.mp4", *(f"good{n}.mp4" for n in range(3))}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(tmp_path, season):
    shutil.copytree(season, tmp_path / "in")
    (tmp_path / "in" / "ep0.mp4").chmod(0)
    with pytest.raises(BenchError, match=r"ep0\.mp4 \(Permission denied\)"):
        add(tmp_path / "home", "show", tmp_path / "in", "anime", SIZE)


def test_files_that_cannot_be_read_are_named(tmp_path, season, monkeypatch):
    shutil.copytree(season, tmp_path / "in")

    def denied(path):
        if path.name == "ep0.mp4":
            raise PermissionError(errno.EACCES, "Permission denied")
        return digest(path)

    digest = intake.files.sha256
    monkeypatch.setattr(intake.files, "sha256", denied)
    with pytest.raises(BenchError, match=r"ep0\.mp4 \(Permission denied\)"):
        add(tmp_path / "home", "show", tmp_path / "in", "anime", SIZE, every="20")
    made = add(tmp_path / "home", "show", tmp_path / "in", "anime", SIZE, skip_damaged=True, every="20")
    assert made.left_out[0].reason == "Permission denied"
    assert add(tmp_path / "home", "show", tmp_path / "in", "anime", SIZE, skip_damaged=True, every="20") == made


def test_a_film_of_nothing_is_listed_and_no_error(tmp_path, season):
    root = tmp_path / "in"
    shutil.copytree(season, root)
    films.film(root / "black.mp4", [np.zeros((48, 64, 3), np.uint8)] * 24)
    made = add(tmp_path / "home", "show", root, "anime", SIZE, every="10")
    assert [(left.source, left.reason) for left in made.left_out] == [
        ("black.mp4", "none of its frames shows anything (3 are black)")
    ]
    with pytest.raises(BenchError, match="none of the 1"):
        add(tmp_path / "home", "black", root / "black.mp4", "anime", SIZE)


def test_very_many_names(tmp_path):
    root = tmp_path / "in"
    root.mkdir()
    blob = tmp_path / "one.png"
    Image.fromarray(films.scene(3)).save(blob)
    for place in range(600):
        os.link(blob, root / f"frame {place} {'x' * 200}.png")
    made = add(tmp_path / "home", "many", root, "anime", SIZE, group_by="image")
    assert len(made.items) + len(made.left_out) == 600
