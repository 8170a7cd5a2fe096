"""How far apart samples stand: so many frames, or so many seconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from bench.errors import BenchError

FEWEST, MOST = Fraction(1, 25), Fraction(3600)
"""Seconds."""

MOST_FRAMES = 1_000_000


@dataclass(frozen=True)
class Step:
    """From one sample to the next: every so many frames in the order they are shown, or every so many seconds.

    At a variable frame rate the first counts frames however long each stands; the second takes the first frame that
    begins at or after each multiple.
    """

    frames: int = 0
    seconds: Fraction = Fraction(0)

    @classmethod
    def of(cls, text: str) -> "Step":
        """Read `60` (frames), `1s` or `2.5s` (seconds).

        Raises:
            BenchError: for anything else, frames outside 1 to 1,000,000, or seconds outside 0.04 to 3600.
        """
        found = re.fullmatch(r"([0-9]{1,7})|([0-9]{1,5}(?:\.[0-9]{1,6})?)s", text.strip(), re.ASCII)
        if found and found[1] and 1 <= int(found[1]) <= MOST_FRAMES:
            return cls(frames=int(found[1]))
        if found and found[2] and FEWEST <= Fraction(found[2]) <= MOST:
            return cls(seconds=Fraction(found[2]))
        raise BenchError(
            f"--every must be a number of frames such as 60 (1 to {MOST_FRAMES}), or of seconds such as 1s or 2.5s "
            f"({float(FEWEST)} to {MOST}); got {text!r}."
        )

    def __str__(self) -> str:
        return str(self.frames) if self.frames else f"{float(self.seconds):g}s"


class Due:
    """Tells of one frame after another, in order, whether it is a sample."""

    def __init__(self, step: Step):
        self.step, self._due = step, Fraction(0)

    def __call__(self, number: int, seconds: Callable[[], Fraction]) -> bool:
        """For the frame `number`, from 0, that begins so many seconds after the first, if that is asked."""
        if self.step.frames:
            return number % self.step.frames == 0
        now = seconds()
        if now < self._due:
            return False
        self._due = (now // self.step.seconds + 1) * self.step.seconds
        return True
