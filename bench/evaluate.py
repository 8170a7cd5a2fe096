"""The one evaluation loop: predictions of one entry on one split become per-image scores and a record."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from bench import conditions, guidance, slices
from bench.data.manifest import Split
from bench.data.splits import SMALL_DOMAIN
from bench.errors import BenchError
from bench.files import whole
from bench.footprint import Footprint
from bench.metrics import METRICS, PAIRED, PRIMARY
from bench.metrics.samples import best_of, sample_metrics
from bench.parallel import by_the_first, leads, place
from bench.predictions import Origin, find, keeping, write_predictions
from bench.predictions.store import code
from bench.records import Cost, EntryFacts, Record, Score, Slice, SplitFacts, TrainingFacts, signature, stem
from bench.scoring import Scorer, by_group, means_by_group, summaries
from bench.statistics import Summary
from bench.types import Entry, Images, Metric

RELIABLE = {"fid": 2048, "fd-chroma": 256}
"""Below as many images the covariance of 2,048 features is singular and FID is biased (protocol rule 5), and FD-chroma
moves by more than a tenth (reports/fd-chroma.md)."""

PAINTING = ("bench.colorize", "bench.batches", "bench.color")
"""The modules through which every model paints: what it is told, in which batches, and how colours become bytes."""

Predictor = Callable[[Images], np.ndarray]
Pieces = Callable[[Images], Iterable[tuple[slice, np.ndarray]]]
"""Which images of the split, and their predictions (k, height, width, 3), in order."""


@dataclass(frozen=True)
class Subject:
    """What is evaluated.

    Attributes:
        entry: the row's name.
        kind: `trained`, `reference` or `submission`.
        pieces: makes 8-bit sRGB predictions of a split in memory, piece by piece in its order; see `painted`.
        digest: SHA-256 of what predicts (weights, a model file): with it the predictions are kept, and a metric that
            changes does not run the model again. Empty: they are not kept.
        training: the facts of its training, or None.
        seed: of its training; 0 where there is none.
        device: the kind of device that predicts.
        footprint: operations and memory of one image; None where they cannot be counted.
        samples: how many colourings of each image there are. With several a piece holds all, of shape (samples, k,
            height, width, 3): the first is the entry's answer, the others count in `best_of` alone.
        modules: the names of those whose code paints, beside `PAINTING`: a model's own, or `bench.exported`. Where what
            they do changes, predictions that were kept are made again.
    """

    entry: Entry
    kind: Literal["trained", "reference", "submission"]
    pieces: Pieces
    digest: str = ""
    training: dict[str, Any] | None = None
    seed: int = 0
    device: str = "cpu"
    footprint: Footprint | None = None
    samples: int = 1
    modules: tuple[str, ...] = ()


PIECE = 2**26
"""Pixels painted at a time where images are painted one by one: 1,024 images of 256 px."""


def painted(predict: Predictor) -> Pieces:
    """The pieces of what predicts some images at once: of single images not so many that they fill the memory.

    Clips, and images that are told the palette of another one, are painted together.
    """

    def pieces(images: Images) -> Iterator[tuple[slice, np.ndarray]]:
        count, height, width = images.conditions.shape
        alone = images.frames is None and images.palettes is None
        step = max(1, PIECE // (height * width)) if alone else max(1, count)
        step -= step % 32 if step > 32 else 0  # whole batches of the extractors, as where kept pictures are read
        for start in range(0, count, step):
            rows = slice(start, min(start + step, count))
            yield rows, predict(images if step >= count else images.at(np.arange(rows.start, rows.stop)))

    return pieces


def check_predictions(name: str, predictions: np.ndarray, targets: np.ndarray) -> None:
    """Refuse predictions that are not 8-bit sRGB of the targets' shape."""
    if predictions.dtype != np.uint8 or predictions.shape != targets.shape:
        raise BenchError(
            f"{name}: predictions must be uint8 of shape {targets.shape}, got {predictions.dtype} {predictions.shape}."
        )


def evaluate(
    subject: Subject,
    split: Split,
    images: Images,
    track: str,
    scorer: Scorer,
    home: Path,
    command: str,
    save_predictions: bool = False,
    repaint: bool = False,
) -> Record:
    """Score one entry on one split.

    Per-image values go to `<home>/scores/<record>.parquet`; with `save_predictions` the pictures go to
    `<home>/predictions/<record>/<id>.png`.

    Args:
        subject: the entry and how it predicts.
        split: which images.
        images: the split in memory.
        track: its conditions' track.
        scorer: measures.
        home: where what a run makes lies.
        command: the command that makes this record again.
        save_predictions: keep the pictures.
        repaint: run the model even where its predictions are kept.

    Returns:
        The record; the caller writes it.
    """
    facts = split_facts(split, images)
    name = stem(facts, track, subject.entry.name, subject.seed)
    pieces, cost = _painting(subject, facts, images, track, home, name, repaint)
    # Several processes paint together; the first one scores.
    return by_the_first(
        lambda: _scored(subject, split, images, facts, track, scorer, home, command, save_predictions, pieces, cost)
    )


def _scored(
    subject: Subject,
    split: Split,
    images: Images,
    facts: SplitFacts,
    track: str,
    scorer: Scorer,
    home: Path,
    command: str,
    save_predictions: bool,
    pieces: Iterable[tuple[slice, np.ndarray]],
    cost: Mapping[str, Any],
) -> Record:
    truth, name = scorer.truth(split, images), stem(facts, track, subject.entry.name, subject.seed)
    # Single images need not be in memory together.
    together = images.frames is not None or save_predictions
    predictions = np.empty_like(images.targets) if together else images.targets[:0]
    parts, extracted, drawn = [], [], {}
    for rows, piece in pieces:
        if subject.samples > 1:
            piece, drawn = piece[0], best_of(piece, images.targets[rows])
        if together:
            predictions[rows] = piece
        said = scorer.extracted(piece)
        parts.append({**scorer.images(piece, truth, rows), **drawn})
        # Waited for: pieces must not pile up, nor the next be painted on a GPU that has this one in hand.
        extracted.append(said.result())
    values = {id: np.concatenate([part[id] for part in parts]) for id in parts[0]}
    values |= scorer.clips(predictions, truth)
    pooled = scorer.pooled(extracted, truth)
    means = summaries(values, images)
    scores = {}
    known = METRICS | ({metric.id: metric for metric in sample_metrics(subject.samples)} if drawn else {})
    for id, metric in known.items():
        if id in means:
            scores[id] = _full_reference(metric, means[id], facts)
        elif id in pooled:
            value, low, high = pooled[id]
            scores[id] = _score(metric, facts, value=value, low=low, high=high)
        elif id in scorer.absent:
            scores[id] = _score(metric, facts, absent=scorer.absent[id])
    entry, training = subject.entry, subject.training
    record = Record(
        entry=EntryFacts(
            name=entry.name, model=entry.model, mix=entry.mix.name if entry.mix else None, kind=subject.kind
        ),
        split=facts,
        track=track,
        scores=scores,
        slices=_slices(scorer.slices(values[PRIMARY], truth)),
        groups=by_group(values[PRIMARY], images),
        means=means_by_group({id: values[id] for id in (*PAIRED, *drawn) if id in values}, images),
        flags=tuple(_flags(subject, split, images, pooled)),
        training=TrainingFacts(**{f.name: training[f.name] for f in fields(TrainingFacts)}) if training else None,
        cost=Cost(
            parameters=training["parameters"] if training else None,
            images_per_second=cost.get("images_per_second"),
            flops=subject.footprint.flops if subject.footprint else None,
            memory_bytes=subject.footprint.memory_bytes if subject.footprint else None,
        ),
        machine=machine() | ({"device": cost["device"]} if "device" in cost else {}),
        versions=versions(),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        command=command,
    )
    _write_images(home / "scores" / f"{name}.parquet", images, values)
    if save_predictions:
        write_predictions(home / "predictions" / name, images, predictions)
    return record


def _painting(
    subject: Subject, facts: SplitFacts, images: Images, track: str, home: Path, name: str, repaint: bool
) -> tuple[Iterable[tuple[slice, np.ndarray]], dict[str, Any]]:
    """An entry's predictions and what they cost: those that are kept, or made now, and kept.

    A submission's pictures were made elsewhere: reading them costs nothing that a board should show.
    """
    if subject.kind == "submission" and not subject.digest:
        return subject.pieces(images), {}
    # Other code around the same weights may read them otherwise, and show them something else.
    rules = f"conditions {conditions.VERSION} guidance {guidance.VERSION}"
    made_by = f"{subject.digest} code {code(*PAINTING, *subject.modules)} {rules}"
    origin = Origin(split=facts.digest, track=track, model=made_by)
    found = None
    if subject.digest and not repaint:
        found = by_the_first(lambda: find(home, name, origin, images.ids, images.targets.shape))
    if found is not None:
        return found.chunks(), dict(found.notes)
    cost: dict[str, Any] = {"device": subject.device}

    def made() -> Iterator[tuple[slice, np.ndarray]]:
        with ExitStack() as stack:
            add = None
            if subject.digest and leads():
                add = stack.enter_context(keeping(home, name, origin, images.ids, cost))
            pieces, seconds, last = iter(subject.pieces(images)), 0.0, None
            while True:
                started = time.perf_counter()
                one = next(pieces, None)
                seconds += time.perf_counter() - started
                if one is None:
                    break
                rows, piece = one
                check_predictions(subject.entry.name, piece, images.targets[rows])
                if add is not None:
                    add(piece)
                if last is not None:
                    yield last
                last = one
            cost["images_per_second"] = round(len(images) / seconds, 1)
        # All are kept before the last is scored: what breaks off there need not be painted again.
        if last is not None:
            yield last

    # Several processes paint together, before the first one scores alone.
    return (list(made()) if place()[1] > 1 else made()), cost


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


def _full_reference(metric: Metric, found: Summary, facts: SplitFacts) -> Score:
    absent = None
    if found.value is None:
        absent = "every image equals its target" if found.infinite else "it applies to no image of this split"
    low, high = (None if end is None else float(np.clip(end, *metric.bounds)) for end in (found.low, found.high))
    return _score(
        metric,
        facts,
        value=found.value,
        low=low,
        high=high,
        infinite=found.infinite,
        missing=found.missing,
        absent=absent,
    )


def _slices(found: Mapping[str, slices.Slice]) -> dict[str, Slice]:
    made = {}
    for name, part in found.items():
        if part.absent:
            made[name] = Slice(n=part.n, groups=part.groups, absent=part.absent)
        else:
            one = part.summaries[""]
            made[name] = Slice(n=part.n, groups=part.groups, value=one.value, low=one.low, high=one.high)
    return made


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


def _flags(subject: Subject, split: Split, images: Images, pooled: Collection[str]) -> list[str]:
    flags = [
        f"{METRICS[id].name} under {least:,} images"
        for id, least in RELIABLE.items()
        if id in pooled and len(images) < least
    ]
    if subject.samples > 1:
        flags.append(f"scored by the first of {subject.samples} samples")
    if subject.training and subject.training["budget"] != "paper":
        flags.append(f"{subject.training['budget']} budget")
    # The frames of a clip are one picture that moves: clips count, not frames.
    length, what = (1, "images") if images.frames is None else (1 + int(max(images.frames)), "clips")
    if len(images) < 50 * length:
        flags.append(f"fewer than 50 {what}")
    if split.domain_images is not None and split.domain_images < SMALL_DOMAIN * length:
        flags.append(f"small domain: {split.domain_images // length} {what} in all splits")
    return flags


def machine() -> dict[str, str]:
    """The kind of machine that scored, without its name."""
    return {"system": platform.system(), "processor": platform.machine(), "cores": str(os.cpu_count())}


def versions() -> dict[str, str]:
    """The versions that can change a number."""
    names = ("chromabench", "numpy", "numba", "torch", "torch-fidelity", "opencv-python-headless", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
