"""The untrained references: what each answers, on images whose right answer is known."""

import dataclasses

import numpy as np
import pytest

import baselines
from baselines import _references as references
from baselines import lab_round_trip, levin2004_hints, nearest_image, welsh2002_transfer
from bench.color import lab_to_srgb, luma, quantize, srgb_to_lab
from bench.errors import BenchError
from bench.guidance import hints
from bench.types import CONDITIONS, GUIDANCES, Images, Track

FROM_THE_CONDITION = ("gray-copy", "half-saturation", "lab-round-trip", "mean-chroma", "nearest-image")
UNTRAINED = (*FROM_THE_CONDITION, "welsh2002-transfer", "levin2004-hints", "mean-hint")


def pictures(count: int, size: int, seed: int = 0) -> Images:
    """Flat colour fields of 8 pixels with a gradient over them, as a drawing has."""
    draw = np.random.default_rng(seed)
    cells = -(-size // 8)
    fields = draw.uniform(0.1, 0.9, (count, cells, cells, 3)).repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
    shade = np.linspace(0.8, 1.0, size)[None, :, None, None]
    targets = np.asarray(quantize(fields * shade))
    names = tuple(f"p{place}" for place in range(count))
    told = np.zeros((count, size, size, 4), np.uint8)
    for place, name in enumerate(names):
        told[place] = hints(targets[place], name)
    return Images(names, names, targets, luma(targets), hints=told)


def painted(name: str, train: Images, images: Images) -> np.ndarray:
    out = baselines.load(name).fit(train)(images)
    assert out.dtype == np.uint8
    assert out.shape == images.targets.shape
    return out


def test_gray_copy_is_gray() -> None:
    images = pictures(3, 40)
    out = painted("gray-copy", images, images)
    assert (out == images.conditions[..., None]).all()


def test_mean_chroma_is_one_chroma_on_the_inputs_lightness() -> None:
    train, images = pictures(5, 40), pictures(3, 40, seed=1)
    out = srgb_to_lab(painted("mean-chroma", train, images) / 255)
    wanted = srgb_to_lab(train.targets / 255)[..., 1:].mean(axis=(0, 1, 2))
    shown = srgb_to_lab(np.repeat(images.conditions[..., None], 3, axis=-1) / 255)[..., 0]
    assert np.abs(wanted).max() > 1
    assert np.abs(out[..., 1:] - wanted).max() < 1.5  # 8 bits
    assert np.abs(out[..., 0] - shown).max() < 0.5


def seen_by_mean_hint(images: Images) -> np.ndarray:
    """What its equation is told of every pixel: 1, the input's lightness, the Lab of the hints' mean."""
    assert images.hints is not None
    light = srgb_to_lab(np.repeat(images.conditions[..., None], 3, axis=-1) / 255)[..., :1]
    mean = [srgb_to_lab(told[told[..., 3] > 0, :3].mean(axis=0) / 255) for told in images.hints]
    told = np.broadcast_to(np.array(mean)[:, None, None], (*light.shape[:3], 3))
    return np.concatenate([np.ones_like(light), light, told], axis=-1)


def test_mean_hint_finds_a_linear_rule_again() -> None:
    """Pictures made by a known equation in the lightness and the hints' mean Lab are painted as they are."""
    train, images = pictures(30, 40), pictures(4, 40, seed=1)
    rule = np.array([[5, 2, -1], [0.8, 0, 0], [0.1, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
    for some in (train, images):
        some.targets[:] = quantize(lab_to_srgb(seen_by_mean_hint(some) @ rule))
    assert np.abs(painted("mean-hint", train, images).astype(int) - images.targets).max() <= 1


def test_mean_hint_does_not_ask_where_the_hints_lie() -> None:
    train, images = pictures(6, 40), pictures(4, 40, seed=1)
    assert images.hints is not None
    turned = dataclasses.replace(images, hints=images.hints[:, ::-1])
    other = dataclasses.replace(images, hints=images.hints[::-1])
    out = painted("mean-hint", train, images)
    assert np.array_equal(painted("mean-hint", train, turned), out)
    assert np.abs(painted("mean-hint", train, other).astype(int) - out).mean() > 2


def test_mean_hint_of_one_training_image() -> None:
    """One image has one mean hint, which no equation tells from a constant: the smallest numbers that fit are taken."""
    for seed in range(6):
        train, other = pictures(1, 40, seed), pictures(2, 40, seed=50 + seed)
        out = painted("mean-hint", train, train)
        assert np.abs(srgb_to_lab(out / 255).mean((1, 2)) - srgb_to_lab(train.targets / 255).mean((1, 2))).max() < 1
        known = seen_by_mean_hint(train).reshape(-1, 5), srgb_to_lab(train.targets / 255).reshape(-1, 3)
        wanted = quantize(lab_to_srgb(seen_by_mean_hint(other) @ np.linalg.lstsq(*known, rcond=1e-9)[0]))
        assert np.abs(painted("mean-hint", train, other).astype(int) - wanted).max() <= 1


def test_mean_chroma_does_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    train, images = pictures(7, 40), pictures(3, 40, seed=1)
    whole = {name: painted(name, train, images) for name in UNTRAINED}
    monkeypatch.setattr(references, "CHUNK_PIXELS", 3000)
    monkeypatch.setattr(nearest_image, "QUERIES", 2)
    monkeypatch.setattr(nearest_image, "CANDIDATES", 3)
    for name in UNTRAINED:
        assert np.array_equal(painted(name, train, images), whole[name]), name


@pytest.mark.parametrize("size", [32, 40, 57])
def test_nearest_image_finds_a_training_image_again(size: int) -> None:
    train = pictures(9, size)
    chosen = np.array([7, 2, 2, 0])
    # Darker and flatter than in training: the layout is the same.
    dimmed = (train.conditions[chosen] * 0.5 + 20).astype(np.uint8)
    asked = Images(("a", "b", "c", "d"), ("g",) * 4, np.zeros((4, size, size, 3), np.uint8), dimmed)
    bright = dataclasses.replace(asked, conditions=train.conditions[chosen])
    # Its own luma back: what is lost is the rounding of the gray, at most one level a channel.
    assert np.abs(painted("nearest-image", train, bright).astype(int) - train.targets[chosen]).max() <= 1
    out = painted("nearest-image", train, asked)
    assert np.abs(luma(out).astype(int) - dimmed).max() <= 12  # clipped colours miss their luma, others do not
    assert np.median(np.abs(luma(out).astype(int) - dimmed)) <= 1
    wanted = references.on_luma(dimmed, train.targets[chosen])
    assert np.array_equal(out, wanted)


def test_nearest_image_agrees_with_a_direct_search() -> None:
    train, images = pictures(40, 48), pictures(20, 48, seed=5)
    rows = [
        condition.reshape(-1, 16, 3, 16, 3).mean(axis=(2, 4)).reshape(-1, 256)
        for condition in (train.conditions.astype(float), images.conditions.astype(float))
    ]
    table = np.corrcoef(np.concatenate(rows))[40:, :40]
    wanted = references.on_luma(images.conditions, train.targets[table.argmax(axis=1)])
    assert np.array_equal(painted("nearest-image", train, images), wanted)


def test_nearest_image_of_a_flat_condition_is_the_first() -> None:
    train = pictures(4, 37)
    flat = Images(("a",), ("g",), np.zeros((1, 37, 37, 3), np.uint8), np.full((1, 37, 37), 99, np.uint8))
    wanted = references.on_luma(flat.conditions, train.targets[:1])
    assert np.array_equal(painted("nearest-image", train, flat), wanted)


def test_half_saturation_halves_chroma() -> None:
    images = pictures(4, 40)
    out = srgb_to_lab(painted("half-saturation", images, images) / 255)
    target = srgb_to_lab(images.targets / 255)
    # One level of 8 bits is up to about 1 in a and b; fields at 10 to 90 % stay inside sRGB.
    assert np.abs(out[..., 1:] - target[..., 1:] / 2).max() < 1.5
    assert np.abs(out[..., 0] - target[..., 0]).max() < 0.5
    chroma = np.linalg.norm(target[..., 1:], axis=-1)
    assert np.linalg.norm(out[..., 1:], axis=-1).sum() / chroma.sum() == pytest.approx(0.5, abs=0.01)


def test_lab_round_trip_loses_little() -> None:
    images = pictures(4, 40)
    difference = np.abs(painted("lab-round-trip", images, images).astype(int) - images.targets)
    assert 0.1 < difference.mean() < 1
    assert 0 < difference.max() <= 10  # levels, of a dark channel beside bright ones
    # A gray keeps a = b = 128, so only its lightness is rounded, in steps finer than sRGB's.
    codes = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 16, 16, 3)
    grays = Images(("a",), ("g",), codes, luma(codes))
    assert np.abs(painted("lab-round-trip", grays, grays).astype(int) - codes).max() <= 1


def test_lab_round_trip_stores_bytes() -> None:
    """Colours that are whole numbers of the encoding come back as they are, and pull those beside them along."""
    codes = np.stack(np.meshgrid([80, 128, 190], [118, 128, 140], [120, 128, 150], indexing="ij"), axis=-1)
    lab = (codes - lab_round_trip.SHIFT) / lab_round_trip.SCALE
    wanted = lab_to_srgb(lab)
    for beside in (np.zeros(3), np.array([0.1, 0.4, -0.4])):
        np.testing.assert_allclose(lab_round_trip.through_bytes(lab_to_srgb(lab + beside)), wanted, atol=1e-9)


def test_references_that_see_no_target_ignore_it() -> None:
    train, images = pictures(5, 40), pictures(3, 40, seed=1)
    hidden = dataclasses.replace(images, targets=np.zeros_like(images.targets))
    for name in UNTRAINED:
        same = np.array_equal(painted(name, train, images), painted(name, train, hidden))
        assert same != baselines.load(name).SEES_TARGET, name


def test_references_refuse_what_they_cannot_learn_from() -> None:
    train, none = pictures(3, 40), pictures(0, 40)
    for name in ("mean-chroma", "mean-hint", "nearest-image", "welsh2002-transfer"):
        with pytest.raises(BenchError, match=f"{name}.* which is empty"):
            baselines.load(name).fit(none)
    for name in ("nearest-image", "welsh2002-transfer"):
        with pytest.raises(BenchError, match=f"{name}.* at one size"):
            painted(name, train, pictures(2, 48))
    with pytest.raises(BenchError, match=r"was given none; its tracks are gray\+hints, gray\+hints\+previous"):
        painted("levin2004-hints", train, dataclasses.replace(train, hints=None))
    with pytest.raises(BenchError, match="image p0 shows none"):
        painted("levin2004-hints", train, dataclasses.replace(train, hints=np.zeros((3, 40, 40, 4), np.uint8)))
    with pytest.raises(BenchError, match=r"was given none; its tracks are gray\+hints, gray\+hints\+previous, lineart"):
        painted("mean-hint", dataclasses.replace(train, hints=None), train)
    assert train.hints is not None
    blind = train.hints * np.array([1, 0, 1], np.uint8)[:, None, None, None]
    with pytest.raises(BenchError, match="image p1 shows none"):
        painted("mean-hint", train, dataclasses.replace(train, hints=blind))
    for name in UNTRAINED:
        assert painted(name, train, none).shape == (0, 40, 40, 3)


def test_tracks_of_references() -> None:
    every = [Track(condition, told).name for condition in CONDITIONS for told in GUIDANCES]
    for name in FROM_THE_CONDITION:
        assert list(baselines.load(name).TRACKS) == every
    assert list(baselines.load("welsh2002-transfer").TRACKS) == [t for t in every if t.split("+")[0] == "gray"]
    assert baselines.load("levin2004-hints").TRACKS == ("gray+hints", "gray+hints+previous")
    assert list(baselines.load("mean-hint").TRACKS) == [t for t in every if "hints" in t.split("+")]


def test_references_do_not_hang_on_the_other_images() -> None:
    train, images = pictures(5, 40), pictures(4, 40, seed=1)
    order = np.array([2, 0, 3, 1])
    for name in UNTRAINED:
        whole = painted(name, train, images)
        assert np.array_equal(painted(name, train, images), whole), name
        assert np.array_equal(painted(name, train, images.at(order)), whole[order]), name


def test_transfer_finds_the_colors_of_each_light_again() -> None:
    colors = np.array([(60, 20, 10), (20, 110, 160), (220, 140, 90), (200, 240, 180)], np.uint8)
    target = np.broadcast_to(colors.repeat(14, axis=0), (40, 56, 3)).copy()
    images = Images(("a",), ("g",), target[None], luma(target)[None])
    out = painted("welsh2002-transfer", images, images)[0]
    inside = np.arange(56) % 14 // 3 % 4 > 0  # the rest has neighbours of two lights in its 5x5
    found, wanted = srgb_to_lab(out / 255), srgb_to_lab(target / 255)
    assert np.abs(found - wanted)[:, inside, 1:].max() < 2  # 8 bits
    shown = srgb_to_lab(np.repeat(images.conditions[0][..., None], 3, axis=-1) / 255)[..., 0]
    assert np.abs(found[:, inside, 0] - shown[:, inside]).max() < 1
    dark = dataclasses.replace(images, conditions=images.conditions // 2 + 20)
    dimmed = painted("welsh2002-transfer", images, dark)[0]
    chroma = srgb_to_lab(dimmed / 255)[..., 1:]
    assert np.median(np.abs(chroma - wanted[..., 1:])[:, inside]) < 3  # the source's light is fitted to the target's


def test_transfer_agrees_with_a_direct_search() -> None:
    gray, source = pictures(1, 40, seed=3).conditions[0], pictures(1, 40, seed=4).targets[0]
    light = srgb_to_lab(np.repeat(gray[..., None], 3, axis=-1) / 255)[..., 0]
    lab = srgb_to_lab(source / 255)
    lab[..., 0] = (lab[..., 0] - lab[..., 0].mean()) / lab[..., 0].std() * light.std() + light.mean()

    def texture(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, 2, mode="reflect")
        return np.array([[padded[y : y + 5, x : x + 5].std() for x in range(40)] for y in range(40)])

    rows, columns = welsh2002_transfer.jittered(40, 40, "p")
    known = np.stack([lab[..., 0], texture(lab[..., 0])], axis=-1)[rows, columns]
    asked = np.stack([light, texture(light)], axis=-1)
    distance = (0.5 * np.abs(asked[:, :, None] - known)).sum(axis=-1)
    chosen = distance.argmin(axis=-1)
    wanted = quantize(lab_to_srgb(np.concatenate([light[..., None], lab[rows, columns][chosen][..., 1:]], axis=-1)))
    # Swatches as near as each other to the last digit may be chosen either way.
    clear = np.partition(distance, 1, axis=-1)[..., :2]
    clear = clear[..., 1] - clear[..., 0] > 1e-5
    assert clear.mean() > 0.8
    out = welsh2002_transfer.transfer(gray, source, "p")
    assert np.abs(out.astype(int) - wanted)[clear].max() <= 1


@pytest.mark.parametrize("size", [(40, 40), (8, 30), (256, 65)])
def test_swatches_lie_one_in_each_cell(size: tuple[int, int]) -> None:
    rows, columns = welsh2002_transfer.jittered(*size, "a")
    down, across = (min(14, side) for side in size)
    cells = {
        (int(y * down / size[0] + 1e-9), int(x * across / size[1] + 1e-9)) for y, x in zip(rows, columns, strict=True)
    }
    # A whole pixel may begin a little before its cell does.
    assert len(rows) == down * across
    assert len(cells) > 0.7 * down * across
    assert 0 <= rows.min() <= rows.max() < size[0]
    assert 0 <= columns.min() <= columns.max() < size[1]
    assert np.array_equal(rows, welsh2002_transfer.jittered(*size, "a")[0])
    assert not np.array_equal(columns, welsh2002_transfer.jittered(*size, "b")[1])


def test_transfer_from_a_flat_source_is_its_one_color() -> None:
    gray = pictures(1, 40).conditions[0]
    out = welsh2002_transfer.transfer(gray, np.full((40, 40, 3), (90, 60, 40), np.uint8), "a")
    chroma = srgb_to_lab(out / 255)[..., 1:]
    wanted = srgb_to_lab(np.array([90, 60, 40]) / 255)[1:]
    assert np.median(np.abs(chroma - wanted)) < 1


def hinted(gray: np.ndarray, spots: dict[tuple[int, int], tuple[int, int, int]]) -> Images:
    """One image with patches of hints at some rows and columns."""
    told = np.zeros((1, *gray.shape, 4), np.uint8)
    for (y, x), color in spots.items():
        told[0, y : y + 4, x : x + 4] = (*color, 255)
    return Images(("a",), ("g",), np.zeros((1, *gray.shape, 3), np.uint8), gray[None], hints=told)


def test_one_hint_colors_an_even_image() -> None:
    gray = np.full((24, 31), 120, np.uint8)
    out = painted("levin2004-hints", pictures(1, 40), hinted(gray, {(8, 4): (150, 110, 90)}))
    color = references.on_luma(gray[:1, :1], np.array([[[150, 110, 90]]], np.uint8))
    assert (out[0] == color).all()


def test_regions_take_their_own_hints_color() -> None:
    gray = np.full((24, 40), 100, np.uint8)
    gray[:, 17:] = 160
    images = hinted(gray, {(4, 4): (150, 80, 60), (12, 32): (120, 170, 210)})
    out = painted("levin2004-hints", pictures(1, 40), images)[0]
    left, right = (
        references.on_luma(np.array([[level]], np.uint8), np.array([[color]], np.uint8))
        for level, color in ((100, (150, 80, 60)), (160, (120, 170, 210)))
    )
    assert np.abs(out[:, :15].astype(int) - left).max() <= 12
    assert np.abs(out[:, 19:].astype(int) - right).max() <= 12
    assert np.abs(left.astype(int) - right).max() > 100


def test_spreading_agrees_with_a_dense_solve() -> None:
    draw = np.random.default_rng(2)
    light, chroma = draw.random((6, 7)).round(1), draw.random((6, 7, 2))
    known = draw.random((6, 7)) < 0.15
    table = np.zeros((42, 42))
    for r in range(42):
        y, x = divmod(r, 7)
        around = [(a, b) for a in range(y - 1, y + 2) for b in range(x - 1, x + 2) if 0 <= a < 6 and 0 <= b < 7]
        alike = min((light[y, x] - light[place]) ** 2 for place in around if place != (y, x))
        scale = max(0.6 * np.var([light[place] for place in around]), alike / np.log(100), 2e-6)
        for a, b in around:
            if (a, b) != (y, x):
                table[r, a * 7 + b] = np.exp(-((light[y, x] - light[a, b]) ** 2) / scale)
    table /= table.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(levin2004_hints.affinities(light).toarray(), table, atol=1e-12)
    matrix = np.where(known.ravel()[:, None], np.eye(42), np.eye(42) - table)
    right = np.where(known[..., None], chroma, 0).reshape(42, 2)
    wanted = np.linalg.solve(matrix, right).reshape(6, 7, 2)
    assert 0 < known.sum() < 42
    np.testing.assert_allclose(levin2004_hints.spread(light, chroma, known), wanted, atol=1e-10)
    assert np.array_equal(levin2004_hints.spread(light, chroma, np.ones((6, 7), bool)), chroma)


def test_hints_keep_their_chroma_and_light_is_the_conditions() -> None:
    images = pictures(2, 40)
    assert images.hints is not None
    out = painted("levin2004-hints", images, images)
    shown = images.hints[..., 3] > 0
    wanted = references.on_luma(images.conditions, images.hints[..., :3])
    assert np.array_equal(out[shown], wanted[shown])
    assert np.median(np.abs(luma(out).astype(int) - images.conditions)) <= 1
    blind = dataclasses.replace(images, hints=images.hints[::-1].copy())
    assert not np.array_equal(painted("levin2004-hints", images, blind), out)
