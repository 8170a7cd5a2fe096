"""Hair and hats: what hangs behind a figure, what lies over the face. Unit: the head's height, its centre at 0."""

from __future__ import annotations

import math

from bench.data.procedural.canvas import Canvas, Frame, Points, spikes
from bench.data.procedural.characters import Character

Corner = tuple[float, float, int]


def _mirror(points: tuple[tuple[float, float], ...]) -> Points:
    """A closed outline from its right half, top to bottom."""
    return (*points, *((-x, y) for x, y in reversed(points) if abs(x) > 1e-9))


BACKS: dict[str, Points] = {
    "bob": _mirror(((0, -0.6), (0.3, -0.55), (0.5, -0.28), (0.54, 0.1), (0.52, 0.42), (0.4, 0.54), (0.4, 0.54),
        (0, 0.5))),
    "long": _mirror(((0, -0.6), (0.3, -0.55), (0.5, -0.28), (0.53, 0.2), (0.56, 0.8), (0.52, 1.32),
        (0.34, 1.42), (0.3, 1.3), (0.12, 1.44), (0, 1.34))),
    "wavy": _mirror(((0, -0.61), (0.3, -0.57), (0.53, -0.28), (0.5, 0.02), (0.62, 0.3), (0.54, 0.56),
        (0.64, 0.82), (0.4, 0.95), (0.16, 0.85), (0, 0.9))),
    "curly": _mirror(((0, -0.74), (0.14, -0.68), (0.3, -0.72), (0.4, -0.58), (0.55, -0.52), (0.55, -0.34),
        (0.65, -0.2), (0.58, -0.04), (0.62, 0.14), (0.48, 0.26), (0.3, 0.22), (0, 0.2))),
    "ponytail": _mirror(((0, -0.58), (0.3, -0.53), (0.47, -0.28), (0.46, 0.1), (0.38, 0.3), (0, 0.34))),
    "twintails": _mirror(((0, -0.58), (0.3, -0.53), (0.47, -0.28), (0.46, 0.1), (0.38, 0.3), (0, 0.34))),
    "bun": _mirror(((0, -0.58), (0.3, -0.53), (0.47, -0.28), (0.45, 0.1), (0.36, 0.32), (0, 0.36))),
}  # fmt: skip

# Outer contour of the hair over the head, right temple over the crown to the left temple.
_CAP: tuple[Corner, ...] = (
    (0.43, 0.1, 1), (0.475, -0.12, 0), (0.42, -0.4, 0), (0.22, -0.585, 0), (0, -0.62, 0),
    (-0.22, -0.585, 0), (-0.42, -0.4, 0), (-0.475, -0.12, 0), (-0.43, 0.1, 1),
)  # fmt: skip
_SPIKY: tuple[Corner, ...] = (
    (0.42, 0.12, 1), (0.5, -0.08, 0), (0.66, -0.2, 1), (0.5, -0.26, 0), (0.66, -0.52, 1), (0.4, -0.5, 0),
    (0.4, -0.82, 1), (0.17, -0.6, 0), (0.06, -0.86, 1), (-0.08, -0.62, 0), (-0.3, -0.8, 1), (-0.32, -0.54, 0),
    (-0.62, -0.56, 1), (-0.48, -0.3, 0), (-0.66, -0.22, 1), (-0.5, -0.08, 0), (-0.42, 0.12, 1),
)  # fmt: skip
_TIGHT: tuple[Corner, ...] = (
    (0.4, 0.06, 1), (0.43, -0.14, 0), (0.38, -0.38, 0), (0.2, -0.535, 0), (0, -0.555, 0),
    (-0.2, -0.535, 0), (-0.38, -0.38, 0), (-0.43, -0.14, 0), (-0.4, 0.06, 1),
)  # fmt: skip

# Hairlines, left temple to right temple: the lower edge of the hair on the forehead.
_FRINGES: dict[str, tuple[Corner, ...]] = {
    "short": ((-0.37, -0.02, 0), (-0.34, -0.18, 1), (-0.26, -0.1, 1), (-0.18, -0.22, 1), (-0.08, -0.12, 1),
        (0.02, -0.24, 1), (0.14, -0.12, 1), (0.22, -0.24, 1), (0.33, -0.13, 1), (0.37, -0.02, 0)),
    "spiky": ((-0.36, -0.02, 0), (-0.33, -0.2, 1), (-0.24, -0.04, 1), (-0.16, -0.24, 1), (-0.02, -0.06, 1),
        (0.08, -0.26, 1), (0.22, -0.05, 1), (0.28, -0.22, 1), (0.35, -0.02, 0)),
    "side": ((-0.38, -0.02, 0), (-0.35, -0.2, 0), (-0.22, -0.33, 1), (-0.04, -0.24, 0), (0.18, -0.16, 0),
        (0.34, -0.08, 1), (0.37, -0.02, 0)),
    "crop": ((-0.37, -0.02, 0), (-0.34, -0.24, 0), (-0.18, -0.31, 0), (0, -0.33, 0), (0.18, -0.31, 0),
        (0.34, -0.24, 0), (0.37, -0.02, 0)),
    "curly": ((-0.38, -0.04, 0), (-0.32, -0.2, 0), (-0.22, -0.2, 1), (-0.1, -0.25, 0), (-0.02, -0.22, 1),
        (0.08, -0.26, 0), (0.18, -0.21, 1), (0.28, -0.2, 0), (0.38, -0.04, 0)),
    "bob": ((-0.4, 0.3, 1), (-0.33, 0.06, 0), (-0.33, -0.1, 1), (-0.2, -0.085, 0), (-0.1, -0.1, 1),
        (0, -0.08, 0), (0.1, -0.1, 1), (0.2, -0.085, 0), (0.33, -0.1, 1), (0.33, 0.06, 0), (0.4, 0.3, 1)),
    "long": ((-0.44, 0.46, 1), (-0.34, 0.1, 0), (-0.32, -0.1, 0), (-0.2, -0.12, 1), (-0.1, -0.3, 0),
        (0, -0.42, 1), (0.08, -0.3, 0), (0.2, -0.12, 1), (0.32, -0.1, 0), (0.34, 0.1, 0), (0.44, 0.46, 1)),
    "ponytail": ((-0.4, 0.2, 1), (-0.34, -0.02, 0), (-0.3, -0.2, 0), (-0.18, -0.36, 1), (0.0, -0.22, 0),
        (0.2, -0.14, 0), (0.33, -0.07, 1), (0.36, 0.0, 0), (0.4, 0.22, 1)),
    "twintails": ((-0.4, 0.24, 1), (-0.34, 0.0, 0), (-0.31, -0.14, 1), (-0.2, -0.06, 1), (-0.12, -0.2, 1),
        (0.0, -0.05, 1), (0.12, -0.2, 1), (0.2, -0.06, 1), (0.31, -0.14, 1), (0.34, 0.0, 0), (0.4, 0.24, 1)),
    "bun": ((-0.39, 0.12, 1), (-0.35, -0.08, 0), (-0.27, -0.26, 0), (-0.06, -0.38, 1), (0.14, -0.3, 0),
        (0.3, -0.16, 0), (0.35, -0.06, 0), (0.39, 0.12, 1)),
    "wavy": ((-0.46, 0.36, 1), (-0.36, 0.12, 0), (-0.33, -0.08, 0), (-0.22, -0.2, 0), (-0.12, -0.4, 1),
        (0.06, -0.28, 0), (0.2, -0.14, 0), (0.32, -0.08, 0), (0.36, 0.12, 0), (0.46, 0.36, 1)),
}  # fmt: skip


# Curly hair without a drawn outline: many small uneven curls.
_FUZZ: Points = tuple(
    (
        math.cos(i * 0.2094) * 0.6 * (1 + (i * 7 % 5 - 2) * 0.03),
        -0.24 + math.sin(i * 0.2094) * 0.5 * (1 + (i * 11 % 5 - 2) * 0.03),
    )
    for i in range(30)
)


def _front(style: str, turn: float, hat: str, tame: float) -> Points:
    outer = _SPIKY if style == "spiky" and hat == "none" else _TIGHT if style == "crop" else _CAP
    if outer is _SPIKY:
        outer = tuple(
            (x * (1 - tame * 0.2), y * (1 - tame * 0.2), corner) if corner else (x, y, 0) for x, y, corner in outer
        )
    hairline = tuple((x + turn * 0.07 * (abs(x) < 0.34), y, corner) for x, y, corner in _FRINGES[style])
    return spikes((*outer, *hairline))


def behind(canvas: Canvas, head: Frame, who: Character, hair: int, turn: float, lifelike: bool = False) -> None:
    """Draw what is seen behind the neck and shoulders."""
    canvas.relief = 70
    style = who.hair_style
    if style in ("ponytail", "twintails"):
        sides = (-1.0, 1.0) if style == "twintails" else (1.0 if turn <= 0 else -1.0,)
        for side in sides:
            if style == "twintails":
                tail = (
                    (0.4, -0.28),
                    (0.62, -0.34),
                    (0.8, -0.1),
                    (0.84, 0.4),
                    (0.72, 0.95),
                    (0.66, 1.12),
                    (0.66, 1.12),
                    (0.6, 0.7),
                    (0.56, 0.3),
                    (0.46, 0.0),
                )
            else:
                tail = (
                    (0.1, -0.5),
                    (0.46, -0.62),
                    (0.74, -0.3),
                    (0.78, 0.2),
                    (0.66, 0.62),
                    (0.7, 0.86),
                    (0.7, 0.86),
                    (0.48, 0.66),
                    (0.5, 0.2),
                    (0.4, -0.1),
                )
            canvas.blob(head, tuple((x * side, y) for x, y in tail), hair)
    if style == "curly" and lifelike:
        canvas.blob(head, _FUZZ, hair, 96)
    elif style in BACKS:
        canvas.blob(head, BACKS[style], hair, 96)


def over(
    canvas: Canvas, head: Frame, who: Character, hair: int, turn: float, detail: bool, lifelike: bool = False
) -> None:
    """Draw the hair on the head, and a hat on it."""
    style = who.hair_style
    canvas.relief = 190
    if style == "bald":
        for side in (-1.0, 1.0):
            canvas.blob(
                head,
                tuple(
                    (x * side, y) for x, y in ((0.36, 0.06), (0.46, 0.08), (0.47, -0.12), (0.4, -0.24), (0.35, -0.14))
                ),
                hair,
            )
    else:
        canvas.blob(head, _front(style, turn, who.hat, 1.0 if lifelike else 0.0), hair)
        if style == "bun":
            canvas.oval(head, 0.02, -0.68, 0.2, 0.17, hair)
        if style == "twintails":
            band = canvas.part(who.accent, "cloth")
            for side in (-1.0, 1.0):
                canvas.oval(head, 0.45 * side, -0.29, 0.06, 0.08, band)
        if who.hat == "none" and not lifelike:
            lift = 0.0 if style != "crop" else 0.04
            canvas.blob(
                head,
                (
                    (-0.3, -0.38 + lift),
                    (-0.12, -0.47 + lift),
                    (0.14, -0.47 + lift),
                    (0.31, -0.37 + lift),
                    (0.24, -0.36 + lift),
                    (0.16, -0.4 + lift),
                    (0.08, -0.37 + lift),
                    (0.0, -0.41 + lift),
                    (-0.1, -0.37 + lift),
                    (-0.18, -0.39 + lift),
                    (-0.24, -0.34 + lift),
                ),
                hair,
                216,
            )
            if detail and style not in ("crop", "curly"):
                for x in (-0.2, 0.03, 0.24):
                    canvas.stroke(head, ((x * 0.6, -0.56), (x, -0.5), (x * 1.3, -0.4)), hair, 0.012)
    if who.hat != "none":
        _hat(canvas, head, who, turn)


def _hat(canvas: Canvas, head: Frame, who: Character, turn: float) -> None:
    canvas.relief = 215
    hat, trim = canvas.part(who.extra_color, "cloth"), canvas.part(who.accent, "cloth")
    if who.hat == "cap":
        canvas.blob(
            head,
            (
                (-0.48, -0.24),
                (-0.48, -0.24),
                (-0.45, -0.5),
                (-0.22, -0.7),
                (0.0, -0.73),
                (0.22, -0.7),
                (0.45, -0.5),
                (0.48, -0.24),
                (0.48, -0.24),
                (0.0, -0.32),
            ),
            hat,
        )
        shift = turn * 0.24
        canvas.blob(
            head,
            (
                (-0.4 + shift, -0.28),
                (-0.2 + shift, -0.36),
                (0.2 + shift, -0.36),
                (0.4 + shift, -0.28),
                (0.44 + shift, -0.18),
                (0.2 + shift, -0.24),
                (-0.2 + shift, -0.24),
                (-0.44 + shift, -0.18),
            ),
            trim,
        )
    elif who.hat == "beanie":
        canvas.blob(
            head,
            (
                (-0.47, -0.3),
                (-0.44, -0.55),
                (-0.2, -0.76),
                (0.0, -0.8),
                (0.2, -0.76),
                (0.44, -0.55),
                (0.47, -0.3),
                (0.0, -0.36),
            ),
            hat,
        )
        canvas.blob(
            head,
            (
                (-0.5, -0.24),
                (-0.5, -0.38),
                (-0.25, -0.46),
                (0.0, -0.48),
                (0.25, -0.46),
                (0.5, -0.38),
                (0.5, -0.24),
                (0.25, -0.31),
                (0.0, -0.33),
                (-0.25, -0.31),
            ),
            trim,
        )
        canvas.oval(head, 0, -0.84, 0.11, 0.1, trim)
    else:
        straw = canvas.part((232, 200, 132), "cloth")
        canvas.blob(
            head,
            (
                (-0.86, -0.24),
                (-0.5, -0.42),
                (0.0, -0.46),
                (0.5, -0.42),
                (0.86, -0.24),
                (0.5, -0.22),
                (0.0, -0.3),
                (-0.5, -0.22),
            ),
            straw,
        )
        canvas.blob(
            head,
            ((-0.42, -0.36), (-0.4, -0.62), (-0.22, -0.78), (0.22, -0.78), (0.4, -0.62), (0.42, -0.36), (0.0, -0.4)),
            straw,
        )
        canvas.blob(
            head, ((-0.42, -0.36), (-0.41, -0.5), (0.0, -0.55), (0.41, -0.5), (0.42, -0.36), (0.0, -0.41)), trim
        )
