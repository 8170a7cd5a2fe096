"""The one evaluation loop: predictions of one entry on one split become per-image scores and a record."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from bench.data.manifest import Split
from bench.data.splits import SMALL_DOMAIN
from bench.errors import BenchError
from bench.files import whole
from bench.metrics import METRICS
from bench.metrics.distribution import fid, kid
from bench.metrics.pixel import score_images
from bench.predictions import write_predictions
from bench.records import Cost, EntryFacts, Record, Score, SplitFacts, TrainingFacts, signature
from bench.statistics import summarize
from bench.types import Entry, Images, Metric

if TYPE_CHECKING:
    from bench.features import Inception

RELIABLE_FID = 2048
"""Below as many images the covariance of 2,048 features is singular and FID is biased (protocol rule 5)."""

Predictor = Callable[[Images], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """What is evaluated.

    Attributes:
        entry: the row's name.
        kind: `trained`, `reference` or `submission`.
        predict: makes 8-bit sRGB predictions (n, height, width, 3) for a split in memory.
        training: the facts of its training, or None.
        seed: of its training; 0 where there is none.
        device: the kind of device that predicts.
    """

    entry: Entry
    kind: Literal["trained", "reference", "submission"]
    predict: Predictor
    training: dict[str, Any] | None = None
    seed: int = 0
    device: str = "cpu"


class Distributions:
    """Features of targets and predictions for FID and KID; the targets' are computed once a split.

    Attributes:
        extractor: the Inception network, or None where its weights are not at hand.
        absent: why there is none and how to get it; empty when there is one.
    """

    def __init__(self, extractor: Inception | None, absent: str = ""):
        self.extractor = extractor
        self.absent = absent
        self._targets: dict[str, np.ndarray] = {}

    def scores(self, split: Split, images: Images, predictions: np.ndarray) -> dict[str, float]:
        if self.extractor is None or len(images) < 2:
            return {}
        if split.key not in self._targets:
            self._targets[split.key] = self.extractor(images.targets)
        features = self.extractor(predictions)
        return {"fid": fid(features, self._targets[split.key]), "kid": kid(features, self._targets[split.key])[0]}


def check_predictions(name: str, predictions: np.ndarray, images: Images) -> None:
    """Refuse predictions that are not 8-bit sRGB of the targets' shape."""
    if predictions.dtype != np.uint8 or predictions.shape != images.targets.shape:
        raise BenchError(
            f"{name}: predictions must be uint8 of shape {images.targets.shape}, "
            f"got {predictions.dtype} {predictions.shape}."
        )


def evaluate(
    subject: Subject,
    split: Split,
    images: Images,
    track: str,
    distributions: Distributions,
    home: Path,
    command: str,
    save_predictions: bool = False,
) -> Record:
    """Score one entry on one split.

    Per-image values go to `<home>/scores/<record>.parquet`; with `save_predictions` the pictures go to
    `<home>/predictions/<record>/<id>.png`.

    Args:
        subject: the entry and how it predicts.
        split: which images.
        images: the split in memory.
        track: its conditions' track.
        distributions: FID's and KID's features.
        home: where what a run makes lies.
        command: the command that makes this record again.
        save_predictions: keep the pictures.

    Returns:
        The record; the caller writes it.
    """
    started = time.perf_counter()
    predictions = subject.predict(images)
    seconds = time.perf_counter() - started
    check_predictions(subject.entry.name, predictions, images)
    values = score_images(predictions, images.targets)
    pooled = distributions.scores(split, images, predictions)
    facts = split_facts(split, images)
    scores = {}
    for id, metric in METRICS.items():
        if metric.kind == "full-reference":
            scores[id] = _full_reference(metric, values[id], images, facts)
        else:
            absent = None if id in pooled else distributions.absent or "needs at least 2 images"
            scores[id] = _score(metric, facts, value=pooled.get(id), absent=absent)
    entry, training = subject.entry, subject.training
    record = Record(
        entry=EntryFacts(
            name=entry.name, model=entry.model, mix=entry.mix.name if entry.mix else None, kind=subject.kind
        ),
        split=facts,
        track=track,
        scores=scores,
        flags=tuple(_flags(subject, split, images, bool(pooled))),
        training=TrainingFacts(**{f.name: training[f.name] for f in fields(TrainingFacts)}) if training else None,
        cost=Cost(
            parameters=training["parameters"] if training else None,
            # A submission's pictures were made elsewhere; what was timed here is reading them.
            images_per_second=None if subject.kind == "submission" else round(len(images) / seconds, 1),
        ),
        machine=machine() | ({} if subject.kind == "submission" else {"device": subject.device}),
        versions=versions(),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        command=command,
    )
    stem = record.file_name.removesuffix(".json")
    _write_images(home / "scores" / f"{stem}.parquet", images, values)
    if save_predictions:
        write_predictions(home / "predictions" / stem, images, predictions)
    return record


def split_facts(split: Split, images: Images) -> SplitFacts:
    """What the record says of a split."""
    return SplitFacts(
        key=split.key,
        collection=split.collection,
        domain=split.domain,
        name=split.name,
        size=split.size,
        resampler=split.resampler,
        digest=split.digest,
        n=len(images),
        groups=len(set(images.groups)),
    )


def _full_reference(metric: Metric, values: np.ndarray, images: Images, facts: SplitFacts) -> Score:
    summary = summarize(values, images.groups, frames=images.frames)
    absent = None if summary.value is not None else "every image equals its target"
    return _score(
        metric,
        facts,
        value=summary.value,
        low=summary.low,
        high=summary.high,
        infinite=summary.infinite,
        absent=absent,
    )


def _score(metric: Metric, facts: SplitFacts, **result: Any) -> Score:
    return Score(
        name=metric.name,
        unit=metric.unit,
        direction=metric.direction,
        decimals=metric.decimals,
        kind=metric.kind,
        n=facts.n,
        signature=signature(f"{metric.name}|{metric.definition}", facts),
        **result,
    )


def _write_images(path: Path, images: Images, values: Mapping[str, np.ndarray]) -> None:
    place = {} if images.frames is None else {"frame": images.frames}
    frame = pd.DataFrame({"id": images.ids, "group": images.groups, **place, **values})
    with whole(path) as temporary:
        frame.to_parquet(temporary, index=False)


def _flags(subject: Subject, split: Split, images: Images, pooled: bool) -> list[str]:
    flags = []
    if pooled and len(images) < RELIABLE_FID:
        flags.append(f"FID under {RELIABLE_FID:,} images")
    if subject.training and subject.training["budget"] != "paper":
        flags.append(f"{subject.training['budget']} budget")
    if len(images) < 50:
        flags.append("fewer than 50 images")
    if split.domain_images is not None and split.domain_images < SMALL_DOMAIN:
        flags.append(f"small domain: {split.domain_images} images in all splits")
    return flags


def machine() -> dict[str, str]:
    """The kind of machine that scored, without its name."""
    return {"system": platform.system(), "processor": platform.machine(), "cores": str(os.cpu_count())}


def versions() -> dict[str, str]:
    """The versions that can change a number."""
    names = ("chromabench", "numpy", "numba", "torch", "torch-fidelity", "opencv-python-headless", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
