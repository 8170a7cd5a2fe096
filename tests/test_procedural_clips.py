"""Clips of the drawn collection: motion that is smooth, colours that stay, textures that cling, honest splits."""

import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.data.procedural import FRAMES, Shot, check_probe, draw, draw_many, plan, plan_clips, render, texture
from bench.data.procedural.motion import play
from bench.data.procedural.probe import PINNED
from bench.errors import BenchError
from bench.types import DOMAINS

LEADERBOARDS = Path(__file__).parents[1] / "leaderboards"
SOME = [shot for shot in plan_clips(series=10) if shot.numbers[1] == shot.numbers[0] % 4]
"""One clip of each of ten series."""
RESTING = "s13-c00"
"""A clip whose camera rests."""


def clips(domain: str, size: int = 64, shots: list[Shot] = SOME) -> np.ndarray:
    """Shape (clips, frames, size, size, 3)."""
    frames = [draw(shot, domain, size).image for shot in shots]
    return np.stack(frames).reshape(-1, FRAMES, size, size, 3)


def numbered(clip: str) -> list[Shot]:
    return [shot for shot in plan_clips() if shot.clip == clip]


def test_clips_are_of_the_stills_series_and_split_as_they_are():
    shots = plan_clips()
    assert len(shots) == len({shot.id for shot in shots}) == 40 * 4 * FRAMES
    assert [shot.id for shot in shots] == sorted(shot.id for shot in shots)
    sides = defaultdict(set)
    for shot in (*plan(), *shots):
        sides[shot.series].add("train" if shot.split == "series" else shot.split)
    assert all(len(found) == 1 for found in sides.values())
    counts = Counter(shot.split for shot in shots)
    assert counts == {"train": 32 * 3 * 8, "series": 32 * 8, "val": 4 * 4 * 8, "test": 4 * 4 * 8}


def test_a_clip_is_whole_and_in_one_split():
    by_clip = defaultdict(list)
    for shot in plan_clips(series=12):
        by_clip[shot.clip].append(shot)
    for shots in by_clip.values():
        assert [shot.frame for shot in shots] == list(range(FRAMES))
        assert len({(shot.split, shot.series) for shot in shots}) == 1
    assert {shot.clip for shot in plan()} == {""}


def test_a_smaller_collection_begins_the_larger():
    assert set(plan_clips(series=8, clips=2)) < set(plan_clips(series=12, clips=4))


@pytest.mark.parametrize("wrong", [{"series": 0}, {"clips": 0}, {"seed": -1}])
def test_impossible_plans_are_refused(wrong: dict[str, int]):
    with pytest.raises(BenchError, match="needs seed"):
        plan_clips(**wrong)


@pytest.mark.parametrize("name", ["s00-c0-00", "s00-cc1-00", "s00-c00", "s00-c00-0", "c00-00", "s00-01-00"])
def test_an_id_of_another_form_is_refused(name: str):
    with pytest.raises(BenchError, match="s07-c02-05"):
        draw(Shot(name, "s00", "test"), "anime", 64)


def test_clip_frames_are_pinned_like_stills():
    assert sum("-c" in name for name in PINNED) == len(DOMAINS)
    assert check_probe() == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_number_of_workers_and_what_was_drawn_before_change_nothing(domain: str):
    shots = numbered("s02-c01")[:4]
    alone = [draw(shot, domain, 48) for shot in reversed(shots)][::-1]
    for a, b in zip(alone, draw_many(shots, domain, 48, workers=2), strict=True):
        assert np.array_equal(a.image, b.image)
        assert (a.page is None) == (b.page is None) == (domain != "manga")
        if a.page is not None and b.page is not None:
            assert np.array_equal(a.page, b.page)
    other = draw(shots[0], domain, 48, seed=1).image
    assert not np.array_equal(other, alone[0].image)


@pytest.mark.parametrize("domain", DOMAINS)
def test_motion_is_smooth(domain: str):
    found = clips(domain)
    steps = np.abs(np.diff(found.astype(int), axis=1)).mean(axis=(2, 3, 4))
    cuts = np.abs(np.diff(found[:, 0].astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < cuts.min() / 2, "a step within a clip is far from a cut to another"
    assert steps.mean() < cuts.mean() / 4
    # Nothing pops: no step stands out of its clip, and two steps differ more than one.
    assert (steps.max(axis=1) < 2.5 * steps.mean(axis=1)).all()
    double = np.abs(found[:, 2:].astype(int) - found[:, :-2]).mean(axis=(2, 3, 4))
    assert (double.mean(axis=1) > steps.mean(axis=1)).all()


@pytest.mark.parametrize("domain", DOMAINS)
def test_optical_flow_finds_motion_that_explains_the_next_frame(domain: str):
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1).astype(np.float32)
    lengths, before, after = [], [], []
    for images in clips(domain):
        one, two = images[3], images[4]
        gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (one, two)]
        flow = cv2.calcOpticalFlowFarneback(gray[0], gray[1], np.zeros_like(grid), 0.5, 3, 9, 3, 5, 1.1, 0)
        place = grid + flow
        warped = cv2.remap(two, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lengths.append(np.linalg.norm(flow, axis=-1).mean())
        before.append(np.abs(two.astype(int) - one).mean())
        after.append(np.abs(warped.astype(int) - one).mean())
    assert min(lengths) > 0.05
    assert 0.3 < np.mean(lengths) < 2.0, "pixels a frame at 64 px"
    assert np.mean(after) < 0.8 * np.mean(before)


def test_a_characters_colours_stay_over_a_clip():
    """The jaw beside the mouth, followed through clips that show one beardless face."""
    spreads, colours = [], []
    for first in plan_clips(series=24)[::FRAMES]:
        scene = play(first)
        if scene.size not in ("close", "medium") or scene.actors[0].character.beard:
            continue
        seen = []
        for shot in numbered(first.clip)[::3]:
            scene = play(shot)
            face = scene.actors[0]
            side = -1 if face.turn > 0 else 1
            x, y = scene.camera.point(face.x + side * 0.27 * face.size, face.y + 0.29 * face.size)
            column, row = round(x * 128), round(y * 128)
            patch = draw(shot, "cartoon", 128).image[row - 2 : row + 3, column - 2 : column + 3]
            seen.append(np.median(patch.reshape(-1, 3), axis=0))
        spreads.append(np.ptp(seen, axis=0).max())
        colours.append(seen[0])
    assert len(spreads) > 20
    # A shadow or a mouth may come over the place in a few.
    assert np.mean(np.array(spreads) <= 2) > 0.75
    assert np.mean(spreads) < np.std(colours, axis=0).mean() / 5, "other clips have other faces"


def rough(image: np.ndarray) -> np.ndarray:
    """What is finer than a few pixels, but coarser than film grain."""
    image = image.astype(np.float32)
    return cv2.GaussianBlur(image, (0, 0), 1.5) - cv2.GaussianBlur(image, (0, 0), 6)


def unlike(clip: str, domain: str, by: int) -> float:
    """How far the first and last frame differ above the people, once the last is shifted back `by` pixels."""
    one, two = (rough(draw(Shot(f"{clip}-{frame}", "", ""), domain, 256).image[:60]) for frame in ("00", "07"))
    left, right = max(by, 0), 256 + min(by, 0)
    return float(np.median(np.abs(two[:, left:right] - one[:, left - by : right - by])))


@pytest.mark.parametrize("domain", ["anime", "live-action"])
def test_texture_moves_with_the_camera(domain: str, monkeypatch: pytest.MonkeyPatch):
    panned = {}
    for clip in ("s00-c00", "s00-c01", "s01-c00"):
        first, last = (play(Shot(f"{clip}-{frame}", "", "")) for frame in ("00", "07"))
        assert first.indoors
        assert first.behind.a == last.behind.a == 1.0
        panned[clip] = round((last.behind.e - first.behind.e) * 256)
    followed = {clip: unlike(clip, domain, by) for clip, by in panned.items()}
    for clip, by in panned.items():
        assert followed[clip] < min(unlike(clip, domain, other) for other in (0, by - 8, by + 8)) / 3
    monkeypatch.setattr(
        render, "_texture", lambda canvas, part, scene: lambda kind: texture.still(canvas.side, kind, scene.grain)
    )
    fixed = [unlike(clip, domain, by) for clip, by in panned.items()]
    assert sum(followed.values()) < 0.8 * sum(fixed), "no better than a texture that stays on the screen"


def test_film_grain_is_new_in_every_frame_and_only_in_live_action():
    # The camera of this clip and all that is behind its one actor stand still.
    shots = numbered(RESTING)
    assert len({play(shot).behind for shot in shots}) == 1
    for domain in DOMAINS:
        corners = np.stack([draw(shot, domain, 64).image[:12, :12] for shot in shots])
        changed = [not np.array_equal(a, b) for a, b in pairwise(corners)]
        assert all(changed) if domain == "live-action" else not any(changed)


def test_what_a_threshold_decides_stays_the_same_over_a_clip():
    for first in plan_clips()[::FRAMES]:
        scenes = [play(shot) for shot in numbered(first.clip)]
        for takes in zip(*(scene.actors for scene in scenes), strict=True):
            assert len({(one.character, one.size, one.near, one.flip, one.walks) for one in takes}) == 1
            assert len({(one.turn > 0, one.turn > 0.2) for one in takes}) == 1
            feelings = [one.expression for one in takes]
            assert sum(a != b for a, b in pairwise(feelings)) <= 1
            assert sum(one.blink for one in takes) in (0, 2)
            for name in ("arms", "legs"):
                angles = np.array([getattr(one, name) for one in takes])
                assert np.abs(np.diff(angles, axis=0)).max() < 0.8


def test_a_clip_looks_the_same_in_every_domain():
    def coarse(domain: str) -> np.ndarray:
        gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in clips(domain)[:, 4]]
        flat = np.stack([cv2.resize(image, (10, 10), interpolation=cv2.INTER_AREA).ravel() for image in gray])
        return (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)

    cartoon = coarse("cartoon")
    for domain in DOMAINS[1:]:
        match = cartoon @ coarse(domain).T / 100
        assert np.diag(match).mean() > match[~np.eye(len(match), dtype=bool)].mean() + 0.4


@pytest.mark.parametrize(("domain", "split"), [("cartoon", "test"), ("manga", "series")])
def test_the_published_stills_are_unchanged(domain: str, split: str):
    """Draws one split of the stills and finds the digest that the committed records name."""
    from bench.data import png
    from bench.data.manifest import Item, Split
    from bench.data.standardize import RESAMPLER

    shots = [shot for shot in plan() if shot.split == split]
    items = []
    for shot, picture in zip(shots, draw_many(shots, domain, 64), strict=True):
        pixels = png.digest(picture.image, picture.page)
        items.append(Item(shot.id, domain, split, shot.series, "", pixels, picture.page is not None))
    made = Split(Path(), "procedural-v1", domain, split, 64, RESAMPLER, tuple(items))
    records = sorted(LEADERBOARDS.rglob(f"procedural-v1-64px.{domain}.{split}.gray.*.json"))
    assert records
    assert {json.loads(path.read_text())["split"]["digest"] for path in records} == {made.digest}
