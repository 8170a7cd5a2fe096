"""FID and KID statistics against torch-fidelity's own functions and against closed forms."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from bench.errors import BenchError
from bench.metrics.distribution import fid, frechet_distance, kid


def features(n, d, seed, scale=1.0):
    """Non-negative and correlated, with a spectrum that falls off, as pooled activations are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(d, d)) / np.arange(1, d + 1)[:, None]
    return np.maximum(rng.normal(size=(n, d)) @ mixing * scale + 0.3, 0)


def torch_fidelity_fid(a, b):
    statistics = [fid_features_to_statistics(torch.from_numpy(rows)) for rows in (a, b)]
    return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 64), (64, 400, 64), (20, 400, 64), (40, 30, 64), (2, 3, 64)])
def test_fid_is_that_of_torch_fidelity(n, m, d):
    a, b = features(n, d, 1), features(m, d, 2, scale=1.3)
    assert fid(a, b) == pytest.approx(torch_fidelity_fid(a, b), rel=1e-6)
    assert fid(a, b) == pytest.approx(fid(b, a), rel=1e-9)


def test_fid_of_float32_features_is_computed_in_float64():
    a, b = (features(80, 64, seed).astype(np.float32) for seed in (1, 2))
    assert fid(a, b) == fid(a.astype(np.float64), b.astype(np.float64))


def test_fid_survives_features_that_never_vary():
    a, b = features(300, 32, 1), features(300, 32, 2)
    a[:, 5] = b[:, 5] = 0
    a[:, 6] = 2
    assert fid(a, b) == pytest.approx(torch_fidelity_fid(a, b), rel=1e-6)


@pytest.mark.parametrize("n", [20, 300])
def test_fid_of_a_set_with_itself_is_zero(n):
    a = features(n, 64, 1)
    assert fid(a, a) == pytest.approx(0, abs=1e-6)
    assert fid(a, a + 0.5) == pytest.approx(0.25 * 64, rel=1e-6)


def test_frechet_distance_of_known_gaussians():
    # Diagonal covariances commute: the distance is that of the standard deviations.
    rng = np.random.default_rng(3)
    means, deviations = rng.normal(size=(2, 8)), rng.random((2, 8))
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    covariances = [turn @ np.diag(s**2) @ turn.T for s in deviations]
    expected = ((means[0] - means[1]) ** 2).sum() + ((deviations[0] - deviations[1]) ** 2).sum()
    assert frechet_distance(means[0], covariances[0], means[1], covariances[1]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "size"), [(120, 90, 40), (90, 90, 90), (30, 50, 2)])
def test_kid_is_that_of_torch_fidelity(n, m, size, monkeypatch):
    from bench.metrics import distribution

    monkeypatch.setattr(distribution, "_ROWS", 32)  # several bands of the kernel matrix
    a, b = features(n, 48, 1), features(m, 48, 2, scale=1.2)
    theirs = kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subset_size=size, kid_subsets=25, rng_seed=7, verbose=False
    )
    mean, deviation = kid(a, b, subset_size=size, subsets=25, seed=7)
    assert mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert deviation == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6, abs=1e-12)


def test_kid_takes_the_smaller_set_whole_by_default():
    a, b = features(30, 16, 1), features(50, 16, 2)
    assert kid(a, b) == kid(a, b, subset_size=30, subsets=100, seed=2020)
    assert kid(a, a)[0] < 0  # unbiased: a set against itself comes out below zero
    wide, narrow = features(1500, 8, 1), features(1200, 8, 2)
    assert kid(wide, narrow, subsets=3) == kid(wide, narrow, subset_size=1000, subsets=3)


OK = np.ones((4, 3))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: fid(OK, OK[:1]), r"n at least 2; got \(1, 3\)"),
        (lambda: fid(OK, OK[:, :2]), "one width; got 3 and 2"),
        (lambda: fid(OK, OK * np.nan), "finite"),
        (lambda: kid(OK, OK[0]), r"shape \(n, d\)"),
        (lambda: kid(OK, OK, subset_size=5), "2 to 4 images .*; got 100 of 5"),
        (lambda: kid(OK, OK, subsets=0), "at least one subset"),
        (lambda: frechet_distance(OK[0], OK, OK[0], OK), r"\(d, d\); got \(3,\), \(4, 3\)"),
    ],
)
def test_bad_input_is_named(call, match):
    with pytest.raises(BenchError, match=match):
        call()
