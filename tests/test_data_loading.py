"""A split in memory: every condition and guidance of a track, clips, and what is kept."""

import errno
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import conditions, guidance
from bench.data import loading, png
from bench.data import manifest as manifests
from bench.data.loading import load
from bench.data.manifest import Item, Manifest, Split, in_order
from bench.errors import BenchError
from bench.types import CONDITIONS, Images, Track

SIZE = 32


def split(root: Path, pages: bool = True, clips: bool = False) -> Split:
    """Five manga images; of clips two, of three frames and two."""
    rng = np.random.default_rng(0)
    (root / "manga").mkdir(parents=True)
    items = []
    for number in range(5):
        target = rng.integers(0, 256, (SIZE // 4, SIZE // 4, 3)).repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)
        page = rng.integers(0, 256, (SIZE, SIZE), dtype=np.uint8) if pages else None
        clip, frame = ("a", number) if number < 3 else ("b", number - 3)
        place = {"clip": clip, "frame": frame} if clips else {}
        digest = png.digest(target, page)
        item = Item(f"{clip}{frame}", "manga", "test", "g", f"{number}.png", digest, page is not None, **place)
        png.write(manifests.target_path(root, item), target)
        if page is not None:
            png.write(manifests.page_path(root, item), page)
        items.append(item)
    return Manifest(root, "mine", "1", SIZE, in_order(items), clips=clips).split("manga", "test")


def same(first: Images, second: Images) -> bool:
    arrays = ("targets", "conditions", "hints", "palettes")
    return (first.ids, first.groups, first.frames) == (second.ids, second.groups, second.frames) and all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in arrays
    )


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("pages", [True, False])
def test_every_condition_is_made_from_target_and_page(tmp_path: Path, condition: str, pages: bool) -> None:
    made = split(tmp_path, pages)
    if condition == "lineart-drawn" and not pages:
        with pytest.raises(
            BenchError, match=r"manga/a0 of mine comes without a drawn page; lineart-canny or"
        ) as caught:
            load(made, Track(condition))
        assert "\n" not in str(caught.value)
        return
    images = load(made, Track(condition))
    assert (images.hints, images.palettes, images.frames) == (None, None, None)
    for place, item in enumerate(made.items):
        target, page = manifests.load_item(tmp_path, item, SIZE)
        assert np.array_equal(images.targets[place], target)
        assert np.array_equal(images.conditions[place], conditions.condition(condition, target, page))


def test_guidance_is_told_on_its_tracks(tmp_path: Path) -> None:
    made = split(tmp_path)
    for name in ("gray+hints", "lineart-canny+reference", "screentone"):
        images = load(made, Track.parse(name))
        assert (images.hints is None) == ("hints" not in name)
        assert (images.palettes is None) == ("reference" not in name)
        for place, target in enumerate(images.targets):
            if images.hints is not None:
                assert np.array_equal(images.hints[place], guidance.hints(target, images.ids[place]))
            if images.palettes is not None:
                assert np.array_equal(images.palettes[place], guidance.palette(target))


def test_clips_come_in_order_with_their_frames(tmp_path: Path) -> None:
    made = split(tmp_path, clips=True)
    for name in ("gray+previous", "gray+previous-true", "lineart-drawn+hints+previous"):
        images = load(made, Track.parse(name))
        assert images.ids == ("a0", "a1", "a2", "b0", "b1")
        assert images.frames == (0, 1, 2, 0, 1)


def test_clips_and_stills_are_not_taken_for_each_other(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"gray\+previous needs clips, and mine/manga/test:\w+ holds stills; leave"):
        load(split(tmp_path / "stills"), Track.parse("gray+previous"))
    with pytest.raises(BenchError, match=r"gray\+hints needs stills, and mine/manga/test-clips:\w+ holds clips; add"):
        load(split(tmp_path / "clips", clips=True), Track.parse("gray+hints"))


def test_each_condition_is_kept_and_guidance_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAPPED", 1)
    made, cache = split(tmp_path / "data"), tmp_path / "cache"
    tracks = [Track.parse(name) for name in ("gray", "gray+hints", "lineart-canny", "lineart-sketch+reference")]
    first = [load(made, track, cache) for track in tracks]
    assert len(list(cache.iterdir())) == 3  # guidance does not change what is kept
    for file in made.root.glob("manga/*.png"):
        file.unlink()
    for track, images in zip(tracks, first, strict=True):
        again = load(made, track, cache)
        assert same(again, images)
        for one in (images, again):  # a large split need not be in memory whole, and what is written to it stays here
            assert isinstance(one.targets, np.memmap)
        again.targets[:] = 0
        assert same(load(made, track, cache), images)
    monkeypatch.setattr(conditions, "VERSION", conditions.VERSION + 1)
    with pytest.raises(BenchError, match=r"a0\.png"):  # kept under other rules: made again, from files that are gone
        load(made, tracks[2], cache)


def test_what_another_process_kept_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be mapped there: a file that is replaced under a map is lost on some network disks."""
    monkeypatch.setattr(loading, "MAPPED", 1)
    made, cache, decode = split(tmp_path / "data"), tmp_path / "cache", loading._decode
    kept = []

    def slow(*given: Any) -> None:
        monkeypatch.setattr(loading, "_decode", decode)
        load(made, Track("gray"), cache)
        (path,) = cache.iterdir()
        kept.append((path, path.stat().st_ino))
        decode(*given)

    monkeypatch.setattr(loading, "_decode", slow)
    images = load(made, Track("gray"), cache)
    ((path, number),) = kept
    assert path.stat().st_ino == number
    assert isinstance(images.targets, np.memmap)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("trouble", ["no folder can be made", "no space left"])
def test_a_disk_that_takes_nothing_ends_no_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    made, cache = split(tmp_path / "data"), tmp_path / "cache"
    if trouble == "no space left":
        monkeypatch.setattr(loading.files, "whole", full)
    else:
        cache.write_bytes(b"")
    assert same(load(made, Track("gray"), cache), load(made, Track("gray")))


def test_keeping_takes_no_second_copy_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAPPED", 1)
    made = replace(split(tmp_path / "data"), size=1024)
    whole = len(made) * 1024 * 1024 * 4

    def blank(split: Split, condition: str, targets: np.ndarray, conditions: np.ndarray) -> None:
        targets[:], conditions[:] = 3, 4

    monkeypatch.setattr(loading, "_decode", blank)
    tracemalloc.start()
    images = load(made, Track("gray"), tmp_path / "cache")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(images.targets, np.memmap)
    assert (images.targets[-1, -1, -1, -1], images.conditions[0, 0, 0]) == (3, 4)
    assert whole <= most < 1.2 * whole


def test_an_image_without_a_page_is_named_even_if_kept(tmp_path: Path) -> None:
    made, cache = split(tmp_path / "data", pages=False), tmp_path / "cache"
    with pytest.raises(BenchError, match="manga/a0"):
        load(made, Track("lineart-drawn"), cache)
    assert not cache.exists()
