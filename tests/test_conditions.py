"""What a model is shown: which rule makes it, from what, and to the byte."""

import hashlib

import cv2
import numpy as np
import pytest
from skimage.feature import canny as skimage_canny

from bench.color import luma
from bench.conditions import _blurred, _taps, canny, condition, is_ink, screentone, sharpened, sketch
from bench.errors import BenchError
from bench.types import CONDITIONS

LINES = ("lineart-canny", "lineart-sketch", "lineart-sharpened")

DIGESTS = {
    "gray": "d4fe6264c0a6fa18",
    "lineart-canny": "d63508fdba811173",
    "lineart-sketch": "b20d4ded7a2ba3e3",
    "lineart-sharpened": "adc2b85043dbee6d",
    "screentone": "b697fa915bbb3a54",
}
"""The first 16 digits of the SHA-256 of each condition of `scene()`; any change of a rule shows here."""


def flat(level: int, side: int = 128) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def scene(side: int = 96) -> np.ndarray:
    """Colored discs with outlines over a gradient, in whole numbers only."""
    y, x = np.mgrid[:side, :side]
    image = np.stack([80 + y, 200 - y // 2, 120 + x // 2], axis=-1)
    for number in range(6):
        cy, cx, radius = 10 + number * 37 % side, 12 + number * 53 % side, 8 + 3 * number
        distance = (y - cy) ** 2 + (x - cx) ** 2
        image[distance <= radius**2] = (40 * number, 230 - 30 * number, 60 + 25 * number)
        image[(distance <= radius**2) & (distance > (radius - 2) ** 2)] = 20
    return image.astype(np.uint8)


def drawing(side: int = 96) -> np.ndarray:
    """A page of dark pencil lines on gray paper."""
    page = np.full((side, side), 225, np.uint8)
    cv2.circle(page, (side // 2, side // 2), side // 3, 120, 1)
    page[:, side // 4] = 120
    return page


@pytest.mark.parametrize("name", DIGESTS)
def test_every_machine_makes_the_same_bytes(name: str) -> None:
    made = condition(name, scene())
    assert hashlib.sha256(made.tobytes()).hexdigest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("size", [(32, 32), (33, 33), (64, 48), (257, 257)])
def test_a_condition_is_one_byte_a_pixel_of_the_image(name: str, size: tuple[int, int]) -> None:
    target = np.ascontiguousarray(np.resize(scene(300), (*size, 3)))
    made = condition(name, target, np.full(size, 255, np.uint8) if name == "lineart-drawn" else None)
    assert made.shape == size
    assert made.dtype == np.uint8


@pytest.mark.parametrize("name", CONDITIONS)
def test_where_a_page_is_drawn_nothing_else_is_told(name: str) -> None:
    page = drawing()
    shown = condition(name, scene(), page)
    assert np.array_equal(shown, condition(name, flat(77, 96), page))
    assert np.array_equal(shown, page) == (name not in LINES)


def test_without_a_page_gray_is_luma_and_nobodys_lines_are_an_error() -> None:
    assert np.array_equal(condition("gray", scene()), luma(scene()))
    assert np.array_equal(condition("screentone", scene()), screentone(scene()))
    with pytest.raises(BenchError, match="artist's own lines"):
        condition("lineart-drawn", scene())
    with pytest.raises(BenchError, match="unknown condition 'lineart-cany'"):
        condition("lineart-cany", scene())


@pytest.mark.parametrize("name", LINES)
def test_lines_are_dark_on_white_and_where_the_drawing_has_them(name: str) -> None:
    image = flat(230)
    image[:, 60:62] = 60
    shown = condition(name, image)
    assert (shown[:, 58:64].min(axis=1) == 0).all()
    assert (shown[:, :50] == 255).all()
    assert (shown[:, 72:] == 255).all()


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("level", [0, 90, 255])
def test_an_even_image_has_no_lines(name: str, level: int) -> None:
    assert (condition(name, flat(level)) == 255).all()
    noisy = flat(level) ^ np.random.default_rng(0).integers(0, 2, (128, 128, 1), dtype=np.uint8)
    assert (condition(name, noisy) == 255).all()


@pytest.mark.parametrize("name", LINES)
def test_channels_are_read_as_red_green_blue(name: str) -> None:
    """Two colors of one luma have no line between them; read as BGR they are far apart."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = (200, 20, 0), (0, 20, 200)
    image[:, 32:, 1] = 20 + round((299 - 114) * 200 / 587)
    assert np.ptp(luma(image)) <= 1
    assert (condition(name, image) == 255).all()
    assert (condition(name, image[..., ::-1].copy()) == 0).any()


def test_the_blur_is_exact() -> None:
    gray = np.random.default_rng(1).integers(0, 256, (40, 53), dtype=np.uint8)
    gray[:9] = 255  # the largest sums
    for sigma in (0.64, 1.0, 1.5, 2.56, 4.1):
        taps = _taps(sigma).astype(np.int64)
        assert taps.sum() == 256
        assert (taps == taps[::-1]).all()
        assert (taps >= 0).all()
        radius = len(taps) // 2
        wide = np.pad(gray.astype(np.int64), radius, mode="reflect")
        down = np.sum([tap * wide[place : place + 40] for place, tap in enumerate(taps)], axis=0)
        both = np.sum([tap * down[:, place : place + 53] for place, tap in enumerate(taps)], axis=0)
        assert np.array_equal(_blurred(gray, sigma), both)


def test_canny_is_scikit_images_to_a_pixel_here_and_there() -> None:
    gray = luma(scene(256))
    edges = skimage_canny(gray, sigma=1)
    ours = canny(gray) == 0
    assert 2 * (edges & ours).sum() / (edges.sum() + ours.sum()) > 0.85
    near = cv2.dilate(edges.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (near & ours).sum() / ours.sum() > 0.97


def test_a_sketch_is_the_difference_from_a_blur() -> None:
    gray = luma(scene(200))
    depth = np.clip(_blurred(gray, 3 / 512 * 200) / 65536 - gray, 0, None)
    strongest = np.sort(depth.ravel())[-(depth.size // 50) - 1]
    assert strongest > 16
    wanted = 255 * (1 - np.clip((depth - 0.1 * strongest) / (0.9 * strongest), 0, 1))
    # Depth is kept in sixteenths of a level.
    assert np.abs(sketch(gray) - wanted).max() <= 0.5 + 255 / (0.9 * strongest) / 8


@pytest.mark.parametrize("side", [64, 200, 700])
def test_sharpening_is_an_unsharp_mask_to_the_byte(side: int) -> None:
    drawing = sketch(luma(scene(side)))
    sigma = max(1.0, 3 / 512 * side)
    taps = _taps(sigma).astype(np.int64)
    radius = len(taps) // 2
    wide = np.pad(drawing.astype(np.int64), radius, mode="reflect")
    down = np.sum([tap * wide[place : place + side] for place, tap in enumerate(taps)], axis=0)
    smooth = np.sum([tap * down[:, place : place + side] for place, tap in enumerate(taps)], axis=0) / 65536
    wanted = np.clip(np.floor(2.0 * drawing - smooth + 0.5), 0, 255)
    assert np.array_equal(sharpened(drawing), wanted)
    assert (sharpened(np.full_like(drawing, 255)) == 255).all()


def test_what_is_sharpened_is_the_sketch_and_its_strokes_grow_darker() -> None:
    shown, plain = condition("lineart-sharpened", scene()), condition("lineart-sketch", scene())
    assert np.array_equal(shown, sharpened(plain))
    gray = (plain > 64) & (plain < 160)
    assert shown[gray].mean() < plain[gray].mean() - 5
    assert (shown == 0).sum() > 1.2 * (plain == 0).sum()
    ink = screentone(scene())
    assert np.array_equal(condition("lineart-sharpened", scene(), ink), sharpened(sketch(ink, ink=True)))


def test_a_faint_sketch_is_not_blown_up() -> None:
    faint = flat(200)
    faint[:, 60:62] = 190
    assert 128 < sketch(luma(faint)).min() < 255


@pytest.mark.parametrize("side", [64, 128, 256])
@pytest.mark.parametrize("level", [150, 90])
def test_screentones_of_an_ink_page_are_no_lines(side: int, level: int) -> None:
    image = flat(level, side)
    image[: side // 8] = 0
    page = screentone(image)
    assert is_ink(page)
    tone = slice(side // 4, -side // 8)
    assert (condition("lineart-canny", image, page)[tone] == 255).all()
    if side > 100:  # below, the sketch keeps its lines rather than lose its dots
        dots = 255 - sketch(page)[tone].mean()
        assert 255 - condition("lineart-sketch", image, page)[tone].mean() < 0.4 * dots
    edge = condition("lineart-canny", image, page)[side // 8 - 4 : side // 8 + 5]
    assert (edge.min(axis=0) == 0).mean() > 0.9


def test_pencil_lines_are_not_blurred_away() -> None:
    page = drawing(256)
    assert not is_ink(page)
    shown = condition("lineart-canny", scene(256), page)
    assert np.array_equal(shown, canny(page))
    assert (shown[:, 60:69].min(axis=1) == 0).mean() > 0.95
    page[:6] = 64
    assert is_ink(page)
    page[:6] = 65
    assert not is_ink(page)


@pytest.mark.parametrize(("level", "ink"), [(255, 0.0), (200, 0.0), (150, 0.18), (90, 0.40), (30, 1.0)])
def test_tones_cover_what_the_rule_says(level: int, ink: float) -> None:
    page = screentone(flat(level))
    assert set(np.unique(page)) <= {0, 255}
    assert (page == 0).mean() == pytest.approx(ink, abs=0.07)


def test_darker_areas_never_carry_less_ink() -> None:
    ink = [(screentone(flat(level)) == 0).mean() for level in range(255, -1, -15)]
    assert ink == sorted(ink)


def test_a_thin_dark_line_on_a_light_ground_becomes_ink() -> None:
    drawing = flat(230)
    drawing[:, 60:62] = 60
    page = screentone(drawing)
    assert (page[:, 60:62] == 0).mean() > 0.9
    assert (page[:, 80:] == 255).all()


@pytest.mark.parametrize("side", [32, 33, 64, 257])
def test_any_size(side: int) -> None:
    assert screentone(flat(140, side)).shape == (side, side)
