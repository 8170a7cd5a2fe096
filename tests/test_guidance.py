"""Hints, palettes and references: the same for everybody, and what the papers say."""

import hashlib
from collections import defaultdict

import numpy as np
import pytest

from bench.errors import BenchError
from bench.guidance import hint_count, hints, palette, reference_of


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Blocks of a few colors with noise, so that cells hold many pixels and patches are not flat."""
    draw = np.random.default_rng(seed)
    blocks = draw.integers(0, 232, (-(-height // 8), -(-width // 8), 3)).repeat(8, axis=0).repeat(8, axis=1)
    return (blocks[:height, :width] + draw.integers(0, 24, (height, width, 3))).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "count"), [((256, 256), 41), ((128, 128), 10), ((64, 64), 3), ((40, 40), 1), ((4, 4), 1), ((258, 259), 41)]
)
def test_one_patch_in_a_hundred_is_shown(size: tuple[int, int], count: int) -> None:
    assert hint_count(*size) == count
    assert (hints(picture(*size), "a")[..., 3] == 255).sum() == 16 * count


def test_hints_are_the_average_colors_of_whole_patches() -> None:
    rgb = picture(65, 130)
    told = hints(rgb, "frame-7")
    assert told.dtype == np.uint8
    shown = 0
    for top in range(0, 65, 4):
        for left in range(0, 130, 4):
            patch = told[top : top + 4, left : left + 4]
            if not patch[..., 3].any():
                assert not patch.any()
                continue
            shown += 1
            assert patch.shape == (4, 4, 4)
            for channel in range(3):
                total = sum(int(value) for value in rgb[top : top + 4, left : left + 4, channel].ravel())
                assert (patch[..., channel] == round(total / 16)).all()  # Python rounds half to even
            assert (patch[..., 3] == 255).all()
    assert shown == hint_count(65, 130)


@pytest.mark.parametrize(("low", "mean"), [(10, 10), (11, 12)])
def test_half_a_level_is_rounded_to_even(low: int, mean: int) -> None:
    rgb = np.full((4, 4, 3), low, np.uint8)
    rgb[:2] = low + 1
    assert (hints(rgb, "a")[..., :3] == mean).all()


def test_a_black_hint_is_told_from_none() -> None:
    told = hints(np.zeros((64, 64, 3), np.uint8), "night")
    assert not told[..., :3].any()
    assert told[..., 3].any()


def test_hints_hang_on_the_id_alone() -> None:
    rgb = picture(64, 64)
    assert np.array_equal(hints(rgb, "a"), hints(rgb, "a"))
    assert np.array_equal(hints(rgb, "a")[..., 3], hints(255 - rgb, "a")[..., 3])
    assert not np.array_equal(hints(rgb, "a"), hints(rgb, "b"))
    ramp = (np.arange(64 * 64 * 3) % 251).reshape(64, 64, 3).astype(np.uint8)
    told = np.stack([hints(ramp, name) for name in ("s01-000-00", "日本", "x" * 120)])
    assert hashlib.sha256(told.tobytes()).hexdigest()[:16] == "6419a05815307750"


def test_hints_are_shown_everywhere_alike() -> None:
    rgb = picture(16, 16)
    seen = np.sum([hints(rgb, f"i{number}")[::4, ::4, 3] > 0 for number in range(3200)], axis=0)
    assert seen.sum() == 3200
    # Of 16 patches each is expected 200 times, give or take 14.
    assert 140 < seen.min() <= seen.max() < 260


def test_an_image_without_a_patch_is_refused() -> None:
    with pytest.raises(BenchError, match="holds none"):
        hint_count(3, 100)


def cell(red: int, green: int, blue: int) -> int:
    """Two bits each of luma, hue and lightness of one color."""
    most, least = max(red, green, blue), min(red, green, blue)
    luma = (2126 * red + 7152 * green + 722 * blue) // 10000
    if most == least:
        hue = 0
    elif most == red:
        hue = ((green - blue) * 255 // (most - least) + (1530 if green < blue else 0)) // 6
    elif most == green:
        hue = ((blue - red) * 255 // (most - least) + 510) // 6
    else:
        hue = ((red - green) * 255 // (most - least) + 1020) // 6
    return luma // 64 * 16 + hue // 64 * 4 + (most + least) // 2 // 64


def naive_palette(rgb: np.ndarray) -> np.ndarray:
    bands = []
    for number in range(4):
        rows = [row for place, row in enumerate(rgb.tolist()) if place * 4 // len(rgb) == number]
        cells = defaultdict(list)
        for color in (color for row in rows for color in row):
            cells[cell(*color)].append(color)
        fullest = sorted(cells, key=lambda name: (-len(cells[name]), name))[:4]
        colors = [[round(sum(values) / len(values)) for values in zip(*cells[name], strict=True)] for name in fullest]
        bands.append(colors + colors[-1:] * (4 - len(colors)))
    return np.array(bands, np.uint8)


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (33, 20), (64, 64)])
def test_a_palette_is_what_a_slow_count_gives(size: tuple[int, int]) -> None:
    for seed in range(3):
        rgb = picture(*size, seed=seed)
        assert np.array_equal(palette(rgb), naive_palette(rgb))
    noise = np.random.default_rng(9).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert np.array_equal(palette(noise), naive_palette(noise))


def test_cells_of_every_hue_and_gray() -> None:
    levels = np.array([0, 1, 63, 64, 127, 128, 191, 192, 254, 255])
    colors = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    for color in colors[::7]:
        rgb = np.broadcast_to(color.astype(np.uint8), (4, 3, 3))
        assert (palette(rgb) == color).all()
    sheet = colors.reshape(4, 250, 3).astype(np.uint8)
    assert np.array_equal(palette(sheet), naive_palette(sheet))


def test_bands_run_from_top_to_bottom_fullest_first() -> None:
    rgb = np.full((8, 10, 3), 255, np.uint8)
    rgb[:2, :3] = (200, 0, 0)
    rgb[6:, :6] = (0, 0, 200)
    told = palette(rgb).tolist()
    white, red, blue = [255] * 3, [200, 0, 0], [0, 0, 200]
    assert told == [[white, red, red, red], [white] * 4, [white] * 4, [blue, white, white, white]]


def test_too_few_rows_for_a_palette() -> None:
    with pytest.raises(BenchError, match="not so many rows"):
        palette(np.zeros((3, 9, 3), np.uint8))


IDS = tuple(f"s{number % 5:02d}-{number:03d}" for number in range(40))


def names(ids: tuple[str, ...]) -> dict[str, str]:
    chosen = reference_of(ids, ("g",) * len(ids))
    assert chosen.dtype == np.int64
    return {id: ids[place] for id, place in zip(ids, chosen.tolist(), strict=True)}


def test_a_reference_is_another_image() -> None:
    for count in (2, 3, 40):
        assert all(id != other for id, other in names(IDS[:count]).items())
    assert len(set(names(IDS).values())) > 15


def test_references_do_not_hang_on_the_order() -> None:
    assert names(IDS) == names(IDS[::-1]) == names(tuple(np.random.default_rng(0).permutation(IDS).tolist()))


def test_references_are_drawn_evenly() -> None:
    counts = np.zeros(4)
    for number in range(1000):
        ids = (f"a{number}", "b", "c", "d", "e")
        counts[reference_of(ids, ids)[0] - 1] += 1
    assert counts.sum() == 1000
    assert 200 < counts.min() <= counts.max() < 300


def test_references_that_cannot_be() -> None:
    with pytest.raises(BenchError, match="only one"):
        reference_of(("a",), ("g",))
    with pytest.raises(BenchError, match="different ids"):
        reference_of(("a", "a"), ("g", "g"))
    assert len(reference_of((), ())) == 0
