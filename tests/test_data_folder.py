"""A stranger's folder becomes a collection, or one line; never half of one."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.data import folder, intake, naming
from bench.data.folder import add, find, groups
from bench.data.manifest import SAFE_ID, read, verify
from bench.errors import BenchError

SIZE = 32


def picture(path: Path, seed: int, size: int = 48) -> Path:
    """A coloured image unlike those of other seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((size, size), Image.Resampling.NEAREST).save(path)
    return path


def show(root: Path, series: int = 5, frames: int = 6) -> Path:
    for number in range(series):
        for frame in range(frames):
            picture(root / f"ep{number}" / f"frame {frame:02}.png", 100 * number + frame)
    return root


def nothing_left(home: Path) -> bool:
    return not home.exists() or not any(path.is_file() or path.name.endswith(".part") for path in home.rglob("*"))


def test_a_folder_becomes_splits(tmp_path):
    done = []
    made = add(tmp_path / "home", "my-show", show(tmp_path / "in"), "anime", SIZE, report=lambda *now: done.append(now))
    # On a busy machine the same count is told again, and the first before anything is done.
    assert list(dict.fromkeys(now for now in done if now[0])) == [(n + 1, 30) for n in range(30)]
    assert made.counts() == {"anime": {"train": 15, "val": 6, "test": 6, "series": 3}}
    assert made.items[0].id == "ep0__frame_00"
    assert made.items[0].group == "ep0"
    assert made.items[0].source == "ep0/frame 00.png"
    assert read(made.root) == made
    assert made.root == tmp_path / "home" / "data" / "my-show" / f"{SIZE}px"
    assert verify(made) == []
    assert sorted(p.name for p in made.root.parent.iterdir()) == [f"{SIZE}px"]


def test_the_same_again_is_done_and_not_repeated(tmp_path, monkeypatch):
    made = add(tmp_path / "home", "my-show", show(tmp_path / "in"), "anime", SIZE)
    monkeypatch.setattr(intake, "read_image", lambda path: pytest.fail("decoded again"))
    assert add(tmp_path / "home", "my-show", tmp_path / "in", "anime", SIZE) == made


def test_another_content_under_the_same_name_is_refused(tmp_path):
    made = add(tmp_path / "home", "my-show", show(tmp_path / "in"), "anime", SIZE)
    picture(tmp_path / "in" / "ep9" / "new.png", 999)
    with pytest.raises(BenchError, match=r"already has the domain 'anime'.*choose another name, or remove"):
        add(tmp_path / "home", "my-show", tmp_path / "in", "anime", SIZE)
    assert read(made.root) == made


def test_another_size_stands_beside(tmp_path):
    show(tmp_path / "in")
    small = add(tmp_path / "home", "my-show", tmp_path / "in", "anime", 32)
    large = add(tmp_path / "home", "my-show", tmp_path / "in", "anime", 40)
    assert [item.split for item in small.items] == [item.split for item in large.items]
    assert read(small.root) == small


def test_a_second_domain_joins_and_keeps_the_sides(tmp_path):
    show(tmp_path / "in", series=12)
    first = add(tmp_path / "home", "my-show", tmp_path / "in", "anime", SIZE)
    both = add(tmp_path / "home", "my-show", tmp_path / "in", "manga", SIZE)
    assert both.domains == ("anime", "manga")
    assert verify(both) == []
    sides = {item.source: item.split for item in first.items}
    assert all(sides[item.source] == item.split for item in both.items if item.domain == "manga")
    assert all(item.page == (item.domain == "manga") for item in both.items)
    page = np.asarray(Image.open(both.root / "manga" / f"{first.items[0].id}.page.png"))
    assert page.shape == (SIZE, SIZE)
    assert add(tmp_path / "home", "my-show", tmp_path / "in", "anime", SIZE) == both


def test_gray_pages_have_no_target(tmp_path):
    for number in range(4):
        path = picture(tmp_path / "in" / f"{number}.png", number)
        Image.open(path).convert("L").save(path)
    with pytest.raises(BenchError, match=r"all 4 .* are gray; pages .* without a coloured original have no target"):
        add(tmp_path / "home", "pages", tmp_path / "in", "manga", SIZE)
    assert nothing_left(tmp_path / "home")


@pytest.mark.parametrize("name", ["procedural-v1", "open-v1"])
def test_built_in_names_are_taken(tmp_path, name):
    with pytest.raises(BenchError, match="built-in"):
        add(tmp_path / "home", name, show(tmp_path / "in"), "anime", SIZE)


@pytest.mark.parametrize("name", ["", "..", "a/b", "My Show", "x" * 65, "a\nb"])
def test_names_must_be_slugs(tmp_path, name):
    show(tmp_path / "in", 1, 1)
    with pytest.raises(BenchError, match="lower-case"):
        add(tmp_path / "home", name, tmp_path / "in", "anime", SIZE)
    with pytest.raises(BenchError, match="lower-case"):
        add(tmp_path / "home", "mine", tmp_path / "in", name, SIZE)


def test_folders_that_cannot_be_used_say_why(tmp_path):
    home, empty, texts = tmp_path / "home", tmp_path / "empty", tmp_path / "texts"
    empty.mkdir()
    texts.mkdir()
    (texts / "a.txt").write_text("hello")
    (texts / ".hidden.png").write_bytes(b"x")
    for path, words in (
        (tmp_path / "gone", "does not exist"),
        (texts / "a.txt", "expected a folder, an image or a video"),
        (empty, "it is empty"),
        (texts, "none of its 2 files"),
    ):
        with pytest.raises(BenchError, match=words):
            add(home, "mine", path, "anime", SIZE)
    with pytest.raises(BenchError, match="from 32 to 1024"):
        add(home, "mine", show(tmp_path / "in"), "anime", 5)
    with pytest.raises(BenchError, match="folder, prefix, image"):
        add(home, "mine", tmp_path / "in", "anime", SIZE, group_by="colour")
    assert nothing_left(home)


def test_all_damaged_images_are_named_and_can_be_skipped(tmp_path):
    show(tmp_path / "in")
    (tmp_path / "in" / "ep0" / "empty.png").write_bytes(b"")
    (tmp_path / "in" / "ep1" / "text.jpg").write_text("no image")
    picture(tmp_path / "in" / "ep2" / "small.png", 5, size=20)
    with pytest.raises(BenchError) as caught:
        add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE)
    message = str(caught.value)
    for words in (
        "3 cannot be used",
        "ep0/empty.png",
        "ep1/text.jpg",
        "ep2/small.png (20x20)",
        "--skip-damaged",
        "--size",
    ):
        assert words in message
    assert not list((tmp_path / "home").rglob("manifest.json"))
    made = add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE, skip_damaged=True)
    assert len(made.items) == 30
    assert [left.source for left in made.left_out] == ["ep0/empty.png", "ep1/text.jpg", "ep2/small.png"]


def test_a_list_of_damaged_images_ends(tmp_path):
    for number in range(50):
        path = tmp_path / "in" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    with pytest.raises(BenchError, match=r"50 cannot be used.* and 30 more"):
        add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE)
    with pytest.raises(BenchError, match="none of the 50"):
        add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE, skip_damaged=True)


def test_an_error_in_the_middle_leaves_the_collection_as_it_was(tmp_path):
    show(tmp_path / "in")
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE, report=stop)
    assert seen[-1] == 7
    assert not list((tmp_path / "home").rglob("manifest.json"))
    made = add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE)
    assert [path.name for path in made.root.parent.iterdir()] == [f"{SIZE}px"]
    # The same when a second domain is being added: the first stays as it is.
    with pytest.raises(KeyboardInterrupt):
        add(tmp_path / "home", "mine", tmp_path / "in", "manga", SIZE, report=stop)
    assert read(made.root) == made
    assert verify(made) == []
    assert [path.name for path in made.root.parent.iterdir() if not path.name.startswith(".")] == [f"{SIZE}px"]


NASTY = [
    "with space.png",
    "quote'\".png",
    "new\nline.png",
    "..dots.png",
    "-dash.png",
    "tab\t.png",
    "漫画.png",
    "a&b<c>.png",
    "%2e%2e.png",
    "..\\up.png",
    "CON.png",
    "x" * 240 + ".png",
    "x" * 241 + ".png",
    "a.page.png",
    "a.png",
    "A.PNG",
    "trailing .png",
    "$(rm).png",
]


def test_names_of_any_kind_are_accepted(tmp_path):
    root = tmp_path / "in"
    for number, name in enumerate(n for n in NASTY if not n.startswith(".")):
        picture(root / name.replace(".PNG", ".png"), number) if name != "A.PNG" else picture(root / name, number)
    raw = os.fsencode(root) + b"/\xff\xfe.png"
    picture(root / "raw.png", 77).rename(os.fsdecode(raw))
    (root / "..up").mkdir()
    made = add(tmp_path / "home", "mine", root, "anime", SIZE)
    assert len(made.items) == len([n for n in NASTY if not n.startswith(".")]) + 1
    assert all(SAFE_ID.fullmatch(item.id) for item in made.items)
    assert len({item.id.casefold() for item in made.items}) == len(made.items)
    assert any(item.source == "\\xff\\xfe.png" for item in made.items)
    assert read(made.root) == made
    assert verify(made) == []
    assert {path.parent.name for path in made.root.rglob("*.png")} == {"anime"}


def test_links_that_leave_the_folder_are_not_followed(tmp_path):
    show(tmp_path / "in")
    secret = picture(tmp_path / "secret" / "s.png", 7)
    (tmp_path / "in" / "out.png").symlink_to(secret)
    (tmp_path / "in" / "inside.png").symlink_to(tmp_path / "in" / "ep0" / "frame 00.png")
    (tmp_path / "in" / "broken.png").symlink_to(tmp_path / "in" / "gone.png")
    (tmp_path / "in" / "folder").symlink_to(secret.parent)
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    inside, outside = find(tmp_path / "in")
    assert outside == ["out.png"]
    assert "inside.png" in inside
    assert len(inside) == 31
    made = add(tmp_path / "home", "mine", tmp_path / "in", "anime", SIZE)
    assert [left.source for left in made.left_out if "link" in left.reason] == ["out.png"]


def test_the_home_inside_the_folder_is_passed_over(tmp_path):
    show(tmp_path / "in")
    home = tmp_path / "in" / "home"
    made = add(home, "mine", tmp_path / "in", "anime", SIZE)
    assert add(home, "mine", tmp_path / "in", "anime", SIZE) == made


def test_grouping():
    folders = ["a/1.png", "b/1.png", "c/1.png"]
    assert groups(folders) == ["a", "b", "c"]
    prefixes = ["ep01_0001.png", "ep01_0002.png", "ep02-frame7.png", "ep03.0009.png"]
    assert groups(prefixes) == ["ep01", "ep01", "ep02", "ep03"]
    assert groups(prefixes, "folder") == ["."] * 4
    assert groups(prefixes, "image") == prefixes
    assert groups(["1.png", "2.png", "3.png"]) == ["all"] * 3
    assert groups(["a.mp4", "b.mkv", "c.webm"]) == ["a.mp4", "b.mkv", "c.webm"]
    assert groups(["x/a.mp4", "x/1.png"]) == ["x/a.mp4", "all"]
    assert groups(["x/a.gif", "x/b.gif"], films={"x/b.gif"}) == ["all", "x/b.gif"]
    assert groups(["x/a.gif", "x/b.gif"], "folder", films={"x/b.gif"}) == ["x", "x"]


paths = st.lists(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=120),
        min_size=1,
    )
    .map("/".join)
    .filter(lambda path: ".." not in path.split("/") and "." not in path.split("/")),
    unique=True,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(paths)
def test_ids_are_safe_and_never_collide(found):
    ids = naming.ids(found)
    assert all(SAFE_ID.fullmatch(id) for id in ids)
    assert len({id.casefold() for id in ids}) == len(found)
    assert naming.ids(found) == ids


def test_ids_that_would_collide_all_get_a_digest():
    ids = naming.ids(["a b.png", "a_b.png", "A_B.jpg", "other.png", "dir/x.png", "dir__x.png"])
    assert ids[3] == "other"
    assert all(re.fullmatch(r"(?i)a_b-[0-9a-f]{8}", id) for id in ids[:3])
    assert all(re.fullmatch(r"dir__x-[0-9a-f]{8}", id) for id in ids[4:])
    # Even where a file is named like another's id with its digest.
    again = naming.ids(["a b.png", "a_b.png", f"{ids[0]}.png"])
    assert len(set(again)) == 3


def test_a_manifest_is_plain_json_with_one_fact_a_line(tmp_path):
    made = add(tmp_path / "home", "mine", show(tmp_path / "in"), "anime", SIZE)
    text = (made.root / "manifest.json").read_text(encoding="utf-8")
    value = json.loads(text)
    assert (value["collection"], value["size"], value["resampler"], value["protocol"]) == (
        "mine",
        SIZE,
        "pillow-bicubic",
        1,
    )
    assert str(tmp_path) not in text


def test_the_same_picture_in_a_domain_added_later_does_not_cross_a_split(tmp_path):
    for name, stem in (("a", "ep"), ("b", "story")):
        for number in range(12):
            place = tmp_path / name / f"{stem}{number}"
            place.mkdir(parents=True)
            pixels = np.random.default_rng(number).integers(0, 256, (5, 5, 3)).astype(np.uint8)
            Image.fromarray(pixels).resize((40, 40), 0).save(place / "f.png")
    folder.add(tmp_path / "home", "both", tmp_path / "a", "anime", 32, "folder")
    made = folder.add(tmp_path / "home", "both", tmp_path / "b", "cartoon", 32, "folder")
    sides = {}
    for item in made.items:
        sides.setdefault(item.pixels, set()).add(item.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert any("in another domain" in left.reason for left in made.left_out)
