"""FID and KID statistics against torch-fidelity's own functions and against closed forms."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from bench.errors import BenchError
from bench.metrics import METRICS, distribution
from bench.metrics.distribution import Gaussian, fid, fid_interval, frechet_distance, kid, kid_interval


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


@pytest.mark.filterwarnings("ignore")  # it asks SciPy in a way that newer ones dislike
@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 64), (64, 400, 64), (20, 400, 64)])
def test_fid_is_that_of_pytorch_fid(n, m, d):
    """pytorch-fid is no dependency; where somebody has it, it is asked too. Measured with 0.3.0: 4e-13, and 2e-7 where
    there are fewer images than features, because roots of zeros are 1e-8."""
    theirs = pytest.importorskip("pytorch_fid.fid_score").calculate_frechet_distance
    a, b = features(n, d, 1), features(m, d, 2, scale=1.3)
    moments = [part for one in (a, b) for part in (one.mean(axis=0), np.cov(one, rowvar=False))]
    assert fid(a, b) == pytest.approx(theirs(*moments), rel=1e-9 if min(n, m) >= d else 1e-6)


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
    assert METRICS["kid"].bounds[0] < kid(a, a)[0] < 0  # unbiased: a set against itself comes out below zero
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


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 24), (20, 15, 24), (300, 10, 24), (10, 300, 24)])
def test_a_fitted_target_gives_the_same_distance(n, m, d):
    target, rows = features(n, d, 1), features(m, d, 2, scale=1.3)
    fitted = Gaussian.fit(target)
    assert fitted.distance(rows) == fid(rows, target)
    assert fitted.distance(rows) == pytest.approx(torch_fidelity_fid(rows, target), rel=1e-6)


def test_features_that_hang_on_each_other():
    """Singular covariances, which have no Cholesky factor, on either side."""
    target, rows = features(300, 24, 1), features(200, 24, 2, scale=1.3)
    for one in (target, rows):
        one[:, 5] = one[:, 4]
        one[:, 6] = 1
    whole = features(300, 24, 3)
    for a, b in ((rows, target), (whole, target), (target, whole)):
        assert fid(a, b) == pytest.approx(torch_fidelity_fid(a, b), rel=1e-6)
        moments = [part for one in (a, b) for part in (one.mean(axis=0), np.cov(one, rowvar=False))]
        before = [part.copy() for part in moments]
        assert frechet_distance(*moments) == pytest.approx(fid(a, b), rel=1e-6)  # roots of zeros are 1e-8
        for now, then in zip(moments, before, strict=True):
            np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("subsets", [20, 400])  # so few have products of their own; so many share one matrix of all
@pytest.mark.parametrize(("value", "interval"), [(fid, fid_interval), (lambda a, b: kid(a, b)[0], kid_interval)])
def test_an_interval_is_that_of_its_subsets(value, interval, subsets, monkeypatch):
    monkeypatch.setattr(distribution, "INTERVAL_IMAGES", 40)
    a, b = features(600, 8, 1), features(600, 8, 2, scale=1.2)
    chosen = distribution._subsets(600, None, subsets, 0)
    assert chosen is not None
    distances = np.array([value(a[rows], b[rows]) for rows in chosen.rows])
    _, high = chosen.interval(value(a, b), distances)  # FID's lower end stays at 0
    assert interval(a, b, subsets=subsets)[1] == pytest.approx(high, rel=1e-7)


def test_kid_of_whole_sets_is_drawn_once_and_the_same():
    a, b = features(60, 16, 1), features(60, 16, 2)
    theirs = kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subset_size=60, kid_subsets=3, rng_seed=1, verbose=False
    )
    assert kid(a, b)[0] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def noisy_pairs(n, seed, each=4, near=False):
    """Two sets of n images in groups that share a part: far apart, or as near as those of an almost perfect model."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n // each, 1, 6)) * 0.7
    a = (shared + rng.normal(size=(n // each, each, 6))).reshape(n, 6)
    noise = rng.normal(size=a.shape)
    return a + 0.05 * noise if near else a * 1.3 + 0.4 * noise + 0.2, a, [f"g{i // each}" for i in range(n)]


@pytest.mark.slow
@pytest.mark.parametrize(("value", "interval"), [(fid, fid_interval), (lambda a, b: kid(a, b)[0], kid_interval)])
@pytest.mark.parametrize(
    ("n", "each", "near", "images", "least", "most"),
    [
        (240, 4, False, 256, 0.93, 0.96),
        (240, 4, False, 60, 0.93, 0.98),  # subsets of a quarter, as of many images
        (80, 10, False, 256, 0.92, 0.99),
        (80, 10, True, 256, 0.97, 1),
    ],
)
def test_interval_covers_what_other_draws_give(value, interval, n, each, near, images, least, most, monkeypatch):
    """How many of 1,000 hold the value expected at this n; the limits are those of docs/metrics.md."""
    monkeypatch.setattr(distribution, "INTERVAL_IMAGES", images)
    sets = [noisy_pairs(n, seed, each, near) for seed in range(1000)]
    expected = np.mean([value(a, b) for a, b, _ in sets])
    ends = [interval(a, b, groups, subsets=100) for a, b, groups in sets]
    covers = np.mean([low <= expected <= high for low, high in ends])
    assert least <= covers <= most, covers


@pytest.mark.parametrize("interval", [fid_interval, kid_interval])
def test_intervals_that_take_groups_apart_are_narrower(interval):
    sets = [noisy_pairs(240, seed) for seed in range(40)]
    by_group = [np.ptp(interval(a, b, groups, subsets=100)) for a, b, groups in sets]
    by_image = [np.ptp(interval(a, b, subsets=100)) for a, b, _ in sets]
    assert np.mean(by_group) > 1.04 * np.mean(by_image)


@pytest.mark.parametrize("interval", [fid_interval, kid_interval])
def test_interval_shrinks_with_n_and_repeats(interval):
    widths = []
    for n in (40, 400):
        a, b, groups = noisy_pairs(n, 1)
        low, high = interval(a, b, groups, subsets=60)
        assert (low, high) == interval(a, b, groups, subsets=60)
        order = np.random.default_rng(0).permutation(n)
        shuffled = interval(a[order], b[order], [groups[place] for place in order], subsets=60)
        assert shuffled == pytest.approx((low, high), rel=1e-6)
        widths.append(high - low)
    assert 0.05 < widths[1] / widths[0] < 0.6  # about the root of a tenth; less, as a cubic kernel has long tails


@pytest.mark.parametrize("features", [6, 60])
def test_interval_agrees_with_distances_computed_subset_by_subset(features):
    a, b, groups = noisy_pairs(80, 3)
    more = np.random.default_rng(0).normal(size=(2, 80, features - a.shape[1]))
    a, b = np.hstack([a, more[0]]), np.hstack([b, more[0] + 0.1 * more[1]])
    chosen = distribution._subsets(80, groups, 30, 0)
    assert chosen is not None
    assert chosen.kept == 10
    # With few large groups a subset holds more images than there are features.
    assert (chosen.rows.sum(axis=1) > features).all() == (features == 6)
    low, high = chosen.interval(fid(a, b), np.array([fid(a[rows], b[rows]) for rows in chosen.rows]))
    assert fid_interval(a, b, groups, subsets=30) == pytest.approx((low, high), rel=1e-9)
    kids = np.array([kid(a[rows], b[rows])[0] for rows in chosen.rows])
    assert kid_interval(a, b, groups, subsets=30) == pytest.approx(chosen.interval(kid(a, b)[0], kids), rel=1e-9)


def test_interval_of_equal_sets_is_zero_and_of_few_groups_absent():
    a, b, _ = noisy_pairs(40, 1)
    assert fid_interval(a, a) == pytest.approx((0, 0), abs=1e-6)
    assert fid_interval(a, b, ["x"] * 20 + ["y"] * 20) == (None, None)
    assert kid_interval(a, b, ["x"] * 20 + ["y"] * 20) == (None, None)
    with pytest.raises(BenchError, match="both features of each image; got 40 and 39"):
        fid_interval(a, b[:39])
    with pytest.raises(BenchError, match="a group for each of 40 rows"):
        fid_interval(a, b, ["x"] * 39)


def test_an_interval_s_cost_is_bounded():
    chosen = distribution._subsets(5000, None, 4, 0)
    assert chosen is not None
    assert (chosen.rows.sum(axis=1) == distribution.INTERVAL_IMAGES).all()


def test_new_columns_have_names_of_their_own():
    for metric in distribution.METRICS:
        assert metric.kind == "distribution"
        assert metric.name != METRICS["fid"].name
        assert metric.definition != METRICS["fid"].definition
