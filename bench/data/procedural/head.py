"""Heads: ears, face, features, spectacles and hair, in front of a body that is already there."""

from __future__ import annotations

import math

from bench.data.procedural import hair
from bench.data.procedural.canvas import Canvas, Frame, Points
from bench.data.procedural.eyes import eye
from bench.data.procedural.face import Manner, beard, mouth, nose
from bench.data.procedural.palette import mixed
from bench.data.procedural.scene import Actor

_FACES = {
    "dot": ((0, -0.5), (0.28, -0.44), (0.43, -0.14), (0.455, 0.1), (0.38, 0.34), (0.19, 0.475), (0, 0.5)),
    "big": ((0, -0.5), (0.26, -0.44), (0.4, -0.18), (0.405, 0.06), (0.345, 0.27), (0.16, 0.45), (0, 0.505)),
    "real": ((0, -0.5), (0.24, -0.45), (0.365, -0.2), (0.37, 0.06), (0.325, 0.29), (0.17, 0.465), (0, 0.505)),
}


def _outline(kind: str, jaw: float) -> Points:
    half = tuple((x * (jaw if y > 0.2 else 1.0), y) for x, y in _FACES[kind])
    return (*half, *((-x, y) for x, y in reversed(half[1:-1])))


def draw_head(
    canvas: Canvas, head: Frame, actor: Actor, manner: Manner, hair_part: int, skin: int, size: float
) -> None:
    """Draw head, face, hair and hat in front of a body that is already there.

    `size` decides on details; the camera's zoom is not in it, or they would come and go while it moves.
    """
    who, turn = actor.character, actor.turn
    detail = size > 0.15
    canvas.relief = 150
    for side in (-1.0, 1.0):
        canvas.oval(
            head,
            side * (0.41 if manner.eyes != "real" else 0.375) - turn * 0.05,
            0.06,
            0.075,
            0.12,
            skin,
            118,
            side * 0.2,
        )
    face = canvas.part(who.skin, "skin")
    canvas.relief = 160
    canvas.blob(head, _outline(manner.eyes, who.jaw * (0.94 if who.female else 1.04)), face)
    if size > 0.05:
        if who.beard:
            beard(canvas, head, face, who, manner, turn)
        if manner.eyes != "real":
            blush = canvas.part(mixed(who.skin, (236, 110, 100), 84), "skin", within=face)
            if who.female or who.build == "child":
                for side in (-1.0, 1.0):
                    canvas.oval(head, side * 0.25 + turn * 0.1, 0.2, 0.07, 0.042, blush)
        mouth(canvas, head, face, actor, manner, detail)
        nose(canvas, head, face, who, manner, turn, detail)
        for side in (-1.0, 1.0):
            eye(canvas, head, face, actor, manner, side, detail)
    if who.glasses:
        frames = canvas.part((44, 40, 48), "thing", within=face)
        y = {"big": 0.06, "dot": 0.0, "real": -0.01}[manner.eyes]
        x0, radius = {"big": (0.19, 0.15), "dot": (0.175, 0.165), "real": (0.17, 0.115)}[manner.eyes]
        tall = 1.08 if manner.eyes == "dot" else 0.85
        for side in (-1.0, 1.0):
            x = side * x0 + turn * 0.1
            ring = tuple(
                (x + radius * math.cos(i * 0.7854), y + radius * tall * math.sin(i * 0.7854)) for i in range(8)
            )
            canvas.wire(head, ring, frames, 0.026 if manner.eyes != "real" else 0.018, closed=True)
        canvas.wire(
            head,
            ((x0 * -1 + radius + turn * 0.1, y), (turn * 0.1, y - 0.02), (x0 - radius + turn * 0.1, y)),
            frames,
            0.022,
        )
    hair.over(canvas, head, who, hair_part, turn, detail, manner.eyes == "real")
