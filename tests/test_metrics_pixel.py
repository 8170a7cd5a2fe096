"""The compiled pixel metrics against scikit-image, colour-science and torchmetrics in double precision."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import color
from bench.errors import BenchError
from bench.metrics import PROTOCOL
from bench.metrics.pixel import ciede2000, ciede2000_map, colour_scores, score_images, ssim

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torchmetrics.functional.image as torch_image  # before colour-science, whose import it cannot bear first
    from colour.difference import delta_E_CIE2000

# Sharma, Wu and Dalal 2005, Table 1: L, a, b of both colours, CIEDE2000.
SHARMA = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)

FULL_REFERENCE = [name for name, metric in PROTOCOL.items() if metric.kind == "full-reference"]


def plain(prediction, target):
    """The protocol in readable double precision, one pair."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    difference = prediction.astype(np.float64) - target.astype(np.float64)
    labs = color.srgb_to_lab(prediction / 255), color.srgb_to_lab(target / 255)
    delta = delta_E_CIE2000(*labs)
    chroma = labs[0][..., 1:] - labs[1][..., 1:]
    equal = not difference.any()
    return {
        "l1": np.abs(difference).mean(),
        "l2": (difference**2).mean(),
        "l1-ab": np.abs(chroma).mean(),
        "l2-ab": (chroma**2).mean(),
        "psnr": np.inf if equal else peak_signal_noise_ratio(target, prediction, data_range=255),
        "ssim": structural_similarity(
            target,
            prediction,
            data_range=255,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        ),
        "ciede2000": delta.mean(),
        "ciede2000-p95": np.percentile(delta, 95),
        "ciede2000-over-2.3": (delta > 2.3).mean(),
    }


TOLERANCES = {
    "l1": 1e-12,
    "l2": 1e-9,
    "l1-ab": 1e-4,
    "l2-ab": 1e-3,
    "psnr": 1e-5,
    "ssim": 1e-5,
    "ciede2000": 1e-4,
    "ciede2000-p95": 1e-3,
    "ciede2000-over-2.3": 1e-3,
}


def assert_plain(predictions, targets):
    scores = score_images(predictions, targets)
    for place, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        for name, expected in plain(prediction, target).items():
            assert scores[name][place] == pytest.approx(expected, abs=TOLERANCES[name], rel=1e-6), (name, place)
    return scores


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def near(images, by, seed=1):
    shift = np.random.default_rng(seed).integers(-by, by + 1, images.shape)
    return np.clip(images.astype(int) + shift, 0, 255).astype(np.uint8)


def smooth(n, height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 127 * np.sin(x / (7 + k) + k + i) * np.cos(y / (5 + 2 * k) - i) for i in range(n) for k in range(3)]
    return np.stack(waves).reshape(n, 3, height, width).transpose(0, 2, 3, 1).round().astype(np.uint8)


def test_metrics_table_names_what_is_scored():
    assert list(PROTOCOL) == [*FULL_REFERENCE, "fid", "kid"]
    assert set(score_images(noise((1, 11, 11, 3)), noise((1, 11, 11, 3)))) == set(FULL_REFERENCE)
    for name, metric in PROTOCOL.items():
        assert metric.id == name
        assert "|" not in metric.name + metric.definition
        assert metric.source


def test_import_is_light():
    code = "import bench.metrics, sys; sys.exit(bool({'torch', 'numba', 'skimage'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("size", [(11, 11), (12, 37), (64, 64), (97, 53), (140, 200), (256, 256)])
def test_agrees_with_the_libraries(size):
    random = noise((1, *size, 3))
    waves = smooth(2, *size)
    targets = np.concatenate([random, random, waves, waves])
    predictions = np.concatenate([noise((1, *size, 3), 5), near(random, 6), near(waves, 3), near(waves[::-1], 60)])
    assert_plain(predictions, targets)


def test_extreme_and_constant_images():
    codes = [
        (0, 0, 0),
        (255, 255, 255),
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 0),
        (0, 255, 255),
        (254, 255, 255),
    ]
    flat = np.broadcast_to(np.array(codes, np.uint8)[:, None, None], (len(codes), 24, 31, 3))
    first, second = np.repeat(flat, len(codes), 0), np.concatenate([flat] * len(codes))
    scores = assert_plain(first, second)
    same = np.arange(len(codes)) * (len(codes) + 1)
    assert np.isposinf(scores["psnr"][same]).all()
    assert np.isfinite(np.delete(scores["psnr"], same)).all()


def test_each_pixel_agrees_with_colour_science():
    first, second = noise((512, 512, 3)), noise((512, 512, 3), 1)
    second[:128] = near(first[:128], 4)
    second[128:160] = color.luma(first[128:160])[..., None]
    second[160:170] = 255 - first[160:170]
    labs = color.srgb_to_lab(first / 255), color.srgb_to_lab(second / 255)
    hues = [np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) for lab in labs]
    tie = np.abs(np.abs(hues[0] - hues[1]) - 180) < 0.01
    assert tie.mean() < 1e-3
    deviation = np.abs(ciede2000_map(first, second) - delta_E_CIE2000(*labs))
    assert deviation[~tie].max() < 1e-3
    assert deviation.mean() < 1e-5


def test_sharma_pairs():
    ours = ciede2000(SHARMA[:, :3], SHARMA[:, 3:6])
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, delta_E_CIE2000(SHARMA[:, :3], SHARMA[:, 3:6]), atol=1e-4)
    np.testing.assert_allclose(ours, SHARMA[:, 6], atol=1e-4)
    # Symmetric, and the same wherever a pair stands in a block.
    many = np.tile(SHARMA, (50, 1))
    np.testing.assert_allclose(ciede2000(many[:, 3:6], many[:, :3]), np.tile(ours, 50), atol=1e-4)


def test_colours_without_chroma():
    gray, red = np.array([[50.0, 0, 0], [50, 0, 0], [0, 0, 0]]), np.array([[60.0, 0, 0], [50, 40, 30], [0, 0, 0]])
    np.testing.assert_allclose(ciede2000(gray, red), delta_E_CIE2000(gray, red), atol=1e-4)
    assert ciede2000(gray, gray).tolist() == [0, 0, 0]


@settings(max_examples=300, deadline=None)
@given(st.tuples(*[st.floats(-128, 128, width=32)] * 4), st.floats(0, 100), st.floats(0, 100))
def test_any_lab_pair_is_finite_and_symmetric(ab, first, second):
    pair = np.array([first, *ab[:2]]), np.array([second, *ab[2:]])
    there, back = ciede2000(*pair), ciede2000(*pair[::-1])
    assert np.isfinite(there)
    assert there >= 0
    assert there == pytest.approx(back, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("count", [121, 122, 1000, 1023, 1025])
@pytest.mark.parametrize("kind", ["random", "equal", "two", "zeros"])
def test_percentile_is_exact(count, kind):
    from bench.metrics.kernels_color import percentile

    rng = np.random.default_rng(count)
    values = {
        "random": rng.gamma(1, 5, count),
        "equal": np.full(count, 3.25),
        "two": np.where(np.arange(count) >= 0.95 * (count - 1), 90.0, 1e-6),
        "zeros": np.where(rng.random(count) < 0.97, 0, rng.random(count)),
    }[kind].astype(np.float32)
    for percent in (0.0, 5.0, 50.0, 94.9, 95.0, 99.99, 100.0):
        ours = percentile(values, percent, np.empty(count, np.int32))
        assert ours == pytest.approx(np.percentile(values.astype(np.float64), percent), rel=1e-14, abs=0)


def test_eight_bit_differences_do_not_wrap():
    black, white = np.zeros((1, 16, 16, 3), np.uint8), np.full((1, 16, 16, 3), 255, np.uint8)
    for pair in ((black, white), (white, black)):
        scores = score_images(*pair)
        assert scores["l1"] == 255
        assert scores["l2"] == 255**2
        assert scores["psnr"] == 0
        assert scores["ciede2000"] == pytest.approx(100, abs=1e-3)


def test_psnr_is_per_image_and_never_pooled():
    import torch

    targets = noise((3, 32, 32, 3))
    predictions = np.stack([near(targets[0], 2), near(targets[1], 90), targets[2]])
    ours = score_images(predictions, targets)["psnr"]
    tensors = [torch.from_numpy(images).permute(0, 3, 1, 2).double() for images in (predictions, targets)]
    theirs = torch_image.peak_signal_noise_ratio(*tensors, data_range=255.0, dim=(1, 2, 3), reduction="none")
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)
    assert np.isposinf(ours[2])
    pooled = torch_image.peak_signal_noise_ratio(tensors[0][:2], tensors[1][:2], data_range=255.0)
    assert abs(ours[:2].mean() - float(pooled)) > 5


def test_gray_copies_are_seen_in_chroma():
    target = noise((1, 40, 40, 3))
    scores = score_images(np.repeat(color.luma(target)[..., None], 3, -1), target)
    lab = color.srgb_to_lab(target / 255)
    assert scores["l1-ab"] == pytest.approx(np.abs(lab[..., 1:]).mean(), abs=0.01)
    assert scores["ciede2000"] > 10
    assert scores["ciede2000-over-2.3"] > 0.9


def test_threads_layout_and_company_do_not_change_a_score():
    targets = smooth(9, 200, 160)
    predictions = near(targets, 20)
    alone = score_images(predictions, targets, threads=1)
    for threads in (2, 3, 16, None):
        for name, values in score_images(predictions, targets, threads).items():
            np.testing.assert_array_equal(values, alone[name])
    by_one = [score_images(predictions[i : i + 1], targets[i : i + 1]) for i in range(9)]
    strided = np.ascontiguousarray(predictions.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    wide = np.zeros((9, 200, 320, 3), np.uint8)
    wide[:, :, ::2] = targets
    frozen = targets.copy()
    frozen.setflags(write=False)
    for name, values in alone.items():
        np.testing.assert_array_equal([one[name][0] for one in by_one], values)
        np.testing.assert_array_equal(score_images(strided, wide[:, :, ::2])[name], values)
        np.testing.assert_array_equal(score_images(predictions, frozen)[name], values)
    np.testing.assert_array_equal(ssim(predictions, targets), alone["ssim"])
    for name, values in colour_scores(predictions, targets).items():
        np.testing.assert_array_equal(values, alone[name])


def test_equal_images_are_perfect():
    images = noise((2, 33, 47, 3))
    scores = score_images(images, images.copy())
    for name in ("l1", "l2", "l1-ab", "l2-ab", "ciede2000", "ciede2000-p95", "ciede2000-over-2.3"):
        assert scores[name].tolist() == [0, 0]
    np.testing.assert_allclose(scores["ssim"], 1, atol=1e-6)
    assert np.isposinf(scores["psnr"]).all()


OK = np.zeros((2, 16, 16, 3), np.uint8)


@pytest.mark.parametrize(
    ("predictions", "targets", "match"),
    [
        (OK.astype(np.float32), OK, r"predictions must be uint8 .* got float32 \(2, 16, 16, 3\)"),
        (OK, OK[0], r"targets must be uint8 of shape \(n, height, width, 3\); got uint8 \(16, 16, 3\)"),
        (OK.transpose(0, 3, 1, 2), OK, r"got uint8 \(2, 3, 16, 16\)"),
        (OK, OK[:1], r"one shape; got \(2, 16, 16, 3\) and \(1, 16, 16, 3\)"),
        (OK[:, :10], OK[:, :10], "at least 11x11.*got 10x16"),
        (OK[:0], OK[:0], "at least one image"),
        ([1], OK, "numpy array; got list"),
    ],
)
def test_bad_input_is_named(predictions, targets, match):
    with pytest.raises(BenchError, match=match):
        score_images(predictions, targets)


def test_other_bad_input_is_named():
    with pytest.raises(BenchError, match="at least 1; got 0"):
        score_images(OK, OK, threads=0)
    with pytest.raises(BenchError, match=r"\(2, 3\) and \(3, 3\)"):
        ciede2000(np.zeros((2, 3)), np.zeros((3, 3)))


def test_works_where_nothing_can_be_cached(tmp_path):
    # Refuse every place where numba would keep machine code, as a read-only installation without a home does.
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\n"
        "from numba.core.caching import InTreeCacheLocator, UserWideCacheLocator\n"
        "def refuse(self):\n"
        "    raise OSError('read-only')\n"
        "InTreeCacheLocator.ensure_cache_path = UserWideCacheLocator.ensure_cache_path = refuse\n"
        "import numba\n"
        "try:\n"
        "    numba.njit(cache=True)(refuse)\n"
        "except RuntimeError:\n"
        "    from bench.compiled import SINGLES, compiled\n"
        "    total = compiled(SINGLES)(lambda values: values.sum())\n"
        "    print(total(np.ones(3, np.float32)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3.0", done.stderr


def test_real_images():
    home = os.environ.get("CHROMABENCH_SHARED")
    if not home:
        pytest.skip("CHROMABENCH_SHARED is not set")
    from PIL import Image, ImageFilter

    found = sorted(path for path in Path(home, "testpack").rglob("*") if path.suffix in {".png", ".jpg", ".webp"})
    assert found
    for path in found[:: max(1, len(found) // 12)]:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        target = np.array(picture)
        blurred = np.array(picture.filter(ImageFilter.GaussianBlur(2)))
        gray = np.repeat(color.luma(target)[..., None], 3, -1)
        assert_plain(np.stack([blurred, gray, (gray // 2 + target // 2)]), np.stack([target] * 3))
