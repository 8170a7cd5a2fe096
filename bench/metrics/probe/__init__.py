"""The probe: a few fixed pictures scored again by independent libraries, so that a drifting number stops a run.

Protocol v1, rule 9. A metric that no library has is restated plainly in double precision. `pictures` holds what is
scored; `protocol`, `restated`, `clips`, `distances` and `networks` are the other side, and none of them ever scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.errors import BenchError
from bench.metrics import distribution, pixel, suite, temporal
from bench.metrics.probe.pictures import (
    few_features,
    probe_clips,
    probe_features,
    probe_pairs,
    probe_truth,
    single_features,
)

__all__ = ["CHECKERS", "Check", "assert_agreement", "cross_check", "insist", "largest", "probe_features", "probe_pairs"]

_PLAIN = "numpy, restated"
_SCIPY = "SciPy, restated"
_COLOUR = "colour-science"

CHECKERS: dict[str, dict[str, tuple[str, float]]] = {
    "protocol v1": {
        "l1": ("numpy", 1e-9),
        "l2": ("numpy", 1e-9),
        "psnr": ("scikit-image", 1e-5),
        "ssim": ("scikit-image", 1e-5),
        "l1-ab": (_COLOUR, 1e-4),
        "l2-ab": (_COLOUR, 1e-2),
        "ciede2000": (_COLOUR, 1e-4),
        "ciede2000-p95": (_COLOUR, 1e-3),
        "ciede2000-over-2.3": (_COLOUR, 1e-3),
        "fid": ("torch-fidelity", 1e-6),
        "kid": ("torch-fidelity", 1e-9),
    },
    "structure": {
        "ms-ssim": ("torchmetrics", 1e-5),
    },
    "luma locked": {
        "psnr-locked": ("scikit-image", 1e-5),
        "ssim-locked": ("scikit-image", 1e-5),
        "ciede2000-locked": (_COLOUR, 1e-4),
        "luma-error": (_PLAIN, 1e-9),
    },
    "amount of colour": {
        "colourfulness-error": (_PLAIN, 1e-9),
        "saturation-error": (_COLOUR, 1e-5),
    },
    "place of colour": {
        "bleeding": (_SCIPY, 1e-5),
        "bleeding-true": (_SCIPY, 1e-5),
        "region-spread": (_SCIPY, 1e-4),
        "small-regions": (_SCIPY, 1e-4),
        "region-spread-true": (_PLAIN, 1e-4),
        "small-regions-true": (_PLAIN, 1e-4),
        "palette-distance": (_SCIPY, 1e-3),
    },
    "classes of colour": {
        "ciede2000-neutrals": (_COLOUR, 1e-3),
        "ciede2000-skin-tones": (_COLOUR, 1e-3),
        "ciede2000-browns": (_COLOUR, 1e-3),
        "ciede2000-reds": (_COLOUR, 1e-3),
        "ciede2000-foliage-greens": (_COLOUR, 1e-3),
        "ciede2000-sky-blues": (_COLOUR, 1e-3),
    },
    "clips": {
        "warp-error-ab": (_SCIPY, 1e-2),
        "cdc-difference": ("SciPy", 1e-9),
    },
    "other features": {
        "fid-clean": ("torch-fidelity", 1e-6),
        "fd-chroma": ("torch-fidelity", 1e-5),
    },
    "networks": {
        "lpips": ("torchmetrics", 1e-5),
    },
}
"""By topic: who checks each metric, and by how much it may differ on the probe, in the metric's own unit."""

TWO = slice(3, 5)
"""The pairs that MS-SSIM is checked on, noise and a drawing: torchmetrics takes longer over it than all the others."""

SLOW = ("lpips",)
"""Left out of the alarm of every run: it needs a network, which takes longer than all the rest."""


@dataclass(frozen=True)
class Check:
    """One metric on the probe: the largest deviation of any value from the library's, infinite where one has none."""

    topic: str
    metric: str
    library: str
    deviation: float
    tolerance: float

    @property
    def good(self) -> bool:
        return self.deviation <= self.tolerance


def cross_check(whole: bool = True) -> list[Check]:
    """Score the probe by our code and by the libraries.

    Args:
        whole: every metric; else those that a run can afford to check each time.

    Returns:
        One for each metric, topic by topic.
    """
    ours, theirs = _ours(whole), _theirs(whole)
    return [
        Check(topic, name, library, largest(ours[name], theirs[name]), tolerance)
        for topic, checkers in CHECKERS.items()
        for name, (library, tolerance) in checkers.items()
        if whole or name not in SLOW
    ]


def largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest deviation of any row of ours; infinite where one side alone has a value, or none has any."""
    ours, theirs = np.broadcast_arrays(np.asarray(ours, np.float64), np.asarray(theirs, np.float64))
    known = np.isfinite(ours)
    alike = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    if not known.any() or not (alike | (known & np.isfinite(theirs))).all():
        return np.inf
    return float(np.abs(ours[known] - theirs[known]).max())


def _ours(whole: bool) -> dict[str, np.ndarray]:
    """By the modules that score, through the names by which an evaluation calls them.

    Protocol v1 has a row for each of its kernels: the one that scores beside the other metrics, the one of the protocol
    alone (`bench demo`, training's validation), and the one of colours alone (the best of several samples).
    """
    pairs, (own, true, frames) = probe_pairs(), probe_clips()
    many = probe_features()
    scores = suite.score_all(*pairs, *probe_truth())
    alone = pixel.score_images(*pairs), pixel.colour_scores(*pairs)
    scores |= {id: np.stack([scores[id], *(part[id] for part in alone if id in part)]) for id in alone[0]}
    scores |= temporal.temporal_scores(own, true, frames)
    scores |= {
        "ms-ssim": scores["ms-ssim"][TWO],
        "fid": np.array([distribution.fid(*many)]),
        "kid": np.array([*distribution.kid(*many), *distribution.kid(*many, subset_size=40)]),
        "fid-clean": np.array([distribution.fid(*few_features())]),
        "fd-chroma": np.array([distribution.fid(*single_features())]),
    }
    if whole:
        from bench.metrics.probe.networks import lpips_ours

        scores["lpips"] = lpips_ours(*pairs)
    return scores


def _theirs(whole: bool) -> dict[str, np.ndarray]:
    from bench.metrics.probe import clips, distances, protocol, restated

    (predictions, targets), (boundaries, regions) = probe_pairs(), probe_truth()
    rows = []
    for pair, boundary, numbers in zip(zip(predictions, targets, strict=True), boundaries, regions, strict=True):
        row = protocol.protocol(*pair) | protocol.locked(*pair)
        row |= restated.chroma(*pair) | restated.hues(*pair) | restated.palette(*pair)
        rows.append(row | restated.bleeding(*pair, boundary) | restated.regions(*pair, numbers))
    scores = {name: np.array([row[name] for row in rows]) for name in rows[0]} | clips.clips(*probe_clips())
    many = probe_features()
    coarse = [protocol.ms_ssim(*pair) for pair in zip(predictions[TWO], targets[TWO], strict=True)]
    scores |= {
        "ms-ssim": np.array([row["ms-ssim"] for row in coarse]),
        "fid": np.array([distances.frechet(*many)]),
        "kid": np.array([*distances.kernel(*many, len(many[0])), *distances.kernel(*many, 40)]),
        "fid-clean": np.array([distances.frechet(*few_features())]),
        "fd-chroma": np.array([distances.frechet(*single_features())]),
    }
    if whole:
        from bench.metrics.probe.networks import lpips_theirs

        scores["lpips"] = lpips_theirs(predictions, targets)
    return scores


@cache
def assert_agreement() -> None:
    """Check once a process what a run can afford.

    Raises:
        BenchError: a metric deviates from its library by more than the tolerance.
    """
    insist(cross_check(whole=False))


def insist(checks: Iterable[Check]) -> None:
    """Stop where one of them is not good.

    Raises:
        BenchError: it names the first that deviates.
    """
    for check in checks:
        if not check.good:
            raise BenchError(
                f"{check.metric} differs from {check.library} by {check.deviation:.2g} on the probe images (tolerance "
                f"{check.tolerance:g}); no score is written. See: bench doctor"
            )
