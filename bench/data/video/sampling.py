"""Samples of a film: pictures that show something new, each with the frames that follow it in its shot."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.splits import FEWEST_FOR_SERIES, HELD_OUT
from bench.data.standardize import NEAR_DUPLICATE
from bench.data.video.decoding import Astray, Film, Index, UnusableVideo, opened, read_index
from bench.data.video.shots import Cuts, held_out
from bench.data.video.step import Due, Step
from bench.data.video.stills import NEAR_BLACK, SAME

if TYPE_CHECKING:
    import numpy as np
    from av import VideoFrame
    from jaxtyping import UInt8

CLIP = 8
"""Frames of a clip."""

TINY = 64
"""The side at which pictures are compared: that of `bench.data.standardize.fingerprint`."""

RESTART = 16
"""A seek costs as much as decoding about so many frames, those that threads had begun among them.

The same on every machine, since it decides which cuts are seen, and these which shots become `series`.
"""

WORTH = 0.75
"""Seeking must save a quarter of the frames at least."""

Tick = Callable[[float], None]
"""Called with the share that is done, often; what it raises ends the work."""


@dataclass(frozen=True)
class Sample:
    """A still, and perhaps the clip that it begins.

    Attributes:
        number: of the frame, from 0, in the order they are shown.
        seconds: when it is shown, from the first frame.
        mark: its fingerprint, as `bench.data.standardize.fingerprint`.
        pictures: uint8 RGB (size, size, 3), standardized: the still, or it and the frames after it, `CLIP` in all.
    """

    number: int
    seconds: float
    mark: int
    pictures: "list[UInt8[np.ndarray, 'size size 3']]"


class Reading:
    """The samples of a film, in order, and the cuts that were seen on the way.

    Near-black frames, near-duplicates of the last sample, and what looks like any sample before are passed over. A
    clip begins at a sample, its frames follow one another, and it never runs over a cut nor into the next clip.

    Where key frames lie so densely that seeking saves decoding, only what is near a sample is decoded. Not every cut
    is seen then; those that bound a held-out part are looked for. Frames and numbers are the same either way.

    Args:
        path: any video that FFmpeg reads.
        step: from one sample to the next.
        size: the side of the pictures, in pixels.
        threads: that decode; 0 for as many as FFmpeg likes.
        tick: told how far it is.
        clips: whether samples bring the frames that follow them.

    Attributes:
        cuts: after the last sample, the numbers of frames known to begin a shot, ascending.
        black, repeated: how many samples were passed over, and why.
        frames: how many frames were decoded.
    """

    def __init__(
        self, path: Path, step: Step, size: int, threads: int = 0, tick: Tick | None = None, clips: bool = True
    ):
        self.path, self.step, self.size, self.threads = path, step, size, threads
        self._length = CLIP if clips else 1
        self._tick = tick or (lambda share: None)
        self._clear()

    def _clear(self) -> None:
        self.cuts: list[int] = []
        self.black = self.repeated = self.frames = 0
        self._new = Novelty()
        self._kept: list[int] = []
        self._free = 0  # where the last clip ends

    def __iter__(self) -> Iterator[Sample]:
        """Decode, and give samples as they come.

        Raises:
            UnusableVideo: if it is no video, or damaged.
        """
        from bench.data.video.pictures import usable_colours

        self._clear()
        given = -1
        with usable_colours(self.path):
            index = read_index(self.path)
            try:
                for sample in self._decoded(index, self._plan(index)):
                    given = sample.number
                    yield sample
            except Astray:
                self._clear()
                yield from (sample for sample in self._decoded(index, None) if sample.number > given)

    def _plan(self, index: Index | None) -> "Plan | None":
        """The spans to decode, or None for the whole film."""
        if index is None:
            return None
        total, due = len(index.stamps), Due(self.step)
        targets = [number for number in range(total) if due(number, partial(index.seconds, number))]
        spans: list[tuple[int, int]] = []
        for target in targets:
            start, stop = index.key(target), min(target + self._length, total)
            if spans and start <= spans[-1][1] + RESTART:
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((start, stop))
        if sum(stop - start + RESTART for start, stop in spans) > WORTH * total:
            return None
        return Plan(spans, frozenset(targets))

    def _decoded(self, index: Index | None, plan: "Plan | None") -> Iterator[Sample]:
        with opened(self.path, index, self.threads) as film:
            if plan is None:
                total = len(index.stamps) if index else 0
                yield from self._span(film, film.frames(), Due(self.step), total)
            else:
                total = sum(stop - start for start, stop in plan.spans)
                for start, stop in plan.spans:
                    yield from self._span(film, film.between(start, stop), plan.wants, total)
                self._look_for_cuts(film, index)
            self.cuts = sorted(set(self.cuts))
        if not self.frames:
            remedy = "remove it, or skip it with --skip-damaged"
            raise UnusableVideo(self.path, "a video", "one without a frame", remedy)

    def _span(
        self,
        film: Film,
        frames: "Iterator[tuple[int, VideoFrame]]",
        due: Callable[[int, Callable[[], Fraction]], bool],
        total: int,
    ) -> Iterator[Sample]:
        """The samples among frames that follow one another."""
        from bench.data.video.pictures import squares

        cuts, waiting = Cuts(), deque[Window]()
        for number, frame in frames:
            self.frames += 1
            self._tick(min(1.0, self.frames / total) if total else 0.0)
            cuts.feed(number, frame)
            for window in waiting:
                if len(window.frames) < window.length:
                    window.frames.append(frame)
            if due(number, partial(film.seconds, number, frame)):
                self._require_size(frame, film.aspect)
                shown, tiny = squares(frame, film.aspect, (self.size, TINY))
                if (mark := self._judge(tiny)) is not None:
                    length = self._length if number >= self._free else 1
                    self._free = max(self._free, number + length)
                    self._kept.append(number)
                    seconds = float(film.seconds(number, frame))
                    waiting.append(Window(number, seconds, mark, shown, length, [frame]))
            while waiting and cuts.settled >= waiting[0].number + waiting[0].length - 1:
                yield waiting.popleft().sample(cuts.found, film.aspect)
        cuts.close()
        self.cuts += cuts.sure()
        for window in waiting:
            yield window.sample(cuts.found, film.aspect)

    def _require_size(self, frame: "VideoFrame", aspect: Fraction) -> None:
        """Refuse what would have to be enlarged; the size of a film may change in its middle."""
        from bench.data.video.pictures import shown_size

        width, height = shown_size(frame, aspect)
        if min(width, height) < self.size:
            remedy = "choose a smaller --size, or skip such files with --skip-damaged"
            raise UnusableVideo(self.path, f"a short side of at least {self.size} pixels", f"{width}x{height}", remedy)

    def _judge(self, tiny: "UInt8[np.ndarray, '64 64 3']") -> int | None:
        """The fingerprint of a picture that shows something new."""
        verdict = self._new(tiny)
        self.black += verdict == "black"
        self.repeated += verdict == "repeated"
        return verdict if isinstance(verdict, int) else None

    def _look_for_cuts(self, film: Film, index: Index | None) -> None:
        """Where only spans were decoded, find the cuts before and behind a tenth of the stills after the middle."""
        assert index is not None
        total, kept = len(index.stamps), self._kept
        want = max(1, round(HELD_OUT * len(kept)))
        if len(kept) < FEWEST_FOR_SERIES or 0 < len(held_out(kept, sorted(self.cuts))) <= 2 * want:
            return
        middle = kept[len(kept) // 2]
        first = self._first_cut(film, index.key(middle), total, middle)
        if first is None:
            self._first_cut(film, 0, middle, 0)
            return
        behind = kept[min(bisect_left(kept, first) + want, len(kept) - 1)]
        self._first_cut(film, index.key(behind), total, behind - 1)

    def _first_cut(self, film: Film, start: int, stop: int, after: int) -> int | None:
        cuts = Cuts()
        for number, frame in film.between(start, stop):
            self._tick(1.0)
            self.frames += 1
            cuts.feed(number, frame)
            if any(cut > after for cut in cuts.sure()):
                break
        else:
            cuts.close()
        self.cuts += cuts.sure()
        return next((cut for cut in cuts.sure() if cut > after), None)


@dataclass(frozen=True)
class Plan:
    """Which frames to decode: `spans` from a key frame on, and the numbers of the samples among them."""

    spans: Sequence[tuple[int, int]]
    targets: frozenset[int]

    def wants(self, number: int, seconds: Callable[[], Fraction]) -> bool:
        return number in self.targets


@dataclass
class Window:
    """A sample whose clip is still to come."""

    number: int
    seconds: float
    mark: int
    shown: "UInt8[np.ndarray, 'size size 3']"
    length: int
    frames: "list[VideoFrame]" = field(default_factory=list)

    def sample(self, cuts: Sequence[int], aspect: Fraction) -> Sample:
        from bench.data.video.pictures import squares

        pictures = [self.shown]
        place = bisect_left(cuts, self.number + 1)
        within = place == len(cuts) or cuts[place] >= self.number + self.length
        if self.length > 1 and len(self.frames) == self.length and within:
            sizes = (len(self.shown),)
            pictures += [squares(frame, aspect, sizes)[0] for frame in self.frames[1:]]
        return Sample(self.number, self.seconds, self.mark, pictures)


class Novelty:
    """Tells what a film has not shown before."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._small: Any = None
        self._coarse: Any = None
        self._count = 0

    def __call__(self, standard: "UInt8[np.ndarray, '64 64 3']") -> int | str:
        """The fingerprint of a new picture, which is remembered, or why it is passed over: `black` or `repeated`."""
        import numpy as np
        from PIL import Image

        from bench.data.resampling import mark as mark_of

        tiny = Image.fromarray(standard)
        if np.asarray(tiny.convert("L")).mean() < NEAR_BLACK:
            return "black"
        mark = mark_of(standard)
        if self._last is not None and (mark ^ self._last).bit_count() <= NEAR_DUPLICATE:
            return "repeated"
        small = np.asarray(tiny.resize((16, 16)), dtype=np.float32)
        small = small - small.mean(axis=(0, 1))  # an exposure that drifts makes no new picture
        # No two pictures differ less than their means over blocks do: few are compared in full.
        coarse = small.reshape(4, 4, 4, 4, 3).mean(axis=(1, 3)).reshape(-1)
        small = small.reshape(-1)
        if self._count:
            near = np.abs(self._coarse[: self._count] - coarse).mean(axis=1) < SAME
            if near.any() and (np.abs(self._small[: self._count][near] - small).mean(axis=1) < SAME).any():
                return "repeated"
        if self._small is None:
            self._small, self._coarse = np.empty((64, 768), np.float32), np.empty((64, 48), np.float32)
        elif self._count == len(self._small):
            self._small, self._coarse = (np.concatenate([a, np.empty_like(a)]) for a in (self._small, self._coarse))
        self._small[self._count], self._coarse[self._count] = small, coarse
        self._count += 1
        self._last = mark
        return mark
