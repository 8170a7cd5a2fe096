"""Heads and faces: one set of features, three manners of drawing eyes, nose and mouth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.data.procedural import hair
from bench.data.procedural.canvas import RGB, Canvas, Frame, Points
from bench.data.procedural.characters import Character
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
    "live-action": Manner(1.0, "real", 1.06, natural=True),
    "manga": Manner(1.2, "big", 0.94),
}

_FACES = {
    "dot": ((0, -0.5), (0.28, -0.44), (0.43, -0.14), (0.455, 0.1), (0.38, 0.34), (0.19, 0.475), (0, 0.5)),
    "big": ((0, -0.5), (0.26, -0.44), (0.4, -0.18), (0.405, 0.06), (0.345, 0.27), (0.16, 0.45), (0, 0.505)),
    "real": ((0, -0.5), (0.24, -0.45), (0.365, -0.2), (0.37, 0.06), (0.325, 0.29), (0.17, 0.465), (0, 0.505)),
}
DARK: RGB = (40, 28, 32)


def _outline(kind: str, jaw: float) -> Points:
    half = tuple((x * (jaw if y > 0.2 else 1.0), y) for x, y in _FACES[kind])
    return (*half, *((-x, y) for x, y in reversed(half[1:-1])))


def darker(color: RGB, share: int) -> RGB:
    """A colour times share/256."""
    return color[0] * share // 256, color[1] * share // 256, color[2] * share // 256


def mixed(a: RGB, b: RGB, share: int) -> RGB:
    """From a to b by share/256."""
    red, green, blue = (p + (q - p) * share // 256 for p, q in zip(a, b, strict=True))
    return red, green, blue


def draw_head(canvas: Canvas, head: Frame, actor: Actor, manner: Manner, hair_part: int, skin: int) -> None:
    """Draw head, face, hair and hat in front of a body that is already there."""
    who, turn = actor.character, actor.turn
    size = math.sqrt(abs(head.a * head.d - head.b * head.c))
    detail = size > 0.15
    canvas.relief = 150
    for side in (-1.0, 1.0):
        canvas.oval(head, side * (0.41 if manner.eyes != "real" else 0.375) - turn * 0.05, 0.06, 0.075, 0.12, skin, 118, side * 0.2)
    face = canvas.part(who.skin, "skin")
    canvas.relief = 160
    canvas.blob(head, _outline(manner.eyes, who.jaw * (0.94 if who.female else 1.04)), face)
    if size > 0.05:
        if who.beard:
            _beard(canvas, head, face, who, manner, turn)
        if manner.eyes != "real":
            blush = canvas.part(mixed(who.skin, (236, 110, 100), 84), "skin", within=face)
            if who.female or who.build == "child":
                for side in (-1.0, 1.0):
                    canvas.oval(head, side * 0.25 + turn * 0.1, 0.2, 0.07, 0.042, blush)
        _mouth(canvas, head, face, actor, manner, detail)
        _nose(canvas, head, face, who, manner, turn, detail)
        for side in (-1.0, 1.0):
            _eye(canvas, head, face, actor, manner, side, detail)
    if who.glasses:
        frames = canvas.part((44, 40, 48), "thing", within=face)
        y = 0.06 if manner.eyes != "real" else -0.01
        x0, radius = (0.19, 0.16) if manner.eyes != "real" else (0.17, 0.115)
        for side in (-1.0, 1.0):
            x = side * x0 + turn * 0.1
            ring = tuple((x + radius * math.cos(i * 0.7854), y + radius * 0.85 * math.sin(i * 0.7854)) for i in range(8))
            _rim(canvas, head, ring, frames, 0.022)
        canvas.tube(head, ((-0.04 + turn * 0.1, y, 0.012), (0.04 + turn * 0.1, y, 0.012)), frames)
    hair.over(canvas, head, who, hair_part, turn, detail)


def _rim(canvas: Canvas, frame: Frame, ring: Points, part: int, width: float) -> None:
    """A closed line of a part's own colour."""
    for i in range(len(ring)):
        (x0, y0), (x1, y1) = ring[i], ring[(i + 1) % len(ring)]
        canvas.tube(frame, ((x0, y0, width / 2), (x1, y1, width / 2)), part)


def _beard(canvas: Canvas, head: Frame, face: int, who: Character, manner: Manner, turn: float) -> None:
    color = who.natural_hair if manner.natural else who.hair
    beard = canvas.part(color, "hair", within=face if manner.eyes == "real" else None)
    w = 0.37 if manner.eyes == "real" else 0.4
    half = ((w, 0.05), (w, 0.05), (0.36, 0.3), (0.2, 0.5), (0, 0.56))
    inner = ((0.12, 0.24), (0.26, 0.24), (0.33, 0.1))
    outline = (*half, *((-x, y) for x, y in reversed(half[:-1])), *((-x, y) for x, y in reversed(inner)), (0, 0.2), *inner)
    canvas.blob(head, outline, beard)


def _eye(canvas: Canvas, head: Frame, face: int, actor: Actor, manner: Manner, side: float, detail: bool) -> None:
    who, turn = actor.character, actor.turn
    feeling = actor.expression
    far = 1.0 - 0.28 * max(0.0, side * turn)
    brow_color = who.natural_hair if manner.natural else darker(who.hair, 190)
    if who.build == "elder":
        brow_color = (150, 148, 150)
    brow = canvas.part(brow_color, "hair", within=face)
    dark = canvas.part(DARK, "eye", within=face)
    slant = {"angry": 0.05, "sad": -0.045, "surprised": 0.0}.get(feeling, -0.008) * side
    lift = {"surprised": -0.06, "happy": -0.02, "angry": 0.035}.get(feeling, 0.0)
    shut = actor.blink or (feeling == "wink" and side > 0) or (feeling == "happy" and manner.eyes == "big" and turn > 0.2)
    gaze = turn * 0.022
    if manner.eyes == "big":
        x, y = side * 0.19 + turn * 0.1, 0.08
        w, h = 0.094 * far * who.eye_size, (0.118 if who.female or who.build == "child" else 0.095) * who.eye_size
        brow_y, brow_r = y - h - 0.085 + lift, 0.014 * who.brow
        if shut:
            canvas.tube(head, ((x - w, y + 0.01, 0.012), (x - w * 0.4, y + 0.05, 0.02), (x + w * 0.4, y + 0.05, 0.02), (x + w, y + 0.01, 0.012)) if feeling != "happy" else ((x - w, y + 0.04, 0.012), (x - w * 0.4, y - 0.02, 0.02), (x + w * 0.4, y - 0.02, 0.02), (x + w, y + 0.04, 0.012)), dark)
        else:
            white = canvas.part((250, 250, 252), "white", within=face)
            iris = canvas.part(who.iris, "eye", within=face)
            canvas.blob(head, ((x - w, y - h * 0.1), (x - w * 0.7, y - h * 0.8), (x, y - h), (x + w * 0.7, y - h * 0.8), (x + w, y - h * 0.1), (x + w * 0.7, y + h * 0.8), (x, y + h * 0.95), (x - w * 0.7, y + h * 0.8)), white)
            small = 0.74 if feeling == "surprised" else 1.0
            ix, iy = x + gaze, y - h * 0.02
            canvas.oval(head, ix, iy, w * 0.74 * small, h * 0.92 * small, dark)
            canvas.oval(head, ix, iy + h * 0.03, w * 0.64 * small, h * 0.84 * small, iris)
            if detail:
                canvas.oval(head, ix, iy - h * 0.4, w * 0.6 * small, h * 0.45 * small, iris, 40)
                canvas.oval(head, ix, iy + h * 0.46, w * 0.42 * small, h * 0.3 * small, iris, 230)
            canvas.oval(head, ix, iy + h * 0.02, w * 0.3 * small, h * 0.42 * small, dark)
            canvas.oval(head, ix - w * 0.26, iy - h * 0.38, w * 0.27, h * 0.25, white)
            if detail:
                canvas.oval(head, ix + w * 0.28, iy + h * 0.42, w * 0.13, h * 0.13, white)
            out = w * 1.22 * side
            canvas.tube(head, ((x - out * 0.85, y - h * 0.3, 0.008), (x - out * 0.5, y - h * 0.88, 0.017), (x, y - h * 1.05, 0.021), (x + out * 0.55, y - h * 0.85, 0.024), (x + out * 0.98, y - h * 0.1, 0.014)), dark)
            if detail:
                canvas.stroke(head, ((x - w * 0.45, y + h * 0.98), (x, y + h * 1.04), (x + w * 0.5, y + h * 0.94)), face, 0.012)
    elif manner.eyes == "dot":
        x, y = side * 0.165 + turn * 0.12, -0.005
        w, h = 0.135 * far * who.eye_size, 0.165 * who.eye_size
        brow_y, brow_r = y - h - 0.06 + lift, 0.026 * who.brow
        if shut:
            canvas.tube(head, ((x - w * 0.9, y + 0.02, 0.016), (x, y - 0.04, 0.02), (x + w * 0.9, y + 0.02, 0.016)), dark)
        else:
            white = canvas.part((252, 252, 250), "white")
            iris = canvas.part(who.iris, "eye", within=white)
            black = canvas.part((24, 18, 22), "eye", within=white)
            canvas.oval(head, x, y, w, h, white)
            ix = x + gaze * 2.2 - side * 0.02
            r = 0.06 if feeling != "surprised" else 0.045
            canvas.oval(head, ix, y + 0.02, r, r * 1.15, iris)
            canvas.oval(head, ix, y + 0.02, r * 0.6, r * 0.7, black)
            canvas.oval(head, ix - r * 0.3, y - r * 0.2, r * 0.26, r * 0.26, white)
            if who.female and detail:
                for k in (0.55, 0.95):
                    canvas.tube(head, ((x + side * w * k, y - h * (1.15 - k * 0.55), 0.014), (x + side * w * (k + 0.4), y - h * (1.5 - k * 0.6), 0.008)), dark)
            elif feeling in ("angry", "sad"):
                lid = canvas.part(darker(who.skin, 228), "skin", within=white)
                cut = h * 0.45
                canvas.blob(head, ((x - w, y - h * 0.2 - cut * 0.3), (x - w * 0.7, y - h * 0.85), (x, y - h * 1.02), (x + w * 0.7, y - h * 0.85), (x + w, y - h * 0.2 - cut * 0.3), (x, y - h * 0.42 + slant)), lid)
    else:
        x, y = side * 0.165 + turn * 0.085, -0.005
        w, h = 0.078 * far, 0.034 * who.eye_size * (1.35 if feeling == "surprised" else 0.8 if feeling == "happy" else 1.0)
        brow_y, brow_r = y - 0.105 + lift * 0.6, 0.013 * who.brow
        canvas.oval(head, x, y - 0.012, w * 1.45, 0.075, face, 100)
        canvas.oval(head, x, y + 0.085, w * 1.1, 0.02, face, 116)
        canvas.oval(head, x, y - 0.045, w * 1.1, 0.016, face, 134)
        if shut:
            canvas.tube(head, ((x - w, y + 0.008, 0.008), (x, y + 0.022, 0.012), (x + w, y + 0.008, 0.008)), dark)
        else:
            white = canvas.part((226, 222, 218), "white", within=face)
            iris = canvas.part(darker(who.iris, 210), "eye", within=face)
            canvas.blob(head, ((x - w, y + 0.006), (x - w * 0.5, y - h * 0.85), (x, y - h), (x + w * 0.5, y - h * 0.85), (x + w, y + 0.002), (x + w * 0.5, y + h * 0.75), (x, y + h * 0.9), (x - w * 0.5, y + h * 0.75)), white, 116)
            ix = x + gaze * 0.8
            canvas.oval(head, ix, y - h * 0.06, h * 0.98, h * 0.94, iris)
            canvas.oval(head, ix, y - h * 0.06, h * 0.45, h * 0.45, dark)
            canvas.oval(head, ix - h * 0.35, y - h * 0.4, h * 0.22, h * 0.22, white, 240)
            canvas.tube(head, ((x - w * 1.05, y + 0.006, 0.006), (x - w * 0.5, y - h * 0.95, 0.011), (x + w * 0.5, y - h * 0.95, 0.011), (x + w * 1.08, y, 0.006)), dark)
    bw = (0.105 if manner.eyes != "real" else 0.1) * far
    inner, outer = x - side * bw, x + side * bw
    drop = slant * side
    canvas.tube(head, ((inner, brow_y + drop, brow_r), (x, brow_y - 0.022, brow_r * 1.15), (outer, brow_y - drop * 0.6 + 0.012, brow_r * 0.6)), brow)


def _nose(canvas: Canvas, head: Frame, face: int, who: Character, manner: Manner, turn: float, detail: bool) -> None:
    x = turn * 0.15
    if manner.eyes == "big":
        if detail:
            canvas.stroke(head, ((x + 0.012, 0.2), (x + 0.03 * (1 if turn >= 0 else -1), 0.235), (x, 0.245)), face, 0.012)
        else:
            canvas.oval(head, x, 0.23, 0.014, 0.012, face, 60)
    elif manner.eyes == "dot":
        nose = canvas.part(mixed(who.skin, (230, 120, 100), 60), "skin")
        canvas.oval(head, x * 1.3, 0.155, 0.075, 0.06, nose)
    else:
        side = 1.0 if turn >= 0 else -1.0
        canvas.blob(head, ((x - side * 0.03, -0.06), (x + side * 0.005, -0.06), (x + side * 0.012, 0.1), (x + side * 0.05, 0.17), (x, 0.185), (x - side * 0.075, 0.17), (x - side * 0.05, 0.1)), face, 108)
        canvas.blob(head, ((x, -0.06), (x + 0.018, -0.04), (x + 0.022, 0.1), (x + 0.036, 0.145), (x, 0.165), (x - 0.036, 0.145), (x - 0.02, 0.1), (x - 0.016, -0.04)), face, 150)
        canvas.oval(head, x, 0.182, 0.062, 0.018, face, 76)
        canvas.oval(head, x - 0.032, 0.178, 0.016, 0.009, face, 24)
        canvas.oval(head, x + 0.032, 0.178, 0.016, 0.009, face, 24)


def _mouth(canvas: Canvas, head: Frame, face: int, actor: Actor, manner: Manner, detail: bool) -> None:
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
            canvas.blob(head, ((x - wide * 1.12, y), (x - wide * 0.3, y - 0.035), (x, y - 0.026), (x + wide * 0.3, y - 0.035), (x + wide * 1.12, y), (x + wide * 0.6, y + deep + 0.022), (x, y + deep + 0.034), (x - wide * 0.6, y + deep + 0.022)), lip)
        inside = canvas.part((126, 34, 40), "eye", within=face if manner.eyes == "real" else None)
        if feeling == "happy":
            outline = ((x - wide, y - 0.012), (x - wide, y - 0.012), (x, y + 0.008), (x + wide, y - 0.012), (x + wide, y - 0.012), (x + wide * 0.62, y + deep * 0.8), (x, y + deep), (x - wide * 0.62, y + deep * 0.8))
        else:
            outline = ((x, y - deep * 0.3), (x + wide, y + deep * 0.3), (x + wide * 0.7, y + deep * 0.85), (x, y + deep), (x - wide * 0.7, y + deep * 0.85), (x - wide, y + deep * 0.3))
        canvas.blob(head, outline, inside)
        if feeling == "happy":
            teeth = canvas.part((248, 246, 240), "white", within=inside)
            canvas.blob(head, ((x - wide * 0.84, y + 0.004), (x, y + 0.014), (x + wide * 0.84, y + 0.004), (x + wide * 0.66, y + deep * 0.36), (x, y + deep * 0.42), (x - wide * 0.66, y + deep * 0.36)), teeth)
        if detail or manner.eyes == "dot":
            tongue = canvas.part((224, 104, 108), "skin", within=inside)
            canvas.oval(head, x, y + deep * 0.82, wide * 0.44, deep * 0.18, tongue)
        return
    curve = {"smile": 0.03, "wink": 0.035, "sad": -0.03, "angry": -0.02}.get(feeling, 0.004) * k
    wide = 0.1 * k
    if manner.eyes == "real":
        lip = canvas.part(mixed(who.skin, (168, 62, 66), 150 if who.female else 96), "skin", within=face)
        canvas.blob(head, ((x - wide, y - curve * 0.7), (x - wide * 0.4, y - 0.026), (x, y - 0.018), (x + wide * 0.4, y - 0.026), (x + wide, y - curve * 0.7), (x + wide * 0.5, y + 0.036 + curve * 0.4), (x, y + 0.044 + curve * 0.4), (x - wide * 0.5, y + 0.036 + curve * 0.4)), lip)
        canvas.oval(head, x, y + 0.085, wide * 0.6, 0.016, face, 104)
        canvas.oval(head, x, y + 0.024 + curve * 0.4, wide * 0.4, 0.009, lip, 176)
        thick = 0.0075
    else:
        thick = 0.011 if manner.eyes == "big" else 0.016
    canvas.tube(head, ((x - wide, y - curve, thick * 0.7), (x - wide * 0.4, y + curve * 0.6, thick), (x + wide * 0.4, y + curve * 0.6, thick), (x + wide, y - curve, thick * 0.7)), dark)
