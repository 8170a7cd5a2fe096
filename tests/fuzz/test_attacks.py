"""Attacks that somebody thought of: bombs, paths, links, pickles, devices, files that change; each is refused."""

import io
import os
import pickle
import re
import socket
import struct
import sys
import threading
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.checkpoint import read_tensors
from bench.data import manifest as manifests
from bench.data.folder import add
from bench.data.interchange import import_split
from bench.data.standardize import standardize
from bench.data.video import Reading, Step
from bench.data.video.decoding import CONTAINERS
from bench.errors import BenchError
from bench.exported import read as read_model
from bench.predictions import Submission, Wanted, Watch
from bench.predictions.faults import Fault
from bench.types import Entry, Mix, Track, slug

from . import seeds
from .guard import judge, watched
from .mutate import NAMES, packed
from .seeds import IDS, SIDE

PLACE: tuple[str, str] = ("cartoon", "test")
WANTED: dict[tuple[str, str], Wanted] = {PLACE: Wanted(IDS, (SIDE, SIDE, 3))}
HOSTILE = (
    "../evil.png",
    "/evil.png",
    "a/../../evil.png",
    "..\\evil.png",
    "C:evil.png",
    "C:\\evil.png",
    "\\\\host\\evil.png",
)


def refused(call: Any, home: Path, match: str = "") -> str:
    """It is refused in one short line, in little time and memory, and nothing is written outside."""
    with watched(home) as watcher:
        assert not judge(watcher, call), "it was accepted"
    assert re.search(match, watcher.said), watcher.said
    assert len(watcher.said) < 5000
    return watcher.said


def faults(path: Path, home: Path) -> tuple[Fault, ...]:
    found: list[Fault] = []
    with watched(home) as watcher:
        assert judge(watcher, lambda: found.extend(Submission(path, WANTED).faults()))
    return tuple(found)


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.place,)


def test_a_bomb_in_a_bomb_is_never_unpacked(tmp_path: Path) -> None:
    inner = packed([("a.png", bytes(2**24))], zipfile.ZIP_DEFLATED)
    path = tmp_path / "x.zip"
    path.write_bytes(packed([(f"{number}.zip", inner) for number in range(50)], zipfile.ZIP_DEFLATED))
    with watched(tmp_path) as watcher:
        assert judge(watcher, lambda: Submission(path, WANTED).faults())
    assert {fault.kind for fault in Submission(path, WANTED).faults()} == {"missing", "unexpected"}


def test_entries_that_share_their_bytes_are_hostile(tmp_path: Path) -> None:
    """A zip of some kilobytes in which thousands of entries name the same packed bytes (Fifield 2019)."""
    kernel = packed([("a.png", seeds.encoded(seeds.pictures()[0]))])
    start = kernel.index(b"PK\1\2")
    end = kernel.index(b"PK\5\6")
    central = kernel[start:end].replace(b"a.png", b"b.png")
    made = bytearray(kernel[:end] + central + kernel[end:])
    place = made.index(b"PK\5\6")
    made[place + 8 : place + 16] = struct.pack("<HHI", 2, 2, 2 * (end - start))
    path = tmp_path / "x.zip"
    path.write_bytes(made)
    assert any(one.kind == "hostile" and one.detail == "overlaps another" for one in faults(path, tmp_path))


def test_sizes_that_lie_cost_nothing(tmp_path: Path) -> None:
    data = bytearray(packed([(f"{id}.png", zlib.compress(bytes(10**6))) for id in IDS], zipfile.ZIP_DEFLATED))
    at = data.index(b"PK\1\2")
    for size in (0, 2**31, 2**32 - 1):
        data[at + 24 : at + 28] = struct.pack("<I", size)
        (tmp_path / "x.zip").write_bytes(data)
        with watched(tmp_path) as watcher:
            judge(watcher, lambda: Submission(tmp_path / "x.zip", WANTED).all(PLACE))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere_are_hostile_in_archives(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        archive.writestr(entry, b"x")
    assert any(one.kind == "hostile" and "outside" in one.detail for one in faults(path, tmp_path))
    path.rename(tmp_path / "x.npz")
    refused(lambda: Submission(tmp_path / "x.npz", WANTED), tmp_path, "outside the archive")
    path = tmp_path / "x.pt2"
    (tmp_path / "x.npz").rename(path)
    refused(lambda: read_model(path), tmp_path)


@pytest.mark.parametrize(
    "name", ["a\0.png", "a" * 60_000, "\u0430.png", "A.png", "a.png ", "a.png/", "a\u202e.png", ""]
)
def test_names_that_only_look_right_are_not_taken(name: str, tmp_path: Path) -> None:
    """A zero byte, too long, a Cyrillic a, another case, a space, a folder, a right-to-left mark, none at all."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        archive.writestr(entry, seeds.encoded(seeds.pictures()[0]))
    found = faults(path, tmp_path)
    assert ("missing", "a.png") in {(one.kind, one.name) for one in found}
    assert len(refused(lambda: Submission(path, WANTED).all(PLACE), tmp_path)) < 5000


@pytest.mark.parametrize("suffix", [".npz", ".pt2", ".onnx", ".zip", ".safetensors", ".png"])
def test_a_pickle_under_any_name_is_not_opened(suffix: str, tmp_path: Path) -> None:
    bomb, path = tmp_path / "bomb", tmp_path / f"x{suffix}"
    held = pickle.dumps(Bomb(bomb))
    readers = {".pt2": read_model, ".onnx": read_model, ".safetensors": read_tensors}
    read = readers.get(suffix, lambda path: Submission(path, WANTED).all(PLACE))
    if suffix == ".png":
        path.write_bytes(held)
        refused(lambda: standardize(path, 16), tmp_path)
    for content in (held, packed([("images.npy", held), ("ids.npy", held)]), packed([("archive/data.pkl", held)])):
        path.write_bytes(content)
        if suffix != ".png":
            refused(lambda: read(path), tmp_path)
    assert not bomb.exists()


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    bomb, path = tmp_path / "bomb", tmp_path / "x.npz"
    np.savez(path, images=np.array([Bomb(bomb)], dtype=object), ids=np.array(["a"]))
    refused(lambda: Submission(path, WANTED), tmp_path, "uint8")
    np.savez(path, images=seeds.pictures(1), ids=np.array([Bomb(bomb)], dtype=object))
    refused(lambda: Submission(path, WANTED), tmp_path, "strings")
    assert not bomb.exists()


def header(width: int, height: int) -> bytes:
    content = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + content
    packed_rows = zlib.compress(bytes(10**6), 9)
    data = b"IDAT" + packed_rows
    made = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return made + struct.pack(">I", len(packed_rows)) + data + struct.pack(">I", zlib.crc32(data))


def gif(frames: int, side: int = 16) -> bytes:
    """A GIF whose frames are a few bytes each."""
    start = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return start + frame * frames + b";"


def test_decompression_bombs_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(header(100_000, 100_000))
    with watched(tmp_path) as watcher:
        assert not judge(watcher, lambda: standardize(path, 16))
    assert "megapixels" in refused(lambda: standardize(path, 16), tmp_path)
    (tmp_path / "p").mkdir()
    for id in IDS:
        (tmp_path / "p" / f"{id}.png").write_bytes(header(100_000, 100_000))
    assert {one.kind for one in faults(tmp_path / "p", tmp_path)} == {"of another size"}
    webp = bytearray(seeds.encoded(seeds.pictures(1, 24)[0], "WEBP", lossless=True))
    at = webp.index(b"VP8L") + 9
    webp[at : at + 4] = struct.pack("<I", 0x0FFFFFFF)  # 16,384 x 16,384
    path.write_bytes(webp)
    with watched(tmp_path) as watcher:
        assert not judge(watcher, lambda: standardize(path, 16))


def test_a_gif_of_a_million_frames_is_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "x.gif"
    path.write_bytes(gif(1_000_000))
    with watched(tmp_path) as watcher:
        began = time.monotonic()
        judge(watcher, lambda: standardize(path, 16))
        assert time.monotonic() - began < 10


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_pipes_sockets_and_devices_never_hang(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    os.mkfifo(folder / "a.png")
    here = os.getcwd()
    os.chdir(folder)  # a socket's name must be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("b.png")
    finally:
        os.chdir(here)
    (folder / "c.png").symlink_to("/dev/zero")
    found = faults(folder, tmp_path)
    assert {(one.name, one.detail) for one in found if one.kind == "not a plain file"} == {
        ("a.png", "a pipe"),
        ("b.png", "a socket"),
        ("c.png", "a device"),
    }
    refused(lambda: add(tmp_path / "home", "mine", folder, "anime", 32), tmp_path, "none of its 3 files")


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_a_pipe_never_holds_up_the_watch(tmp_path: Path) -> None:
    for id in IDS:
        os.mkfifo(tmp_path / f"{id}.png")
    began = time.monotonic()
    with pytest.raises(BenchError):
        Submission(tmp_path, WANTED, Watch(timeout=0.5, every=0.05)).all(PLACE)
    assert time.monotonic() - began < 10


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_a_picture_that_becomes_a_pipe_is_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for id, one in zip(IDS, seeds.pictures(), strict=True):
        (folder / f"{id}.png").write_bytes(seeds.encoded(one))
    given = Submission(folder, WANTED)
    (folder / "b.png").unlink()
    os.mkfifo(folder / "b.png")
    assert [(one.kind, one.name) for one in given.faults()] == [("unreadable", "b.png")]


def test_links_in_exports_and_archives_are_refused(tmp_path: Path) -> None:
    from .targets import unfold

    for format, name in (
        ("hf", "test/metadata.jsonl"),
        ("hf", "chromabench.json"),
        ("webdataset", "anime-test-000000.tar"),
    ):
        folder = unfold(seeds.exports(format)[0], tmp_path / f"{format}{len(name)}")
        secret = tmp_path / "secret"
        secret.write_bytes((folder / name).read_bytes())
        (folder / name).unlink()
        (folder / name).symlink_to(secret)
        refused(lambda folder=folder: import_split(tmp_path / "home", "mine", folder), tmp_path, "link|plain")
    link = zipfile.ZipInfo("a.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert ("hostile", "a.png", "is a link or a device") in faults(tmp_path / "x.zip", tmp_path)


def test_a_folder_that_changes_while_it_is_read_gives_a_picture_or_a_fault(tmp_path: Path) -> None:
    folder, stop = tmp_path / "p", threading.Event()
    folder.mkdir()
    sound = {id: seeds.encoded(one) for id, one in zip(IDS, seeds.pictures(), strict=True)}

    def disturb() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            path = folder / f"{IDS[turn % 3]}.png"
            path.unlink(missing_ok=True)
            path.write_bytes(sound[IDS[turn % 3]][: 40 + turn % 400])

    writer = threading.Thread(target=disturb)
    for id, data in sound.items():
        (folder / f"{id}.png").write_bytes(data)
    writer.start()
    try:
        for _ in range(150):
            with suppress(BenchError):
                Submission(folder, WANTED, threads=1).all(PLACE)
    finally:
        stop.set()
        writer.join()


def test_an_archive_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    for name, data in (("x.zip", seeds.predictions()[0]), ("x.npz", seeds.npz()[1])):
        path = tmp_path / name
        path.write_bytes(data)
        given = Submission(path, WANTED)
        path.write_bytes(bytes(len(data)))
        try:
            pictures = given.all(PLACE)  # what was laid open before stays as it was
        except BenchError:
            continue
        assert np.array_equal(pictures, seeds.pictures())


@pytest.mark.parametrize("text", [one for one in seeds.films() if one[:1] in b"#fv<"])
def test_a_playlist_under_a_films_name_opens_nothing(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(text)
    refused(lambda: list(Reading(tmp_path / "film.mp4", Step(frames=2), 16)), tmp_path)


def test_a_list_of_films_does_not_read_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(seeds.films()[0])
    assert list(Reading(tmp_path / "secret.mp4", Step(frames=2), 16))
    (tmp_path / "film.mp4").write_bytes(b"ffconcat version 1.0\nfile secret.mp4\n")
    refused(lambda: list(Reading(tmp_path / "film.mp4", Step(frames=2), 16)), tmp_path)
    assert not {"concat", "hls", "dash", "sdp", "rtsp", "lavfi", "image2"} & set(CONTAINERS.split(","))


@pytest.mark.parametrize("name", ["subfile,,start,0,end,0,,:b.mp4", "concat:b.mp4|b.mp4", "tcp:127.0.0.1:9.mp4"])
def test_a_name_is_no_address(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg takes what stands before a colon for a protocol; here a name is a name."""
    monkeypatch.chdir(tmp_path)
    Path("b.mp4").write_bytes(seeds.films()[0])
    Path(name).write_bytes(b"no film at all")
    refused(lambda: list(Reading(Path(name), Step(frames=2), 16)), tmp_path)
    Path(name).write_bytes(seeds.films()[0])
    assert list(Reading(Path(name), Step(frames=2), 16))


SPELLS = [name for name in NAMES if not name.isascii() or any(letter in name for letter in "<=|\\`$%\n\x1b\0/:")]


@pytest.mark.parametrize("name", SPELLS)
def test_a_name_with_a_spell_enters_no_record_and_no_page(name: str) -> None:
    """HTML, formulas, LaTeX, Markdown, a shell's and a terminal's codes: what is no slug is refused."""
    for read in (lambda: slug("name", name), lambda: Track.parse(name), lambda: Mix.parse(name)):
        with pytest.raises(BenchError) as caught:
            read()
        assert str(caught.value).isprintable()
    with pytest.raises(BenchError):
        Entry.parse(name, ["gray-copy"])


def test_half_a_character_is_no_text(tmp_path: Path) -> None:
    data = seeds.manifests()[0].replace(b'"0.png"', b'"\\ud800"')
    (tmp_path / "manifest.json").write_bytes(data)
    refused(lambda: manifests.read(tmp_path), tmp_path, "not text")


def test_a_picture_of_a_strange_kind_starts_no_program(tmp_path: Path) -> None:
    """EPS would start Ghostscript; SVG, PDF and ICO have no business here either."""
    path = tmp_path / "x.png"
    stream = io.BytesIO()
    Image.new("RGB", (32, 32)).save(stream, "EPS")
    for data in (stream.getvalue(), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4\n", b"\0\0\1\0\1\0"):
        path.write_bytes(data)
        refused(lambda: standardize(path, 16), tmp_path, "expected an image")
