"""The colour module against colour-science, scikit-image and torch's own gradients."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench import color
from bench.errors import BenchError

EXTREMES = np.array(
    [[r, g, b] for r in (0, 1, 10, 11, 128, 254, 255) for g in (0, 10, 11, 255) for b in (0, 11, 127, 255)], np.uint8
)


@pytest.fixture(scope="module")
def colour():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that matplotlib is absent
        import colour as science

        yield science


@pytest.fixture(scope="module")
def samples():
    return np.concatenate([np.random.default_rng(0).integers(0, 256, (4000, 3), np.uint8), EXTREMES])


def test_import_leaves_torch_alone():
    code = "import bench.color, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_constants_are_those_of_the_standard(colour):
    space = colour.RGB_COLOURSPACES["sRGB"]
    np.testing.assert_array_equal(space.matrix_RGB_to_XYZ, color.SRGB_TO_XYZ)
    np.testing.assert_allclose(color.WHITE, colour.xy_to_XYZ([0.3127, 0.3290]))
    assert pytest.approx(1) == sum(color.BT601)


def test_lab_is_that_of_colour_science(colour, samples):
    expected = colour.XYZ_to_Lab(colour.sRGB_to_XYZ(samples / 255))
    np.testing.assert_allclose(color.srgb_to_lab(samples / 255), expected, atol=1e-9)
    single = color.srgb_to_lab((samples / 255).astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=2e-4)


def test_lab_is_near_scikit_image(samples):
    from skimage.color import rgb2lab

    # The six-digit matrix and another white: near, and never the same.
    np.testing.assert_allclose(color.srgb_to_lab(samples / 255), rgb2lab(samples / 255), atol=0.03)


def test_srgb_is_the_inverse(colour, samples):
    lab = color.srgb_to_lab(samples / 255)
    np.testing.assert_allclose(color.lab_to_srgb(lab), samples / 255, atol=1e-9)
    np.testing.assert_array_equal(color.quantize(color.lab_to_srgb(lab.astype(np.float32))), samples)


def test_colours_outside_srgb_are_clipped():
    rgb = color.lab_to_srgb(np.array([[50.0, 200.0, -200.0], [120.0, 0.0, 0.0], [-10.0, 0.0, 0.0]]))
    assert np.isfinite(rgb).all()
    assert rgb.min() == 0
    assert rgb.max() == 1


def test_yuv_is_full_range_bt601(samples):
    import cv2

    yuv = color.rgb_to_yuv601(samples / 255)
    assert yuv.min() >= 0
    assert yuv.max() <= 1
    r, g, b = (samples / 255).T
    np.testing.assert_allclose(yuv[:, 1], -0.168736 * r - 0.331264 * g + 0.5 * b + 0.5, atol=1e-6)
    np.testing.assert_allclose(yuv[:, 2], 0.5 * r - 0.418688 * g - 0.081312 * b + 0.5, atol=1e-6)
    swapped = cv2.cvtColor((samples / 255).astype(np.float32)[None], cv2.COLOR_RGB2YCrCb)[0]
    np.testing.assert_allclose(yuv, swapped[:, [0, 2, 1]], atol=2e-3)  # cv2 rounds its factors to 0.713 and 0.564
    np.testing.assert_allclose(color.yuv601_to_rgb(yuv), samples / 255, atol=1e-12)
    outside = color.yuv601_to_rgb(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    assert outside.min() == 0
    assert outside.max() == 1


@pytest.mark.parametrize("name", ["srgb_to_lab", "lab_to_srgb", "rgb_to_yuv601", "yuv601_to_rgb"])
def test_numpy_and_torch_and_both_axes_agree(name, samples):
    function = getattr(color, name)
    values = (samples[:60] / 255).reshape(2, 5, 6, 3) * (100 if name == "lab_to_srgb" else 1)
    expected = function(values)
    first = np.moveaxis(values, -1, 1)
    np.testing.assert_allclose(np.moveaxis(function(first, axis=1), 1, -1), expected, atol=1e-12)
    tensor = function(torch.from_numpy(np.ascontiguousarray(first)), axis=1)
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_allclose(np.moveaxis(tensor.numpy(), 1, -1), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["srgb_to_lab", "lab_to_srgb", "rgb_to_yuv601", "yuv601_to_rgb"])
def test_gradients_are_finite_everywhere(name):
    values = torch.tensor(EXTREMES / 255, dtype=torch.float32)
    values = torch.cat([values, torch.tensor([[-0.2, 0.5, 1.3]])])
    if name == "lab_to_srgb":
        values = torch.cat([values, color.srgb_to_lab(values), torch.tensor([[0.0, 90.0, -90.0]])])
    values.requires_grad_()
    getattr(color, name)(values).square().sum().backward()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()
    assert (values.grad != 0).any()


def test_gradient_is_the_true_one():
    inner = torch.rand(8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.9 + 0.05
    for function in (color.srgb_to_lab, color.rgb_to_yuv601, lambda rgb: color.lab_to_srgb(color.srgb_to_lab(rgb))):
        assert torch.autograd.gradcheck(function, inner.clone().requires_grad_())


def test_luma_rounds_half_up_in_integers():
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5).astype(np.uint8)] * 3), -1)
    exact = grid.astype(object) @ np.array([299, 587, 114], object)
    np.testing.assert_array_equal(color.luma(grid), ((exact + 500) // 1000).astype(np.uint8))
    assert color.luma(grid).dtype == np.uint8
    assert color.luma(np.array([0, 0, 255], np.uint8)) == 29
    assert color.luma(np.array([2, 2, 2], np.uint8)) == 2


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4))))
def test_luma_of_gray_is_itself(gray):
    np.testing.assert_array_equal(color.luma(np.repeat(gray[..., None], 3, axis=-1)), gray)


def test_quantize_clips_and_rounds_half_to_even():
    values = np.array([-1, 0, 0.5 / 255, 1.5 / 255, 2.5 / 255, 1, 7, np.inf, -np.inf])
    expected = [0, 0, 0, 2, 2, 255, 255, 255, 0]
    for given_values in (values, torch.tensor(values), values.astype(np.float32)):
        out = color.quantize(given_values)
        assert str(out.dtype).endswith("uint8")
        assert out.tolist() == expected
    every = np.arange(256).astype(np.uint8)
    np.testing.assert_array_equal(color.quantize(every.astype(np.float32) / np.float32(255)), every)
    half = torch.tensor(every / 255).to(torch.bfloat16)
    assert color.quantize(half).tolist() == color.quantize(half.float()).tolist()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: color.luma(np.zeros((2, 2, 3))), r"uint8 .* float64 \(2, 2, 3\)"),
        (lambda: color.luma(np.zeros((3, 2, 2), np.uint8)), r"uint8 \(3, 2, 2\)"),
        (lambda: color.srgb_to_lab(np.zeros((2, 3), np.uint8)), "divide 8-bit values by 255"),
        (lambda: color.srgb_to_lab(np.zeros((3, 2))), "three channels along axis -1"),
        (lambda: color.srgb_to_lab(np.zeros(3), axis=1), "three channels along axis 1"),
        (lambda: color.srgb_to_lab([0, 0, 0]), "numpy array or a torch tensor; got list"),
        (lambda: color.quantize(np.zeros(3, np.uint8)), "divide 8-bit values"),
        (lambda: color.quantize(torch.tensor([float("nan")])), "holds NaN"),
    ],
)
def test_bad_input_is_named(call, match):
    with pytest.raises(BenchError, match=match):
        call()
