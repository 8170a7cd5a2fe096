"""Colours: one semantic palette, seen through a style and the light of the hour. All arithmetic is on integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.procedural.canvas import RGB

LEVELS = 64  # light is looked up in this many steps; step 0 is the line colour


@dataclass(frozen=True)
class Kind:
    """What a part is made of.

    Attributes:
        form: how rounded it looks, 0-256 (256 is a body, 0 is flat).
        fine: strength of fine grain (skin, cloth, stone) in live action.
        streak: strength of upright streaks (strands of hair, blades of grass, fibres) in live action.
        blotch: strength of soft blotches (foliage, weathered walls) in live action.
        paint: the same in the painted backgrounds of anime.
        tint: how much the light of the hour colours it, 0-256; skies and lamps are given as they look.
        screen: how much screentone it takes in manga, 0-256; paper-white things take none.
        hatched: whether that tone is hatching instead of dots.
    """

    form: int = 0
    fine: int = 0
    streak: int = 0
    blotch: int = 0
    paint: int = 0
    tint: int = 256
    screen: int = 256
    hatched: bool = False


KINDS = {
    "none": Kind(),
    "skin": Kind(form=200, fine=3, blotch=1, tint=160, screen=0),
    "hair": Kind(form=150, fine=3, streak=22),
    "cloth": Kind(form=256, fine=4, blotch=1),
    "fur": Kind(form=256, fine=8, streak=16),
    "eye": Kind(tint=128),
    "white": Kind(tint=150, screen=0),
    "thing": Kind(form=220, fine=4),
    "sky": Kind(tint=0, screen=90),
    "cloud": Kind(blotch=8, paint=8, tint=0, screen=0),
    "leaf": Kind(fine=14, blotch=18, paint=14, screen=120, hatched=True),
    "grass": Kind(fine=14, streak=22, blotch=7, paint=6, screen=60),
    "ground": Kind(fine=9, blotch=4, paint=2, screen=40),
    "wood": Kind(fine=6, streak=16, blotch=3, paint=2, screen=110, hatched=True),
    "stone": Kind(fine=7, blotch=5, paint=4, screen=80),
    "water": Kind(fine=6, blotch=6, paint=4, screen=70),
    "wall": Kind(fine=4, blotch=2, screen=40),
    "glow": Kind(tint=0, screen=0),
}


@dataclass(frozen=True)
class Hour:
    """The light of a time of day.

    Attributes:
        light: factor on each colour channel outdoors, of 256.
        inside: the same indoors.
        top, low: the sky's colours above and at the horizon.
        cloud: the clouds' colour.
        contrast: how strong light and shadow are, of 256.
    """

    light: RGB
    inside: RGB
    top: RGB
    low: RGB
    cloud: RGB
    contrast: int


HOURS = {
    "noon": Hour((262, 258, 250), (254, 252, 246), (70, 148, 226), (176, 218, 244), (250, 251, 252), 256),
    "golden": Hour((272, 236, 196), (262, 240, 212), (112, 128, 190), (252, 182, 104), (252, 196, 150), 280),
    "night": Hour((138, 150, 208), (236, 202, 150), (16, 24, 62), (44, 62, 116), (58, 72, 118), 200),
    "overcast": Hour((222, 228, 234), (226, 230, 234), (158, 172, 186), (204, 212, 218), (222, 226, 230), 170),
}


@dataclass(frozen=True)
class Look:
    """How a style changes semantic colours and light.

    Attributes:
        saturation: of figures and things, of 256.
        skin_saturation: of skin, of 256.
        lift: how far colours are pulled towards white, of 256.
        scale: factor on the colours, of 256.
        shadow: factor on each channel in full shadow, of 256.
        skin_shadow: the same for skin, whose shadows are warmer.
        glow: how far full light is pulled towards white, of 256.
        line: factor on a part's colour for its line, of 256; 0 is the ink colour.
        cel: the steps of light (below: this light), or none for smooth shading.
    """

    saturation: int
    skin_saturation: int
    lift: int
    scale: int
    shadow: RGB
    skin_shadow: RGB
    glow: int
    line: int
    cel: tuple[tuple[int, int], ...]


LOOKS = {
    "cartoon": Look(330, 286, 4, 256, (120, 112, 140), (150, 110, 104), 90, 0, ((88, 62), (236, 128), (257, 236))),
    "anime": Look(
        300, 262, 34, 262, (120, 108, 164), (176, 108, 104), 150, 92, ((66, 20), (108, 64), (204, 128), (257, 232))
    ),
    "live-action": Look(176, 212, 8, 246, (66, 64, 78), (106, 68, 54), 100, 100, ()),
    "manga": Look(276, 256, 16, 256, (120, 112, 150), (176, 118, 108), 130, 0, ((78, 40), (206, 128), (257, 236))),
}


def darker(color: RGB, share: int) -> RGB:
    """A colour times share/256."""
    return color[0] * share // 256, color[1] * share // 256, color[2] * share // 256


def mixed(a: RGB, b: RGB, share: int) -> RGB:
    """From a to b by share/256."""
    red, green, blue = (p + (q - p) * share // 256 for p, q in zip(a, b, strict=True))
    return red, green, blue


INK = np.array([26, 21, 28])


def luma(colors: np.ndarray) -> np.ndarray:
    """BT.601 luma of integer colours (..., 3), rounded."""
    return (299 * colors[..., 0] + 587 * colors[..., 1] + 114 * colors[..., 2] + 500) // 1000


def base_colors(colors: list[RGB], kinds: list[str], domain: str, tint: RGB) -> np.ndarray:
    """The parts' own colours in a style and light, integers in 0..255, shape (parts, 3)."""
    look = LOOKS[domain]
    base = np.array(colors, np.int64)
    skin = np.array([kind == "skin" for kind in kinds])
    gray = luma(base)[:, None]
    saturation = np.where(skin, look.skin_saturation, look.saturation)[:, None]
    base = gray + (base - gray) * saturation // 256
    base = base * look.scale // 256
    base = base + (255 - base) * look.lift // 256
    share = np.array([KINDS[kind].tint for kind in kinds])[:, None]
    factor = 256 + (np.array(tint) - 256) * share // 256
    return np.clip(base * factor // 256, 0, 255)


def table(colors: list[RGB], kinds: list[str], domain: str, tint: RGB, contrast: int, smooth: bool) -> np.ndarray:
    """The colour of each part at each step of light.

    Args:
        colors: the parts' semantic colours.
        kinds: what they are made of.
        domain: the style.
        tint: factor of the light on each channel, of 256.
        contrast: of the light, of 256.
        smooth: shade smoothly even where the style has cel shading (its backgrounds).

    Returns:
        One packed RGB value (bytes R, G, B, 0) a part and step, uint32, shape (parts * LEVELS,).
    """
    look = LOOKS[domain]
    base = base_colors(colors, kinds, domain, tint)
    skin = np.array([kind == "skin" for kind in kinds])
    dark = base * np.where(skin[:, None], np.array(look.skin_shadow), np.array(look.shadow)) // 256
    bright = base + (255 - base) * look.glow // 256
    light = np.arange(LEVELS, dtype=np.int64) * 4 + 2
    if look.cel and not smooth:
        stepped = light.copy()
        for below, value in reversed(look.cel):
            stepped[light < below] = value
        light = stepped
    else:
        light = 128 + (light - 128) * contrast // 256
    below = np.clip(light, 0, 128)[None, :, None]
    above = np.clip(light - 128, 0, 127)[None, :, None]
    ramp = dark[:, None] + (base - dark)[:, None] * below // 128 + (bright - base)[:, None] * above // 127
    ramp[:, 0] = base * look.line // 256 if look.line else INK
    ramp[0, 0] = INK
    packed = np.zeros((len(base), LEVELS, 4), np.uint8)
    packed[..., :3] = np.clip(ramp, 0, 255)
    return packed.reshape(-1, 4).view(np.uint32).ravel()


def screens(colors: list[RGB], kinds: list[str]) -> np.ndarray:
    """How dark the screentone of each part is at each step of light, 0-255, shape (parts * LEVELS,) uint8.

    Luma is followed only coarsely: white, three tones and solid black; skin and paper-white things stay white, and
    the hour's light changes nothing, as an artist tones a coat alike by day and night.
    """
    gray = luma(np.array(colors, np.int64))
    tone = np.select([gray < 58, gray < 98, gray < 142, gray < 186], [255, 140, 84, 40], 0)
    share = np.array([KINDS[kind].screen for kind in kinds])
    tone = np.where((tone == 255) & (share == 256), 255, np.minimum(tone, 160) * share // 256)
    step = np.arange(LEVELS)[None, :] * 4
    solid = tone[:, None] == 255
    lit = np.where(step >= 206, np.where(solid, 0, tone[:, None] // 3), tone[:, None])
    shadow = np.where((step < 78) & ~solid, np.minimum(lit + 44, 200), lit)
    shadow[:, 0] = 0
    shadow[0] = 0
    return shadow.astype(np.uint8).ravel()
