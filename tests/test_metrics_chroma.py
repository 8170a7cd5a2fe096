"""Colourfulness, saturation, luminance locking and the error by colour class, against plain double precision."""

import warnings

import numpy as np
import pytest

from bench import color
from bench.errors import BenchError
from bench.metrics.chroma import chroma_scores, colourfulness
from bench.metrics.hues import CLASSES, hue_scores, masked_scores
from bench.metrics.locked import lock_luma, locked_scores
from bench.metrics.pixel import ciede2000_map, score_images

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # matplotlib is absent
    from skimage.color import lab2lch, rgb2lab


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def plain(*codes, side=24):
    """One image a colour."""
    return np.broadcast_to(np.array(codes, np.uint8)[:, None, None], (len(codes), side, side, 3)).copy()


def halves(first, second, side=24):
    image = plain(first, side=side)
    image[:, :, side // 2 :] = second
    return image


def by_definition(image):
    red, green, blue = np.moveaxis(image.astype(np.float64), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def test_colourfulness_by_its_definition():
    for image in (*noise((3, 40, 31, 3)), *plain((7, 7, 7), (255, 0, 0))):
        assert colourfulness(image) == pytest.approx(by_definition(image), rel=1e-12, abs=1e-12)


def test_colourfulness_is_signed():
    # rg is +-255 and yb 127.5 everywhere. With |rg| its spread would be 0 and the value 0.3 sqrt(255² + 127.5²) = 85.5.
    assert colourfulness(halves((255, 0, 0), (0, 255, 0))[0]) == pytest.approx(255 + 0.3 * 127.5)


def test_too_much_and_too_little_colour_are_both_errors():
    target = halves((180, 90, 80), (90, 120, 170))
    gray = np.repeat(color.luma(target)[..., None], 3, -1)
    loud = halves((255, 40, 20), (20, 110, 250))
    scores = chroma_scores(np.concatenate([gray, target, loud]), np.concatenate([target] * 3))
    assert (np.sign(scores["colourfulness-shift"]) == [-1, 0, 1]).all()
    np.testing.assert_array_equal(scores["colourfulness-error"], np.abs(scores["colourfulness-shift"]))
    assert scores["saturation-ratio"][0] == pytest.approx(0, abs=1e-3)
    assert scores["saturation-ratio"][1] == 1
    assert scores["saturation-ratio"][2] > 1.5
    assert scores["saturation-error"][1] == 0
    assert np.isfinite(scores["saturation-error"]).all()
    assert (scores["saturation-error"][[0, 2]] > 0.5).all()


def test_saturation_agrees_with_scikit_image():
    predictions, targets = noise((3, 30, 40, 3)), noise((3, 30, 40, 3), 1) // 2 + 60
    own, true = (
        np.hypot(*np.moveaxis(rgb2lab(images)[..., 1:], -1, 0)).mean((1, 2)) for images in (predictions, targets)
    )
    scores = chroma_scores(predictions, targets)
    np.testing.assert_allclose(scores["saturation-ratio"], own / true, rtol=1e-3)
    np.testing.assert_allclose(scores["saturation-error"], np.abs(np.log2((own + 1) / (true + 1))), rtol=2e-3)


def test_a_gray_target_has_no_saturation_ratio_but_colour_on_it_is_an_error():
    scores = chroma_scores(plain((120, 60, 60), (90, 90, 90)), plain((90, 90, 90), (90, 90, 90)))
    assert np.isnan(scores["saturation-ratio"]).all()
    assert scores["saturation-error"][0] > 4
    assert scores["saturation-error"][1] == 0


def test_half_and_double_are_equally_wrong():
    low, high = plain((140, 120, 120), (160, 110, 110))
    there, back = chroma_scores(low[None], high[None]), chroma_scores(high[None], low[None])
    np.testing.assert_allclose(there["saturation-error"], back["saturation-error"], rtol=1e-6)
    assert there["saturation-error"] > 0.5


def test_locking_is_the_swap_of_luma_in_bt601():
    prediction, target = noise((60, 70, 3)), noise((60, 70, 3), 1)
    ours, _ = lock_luma(prediction, target)
    yuv = color.rgb_to_yuv601(prediction / 255)
    yuv[..., 0] = color.rgb_to_yuv601(target / 255)[..., 0]
    swapped = color.quantize(color.yuv601_to_rgb(yuv)).astype(int)
    # Where nothing is clipped the two differ by the rounding of luma to whole levels: half a level each, and one code.
    inside = ((swapped > 1) & (swapped < 254)).all(-1)
    assert inside.mean() > 0.1
    assert np.abs(ours.astype(int) - swapped)[inside].max() <= 1
    unclipped = ((ours > 0) & (ours < 255)).all(-1)
    np.testing.assert_array_equal(color.luma(ours)[unclipped], color.luma(target)[unclipped])


def test_locked_scores_are_those_of_the_locked_picture():
    predictions, targets = noise((3, 50, 41, 3)), noise((3, 50, 41, 3), 1) // 3 + 80
    locked = np.stack([lock_luma(*pair)[0] for pair in zip(predictions, targets, strict=True)])
    expected, ours = score_images(locked, targets), locked_scores(predictions, targets)
    for name in ("psnr", "ssim", "ciede2000"):
        np.testing.assert_array_equal(ours[f"{name}-locked"], expected[name])
    away = np.abs(color.luma(predictions).astype(int) - color.luma(targets)).mean((1, 2))
    np.testing.assert_allclose(ours["luma-error"], away, rtol=1e-12)


def test_a_brighter_picture_is_only_a_luma_error():
    target = noise((1, 30, 30, 3)) // 2 + 60
    scores = locked_scores(target + 10, target)
    assert scores["luma-error"] == 10
    assert np.isposinf(scores["psnr-locked"])
    assert scores["ciede2000-locked"] == 0


def test_a_gray_copy_stays_a_gray_copy():
    target = noise((1, 30, 30, 3))
    gray = np.repeat(color.luma(target)[..., None], 3, -1)
    scores = locked_scores(gray, target)
    assert scores["luma-error"] == 0
    np.testing.assert_array_equal(scores["psnr-locked"], score_images(gray, target)["psnr"])


NAMED = {
    "neutrals": [(255, 255, 255), (0, 0, 0), (128, 128, 130)],
    "skin-tones": [(255, 224, 189), (241, 194, 125), (224, 172, 105), (255, 205, 180)],
    "browns": [(101, 67, 33), (92, 58, 46), (141, 85, 56)],
    "reds": [(220, 20, 60), (255, 0, 0), (178, 34, 34)],
    "foliage-greens": [(34, 139, 34), (107, 142, 35), (60, 179, 113)],
    "sky-blues": [(135, 206, 235), (100, 149, 237), (70, 130, 180)],
}


@pytest.mark.parametrize("name", CLASSES)
def test_named_colours_fall_in_their_class(name):
    targets = plain(*NAMED[name])
    scores = hue_scores(255 - targets, targets)
    for other in CLASSES:
        assert np.isnan(scores[f"ciede2000-{other}"]).all() == (other != name), other
    assert (scores[f"ciede2000-{name}"] > 5).all() or name == "neutrals"


def test_classes_by_angles_and_double_precision():
    predictions, targets = noise((1, 300, 300, 3)), noise((1, 300, 300, 3), 1)
    scores, lch = hue_scores(predictions, targets), lab2lch(color.srgb_to_lab(targets[0] / 255))
    delta, seen = ciede2000_map(predictions[0], targets[0]), np.zeros((300, 300), int)
    for name, ((l_from, l_to), (c_from, c_to), hue) in CLASSES.items():
        level, chroma, angle = lch[..., 0], lch[..., 1], np.degrees(lch[..., 2])
        inside = (level >= l_from) & (level < l_to) & (chroma >= c_from) & (chroma < c_to)
        if hue is not None:
            inside &= (angle - hue[0]) % 360 <= hue[1] - hue[0]
        seen += inside
        if inside.mean() < 0.005:
            assert np.isnan(scores[f"ciede2000-{name}"][0]), name
        else:
            assert scores[f"ciede2000-{name}"][0] == pytest.approx(delta[inside].mean(dtype=float), rel=2e-3), name
    assert seen.max() == 1


def test_too_few_pixels_say_nothing():
    target = plain((128, 128, 128), side=40)
    target[0, 0, :7] = (220, 20, 60)
    assert np.isnan(hue_scores(target, target)["ciede2000-reds"])
    target[0, 0, :8] = (220, 20, 60)  # 0.5 % of 1,600
    assert hue_scores(target, target)["ciede2000-reds"] == 0


def test_a_class_sees_its_own_error_alone():
    target = halves((241, 194, 125), (100, 149, 237))
    prediction = halves((125, 194, 241), (100, 149, 237))
    scores = hue_scores(prediction, target)
    assert scores["ciede2000-skin-tones"] > 20
    assert scores["ciede2000-sky-blues"] == 0


def test_true_masks_have_their_own_names():
    predictions, targets = noise((2, 40, 40, 3)), noise((2, 40, 40, 3), 1)
    hair = np.zeros((2, 40, 40), bool)
    hair[0, 5:20, 3:30] = True
    scores = masked_scores(predictions, targets, {"hair": hair, "skin": ~hair})
    assert list(scores) == ["ciede2000-in-hair", "ciede2000-in-skin"]
    delta = ciede2000_map(predictions[0], targets[0])
    assert scores["ciede2000-in-hair"][0] == pytest.approx(delta[hair[0]].mean(dtype=float))
    assert np.isnan(scores["ciede2000-in-hair"][1])
    whole = score_images(predictions, targets)["ciede2000"][1]
    assert scores["ciede2000-in-skin"][1] == pytest.approx(whole)


def test_bad_masks_are_named():
    image, mask = noise((1, 16, 16, 3)), np.zeros((1, 16, 16), bool)
    with pytest.raises(BenchError, match=r"name must be lower-case.*got 'My hair'"):
        masked_scores(image, image, {"My hair": mask})
    with pytest.raises(BenchError, match=r"bool of shape \(1, 16, 16\); got uint8"):
        masked_scores(image, image, {"hair": mask.astype(np.uint8)})
