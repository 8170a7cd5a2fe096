"""Regions, bleeding, palette distance and best of k: hand-made pictures, scikit-image and SciPy."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance, wasserstein_distance_nd

from bench import color
from bench.errors import BenchError
from bench.metrics.bleeding import bleeding_scores
from bench.metrics.palette import palette_scores
from bench.metrics.pixel import colour_scores
from bench.metrics.regions import LEAST, STEP, region_scores
from bench.metrics.samples import best_of, sample_metrics

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # matplotlib is absent
    from skimage.measure import label


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def drawing(side=96, cells=14, seed=3):
    """Flat cells of colours well inside sRGB, so that their hues can be turned; returns the picture and the cells."""
    rng = np.random.default_rng(seed)
    seeds, (y, x) = rng.uniform(0, side, (cells, 2)), np.mgrid[0:side, 0:side]
    numbers = np.argmin((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2, -1)
    angle = rng.uniform(0, 2 * np.pi, cells)
    lab = np.stack([rng.uniform(50, 70, cells), 25 * np.cos(angle), 25 * np.sin(angle)], -1)
    return color.quantize(color.lab_to_srgb(lab))[numbers], numbers + 1


def edges_of(numbers):
    edge = np.zeros(numbers.shape, bool)
    edge[:, 1:] |= numbers[:, 1:] != numbers[:, :-1]
    edge[1:] |= numbers[1:] != numbers[:-1]
    return edge


def changed(image, change):
    """Apply a change to the (a, b) of an image, floats (h, w, 2)."""
    lab = color.srgb_to_lab(image / 255)
    lab[..., 1:] = change(lab[..., 1:])
    return color.quantize(color.lab_to_srgb(lab))


def turned(image, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return changed(image, lambda ab: ab @ np.array([[c, s], [-s, c]]))


def blurred(image, sigma):
    return changed(image, lambda ab: gaussian_filter(ab, (sigma, sigma, 0)))


def against(target, predictions, function, **maps):
    count = len(predictions)
    repeated = {name: np.stack([value] * count) for name, value in maps.items()}
    return function(np.stack(predictions), np.stack([target] * count), **repeated)


# Bleeding


@pytest.mark.parametrize("name", ["bleeding", "bleeding-true"])
def test_bleeding_grows_with_a_blur_of_chroma(name):
    image, numbers = drawing()
    series = [image, *(blurred(image, sigma) for sigma in (1, 1.5, 2, 3, 4, 6, 8))]
    values = against(image, series, bleeding_scores, boundaries=edges_of(numbers))[name]
    assert values[0] == 0
    assert (np.diff(values)[1:] > 0.01).all(), values
    assert values[1] < 0.02
    assert values[-1] > 0.3


@pytest.mark.parametrize("name", ["bleeding", "bleeding-true"])
def test_bleeding_does_not_see_hue_or_saturation(name):
    image, numbers = drawing()
    series = [turned(image, angle) for angle in (20, 90, 180, 270)] + [changed(image, lambda ab: ab * 0.4)]
    values = against(image, series, bleeding_scores, boundaries=edges_of(numbers))[name]
    assert values.max() < 0.005
    both = [blurred(image, 3), turned(blurred(image, 3), 120)]
    still, moved = against(image, both, bleeding_scores, boundaries=edges_of(numbers))[name]
    assert moved == pytest.approx(still, abs=0.02)


def test_colour_that_stops_elsewhere_is_all_out_of_place():
    target = np.zeros((1, 40, 60, 3), np.uint8)
    target[:, :, :30], target[:, :, 30:] = (190, 100, 90), (90, 130, 180)
    for shift, expected in ((0, 0), (1, 0), (2, 0), (5, 1), (-6, 1)):
        assert bleeding_scores(np.roll(target, shift, 2)[:, :, 6:-6], target[:, :, 6:-6])["bleeding"] == expected


def test_nothing_painted_nothing_bled():
    image, numbers = drawing()
    gray = np.repeat(color.luma(image)[..., None], 3, -1)
    tinted = np.clip(gray + np.array([12, 0, -12]), 0, 255).astype(np.uint8)
    for prediction, target in ((gray, image), (tinted, image), (image, gray), (image, image * 0 + 90)):
        assert np.isnan(bleeding_scores(prediction[None], target[None])["bleeding"])
    nowhere = np.zeros((1, *numbers.shape), bool)
    for boundaries in (nowhere, ~nowhere):
        scores = bleeding_scores(image[None], image[None], boundaries)
        assert np.isnan(scores["bleeding-true"])
        assert scores["bleeding"] == 0
    assert "bleeding-true" not in bleeding_scores(image[None], image[None])


# Regions


def test_flat_regions_are_those_of_scikit_image():
    from bench.metrics.kernels_regions import find_flat

    rng = np.random.default_rng(0)
    coarse = np.kron(rng.integers(0, 3, (2, 14, 17)), np.ones((1, 3, 2), int))
    fine = rng.integers(0, 2, (2, 42, 34))
    for codes in (*coarse, *fine):
        expected = np.asarray(label(codes, connectivity=1, background=-1))
        sizes = np.bincount(expected.ravel())
        image = np.repeat(codes[..., None] * (STEP + 1), 3, -1).astype(np.uint8)
        ours = np.empty(codes.size, np.int32)
        count = find_flat(image.reshape(len(image), -1), STEP, LEAST, ours)
        kept = np.where(sizes[expected] >= LEAST, expected, 0)
        assert count == len(np.unique(kept[kept > 0])) == ours.max()
        pairs = np.unique(np.stack([kept.ravel(), ours]), axis=1)
        assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def test_a_region_in_two_colours_is_spread_by_half_their_distance():
    target = np.full((1, 30, 40, 3), 150, np.uint8)
    colours = np.array([(170, 120, 110), (120, 130, 170)], np.uint8)
    prediction = np.repeat(colours, 20, 0)[None, None].repeat(30, 1)
    ab = color.srgb_to_lab(colours / 255)[:, 1:]
    spread = region_scores(prediction, target)["region-spread"]
    assert spread == pytest.approx(np.linalg.norm(ab[0] - ab[1]) / 2, rel=1e-3)


def test_what_the_target_itself_spreads_is_no_fault():
    rng = np.random.default_rng(0)
    target = (150 + rng.integers(0, STEP + 1, (1, 40, 40, 3))).astype(np.uint8)
    scores = region_scores(np.stack([target[0], np.full_like(target[0], 151)]), np.concatenate([target] * 2))
    assert scores["region-spread"].tolist() == [0, 0]
    assert region_scores(noise((1, 40, 40, 3)), target)["region-spread"] > 20


def test_regions_weigh_by_their_pixels():
    target = np.full((1, 40, 40, 3), 90, np.uint8)
    target[:, :10] = 200  # a quarter
    striped = target.astype(int)
    striped[:, :10, ::2] += (20, 0, -20)
    alone = region_scores(striped[:, :10].repeat(2, 1).astype(np.uint8), target[:, :10].repeat(2, 1))["region-spread"]
    assert alone > 3
    assert region_scores(striped.astype(np.uint8), target)["region-spread"] == pytest.approx(alone / 4, rel=1e-6)


def test_a_gradient_is_no_flat_region():
    ramp = np.stack([np.arange(40, 200), np.full(160, 90), np.arange(200, 40, -1)], -1)
    target = np.broadcast_to(ramp, (1, 20, 160, 3)).astype(np.uint8)
    scores = region_scores(noise((1, 20, 160, 3)), target)
    assert np.isnan(scores["region-spread"])
    assert np.isnan(scores["small-regions"])


def test_small_regions_each_count_once():
    target = np.full((1, 100, 100, 3), 120, np.uint8)
    target[0, 10:14, 10:14] = (200, 40, 40)  # 16 pixels
    target[0, 50:60, 50:60] = (40, 40, 200)  # 100 pixels: just small
    target[0, 80:83, 80:85] = (40, 200, 40)  # 15 pixels: too few
    target[0, 30:41, 70:80] = (220, 220, 40)  # 110 pixels: not small
    perfect = target.copy()
    perfect[0, 30:41, 70:80] = perfect[0, 80:83, 80:85] = perfect[0, :5] = 60
    button = target.copy()
    button[0, 10:14, 10:14] = (40, 40, 200)
    scores = region_scores(np.concatenate([perfect, button]), np.concatenate([target] * 2))["small-regions"]
    assert scores[0] == 0
    whole = colour_scores(
        button[:, 10:21, 10:21] * 0 + button[0, 10, 10], target[:, 10:21, 10:21] * 0 + target[0, 10, 10]
    )
    assert scores[1] == pytest.approx(whole["ciede2000"][0] / 2, rel=1e-5)


def test_given_regions_need_be_neither_flat_nor_connected():
    target = noise((1, 40, 40, 3)) // 4 + 96
    regions = np.zeros((1, 40, 40), np.uint16)
    regions[0, ::2] = 700
    prediction = target.copy()
    prediction[0, 1::2] = 0  # outside of it
    scores = region_scores(prediction, target, regions)
    assert scores["region-spread-true"] == 0
    prediction[0, ::4] = 255 - prediction[0, ::4]
    prediction[0, ::4, :, 0] = 255
    assert region_scores(prediction, target, regions)["region-spread-true"] > 10
    assert np.isnan(region_scores(prediction, target, regions * 0)["region-spread-true"])
    assert np.isnan(region_scores(prediction, target, regions)["small-regions-true"])


@pytest.mark.parametrize(
    ("regions", "match"),
    [
        (np.zeros((1, 16, 16)), "integers of shape"),
        (np.zeros((1, 16, 17), int), r"got int64 \(1, 16, 17\)"),
        (np.full((1, 16, 16), -1), "numbered 0 .* got -1 to -1"),
        (np.full((1, 16, 16), 70_000), "numbered 0 .* to 65535"),
    ],
)
def test_bad_regions_are_named(regions, match):
    image = noise((1, 16, 16, 3))
    with pytest.raises(BenchError, match=match):
        region_scores(image, image, regions)


# Palette


def ab_of(image):
    return color.srgb_to_lab(image / 255)[..., 1:].reshape(-1, 2)


def test_a_shifted_palette_is_as_far_as_it_moved():
    colours = noise((40, 3)) // 2 + 64
    flat = np.broadcast_to(colours[:, None, None], (40, 16, 16, 3)).copy()
    distance = palette_scores(flat[:20], flat[20:])["palette-distance"]
    ab = ab_of(colours)
    np.testing.assert_allclose(distance, np.linalg.norm(ab[:20] - ab[20:], axis=1), rtol=7e-3, atol=0.07)


def test_agrees_with_scipy_along_each_direction():
    rng = np.random.default_rng(1)
    for seed in range(4):
        first, second = drawing(40, 6, seed)[0], drawing(40, 9, seed + 9)[0]
        first = np.clip(first + rng.integers(-20, 21, first.shape), 0, 255).astype(np.uint8)
        costs = []
        for angle in np.arange(12) * np.pi / 12:
            along = np.array([np.cos(angle), np.sin(angle)])
            costs.append(wasserstein_distance(ab_of(first) @ along, ab_of(second) @ along))
        ours = palette_scores(first[None], second[None])["palette-distance"][0]
        assert ours == pytest.approx(np.mean(costs) * np.pi / 2, abs=0.35, rel=0.02)


def test_is_bounded_by_the_exact_transport_in_the_plane():
    first, second = noise((1, 12, 12, 3)), noise((1, 12, 12, 3), 1) // 2 + 60
    exact = wasserstein_distance_nd(ab_of(first), ab_of(second))
    ours = palette_scores(first, second)["palette-distance"][0]
    assert 0.5 * exact < ours <= np.pi / 2 * exact


def test_no_order_of_the_pixels_changes_a_palette():
    rng = np.random.default_rng(2)
    first, second = noise((1, 40, 50, 3)), drawing(50)[0][None, :40]
    distance = palette_scores(first, second)["palette-distance"]
    shuffled = rng.permutation(first.reshape(-1, 3)).reshape(first.shape)
    assert palette_scores(shuffled, second)["palette-distance"] == distance
    assert palette_scores(shuffled, first)["palette-distance"] == 0
    assert palette_scores(second, first)["palette-distance"] == pytest.approx(distance, rel=1e-12)


def test_right_colours_in_other_places_count():
    image, _ = drawing()
    mirrored = changed(image, lambda ab: ab[:, ::-1])
    gray = np.repeat(color.luma(image)[..., None], 3, -1)
    distances = against(image, [mirrored, gray], palette_scores)["palette-distance"]
    errors = against(image, [mirrored, gray], colour_scores)["ciede2000"]
    assert distances[0] < 1
    assert distances[1] > 10
    assert errors.min() > 8


# Best of k


def test_best_mean_and_diversity():
    targets = noise((3, 20, 20, 3))
    samples = np.stack([targets, 255 - targets, targets // 2])
    samples[0, 2] = targets[2] // 3
    errors = np.stack([colour_scores(sample, targets)["ciede2000"] for sample in samples])
    scores = best_of(samples, targets)
    np.testing.assert_array_equal(scores["ciede2000-best-of-3"], errors.min(0))
    assert scores["ciede2000-best-of-3"][:2].tolist() == [0, 0]
    np.testing.assert_allclose(scores["ciede2000-mean-of-3"], errors.mean(0))
    between = [colour_scores(samples[i], samples[j])["ciede2000"] for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(scores["diversity-of-3"], np.mean(between, 0))
    assert set(scores) == {metric.id for metric in sample_metrics(3)} | {"diversity-of-3"}


def test_more_samples_are_never_worse_and_alike_ones_not_diverse():
    targets, samples = noise((2, 20, 20, 3)), noise((5, 2, 20, 20, 3), 1)
    best = [best_of(samples[:k], targets)[f"ciede2000-best-of-{k}"] for k in range(2, 6)]
    assert (np.diff(best, axis=0) <= 0).all()
    assert best_of(np.stack([samples[0]] * 2), targets)["diversity-of-2"].tolist() == [0, 0]


def test_one_sample_is_no_draw():
    targets = noise((2, 20, 20, 3))
    with pytest.raises(BenchError, match=r"k at least 2; got \(1, 2, 20, 20, 3\)"):
        best_of(targets[None], targets)
    with pytest.raises(BenchError, match="one shape"):
        best_of(np.stack([targets[:1]] * 2), targets)
