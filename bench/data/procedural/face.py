"""Features of a face, in three manners: big eyes, dots, lifelike. Unit: the head's height, its centre at 0."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.procedural.canvas import RGB, Canvas, Frame
from bench.data.procedural.characters import Character
from bench.data.procedural.palette import mixed
from bench.data.procedural.scene import Actor


@dataclass(frozen=True)
class Manner:
    """How a style draws people.

    Attributes:
        head: size of the head against a lifelike one.
        eyes: `big`, `dot` or `real`.
        limb: thickness of arms and legs against the plan.
        natural: hair in a natural colour.
    """

    head: float
    eyes: str
    limb: float
    natural: bool = False


MANNERS = {
    "cartoon": Manner(1.34, "dot", 0.96),
    "anime": Manner(1.2, "big", 0.94),
    "live-action": Manner(0.88, "real", 0.98, natural=True),
    "manga": Manner(1.2, "big", 0.94),
}

DARK: RGB = (40, 28, 32)


def beard(canvas: Canvas, head: Frame, face: int, who: Character, manner: Manner, turn: float) -> None:
    color = who.natural_hair if manner.natural else who.hair
    part = canvas.part(color, "hair", within=face if manner.eyes == "real" else None)
    w = 0.37 if manner.eyes == "real" else 0.4
    high = 0.05 if manner.eyes == "real" else 0.18
    half = ((w, high), (w, high), (0.37, 0.32), (0.2, 0.52), (0, 0.58))
    inner = ((0.1, 0.26), (0.24, 0.3), (0.33, high + 0.08))
    outline = (
        *half,
        *((-x, y) for x, y in reversed(half[:-1])),
        *((-x, y) for x, y in reversed(inner)),
        (0, 0.2),
        *inner,
    )
    canvas.blob(head, outline, part)


def nose(canvas: Canvas, head: Frame, face: int, who: Character, manner: Manner, turn: float, detail: bool) -> None:
    x = turn * 0.15
    if manner.eyes == "big":
        if detail:
            canvas.stroke(
                head, ((x + 0.012, 0.2), (x + 0.03 * (1 if turn >= 0 else -1), 0.235), (x, 0.245)), face, 0.012
            )
        else:
            canvas.oval(head, x, 0.23, 0.014, 0.012, face, 60)
    elif manner.eyes == "dot":
        bulb = canvas.part(mixed(who.skin, (230, 120, 100), 60), "skin")
        canvas.oval(head, x * 1.3, 0.155, 0.075, 0.06, bulb)
    else:
        side = 1.0 if turn >= 0 else -1.0
        canvas.blob(
            head,
            (
                (x - side * 0.03, -0.06),
                (x + side * 0.005, -0.06),
                (x + side * 0.012, 0.1),
                (x + side * 0.05, 0.17),
                (x, 0.185),
                (x - side * 0.075, 0.17),
                (x - side * 0.05, 0.1),
            ),
            face,
            108,
        )
        canvas.blob(
            head,
            (
                (x, -0.06),
                (x + 0.018, -0.04),
                (x + 0.022, 0.1),
                (x + 0.036, 0.145),
                (x, 0.165),
                (x - 0.036, 0.145),
                (x - 0.02, 0.1),
                (x - 0.016, -0.04),
            ),
            face,
            150,
        )
        canvas.oval(head, x, 0.182, 0.062, 0.018, face, 76)
        canvas.oval(head, x - 0.032, 0.178, 0.016, 0.009, face, 24)
        canvas.oval(head, x + 0.032, 0.178, 0.016, 0.009, face, 24)


def mouth(canvas: Canvas, head: Frame, face: int, actor: Actor, manner: Manner, detail: bool) -> None:
    who, feeling = actor.character, actor.expression
    x = actor.turn * 0.12
    y = {"big": 0.335, "dot": 0.315, "real": 0.3}[manner.eyes]
    k = {"big": 0.85, "dot": 1.35, "real": 1.0}[manner.eyes]
    dark = canvas.part(DARK if manner.eyes != "real" else (70, 30, 30), "eye", within=face)
    if feeling in ("happy", "surprised"):
        wide, deep = (0.13 * k, 0.11 * k) if feeling == "happy" else (0.055 * k, 0.09 * k)
        if manner.eyes == "real":
            wide, deep = wide * 0.95, deep * 0.62
            lip = canvas.part(mixed(who.skin, (168, 62, 66), 140), "skin", within=face)
            canvas.blob(
                head,
                (
                    (x - wide * 1.12, y),
                    (x - wide * 0.3, y - 0.035),
                    (x, y - 0.026),
                    (x + wide * 0.3, y - 0.035),
                    (x + wide * 1.12, y),
                    (x + wide * 0.6, y + deep + 0.022),
                    (x, y + deep + 0.034),
                    (x - wide * 0.6, y + deep + 0.022),
                ),
                lip,
            )
        inside = canvas.part((126, 34, 40), "eye", within=face if manner.eyes == "real" else None)
        if feeling == "happy":
            outline = (
                (x - wide, y - 0.012),
                (x - wide, y - 0.012),
                (x, y + 0.008),
                (x + wide, y - 0.012),
                (x + wide, y - 0.012),
                (x + wide * 0.62, y + deep * 0.8),
                (x, y + deep),
                (x - wide * 0.62, y + deep * 0.8),
            )
        else:
            outline = (
                (x, y - deep * 0.3),
                (x + wide, y + deep * 0.3),
                (x + wide * 0.7, y + deep * 0.85),
                (x, y + deep),
                (x - wide * 0.7, y + deep * 0.85),
                (x - wide, y + deep * 0.3),
            )
        canvas.blob(head, outline, inside)
        if feeling == "happy":
            teeth = canvas.part((248, 246, 240), "white", within=inside)
            canvas.blob(
                head,
                (
                    (x - wide * 0.84, y + 0.004),
                    (x, y + 0.014),
                    (x + wide * 0.84, y + 0.004),
                    (x + wide * 0.66, y + deep * 0.36),
                    (x, y + deep * 0.42),
                    (x - wide * 0.66, y + deep * 0.36),
                ),
                teeth,
            )
        if detail or manner.eyes == "dot":
            tongue = canvas.part((224, 104, 108), "skin", within=inside)
            canvas.oval(head, x, y + deep * 0.82, wide * 0.44, deep * 0.18, tongue)
        return
    curve = {"smile": 0.03, "wink": 0.035, "sad": -0.03, "angry": -0.02}.get(feeling, 0.004) * k
    wide = 0.1 * k
    if manner.eyes == "real":
        lip = canvas.part(mixed(who.skin, (168, 62, 66), 150 if who.female else 96), "skin", within=face)
        canvas.blob(
            head,
            (
                (x - wide, y - curve * 0.7),
                (x - wide * 0.4, y - 0.026),
                (x, y - 0.018),
                (x + wide * 0.4, y - 0.026),
                (x + wide, y - curve * 0.7),
                (x + wide * 0.5, y + 0.036 + curve * 0.4),
                (x, y + 0.044 + curve * 0.4),
                (x - wide * 0.5, y + 0.036 + curve * 0.4),
            ),
            lip,
        )
        canvas.oval(head, x, y + 0.085, wide * 0.6, 0.016, face, 104)
        canvas.oval(head, x, y + 0.024 + curve * 0.4, wide * 0.4, 0.009, lip, 176)
        thick = 0.0075
    else:
        thick = 0.011 if manner.eyes == "big" else 0.016
    canvas.tube(
        head,
        (
            (x - wide, y - curve, thick * 0.7),
            (x - wide * 0.4, y + curve * 0.6, thick),
            (x + wide * 0.4, y + curve * 0.6, thick),
            (x + wide, y - curve, thick * 0.7),
        ),
        dark,
    )
