"""The probe: a few fixed pairs scored again by independent libraries, so that a drifting number stops a run.

Protocol v1, rule 9: scikit-image for SSIM and PSNR, colour-science for what is measured in Lab, torch-fidelity for FID
and KID, plain float64 numpy for L1 and L2.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.color import SRGB_TO_XYZ, WHITE_XY
from bench.errors import BenchError
from bench.metrics.distribution import KID_SEED, KID_SUBSETS, fid, kid
from bench.metrics.pixel import score_images

LIBRARIES = {
    "l1": ("numpy", 1e-9),
    "l2": ("numpy", 1e-9),
    "psnr": ("scikit-image", 1e-5),
    "ssim": ("scikit-image", 1e-5),
    "l1-ab": ("colour-science", 1e-4),
    "l2-ab": ("colour-science", 1e-2),
    "ciede2000": ("colour-science", 1e-4),
    "ciede2000-p95": ("colour-science", 1e-3),
    "ciede2000-over-2.3": ("colour-science", 1e-3),
    "fid": ("torch-fidelity", 1e-6),
    "kid": ("torch-fidelity", 1e-9),
}
"""Who checks each metric, and by how much it may differ on the probe, in the metric's own unit."""


@dataclass(frozen=True)
class Check:
    """One metric on the probe: the largest deviation of any image's value from the library's."""

    metric: str
    library: str
    deviation: float
    tolerance: float

    @property
    def good(self) -> bool:
        return self.deviation <= self.tolerance


def probe_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets, uint8 (4, 48, 64, 3): smooth, noisy, near and far pairs made from integers alone."""
    rng = np.random.default_rng(20)
    y, x = np.mgrid[0:48, 0:64]
    smooth = np.stack([x * 4 % 256, y * 5 % 256, (x + y) * 2 % 256], -1)
    noisy = rng.integers(0, 256, smooth.shape)
    targets = np.stack([smooth, noisy, smooth // 2 + 64, noisy // 4 + 96]).astype(np.uint8)
    shift = rng.integers(-12, 13, targets.shape)
    shift[3] *= 6
    return np.clip(targets + shift, 0, 255).astype(np.uint8), targets


def probe_features() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of 60 made-up features of 24 dimensions, float64: what FID and KID are checked on, without weights."""
    rng = np.random.default_rng(21)
    return rng.random((60, 24)), rng.random((60, 24)) ** 1.5


def cross_check() -> list[Check]:
    """Score the probe by our code and by the libraries."""
    predictions, targets = probe_pairs()
    ours = dict(score_images(predictions, targets))
    a, b = probe_features()
    ours |= {"fid": np.array([fid(a, b)]), "kid": np.array(kid(a, b))}
    rows = [_by_libraries(prediction, target) for prediction, target in zip(predictions, targets, strict=True)]
    theirs = {name: np.array([row[name] for row in rows]) for name in rows[0]} | _by_torch_fidelity(a, b)
    return [
        Check(name, library, float(np.abs(ours[name] - theirs[name]).max()), tolerance)
        for name, (library, tolerance) in LIBRARIES.items()
    ]


def _by_libraries(prediction: np.ndarray, target: np.ndarray) -> dict[str, float]:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that plotting needs matplotlib, which nothing here does
        import colour

    difference = prediction.astype(np.float64) - target
    similarity: Any = structural_similarity(
        target,
        prediction,
        data_range=255,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    labs = []
    for picture in (prediction, target):
        encoded = picture / 255
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        labs.append(colour.XYZ_to_Lab(linear @ np.array(SRGB_TO_XYZ).T, np.array(WHITE_XY)))
    chroma = (labs[0] - labs[1])[..., 1:]
    difference_2000 = np.asarray(colour.difference.delta_E_CIE2000(labs[0], labs[1]))
    return {
        "l1": float(np.abs(difference).mean()),
        "l2": float((difference**2).mean()),
        "psnr": float(peak_signal_noise_ratio(target, prediction, data_range=255)),
        "ssim": float(similarity),
        "l1-ab": float(np.abs(chroma).mean()),
        "l2-ab": float((chroma**2).mean()),
        "ciede2000": float(difference_2000.mean()),
        "ciede2000-p95": float(np.percentile(difference_2000, 95)),
        "ciede2000-over-2.3": float((difference_2000 > 2.3).mean()),
    }


def _by_torch_fidelity(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    first, second = torch.from_numpy(a), torch.from_numpy(b)
    distance = fid_statistics_to_metric(
        fid_features_to_statistics(first), fid_features_to_statistics(second), verbose=False
    )
    kernel = kid_features_to_metric(
        first, second, kid_subsets=KID_SUBSETS, kid_subset_size=len(a), rng_seed=KID_SEED, verbose=False
    )
    return {
        "fid": np.array([distance["frechet_inception_distance"]]),
        "kid": np.array([kernel["kernel_inception_distance_mean"], kernel["kernel_inception_distance_std"]]),
    }


@cache
def assert_agreement() -> None:
    """Check the probe once a process.

    Raises:
        BenchError: a metric deviates from its library by more than the tolerance.
    """
    for check in cross_check():
        if not check.good:
            raise BenchError(
                f"{check.metric} differs from {check.library} by {check.deviation:.2g} on the probe images (tolerance "
                f"{check.tolerance:g}); no score is written. See: bench doctor"
            )
