"""Whole figures: body, arms and hands under a head. Unit: a lifelike head's height, origin at the neck's root."""

from __future__ import annotations

import math

from bench.data.procedural import hair
from bench.data.procedural.canvas import Canvas, Frame, Point
from bench.data.procedural.characters import BODIES, Body, Character
from bench.data.procedural.clothes import Parts, collar, joint, legs, reach, torso
from bench.data.procedural.face import MANNERS, Manner
from bench.data.procedural.head import draw_head
from bench.data.procedural.poses import arms
from bench.data.procedural.poses import legs as leg_angles
from bench.data.procedural.scene import Actor, Angles


def draw_figure(canvas: Canvas, actor: Actor, domain: str, camera: Frame) -> None:
    """Draw a character as the actor stands in the picture that the camera sees."""
    manner, who = MANNERS[domain], actor.character
    plan = BODIES[who.build, who.female]
    # A style's big head makes the rest smaller, so that every style fills the same room.
    total = manner.head + 0.1 + plan.torso + plan.legs
    size = actor.size / total if not actor.near else actor.size / (manner.head ** (0.75 if actor.size < 0.45 else 0.95))
    centre = -(0.5 * manner.head + 0.07)
    if actor.near:
        body = camera.at(actor.x, actor.y, size).at(0, -centre)
    else:
        body = camera.at(actor.x, actor.y, size).at(0, -reach(leg_angles(actor), plan))
    canvas.begin(Frame(camera.a, 0.0, 0.0, camera.d, body.e, body.f))
    trunk = body.at(0, 0, 1.0, 0.0, actor.flip)
    sway = 0.05 * actor.turn
    head = body.at(sway, centre, manner.head, actor.tilt)
    hair_color = who.natural_hair if manner.natural else who.hair
    parts = Parts(
        canvas.part(who.skin, "skin"),
        canvas.part(hair_color, "hair"),
        canvas.part(who.top, "cloth"),
        canvas.part(who.accent, "cloth"),
    )
    hair.behind(canvas, head, who, parts.hair, actor.turn, manner.natural)
    if not (actor.near and actor.size > 0.45):
        legs(canvas, trunk, actor, plan, manner, parts)
    _neck(canvas, body, sway, parts, manner)
    torso(canvas, trunk, actor, plan, parts, size)
    for side in (1.0, -1.0):
        _arm(canvas, trunk, actor, plan, manner, parts, side, size)
    if actor.pose == "hold":
        _book(canvas, trunk, who, plan)
    elif actor.pose == "wave" and who.build == "child" and not actor.near:
        _balloon(canvas, trunk, who, plan, arms(actor))
    collar(canvas, body, who, plan, parts, size)
    front = canvas.part(hair_color, "hair")
    draw_head(canvas, head, actor, manner, front, parts.skin, size * manner.head)


def _book(canvas: Canvas, body: Frame, who: Character, plan: Body) -> None:
    """An open book over both hands."""
    canvas.relief = 150
    cover, paper = canvas.part(who.extra_color, "thing"), canvas.part((244, 240, 228), "white")
    book = body.at(0.0, 0.2 + plan.arm * 0.66)
    canvas.poly(book, ((-0.3, -0.2), (0.0, -0.14), (0.3, -0.2), (0.3, 0.12), (0.0, 0.2), (-0.3, 0.12)), cover)
    pages = ((-0.26, -0.23), (0.0, -0.17), (0.26, -0.23), (0.26, -0.17), (0.0, -0.1), (-0.26, -0.17))
    canvas.poly(book, pages, paper)
    canvas.rect(book, -0.015, -0.14, 0.015, 0.19, cover, 84)


def _balloon(canvas: Canvas, body: Frame, who: Character, plan: Body, angles: Angles) -> None:
    """A balloon on a string in the raised hand."""
    canvas.relief = 120
    x, y = joint(plan.shoulder, 0.25, plan.arm * 0.5, angles[0], 1.0)
    x, y = joint(x, y, plan.arm * 0.5, angles[1], 1.0)
    string, skin = canvas.part((236, 232, 226), "thing"), canvas.part(who.extra_color, "thing")
    canvas.wire(body, ((x, y), (x + 0.16, y - 0.4), (x + 0.1, y - 0.9)), string, 0.03)
    balloon = body.at(x + 0.1, y - 0.88)
    shape = ((0.0, 0.0), (-0.3, -0.32), (-0.34, -0.62), (-0.12, -0.88), (0.14, -0.88), (0.34, -0.62), (0.3, -0.32))
    canvas.blob(balloon, shape, skin)
    canvas.oval(balloon, -0.16, -0.66, 0.07, 0.11, skin, 240, 0.5)


def _neck(canvas: Canvas, body: Frame, sway: float, parts: Parts, manner: Manner) -> None:
    canvas.relief = 96
    w = 0.15 if manner.eyes != "real" else 0.17
    canvas.blob(
        body,
        ((-w + sway, -0.3), (w + sway, -0.3), (w, -0.02), (w * 1.7, 0.1), (0, 0.2), (-w * 1.7, 0.1), (-w, -0.02)),
        parts.skin,
    )
    canvas.blob(
        body,
        ((-w * 0.9 + sway, -0.3), (w * 0.9 + sway, -0.3), (w * 0.9, -0.03), (0.0, 0.05), (-w * 0.9, -0.06)),
        parts.skin,
        60,
    )


def _arm(
    canvas: Canvas, body: Frame, actor: Actor, plan: Body, manner: Manner, parts: Parts, side: float, size: float
) -> None:
    who = actor.character
    upper, under = arms(actor)[:2] if side > 0 else arms(actor)[2:]
    r = plan.limb * manner.limb
    x, y = side * (plan.shoulder * who.width - r * 0.8), 0.25
    ex, ey = joint(x, y, plan.arm * 0.5, upper, side)
    hx, hy = joint(ex, ey, plan.arm * 0.45, under, side)
    canvas.relief = 134
    arm = canvas.part(who.skin, "skin")
    sleeve = canvas.part(who.accent if who.pattern == "raglan" and who.garment != "jacket" else who.top, "cloth")
    hand = _hand(hx, hy, hx - ex, hy - ey, r * 1.12 * (1.16 if manner.eyes == "dot" else 1.0), side)
    if who.garment == "tee":
        canvas.tube(body, ((x, y, r), (ex, ey, r * 0.84)), arm, cap=0.6)
        canvas.tube(body, ((ex, ey, r * 0.84), (hx, hy, r * 0.62)), arm, cap=0.6)
        canvas.blob(body, hand, arm)
        mx, my = x + (ex - x) * 0.72, y + (ey - y) * 0.72
        canvas.tube(body, ((x, y, r * 1.14), (mx, my, r * 1.26)), sleeve, cap=0.5)
    else:
        canvas.blob(body, hand, arm)
        # Two tubes, for one outline would cross itself at a sharply bent elbow.
        canvas.tube(body, ((x, y, r * 1.14), (ex, ey, r * 1.05)), sleeve, cap=0.6)
        wrist = (hx - (hx - ex) * 0.06, hy - (hy - ey) * 0.06, r * 0.92)
        canvas.tube(body, ((ex, ey, r * 1.05), wrist), sleeve, cap=0.5)
        if size > 0.1:
            canvas.stroke(body, ((ex - r * 0.8, ey - r * 0.3), (ex, ey), (ex + r * 0.3, ey + r * 0.2)), sleeve, 0.016)
        if who.garment in ("sweater", "hoodie"):
            cuff = canvas.part(who.accent, "cloth")
            cx, cy = hx - (hx - ex) * 0.12, hy - (hy - ey) * 0.12
            canvas.tube(
                body, ((cx, cy, r * 0.98), (hx - (hx - ex) * 0.02, hy - (hy - ey) * 0.02, r * 0.92)), cuff, cap=0.2
            )
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
    shape = (
        (-0.3, 0.55),
        (0.5, 0.78),
        (1.9, 0.74),
        (2.35, 0.4),
        (2.42, -0.1),
        (2.1, -0.6),
        (1.3, -0.78),
        (1.5, -1.2),
        (1.1, -1.42),
        (0.45, -0.95),
        (-0.3, -0.55),
    )
    return tuple((x + ux * p + vx * q, y + uy * p + vy * q) for p, q in shape)
