"""Things and animals beside the figures. The frame of each has its origin on the ground and its height for a unit."""

from __future__ import annotations

from numpy.random import Generator

from bench.data.procedural.canvas import RGB, Canvas, Frame
from bench.data.procedural.palette import darker

PROPS = ("dog", "cat", "ball", "bench", "box")
FURS: tuple[RGB, ...] = ((196, 146, 92), (120, 84, 56), (226, 216, 200), (70, 62, 62), (222, 168, 96), (160, 156, 156))


def draw_prop(canvas: Canvas, name: str, frame: Frame, rng: Generator, colors: tuple[RGB, RGB]) -> None:
    """Draw a thing; `rng` chooses what may differ between series."""
    canvas.begin(frame)
    canvas.relief = 110
    {"dog": _dog, "cat": _cat, "ball": _ball, "bench": _bench, "box": _box}[name](canvas, frame, rng, colors)


def _dog(canvas: Canvas, frame: Frame, rng: Generator, colors: tuple[RGB, RGB]) -> None:
    fur = FURS[int(rng.integers(0, len(FURS)))]
    coat, ear = canvas.part(fur, "fur"), canvas.part(darker(fur, 170), "fur")
    far = canvas.part(darker(fur, 210), "fur")
    dark, collar = canvas.part((34, 28, 30), "eye", within=coat), canvas.part(colors[0], "cloth")
    canvas.tube(frame, ((0.42, -0.5, 0.05), (0.6, -0.72, 0.045), (0.66, -0.92, 0.03)), coat)
    for x in (-0.16, 0.36):
        canvas.tube(frame, ((x, -0.3, 0.07), (x - 0.02, -0.05, 0.055)), far)
    canvas.relief = 130
    canvas.blob(
        frame,
        (
            (-0.3, -0.62),
            (0.0, -0.62),
            (0.36, -0.6),
            (0.5, -0.44),
            (0.42, -0.24),
            (0.1, -0.22),
            (-0.2, -0.2),
            (-0.36, -0.36),
        ),
        coat,
    )
    for x in (-0.26, 0.42):
        canvas.tube(frame, ((x, -0.3, 0.085), (x, -0.06, 0.062)), coat)
        canvas.oval(frame, x - 0.03, -0.035, 0.085, 0.04, coat)
    canvas.tube(frame, ((-0.36, -0.6, 0.1), (-0.26, -0.52, 0.11)), collar, cap=0.3)
    canvas.relief = 160
    canvas.blob(
        frame,
        (
            (-0.56, -0.94),
            (-0.38, -0.98),
            (-0.24, -0.84),
            (-0.28, -0.64),
            (-0.46, -0.58),
            (-0.66, -0.6),
            (-0.72, -0.7),
            (-0.62, -0.78),
        ),
        coat,
    )
    canvas.blob(frame, ((-0.36, -0.98), (-0.24, -0.94), (-0.18, -0.74), (-0.22, -0.6), (-0.32, -0.68)), ear)
    canvas.oval(frame, -0.71, -0.72, 0.045, 0.038, dark)
    canvas.oval(frame, -0.52, -0.8, 0.03, 0.036, dark)
    canvas.stroke(frame, ((-0.68, -0.66), (-0.58, -0.63), (-0.5, -0.66)), coat, 0.02)


def _cat(canvas: Canvas, frame: Frame, rng: Generator, colors: tuple[RGB, RGB]) -> None:
    fur = FURS[int(rng.integers(0, len(FURS)))]
    coat, chest = canvas.part(fur, "fur"), canvas.part((244, 238, 228), "fur", within=None)
    dark, eye = canvas.part((34, 28, 30), "eye", within=coat), canvas.part((120, 176, 84), "eye", within=coat)
    canvas.tube(frame, ((0.2, -0.1, 0.05), (0.42, -0.12, 0.05), (0.5, -0.34, 0.045), (0.44, -0.46, 0.03)), coat)
    canvas.blob(
        frame,
        (
            (-0.12, -0.6),
            (0.1, -0.58),
            (0.26, -0.32),
            (0.28, -0.06),
            (0.1, 0.0),
            (-0.16, 0.0),
            (-0.24, -0.1),
            (-0.2, -0.4),
        ),
        coat,
    )
    canvas.blob(frame, ((-0.1, -0.52), (0.0, -0.5), (0.04, -0.3), (-0.06, -0.16), (-0.15, -0.3)), chest)
    for x in (-0.14, 0.03):
        canvas.tube(frame, ((x, -0.28, 0.06), (x, -0.05, 0.055)), coat)
    canvas.relief = 160
    canvas.blob(
        frame,
        (
            (-0.3, -0.98),
            (-0.3, -0.98),
            (-0.16, -0.88),
            (0.06, -0.88),
            (0.2, -0.98),
            (0.2, -0.98),
            (0.24, -0.74),
            (0.14, -0.58),
            (-0.05, -0.54),
            (-0.24, -0.58),
            (-0.34, -0.74),
        ),
        coat,
    )
    for x in (-0.17, 0.07):
        canvas.oval(frame, x, -0.74, 0.048, 0.056, eye)
        canvas.oval(frame, x, -0.74, 0.02, 0.05, dark)
    canvas.oval(frame, -0.05, -0.66, 0.026, 0.02, dark)
    for side in (-1.0, 1.0):
        canvas.stroke(frame, ((-0.05, -0.64), (-0.05 + side * 0.04, -0.61), (-0.05 + side * 0.08, -0.63)), coat, 0.016)


def _ball(canvas: Canvas, frame: Frame, rng: Generator, colors: tuple[RGB, RGB]) -> None:
    ball, band = canvas.part(colors[0], "thing"), canvas.part(colors[1], "thing")
    canvas.oval(frame, 0, -0.25, 0.25, 0.25, ball)
    canvas.blob(frame, ((-0.24, -0.3), (0.0, -0.24), (0.24, -0.3), (0.24, -0.2), (0.0, -0.12), (-0.24, -0.2)), band)
    canvas.oval(frame, -0.08, -0.36, 0.06, 0.045, ball, 236)


def _bench(canvas: Canvas, frame: Frame, rng: Generator, colors: tuple[RGB, RGB]) -> None:
    wood, leg = canvas.part((156, 104, 62), "wood"), canvas.part((66, 66, 74), "thing")
    slat = canvas.part((170, 116, 72), "wood")
    for x in (-0.62, 0.62):
        canvas.rect(frame, x - 0.04, -1.0, x + 0.04, 0.0, leg)
    for k in range(3):
        canvas.rect(frame, -0.8, -1.0 + k * 0.19, 0.8, -0.86 + k * 0.19, wood if k % 2 else slat)
    canvas.poly(frame, ((-0.8, -0.42), (0.8, -0.42), (0.9, -0.28), (-0.9, -0.28)), wood)
    canvas.rect(frame, -0.9, -0.28, 0.9, -0.22, slat, 80)


def _box(canvas: Canvas, frame: Frame, rng: Generator, colors: tuple[RGB, RGB]) -> None:
    """A wrapped parcel with a ribbon."""
    side, top, ribbon = (
        canvas.part(colors[0], "thing"),
        canvas.part(colors[0], "thing"),
        canvas.part(colors[1], "cloth"),
    )
    canvas.poly(frame, ((-0.32, -0.5), (0.32, -0.5), (0.32, 0.0), (-0.32, 0.0)), side)
    canvas.poly(frame, ((-0.36, -0.62), (0.36, -0.62), (0.36, -0.46), (-0.36, -0.46)), top, 150)
    canvas.rect(frame, -0.06, -0.62, 0.06, 0.0, ribbon)
    for s in (-1.0, 1.0):
        canvas.blob(frame, tuple((x * s, y) for x, y in ((0.0, -0.62), (0.2, -0.8), (0.24, -0.66))), ribbon)
