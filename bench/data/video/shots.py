"""Where one shot ends and the next begins, and which shots of a film are held out."""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.data.splits import FEWEST_FOR_SERIES, HELD_OUT

if TYPE_CHECKING:
    from av import VideoFrame

WINDOW = 2
"""Frames on either side that a cut must stand out from."""

LEVELS = 15.0
"""By how much at least, of 255: the detector's own."""

RATIO = 2.0
"""How far, so that no clip runs over it. The detector's own 3.0 misses cuts amid fast motion."""

CLEAR = 3.0
"""How far, so that splits may part there: a wing that sweeps over the picture is no cut, and reaches 2.0."""


class Cuts:
    """Finds hard cuts in frames that follow one another, by PySceneDetect's adaptive detector.

    A frame begins a shot if it differs from the one before it (mean of hue, saturation and value, seen small) by 15
    levels or more, and `RATIO` times as much as its neighbours from theirs: a fast pan differs everywhere, a cut once.

    Attributes:
        found: numbers of the frames that begin a shot.
        settled: no cut will be found any more up to this frame.
    """

    def __init__(self) -> None:
        import cv2
        from scenedetect.common import FrameTimecode
        from scenedetect.detectors import AdaptiveDetector

        from bench.data.video.pictures import glance

        def detector(ratio: float) -> AdaptiveDetector:
            # No shortest shot: no cut may hide in a clip.
            return AdaptiveDetector(
                adaptive_threshold=ratio, window_width=WINDOW, min_content_val=LEVELS, min_scene_len=0
            )

        self._make, self._timecode, self._glance, self._cv2 = detector, FrameTimecode, glance, cv2
        self.found: list[int] = []
        self.settled = -1
        self._clear: list[int] = []
        # The frame that may begin a shot, the one before its window, and its window.
        self._recent: deque[Any] = deque(maxlen=2 * WINDOW + 2)
        self._differ: deque[bool] = deque(maxlen=WINDOW + 1)
        self._fed = self._offset = 0
        self._last = self._colours = None

    def feed(self, number: int, frame: "VideoFrame") -> None:
        """The next frame; numbers must follow one another."""
        small = self._glance(frame)
        if self._last is None:
            # So that the second frame has as many neighbours before it as any other.
            self._offset = number - WINDOW
            for _ in range(WINDOW):
                self._step(small)
        elif small.shape != self._last.shape:  # a film may change its size: that is a cut, and a new beginning
            self.close()
            found, clear = [*self.found, number], self._clear
            self.__init__()
            self.found, self._clear = found, clear
            return self.feed(number, frame)
        self._last = small
        self._step(small)
        self.settled = number - WINDOW
        return None

    def close(self) -> None:
        """No frame follows: settle the last ones."""
        if self._last is not None:
            self.settled = self._offset + self._fed - 1
            for _ in range(WINDOW):
                self._step(self._last)

    def sure(self) -> list[int]:
        """The clear cuts, with as many frames on either side as the rule asks for. Others are to be careful of."""
        return [cut for cut in self._clear if self._offset + 2 * WINDOW <= cut <= self.settled - WINDOW]

    def _step(self, small: Any) -> None:
        """Asks the detector only about frames that differ enough from the one before: it finds no others."""
        colours = self._cv2.cvtColor(small, self._cv2.COLOR_BGR2HSV)
        levels = (
            0.0 if self._colours is None else self._cv2.norm(colours, self._colours, self._cv2.NORM_L1) / small.size
        )
        self._colours = colours
        self._recent.append(small)
        self._differ.append(levels > LEVELS - 1)
        if self._differ[0] and len(self._recent) == self._recent.maxlen and self._begins(RATIO):
            self.found.append(self._offset + self._fed - WINDOW)
            if self._begins(CLEAR):
                self._clear.append(self.found[-1])
        self._fed += 1

    def _begins(self, ratio: float) -> bool:
        """Whether a shot begins in the middle of the recent frames."""
        detector = self._make(ratio)
        return bool(
            [detector.process_frame(self._timecode(n, fps=25.0), seen) for n, seen in enumerate(self._recent)][-1]
        )


def held_out(stills: Sequence[int], cuts: Sequence[int]) -> list[int]:
    """Which stills of a film become `series` where the film is train: whole shots, about a tenth, from its middle on.

    Not its end: the last tenth of an episode is credits, the same in every episode.

    Args:
        stills: frame numbers, ascending.
        cuts: numbers of the frames that begin a shot, ascending.

    Returns:
        Frame numbers, all from one run of shots: the first shot that begins in the second half of the stills and those
        after it until it is a tenth. Where that would be more than half of all, the smallest shot. None of a film with
        fewer than five stills or two shots.
    """
    shots = [bisect_right(cuts, number) for number in stills]
    sizes = Counter(shots)
    if len(stills) < FEWEST_FOR_SERIES or len(sizes) < 2:
        return []
    want = max(1, round(HELD_OUT * len(stills)))
    chosen: set[int] = set()
    count = before = 0
    for shot, size in sizes.items():  # in the order of the film
        if (2 * before >= len(stills) or shot == shots[-1]) and count < want:
            chosen.add(shot)
            count += size
        before += size
    if 2 * count > len(stills):
        chosen = {min(sizes, key=lambda shot: (sizes[shot], -shot))}
    return [number for number, shot in zip(stills, shots, strict=True) if shot in chosen]
