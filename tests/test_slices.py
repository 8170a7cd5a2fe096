"""Slices: labels measured on made images, labels that a split knows, and the numbers of each slice."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.errors import BenchError
from bench.slices import breakdown, masks, measure
from bench.statistics import summarize_all

SIDE = 128


def plain(code: tuple[int, int, int], side: int = SIDE) -> np.ndarray:
    return np.full((side, side, 3), code, np.uint8)


def noisy(code: tuple[int, int, int], by: int = 20, side: int = SIDE) -> np.ndarray:
    shift = np.random.default_rng(0).integers(-by, by + 1, (side, side, 3))
    return np.clip(np.array(code) + shift, 0, 255).astype(np.uint8)


def framed(share: float, side: int = SIDE) -> np.ndarray:
    """A plain square of so large a share in noise."""
    picture = noisy((120, 90, 60), side=side)
    edge = round(side * share**0.5)
    picture[:edge, :edge] = (200, 80, 40)
    return picture


def captioned(picture: np.ndarray, bottom: float = 0.88) -> np.ndarray:
    large = cv2.resize(picture, (512, 512))
    for paint, width in (((0, 0, 0), 7), ((255, 255, 255), 2)):
        place = (40, round(512 * bottom))
        cv2.putText(large, "Where are we going?", place, cv2.FONT_HERSHEY_SIMPLEX, 1.2, paint, width, cv2.LINE_AA)
    return cv2.resize(large, picture.shape[1::-1], interpolation=cv2.INTER_AREA)


def lined(every: int) -> np.ndarray:
    picture = plain((210, 180, 150))
    picture[::every] = 20
    return picture


def label(name: str, *pictures: np.ndarray) -> list:
    return measure(np.stack(pictures))[f"measured-{name}"].tolist()


def test_dark_and_near_white() -> None:
    half = plain((200, 200, 200))
    half[: SIDE // 2 - 2] = 10
    more = plain((200, 200, 200))
    more[: SIDE // 2 + 2] = 10
    pictures = (plain((40, 40, 40)), plain((60, 60, 60)), half, more, plain((240, 240, 240)))
    assert label("dark", *pictures) == [True, False, False, True, False]
    assert label("near-white", *pictures, plain((215, 215, 215))) == [False, False, False, False, True, False]


def test_large_flat_area() -> None:
    ramp = np.repeat(np.arange(SIDE, dtype=np.uint8)[:, None, None] + 60, SIDE, 1).repeat(3, 2)  # a smooth sky
    pictures = (plain((9, 99, 199)), framed(0.15), framed(0.35), noisy((120, 90, 60)), ramp)
    assert label("large-flat-area", *pictures) == [True, False, True, False, True]


def test_grayish() -> None:
    assert label("gray-ish", plain((128, 128, 128)), plain((140, 128, 120)), plain((128, 128, 135))) == [
        True,
        False,
        True,
    ]


def test_line_density_grows_with_lines_and_not_with_size() -> None:
    few, many = label("line-density", lined(32), lined(8))
    assert 0 < few < many / 3
    assert few == pytest.approx(1 / 32, rel=0.1)
    assert label("line-density", plain((0, 0, 0)), plain((255, 255, 255))) == [0, 0]
    doubled = np.repeat(np.repeat(lined(16), 2, 0), 2, 1)
    assert label("line-density", doubled)[0] == pytest.approx(label("line-density", lined(16))[0], rel=0.3)


@pytest.mark.parametrize("side", [SIDE, 256])
def test_captions(side: int) -> None:
    smooth = cv2.GaussianBlur(noisy((90, 120, 80), 60, side), (0, 0), 6)
    page = plain((255, 255, 255), side)
    page[:, :: side // 24] = 0  # a white page's gaps between lines are no letters
    bars = smooth.copy()
    bars[:, :: side // 32] = 255  # strokes everywhere, as a fence's
    pictures = (
        captioned(smooth),
        smooth,
        captioned(smooth, bottom=0.3),
        page,
        bars,
        captioned(plain((0, 0, 90), side)),
    )
    assert label("captions", *pictures) == [True, False, False, False, False, True]


def test_captions_are_not_told_in_small_images() -> None:
    small, large = (measure(plain((0, 0, 0), side)[None]) for side in (64, SIDE))
    assert large.keys() - small.keys() == {"measured-captions"}


def test_only_images_are_measured() -> None:
    with pytest.raises(BenchError, match=r"uint8 images of shape \(n, height, width, 3\); got float64 \(1, 8, 8, 3\)"):
        measure(np.zeros((1, 8, 8, 3)))


def test_columns_become_slices() -> None:
    columns = {
        "dark": [True, False, False, True],
        "time": ["night", "day", "", "day"],
        "people": [0, 1, 2, 9],
        "motion": [np.nan, 0.5, 0.5, 0.5],
        "unknown": np.full(4, np.nan),
    }
    made = {name: mask.tolist() for name, mask in masks(columns).items()}
    assert made == {
        "dark": [True, False, False, True],
        "time:day": [False, True, False, True],
        "time:night": [True, False, False, False],
        "people:low": [True, True, False, False],
        "people:middle": [False, False, True, False],
        "people:high": [False, False, False, True],
        "motion:low": [False, True, True, True],
    }


def test_thirds_are_thirds() -> None:
    made = masks({"lines": np.random.default_rng(0).random(300)})
    assert [int(mask.sum()) for mask in made.values()] == [100, 100, 100]
    assert np.sum(list(made.values()), axis=0).tolist() == [1] * 300


def test_bad_columns_are_named() -> None:
    with pytest.raises(BenchError, match=r"one value an image each; got lengths \{'a': 2, 'b': 1\}"):
        masks({"a": [True, False], "b": [True]})


def test_names_are_no_labels() -> None:
    assert len(masks({"place": [f"{number}" for number in range(24)]})) == 24
    assert masks({"file": [f"{number}" for number in range(25)]}) == {}


def test_each_slice_has_its_own_numbers() -> None:
    rng = np.random.default_rng(0)
    values = {"l1": rng.random(60), "psnr": rng.random(60) * 30}
    groups = [f"g{place % 5}" for place in range(60)]
    mask = np.arange(60) % 3 == 0
    made = breakdown(values, groups, {"some": mask, "all": np.ones(60, bool)})
    some = [group for group, inside in zip(groups, mask, strict=True) if inside]
    assert made["some"].summaries == summarize_all({k: v[mask] for k, v in values.items()}, some, resamples=2_000)
    assert made["all"].summaries["l1"].value == summarize_all({"": values["l1"]}, groups)[""].value
    assert (made["some"].n, made["some"].groups, made["some"].absent) == (20, 5, "")


def test_a_slice_that_is_too_small_says_so() -> None:
    values, groups = {"l1": np.arange(20.0)}, ["a"] * 10 + ["b"] * 10
    of = {"few": np.arange(20) % 3 == 0, "one": np.arange(20) < 10, "none": np.zeros(20, bool)}
    made = breakdown(values, groups, of)
    assert {name: one.absent for name, one in made.items()} == {
        "few": "7 images of 2 groups; it takes 8 of 2",
        "one": "10 images of 1 groups; it takes 8 of 2",
        "none": "0 images of 0 groups; it takes 8 of 2",
    }
    assert all(not one.summaries for one in made.values())
    with pytest.raises(ValueError, match="tells of 3 images, not of 20"):
        breakdown(values, groups, {"bad": np.ones(3, bool)})


def test_frames_in_a_slice_stay_in_their_clips() -> None:
    """A long clip weighs as much as a short one, also where the slice cuts into them."""
    frames = [*range(10), *range(2), *range(4)]
    groups = ["a"] * 12 + ["b"] * 4
    values = np.array([1.0] * 10 + [3.0] * 2 + [7.0] * 4)
    mask = np.ones(16, bool)
    mask[[0, 1, 10, 13]] = False
    found = breakdown({"l1": values}, groups, {"most": mask}, frames=frames)["most"].summaries["l1"]
    assert found.value == ((1 + 3) / 2 + 7) / 2


@pytest.mark.skipif("CHROMABENCH_SHARED" not in os.environ, reason="CHROMABENCH_SHARED names no folder of real images")
def test_real_pages_are_grayish_and_white_and_backgrounds_are_not() -> None:
    home = Path(os.environ["CHROMABENCH_SHARED"], "testpack")

    def some(folder: str) -> dict[str, np.ndarray]:
        found = sorted(home.joinpath(folder).rglob("*.[jp][pn]g"))
        pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in found[:: max(1, len(found) // 16)]]
        return measure(np.stack([cv2.resize(one[..., ::-1], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
                                 for one in pictures if one is not None]))  # fmt: skip

    pages, views = some("manga"), some("anime/renpy_bg")
    assert pages["measured-gray-ish"].mean() > 0.9 > 0.1 > views["measured-gray-ish"].mean()
    assert pages["measured-line-density"].mean() > 1.3 * views["measured-line-density"].mean()
    assert not views["measured-captions"].any()
