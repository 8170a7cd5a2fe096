"""The search finds copies that other code made, keeps pictures of one place apart, and its loops do what they say."""

import colorsys
from dataclasses import replace
from io import BytesIO
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_certify import collection, item_of

from bench.color import luma
from bench.data.certify import copies, kernels, planted
from bench.data.certify.pictures import (
    CELLS,
    SIDE,
    VIEWS,
    WORDS,
    Marks,
    Pictures,
    Small,
    mark,
    overlaps,
    resampled,
    shrunk,
)
from bench.data.procedural import draw_many, plan

ORIGINAL = 3
"""The drawn picture that is copied."""


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    """Pictures of four series, one of each shot: of each one cast and a few places."""
    shots = [shot for shot in plan(series=4, pictures=20) if shot.frame == 0]
    return [picture.image for picture in draw_many(shots, "anime", 128, 1)]


def through(image: np.ndarray, change) -> np.ndarray:
    return np.asarray(change(Image.fromarray(image)).convert("RGB"))


def jpeg(quality: int):
    def change(image: Image.Image) -> Image.Image:
        stream = BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream)

    return change


def part(left: float, top: float, share: float):
    def change(image: Image.Image) -> Image.Image:
        side = image.width
        box = (left * side, top * side, (left + share) * side, (top + share) * side)
        return image.resize((side, side), Image.Resampling.LANCZOS, box)

    return change


def turned(degrees: int):
    def change(image: Image.Image) -> Image.Image:
        hue, *rest = image.convert("HSV").split()
        table = [(value + degrees * 256 // 360) % 256 for value in range(256)]
        return Image.merge("HSV", (hue.point(table), *rest))

    return change


def subtitled(bar: bool):
    def change(image: Image.Image) -> Image.Image:
        image = image.copy()
        pen = ImageDraw.Draw(image)
        if bar:
            pen.rectangle((0, 104, 128, 128), fill="black")
        pen.text((14, 106), "What was that?", fill="white", stroke_width=1, stroke_fill="black")
        return image

    return change


def gained(gains: tuple[float, float, float]):
    def change(image: Image.Image) -> Image.Image:
        bands = zip(image.split(), gains, strict=True)
        return Image.merge("RGB", [band.point(lambda value, gain=gain: value * gain) for band, gain in bands])

    return change


CHANGES = {
    "encoded": jpeg(30),
    "resized": lambda image: image.resize((75, 75)).resize((128, 128), Image.Resampling.BICUBIC),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "centre": part(0.05, 0.05, 0.9),
    "corner": part(0.1, 0.0, 0.9),
    "odd crop": part(0.04, 0.09, 0.87),
    "brighter": lambda image: image.point(lambda value: 255 * (value / 255) ** 0.6),
    "flatter": lambda image: image.point(lambda value: 128 + 0.5 * (value - 128)),
    "warmer": gained((1.2, 1.0, 0.7)),
    "turned": turned(140),
    "gray": lambda image: image.convert("L"),
    "subtitled": subtitled(False),
    "captioned": subtitled(True),
}
PAIRS = (
    ("encoded", "mirrored"),
    ("centre", "gray"),
    ("odd crop", "captioned"),
    ("turned", "corner"),
    ("captioned", "encoded"),
    ("mirrored", "odd crop"),
)


def looked(root: Path, copy: np.ndarray, drawn: list[np.ndarray]) -> list[copies.Found]:
    """What a search among all drawn pictures (train) for one copy (test) takes for copies."""
    pictures = [(item_of(f"d{place:02d}", "train"), image) for place, image in enumerate(drawn)]
    manifest = collection(root, [*pictures, (item_of("copy", "test"), copy)])
    return [found for found in copies.across(Pictures(manifest, lambda place, image: None)) if found.copy]


@pytest.mark.parametrize("names", [*((name,) for name in CHANGES), *PAIRS], ids=" then ".join)
def test_copies_that_other_code_made_are_found_and_nothing_else(tmp_path, drawn, names):
    copy = drawn[ORIGINAL]
    for name in names:
        copy = through(copy, CHANGES[name])
    (found,) = looked(tmp_path, copy, drawn)
    assert (found.first, found.second) == (ORIGINAL + 1, 0)  # the only test image stands before those of train
    assert found.likeness >= copies.COPY
    assert found.mirrored == ("mirrored" in names)


def test_pictures_of_one_place_and_cast_are_no_copies(tmp_path):
    """All shots of four series, every second one in another split: the same rooms, people and framing."""
    shots = plan(series=4, pictures=20)
    pictures = []
    for place, (shot, picture) in enumerate(zip(shots, draw_many(shots, "cartoon", 64, 1), strict=True)):
        split = "train" if shot.numbers[1] % 2 else "test"
        pictures.append((replace(item_of(f"{place:03d}", split), group=shot.series), picture.image))
    found = copies.across(Pictures(collection(tmp_path, pictures), lambda place, image: None))
    assert len(found) > 40
    assert [pair for pair in found if pair.copy] == []
    # It is not that nothing is alike: of the bits alone some would be taken for copies.
    assert max(pair.bits for pair in found) > copies.CANDIDATE


def test_every_kind_is_planted_and_a_blind_search_finds_none(tmp_path, monkeypatch, drawn):
    monkeypatch.setattr(planted, "SAMPLE", 3)
    pictures = [(item_of(f"{place}", "test"), image) for place, image in enumerate(drawn[::7])]
    opened = Pictures(collection(tmp_path, pictures), lambda place, image: None)
    rows, chosen, digest = planted.measure(opened)
    assert len(chosen) == 3
    assert len(rows) == sum(map(len, planted.KINDS.values())) + 15
    assert all((row.copies, row.found, row.compared) == (3, 3, 3 * (len(pictures) - 1)) for row in rows)
    assert min(min(row.likeness) for row in rows) >= copies.COPY
    assert planted.measure(opened, threads=1)[2] == digest
    monkeypatch.setattr(copies, "COPY", 1001)
    monkeypatch.setattr(copies, "AGREEING", 1001)
    blind, _, again = planted.measure(opened)
    assert [row.found for row in blind] == [0] * len(rows)
    assert again == digest


def test_planted_copies_differ_by_image_and_kind_and_not_by_call(drawn):
    for kind in planted.changes():
        once, twice = (planted.planted(drawn[0], "a", kind) for _ in range(2))
        assert (once == twice).all()
        assert once.shape == drawn[0].shape
        assert (once != drawn[0]).any()
    one, other = (planted.planted(drawn[0], name, "hue turned") for name in ("a", "b"))
    assert (one != other).any()


def test_hue_is_turned_as_the_hexcone_says():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image[0] = image[0, :, :1]
    for degrees in (30, 120, 200, 330):
        found = planted._turned(image, degrees)
        for before, after in zip(image.reshape(-1, 3), found.reshape(-1, 3), strict=True):
            hue, saturation, value = colorsys.rgb_to_hsv(*(before / 255))
            expected = np.array(colorsys.hsv_to_rgb((hue + degrees / 360) % 1, saturation, value)) * 255
            assert np.abs(after - expected).max() <= 0.51
    assert (planted._turned(image, 120) == image[..., [2, 0, 1]]).all()


def test_the_own_jpeg_is_as_lossy_as_a_codec(drawn):
    image = drawn[ORIGINAL]
    for quality in (30, 60, 90):
        own = planted._jpeg(image, quality).astype(float)
        theirs = through(image, jpeg(quality)).astype(float)
        ours, codec = (float(((coded - image) ** 2).mean()) for coded in (own, theirs))
        assert 0.7 < ours / codec < 1.4
        assert ((own - theirs) ** 2).mean() < 0.5 * codec


def test_area_means_are_exact():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 96, 3)).astype(np.uint8)
    assert (overlaps(3, 50, 7, 16, 20).sum(axis=1) == 50).all()
    half = resampled(image, (0, 0, 96, 96), 1, 48)
    blocks = image.reshape(48, 2, 48, 2, 3).sum(axis=(1, 3), dtype=int)
    assert (half == (blocks + 2) // 4).all()
    assert (resampled(image, (0, 0, 96, 96), 1, 96) == image).all()
    assert (resampled(image, (160, 320, 320, 320), 10, 32) == image[32:64, 16:48]).all()
    flat = np.full((33, 33, 3), 200, np.uint8)
    assert (resampled(flat, (5, 7, 280, 280), 10, 64) == 200).all()
    area = cv2.resize(image, (60, 60), interpolation=cv2.INTER_AREA)
    assert np.abs(resampled(image, (0, 0, 96, 96), 1, 60).astype(int) - area).max() <= 1


def test_shrunk_has_luma_and_the_middle_of_the_primaries():
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    both = shrunk(image)
    assert (both[0] == luma(image)).all()
    assert (both[1] == (image.max(2).astype(int) + image.min(2) + 1) // 2).all()


def naive_bits(channel: np.ndarray, box: tuple[int, int, int], mirrored: bool = False) -> np.ndarray:
    """The planes of bits by plain numpy, cell by cell."""
    left, top, cell = box
    fine = np.kron(channel.astype(np.int64), np.ones((10, 10), np.int64))
    rows, columns = CELLS
    window = fine[top : top + cell * rows, left : left + cell * columns]
    cells = window.reshape(rows, cell, columns, cell).sum(axis=(1, 3))
    cells = cells[:, ::-1] if mirrored else cells
    above, variance = np.empty(CELLS, np.int64), np.empty(CELLS, np.int64)
    for i in range(rows):
        for j in range(columns):
            around = cells[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3]
            n, total = around.size, int(around.sum())
            above[i, j] = (n * int(cells[i, j]) - total) // n
            variance[i, j] = (n * int((around**2).sum()) - total**2) // n**2
    level = cell * cell
    floor = min(max(int(variance.sum()) // variance.size // 16, level**2), 36 * level**2)
    outstanding = 4 * above**2 > variance + floor
    return np.concatenate([(outstanding & (above > 0)).ravel(), (outstanding & (above <= 0)).ravel()])


def unpacked(words: np.ndarray) -> np.ndarray:
    return np.array([bool(int(words[place >> 6]) >> (place & 63) & 1) for place in range(64 * WORDS)])


def test_bits_are_those_of_the_rule(drawn):
    channels = shrunk(drawn[ORIGINAL])
    marks = Marks.empty(1)
    mark(channels, marks, 0)
    for channel in range(2):
        for view, box in enumerate(VIEWS):
            expected = naive_bits(channels[channel], box)
            assert (unpacked(marks.bits[0, channel, view]) == expected).all()
            assert marks.counts[0, channel, view] == expected.sum() > 30
        assert (unpacked(marks.bits[0, channel, len(VIEWS)]) == naive_bits(channels[channel], VIEWS[0], True)).all()


def test_nearest_is_the_nearest_of_a_plain_loop(drawn):
    marks = Marks.empty(len(drawn))
    for place, image in enumerate(drawn):
        mark(shrunk(image), marks, place)
    bits = np.array([[[unpacked(words) for words in views] for views in image] for image in marks.bits])
    views = len(VIEWS)

    def likeness(one: int, other: int) -> int:
        best = 0
        for channel, whole, view in product(range(2), (0, views), range(views)):
            for mine, yours in ((whole, view), (view, whole)):
                a, b = bits[one, channel, mine], bits[other, channel, yours]
                best = max(best, int(2000 * (a & b).sum() // (a.sum() + b.sum())))
        return best

    for one in (0, 17):
        expected = [likeness(one, other) for other in range(len(drawn))]
        order = sorted(range(len(drawn)), key=lambda other: (-expected[other], other))
        found = copies.candidates(marks, one, marks, 1)
        wanted = [(other, expected[other]) for other in order if expected[other] >= copies.CANDIDATE][: copies.KEEP]
        assert [entry[:2] for entry in found] == wanted
        assert found[0][:2] == (one, 1000)
        # Of a collection without anything like it the nearest comes back all the same.
        far = [other for other in range(len(drawn)) if expected[other] < copies.CANDIDATE]
        others = Marks(marks.bits[far], marks.counts[far])
        ((place, value, *_),) = copies.candidates(marks, one, others, 1)
        assert (far[place], value) == next((other, expected[other]) for other in order if other in far)
        assert copies.candidates(marks, one, others, 0) == []


def test_patterns_are_those_of_the_rule(drawn):
    channels = shrunk(drawn[ORIGINAL])
    kernel = np.array([1, 2, 1])
    for channel, found in zip(channels, Small(-1, channels).pattern, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(channel.astype(np.int64), 1, mode="edge"), (3, 3))
        smooth = 16 * np.einsum("ijkl,k,l", windows, kernel, kernel)
        means, variances = np.empty(smooth.shape), np.empty(smooth.shape)
        for i in range(SIDE):
            for j in range(SIDE):
                around = smooth[max(i - 4, 0) : i + 5, max(j - 4, 0) : j + 5]
                means[i, j], variances[i, j] = around.mean(), around.var()
        floor = min(max(variances.mean() / 16, 512**2), 36 * 512**2)
        assert np.abs(found - 64 * (smooth - means) / np.sqrt(variances + floor)).max() <= 1.1


@pytest.mark.parametrize("mirrored", [False, True])
def test_alignment_finds_the_box(drawn, mirrored):
    """A part whose place is no view's; what is found must be that part, in the mirrored picture if it is mirrored."""
    whole = resampled(drawn[ORIGINAL], (0, 0, 128, 128), 1, 64)
    left, top, share = 9, 13, 172  # in two-hundredths
    seen = planted._crop(drawn[ORIGINAL], left, top, share)
    seen = np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen
    marks = Marks.empty(2)
    small = [Small(place, shrunk(image)) for place, image in enumerate((whole, seen))]
    for place, one in enumerate(small):
        mark(one.channels, marks, place)
    first = Marks(marks.bits[:1], marks.counts[:1])
    found = copies.compared(small[0], small[1], copies.candidates(marks, 1, first, 1)[0])
    assert found.mirrored == mirrored
    assert found.larger == "first"
    assert found.likeness > 900
    expected = (200 - left - share if mirrored else left, top, share)
    assert np.abs(np.array(found.box) / (SIDE * 256) - np.array(expected) / 200).max() < 0.012
    # The other way round the same part is seen of the other picture.
    second = Marks(marks.bits[1:], marks.counts[1:])
    back = copies.compared(small[1], small[0], copies.candidates(marks, 0, second, 1)[0])
    assert (back.larger, back.mirrored) == ("second", mirrored)


def test_changed_is_the_most_changed_eighth():
    one = np.zeros((2, SIDE, SIDE), np.uint8)
    other = one.copy()
    other[1, 8:16, 24:32] = 40
    other[0, 0, 0] = 255
    assert kernels.changed(one, other) == 40
    assert kernels.changed(other, one) == 40
    assert kernels.changed(one, one) == 0
