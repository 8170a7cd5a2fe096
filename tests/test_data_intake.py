"""What a folder may hold beside good pictures: gray ones, other kinds, names that clash, commands that were cut."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import films
import numpy as np
import pytest
from PIL import Image

from bench.data import collections
from bench.data.folder import add, groups, look
from bench.data.intake import COLOURLESS
from bench.data.manifest import Item, Manifest, in_order, read, verify
from bench.data.workplace import alone, link
from bench.errors import BenchError

SIZE = 32


def picture(path: Path, seed: int, gray: bool = False) -> Path:
    """An image unlike those of other seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(films.scene(seed))
    (image.convert("L") if gray else image).save(path, format="JPEG" if path.suffix == ".jfif" else None)
    return path


def covers(root: Path, count: int = 4) -> Path:
    """Coloured images, three in each of `count` folders."""
    for number in range(count):
        for place in range(3):
            picture(root / f"book {number}" / f"{place}.png", 10 * number + place)
    return root


def test_gray_images_among_coloured_ones_are_left_out(tmp_path):
    root = covers(tmp_path / "in")
    for number in range(4):
        picture(root / f"book {number}" / "page.png", 500 + number, gray=True)
    made = add(tmp_path / "home", "books", root, "manga", SIZE)
    assert len(made.items) == 12
    assert [(left.source, left.reason) for left in made.left_out] == [
        (f"book {n}/page.png", COLOURLESS) for n in range(4)
    ]
    assert len(list(made.root.rglob("*.png"))) == 24
    assert verify(made) == []


def test_gray_frames_of_a_film_are_counted(tmp_path):
    root = covers(tmp_path / "in")
    gray = [np.asarray(Image.fromarray(frame).convert("L").convert("RGB")) for frame in films.shot(900, 10)]
    films.film(root / "film.mkv", films.shot(901, 10) + gray)
    made = add(tmp_path / "home", "books", root, "anime", SIZE, every="10")
    assert "anime: gray frames of films: 1 of 2; they have no colours to find, and count" in made.notes
    assert sum(item.group == "film.mkv" for item in made.items) == 2


def test_images_alone_in_their_groups_are_noted(tmp_path):
    for number, word in enumerate(("apple", "bread", "cloud", "dream", "eagle", "flame")):
        picture(tmp_path / "in" / f"{word}.png", number)
    made = add(tmp_path / "home", "words", tmp_path / "in", "anime", SIZE)
    (note,) = [note for note in made.notes if "most alone" in note]
    assert note.startswith("anime: 6 images in 6 groups, most alone in theirs: frames of one film may stand on both")
    assert "--group-by folder" in note
    for name, asked in (("asked", "image"), ("folder", "folder")):
        told = add(tmp_path / "home", name, tmp_path / "in", "anime", SIZE, asked)
        assert not any("alone" in note for note in told.notes)
    grouped = add(tmp_path / "home", "grouped", covers(tmp_path / "covers"), "anime", SIZE)
    assert not any("alone" in note for note in grouped.notes)


def test_times_in_names_are_no_groups():
    names = [
        "vlcsnap-2024-01-01-12h00m05s185.png",
        "vlcsnap-2024-01-01-12h00m06s003.png",
        "ep1_01m05s.png",
        "ep1_02m.png",
        "ep1 65s.png",
        "ep2_01m05s100.png",
        "ep3s.png",
    ]
    assert groups(names, "prefix") == [
        "vlcsnap-2024-01-01",
        "vlcsnap-2024-01-01",
        "ep1",
        "ep1_02m",
        "ep1",
        "ep2",
        "ep3s",
    ]


def test_the_same_files_in_another_domain_keep_their_groups(tmp_path):
    root = covers(tmp_path / "in", 6)
    made = add(tmp_path / "home", "books", root, "anime", SIZE, "folder")
    with pytest.raises(BenchError, match=r"book 0/0\.png in the group 'book 0'.*give the same --group-by") as caught:
        add(tmp_path / "home", "books", root, "manga", SIZE, "image")
    assert "'book 0/0.png'" in str(caught.value)
    assert read(made.root) == made
    assert sorted(path.name for path in made.root.parent.iterdir()) == [f"{SIZE}px"]
    assert add(tmp_path / "home", "books", root, "manga", SIZE, "folder").domains == ("anime", "manga")


def test_the_same_films_in_another_domain_keep_their_groups(tmp_path):
    for name in "abc":
        films.film(tmp_path / "in" / name / "ep.mkv", films.shot(ord(name), 20))
    add(tmp_path / "home", "show", tmp_path / "in", "anime", SIZE, every="10")
    with pytest.raises(
        BenchError, match=r"a/ep\.mkv in the group 'a/ep\.mkv', as in the domain 'anime'; it came in 'a'"
    ):
        add(tmp_path / "home", "show", tmp_path / "in", "manga", SIZE, "folder", every="10")


def test_verify_sees_a_group_that_crosses_between_domains(tmp_path):
    made = add(tmp_path / "home", "books", covers(tmp_path / "in"), "anime", SIZE)
    assert verify(made) == []
    here, there = next(item for item in made.items if item.split == "train"), made.root / "manga"
    there.mkdir()
    link(made.root / "anime" / f"{here.id}.png", there / f"{here.id}.png")
    moved = Item(here.id, "manga", "test", here.group, here.source, here.pixels)
    both = Manifest(made.root, "books", "1", SIZE, in_order((*made.items, moved)))
    assert verify(both) == [f"anime, manga: group {here.group!r} is in test and train"]


def test_what_is_not_read_is_counted(tmp_path):
    root = covers(tmp_path / "in")
    for name in ("a.heic", "b.HEIC", "c.avif", ".hidden.avif", "notes.txt", "scan.pdf"):
        (root / name).write_bytes(b"x")
    (root / "more").symlink_to(covers(tmp_path / "elsewhere"))
    (root / "twice.png").symlink_to(tmp_path / "elsewhere")
    (root / "self").symlink_to(root / "self")
    made = add(tmp_path / "home", "books", root, "anime", SIZE)
    assert "anime: files of kinds that are not read: 1 .avif, 2 .heic, 1 .pdf" in made.notes
    assert "anime: linked folders that were not followed: 2" in made.notes
    assert len(made.items) == 12
    assert look(covers(tmp_path / "plain")).notes("anime") == []


def test_more_names_of_kinds_that_are_read(tmp_path):
    root = tmp_path / "in"
    for number, (suffix, codec) in enumerate({".ts": "mpeg2video", ".mts": "libx264", ".3gp": "mpeg4"}.items()):
        films.film(root / f"film{suffix}", films.shot(700 + number, 30), codec=codec)
    picture(root / "web.jfif", 3)
    made = add(tmp_path / "home", "kinds", root, "anime", SIZE, every="10")
    assert {item.group for item in made.items} == {"film.ts", "film.mts", "film.3gp", "."}
    assert {item.source for item in made.items if item.group == "."} == {"web.jfif"}
    assert verify(made) == verify(read(collections.folder(tmp_path / "home", "kinds", SIZE, clips=True))) == []


def test_an_image_named_as_a_frame_of_a_film(tmp_path):
    root = tmp_path / "in"
    films.film(root / "ep1.mkv", films.shot(1, 20))
    for number, name in enumerate(("ep1-f00000010.png", "EP1-F00000000.jpg", "other.png")):
        picture(root / name, 50 + number)
    made = add(tmp_path / "home", "mixed", root, "anime", SIZE, every="10")
    ids = {item.source: item.id for item in made.items}
    assert ids["ep1.mkv frame 00000010 at 0.417 s"] == "ep1-f00000010"
    assert ids["other.png"] == "other"
    assert ids["ep1-f00000010.png"].startswith("ep1-f00000010-")
    assert ids["EP1-F00000000.jpg"].startswith("EP1-F00000000-")
    assert verify(made) == []
    # Without a film the name is free.
    (root / "ep1.mkv").unlink()
    alone = add(tmp_path / "home", "images", root, "anime", SIZE)
    assert {item.id for item in alone.items} == {"ep1-f00000010", "EP1-F00000000", "other"}


def test_a_second_name_never_hides_another_file(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("2")
    with pytest.raises(FileExistsError):
        link(one, other)
    assert other.read_text() == "2"


def test_what_is_called_otherwise_now_is_made_again(tmp_path):
    """A file that came after the command was cut changes the ids of those it clashes with."""
    root, home = covers(tmp_path / "in"), tmp_path / "home"
    picture(root / "a.png", 901)

    def stop(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(home, "books", root, "anime", SIZE, report=stop)
    picture(root / "a.jpg", 902)
    made = add(home, "books", root, "anime", SIZE)
    whole = add(tmp_path / "whole", "books", root, "anime", SIZE)
    assert [(item.id, item.source, item.pixels) for item in made.items] == [
        (item.id, item.source, item.pixels) for item in whole.items
    ]


def test_a_lock_file_that_another_has_open_stays(tmp_path, monkeypatch):
    """As on Windows, where no open file can be removed."""

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        with alone(tmp_path / "place"):
            pass
    assert (tmp_path / "place" / ".lock").exists()
    with alone(tmp_path / "place"):
        pass
    assert not (tmp_path / "place").exists()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the list of open files")
def test_on_windows_the_lock_file_is_closed_before_it_is_removed(tmp_path, monkeypatch):
    remove = Path.unlink

    def as_windows(self: Path, missing_ok: bool = False) -> None:
        for handle in Path("/proc/self/fd").iterdir():
            if os.path.realpath(handle) == str(self):
                raise PermissionError(13, "in use")
        remove(self, missing_ok)

    place = (tmp_path / "place").resolve()
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=0, locking=lambda *given: None))
        patched.setattr(Path, "unlink", as_windows)
        with alone(place):
            patched.setattr(sys, "platform", "win32")
    assert not place.exists()
