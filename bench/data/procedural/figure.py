"""Whole figures: legs, clothes, arms and hands under a head. Unit: a lifelike head's height, origin at the neck's root."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.data.procedural import hair
from bench.data.procedural.canvas import Canvas, Frame, Point
from bench.data.procedural.characters import BODIES, Body, Character
from bench.data.procedural.head import MANNERS, Manner, darker, draw_head
from bench.data.procedural.scene import Actor

# Upper arm and forearm, right then left: angles from straight down, outwards, in radians; then the legs' spread.
_ARMS: dict[str, tuple[float, float, float, float]] = {
    "stand": (0.16, 0.06, 0.16, 0.06),
    "wave": (1.5, 2.75, 0.16, 0.08),
    "hips": (0.72, -0.62, 0.72, -0.62),
    "walk": (0.3, -0.1, 0.34, 0.5),
    "cheer": (2.3, 2.75, 2.3, 2.75),
    "point": (1.35, 1.5, 0.2, 0.1),
    "think": (0.42, -2.55, 0.3, -1.3),
    "hold": (0.3, -0.95, 0.3, -0.95),
    "run": (0.75, -0.7, 0.6, 1.6),
}
_LEGS: dict[str, tuple[float, float, float, float]] = {
    "stand": (0.07, 0.04, 0.07, 0.04),
    "wave": (0.08, 0.05, 0.1, 0.04),
    "hips": (0.16, 0.12, 0.16, 0.12),
    "walk": (0.3, 0.12, 0.14, -0.22),
    "cheer": (0.2, 0.14, 0.2, 0.14),
    "point": (0.14, 0.1, 0.1, 0.06),
    "think": (0.07, 0.04, 0.1, 0.06),
    "hold": (0.09, 0.05, 0.09, 0.05),
    "run": (0.62, 0.1, 0.1, -0.85),
}


@dataclass(frozen=True)
class _Parts:
    skin: int
    hair: int
    top: int
    accent: int


def draw_figure(canvas: Canvas, actor: Actor, domain: str, light: int) -> None:
    """Draw a character as the actor stands in the picture."""
    manner, who = MANNERS[domain], actor.character
    plan = BODIES[who.build, who.female]
    canvas.figure += 1
    # A style's big head makes the rest smaller, so that every style fills the same room.
    total = manner.head + 0.1 + plan.torso + plan.legs
    size = actor.size / total if not actor.near else actor.size / (manner.head ** (0.75 if actor.size < 0.45 else 0.95))
    centre = -(0.5 * manner.head + 0.07)
    if actor.near:
        body = Frame().at(actor.x, actor.y, size).at(0, -centre)
    else:
        body = Frame().at(actor.x, actor.y, size).at(0, -(plan.torso + plan.legs))
    torso = body.at(0, 0, 1.0, 0.0, actor.flip)
    sway = 0.05 * actor.turn
    head = body.at(sway, centre, manner.head, actor.tilt)
    hair_color = who.natural_hair if manner.natural else who.hair
    parts = _Parts(
        canvas.part(who.skin, "skin"), canvas.part(hair_color, "hair"), canvas.part(who.top, "cloth"), canvas.part(who.accent, "cloth")
    )
    hair.behind(canvas, head, who, parts.hair, actor.turn)
    if not (actor.near and actor.size > 0.45):
        _legs(canvas, torso, actor, plan, manner, parts)
    _neck(canvas, body, sway, parts, manner)
    _torso(canvas, torso, actor, plan, parts, size)
    for side in (1.0, -1.0):
        _arm(canvas, torso, actor, plan, manner, parts, side, size)
    _collar(canvas, body, who, plan, parts, size)
    front = canvas.part(hair_color, "hair")
    draw_head(canvas, head, actor, manner, front, parts.skin)


def _neck(canvas: Canvas, body: Frame, sway: float, parts: _Parts, manner: Manner) -> None:
    canvas.relief = 96
    w = 0.15 if manner.eyes != "real" else 0.17
    canvas.blob(body, ((-w + sway, -0.3), (w + sway, -0.3), (w, -0.02), (w * 1.7, 0.1), (0, 0.2), (-w * 1.7, 0.1), (-w, -0.02)), parts.skin)
    canvas.blob(body, ((-w * 0.9 + sway, -0.3), (w * 0.9 + sway, -0.3), (w * 0.9, -0.03), (0.0, 0.05), (-w * 0.9, -0.06)), parts.skin, 60)


def _joint(x: float, y: float, length: float, angle: float, side: float) -> Point:
    return x + math.sin(angle) * length * side, y + math.cos(angle) * length


def _legs(canvas: Canvas, body: Frame, actor: Actor, plan: Body, manner: Manner, parts: _Parts) -> None:
    who = actor.character
    r = plan.limb * manner.limb * 1.22
    lower = canvas.part(who.bottom, "cloth")
    lower_left = canvas.part(who.bottom, "cloth")
    bare = canvas.part(who.skin, "skin")
    sock = canvas.part((236, 236, 234), "cloth")
    shoes = canvas.part(who.shoes, "thing")
    sole = canvas.part((232, 230, 226), "thing")
    angles = _LEGS[actor.pose]
    thigh, shin = plan.legs * 0.47, plan.legs * 0.46
    for side, upper, under, cloth in ((-1.0, angles[2], angles[3], lower_left), (1.0, angles[0], angles[1], lower)):
        canvas.relief = 84 if side < 0 else 92
        hx, hy = side * plan.hip * 0.52, plan.torso * 0.93
        kx, ky = _joint(hx, hy, thigh, upper, side)
        ax, ay = _joint(kx, ky, shin, under, side)
        trousers = who.lower == "trousers"
        leg = ((hx, hy, r * 1.3), (kx, ky, r * (1.0 if trousers else 0.82)), (ax, ay, r * (0.86 if trousers else 0.55)))
        foot = _foot(ax, ay, r, side)
        if trousers:
            canvas.tube(body, ((kx, ky, r * 0.5), (ax, ay + 0.03, r * 0.5)), bare)
            canvas.blob(body, foot, shoes)
            canvas.blob(body, _sole(ax, ay, r, side), sole)
            canvas.tube(body, leg, cloth, cap=0.25)
        else:
            canvas.tube(body, leg, bare, cap=0.4)
            canvas.tube(body, ((ax + (kx - ax) * 0.22, ay + (ky - ay) * 0.22, r * 0.62), (ax, ay, r * 0.56)), sock, cap=0.3)
            canvas.blob(body, foot, shoes)
            canvas.blob(body, _sole(ax, ay, r, side), sole)
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
        canvas.blob(body, ((-w * 0.8, top), (-w * 0.8, top), (w * 0.8, top), (w * 0.8, top), (w * 1.25, top + 0.4), (wide + swing, drop), (wide + swing, drop), (wide * 0.5, drop + 0.07), (0.0, drop + 0.02), (-wide * 0.5, drop + 0.08), (-wide, drop), (-wide, drop), (-w * 1.25, top + 0.4)), skirt)
        for x in (-0.5, 0.1, 0.62):
            canvas.stroke(body, ((w * x, top + 0.25), (wide * x * 0.8, drop - 0.25), (wide * x * 0.95, drop - 0.02)), skirt, 0.016)
        if who.lower == "dress":
            belt = canvas.part(who.accent, "cloth")
            canvas.blob(body, ((-w * 0.86, top - 0.02), (w * 0.86, top - 0.02), (w * 0.93, top + 0.12), (-w * 0.93, top + 0.12)), belt)


def _foot(x: float, y: float, r: float, side: float) -> tuple[Point, ...]:
    return tuple((x + side * px * r / 0.14, y + py * r / 0.14) for px, py in ((-0.1, -0.06), (0.08, -0.07), (0.18, 0.04), (0.3, 0.1), (0.33, 0.18), (0.3, 0.2), (-0.1, 0.2), (-0.14, 0.12)))


def _sole(x: float, y: float, r: float, side: float) -> tuple[Point, ...]:
    return tuple((x + side * px * r / 0.14, y + py * r / 0.14) for px, py in ((-0.13, 0.15), (0.33, 0.15), (0.33, 0.2), (0.3, 0.215), (-0.1, 0.215), (-0.14, 0.2)))


def _torso(canvas: Canvas, body: Frame, actor: Actor, plan: Body, parts: _Parts, size: float) -> None:
    who = actor.character
    canvas.relief = 112
    s, h, t = plan.shoulder * who.width, plan.hip, plan.torso
    waist = h * (0.84 if who.female and who.build != "child" else 1.02)
    hem = t * (0.72 if who.lower in ("skirt", "dress") else 1.02)
    chest = s * (0.84 if not who.female else 0.86)
    right = ((0.15, -0.015), (s * 0.62, 0.075), (s, 0.22), (s * 0.96, 0.42), (chest, 0.62), (waist, t * 0.66), (h * 1.04, hem * 0.97), (h * 1.04, hem * 0.97))
    outline = ((0.0, 0.05), *right, (0.0, hem), *((-x, y) for x, y in reversed(right)))
    canvas.blob(body, outline, parts.top)
    pattern = who.pattern if who.garment != "jacket" else "plain"
    on = canvas.part(who.accent, "cloth", within=parts.top)
    if pattern == "stripes":
        y = 0.34
        while y < hem - 0.1:
            w = (s * 0.9 if y < 0.5 else chest + (waist - chest) * min(1.0, (y - 0.5) / (t * 0.5))) * 0.985
            canvas.blob(body, ((-w, y), (0, y + 0.035), (w, y), (w, y + 0.11), (0, y + 0.145), (-w, y + 0.11)), on)
            y += 0.28
    elif pattern == "dots":
        for row in range(5):
            y = 0.24 + row * 0.27
            if y < hem - 0.1:
                for k in range(-1, 2):
                    canvas.oval(body, (k + (row % 2) * 0.5 - 0.25) * 0.27, y, 0.06, 0.06, on)
    elif pattern == "star":
        star = tuple((math.sin(i * 0.6283) * r, 0.52 - math.cos(i * 0.6283) * r) for i in range(10) for r in ((0.22,) if i % 2 == 0 else (0.1,)))
        canvas.poly(body, star, on)
    elif pattern == "band":
        w = chest * 0.98
        canvas.blob(body, ((-w, 0.5), (0, 0.54), (w, 0.5), (w * 0.98, 0.74), (0, 0.78), (-w * 0.98, 0.74)), on)
    if who.garment == "jacket":
        under = canvas.part(who.accent, "cloth")
        canvas.blob(body, ((-0.13, 0.0), (0.13, 0.0), (0.17, 0.5), (0.2, hem), (-0.2, hem), (-0.17, 0.5)), under)
    elif who.garment == "shirt" and size > 0.1:
        canvas.stroke(body, ((0.0, 0.1), (0.01, 0.6), (0.0, hem - 0.02)), parts.top, 0.016)
        button = canvas.part(darker(who.accent, 230), "thing", within=parts.top)
        for k in range(4):
            canvas.oval(body, 0.045, 0.3 + k * 0.28, 0.024, 0.024, button)
    elif who.garment == "hoodie":
        pocket = canvas.part(darker(who.top, 226), "cloth")
        y = min(t * 0.66, hem - 0.3)
        canvas.blob(body, ((-h * 0.62, y), (h * 0.62, y), (h * 0.8, y + 0.26), (h * 0.8, y + 0.26), (-h * 0.8, y + 0.26), (-h * 0.8, y + 0.26)), pocket)
    if size > 0.1:
        canvas.stroke(body, ((chest * 0.98, 0.62), (chest * 0.72, 0.7), (chest * 0.6, 0.82)), parts.top, 0.016)
        canvas.stroke(body, ((-chest * 0.98, 0.66), (-chest * 0.8, 0.78)), parts.top, 0.016)


def _arm(canvas: Canvas, body: Frame, actor: Actor, plan: Body, manner: Manner, parts: _Parts, side: float, size: float) -> None:
    who = actor.character
    upper, under = _ARMS[actor.pose][:2] if side > 0 else _ARMS[actor.pose][2:]
    r = plan.limb * manner.limb
    x, y = side * (plan.shoulder * who.width - r * 0.8), 0.25
    ex, ey = _joint(x, y, plan.arm * 0.5, upper, side)
    hx, hy = _joint(ex, ey, plan.arm * 0.45, under, side)
    canvas.relief = 134
    arm = canvas.part(who.skin, "skin")
    sleeve = canvas.part(who.accent if who.pattern == "raglan" and who.garment != "jacket" else who.top, "cloth")
    hand = _hand(hx, hy, hx - ex, hy - ey, r * 1.12 * (1.16 if manner.eyes == "dot" else 1.0), side)
    if who.garment == "tee":
        canvas.tube(body, ((x, y, r), (ex, ey, r * 0.84), (hx, hy, r * 0.62)), arm, cap=0.6)
        canvas.blob(body, hand, arm)
        mx, my = x + (ex - x) * 0.72, y + (ey - y) * 0.72
        canvas.tube(body, ((x, y, r * 1.14), (mx, my, r * 1.26)), sleeve, cap=0.5)
    else:
        canvas.blob(body, hand, arm)
        canvas.tube(body, ((x, y, r * 1.14), (ex, ey, r * 1.05), (hx - (hx - ex) * 0.06, hy - (hy - ey) * 0.06, r * 0.92)), sleeve, cap=0.35)
        if size > 0.1:
            canvas.stroke(body, ((ex - r * 0.8, ey - r * 0.3), (ex, ey), (ex + r * 0.3, ey + r * 0.2)), sleeve, 0.016)
        if who.garment in ("sweater", "hoodie"):
            cuff = canvas.part(who.accent, "cloth")
            cx, cy = hx - (hx - ex) * 0.12, hy - (hy - ey) * 0.12
            canvas.tube(body, ((cx, cy, r * 0.98), (hx - (hx - ex) * 0.02, hy - (hy - ey) * 0.02, r * 0.92)), cuff, cap=0.2)
    if size > 0.12:
        (a, b), (c, d) = hand[2], hand[5]
        for k in (0.36, 0.66):
            px, py = a + (c - a) * k, b + (d - b) * k
            canvas.stroke(body, ((px, py), (px - (hx - ex) * 0.12, py - (hy - ey) * 0.12)), arm, 0.012)


def _hand(x: float, y: float, dx: float, dy: float, r: float, side: float) -> tuple[Point, ...]:
    """A mitten with a thumb, continuing the forearm's direction."""
    length = math.sqrt(dx * dx + dy * dy) or 1.0
    ux, uy = dx / length * r, dy / length * r
    vx, vy = -uy * side, ux * side
    shape = ((-0.3, 0.55), (0.5, 0.78), (1.9, 0.74), (2.35, 0.4), (2.42, -0.1), (2.1, -0.6), (1.3, -0.78), (1.5, -1.2), (1.1, -1.42), (0.45, -0.95), (-0.3, -0.55))
    return tuple((x + ux * p + vx * q, y + uy * p + vy * q) for p, q in shape)


def _collar(canvas: Canvas, body: Frame, who: Character, plan: Body, parts: _Parts, size: float) -> None:
    canvas.relief = 124
    if who.garment == "shirt" or who.garment == "jacket":
        color = (244, 242, 238) if who.garment == "shirt" and who.pattern != "plain" else who.top
        collar = canvas.part(color, "cloth")
        for side in (-1.0, 1.0):
            canvas.blob(body, tuple((x * side, y) for x, y in ((0.02, 0.12), (0.02, 0.12), (0.14, -0.06), (0.26, 0.0), (0.3, 0.16), (0.3, 0.16), (0.16, 0.3), (0.16, 0.3))), collar)
    elif who.garment == "hoodie":
        hood = canvas.part(who.top, "cloth")
        canvas.blob(body, ((-0.36, 0.04), (-0.2, -0.07), (0.0, 0.1), (0.2, -0.07), (0.36, 0.04), (0.28, 0.2), (0.0, 0.28), (-0.28, 0.2)), hood)
        if size > 0.1:
            cord = canvas.part((240, 238, 232), "cloth", within=parts.top)
            for x in (-0.1, 0.1):
                canvas.tube(body, ((x, 0.24, 0.016), (x * 1.1, 0.52, 0.016)), cord)
    elif who.garment == "sweater":
        canvas.blob(body, ((-0.24, 0.02), (-0.17, -0.05), (0.0, 0.07), (0.17, -0.05), (0.24, 0.02), (0.14, 0.13), (0.0, 0.18), (-0.14, 0.13)), parts.accent)
    if who.extra == "scarf":
        scarf = canvas.part(who.extra_color, "cloth")
        canvas.blob(body, ((0.1, 0.1), (0.3, 0.08), (0.34, 0.62), (0.34, 0.62), (0.16, 0.64), (0.16, 0.64)), scarf)
        canvas.blob(body, ((-0.3, 0.06), (-0.24, -0.1), (0.0, -0.02), (0.24, -0.1), (0.3, 0.06), (0.22, 0.2), (0.0, 0.25), (-0.22, 0.2)), canvas.part(who.extra_color, "cloth"))
    elif who.extra == "bow":
        bow = canvas.part(who.extra_color, "cloth")
        for side in (-1.0, 1.0):
            canvas.blob(body, tuple((x * side, y) for x, y in ((0.0, 0.14), (0.2, 0.03), (0.22, 0.14), (0.2, 0.26))), bow)
        canvas.oval(body, 0, 0.145, 0.05, 0.055, bow, 90)
    elif who.extra == "bag":
        strap = canvas.part(who.extra_color, "cloth")
        t = plan.torso
        canvas.blob(body, ((plan.shoulder * 0.5, 0.04), (plan.shoulder * 0.66, 0.08), (-plan.hip * 0.9, t * 0.86), (-plan.hip * 1.08, t * 0.8)), strap)
        canvas.blob(body, ((-plan.hip * 1.5, t * 0.8), (-plan.hip * 1.5, t * 0.8), (-plan.hip * 0.5, t * 0.8), (-plan.hip * 0.5, t * 0.8), (-plan.hip * 0.5, t * 1.08), (-plan.hip * 1.5, t * 1.08)), canvas.part(who.extra_color, "cloth"))
