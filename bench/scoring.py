"""All that is measured of predictions on a split: values an image, values a split, and the ranking metric by slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench import slices
from bench.cores import cores
from bench.data import labels
from bench.data.manifest import Split
from bench.features import Chroma, Extractor, Inception, Known, known, load_inception
from bench.features.probe import assert_agreement
from bench.metrics.distribution import fid_interval, kid, kid_interval
from bench.metrics.lpips import Lpips, load_lpips
from bench.metrics.pixel import score_images
from bench.metrics.suite import score_all
from bench.metrics.temporal import Motion, estimate_motion, temporal_scores
from bench.statistics import Summary, group_table, summarize_all
from bench.types import Images

if TYPE_CHECKING:
    import torch
    from jaxtyping import Bool, Float32, Float64, UInt8

    Said = dict[str, Float32[np.ndarray, "k d"]]  # features by the extractor's definition

NAMES = ("slice", "series", "shot", "cast")
"""Labels that name what is shown, or repeat others: no slices are made of them."""

KEPT = 16
"""Splits of which what is known of the targets stays in memory."""

SLICED = 32
"""Images of which the slices' labels are measured in one task."""


class Pooled(NamedTuple):
    """A value of a whole split, with its 95 % interval where there are groups enough."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Truth:
    """What is known of a split's targets, each part worked out once, when it is first asked for, for all entries."""

    split: Split
    images: Images
    extracted: dict[str, Known] = field(default_factory=dict)
    """Features of the targets, by extractor."""

    @cached_property
    def known(self) -> labels.Everything | None:
        """True labels, regions and boundaries; None where the split knows none."""
        return labels.everything(self.split)

    @cached_property
    def motion(self) -> Motion | None:
        """How the frames of clips move; None for single images."""
        return None if self.images.frames is None else estimate_motion(self.images.targets, self.images.frames)

    @cached_property
    def slices(self) -> dict[str, Bool[np.ndarray, " n"]]:
        """Which images carry which label: those that the split knows, and those that are measured."""
        columns = () if self.known is None else self.known.labels
        told = {column.name.replace("_", "-"): column.values for column in columns if column.name not in NAMES}
        found = slices.masks(told | _measured(self.images.targets))
        return {name: mask for name, mask in found.items() if mask.any()}


class Scorer:
    """Scores predictions; what is known of a split's targets is worked out once for all entries.

    Args:
        inception: the network behind FID and KID, or None.
        lpips: the network behind LPIPS, or None.
        absent: by metric id why its network is missing and how to get it.
        clean: whether `fid-clean` is wanted too, which costs as much again as FID.
        cache: a folder that keeps what extractors said of targets; None to keep nothing.
        protocol_only: leave out all but protocol v1's metrics, and the slices, which take most of the time.
    """

    def __init__(
        self,
        inception: Inception | None = None,
        lpips: Lpips | None = None,
        absent: Mapping[str, str] | None = None,
        clean: bool = False,
        cache: Path | None = None,
        protocol_only: bool = False,
    ):
        self._protocol_only = protocol_only
        self.absent = dict(absent or {})
        self._lpips = lpips
        self._inception = inception
        self._clean = inception.under("clean") if clean and inception is not None else None
        self._chroma = None if protocol_only else Chroma()
        self._beside = ThreadPoolExecutor(1) if inception is not None and inception.device.type != "cpu" else None
        self._cache = cache
        self._known: dict[str, Truth] = {}

    def truth(self, split: Split, images: Images) -> Truth:
        """What is known of a split; of the last `KEPT` ones it stays in memory."""
        if split.digest not in self._known:
            if len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[split.digest] = Truth(split, images)
        return self._known[split.digest]

    def images(
        self, predictions: UInt8[np.ndarray, "k h w 3"], truth: Truth, rows: slice = slice(None)
    ) -> dict[str, Float64[np.ndarray, " k"]]:
        """Every value an image.

        Args:
            predictions: 8-bit sRGB, of the targets' shape.
            truth: of the split.
            rows: which images of the split they are; all of them where it is left out.

        Returns:
            By metric id, float64 of shape (k,), NaN where a metric does not apply to an image; `-true` metrics only
            where the split knows its regions. What no board ranks by is there too.
        """
        targets = truth.images.targets[rows]
        if self._protocol_only:
            return score_images(predictions, targets)
        if (told := truth.known) is None:
            values = score_all(predictions, targets)
        else:
            # Regions are numbered from 0, and the metrics read 0 as none.
            values = score_all(predictions, targets, told.boundaries[rows], told.regions[rows] + np.uint16(1))
        if self._lpips is not None:
            values |= self._lpips(predictions, targets)
        return values

    def clips(self, predictions: UInt8[np.ndarray, "n h w 3"], truth: Truth) -> dict[str, Float64[np.ndarray, " n"]]:
        """What only clips show, a value a frame, of a whole split; nothing of single images."""
        frames = truth.images.frames
        return (
            {}
            if frames is None or self._protocol_only
            else temporal_scores(predictions, truth.images.targets, frames, truth.motion)
        )

    def extracted(self, predictions: UInt8[np.ndarray, "k h w 3"]) -> Future[Said]:
        """What extractors say of some predictions, for `pooled`.

        With a GPU the caller need not wait for it: meanwhile its cores decode and measure pixels. Without one, they are
        all there is, and it is done on return.
        """
        if self._beside is not None:
            return self._beside.submit(self._said, predictions)
        done: Future[Said] = Future()
        done.set_result(self._said(predictions))
        return done

    def pooled(self, extracted: Sequence[Said], truth: Truth) -> dict[str, Pooled]:
        """Every value a split, by metric id; none of fewer than two images.

        Args:
            extracted: what extractors say of all predictions, piece by piece in order.
            truth: of the split.
        """
        if len(truth.images) < 2:
            return {}
        said = {definition: np.concatenate([part[definition] for part in extracted]) for definition in extracted[0]}
        found = {}
        for extractor, *ids in self._extractors():
            found |= self._distances(said[extractor.definition], truth, extractor, *ids)
        return found

    def slices(self, values: Float64[np.ndarray, " n"], truth: Truth) -> dict[str, slices.Slice]:
        """One metric's summary on every slice of the split; the slices' summaries have it under the empty name."""
        if self._protocol_only:
            return {}
        return slices.breakdown({"": values}, truth.images.groups, truth.slices, frames=truth.images.frames)

    def _extractors(self) -> Iterator[tuple[Extractor, *tuple[str, ...]]]:
        """Those at hand, each with the metrics of its features: the Fréchet distance, perhaps the kernel distance."""
        if self._chroma is not None:
            yield self._chroma, "fd-chroma"
        if self._inception is not None:
            yield self._inception, "fid", "kid"
        if self._clean is not None:
            yield self._clean, "fid-clean"

    def _said(self, predictions: UInt8[np.ndarray, "k h w 3"]) -> Said:
        return {extractor.definition: extractor(predictions) for extractor, *_ in self._extractors()}

    def _distances(
        self,
        features: Float32[np.ndarray, "n d"],
        truth: Truth,
        extractor: Extractor,
        frechet: str,
        kernel: str = "",
    ) -> dict[str, Pooled]:
        split, images = truth.split, truth.images
        targets = truth.extracted.get(extractor.definition)
        if targets is None:
            targets = known(split.digest, images.targets, extractor, self._cache)
            truth.extracted[extractor.definition] = targets
        ends = fid_interval(features, targets.features, images.groups)
        found = {frechet: Pooled(targets.gaussian.distance(features), *ends)}
        if kernel:
            ends = kid_interval(features, targets.features, images.groups)
            found[kernel] = Pooled(kid(features, targets.features)[0], *ends)
        return found


def _measured(targets: UInt8[np.ndarray, "n h w 3"]) -> dict[str, np.ndarray]:
    """`slices.measure`, a part of the images a task."""
    starts = range(0, max(1, len(targets)), SLICED)
    with ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(lambda start: slices.measure(targets[start : start + SLICED]), starts))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def make(
    inception: str | Path | None = None,
    lpips: str | Path | None = None,
    clean: bool = False,
    device: torch.device | str = "cpu",
    cache: Path | None = None,
    protocol_only: bool = False,
) -> Scorer:
    """A scorer with the networks whose weights are at hand; what ships with us is checked on the probe first.

    Args:
        inception, lpips: each a weights file, `download`, `none`, or None for what torch's cache holds.
        clean: see `Scorer`.
        device: where the networks run.
        cache, protocol_only: see `Scorer`.

    Raises:
        BenchError: a file that was named cannot serve, a download fails, or an extractor disagrees with its library.
    """
    assert_agreement()
    pools, no_pools = load_inception(inception, device)
    judge, no_judge = load_lpips(lpips, device)
    absent = {"fid": no_pools, "kid": no_pools, "fid-clean": no_pools if clean else "", "lpips": no_judge}
    return Scorer(pools, judge, {id: reason for id, reason in absent.items() if reason}, clean, cache, protocol_only)


def summaries(values: Mapping[str, Float64[np.ndarray, " n"]], images: Images) -> dict[str, Summary]:
    """Every metric's mean over groups, with its 95 % interval: Student's t on the means of the groups it applies to."""
    return summarize_all(values, images.groups, frames=images.frames)


def by_group(values: Float64[np.ndarray, " n"], images: Images) -> dict[str, float]:
    """One metric's mean of every group, rounded to a millionth: what the mean over groups is made of."""
    table = group_table({"": values}, images.groups, frames=images.frames)
    means = table.means[:, 0].round(6).tolist()
    return {name: mean for name, mean in zip(table.groups, means, strict=True) if np.isfinite(mean)}


def means_by_group(
    values: Mapping[str, Float64[np.ndarray, " n"]], images: Images
) -> dict[str, tuple[float | None, ...]]:
    """Each value's mean of every group, groups sorted by name, to six digits; None where it applies to none."""
    if not values:
        return {}
    table = group_table(values, images.groups, frames=images.frames)
    order = np.argsort(np.array(table.groups))
    columns = zip(values, table.means[order].T.tolist(), strict=True)
    return {id: tuple(float(f"{mean:.6g}") if np.isfinite(mean) else None for mean in means) for id, means in columns}
