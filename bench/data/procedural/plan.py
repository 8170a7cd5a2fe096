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


@dataclass(frozen=True)
class Shot:
    """One picture of the collection; the same one exists in every domain.

    Attributes:
        id: series, shot and frame, such as `s07-012-03`; with the seed it says all that is drawn.
        series: the group, such as `s07`: one cast and one set of places.
        split: `train`, `val`, `test` or `series`.
    """

    id: str
    series: str
    split: str

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Series, shot and frame as numbers.

        Raises:
            BenchError: where the id has another form.
        """
        found = re.fullmatch(r"s(\d{2,6})-(\d{3,6})-(\d{2,3})", self.id)
        if not found:
            raise BenchError(f"a {VERSION} picture is called like 's07-012-03', not {self.id!r}.")
        return int(found[1]), int(found[2]), int(found[3])


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
    if seed < 0 or series < 1 or pictures < 1:
        raise BenchError(
            f"{VERSION} needs seed >= 0, series >= 1 and pictures >= 1, not seed {seed}, series {series}, "
            f"pictures {pictures}."
        )
    return tuple(shot for number in range(series) for shot in _series(seed, number, pictures))


def _series(seed: int, number: int, pictures: int) -> list[Shot]:
    place = number % 10
    own = "test" if place == TEST_PLACE else "val" if place == VAL_PLACE else "train"
    name, shots, take = f"s{number:02d}", [], 0
    while len(shots) < pictures:
        split = "series" if own == "train" and take % HELD_OUT_EVERY == HELD_OUT_PLACE else own
        for frame in range(min(frames_of(seed, number, take), pictures - len(shots))):
            shots.append(Shot(f"{name}-{take:03d}-{frame:02d}", name, split))
        take += 1
    return shots
