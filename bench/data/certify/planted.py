"""Copies of a collection's own images, changed as copies are, to see whether the search finds them there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.color import luma
from bench.data.building import Progress
from bench.data.certify import copies
from bench.data.certify.pictures import Marks, Pictures, Small, each, mark, resampled, shrunk
from bench.data.manifest import Item
from bench.types import SPLITS

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

    Image = UInt8[np.ndarray, "h w 3"]

SAMPLE = 64
"""Images that are copied, in equal parts from the domains."""

BINS = 20
"""Of the histograms of likeness from 0 to 1."""


def _encoded_again(image: Image, random: Random) -> Image:
    return _jpeg(image, _between(random, 30, 90))


def _resized(image: Image, random: Random) -> Image:
    side = image.shape[0]
    less = _all(image, max(8, side * _between(random, 50, 95) // 100))
    return _all(less, side)


def _mirrored(image: Image, _random: Random) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def _cropped_centre(image: Image, _random: Random) -> Image:
    return _crop(image, 10, 10, 180)


def _cropped_corner(image: Image, random: Random) -> Image:
    return _crop(image, 20 * _between(random, 0, 1), 20 * _between(random, 0, 1), 180)


def _cropped_anywhere(image: Image, random: Random) -> Image:
    side = 2 * _between(random, 85, 97)
    return _crop(image, _between(random, 0, 200 - side), _between(random, 0, 200 - side), side)


def _gamma(image: Image, random: Random) -> Image:
    low = _between(random, 0, 1)
    power = (_between(random, 60, 80) if low else _between(random, 125, 170)) / 100
    return np.rint(255 * (np.arange(256) / 255) ** power).astype(np.uint8)[image]


def _contrast(image: Image, random: Random) -> Image:
    low = _between(random, 0, 1)
    share = _between(random, 60, 80) if low else _between(random, 120, 150)
    return _levels((np.arange(256) - 128) * share / 100 + 128)[image]


def _white_balance(image: Image, random: Random) -> Image:
    gains = (_between(random, 75, 130), 100, _between(random, 75, 130))
    planes = [_levels(np.arange(256) * gain / 100)[image[..., place]] for place, gain in enumerate(gains)]
    return np.stack(planes, axis=2)


def _hue_turned(image: Image, random: Random) -> Image:
    return _turned(image, _between(random, 30, 330))


def _made_gray(image: Image, _random: Random) -> Image:
    return np.repeat(luma(image)[..., None], 3, axis=2)


def _captioned(image: Image, random: Random) -> Image:
    return _caption(image, random, bar=False)


def _captioned_bar(image: Image, random: Random) -> Image:
    return _caption(image, random, bar=True)


class Change(NamedTuple):
    """One thing that is done to a copy: its name, what it does in words, and the function that does it."""

    name: str
    words: str
    apply: Callable[[Image, Random], Image]


KINDS: dict[str, tuple[Change, ...]] = {
    "cropped": (
        Change("cropped, centre", "the middle 90 % of width and height", _cropped_centre),
        Change("cropped, corner", "90 % of width and height from a corner", _cropped_corner),
        Change("cropped, anywhere", "85 to 97 % of width and height from anywhere", _cropped_anywhere),
    ),
    "mirrored": (Change("mirrored", "left and right exchanged", _mirrored),),
    "resized": (Change("resized", "to 50 to 95 % of its side, and back", _resized),),
    "graded": (
        Change("gamma", "a power of 0.60 to 0.80 or 1.25 to 1.70", _gamma),
        Change("contrast", "times 0.6 to 0.8 or 1.2 to 1.5 around the middle, clipped", _contrast),
        Change("white balance", "red and blue times 0.75 to 1.30 each", _white_balance),
        Change("hue turned", "by 30 to 330 degrees", _hue_turned),
        Change("made gray", "BT.601 luma", _made_gray),
    ),
    "captioned": (
        Change("captioned", "a line of white letters with a dark rim at the bottom", _captioned),
        Change("captioned in a bar", "white letters on the lowest 18 %, which is black", _captioned_bar),
    ),
    "encoded again": (Change("encoded again", "JPEG arithmetic at quality 30 to 90", _encoded_again),),
}
"""What befalls copies, in the order in which it does; of several changes of a kind one is drawn for a pair of kinds."""


@dataclass
class Row:
    """What became of the copies of one kind.

    Attributes:
        kind: such as `cropped + graded`.
        change: what was done, in words.
        copies: planted.
        found: of them.
        compared: pairs of a planted copy and an image of another group.
        alarms: how many of those were taken for copies.
        likeness: of each copy with its original, in thousandths; -1 where the bits did not lead to it.
    """

    kind: str
    change: str
    copies: int = 0
    found: int = 0
    compared: int = 0
    alarms: int = 0
    likeness: list[int] = field(default_factory=list)


def changes() -> dict[str, tuple[tuple[Change, ...], ...]]:
    """Every kind to be planted: each change alone, then every pair of kinds."""
    alone = {change.name: ((change,),) for kind in KINDS.values() for change in kind}
    return alone | {f"{one} + {two}": (KINDS[one], KINDS[two]) for one, two in combinations(KINDS, 2)}


def planted(image: Image, id: str, kind: str) -> Image:
    """A copy of an image; the same for the same id and kind, everywhere."""
    random = Random(f"{kind}: {id}")  # of a text it is seeded by its SHA-512
    for choices in changes()[kind]:
        image = choices[_between(random, 0, len(choices) - 1)].apply(image, random)
    return image


def sample(pictures: Pictures) -> list[int]:
    """The places of the images to copy: `SAMPLE` of the test split, or of whatever other there is, domains in turn."""
    split = next(name for name in ("test", "val", "series", "train") if pictures.places(name))
    by_domain = [
        sorted(places, key=lambda place: hashlib.sha256(_label(pictures.items[place])).digest())
        for domain in pictures.manifest.domains
        if (places := pictures.places(split, domain))
    ]
    turns = [places[turn] for turn in range(SAMPLE) for places in by_domain if turn < len(places)]
    return sorted(turns[:SAMPLE])


def measure(
    pictures: Pictures, report: Progress | None = None, threads: int | None = None
) -> tuple[list[Row], list[int], str]:
    """Plant copies of every kind, and look for them among all images of their domain.

    Args:
        pictures: of the collection.
        report: called with copies done and copies in all.
        threads: None for as many as there are cores; no result depends on it.

    Returns:
        a row for each kind; the places that were copied; SHA-256 over all planted pixels.
    """
    chosen, kinds = sample(pictures), list(changes())
    homes = {
        domain: [(places, pictures.marks.of(places)) for split in SPLITS if (places := pictures.places(split, domain))]
        for domain in pictures.manifest.domains
    }
    strangers = _strangers(pictures)
    images = {place: pictures.image(place) for place in chosen}
    outcomes: list[tuple[int, int, bool, str] | None] = [None] * (len(chosen) * len(kinds))

    def look(number: int) -> None:
        place, kind = chosen[number // len(kinds)], kinds[number % len(kinds)]
        item = pictures.items[place]
        copy = planted(images[place], _label(item).decode(), kind)
        own, marks = Small(-1, shrunk(copy)), Marks.empty(1)
        mark(own.channels, marks, 0)
        alarms, likeness, caught = 0, -1, False
        for places, others in homes[item.domain]:
            for candidate in copies.candidates(marks, 0, others, 1):
                found = copies.compared(pictures.small(places[candidate[0]]), own, candidate)
                if found.first == place:
                    likeness, caught = found.likeness, found.copy
                elif pictures.items[found.first].group != item.group:
                    alarms += found.copy
        outcomes[number] = alarms, likeness, caught, hashlib.sha256(copy.tobytes()).hexdigest()

    each(look, len(outcomes), report, threads)
    rows = {kind: Row(kind, _words(kind)) for kind in kinds}
    state = hashlib.sha256()
    for number, outcome in enumerate(outcomes):
        assert outcome is not None
        alarms, likeness, caught, digest = outcome
        place, row = chosen[number // len(kinds)], rows[kinds[number % len(kinds)]]
        row.copies += 1
        row.found += caught
        row.alarms += alarms
        row.compared += strangers[place]
        row.likeness.append(likeness)
        state.update(digest.encode())
    return list(rows.values()), chosen, state.hexdigest()


def histogram(likeness: Sequence[int]) -> list[int]:
    """How many fall into each of `BINS` equal parts from 0 to 1000 thousandths; what is below 0 into the first."""
    counts = [0] * BINS
    for value in likeness:
        counts[min(max(value, 0) * BINS // 1000, BINS - 1)] += 1
    return counts


def _strangers(pictures: Pictures) -> dict[int, int]:
    """For each image, how many images of its domain are of other groups."""
    domains: dict[str, int] = {}
    groups: dict[tuple[str, str], int] = {}
    for item in pictures.items:
        domains[item.domain] = domains.get(item.domain, 0) + 1
        groups[item.domain, item.group] = groups.get((item.domain, item.group), 0) + 1
    return {p: domains[i.domain] - groups[i.domain, i.group] for p, i in enumerate(pictures.items)}


def _label(item: Item) -> bytes:
    return f"{item.domain}/{item.id}".encode()


def _words(kind: str) -> str:
    choices = changes()[kind]
    return choices[0][0].words if len(choices) == 1 else kind.replace(" + ", ", then ")


def _between(random: Random, low: int, high: int) -> int:
    """A whole number from low to high, by the one function of `Random` that never changes between versions."""
    return low + min(int(random.random() * (high - low + 1)), high - low)


def _levels(values: Any) -> UInt8[np.ndarray, " n"]:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _all(image: Image, size: int) -> Image:
    return resampled(image, (0, 0, image.shape[1], image.shape[0]), 1, size)


def _crop(image: Image, left: int, top: int, side: int) -> Image:
    """A square part, its place and side in two-hundredths of the side, brought back to the whole size."""
    pixels = image.shape[0]
    return resampled(image, (left * pixels, top * pixels, side * pixels, side * pixels), 200, pixels)


def _turned(image: Image, degrees: int) -> Image:
    """Turn the hue of the hexcone: piecewise linear in whole numbers but for one division."""
    whole = image.astype(np.int64)
    top, low = whole.max(axis=2), whole.min(axis=2)
    span = np.maximum(top - low, 1)
    red, green, blue = (whole[..., place] for place in range(3))
    sixth = np.where(top == red, 6 * span + green - blue, np.where(top == green, 2 * span + blue - red, 0))
    sixth = np.where((top == blue) & (top != red) & (top != green), 4 * span + red - green, sixth)
    hue = (60 * sixth + degrees * span) % (360 * span)  # in units of 1 / span degree
    out = np.empty_like(whole)
    for place, offset in enumerate((5, 3, 1)):
        k = (60 * offset * span + hue) % (360 * span)
        share = np.minimum(np.minimum(k, 240 * span - k), 60 * span).clip(0)
        out[..., place] = top - ((top - low) * share + 30 * span) // (60 * span)
    return out.astype(np.uint8)


def _caption(image: Image, random: Random, bar: bool) -> Image:
    """Letters of 3 x 5 dots on a grid of the side's 64ths."""
    image = image.copy()
    side = image.shape[0]
    if bar:
        image[side - 18 * side // 100 :] = 0
    count = _between(random, 6, 13)
    dots = [(4 * letter + x, y) for letter in range(count) for y in range(5) for x in range(3) if random.random() < 0.6]
    first = (64 - 4 * count) // 2
    for level, rim in ((0, 1), (255, 0)):
        for x, y in dots:
            left, top = (first + x - rim) * side // 64, (56 + y - rim) * side // 64
            image[top : (57 + y + rim) * side // 64, max(left, 0) : (first + x + 1 + rim) * side // 64] = level
    return image


# The tables of ITU-T T.81, annex K.1, for luma and chroma, at quality 50.
_LUMA = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA = (
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 " + "99 " * 32
)


def _jpeg(image: Image, quality: int) -> Image:
    """What a baseline JPEG leaves of an image: colour transform, chroma of half the side, cosine transform, tables.

    Computed here in whole numbers instead of by a codec, so that every machine plants the same copies.
    """
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge").astype(np.float64)
    red, green, blue = (padded[..., place] for place in range(3))
    y = np.rint(0.299 * red + 0.587 * green + 0.114 * blue)
    chroma = [np.rint((blue - y) / 1.772), np.rint((red - y) / 1.402)]
    halves = [np.rint((c[::2, ::2] + c[1::2, ::2] + c[::2, 1::2] + c[1::2, 1::2]) / 4) for c in chroma]
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    bright = _coded(y - 128, _LUMA, scale) + 128
    cb, cr = (np.repeat(np.repeat(_coded(half, _CHROMA, scale), 2, axis=0), 2, axis=1) for half in halves)
    primaries = (bright + 1.402 * cr, bright - 0.344136 * cb - 0.714136 * cr, bright + 1.772 * cb)
    return _levels(np.stack(primaries, axis=2))[:height, :width]


def _coded(plane: Float[np.ndarray, "h w"], table: str, scale: int) -> Float[np.ndarray, "h w"]:
    """Blocks of 8 x 8 through the cosine transform, rounded to the table's steps, and back."""
    steps = np.array([min(max((int(step) * scale + 50) // 100, 1), 255) for step in table.split()], np.float64)
    place = np.arange(8)
    # Cosines as whole numbers: then every product is one too, and doubles hold it exactly.
    scaled = np.where(place, 0.5, 0.125**0.5)[:, None] * 4096
    waves = np.rint(np.cos((2 * place + 1) * place[:, None] * np.pi / 16) * scaled)
    height, width = plane.shape
    blocks = plane.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    levels = np.rint((waves @ blocks @ waves.T) / (4096.0**2) / steps.reshape(8, 8)) * steps.reshape(8, 8)
    back = np.rint((waves.T @ levels @ waves) / 4096.0**2)
    return back.swapaxes(1, 2).reshape(height, width)
