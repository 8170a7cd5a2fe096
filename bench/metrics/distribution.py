"""Distances between two sets of features: Fréchet (FID, FD-chroma) and polynomial kernel (KID). Float64 throughout.

Which extractor made the features says the metric's name; nothing here knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.types import Metric

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64

METRICS = (
    Metric(
        id="fid-clean",
        name="FID clean",
        unit="",
        direction="lower",
        kind="distribution",
        definition="clean-resize,tf-inception,2048,float64",
        source="Parmar, Zhang and Zhu 2022, section 3: Pillow's bicubic, antialiased, in floats",
        decimals=1,
    ),
    Metric(
        id="fd-chroma",
        name="FD-chroma",
        unit="",
        direction="lower",
        kind="distribution",
        definition="chroma-v1,64,float64",
        source="the Fréchet distance of Dowson and Landau 1982; bench.features.chroma; reports/fd-chroma.md",
        decimals=2,
    ),
)
"""Columns beside FID and KID: the same statistic of other features, so under other names."""

KID_SUBSETS = 100
KID_SUBSET_SIZE = 1000
KID_SEED = 2020
"""torch-fidelity's own settings; its subset must be smaller where there are fewer images."""

INTERVAL_SUBSETS = 200
INTERVAL_IMAGES = 256
LEVEL = 0.95
"""An interval's subsets, about how many images each may hold (which bounds the cost), and its level."""

_ROWS = 2048
"""Rows of a kernel matrix, or of features, that are in memory in double precision at a time."""


@dataclass(frozen=True)
class Gaussian:
    """The Gaussian fitted to a set of features: what a target's side of a Fréchet distance costs, paid once.

    Attributes:
        n: how many rows it was fitted to.
        mean: shape (d,).
        root: some R with R' R = covariance (unbiased, n - 1), shape (k, d), with k = min(n, d); for n > d it is upper
            triangular.
    """

    n: int
    mean: Float64[np.ndarray, " d"]
    root: Float64[np.ndarray, "k d"]

    @classmethod
    def fit(cls, features: Float[np.ndarray, "n d"]) -> Gaussian:
        """Fit it.

        Args:
            features: one row an image, at least two.

        Raises:
            BenchError: unless they are two rows or more of finite numbers.
        """
        rows = _checked(features)
        if len(rows) <= rows.shape[1]:
            mean = rows.mean(axis=0, dtype=np.float64)
            return cls(len(rows), mean, (rows - mean) / np.sqrt(len(rows) - 1))
        mean, covariance = _moments(rows)
        return cls(len(rows), mean, _root(covariance))

    def distance(self, features: Float[np.ndarray, "m d"]) -> float:
        """Fréchet distance to the Gaussian fitted to `features`: `fid`, with this side's work done before.

        Raises:
            BenchError: if the shapes do not fit, or `features` are fewer than two rows or not finite.
        """
        rows = _checked(features)
        if rows.shape[1] != self.mean.size:
            raise BenchError(f"expected features of one width; got {rows.shape[1]} and {self.mean.size}.")
        traces = np.vdot(self.root, self.root)
        if min(len(rows), self.n) <= rows.shape[1]:  # as in `fid`, for the same reason
            mean = rows.mean(axis=0, dtype=np.float64)
            factor = (rows - mean) / np.sqrt(len(rows) - 1)
            factor = factor if len(rows) <= rows.shape[1] else np.asarray(np.linalg.qr(factor, mode="r"))
            return _frechet(mean - self.mean, traces + (factor**2).sum(), _nuclear(factor @ self.root.T))
        mean, covariance = _moments(rows)
        return _frechet(mean - self.mean, traces + np.trace(covariance), _trace_of_root(self.root, covariance))


def frechet_distance(
    mean_a: Float[np.ndarray, " d"],
    cov_a: Float[np.ndarray, "d d"],
    mean_b: Float[np.ndarray, " d"],
    cov_b: Float[np.ndarray, "d d"],
) -> float:
    """Fréchet distance of two Gaussians (Dowson and Landau 1982; Heusel et al. 2017, equation 6). Lower is better.

    The trace of the root of cov_a cov_b comes from the eigenvalues of the symmetric R cov_b R' with R' R = cov_a: they
    are the same, real, and quicker to find than those of the product.

    Args:
        mean_a, mean_b: means.
        cov_a, cov_b: covariances, symmetric and positive semidefinite.

    Returns:
        |mean_a - mean_b|² + tr(cov_a + cov_b - 2 (cov_a cov_b)^½), at least 0 but for rounding.

    Raises:
        BenchError: if the shapes do not fit.
    """
    mean_a, cov_a, mean_b, cov_b = (np.asarray(part, np.float64) for part in (mean_a, cov_a, mean_b, cov_b))
    d = mean_a.size
    if mean_a.shape != (d,) or mean_b.shape != (d,) or cov_a.shape != (d, d) or cov_b.shape != (d, d):
        raise BenchError(
            "frechet_distance needs means of shape (d,) and covariances of shape (d, d); got "
            f"{mean_a.shape}, {cov_a.shape}, {mean_b.shape}, {cov_b.shape}."
        )
    return _frechet(mean_a - mean_b, np.trace(cov_a) + np.trace(cov_b), _trace_of_root(_root(cov_a), cov_b))


def fid(features_a: Float[np.ndarray, "n d"], features_b: Float[np.ndarray, "m d"]) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features. Symmetric; lower is better.

    With no more images than features a covariance is singular, and the trace is the sum of the singular values of a
    matrix as small as the sets: the same number, a hundred times sooner and free of the noise of zero eigenvalues. A
    value from so few images is biased upwards: compare only at equal n.

    Args:
        features_a, features_b: one row an image, at least two each. Covariances are unbiased (n - 1).

    Raises:
        BenchError: if the shapes do not fit, or a set has fewer than two rows or anything not finite.
    """
    return Gaussian.fit(features_b).distance(features_a)


def kid(
    features_a: Float[np.ndarray, "n d"],
    features_b: Float[np.ndarray, "m d"],
    subset_size: int | None = None,
    subsets: int = KID_SUBSETS,
    seed: int = KID_SEED,
) -> tuple[float, float]:
    """Kernel Inception distance: unbiased MMD² with the kernel (x·y / d + 1)³ (Binkowski et al. 2018, section 4).

    The mean over random subsets, drawn as torch-fidelity draws them, so that the same seed gives its numbers. Unlike
    FID it has no bias at small n, and may be slightly negative. Lower is better.

    Args:
        features_a, features_b: one row an image, at least two each.
        subset_size: images of each set in a subset; None for 1000 or, where a set is smaller, all of it.
        subsets: how many subsets.
        seed: of the draws.

    Returns:
        Mean and standard deviation over the subsets. The deviation is torch-fidelity's and no error bar: it is that of
        one subset, and 0 where a subset is the whole set; `kid_interval` says how sure the mean is.

    Raises:
        BenchError: if the shapes do not fit, a set has fewer than two rows or anything not finite, or a subset is
            larger than a set.
    """
    features_a, features_b = _pair(features_a, features_b)
    n, m = len(features_a), len(features_b)
    size = min(KID_SUBSET_SIZE, n, m) if subset_size is None else subset_size
    if not 2 <= size <= min(n, m) or subsets < 1:
        raise BenchError(
            f"KID needs at least one subset of 2 to {min(n, m)} images (the smaller set); got {subsets} of {size}."
        )
    if size == n == m:  # every draw is the whole set
        chosen = np.ones((1, n), bool)
        return float(_distances(features_a, features_b, chosen, chosen)[0]), 0.0
    rng = np.random.RandomState(seed)
    chosen_a, chosen_b = np.zeros((subsets, n), bool), np.zeros((subsets, m), bool)
    for subset in range(subsets):
        chosen_a[subset, rng.choice(n, size, replace=False)] = True
        chosen_b[subset, rng.choice(m, size, replace=False)] = True
    distances = _distances(features_a, features_b, chosen_a, chosen_b)
    return float(distances.mean()), float(distances.std())


def fid_interval(
    features_a: Float[np.ndarray, "n d"],
    features_b: Float[np.ndarray, "n d"],
    groups: Sequence[str] | None = None,
    subsets: int = INTERVAL_SUBSETS,
    seed: int = 0,
) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of `fid(features_a, features_b)`, by subsampling whole groups without replacement.

    The spread of the distance over subsets, scaled to all groups, is the delete-d jackknife (Shao and Wu 1989, equation
    2.4; Politis, Romano and Wolf 1999, section 2.3 with its correction for finite populations). It is of the value at
    this n, so it speaks of chance and not of the bias that a distance of few images has. A group stays whole, and a row
    of one set stays with the row of the other, because they show one image. The cost is `subsets` sets of singular
    values of about 256 x 256, and the products that they are of; of larger groups, of matrices of d x d at most.

    Args:
        features_a, features_b: predictions and targets, row by row of the same images.
        groups: the group of each row; None where each is its own.
        subsets: how many.
        seed: of the draws; one seed and one split give every entry the same subsets.

    Returns:
        Lower and upper end, the lower at least 0; two None with fewer than three groups.

    Raises:
        BenchError: if the shapes do not fit or anything is not finite.
    """
    features_a, features_b = _pair(features_a, features_b, paired=True)
    chosen = _subsets(len(features_a), groups, subsets, seed)
    if chosen is None:
        return None, None
    counts = chosen.rows.sum(axis=1)
    many = counts > features_a.shape[1]
    # Of many images one matrix of all products would hold far more than the subsets ask for.
    asked = (counts[~many] ** 2).sum()
    products = None if asked < len(features_a) ** 2 else features_a @ features_b.T
    shares = chosen.rows / chosen.rows.sum(axis=1, keepdims=True)
    differences = shares @ (features_a - features_b)
    squares = chosen.rows @ ((features_a**2).sum(axis=1) + (features_b**2).sum(axis=1))
    means = ((shares @ features_a) ** 2).sum(axis=1) + ((shares @ features_b) ** 2).sum(axis=1)
    distances = np.empty(len(chosen.rows))
    for subset, rows in enumerate(chosen.rows):
        n = int(counts[subset])
        if many[subset]:
            # Of large groups: two triangles with the same singular values, no larger than the features are long.
            centred = (features[rows] - features[rows].mean(axis=0) for features in (features_a, features_b))
            first, second = (np.asarray(np.linalg.qr(one, mode="r")) for one in centred)
            between = first @ second.T
        else:
            between = features_a[rows] @ features_b[rows].T if products is None else products[np.ix_(rows, rows)]
            # Centred on both sides these are the products of centred features.
            between = between - between.mean(axis=0) - between.mean(axis=1, keepdims=True) + between.mean()
        traces = (squares[subset] - n * means[subset]) / (n - 1)
        distances[subset] = _frechet(differences[subset], traces, _nuclear(between) / (n - 1))
    low, high = chosen.interval(fid(features_a, features_b), distances)
    return max(low, 0.0), high


def kid_interval(
    features_a: Float[np.ndarray, "n d"],
    features_b: Float[np.ndarray, "n d"],
    groups: Sequence[str] | None = None,
    subsets: int = INTERVAL_SUBSETS,
    seed: int = 0,
) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of `kid(features_a, features_b)`, as `fid_interval` makes its own; it may reach below 0."""
    features_a, features_b = _pair(features_a, features_b, paired=True)
    chosen = _subsets(len(features_a), groups, subsets, seed)
    if chosen is None:
        return None, None
    distances = _distances(features_a, features_b, chosen.rows, chosen.rows)
    return chosen.interval(kid(features_a, features_b)[0], distances)


@dataclass(frozen=True)
class _Subsets:
    """Random halves or less of the groups.

    Attributes:
        rows: for each subset which rows it has.
        groups: how many groups there are.
        kept: how many of them a subset has.
    """

    rows: Bool[np.ndarray, "subsets n"]
    groups: int
    kept: int

    def interval(self, value: float, distances: Float64[np.ndarray, " subsets"]) -> tuple[float, float]:
        """The interval about `value`; wider than the normal one where groups are few."""
        from scipy.special import stdtrit

        error = distances.std() * np.sqrt(self.kept / (self.groups - self.kept))
        half = float(stdtrit(self.groups - 1, (1 + LEVEL) / 2) * error)
        return value - half, value + half


def _subsets(n: int, groups: Sequence[str] | None, subsets: int, seed: int) -> _Subsets | None:
    """The subsets, or None where there are too few groups to leave some out and keep some."""
    names = np.arange(n).astype(str) if groups is None else np.asarray(groups, dtype=str)
    if names.shape != (n,) or subsets < 2:
        raise BenchError(
            f"expected a group for each of {n} rows, and at least 2 subsets; got {names.shape}, {subsets}."
        )
    known, owner = np.unique(names, return_inverse=True)
    count = len(known)
    if count < 3:
        return None
    kept = min(count - 1, max(2, min(count // 2, round(count * INTERVAL_IMAGES / n))))
    order = np.random.default_rng(seed).random((subsets, count)).argsort(axis=1)
    taken = np.zeros((subsets, count), bool)
    np.put_along_axis(taken, order[:, :kept], True, axis=1)
    return _Subsets(taken[:, owner], count, kept)


def _kernel(products: np.ndarray, d: int) -> np.ndarray:
    # Twice as fast as a power, and the same number to the last digit but one.
    kernel = products / d + 1
    return kernel * kernel * kernel


def _distances(
    features_a: np.ndarray, features_b: np.ndarray, chosen_a: np.ndarray, chosen_b: np.ndarray
) -> Float64[np.ndarray, " subsets"]:
    """Unbiased MMD² of every subset of rows."""
    weights_a, weights_b = chosen_a.astype(np.float64), chosen_b.astype(np.float64)
    n, m = weights_a.sum(axis=1), weights_b.sum(axis=1)
    within = [
        (_kernel_sums(rows, rows, weights, weights) - weights @ _kernel((rows**2).sum(axis=1), rows.shape[1]))
        / (count * (count - 1))
        for rows, weights, count in ((features_a, weights_a, n), (features_b, weights_b, m))
    ]
    return within[0] + within[1] - 2 * _kernel_sums(features_a, features_b, weights_a, weights_b) / (n * m)


def _kernel_sums(
    features_a: np.ndarray, features_b: np.ndarray, weights_a: np.ndarray, weights_b: np.ndarray
) -> Float64[np.ndarray, " subsets"]:
    """For each subset the sum of the kernel over its pairs: one kernel matrix serves all, unless theirs are less."""
    d = features_a.shape[1]
    if (weights_a.sum(axis=1) * weights_b.sum(axis=1)).sum() < len(features_a) * len(features_b):
        pairs = zip(weights_a > 0, weights_b > 0, strict=True)
        return np.array([_kernel(features_a[rows] @ features_b[others].T, d).sum() for rows, others in pairs])
    sums = np.zeros(len(weights_a))
    for start in range(0, len(features_a), _ROWS):
        rows = slice(start, start + _ROWS)
        matrix = _kernel(features_a[rows] @ features_b.T, d)
        sums += np.einsum("sm,sm->s", weights_a[:, rows] @ matrix, weights_b)
    return sums


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and unbiased covariance, in double precision a part of the rows at a time."""
    mean = rows.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS] - mean
        scatter += part.T @ part
    return mean, scatter / (len(rows) - 1)


def _root(covariance: np.ndarray) -> np.ndarray:
    """The upper triangular R with R' R = covariance."""
    try:
        return np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:  # singular, as when a feature never varies
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(np.linalg.qr(np.sqrt(values.clip(min=0))[:, None] * vectors.T, mode="r"))


def _trace_of_root(root: np.ndarray, covariance: np.ndarray) -> float:
    """The trace of (R' R covariance)^½ for an upper triangular R."""
    from scipy.linalg import eigvalsh, get_lapack_funcs

    # R covariance R' as LAPACK makes it of triangles: a quarter of the work of two plain products.
    (between,) = get_lapack_funcs(("sygst",), dtype=np.float64)
    product = between(covariance.T, root.T, itype=2, lower=1)[0]
    return float(np.sqrt(eigvalsh(product, check_finite=False, overwrite_a=True, driver="evd").clip(min=0)).sum())


def _nuclear(matrix: np.ndarray) -> float:
    """The sum of the singular values."""
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def _frechet(difference: np.ndarray, traces: float, trace_of_root: float) -> float:
    return float(difference @ difference + traces - 2 * trace_of_root)


def _checked(features: np.ndarray) -> np.ndarray:
    """Features as they came, float32 or float64, found fit for statistics."""
    rows = np.asarray(features)
    rows = rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise BenchError(f"expected features of shape (n, d) with n at least 2; got {rows.shape}.")
    if not np.isfinite(rows).all():
        raise BenchError("expected finite features; got NaN or infinity.")
    return rows


def _pair(features_a: np.ndarray, features_b: np.ndarray, paired: bool = False) -> tuple[np.ndarray, np.ndarray]:
    a, b = _checked(features_a).astype(np.float64), _checked(features_b).astype(np.float64)
    if a.shape[1] != b.shape[1]:
        raise BenchError(f"expected features of one width; got {a.shape[1]} and {b.shape[1]}.")
    if paired and len(a) != len(b):
        raise BenchError(f"an interval needs both features of each image; got {len(a)} and {len(b)} rows.")
    return a, b
