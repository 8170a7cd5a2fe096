"""Speed of the pixel metrics against scikit-image and colour-science, and of the FID statistic against torch-fidelity.

A peer is the script that one would write: image by image, library call by library call. Ratios come from alternating
runs in one process, and stand in each report's `extra_info`.
"""

import statistics
import time
import warnings

import numpy as np
import pytest

from bench import color
from bench.metrics.distribution import fid
from bench.metrics.pixel import colour_scores, score_images, ssim

SIDE = 256
PAIRS = 16
REPEATS = 5


@pytest.fixture(scope="module")
def pairs():
    """Smooth pictures and noisy copies of them, 8-bit."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    waves = [128 + 100 * np.sin(x / (9 + i % 7) + i) * np.cos(y / (11 + i % 5)) for i in range(3 * PAIRS)]
    targets = np.stack(waves).reshape(PAIRS, 3, SIDE, SIDE).transpose(0, 2, 3, 1).round().astype(int)
    predictions = (targets + rng.integers(-40, 41, targets.shape)).clip(0, 255)
    return np.ascontiguousarray(predictions, np.uint8), np.ascontiguousarray(targets, np.uint8)


def peer_ciede2000(prediction, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib is absent
        import colour
    labs = [colour.XYZ_to_Lab(colour.sRGB_to_XYZ(image / 255)) for image in (prediction, target)]
    return float(np.mean(colour.delta_E(*labs, method="CIE 2000")))


def peer_ssim(prediction, target):
    from skimage.metrics import structural_similarity

    return structural_similarity(
        target,
        prediction,
        data_range=255,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


def peer_all(prediction, target):
    from skimage.metrics import peak_signal_noise_ratio

    difference = prediction.astype(np.float64) - target
    return {
        "l1": np.abs(difference).mean(),
        "l2": (difference**2).mean(),
        "psnr": peak_signal_noise_ratio(target, prediction, data_range=255),
        "ssim": peer_ssim(prediction, target),
        "ciede2000": peer_ciede2000(prediction, target),
    }


JOBS = {
    "pixel metrics": (score_images, peer_all, 25, 20),
    "SSIM": (ssim, peer_ssim, 20, 15),
    "CIEDE2000": (colour_scores, peer_ciede2000, 25, 20),
}
"""Ours, the peer, and the least ratio on two threads and on one, with room for a machine whose cores others use too."""


def run_peer(peer, pairs):
    return [peer(prediction, target) for prediction, target in zip(*pairs, strict=True)]


def seconds_an_image(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return (time.perf_counter() - started) / PAIRS


@pytest.mark.parametrize("who", ["ours, 2 threads", "ours, 1 thread", "peer"])
@pytest.mark.parametrize("job", JOBS)
def test_speed(benchmark, pairs, job, who):
    ours, peer, *_ = JOBS[job]
    benchmark.group = f"{job} {SIDE}"
    benchmark.extra_info["images"] = PAIRS
    if who == "peer":
        benchmark.pedantic(run_peer, (peer, pairs), rounds=REPEATS, warmup_rounds=1)
    else:
        benchmark.pedantic(ours, (*pairs, 2 if "2" in who else 1), rounds=3 * REPEATS, warmup_rounds=1)


@pytest.mark.parametrize("job", JOBS)
def test_ratio(benchmark, pairs, job):
    ours, peer, least_two, least_one = JOBS[job]
    benchmark.group = f"{job} {SIDE}: ratio to the peer"
    ours(*pairs, 2)
    run_peer(peer, pairs)
    times: dict[str, list[float]] = {"two": [], "one": [], "peer": []}

    def alternate():
        times["peer"].append(seconds_an_image(run_peer, peer, pairs))
        times["two"].append(seconds_an_image(ours, *pairs, 2))
        times["one"].append(seconds_an_image(ours, *pairs, 1))

    benchmark.pedantic(alternate, rounds=REPEATS, warmup_rounds=1)
    medians = {name: statistics.median(values) for name, values in times.items()}
    two, one = (medians["peer"] / medians[name] for name in ("two", "one"))
    benchmark.extra_info.update(
        images_per_second={name: round(1 / value) for name, value in medians.items()},
        ratio_two_threads=round(two, 1),
        ratio_one_thread=round(one, 1),
    )
    print(f"{job}: {two:.0f}x the peer on two threads, {one:.0f}x on one")
    assert two >= least_two
    assert one >= least_one


def test_fid_statistic(benchmark):
    """At the sizes of a smoke run: fewer images than features."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    rng = np.random.default_rng(0)
    a, b = rng.gamma(0.5, 1, (2, 192, 2048))
    benchmark.group = "FID statistic, 192 images"
    ours = benchmark.pedantic(fid, (a, b), rounds=REPEATS, warmup_rounds=1)
    started = time.perf_counter()
    moments = [fid_features_to_statistics(torch.from_numpy(rows)) for rows in (a, b)]
    theirs = fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]
    ratio = (time.perf_counter() - started) / benchmark.stats["median"]
    benchmark.extra_info["ratio"] = round(ratio, 1)
    print(f"FID statistic: {ratio:.0f}x torch-fidelity")
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert ratio >= 10


def test_what_is_timed_is_equal(pairs):
    """Not a benchmark: both sides of every ratio compute the same numbers."""
    scores = score_images(*pairs)
    for place, expected in enumerate(run_peer(peer_all, pairs)):
        for name, value in expected.items():
            assert scores[name][place] == pytest.approx(value, abs=1e-4)
    assert color.luma(pairs[1]).std() > 10
