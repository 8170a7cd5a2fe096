"""Distances between two sets of features: Fréchet (FID) and polynomial kernel (KID). Float64 throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

KID_SUBSETS = 100
KID_SUBSET_SIZE = 1000
KID_SEED = 2020
"""torch-fidelity's own settings; its subset must be smaller where there are fewer images."""

_ROWS = 2048
"""Rows of a kernel matrix that are in memory at a time."""


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
    root = _root(cov_a)
    eigenvalues = np.linalg.eigvalsh(root @ cov_b @ root.T)
    return _frechet(mean_a - mean_b, np.trace(cov_a) + np.trace(cov_b), np.sqrt(eigenvalues.clip(min=0)).sum())


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
    features_a, features_b = _features(features_a, features_b)
    if min(len(features_a), len(features_b)) > features_a.shape[1]:
        moments = [
            part for rows in (features_a, features_b) for part in (rows.mean(axis=0), np.cov(rows, rowvar=False))
        ]
        return frechet_distance(*moments)
    a, b = _factor(features_a), _factor(features_b)
    singular = np.linalg.svd(a @ b.T, compute_uv=False)
    difference = features_a.mean(axis=0) - features_b.mean(axis=0)
    return _frechet(difference, float((a**2).sum() + (b**2).sum()), singular.sum())


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
        Mean and standard deviation over the subsets.

    Raises:
        BenchError: if the shapes do not fit, a set has fewer than two rows or anything not finite, or a subset is
            larger than a set.
    """
    features_a, features_b = _features(features_a, features_b)
    n, m = len(features_a), len(features_b)
    size = min(KID_SUBSET_SIZE, n, m) if subset_size is None else subset_size
    if not 2 <= size <= min(n, m) or subsets < 1:
        raise BenchError(
            f"KID needs at least one subset of 2 to {min(n, m)} images (the smaller set); got {subsets} of {size}."
        )
    rng = np.random.RandomState(seed)
    chosen_a, chosen_b = np.zeros((subsets, n)), np.zeros((subsets, m))
    for subset in range(subsets):
        chosen_a[subset, rng.choice(n, size, replace=False)] = 1
        chosen_b[subset, rng.choice(m, size, replace=False)] = 1
    within = sum(
        _kernel_sums(rows, rows, chosen, chosen) - chosen @ _kernel(np.einsum("nd,nd->n", rows, rows), rows.shape[1])
        for rows, chosen in ((features_a, chosen_a), (features_b, chosen_b))
    )
    between = _kernel_sums(features_a, features_b, chosen_a, chosen_b)
    distances = within / (size * (size - 1)) - 2 * between / size**2
    return float(distances.mean()), float(distances.std())


def _kernel(products: np.ndarray, d: int) -> np.ndarray:
    return (products / d + 1) ** 3


def _kernel_sums(
    features_a: np.ndarray, features_b: np.ndarray, chosen_a: np.ndarray, chosen_b: np.ndarray
) -> Float64[np.ndarray, " subsets"]:
    """For each subset the sum of the kernel over its pairs: one kernel matrix serves all subsets."""
    sums = np.zeros(len(chosen_a))
    for start in range(0, len(features_a), _ROWS):
        rows = slice(start, start + _ROWS)
        matrix = _kernel(features_a[rows] @ features_b.T, features_a.shape[1])
        sums += np.einsum("sm,sm->s", chosen_a[:, rows] @ matrix, chosen_b)
    return sums


def _root(covariance: np.ndarray) -> np.ndarray:
    """Some R with R' R = covariance."""
    try:
        return np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:  # singular, as when a feature never varies
        values, vectors = np.linalg.eigh(covariance)
        return np.sqrt(values.clip(min=0))[:, None] * vectors.T


def _factor(rows: np.ndarray) -> np.ndarray:
    """Some F with F' F = the rows' covariance, with no more rows than columns."""
    factor = (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)
    return factor if len(factor) <= factor.shape[1] else np.asarray(np.linalg.qr(factor, mode="r"))


def _frechet(difference: np.ndarray, traces: float, trace_of_root: float) -> float:
    return float(difference @ difference + traces - 2 * trace_of_root)


def _features(features_a: np.ndarray, features_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    checked = []
    for rows in (features_a, features_b):
        rows = np.asarray(rows, np.float64)
        if rows.ndim != 2 or len(rows) < 2:
            raise BenchError(f"expected features of shape (n, d) with n at least 2; got {rows.shape}.")
        if not np.isfinite(rows).all():
            raise BenchError("expected finite features; got NaN or infinity.")
        checked.append(rows)
    if checked[0].shape[1] != checked[1].shape[1]:
        raise BenchError(f"expected features of one width; got {checked[0].shape[1]} and {checked[1].shape[1]}.")
    return checked[0], checked[1]
