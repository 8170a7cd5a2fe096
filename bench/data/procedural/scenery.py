"""What places are made of: sky, hills, ground, plants. A place fills about [0, 1] x [0, 1], wider than the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from bench.data.procedural.canvas import RGB, Canvas, Frame, Points
from bench.data.procedural.palette import HOURS, Hour, mixed
from bench.data.procedural.plan import stream
from bench.data.procedural.scene import Scene

LEAVES: tuple[RGB, ...] = ((74, 136, 62), (58, 120, 70), (96, 150, 60), (74, 136, 62), (206, 128, 52), (238, 170, 186))
WALLS: tuple[RGB, ...] = (
    (236, 224, 196),
    (206, 222, 226),
    (226, 206, 200),
    (214, 224, 200),
    (240, 234, 222),
    (200, 206, 226),
)
HOUSES: tuple[RGB, ...] = (
    (232, 214, 180),
    (206, 150, 122),
    (184, 196, 204),
    (226, 196, 140),
    (178, 120, 100),
    (214, 210, 200),
    (150, 176, 186),
)
ROOFS: tuple[RGB, ...] = ((166, 74, 56), (96, 84, 90), (120, 90, 66), (70, 98, 120))
FABRICS: tuple[RGB, ...] = (
    (70, 110, 150),
    (170, 76, 66),
    (96, 136, 96),
    (206, 160, 84),
    (130, 100, 140),
    (190, 120, 120),
    (90, 140, 146),
)


@dataclass
class Set:
    """What a place is drawn with.

    Attributes:
        canvas, frame: where.
        far: the same place for what is far away and moves less with a camera that moves.
        hour: its light.
        u: numbers in [0, 1) that are the same each time the series returns here.
        leaf: the season's foliage.
        dark: whether it is night outside.
    """

    canvas: Canvas
    frame: Frame
    far: Frame
    hour: Hour
    u: list[float]
    leaf: RGB
    dark: bool

    def pick(self, i: int, options: tuple[RGB, ...]) -> RGB:
        return options[int(self.u[i] * len(options))]


@lru_cache(maxsize=1024)
def _numbers(seed: int, series: int, key: int) -> tuple[list[float], RGB]:
    rng = stream(seed, 6, series, key)
    season = LEAVES[int(stream(seed, 7, series).integers(0, len(LEAVES)))]
    return [float(v) for v in rng.uniform(0, 1, 96)], season


def furnish(canvas: Canvas, key: int, scene: Scene) -> Set:
    """The set of the place where a scene plays; `key` is the place's number."""
    u, leaf = _numbers(scene.seed, scene.series, key)
    zoom = scene.zoom
    frame, far = (
        camera.at(0.5 - 0.5 * zoom + scene.pan, 0.55 - 0.6 * zoom, zoom) for camera in (scene.behind, scene.distant)
    )
    canvas.anchors = [scene.behind, scene.distant]
    return Set(canvas, frame, far, HOURS[scene.hour], u, leaf, scene.hour == "night")


@lru_cache(maxsize=4096)
def puff(x: float, y: float, rx: float, ry: float, bumps: int, turn: float) -> Points:
    """The outline of foliage or a cloud: an ellipse with round bumps and sharp notches between."""
    points: list[tuple[float, float]] = []
    for i in range(bumps):
        for part, reach in ((0.0, 0.84), (0.0, 0.84), (0.28, 1.03), (0.72, 1.03)):
            angle = (i + part) / bumps * math.tau + turn
            points.append((x + math.cos(angle) * rx * reach, y + math.sin(angle) * ry * reach))
    return tuple(points)


def sky(s: Set, horizon: float, clouds: int = 4) -> None:
    c, f = s.canvas, s.far
    c.figure = 1
    part = c.part(mixed(s.hour.top, s.hour.low, 110), "sky")
    c.rect(f, -0.9, -0.8, 1.9, 0.9, part)
    # The gradient runs over several parts: one flat part can't go from one hue to another.
    bands = 14
    for k in range(bands):
        band = c.part(mixed(s.hour.top, s.hour.low, k * 256 // (bands - 1)), "sky", within=part)
        y = -0.12 + (horizon + 0.12) * k / bands
        c.rect(f, -0.8, y if k else -0.8, 1.8, y + (horizon + 0.14) / bands, band)
    if s.dark:
        glow = c.part((246, 242, 214), "glow", within=part)
        c.oval(f, 0.16 + 0.66 * s.u[90], 0.1, 0.045, 0.045, glow)
        for k in range(9):
            c.oval(f, (s.u[70 + k] * 1.6) % 1.3 - 0.15, s.u[60 + k] * 0.32, 0.004, 0.004, glow)
    for k in range(clouds):
        x, y = s.u[50 + k] * 1.5 - 0.25, 0.04 + 0.3 * s.u[54 + k]
        w, h = 0.1 + 0.13 * s.u[58 + k], 0.035 + 0.03 * s.u[62 + k]
        cloud = c.part(s.hour.cloud, "cloud", within=part)
        c.blob(f, puff(x, y, w, h, 7, s.u[66 + k]), cloud, 100)
        c.blob(f, puff(x - 0.008, y - 0.012, w * 0.92, h * 0.82, 7, s.u[66 + k]), cloud)
    c.figure = 0


def hills(s: Set, y: float, height: float, color: RGB, i: int, kind: str = "leaf", peaks: bool = False) -> None:
    n = 9
    tops = [(-0.7 + 2.4 * k / (n - 1), y - height * (0.25 + 0.75 * s.u[i + k])) for k in range(n)]
    s.canvas.figure = 1
    part = s.canvas.part(color, kind)
    s.canvas.figure = 0
    outline = ((-0.8, y + 0.1), (-0.8, y + 0.1), *tops, (1.8, y + 0.1), (1.8, y + 0.1))
    (s.canvas.poly if peaks else s.canvas.blob)(s.far, tuple(outline), part)


def ground(s: Set, y: float, color: RGB, kind: str = "grass") -> int:
    part = s.canvas.part(color, kind)
    s.canvas.rect(s.frame, -0.9, y, 1.9, 1.9, part)
    s.canvas.shade(s.frame, y, 1.2, 142, 104)
    return part


def tree(s: Set, x: float, y: float, size: float, i: int, leaf: RGB | None = None) -> None:
    """A broad-leaved tree with its foot at (x, y)."""
    c, f = s.canvas, s.frame
    trunk = c.part((108, 76, 52), "wood")
    c.blob(
        f,
        (
            (x - size * 0.07, y),
            (x - size * 0.045, y - size * 0.3),
            (x - size * 0.14, y - size * 0.55),
            (x - size * 0.08, y - size * 0.56),
            (x, y - size * 0.42),
            (x + size * 0.09, y - size * 0.58),
            (x + size * 0.14, y - size * 0.55),
            (x + size * 0.05, y - size * 0.3),
            (x + size * 0.08, y),
        ),
        trunk,
    )
    green = c.part(leaf or s.leaf, "leaf")
    wide = size * (0.36 + 0.08 * s.u[i])
    c.blob(f, puff(x, y - size * 0.74, wide, size * 0.32, 9, s.u[i]), green, 116)
    c.blob(f, puff(x - wide * 0.3, y - size * 0.8, wide * 0.55, size * 0.17, 6, s.u[i + 1]), green, 148)
    c.blob(f, puff(x + wide * 0.45, y - size * 0.68, wide * 0.4, size * 0.12, 6, s.u[i + 2]), green, 132)
    c.blob(f, puff(x - wide * 0.1, y - size * 0.55, wide * 0.6, size * 0.09, 6, s.u[i + 2]), green, 76)


def pine(s: Set, x: float, y: float, size: float, leaf: RGB) -> None:
    """A conifer."""
    c, f = s.canvas, s.frame
    c.rect(f, x - size * 0.035, y - size * 0.2, x + size * 0.035, y, c.part((96, 70, 50), "wood"))
    green = c.part(leaf, "leaf")
    for k, light in ((0, 96), (1, 122), (2, 146)):
        low, wide = y - size * (0.12 + 0.26 * k), size * (0.26 - 0.065 * k)
        c.blob(
            f,
            (
                (x, low - size * 0.42),
                (x, low - size * 0.42),
                (x + wide * 0.5, low - size * 0.12),
                (x + wide, low),
                (x + wide, low),
                (x, low + size * 0.03),
                (x - wide, low),
                (x - wide, low),
                (x - wide * 0.5, low - size * 0.12),
            ),
            green,
            light,
        )


def bush(s: Set, x: float, y: float, size: float, i: int, color: RGB) -> None:
    """A round bush, or a clump of flowers."""
    part = s.canvas.part(color, "leaf")
    s.canvas.blob(s.frame, puff(x, y - size * 0.4, size * 0.8, size * 0.5, 8, s.u[i]), part, 108)
    s.canvas.blob(s.frame, puff(x - size * 0.15, y - size * 0.52, size * 0.5, size * 0.28, 6, s.u[i + 1]), part, 144)
