"""The images of a collection as the search for copies sees them: small, in two channels, as bits and as patterns."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.color import luma
from bench.cores import cores
from bench.data import png
from bench.data.building import Progress
from bench.data.manifest import Item, Manifest, load_item, target_path

if TYPE_CHECKING:
    from jaxtyping import Int16, Int64, UInt8, UInt64

SIDE = 64
"""Every image is brought to this side, in pixels."""

CELLS = (12, 16)
"""Rows and columns of cells in a view: its upper three quarters, because captions stand in the lowest."""

WORDS = 2 * CELLS[0] * CELLS[1] // 64

# Left, top and side of a cell in tenths of a pixel: the whole image, then nine crops of nine tenths.
VIEWS = ((0, 0, 40), *((x, y, 36) for y in (0, 32, 64) for x in (0, 32, 64)))

RADIUS = 4
"""Of the square neighbourhood, in pixels, from which a pixel's difference makes the pattern."""

KEPT = 32_768
"""So many small images stay in memory; beyond, a candidate is decoded again."""

RULE = (
    f"area means at {SIDE} x {SIDE}; two channels: BT.601 luma, which making gray leaves, and the mean of the largest "
    "and smallest of R, G, B, which turning the hue leaves"
)


@dataclass(frozen=True)
class Marks:
    """The bits of some images.

    Attributes:
        bits: shape (n, channels, views + 1, words): see `kernels.hashes`.
        counts: shape (n, channels, views + 1): how many are set.
    """

    bits: "UInt64[np.ndarray, 'n channels views words']"
    counts: "Int64[np.ndarray, 'n channels views']"

    @classmethod
    def empty(cls, count: int) -> "Marks":
        views = len(VIEWS) + 1
        return cls(np.zeros((count, 2, views, WORDS), np.uint64), np.zeros((count, 2, views), np.int64))

    def of(self, places: range) -> "Marks":
        """Those of a part of the images, not copied."""
        return Marks(self.bits[places.start : places.stop], self.counts[places.start : places.stop])


def overlaps(start: int, length: int, unit: int, cells: int, pixels: int) -> "Int64[np.ndarray, 'cells pixels']":
    """How much of each pixel lies in each of `cells` equal parts of a stretch, in whole numbers.

    Args:
        start, length: the stretch, in units of which `unit` make a pixel; it must lie within the pixels.
        unit: units a pixel.
        cells: parts.
        pixels: on the line.

    Returns:
        in units of 1 / (`unit` x `cells`) of a pixel; each row sums to `length`.
    """
    edges = start * cells + length * np.arange(cells + 1)
    pixel = unit * cells * np.arange(pixels)
    inside = np.minimum(edges[1:, None], pixel + unit * cells) - np.maximum(edges[:-1, None], pixel)
    return np.maximum(inside, 0)


def resampled(
    image: "UInt8[np.ndarray, 'h w c']", box: tuple[int, int, int, int], unit: int, size: int
) -> "UInt8[np.ndarray, 'size size c']":
    """A box of an image as a square: area means in whole numbers, rounded half up, the same on every machine.

    Args:
        image: 8-bit.
        box: left, top, width and height, in units of which `unit` make a pixel.
        unit: units a pixel.
        size: side of the square, in pixels.
    """
    left, top, wide, high = box
    down = overlaps(top, high, unit, size, image.shape[0]).astype(np.float64)
    across = overlaps(left, wide, unit, size, image.shape[1]).astype(np.float64)
    # Doubles hold these whole numbers exactly, so no library's order of adding can change a pixel.
    planes = np.moveaxis(image, 2, 0).astype(np.float64)
    sums = (down @ planes @ across.T).astype(np.int64)
    return np.moveaxis((2 * sums + wide * high) // (2 * wide * high), 0, 2).astype(np.uint8)


def shrunk(image: "UInt8[np.ndarray, 'h w 3']") -> "UInt8[np.ndarray, '2 side side']":
    """The two channels of an image at `SIDE`: luma, and the middle of its largest and smallest primary."""
    height, width = image.shape[:2]
    if (height, width) != (SIDE, SIDE):
        image = resampled(image, (0, 0, width, height), 1, SIDE)
    whole = image.astype(np.int32)
    middle = (whole.max(axis=2) + whole.min(axis=2) + 1) // 2
    return np.stack([luma(np.ascontiguousarray(image)), middle.astype(np.uint8)])


def mark(channels: "UInt8[np.ndarray, '2 side side']", marks: Marks, place: int) -> None:
    """Fill in the bits of one image."""
    from bench.data.certify import kernels

    kernels.hashes(channels, np.array(VIEWS, np.int64), CELLS, marks.bits[place], marks.counts[place])


@dataclass(frozen=True)
class Small:
    """One image to be compared closely.

    Attributes:
        place: in its `Pictures`; -1 for an image from elsewhere.
        channels: see `shrunk`.
    """

    place: int
    channels: "UInt8[np.ndarray, '2 side side']"

    @cached_property
    def pattern(self) -> "Int16[np.ndarray, '2 side side']":
        """Each pixel against its neighbourhood: what survives grading; see `kernels.pattern`."""
        from bench.data.certify import kernels

        out = np.empty(self.channels.shape, np.int16)
        kernels.pattern(self.channels, RADIUS, out)
        return out


class Pictures:
    """All images of a collection, marked; ordered by split, domain and id.

    Args:
        manifest: of the collection; every image is checked against its digest.
        look: called for each image with its place and its pixels (h, w, 3) while they are in memory, from threads.
        report: called with images done and images in all.
        threads: None for as many as there are cores; no result depends on it.

    Raises:
        BenchError: naming an image that is missing, damaged or changed.
    """

    def __init__(
        self,
        manifest: Manifest,
        look: "Callable[[int, UInt8[np.ndarray, 'h w 3']], None]",
        report: Progress | None = None,
        threads: int | None = None,
    ):
        self.manifest = manifest
        self.items: Sequence[Item] = sorted(manifest.items, key=lambda item: (item.split, item.domain, item.id))
        self.marks = Marks.empty(len(self.items))
        self._kept = np.empty((min(len(self.items), KEPT), 2, SIDE, SIDE), np.uint8)

        def take(place: int) -> None:
            image, _ = load_item(manifest.root, self.items[place], manifest.size)
            channels = shrunk(image)
            if place < KEPT:
                self._kept[place] = channels
            mark(channels, self.marks, place)
            look(place, image)

        each(take, len(self.items), report, threads)

    def __len__(self) -> int:
        return len(self.items)

    def places(self, split: str, domain: str | None = None) -> range:
        """Where the images of a split, or of one domain of it, lie; empty if it has none."""
        found = [p for p, i in enumerate(self.items) if i.split == split and domain in (None, i.domain)]
        return range(found[0], found[-1] + 1) if found else range(0)

    def image(self, place: int) -> "UInt8[np.ndarray, 'h w 3']":
        """An image as it is stored."""
        path = target_path(self.manifest.root, self.items[place])
        return png.read(path, (self.manifest.size, self.manifest.size, 3))

    def small(self, place: int) -> Small:
        """An image to be compared closely."""
        return Small(place, self._kept[place] if place < KEPT else shrunk(self.image(place)))


def each(job: Callable[[int], None], count: int, report: Progress | None = None, threads: int | None = None) -> None:
    """Run `job` for 0 to `count` - 1 in threads, some at a time; an error stops what has not begun."""
    width = 64

    def some(start: int) -> int:
        stop = min(start + width, count)
        for place in range(start, stop):
            job(place)
        return stop - start

    done = 0
    with ThreadPoolExecutor(threads or cores()) as pool:
        running = [pool.submit(some, start) for start in range(0, count, width)]
        try:
            for task in running:
                done += task.result()
                if report:
                    report(done, count)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
