"""Fréchet and kernel distances once more, by torch-fidelity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    Features = Float[np.ndarray, "n d"]


def frechet(first: Features, second: Features) -> float:
    """The Fréchet distance of two sets of features."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    statistics = [fid_features_to_statistics(torch.from_numpy(rows).double()) for rows in (first, second)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"])


def kernel(first: Features, second: Features, size: int) -> tuple[float, float]:
    """Mean and deviation of the kernel distance over 100 subsets of so many rows."""
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    rows = [torch.from_numpy(features) for features in (first, second)]
    found = kid_features_to_metric(*rows, kid_subsets=100, kid_subset_size=size, rng_seed=2020, verbose=False)
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"]
