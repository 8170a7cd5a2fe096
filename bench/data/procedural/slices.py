"""Hard cases: pictures of procedural-v1 drawn once more with one thing changed that papers say their models fail on.

They are a collection of their own, `procedural-v1-slices`: the same series, characters and shots, so what differs
between a model's score there and on the plain picture of the same shot is the slice's doing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from bench.data.procedural.canvas import RGB
from bench.data.procedural.characters import FANTASY_HAIR, NATURAL_HAIR, Character
from bench.data.procedural.palette import luma
from bench.data.procedural.plan import Shot, plan, stream
from bench.data.procedural.scene import Actor, Scene
from bench.errors import unknown


@dataclass(frozen=True)
class Slice:
    """A hard case.

    Attributes:
        name: the end of its pictures' ids.
        changed: what is drawn otherwise.
        source: which paper reports the failure.
    """

    name: str
    changed: str
    source: str


SLICES = {
    one.name: one
    for one in (
        Slice("captions", "one or two lines of thin white subtitles", "Fu et al. 2017: glitches around subtitles"),
        Slice("dark", "night, nearly all of the picture black", "Fu et al. 2017: mostly black input stays uncoloured"),
        Slice("large", "one thing or animal fills the picture", "Fu et al. 2017: a large object is not filled"),
        Slice("lookalike", "two people alike but for the hair's colour", "Fu et al. 2017: hair colours are swapped"),
        Slice("memory", "a remembered scene in two colours only", "the CS230 report: memories have another palette"),
        Slice("sketch", "broken lines and stray strokes", "Chen et al. 2019: noisy or incomplete sketches"),
    )
}
"""By name, in the order of their pictures."""

TEST_PICTURES, SERIES_PICTURES = 6, 1
"""Of each series and slice: of those that are for testing, and of the held-out shots of training series."""

# A remembered scene's two colours, shadow and light; a series remembers in one of them.
_MEMORIES: tuple[tuple[RGB, RGB], ...] = (
    ((52, 30, 22), (255, 238, 200)),
    ((24, 38, 74), (224, 240, 255)),
    ((66, 26, 52), (255, 228, 236)),
    ((20, 52, 44), (232, 252, 226)),
)
_WORDS = ("WAIT FOR ME", "OVER THERE", "IS IT FAR", "LISTEN", "NOT TONIGHT", "HE IS HERE", "RUN", "WE WERE RIGHT")
# Letters as strokes on a grid 2 wide and 4 high, y down. Fonts differ between versions of OpenCV; these do not.
_LETTERS = {
    "A": ((0, 4, 0, 1, 1, 0, 2, 1, 2, 4), (0, 2, 2, 2)),
    "E": ((2, 0, 0, 0, 0, 4, 2, 4), (0, 2, 1, 2)),
    "F": ((2, 0, 0, 0, 0, 4), (0, 2, 1, 2)),
    "G": ((2, 0, 0, 0, 0, 4, 2, 4, 2, 2, 1, 2),),
    "H": ((0, 0, 0, 4), (2, 0, 2, 4), (0, 2, 2, 2)),
    "I": ((1, 0, 1, 4),),
    "L": ((0, 0, 0, 4, 2, 4),),
    "M": ((0, 4, 0, 0, 1, 2, 2, 0, 2, 4),),
    "N": ((0, 4, 0, 0, 2, 4, 2, 0),),
    "O": ((0, 0, 2, 0, 2, 4, 0, 4, 0, 0),),
    "R": ((0, 4, 0, 0, 2, 0, 2, 2, 0, 2, 2, 4),),
    "S": ((2, 0, 0, 0, 0, 2, 2, 2, 2, 4, 0, 4),),
    "T": ((0, 0, 2, 0), (1, 0, 1, 4)),
    "U": ((0, 0, 0, 4, 2, 4, 2, 0),),
    "V": ((0, 0, 1, 4, 2, 0),),
    "W": ((0, 0, 0, 4, 1, 2, 2, 4, 2, 0),),
}


def plan_slices(seed: int = 0, series: int = 40, pictures: int = 48) -> tuple[Shot, ...]:
    """The pictures of all slices, in the order of their ids; each belongs to a `test` or `series` picture of `plan`.

    Args:
        seed, series, pictures: of the collection they are taken from, as for `plan`.
    """
    chosen: list[Shot] = []
    held: dict[tuple[str, str], list[Shot]] = {}
    for shot in plan(seed, series, pictures):
        if shot.split in ("test", "series"):
            held.setdefault((shot.series, shot.split), []).append(shot)
    for (name, split), shots in held.items():
        count = TEST_PICTURES if split == "test" else SERIES_PICTURES
        for place, which in enumerate(SLICES):
            rng = stream(seed, 15, int(name[1:]), place)
            for k in sorted(int(i) for i in rng.permutation(len(shots))[:count]):
                chosen.append(Shot(f"{shots[k].id}-{which}", name, split))
    return tuple(sorted(chosen, key=lambda shot: shot.id))


def restaged(scene: Scene, shot: Shot) -> Scene:
    """The scene as its slice changes it; some change only how it is drawn.

    Raises:
        BenchError: for an id that ends with no slice.
    """
    if shot.slice not in SLICES:
        raise unknown("slice", shot.slice, list(SLICES))
    rng = stream(scene.seed, 16, *shot.numbers)
    match shot.slice:
        case "dark":
            return replace(scene, hour="night")
        case "sketch":
            return replace(scene, rough=1 + int(rng.integers(0, 1 << 20)))
        case "large":
            name = ("dog", "cat", "ball", "box")[int(rng.integers(0, 4))]
            tall = {"dog": 1.0, "cat": 1.1, "ball": 1.9, "box": 1.3}[name] * float(rng.uniform(0.92, 1.08))
            x = 0.5 + float(rng.uniform(-0.05, 0.05))
            return replace(scene, actors=(), props=((name, x, 1.0 + 0.04 * tall, tall),))
        case "lookalike":
            first = scene.actors[0]
            actors = [_placed(first, 0.29, first.character), _placed(first, 0.72, twin(first.character))]
            actors[1] = replace(actors[1], turn=-first.turn, tilt=-first.tilt, flip=-first.flip)
            return replace(scene, size="two", zoom=1.5, actors=tuple(actors), props=())
    return scene


def _placed(actor: Actor, x: float, who: Character) -> Actor:
    """An actor as a bust beside another."""
    pose = actor.pose if actor.pose not in ("cheer", "run", "wave") else "stand"
    return replace(actor, character=who, x=x, y=0.42, size=0.31, near=True, pose=pose, flip=1.0 if x > 0.5 else -1.0)


@lru_cache(maxsize=512)
def twin(who: Character) -> Character:
    """Who looks the same but for the colour of the hair, which has nearly the same gray: brown and teal, say."""

    def other(color: RGB) -> RGB:
        options = [c for c in (*FANTASY_HAIR, *NATURAL_HAIR) if _hue_gap(c, color) > 60]
        return min(options, key=lambda c: abs(int(luma(np.array(c))) - int(luma(np.array(color)))))

    hair = other(who.hair)
    return replace(who, name=f"{who.name}b", hair=hair, natural_hair=hair)


def _hue_gap(a: RGB, b: RGB) -> int:
    """How far two colours are apart in hue: the sum of differences of R - G and G - B."""
    return abs(a[0] - a[1] - b[0] + b[1]) + abs(a[1] - a[2] - b[1] + b[2])


def broken(ink: np.ndarray, scene: Scene, background: bool) -> np.ndarray:
    """The lines of a noisy sketch: some pieces are missing and, in the background, there are strokes of no use."""
    side = len(ink)
    rng = stream(scene.seed, 17, scene.rough, int(background))
    gaps = cv2.resize(
        rng.integers(0, 256, (40, 40), dtype=np.uint8), (side, side), interpolation=cv2.INTER_LINEAR_EXACT
    )
    ink = cv2.bitwise_and(ink, cv2.threshold(gaps, 156, 255, cv2.THRESH_BINARY_INV)[1])
    for x, y, dx, dy in rng.integers(0, 256, (70 if background else 12, 4)):
        x0, y0 = int(x) * side // 256, int(y) * side // 256
        x1, y1 = x0 + (int(dx) - 128) * side // 900, y0 + (int(dy) - 60) * side // 900
        cv2.line(ink, (x0, y0), (x1, y1), 255, max(1, side // 260))
    return ink


def finished(
    image: np.ndarray, page: np.ndarray | None, figures: np.ndarray, shot: Shot
) -> tuple[np.ndarray, np.ndarray | None]:
    """Change what is drawn: fade a memory, darken a night, lay captions over all.

    Args:
        image: sRGB, shape (side, side, 3), 8-bit.
        page: the ink page, shape (side, side), or None.
        figures: 255 where figures are, shape (side, side).
        shot: which picture.
    """
    match shot.slice:
        case "memory":
            low, high = (np.array(color) for color in _MEMORIES[shot.numbers[0] % len(_MEMORIES)])
            steps = low + (high - low) * np.arange(256)[:, None] // 255
            faded = steps.astype(np.uint8)[luma(image.astype(np.int32))]
            return cv2.addWeighted(faded, 0.875, image, 0.125, 0), page
        case "dark":
            image = (image.astype(np.uint16) * 56 >> 8).astype(np.uint8)
            if page is not None:  # night on paper: ink all over the place, its lines left white
                page = np.where(figures > 0, page, ~page)
            return image, page
        case "captions":
            for edge, color in ((True, 12), (False, 250)):
                mask = captioned(shot, len(image), edge)
                image[mask > 0] = color
                if page is not None:
                    page[mask > 0] = 0 if edge else 255
    return image, page


def captioned(shot: Shot, side: int, edge: bool = True) -> np.ndarray:
    """Where the subtitles of a picture are, 255 on them, shape (side, side); `edge` with their dark rim."""
    mask = np.zeros((side, side), np.uint8)
    rng = stream(0, 18, *shot.numbers)
    lines = [_WORDS[int(i)] for i in rng.permutation(len(_WORDS))[: 1 + int(rng.integers(0, 2))]]
    step = side // 80
    width = max(1, side // 150) + (2 * max(1, side // 200) if edge else 0)
    for k, text in enumerate(reversed(lines)):
        x, y = (side - 3 * step * len(text) + step) // 2, side * (89 - 10 * k) // 100
        for place, letter in enumerate(text):
            for stroke in _LETTERS.get(letter, ()):
                points = np.array(stroke).reshape(-1, 2) * step + (x + 3 * step * place, y)
                cv2.polylines(mask, [points.astype(np.int32)], False, 255, width, cv2.LINE_8)
    return mask
