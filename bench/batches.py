"""From splits in memory to what a step sees: drawn, turned and told on the device, from (seed, step) alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import BenchError
from bench.guidance import hint_count, reference_of
from bench.job import Job, pick
from bench.types import Batch, Images, Previous, Track, Warp

PATCH = 4
"""Pixels a side of a hint (Thasarathan et al. 2020, section 3.2)."""


@dataclass(frozen=True)
class Chosen:
    """What one step sees.

    Attributes:
        rows: the images' rows in the resident set.
        names: their ids, for people.
        flip: which are mirrored.
        warp: affine matrices (n, 2, 3) from output to input in [-1, 1], or None.
        first: whether they begin their windows, so that no own output came before.
    """

    rows: np.ndarray
    names: list[str]
    flip: np.ndarray | None
    warp: np.ndarray | None
    first: bool


class Resident:
    """The training images of a job's mix on the device as 8-bit tensors.

    On clips an item to draw is a window of `unroll` consecutive frames, learned in as many steps.

    Args:
        job: the training.
        images: the training split of each domain of the mix, in the mix's order.
        device: where to.

    Raises:
        BenchError: a domain without an image, or without a clip that is long enough.
    """

    def __init__(self, job: Job, images: Mapping[str, Images], device: torch.device):
        self.job, self.device = job, device
        self.unroll = job.recipe.unroll if job.track.temporal else 1
        self.names = [name for part in images.values() for name in part.ids]
        self.starts: dict[str, np.ndarray] = {}
        frames, before = [], 0
        for domain, part in images.items():
            place = np.zeros(len(part), int) if part.frames is None else np.array(part.frames)
            # A window must not run over the end of its clip: its last frame is so many places after its first.
            last = np.append(place[self.unroll - 1 :], np.full(self.unroll - 1, -1))
            self.starts[domain] = before + np.flatnonzero(last == place + self.unroll - 1)
            if not len(self.starts[domain]):
                kind = "images" if part.frames is None else f"clips of {self.unroll} frames"
                raise BenchError(
                    f"{job.entry.name}: the training split of {domain} is empty, it holds no {kind}; "
                    f"add some to {job.collection}."
                )
            frames.append(place)
            before += len(part)
        self.frames = np.concatenate(frames)
        parts = list(images.values())
        targets = torch.cat([torch.from_numpy(np.ascontiguousarray(part.targets)) for part in parts])
        conditions = torch.cat([torch.from_numpy(np.ascontiguousarray(part.conditions)) for part in parts])
        self.targets = targets.to(device).permute(0, 3, 1, 2).contiguous()
        self.conditions = conditions.to(device).unsqueeze(1)
        self.palettes = None
        if "reference" in job.track.guidance:
            palettes = [part.palettes for part in parts if part.palettes is not None]
            self.palettes = torch.from_numpy(np.concatenate(palettes)).to(device)

    @property
    def sizes(self) -> dict[str, int]:
        """How many items each domain has to draw from."""
        return {domain: len(starts) for domain, starts in self.starts.items()}

    def choose(self, step: int) -> Chosen:
        """What a step sees, a function of the job's seed and the step alone."""
        window, place = divmod(step, self.unroll)
        job = self.job
        rows = np.array([self.starts[domain][item] + place for domain, item in pick(job, window, self.sizes)])
        flip = np.random.default_rng((job.seed, 1, window)).random(len(rows)) < 0.5 if job.recipe.flip else None
        warp = None if job.recipe.warp is None else _affine(job.recipe.warp, len(rows), (job.seed, 3, window))
        return Chosen(rows, [self.names[row] for row in rows], flip, warp, place == 0)

    def batch(self, chosen: Chosen, step: int, own: Tensor | None, share: slice) -> Batch:
        """The images of a step, or a device's share of them.

        Args:
            chosen: from `choose`.
            step: which; it seeds the hints and whether the true previous frame is shown.
            own: on clips, the model's output for the frame before, sRGB in [0, 1].
            share: which of the batch.
        """
        job, rows = self.job, chosen.rows[share]
        target, condition = self._turned(rows, chosen, share)
        batch = Batch(condition, target)
        if "hints" in job.track.guidance:
            shown = np.random.default_rng((job.seed, 2, step))
            height, width = target.shape[-2] // PATCH, target.shape[-1] // PATCH
            count = hint_count(*target.shape[-2:])
            places = shown.random((len(chosen.rows), height * width)).argsort(axis=1)[share, :count]
            batch = replace(batch, hints=hints(target, _there(places, self.device)))
        if self.palettes is not None:
            maps = palette_maps(self.palettes[_there(rows, self.device)], *target.shape[-2:])
            batch = replace(batch, reference=maps)
        if job.track.temporal:
            batch = replace(batch, previous=self._previous(chosen, step, own, share))
        return batch

    def _previous(self, chosen: Chosen, step: int, own: Tensor | None, share: slice) -> Previous:
        """The frame before: the model's own output in a window, else the true one as often as the recipe says."""
        # Before a window stands nothing, even where its clip has a frame there: the model was not asked for it.
        there = self.frames[chosen.rows] > 0 if self.unroll == 1 else np.full(len(chosen.rows), not chosen.first)
        if self.unroll == 1:
            there &= np.random.default_rng((self.job.seed, 4, step)).random(len(there)) < self.job.recipe.true_previous
        there = there[share]
        rows = chosen.rows[share]
        target, condition = self._turned(np.where(there, rows - 1, rows), chosen, share)
        seen = _there(there, self.device)[:, None, None, None]
        target, condition = target * seen, condition * seen
        return Previous(colors=target if own is None or chosen.first else own, condition=condition, target=target)

    def _turned(self, rows: np.ndarray, chosen: Chosen, share: slice) -> tuple[Tensor, Tensor]:
        index = _there(rows, self.device)
        target, condition = self.targets[index].float() / 255, self.conditions[index].float() / 255
        if chosen.flip is not None:
            flip = _there(chosen.flip[share], self.device)[:, None, None, None]
            target = torch.where(flip, target.flip(-1), target)
            condition = torch.where(flip, condition.flip(-1), condition)
        if chosen.warp is not None:
            both = torch.cat([target, condition], dim=1)
            matrices = _there(chosen.warp[share], self.device)
            grid = F.affine_grid(matrices, list(both.shape), align_corners=False)
            both = F.grid_sample(both, grid, padding_mode="border", align_corners=False)
            target, condition = both[:, :3], both[:, 3:]
        return target, condition


def _there(array: np.ndarray, device: torch.device) -> Tensor:
    """On the device; a GPU fetches it from pinned memory while it still works on the step before."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _affine(warp: Warp, count: int, seed: tuple[int, ...]) -> np.ndarray:
    """Matrices (count, 2, 3), float32: rotation x shear x zoom, each axis zoomed by itself as Keras does."""
    rng = np.random.default_rng(seed)
    angle = np.deg2rad(rng.uniform(-warp.rotation, warp.rotation, count))
    shear = np.deg2rad(rng.uniform(-warp.shear, warp.shear, count))
    zoom = rng.uniform(1 - warp.zoom, 1 + warp.zoom, (2, count))
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(count)
    turn = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    slant = np.array([[np.ones(count), -np.sin(shear)], [zero, np.cos(shear)]]).transpose(2, 0, 1)
    scale = np.array([[zoom[0], zero], [zero, zoom[1]]]).transpose(2, 0, 1)
    return np.concatenate([turn @ slant @ scale, np.zeros((count, 2, 1))], axis=2).astype(np.float32)


def hints(target: Tensor, places: Tensor) -> Tensor:
    """Average colours of 4x4 patches where they are shown, black elsewhere, and the mask.

    Args:
        target: sRGB in [0, 1], shape (n, 3, height, width).
        places: which patches, in reading order, shape (n, count).

    Returns:
        Shape (n, 4, height, width); pixels beyond the last whole patch are never shown.
    """
    count, _, height, width = target.shape
    mean = F.avg_pool2d(target, PATCH)
    # Hints are given in 8-bit colours, in a test as in training.
    mean = (mean * 255).round() / 255
    mask = torch.zeros(count, mean[0, 0].numel(), device=target.device).scatter_(1, places, 1.0)
    mask = mask.view(count, 1, *mean.shape[-2:])
    small = torch.cat([mean * mask, mask], dim=1)
    large = small.repeat_interleave(PATCH, dim=2).repeat_interleave(PATCH, dim=3)
    return F.pad(large, (0, width - large.shape[-1], 0, height - large.shape[-2]))


def palette_maps(palettes: Tensor, height: int, width: int) -> Tensor:
    """Palettes as maps: map i holds colour i of each of the four bands from top to bottom, constant in the band.

    Args:
        palettes: 8-bit sRGB, shape (n, 4 bands, 4 colours, 3).
        height: of the maps.
        width: of the maps.

    Returns:
        Shape (n, 12, height, width), in [0, 1]: colour 0's R, G, B, then colour 1's ...
    """
    bands = palettes.shape[1]
    rows = torch.arange(height, device=palettes.device) * bands // height
    columns = palettes.permute(0, 2, 3, 1).flatten(1, 2).float() / 255
    return columns[:, :, rows, None].expand(-1, -1, -1, width)


def batches(
    images: Images, track: Track, size: int, device: torch.device, place: tuple[int, int] = (0, 1)
) -> Iterator[tuple[np.ndarray, Batch]]:
    """An evaluation's batches with their rows: what the track shows and tells, never a target.

    On clips a batch holds the same frame of several clips; the caller fills in the previous frame.

    Args:
        images: the split.
        track: what is shown.
        size: images a batch; of clips, clips.
        device: where to.
        place: which of how many processes this is. Each gets its own of the very batches that one alone would get: none
            is filled up, and no image is in two.
    """
    other = reference_of(images.ids, images.groups) if "reference" in track.guidance else None
    for rows in _turns(images, size, *place):
        yield rows, _shown(images, track, rows, other, device)


def _shown(images: Images, track: Track, rows: np.ndarray, other: np.ndarray | None, device: torch.device) -> Batch:
    condition = _there(images.conditions[rows], device).unsqueeze(1).float() / 255
    batch = Batch(condition)
    if "hints" in track.guidance and images.hints is not None:
        shown = _there(images.hints[rows], device).permute(0, 3, 1, 2).float() / 255
        batch = replace(batch, hints=shown)
    if other is not None and images.palettes is not None:
        palettes = _there(images.palettes[other[rows]], device)
        batch = replace(batch, reference=palette_maps(palettes, *condition.shape[-2:]))
    return batch


def _turns(images: Images, size: int, rank: int, count: int) -> Iterator[np.ndarray]:
    """Rows of each batch: images in order; of clips all first frames of some, then their second frames, ..."""
    if images.frames is None:
        for start in range(rank * size, len(images), count * size):
            yield np.arange(start, min(start + size, len(images)))
        return
    frames = np.array(images.frames)
    first = np.flatnonzero(frames == 0)
    lengths = np.diff(np.append(first, len(frames)))
    for start in range(rank * size, len(first), count * size):
        some = slice(start, start + size)
        for place in range(lengths[some].max(initial=0)):
            yield first[some][lengths[some] > place] + place


def before(
    images: Images, track: Track, rows: np.ndarray, last: tuple[np.ndarray, Tensor] | None, device: torch.device
) -> Previous:
    """The frames before some rows of clips, as a test shows them.

    Args:
        images: a split of clips.
        track: with `previous-true` the target's frames are shown, else the model's own.
        rows: which frames; all begin their clips or none does.
        last: the batch before: its rows and the colours that the model gave them, sRGB in [0, 1], (n, 3, h, w).
        device: where to.
    """
    there = np.array([images.frames is not None and images.frames[row] > 0 for row in rows])
    kept = np.where(there, rows - 1, rows)
    seen = _there(there, device)[:, None, None, None]
    condition = _there(images.conditions[kept], device).unsqueeze(1).float() / 255 * seen
    if "previous-true" in track.guidance:
        colors = _there(images.targets[kept], device).permute(0, 3, 1, 2).float() / 255 * seen
    elif last is None or not there.any():
        colors = condition.new_zeros(len(rows), 3, *condition.shape[-2:])
    else:
        # A clip that ended drops out of the batch, so the rows before are looked up.
        places = np.searchsorted(last[0], kept)
        colors = last[1][_there(places, device)]
    return Previous(colors, condition)
