"""The floor of ambiguity: Bayes' rule on the drawing's palettes, and no look at the pictures it is asked about."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

import baselines
from baselines import gray_floor, series_floor
from bench import floor, grid
from bench.color import luma, srgb_to_lab
from bench.data.procedural import Shot, draw, plan
from bench.data.procedural.regions import Region, regions
from bench.errors import BenchError
from bench.floor import Floor, Paint, curve, grays_of, palette
from bench.metrics.pixel import ciede2000, score_images
from bench.types import DOMAINS, Images

SIZE = 48
SHOTS = plan(series=5, pictures=14)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """A palette of fewer pictures; the published one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floor, "LAID", 80)
        patch.setattr(floor, "DRAWN", 24)
        yield


def pictures(split: str, domain: str, most: int = 5, of: tuple[Shot, ...] = SHOTS) -> Images:
    shots = [shot for shot in of if shot.split == split]
    shots = shots[:: -(-len(shots) // most)]
    drawn = [draw(shot, domain, SIZE) for shot in shots]
    return Images(
        ids=tuple(shot.id for shot in shots),
        groups=tuple(shot.series for shot in shots),
        targets=np.stack([one.image for one in drawn]),
        conditions=np.stack([luma(one.image) if one.page is None else one.page for one in drawn]),
    )


def error(predictions: np.ndarray, images: Images) -> float:
    return float(score_images(predictions, images.targets, 1)["ciede2000"].mean())


@pytest.mark.parametrize(
    "domain", ["cartoon", *(pytest.param(domain, marks=pytest.mark.slow) for domain in DOMAINS if domain != "cartoon")]
)
def test_it_is_far_below_gray(domain: str) -> None:
    train, images = pictures("train", domain, 3), pictures("test", domain)
    gray = np.repeat(images.conditions[..., None], 3, axis=-1)
    painted = gray_floor.fit(train)(images)
    assert painted.dtype == np.uint8
    assert error(painted, images) < 0.6 * error(gray, images)


@pytest.mark.slow
def test_who_knows_the_series_errs_less_and_on_others_the_same() -> None:
    whole = plan(series=3, pictures=48)
    train, known = pictures("train", "cartoon", 200, whole), pictures("series", "cartoon", 6, whole)
    unknown = pictures("test", "cartoon", 3)
    one, other = gray_floor.fit(train), series_floor.fit(train)
    assert error(other(known), known) < 0.8 * error(one(known), known)
    assert np.array_equal(one(unknown), other(unknown))


@pytest.mark.parametrize("series", [False, True])
def test_it_reads_no_target_and_no_other_image(series: bool) -> None:
    train, images = pictures("train", "manga", 3), pictures("series", "manga", 4)
    paint = Floor(train, series)
    whole = paint(images)
    hidden = dataclasses.replace(images, targets=np.zeros_like(images.targets))
    assert np.array_equal(paint(hidden), whole)
    order = np.arange(len(images))[::-1]
    assert np.array_equal(Floor(train, series)(images.at(order)), whole[order])


def test_the_palette_is_learned_from_other_series() -> None:
    assert floor.SEED != 0
    assert len(palette("anime", 80, 24).colors["person", "hair"]) > 10


def test_a_curve_has_the_gray_it_is_asked_for() -> None:
    for color, kind, hour in (((206, 52, 52), "cloth", "noon"), ((70, 104, 190), "hair", "golden")):
        paint = Paint(color, kind, hour, False, False)
        table, steps = curve(paint, "live-action"), grays_of(paint, "live-action")
        assert table.shape == (256, 3)
        grays = np.arange(40, 256)
        assert np.abs(table[40:] @ floor.WEIGHTS - grays).max() < 1
        assert steps.shape == (floor.LEVELS - 1,)
        assert (np.diff(steps) >= 0).all()


def test_the_answer_has_the_least_expected_error() -> None:
    paint = Floor(pictures("train", "cartoon", 1), False)
    red, blue = (Paint(color, "cloth", "noon", False, False) for color in ((206, 52, 52), (52, 98, 206)))
    alone, _ = paint._best({red: 1.0}, 100)
    assert np.array_equal(alone, curve(red, "cartoon"))

    def expected(answer: np.ndarray, odds: dict[Paint, float]) -> float:
        lab = srgb_to_lab(answer[100] / 255)
        return sum(
            share * float(ciede2000(lab, srgb_to_lab(curve(one, "cartoon")[100] / 255))) for one, share in odds.items()
        )

    sure, torn = {red: 0.95, blue: 0.05}, {red: 0.5, blue: 0.5}
    for odds in (sure, torn):
        best, _ = paint._best(odds, 100)
        for one in odds:
            assert expected(best, odds) <= expected(curve(one, "cartoon"), odds) + 1e-4
    assert np.array_equal(paint._best(sure, 100)[0], curve(red, "cartoon"))


def test_gray_decides_between_colours() -> None:
    """The true colour is always among the choices of a kind's whole palette, and more likely than before its gray."""
    paint = Floor(pictures("train", "cartoon", 1), False)
    shot = Shot("s03-001-00", "s03", "test")
    known = regions(shot, "cartoon", SIZE)
    grays = floor.middle_grays(known, luma(draw(shot, "cartoon", SIZE).image), "cartoon")
    likely = []
    for number, region in enumerate(known.regions):
        if (known.numbers == number).sum() >= 30 and region.kind in ("skin", "cloth", "hair"):
            choices = paint._choices(region, float(grays[number]), known.scene, "s03")
            assert sum(choices.values()) == pytest.approx(1, abs=0.02)
            likely.append(choices.get(floor._paint(region, known.scene), 0.0))
    assert len(likely) >= 4
    assert np.mean(likely) > 0.4


def test_other_pictures_are_refused() -> None:
    train = pictures("train", "anime", 2)
    changed = dataclasses.replace(train, targets=train.targets ^ 1)
    foreign = dataclasses.replace(train, ids=("cover", "page-2"))
    empty = train.at(np.arange(0))
    for wrong in (changed, foreign, empty):
        with pytest.raises(BenchError, match="known on procedural-v1 alone"):
            Floor(wrong, False)
    paint = Floor(train, False)
    tiny = Images(("s00-000-00",), ("s00",), np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 32), np.uint8))
    with pytest.raises(BenchError, match="cannot paint 32 px"):
        paint(tiny)
    scene = regions(Shot("s00-000-00", "", ""), "anime", 32).scene
    with pytest.raises(BenchError, match="no other series"):
        paint._choices(Region("caption", "", (1, 1, 1), 0), 9.0, scene, "s00")


def test_elsewhere_it_is_absent_and_says_why() -> None:
    for name in ("gray-floor", "series-floor"):
        assert grid.barred(baselines, name, "procedural-v1") == ""
        assert grid.barred(baselines, name, "open-v1") == f"{name} needs what only procedural-v1 can tell, not open-v1."
    assert grid.barred(baselines, "gray-copy", "open-v1") == ""
