"""Who is in a series: characters with a build, a face, a hair style, clothes, and colours that never change in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from numpy.random import Generator

from bench.data.procedural.canvas import RGB
from bench.data.procedural.plan import stream

SKINS = (
    (252, 224, 200),
    (246, 208, 176),
    (238, 192, 156),
    (222, 170, 130),
    (190, 136, 98),
    (150, 102, 72),
    (110, 74, 54),
)
NATURAL_HAIR = (
    (28, 24, 28),
    (44, 32, 28),
    (72, 48, 34),
    (104, 66, 40),
    (138, 92, 54),
    (198, 158, 88),
    (226, 196, 130),
    (150, 66, 36),
)
FANTASY_HAIR = (
    (70, 104, 190),
    (226, 120, 160),
    (120, 84, 170),
    (84, 160, 130),
    (208, 64, 64),
    (150, 196, 226),
    (238, 224, 236),
)
GRAY_HAIR = ((206, 206, 210), (168, 168, 174), (132, 130, 134))
EYES = ((92, 58, 34), (58, 40, 30), (56, 104, 170), (70, 130, 84), (128, 92, 48), (110, 76, 150), (160, 60, 60))
CLOTH = (
    (206, 52, 52), (226, 120, 48), (236, 196, 70), (96, 160, 72), (44, 120, 96), (60, 150, 190), (48, 84, 160),
    (110, 76, 152), (214, 110, 150), (240, 238, 232), (60, 60, 70), (150, 40, 60), (128, 160, 190), (190, 168, 130),
    (120, 86, 60), (250, 220, 190), (90, 110, 70), (30, 42, 78),
)  # fmt: skip
BOTTOMS = (
    (52, 72, 118),
    (40, 44, 60),
    (110, 96, 76),
    (150, 132, 100),
    (84, 60, 48),
    (70, 80, 70),
    (120, 40, 52),
    (190, 190, 196),
    (34, 60, 80),
)
SHOES = ((150, 44, 44), (60, 46, 40), (236, 236, 236), (40, 44, 56), (110, 72, 44), (60, 110, 150))

BOYISH = ("short", "spiky", "curly", "side", "crop")
GIRLISH = ("bob", "long", "ponytail", "twintails", "bun", "wavy")
GARMENTS = ("tee", "sweater", "shirt", "hoodie", "jacket")
PATTERNS = ("plain", "stripes", "dots", "star", "band", "raglan")
HATS = ("none", "none", "none", "none", "none", "none", "cap", "beanie", "straw")
EXTRAS = ("none", "scarf", "bow", "none", "bag")


@dataclass(frozen=True)
class Character:
    """One recurring character. Colours are semantic sRGB; a style and the hour's light change them when drawn."""

    name: str
    build: str
    female: bool
    skin: RGB
    hair: RGB
    natural_hair: RGB
    iris: RGB
    top: RGB
    accent: RGB
    bottom: RGB
    shoes: RGB
    extra_color: RGB
    hair_style: str
    garment: str
    pattern: str
    lower: str
    hat: str
    extra: str
    glasses: bool
    beard: bool
    jaw: float
    eye_size: float
    brow: float
    width: float


@lru_cache(maxsize=512)
def cast(seed: int, series: int) -> tuple[Character, ...]:
    """The five characters of a series: no two share a hair style or the colour of a garment."""
    rng = stream(seed, 1, series)
    styles = [*_shuffled(rng, BOYISH)[:3], *_shuffled(rng, GIRLISH)[:3]]
    tops, patterns = _shuffled(rng, CLOTH), _shuffled(rng, PATTERNS)
    hairs = _shuffled(rng, NATURAL_HAIR)
    fantasy = _shuffled(rng, FANTASY_HAIR)
    skins = [SKINS[int(rng.integers(0, 4))], SKINS[int(rng.integers(0, len(SKINS)))]]
    people = []
    for i in range(5):
        female = i % 2 == 1
        build = (
            ("teen", "teen", "child", "adult", "elder")[i]
            if rng.integers(0, 3)
            else ("adult", "child", "teen", "teen", "adult")[i]
        )
        style = styles[3 + i // 2] if female else styles[i // 2]
        natural = hairs[i]
        hair = fantasy[i] if rng.integers(0, 100) < 34 else natural
        if build == "elder":
            natural = hair = GRAY_HAIR[int(rng.integers(0, 3))]
            style = "bald" if not female and rng.integers(0, 2) else style
        lower = (
            ("skirt", "dress", "trousers", "shorts")[int(rng.integers(0, 4))]
            if female
            else ("trousers", "shorts", "trousers")[int(rng.integers(0, 3))]
        )
        if build in ("adult", "elder") and lower == "shorts":
            lower = "trousers"
        skin = skins[0] if rng.integers(0, 3) else skins[1]
        people.append(
            Character(
                name=f"c{i}",
                build=build,
                female=female,
                skin=skin,
                hair=hair,
                natural_hair=natural,
                iris=EYES[int(rng.integers(0, len(EYES)))],
                top=tops[i],
                accent=tops[5 + i],
                bottom=BOTTOMS[int(rng.integers(0, len(BOTTOMS)))],
                shoes=SHOES[int(rng.integers(0, len(SHOES)))],
                extra_color=tops[10 + i],
                hair_style=style,
                garment=GARMENTS[int(rng.integers(0, len(GARMENTS)))],
                pattern=patterns[i],
                lower=lower,
                hat="none" if style in ("twintails", "bun", "curly") else HATS[int(rng.integers(0, len(HATS)))],
                extra=EXTRAS[int(rng.integers(0, len(EXTRAS)))],
                glasses=bool(rng.integers(0, 100) < (60 if build == "elder" else 18)),
                beard=not female and build in ("adult", "elder") and bool(rng.integers(0, 2)),
                jaw=float(rng.uniform(0.9, 1.1)),
                eye_size=float(rng.uniform(0.9, 1.1)),
                brow=float(rng.uniform(0.8, 1.3)),
                width=float(rng.uniform(0.94, 1.08)),
            )
        )
    return tuple(people)


def _shuffled(rng: Generator, things: tuple) -> list:
    return [things[int(i)] for i in rng.permutation(len(things))]


@dataclass(frozen=True)
class Body:
    """Proportions in heads: torso and leg length, half widths of shoulders and hips, arm length, limb radius."""

    torso: float
    legs: float
    shoulder: float
    hip: float
    arm: float
    limb: float


BODIES = {
    ("child", False): Body(1.12, 1.25, 0.42, 0.30, 1.15, 0.125),
    ("child", True): Body(1.10, 1.25, 0.40, 0.30, 1.12, 0.12),
    ("teen", False): Body(1.5, 2.05, 0.55, 0.34, 1.65, 0.14),
    ("teen", True): Body(1.42, 2.05, 0.47, 0.34, 1.55, 0.12),
    ("adult", False): Body(1.78, 2.55, 0.72, 0.42, 2.0, 0.175),
    ("adult", True): Body(1.62, 2.5, 0.56, 0.40, 1.8, 0.135),
    ("elder", False): Body(1.62, 2.0, 0.62, 0.48, 1.75, 0.16),
    ("elder", True): Body(1.45, 1.85, 0.54, 0.48, 1.6, 0.15),
}
