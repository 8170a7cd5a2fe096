"""Eyes and brows, in three manners."""

from __future__ import annotations

from bench.data.procedural.canvas import Canvas, Frame
from bench.data.procedural.face import DARK, Manner
from bench.data.procedural.palette import darker
from bench.data.procedural.scene import Actor


def eye(canvas: Canvas, head: Frame, face: int, actor: Actor, manner: Manner, side: float, detail: bool) -> None:
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
    shut = (
        actor.blink or (feeling == "wink" and side > 0) or (feeling == "happy" and manner.eyes == "big" and turn > 0.2)
    )
    gaze = turn * 0.022
    if manner.eyes == "big":
        x, y = side * 0.19 + turn * 0.1, 0.08
        w, h = 0.1 * far * who.eye_size, (0.124 if who.female or who.build == "child" else 0.102) * who.eye_size
        brow_y, brow_r = y - h - 0.085 + lift, 0.014 * who.brow
        if shut:
            canvas.tube(
                head,
                (
                    (x - w, y + 0.01, 0.012),
                    (x - w * 0.4, y + 0.05, 0.02),
                    (x + w * 0.4, y + 0.05, 0.02),
                    (x + w, y + 0.01, 0.012),
                )
                if feeling != "happy"
                else (
                    (x - w, y + 0.04, 0.012),
                    (x - w * 0.4, y - 0.02, 0.02),
                    (x + w * 0.4, y - 0.02, 0.02),
                    (x + w, y + 0.04, 0.012),
                ),
                dark,
            )
        else:
            white = canvas.part((250, 250, 252), "white", within=face)
            iris = canvas.part(who.iris, "eye", within=face)
            canvas.blob(
                head,
                (
                    (x - w, y - h * 0.1),
                    (x - w * 0.7, y - h * 0.8),
                    (x, y - h),
                    (x + w * 0.7, y - h * 0.8),
                    (x + w, y - h * 0.1),
                    (x + w * 0.7, y + h * 0.8),
                    (x, y + h * 0.95),
                    (x - w * 0.7, y + h * 0.8),
                ),
                white,
            )
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
            canvas.tube(
                head,
                (
                    (x - out * 0.85, y - h * 0.3, 0.008),
                    (x - out * 0.5, y - h * 0.88, 0.017),
                    (x, y - h * 1.05, 0.021),
                    (x + out * 0.55, y - h * 0.85, 0.024),
                    (x + out * 0.98, y - h * 0.1, 0.014),
                ),
                dark,
            )
            if detail:
                canvas.stroke(
                    head, ((x - w * 0.45, y + h * 0.98), (x, y + h * 1.04), (x + w * 0.5, y + h * 0.94)), face, 0.012
                )
    elif manner.eyes == "dot":
        x, y = side * 0.165 + turn * 0.12, -0.005
        w, h = 0.135 * far * who.eye_size, 0.165 * who.eye_size
        brow_y, brow_r = y - h - 0.06 + lift, 0.026 * who.brow
        if shut:
            canvas.tube(
                head, ((x - w * 0.9, y + 0.02, 0.016), (x, y - 0.04, 0.02), (x + w * 0.9, y + 0.02, 0.016)), dark
            )
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
                    canvas.tube(
                        head,
                        (
                            (x + side * w * k, y - h * (1.15 - k * 0.55), 0.014),
                            (x + side * w * (k + 0.4), y - h * (1.5 - k * 0.6), 0.008),
                        ),
                        dark,
                    )
            elif feeling in ("angry", "sad"):
                lid = canvas.part(darker(who.skin, 228), "skin", within=white)
                cut = h * 0.45
                canvas.blob(
                    head,
                    (
                        (x - w, y - h * 0.2 - cut * 0.3),
                        (x - w * 0.7, y - h * 0.85),
                        (x, y - h * 1.02),
                        (x + w * 0.7, y - h * 0.85),
                        (x + w, y - h * 0.2 - cut * 0.3),
                        (x, y - h * 0.42 + slant),
                    ),
                    lid,
                )
    else:
        x, y = side * 0.165 + turn * 0.085, -0.005
        w, h = (
            0.078 * far,
            0.034 * who.eye_size * (1.35 if feeling == "surprised" else 0.8 if feeling == "happy" else 1.0),
        )
        brow_y, brow_r = y - 0.105 + lift * 0.6, 0.013 * who.brow
        canvas.oval(head, x, y - 0.012, w * 1.45, 0.075, face, 100)
        canvas.oval(head, x, y + 0.085, w * 1.1, 0.02, face, 116)
        canvas.oval(head, x, y - 0.045, w * 1.1, 0.016, face, 134)
        if shut:
            canvas.tube(head, ((x - w, y + 0.008, 0.008), (x, y + 0.022, 0.012), (x + w, y + 0.008, 0.008)), dark)
        else:
            white = canvas.part((226, 222, 218), "white", within=face)
            iris = canvas.part(darker(who.iris, 210), "eye", within=face)
            canvas.blob(
                head,
                (
                    (x - w, y + 0.006),
                    (x - w * 0.5, y - h * 0.85),
                    (x, y - h),
                    (x + w * 0.5, y - h * 0.85),
                    (x + w, y + 0.002),
                    (x + w * 0.5, y + h * 0.75),
                    (x, y + h * 0.9),
                    (x - w * 0.5, y + h * 0.75),
                ),
                white,
                116,
            )
            ix = x + gaze * 0.8
            canvas.oval(head, ix, y - h * 0.06, h * 0.98, h * 0.94, iris)
            canvas.oval(head, ix, y - h * 0.06, h * 0.45, h * 0.45, dark)
            canvas.oval(head, ix - h * 0.35, y - h * 0.4, h * 0.22, h * 0.22, white, 240)
            canvas.tube(
                head,
                (
                    (x - w * 1.05, y + 0.006, 0.006),
                    (x - w * 0.5, y - h * 0.95, 0.011),
                    (x + w * 0.5, y - h * 0.95, 0.011),
                    (x + w * 1.08, y, 0.006),
                ),
                dark,
            )
    bw = (0.105 if manner.eyes != "real" else 0.1) * far
    inner, outer = x - side * bw, x + side * bw
    drop = slant * side
    canvas.tube(
        head,
        (
            (inner, brow_y + drop, brow_r),
            (x, brow_y - 0.022, brow_r * 1.15),
            (outer, brow_y - drop * 0.6 + 0.012, brow_r * 0.6),
        ),
        brow,
    )
