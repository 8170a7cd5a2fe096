"""Which pictures procedural-v1 holds, in what order and split; and the random streams that all else draws from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from numpy.random import PCG64, Generator, SeedSequence

from bench.errors import BenchError

VERSION = "procedural-v1"

# The split of a series goes by its place in each ten, so that it is the same in a collection of any size.
TEST_PLACE, VAL_PLACE = 3, 6
# Of a train series every eighth shot is held out, whole.
HELD_OUT_PLACE, HELD_OUT_EVERY = 3, 8

FRAMES, FRAMES_PER_SECOND = 8, 12
"""Of a clip."""
# Of a train series every fourth clip is held out.
HELD_OUT_CLIP, HELD_OUT_CLIPS = 2, 4

_ID = re.compile(r"s(\d{2,6})-(c\d{2,4}|\d{3,6})-(\d{2,3})(?:-([a-z]+))?")


@dataclass(frozen=True)
class Shot:
    """One picture of the collection; the same one exists in every domain.

    Attributes:
        id: series, shot and frame, such as `s07-012-03`, or series, clip and frame, such as `s07-c02-05`; with the
            seed it says all that is drawn.
        series: the group, such as `s07`: one cast and one set of places.
        split: `train`, `val`, `test` or `series`.
    """

    id: str
    series: str
    split: str

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Series, shot (or clip) and frame as numbers.

        Raises:
            BenchError: where the id has another form.
        """
        found = _ID.fullmatch(self.id)
        if not found:
            raise BenchError(
                f"a {VERSION} picture is called like 's07-012-03', or in a clip 's07-c02-05', not {self.id!r}."
            )
        return int(found[1]), int(found[2].removeprefix("c")), int(found[3])

    @property
    def clip(self) -> str:
        """The id of the clip that it is a frame of, such as `s07-c02`; empty for a still."""
        found = _ID.fullmatch(self.id)
        return f"s{found[1]}-{found[2]}" if found and found[2].startswith("c") else ""

    @property
    def slice(self) -> str:
        """The hard case that it is changed to, a key of `slices.SLICES`, from an id such as `s03-012-03-dark`."""
        found = _ID.fullmatch(self.id)
        return (found[4] or "") if found else ""

    @property
    def frame(self) -> int:
        """Its place in the shot or clip, 0 first."""
        return self.numbers[2]


def stream(seed: int, *key: int) -> Generator:
    """The random stream of one thing, the same whatever else is drawn before it."""
    return Generator(PCG64(SeedSequence([seed, *key])))


def frames_of(seed: int, series: int, shot: int) -> int:
    """How many pictures a shot has: 2 to 4."""
    return int(stream(seed, 11, series, shot).integers(2, 5))


def plan(seed: int = 0, series: int = 40, pictures: int = 48) -> tuple[Shot, ...]:
    """The collection in order, series by series and shot by shot.

    Args:
        seed: another seed is another collection.
        series: how many; in each ten one is for testing and one for validation.
        pictures: of each series. A longer series begins with the same pictures.

    Returns:
        series x pictures of them. Eight of ten series are `train`, one `val`, one `test`; of each train series whole
        shots, about an eighth of its pictures, are `series`.

    Raises:
        BenchError: where seed, series or pictures is negative or there is nothing to draw.
    """
    _possible(seed, series, pictures=pictures)
    return tuple(shot for number in range(series) for shot in _series(seed, number, pictures))


def plan_clips(seed: int = 0, series: int = 40, clips: int = 4) -> tuple[Shot, ...]:
    """The clips in order, frame by frame, of the same series as the stills and split by series as they are.

    Args:
        seed: another seed is another collection.
        series: how many.
        clips: of each series, each of `FRAMES` frames.

    Returns:
        series x clips x FRAMES of them. Of each train series every fourth clip is `series`, whole.

    Raises:
        BenchError: where seed, series or clips is negative or there is nothing to draw.
    """
    _possible(seed, series, clips=clips)
    shots = []
    for number in range(series):
        own = _split(number)
        for clip in range(clips):
            split = "series" if own == "train" and clip % HELD_OUT_CLIPS == HELD_OUT_CLIP else own
            name = f"s{number:02d}"
            shots += [Shot(f"{name}-c{clip:02d}-{frame:02d}", name, split) for frame in range(FRAMES)]
    return tuple(shots)


def _possible(seed: int, series: int, **each: int) -> None:
    ((what, count),) = each.items()
    if seed < 0 or series < 1 or count < 1:
        raise BenchError(
            f"{VERSION} needs seed >= 0, series >= 1 and {what} >= 1, not seed {seed}, series {series}, {what} {count}."
        )


def _split(number: int) -> str:
    """The split of a series; of a train series a part is held out."""
    return {TEST_PLACE: "test", VAL_PLACE: "val"}.get(number % 10, "train")


def _series(seed: int, number: int, pictures: int) -> list[Shot]:
    own = _split(number)
    name, shots, take = f"s{number:02d}", [], 0
    while len(shots) < pictures:
        split = "series" if own == "train" and take % HELD_OUT_EVERY == HELD_OUT_PLACE else own
        for frame in range(min(frames_of(seed, number, take), pictures - len(shots))):
            shots.append(Shot(f"{name}-{take:03d}-{frame:02d}", name, split))
        take += 1
    return shots
