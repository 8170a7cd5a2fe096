"""The drawn collection: the same pixels everywhere, honest splits, four styles of one scene."""

import json
import subprocess
import sys
from collections import Counter, defaultdict

import cv2
import numpy as np
import pytest

from bench.data.procedural import Shot, check_probe, draw, draw_many, plan, probe, workers
from bench.data.procedural.canvas import Canvas, Frame
from bench.data.procedural.palette import HOURS, base_colors
from bench.data.procedural.scene import compose
from bench.errors import BenchError
from bench.types import DOMAINS

SMALL = plan(series=6, pictures=8)


def luma(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def test_groups_never_cross_splits():
    shots = plan()
    assert len(shots) == len({shot.id for shot in shots}) == 40 * 48
    splits = defaultdict(set)
    for shot in shots:
        splits[shot.series].add(shot.split)
        assert shot.id.startswith(f"{shot.series}-")
    assert Counter(frozenset(found) for found in splits.values()) == {
        frozenset({"train", "series"}): 32,
        frozenset({"val"}): 4,
        frozenset({"test"}): 4,
    }
    counts = Counter(shot.split for shot in shots)
    assert counts["val"] == counts["test"] == 4 * 48
    assert 0.09 < counts["series"] / (32 * 48) < 0.16


def test_series_split_holds_out_whole_shots():
    by_shot = defaultdict(set)
    for shot in plan(series=20):
        by_shot[shot.id.rsplit("-", 1)[0]].add(shot.split)
    assert all(len(found) == 1 for found in by_shot.values())


def test_a_smaller_collection_begins_the_larger():
    larger = set(plan(series=12, pictures=48))
    assert set(plan(series=8, pictures=16)) < larger
    assert {shot.split for shot in plan(series=8, pictures=16)} == {"train", "val", "test", "series"}


@pytest.mark.parametrize("wrong", [{"series": 0}, {"pictures": 0}, {"seed": -1}])
def test_impossible_plans_are_refused(wrong: dict[str, int]):
    with pytest.raises(BenchError, match="needs seed"):
        plan(**wrong)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_number_of_workers_changes_nothing(domain: str):
    shots = SMALL[:5]
    alone = list(draw_many(shots, domain, 48, workers=1))
    spread = list(draw_many(shots, domain, 48, workers=2))
    assert len(alone) == len(spread) == len(shots)
    for shot, a, b in zip(shots, alone, spread, strict=True):
        again = draw(shot, domain, 48)
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.image, again.image)
        if domain == "manga":
            assert a.page is not None
            assert b.page is not None
            assert np.array_equal(a.page, b.page)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("raise SystemExit(3)", "ended with status 3, and why stands above"),
        ("import os, sys; sys.stdin.read(); os.kill(os.getpid(), 9)", "was killed by signal 9"),
    ],
)
def test_a_process_that_dies_while_it_draws_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, code: str, how: str
) -> None:
    def dying() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if "stdin" not in code:
            process.wait()  # gone before it is told what to draw
        return process

    monkeypatch.setattr(workers, "_start", dying)
    with pytest.raises(
        BenchError, match=rf"picture {SMALL[0].id} \(anime\) from a process .* it {how}; .*give the same"
    ):
        list(draw_many(SMALL, "anime", 32, workers=2))


def test_a_shot_is_the_same_whatever_was_drawn_before():
    first = draw(SMALL[3], "anime", 64).image
    for shot in SMALL[10:14]:
        draw(shot, "manga", 64)
        draw(shot, "live-action", 96)
    assert np.array_equal(draw(Shot(SMALL[3].id, "s00", "test"), "anime", 64).image, first)
    assert not np.array_equal(draw(SMALL[3], "anime", 64, seed=1).image, first)


def test_one_thread_draws_the_same():
    code = (
        "import cv2, json; cv2.setNumThreads(1); cv2.setUseOptimized(False);"
        "from bench.data.procedural import probe; print(json.dumps(probe()))"
    )
    came = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(came) == probe()


def test_probe_matches_the_pinned_digests(monkeypatch: pytest.MonkeyPatch):
    assert check_probe() == []
    monkeypatch.setitem(sys.modules["bench.data.procedural.probe"].PINNED, "anime/s00-000-00", "0" * 16)
    lines = check_probe()
    assert len(lines) == 1
    assert "draws procedural-v1 differently: anime/s00-000-00" in lines[0]


@pytest.mark.parametrize("size", [32, 45, 128, 512])
def test_sizes(size: int):
    picture = draw(SMALL[1], "manga", size)
    assert picture.image.shape == (size, size, 3)
    assert picture.page is not None
    assert picture.page.shape == (size, size)
    assert picture.image.dtype == picture.page.dtype == np.uint8


@pytest.mark.parametrize("domain", DOMAINS)
def test_composition_does_not_depend_on_size(domain: str):
    for shot in SMALL[::12]:
        large = cv2.resize(draw(shot, domain, 256).image, (32, 32), interpolation=cv2.INTER_AREA)
        small = cv2.resize(draw(shot, domain, 64).image, (32, 32), interpolation=cv2.INTER_AREA)
        assert np.abs(large.astype(int) - small).mean() < 8


@pytest.mark.parametrize(("domain", "size"), [("comic", 64), ("anime", 16), ("anime", 1024)])
def test_what_cannot_be_drawn_is_refused(domain: str, size: int):
    with pytest.raises(BenchError):
        draw(SMALL[0], domain, size)
    with pytest.raises(BenchError):
        draw_many(SMALL, domain, size)


def test_an_id_of_another_form_is_refused():
    with pytest.raises(BenchError, match="s07-012-03"):
        draw(Shot("../x", "s00", "test"), "anime", 64)


def test_manga_pages_are_ink_on_paper_and_images_have_colour():
    white, colour = [], []
    for shot in SMALL[::4]:
        picture = draw(shot, "manga", 128)
        assert picture.page is not None
        white.append((picture.page > 200).mean())
        assert picture.page.min() < 40, "no ink"
        spread = picture.image.max(axis=2).astype(int) - picture.image.min(axis=2)
        colour.append((spread > 30).mean())
    assert np.mean(white) > 0.5
    assert np.mean(colour) > 0.4


def test_only_manga_has_a_page():
    assert [draw(SMALL[0], domain, 32).page is None for domain in DOMAINS] == [True, True, True, False]


def outlines(image: np.ndarray) -> float:
    """The share of pixels on thin dark lines: much darker than a 5 px closing of the luma makes them, and dark."""
    gray = luma(image)
    closed = cv2.morphologyEx(gray, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return float(((closed.astype(int) - gray > 50) & (gray < 70)).mean())


def test_live_action_has_no_black_outlines():
    shots = SMALL[::4]
    share = {d: np.mean([outlines(draw(s, d, 128).image) for s in shots]) for d in ("cartoon", "live-action")}
    assert share["cartoon"] > 0.04
    assert share["live-action"] < share["cartoon"] / 3


def test_a_shot_has_the_same_layout_in_every_domain():
    def coarse(shot: Shot, domain: str) -> np.ndarray:
        gray = cv2.resize(luma(draw(shot, domain, 64).image), (10, 10), interpolation=cv2.INTER_AREA).ravel()
        return (gray - gray.mean()) / gray.std()

    shots = SMALL[::5]
    features = {domain: np.stack([coarse(shot, domain) for shot in shots]) for domain in DOMAINS}
    for domain in DOMAINS[1:]:
        match = features["cartoon"] @ features[domain].T / 100
        assert np.diag(match).mean() > 0.7
        others = match[~np.eye(len(shots), dtype=bool)]
        assert np.diag(match).mean() > others.mean() + 0.4


def test_characters_keep_their_colours_within_a_series():
    seen: Counter[str] = Counter()
    for shot in plan(series=3, pictures=48):
        scene = compose(shot)
        if scene.hour != "noon" or scene.indoors or scene.size not in ("medium", "full"):
            continue
        who = scene.actors[0].character
        image = draw(shot, "cartoon", 128).image
        for color, kind in ((who.skin, "skin"), (who.top, "cloth")):
            drawn = base_colors([color], [kind], "cartoon", HOURS["noon"].light)[0]
            near = np.abs(image.astype(int) - drawn).max(axis=2) <= 3
            assert near.sum() >= 40, (shot.id, kind)
        seen[f"{shot.series} {who.name}"] += 1
    assert max(seen.values()) >= 3, "no character came often enough to tell"


def test_a_crowded_layer_keeps_its_last_part():
    canvas = Canvas(64)
    parts = [canvas.part((k % 256, 0, 0), "cloth") for k in range(300)]
    assert max(parts) == 255
    canvas.rect(Frame(), 0.0, 0.0, 1.0, 1.0, parts[-1])
    assert (canvas.pixels[..., 0] == 255).all()
