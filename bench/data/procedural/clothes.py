"""Clothes: trousers, skirts and shoes on the legs, what is on the torso, and what lies around the neck."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.data.procedural.canvas import Canvas, Frame, Point
from bench.data.procedural.characters import Body, Character
from bench.data.procedural.face import Manner
from bench.data.procedural.palette import darker
from bench.data.procedural.poses import legs as leg_angles
from bench.data.procedural.scene import Actor, Angles


@dataclass(frozen=True)
class Parts:
    """The parts that limbs and clothes share."""

    skin: int
    hair: int
    top: int
    accent: int


def reach(angles: Angles, plan: Body) -> float:
    """How far below the neck's root the lower foot is."""
    right, left = angles[:2], angles[2:]
    down = max(0.47 * math.cos(upper) + 0.46 * math.cos(under) for upper, under in (right, left))
    return plan.torso * 0.93 + plan.legs * down + plan.limb * 1.7


def joint(x: float, y: float, length: float, angle: float, side: float) -> Point:
    return x + math.sin(angle) * length * side, y + math.cos(angle) * length


def legs(canvas: Canvas, body: Frame, actor: Actor, plan: Body, manner: Manner, parts: Parts) -> None:
    who = actor.character
    r = plan.limb * manner.limb * 1.22
    lower = canvas.part(who.bottom, "cloth")
    lower_left = canvas.part(who.bottom, "cloth")
    bare = canvas.part(who.skin, "skin")
    sock = canvas.part((236, 236, 234), "cloth")
    shoes = canvas.part(who.shoes, "thing")
    sole = canvas.part((232, 230, 226), "thing")
    angles = leg_angles(actor)
    thigh, shin = plan.legs * 0.47, plan.legs * 0.46
    for side, upper, under, cloth in ((-1.0, angles[2], angles[3], lower_left), (1.0, angles[0], angles[1], lower)):
        canvas.relief = 84 if side < 0 else 92
        hx, hy = side * plan.hip * 0.52, plan.torso * 0.93
        kx, ky = joint(hx, hy, thigh, upper, side)
        ax, ay = joint(kx, ky, shin, under, side)
        trousers = who.lower == "trousers"
        leg = ((hx, hy, r * 1.3), (kx, ky, r * (1.0 if trousers else 0.82)), (ax, ay, r * (0.86 if trousers else 0.55)))
        toe = 1.0 if actor.walks else side
        foot = _foot(ax, ay, r, toe)
        if trousers:
            canvas.tube(body, ((kx, ky, r * 0.5), (ax, ay + 0.03, r * 0.5)), bare)
            canvas.blob(body, foot, shoes)
            canvas.blob(body, _sole(ax, ay, r, toe), sole)
            canvas.tube(body, leg, cloth, cap=0.25)
        else:
            canvas.tube(body, leg, bare, cap=0.4)
            canvas.tube(
                body, ((ax + (kx - ax) * 0.22, ay + (ky - ay) * 0.22, r * 0.62), (ax, ay, r * 0.56)), sock, cap=0.3
            )
            canvas.blob(body, foot, shoes)
            canvas.blob(body, _sole(ax, ay, r, toe), sole)
            if who.lower == "shorts":
                mx, my = hx + (kx - hx) * 0.78, hy + (ky - hy) * 0.78
                canvas.tube(body, ((hx, hy, r * 1.36), (mx, my, r * 1.32)), cloth, cap=0.15)
    canvas.relief = 96
    if who.lower in ("skirt", "dress"):
        skirt = lower if who.lower == "skirt" else parts.top
        drop = plan.torso + plan.legs * (0.34 if who.build != "elder" else 0.62)
        top, w = plan.torso * 0.66, plan.hip
        wide = w * 1.75
        swing = math.sin(angles[0]) * 0.25
        canvas.blob(
            body,
            (
                (-w * 0.8, top),
                (-w * 0.8, top),
                (w * 0.8, top),
                (w * 0.8, top),
                (w * 1.25, top + 0.4),
                (wide + swing, drop),
                (wide + swing, drop),
                (wide * 0.5, drop + 0.07),
                (0.0, drop + 0.02),
                (-wide * 0.5, drop + 0.08),
                (-wide, drop),
                (-wide, drop),
                (-w * 1.25, top + 0.4),
            ),
            skirt,
        )
        for x in (-0.5, 0.1, 0.62):
            canvas.stroke(
                body, ((w * x, top + 0.25), (wide * x * 0.8, drop - 0.25), (wide * x * 0.95, drop - 0.02)), skirt, 0.016
            )
        if who.lower == "dress":
            belt = canvas.part(who.accent, "cloth")
            canvas.blob(
                body,
                ((-w * 0.86, top - 0.02), (w * 0.86, top - 0.02), (w * 0.93, top + 0.12), (-w * 0.93, top + 0.12)),
                belt,
            )


def _foot(x: float, y: float, r: float, side: float) -> tuple[Point, ...]:
    return tuple(
        (x + side * px * r / 0.14, y + py * r / 0.14)
        for px, py in (
            (-0.1, -0.06),
            (0.08, -0.07),
            (0.18, 0.04),
            (0.3, 0.1),
            (0.33, 0.18),
            (0.3, 0.2),
            (-0.1, 0.2),
            (-0.14, 0.12),
        )
    )


def _sole(x: float, y: float, r: float, side: float) -> tuple[Point, ...]:
    return tuple(
        (x + side * px * r / 0.14, y + py * r / 0.14)
        for px, py in ((-0.13, 0.15), (0.33, 0.15), (0.33, 0.2), (0.3, 0.215), (-0.1, 0.215), (-0.14, 0.2))
    )


def torso(canvas: Canvas, body: Frame, actor: Actor, plan: Body, parts: Parts, size: float) -> None:
    who = actor.character
    canvas.relief = 112
    s, h, t = plan.shoulder * who.width, plan.hip, plan.torso
    hem = t * (0.72 if who.lower in ("skirt", "dress") else 1.02)
    chest = s * 0.86
    waist = h * 0.86 if who.female and who.build not in ("child", "elder") else (chest + h * 1.1) / 2
    right = (
        (0.15, -0.015),
        (s * 0.62, 0.075),
        (s, 0.22),
        (s * 0.96, 0.42),
        (chest, 0.62),
        (waist, t * 0.66),
        (h * 1.04, hem * 0.97),
        (h * 1.04, hem * 0.97),
    )
    outline = ((0.0, 0.05), *right, (0.0, hem), *((-x, y) for x, y in reversed(right)))
    canvas.blob(body, outline, parts.top)
    if not canvas.strokes:
        # Folds that only shading shows: from the armpits inwards and across the waist.
        for side, y, light in ((1.0, 0.0, 100), (-1.0, 0.05, 104), (1.0, 0.16, 150), (-1.0, 0.2, 146)):
            fold = ((chest, 0.5), (chest * 0.5, 0.66), (chest * 0.2, 0.72), (chest * 0.5, 0.74), (chest, 0.64))
            canvas.blob(body, tuple((side * px, py + y) for px, py in fold), parts.top, light, inside=parts.top)
        for y, light in ((0.58, 104), (0.68, 148), (0.8, 106)):
            fold = (
                (-waist, t * y),
                (0.0, t * y + 0.08),
                (waist, t * y - 0.02),
                (waist, t * y + 0.06),
                (0.0, t * y + 0.13),
            )
            canvas.blob(body, fold, parts.top, light, inside=parts.top)
    pattern = who.pattern if who.garment != "jacket" else "plain"
    on = canvas.part(who.accent, "cloth", within=parts.top)
    if pattern == "stripes":
        y = 0.34
        while y < hem:
            w = s * 1.2
            stripe = (
                (-w, y),
                (-w, y),
                (0, y + 0.04),
                (w, y),
                (w, y),
                (w, y + 0.12),
                (w, y + 0.12),
                (0, y + 0.16),
                (-w, y + 0.12),
                (-w, y + 0.12),
            )
            canvas.blob(body, stripe, on, inside=parts.top)
            y += 0.28
    elif pattern == "dots":
        for row in range(5):
            y = 0.24 + row * 0.27
            if y < hem - 0.1:
                for k in range(-1, 2):
                    canvas.oval(body, (k + (row % 2) * 0.5 - 0.25) * 0.27, y, 0.06, 0.06, on)
    elif pattern == "star":
        star = tuple(
            (math.sin(i * 0.6283) * r, 0.52 - math.cos(i * 0.6283) * r)
            for i in range(10)
            for r in ((0.22,) if i % 2 == 0 else (0.1,))
        )
        canvas.poly(body, star, on)
    elif pattern == "band":
        w = s * 1.2
        canvas.blob(body, ((-w, 0.48), (0, 0.54), (w, 0.48), (w, 0.72), (0, 0.78), (-w, 0.72)), on, inside=parts.top)
    if who.garment == "jacket":
        under = canvas.part(who.accent, "cloth")
        canvas.blob(
            body,
            ((-0.13, 0.0), (0.13, 0.0), (0.17, 0.5), (0.2, hem), (-0.2, hem), (-0.17, 0.5)),
            under,
            inside=parts.top,
        )
    elif who.garment == "shirt" and size > 0.1:
        canvas.stroke(body, ((0.0, 0.1), (0.01, 0.6), (0.0, hem - 0.02)), parts.top, 0.016)
        button = canvas.part(darker(who.accent, 230), "thing", within=parts.top)
        for k in range(4):
            canvas.oval(body, 0.045, 0.3 + k * 0.28, 0.024, 0.024, button)
    elif who.garment == "hoodie":
        pocket = canvas.part(darker(who.top, 226), "cloth")
        y = min(t * 0.66, hem - 0.3)
        canvas.blob(
            body,
            (
                (-h * 0.62, y),
                (h * 0.62, y),
                (h * 0.8, y + 0.26),
                (h * 0.8, y + 0.26),
                (-h * 0.8, y + 0.26),
                (-h * 0.8, y + 0.26),
            ),
            pocket,
        )
    if size > 0.1:
        canvas.stroke(body, ((chest * 0.98, 0.62), (chest * 0.72, 0.7), (chest * 0.6, 0.82)), parts.top, 0.016)
        canvas.stroke(body, ((-chest * 0.98, 0.66), (-chest * 0.8, 0.78)), parts.top, 0.016)


def collar(canvas: Canvas, body: Frame, who: Character, plan: Body, parts: Parts, size: float) -> None:
    canvas.relief = 124
    if who.garment == "shirt" or who.garment == "jacket":
        color = (244, 242, 238) if who.garment == "shirt" and who.pattern != "plain" else who.top
        part = canvas.part(color, "cloth")
        for side in (-1.0, 1.0):
            canvas.blob(
                body,
                tuple(
                    (x * side, y)
                    for x, y in (
                        (0.02, 0.12),
                        (0.02, 0.12),
                        (0.14, -0.06),
                        (0.26, 0.0),
                        (0.3, 0.16),
                        (0.3, 0.16),
                        (0.16, 0.3),
                        (0.16, 0.3),
                    )
                ),
                part,
            )
    elif who.garment == "hoodie":
        hood = canvas.part(who.top, "cloth")
        canvas.blob(
            body,
            (
                (-0.36, 0.04),
                (-0.2, -0.07),
                (0.0, 0.1),
                (0.2, -0.07),
                (0.36, 0.04),
                (0.28, 0.2),
                (0.0, 0.28),
                (-0.28, 0.2),
            ),
            hood,
        )
        if size > 0.1:
            cord = canvas.part((240, 238, 232), "cloth", within=parts.top)
            for x in (-0.1, 0.1):
                canvas.tube(body, ((x, 0.24, 0.016), (x * 1.1, 0.52, 0.016)), cord)
    elif who.garment == "sweater":
        canvas.blob(
            body,
            (
                (-0.24, 0.02),
                (-0.17, -0.05),
                (0.0, 0.07),
                (0.17, -0.05),
                (0.24, 0.02),
                (0.14, 0.13),
                (0.0, 0.18),
                (-0.14, 0.13),
            ),
            parts.accent,
        )
    if who.extra == "scarf":
        scarf = canvas.part(who.extra_color, "cloth")
        canvas.blob(body, ((0.1, 0.1), (0.3, 0.08), (0.34, 0.62), (0.34, 0.62), (0.16, 0.64), (0.16, 0.64)), scarf)
        canvas.blob(
            body,
            (
                (-0.3, 0.06),
                (-0.24, -0.1),
                (0.0, -0.02),
                (0.24, -0.1),
                (0.3, 0.06),
                (0.22, 0.2),
                (0.0, 0.25),
                (-0.22, 0.2),
            ),
            canvas.part(who.extra_color, "cloth"),
        )
    elif who.extra == "bow":
        bow = canvas.part(who.extra_color, "cloth")
        for side in (-1.0, 1.0):
            canvas.blob(
                body, tuple((x * side, y) for x, y in ((0.0, 0.14), (0.2, 0.03), (0.22, 0.14), (0.2, 0.26))), bow
            )
        canvas.oval(body, 0, 0.145, 0.05, 0.055, bow, 90)
    elif who.extra == "bag":
        strap = canvas.part(who.extra_color, "cloth")
        t = plan.torso
        canvas.poly(
            body,
            (
                (plan.shoulder * 0.5, 0.04),
                (plan.shoulder * 0.66, 0.08),
                (-plan.hip * 0.9, t * 0.86),
                (-plan.hip * 1.08, t * 0.8),
            ),
            strap,
        )
        canvas.blob(
            body,
            (
                (-plan.hip * 1.5, t * 0.8),
                (-plan.hip * 1.5, t * 0.8),
                (-plan.hip * 0.5, t * 0.8),
                (-plan.hip * 0.5, t * 0.8),
                (-plan.hip * 0.5, t * 1.08),
                (-plan.hip * 1.5, t * 1.08),
            ),
            canvas.part(who.extra_color, "cloth"),
        )
