"""The probe: a few fixed pairs scored again by independent libraries, so that a drifting number stops a run.

Protocol v1, rule 9. scikit-image gives SSIM and PSNR, colour-science CIEDE2000, plain float64 numpy L1 and L2.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.color import SRGB_TO_XYZ, WHITE_XY
from bench.errors import BenchError
from bench.metrics.pixel import score_images

TOLERANCES = {"l1": 1e-9, "l2": 1e-9, "psnr": 1e-5, "ssim": 1e-5, "ciede2000": 1e-4}


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


def cross_check() -> list[Check]:
    """Score the probe by our kernels and by the libraries."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    predictions, targets = probe_pairs()
    ours = score_images(predictions, targets)
    theirs: dict[str, list[float]] = {name: [] for name in TOLERANCES}
    for prediction, target in zip(predictions, targets, strict=True):
        difference = prediction.astype(np.float64) - target
        theirs["l1"].append(float(np.abs(difference).mean()))
        theirs["l2"].append(float((difference**2).mean()))
        theirs["psnr"].append(float(peak_signal_noise_ratio(target, prediction, data_range=255)))
        similarity: Any = structural_similarity(
            target,
            prediction,
            data_range=255,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        theirs["ssim"].append(float(similarity))
        theirs["ciede2000"].append(float(_colour_science(prediction, target).mean()))
    libraries = {"l1": "numpy", "l2": "numpy", "psnr": "scikit-image", "ssim": "scikit-image"}
    return [
        Check(name, libraries.get(name, "colour-science"), float(np.abs(ours[name] - values).max()), TOLERANCES[name])
        for name, values in theirs.items()
    ]


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


def _colour_science(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that plotting needs matplotlib, which nothing here does
        import colour

    white = np.array(WHITE_XY)
    labs = []
    for picture in (a, b):
        encoded = picture / 255
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        labs.append(colour.XYZ_to_Lab(linear @ np.array(SRGB_TO_XYZ).T, white))
    return np.asarray(colour.difference.delta_E_CIE2000(labs[0], labs[1]))
