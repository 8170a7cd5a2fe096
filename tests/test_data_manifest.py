"""Manifests are read with distrust, digests name pixels, and loading says which file is wrong."""

import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.color import luma
from bench.data import manifest as manifests
from bench.data import png
from bench.data.loading import load
from bench.data.manifest import Item, LeftOut, Manifest, in_order, verify
from bench.errors import BenchError
from bench.types import Track

SIZE = 24


def collection(root: Path, count: int = 6, page: bool = True) -> Manifest:
    """A small collection on disk: anime without pages, manga with."""
    rng = np.random.default_rng(0)
    items = []
    for domain in ("anime", "manga"):
        (root / domain).mkdir(parents=True)
        for number in range(count):
            target = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
            drawn = rng.integers(0, 256, (SIZE, SIZE), dtype=np.uint8) if domain == "manga" and page else None
            split = "train" if number < count - 2 else "test"
            group = f"g{number // 2}" if split == "train" else "held"
            item = Item(
                f"i{number}", domain, split, group, f"{number}.png", png.digest(target, drawn), drawn is not None
            )
            png.write(manifests.target_path(root, item), target)
            if drawn is not None:
                png.write(manifests.page_path(root, item), drawn)
            items.append(item)
    made = Manifest(root, "mine", "1", SIZE, in_order(items), (LeftOut("x.png", "broken"),), ("anime: small",))
    made.write()
    return made


def edited(root: Path, change) -> None:
    path = root / "manifest.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_manifest_comes_back_as_it_was_written(tmp_path):
    made = collection(tmp_path)
    assert manifests.read(tmp_path) == made
    assert made.domains == ("anime", "manga")
    assert made.counts() == {d: {"train": 4, "test": 2} for d in ("anime", "manga")}


def test_a_key_names_size_resampler_ids_and_pixels(tmp_path):
    split = collection(tmp_path).split("anime", "test")
    assert split.key == f"mine/anime/test:{split.digest[:8]}"
    assert split.groups == ("held",)
    first = split.items[0]
    others = [
        replace(split, size=SIZE + 1),
        replace(split, resampler="other"),
        replace(split, items=split.items[:1]),
        replace(split, items=(replace(first, id="j0"), *split.items[1:])),
        replace(split, items=(replace(first, pixels="0" * 64), *split.items[1:])),
    ]
    assert len({split.digest, *(other.digest for other in others)}) == len(others) + 1


def test_unknown_domains_and_splits_are_named(tmp_path):
    made = collection(tmp_path)
    with pytest.raises(BenchError, match="Available: anime, manga"):
        made.split("cartoon", "test")
    with pytest.raises(BenchError, match="Available: train, test"):
        made.split("anime", "series")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["items"][0].update(id="../../escape"),
        lambda v: v["items"][0].update(id="a/b"),
        lambda v: v["items"][0].update(id=""),
        lambda v: v["items"][0].update(id="i0\n"),
        lambda v: v["items"][0].update(id=7),
        lambda v: v["items"][0].update(domain="../up"),
        lambda v: v["items"][0].update(split="exam"),
        lambda v: v["items"][0].update(pixels="beef"),
        lambda v: v["items"][0].update(page="yes"),
        lambda v: v["items"][0].pop("group"),
        lambda v: v["items"].reverse(),
        lambda v: v["items"].insert(1, v["items"][0]),
        lambda v: v["items"].append(None),
        lambda v: v.update(items=None),
        lambda v: v.update(size="64"),
        lambda v: v.update(size=True),
        lambda v: v.update(size=0),
        lambda v: v.update(size=10**9),
        lambda v: v.update(collection="../up"),
        lambda v: v.update(schema=2),
        lambda v: v.update(protocol=9),
        lambda v: v.update(notes=[3]),
        lambda v: v.pop("left_out"),
    ],
)
def test_what_could_not_have_been_written_is_refused_in_one_line(tmp_path, change):
    collection(tmp_path)
    edited(tmp_path, change)
    with pytest.raises(BenchError, match="prepare it anew") as caught:
        manifests.read(tmp_path)
    assert "\n" not in str(caught.value)
    assert "manifest.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "\x00", "[" * 100_000])
def test_files_that_are_no_manifest_are_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BenchError, match=r"manifest\.json"):
        manifests.read(tmp_path)


def test_a_missing_manifest_is_one_line(tmp_path):
    with pytest.raises(BenchError, match="cannot be read"):
        manifests.read(tmp_path / "gone")


def test_verify_finds_nothing_in_a_sound_collection_and_all_that_is_wrong_in_another(tmp_path):
    made = collection(tmp_path)
    assert verify(made) == []
    (tmp_path / "anime" / "i0.png").unlink()
    (tmp_path / "anime" / "i1.png").write_bytes(b"")
    png.write(tmp_path / "anime" / "i2.png", np.zeros((SIZE, SIZE, 3), np.uint8))
    png.write(tmp_path / "manga" / "i3.page.png", np.zeros((SIZE, SIZE), np.uint8))
    moved = replace(made, items=(*made.items[:-1], replace(made.items[-1], group="g0")))
    lines = verify(moved)
    assert len(lines) == 5
    for name in ("i0.png", "i1.png", "i2.png", "i3", "g0"):
        assert sum(name in line for line in lines) == 1


def clips(root: Path) -> Manifest:
    """Two clips of three frames in each of two splits."""
    items = []
    (root / "anime").mkdir(parents=True)
    for number in range(12):
        clip, frame = f"s0{number // 6}-c0{number // 3 % 2}", number % 3
        split, target = ("train", "test")[number // 6], np.full((SIZE, SIZE, 3), number, np.uint8)
        item = Item(f"{clip}-0{frame}", "anime", split, clip[:3], "", png.digest(target, None), False, clip, frame)
        png.write(manifests.target_path(root, item), target)
        items.append(item)
    made = Manifest(root, "mine", "1", SIZE, in_order(items), clips=True)
    made.write()
    return made


def test_a_manifest_of_clips_comes_back_and_that_of_stills_has_no_word_of_them(tmp_path):
    made = clips(tmp_path / "clips")
    assert manifests.read(made.root) == made
    assert verify(made) == []
    stills = collection(tmp_path / "stills")
    written = json.loads((stills.root / "manifest.json").read_text())
    assert list(written) == [
        *("schema", "collection", "version", "protocol", "size", "resampler", "inputs", "notes", "left_out", "items")
    ]
    assert list(written["items"][0]) == ["id", "domain", "split", "group", "source", "pixels", "page"]


def test_the_key_of_clips_is_recognisable_and_names_every_place(tmp_path):
    split = clips(tmp_path).split("anime", "test")
    assert split.clips
    assert split.key == f"mine/anime/test-clips:{split.digest[:8]}"
    first = split.items[0]
    others = [
        replace(split, clips=False),
        replace(split, items=(replace(first, clip="s01-c09"), *split.items[1:])),
        replace(split, items=(replace(first, frame=7), *split.items[1:])),
    ]
    assert len({split.digest, *(other.digest for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda items: items[:1] + items[2:], "the frames of clip 's00-c00' are 0, 2, not 0 to 1"),
        (lambda items: items[1:], "the frames of clip 's00-c00' are 1, 2, not 0 to 1"),
        (lambda items: [replace(items[0], frame=1), *items[1:]], "are 1, 1, 2, not 0 to 2"),
        (lambda items: [replace(items[0], split="series"), *items[1:]], "in series of s00 and train of s00"),
        (lambda items: [replace(items[0], group="s09"), *items[1:]], "in train of s00 and train of s09"),
        (lambda items: [items[3], *items[:3], *items[4:]], "stand between the frames of clip 's00-c01'"),
    ],
)
def test_verify_finds_a_torn_clip(tmp_path, change, said):
    made = clips(tmp_path)
    lines = verify(replace(made, items=tuple(change(list(made.items)))))
    assert any(said in line for line in lines), lines


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["items"][0].update(clip="../up"),
        lambda v: v["items"][0].update(clip=""),
        lambda v: v["items"][0].update(clip=None),
        lambda v: v["items"][0].update(frame=-1),
        lambda v: v["items"][0].update(frame=True),
        lambda v: v["items"][0].update(frame="0"),
        lambda v: v["items"][0].pop("frame"),
        lambda v: v.update(clips="yes"),
    ],
)
def test_clips_that_could_not_have_been_written_are_refused(tmp_path, change):
    clips(tmp_path)
    edited(tmp_path, change)
    with pytest.raises(BenchError, match="prepare it anew"):
        manifests.read(tmp_path)


@pytest.mark.parametrize("cached", [False, True])
def test_load_gives_targets_and_pages_or_luma(tmp_path, cached):
    made = collection(tmp_path / "data")
    cache = tmp_path / "cache" if cached else None
    for _ in range(2):
        for domain in made.domains:
            images = load(made.split(domain, "train"), Track("gray"), cache)
            assert images.ids == ("i0", "i1", "i2", "i3")
            assert images.groups == ("g0", "g0", "g1", "g1")
            assert images.targets.shape == (4, SIZE, SIZE, 3)
            assert images.targets.dtype == images.conditions.dtype == np.uint8
            assert images.targets.flags.c_contiguous
            assert images.conditions.flags.c_contiguous
            stored = np.asarray(Image.open(made.root / domain / "i2.png"))
            assert (images.targets[2] == stored).all()
            if domain == "anime":
                assert (images.conditions == luma(images.targets)).all()
            else:
                assert (images.conditions[2] == np.asarray(Image.open(made.root / domain / "i2.page.png"))).all()


def test_a_cache_is_used_and_a_broken_one_made_again(tmp_path):
    split = collection(tmp_path / "data").split("anime", "train")
    cache = tmp_path / "cache"
    first = load(split, Track("gray"), cache)
    (kept,) = cache.iterdir()
    assert split.digest in kept.name
    before = kept.read_bytes()
    for broken in (b"", before[:200], b"\x93NUMPY garbage"):
        kept.write_bytes(broken)
        assert (load(split, Track("gray"), cache).targets == first.targets).all()
        assert kept.read_bytes() == before
    for file in split.root.glob("anime/*.png"):
        file.unlink()
    assert (load(split, Track("gray"), cache).conditions == first.conditions).all()


def large_png() -> bytes:
    """A PNG that announces far more than the manifest's size."""
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"\0" * 1000)),
            (b"IEND", b""),
        )
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "text", "large", "gray", "deep", "other"])
def test_loading_names_the_damaged_file_and_the_remedy(tmp_path, damage):
    split = collection(tmp_path / "data").split("anime", "train")
    path = split.target_path(split.items[1])
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage in ("gray", "deep", "other"):
        mode = {"gray": "L", "deep": "I;16", "other": "RGB"}[damage]
        Image.new(mode, (SIZE, SIZE)).save(path)
    else:
        path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "text": b"text", "large": large_png()}[damage])
    with pytest.raises(BenchError, match=r"i1\.png.*run `bench data verify mine`") as caught:
        load(split, Track("gray"), tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_condition_that_is_not_made_here_is_refused(tmp_path):
    split = collection(tmp_path).split("anime", "train")
    with pytest.raises(BenchError, match="lineart"):
        load(split, Track("lineart"), None)


def test_any_path_can_be_written_and_read(tmp_path):
    image = np.arange(SIZE * SIZE * 3, dtype=np.uint8).reshape(SIZE, SIZE, 3)
    folder = tmp_path / "дом 'with' \"quotes\" &\n漫画"
    folder.mkdir()
    png.write(folder / "a.png", image)
    assert (png.read(folder / "a.png", image.shape) == image).all()
    assert (np.asarray(Image.open(folder / "a.png")) == image).all()
