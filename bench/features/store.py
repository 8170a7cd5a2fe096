"""Features of a split's targets and their Gaussian, made once and kept under the split's and the extractor's name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bench.files import whole
from bench.metrics.distribution import Gaussian

if TYPE_CHECKING:
    from jaxtyping import Float32, UInt8

VERSION = 2
"""Of the kept file: another number leaves older files unread."""


class Extractor(Protocol):
    """What turns 8-bit images into features.

    Attributes:
        definition: in words, everything that a feature depends on but the image.
    """

    definition: str

    def __call__(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n d"]:
        """One row an image."""
        ...


@dataclass(frozen=True)
class Known:
    """What is known of a split's targets.

    Attributes:
        features: one row an image, in the split's order.
        gaussian: fitted to them.
    """

    features: Float32[np.ndarray, "n d"]
    gaussian: Gaussian


def known(digest: str, targets: UInt8[np.ndarray, "n h w 3"], extractor: Extractor, cache: Path | None) -> Known:
    """Features and Gaussian of a split's targets: from the cache if it holds them whole, else made and kept there.

    Args:
        digest: the split's, which names every pixel of `targets`.
        targets: 8-bit sRGB, at least two.
        extractor: makes the features.
        cache: a folder, or None to keep nothing. A file there that is not whole is made again: it is only a copy.

    Raises:
        BenchError: if there are fewer than two targets.
    """
    definition = hashlib.sha256(f"{VERSION}|{extractor.definition}".encode()).hexdigest()[:16]
    path = None if cache is None else cache / f"{digest}.features-{definition}.safetensors"
    facts = {"split": digest, "extractor": extractor.definition, "n": str(len(targets))}
    found = None if path is None else _read(path, facts)
    if found is not None:
        return found
    features = extractor(targets)
    made = Known(features, Gaussian.fit(features))
    if path is not None:
        _write(path, facts, made)
    return made


def _write(path: Path, facts: dict[str, str], made: Known) -> None:
    from safetensors.numpy import save

    tensors = {"features": made.features}
    if made.gaussian.n > made.features.shape[1]:  # of fewer images it costs nothing to fit it again
        tensors |= {"mean": made.gaussian.mean, "root": made.gaussian.root}
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    with whole(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=_stated(tensors, facts)))


def _read(path: Path, facts: dict[str, str]) -> Known | None:
    """What a file holds, or None if there is none, it is damaged, or it speaks of something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as stream:
            stated = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (it is no mapping)
    except (OSError, SafetensorError, ValueError):
        return None
    if stated != _stated(tensors, facts) or "features" not in tensors:
        return None
    features = tensors["features"]
    if {"mean", "root"} <= tensors.keys():
        return Known(features, Gaussian(len(features), tensors["mean"], tensors["root"]))
    return Known(features, Gaussian.fit(features))


def _stated(tensors: dict[str, np.ndarray], facts: dict[str, str]) -> dict[str, str]:
    """The file's own word on itself: the facts, and the SHA-256 of every tensor's name, kind and bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(value.data)
    # One value, because safetensors writes several in no order.
    return {"chromabench": json.dumps(facts | {"sha256": digest.hexdigest()}, sort_keys=True)}
