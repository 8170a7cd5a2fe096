"""Rooms: walls, a window with the hour's sky, furniture. The floor begins near 0.72."""

from __future__ import annotations

from bench.data.procedural.canvas import RGB
from bench.data.procedural.palette import darker, mixed
from bench.data.procedural.scenery import FABRICS, WALLS, Set, bush

WOODS: tuple[RGB, ...] = ((176, 124, 78), (146, 98, 62), (196, 152, 104), (120, 82, 56))


def _room(s: Set, floor: float, i: int) -> None:
    c, f = s.canvas, s.frame
    wall = c.part(s.pick(i, WALLS), "wall")
    c.rect(f, -0.9, -0.8, 1.9, floor, wall)
    c.shade(f, -0.3, floor, 140, 112)
    wood = c.part(s.pick(i + 1, WOODS), "wood")
    c.rect(f, -0.9, floor, 1.9, 1.9, wood)
    c.shade(f, floor, 1.2, 138, 100)
    for k in range(7):
        x = -0.9 + 0.42 * k
        c.poly(f, ((x, floor), (x + 0.006, floor), (x * 1.5 - 0.24, 1.3), (x * 1.5 - 0.255, 1.3)), wood, 84)
    trim = c.part(mixed(s.pick(i, WALLS), (255, 255, 255), 120), "wall")
    c.rect(f, -0.9, floor - 0.025, 1.9, floor, trim)


def _window(s: Set, x: float, y: float, w: float, h: float, curtain: RGB | None) -> None:
    c, f = s.canvas, s.frame
    frame = c.part((240, 236, 226), "wall")
    c.rect(f, x - 0.02, y - 0.02, x + w + 0.02, y + h + 0.02, frame)
    glass = c.part(s.hour.top, "sky")
    c.rect(f, x, y, x + w, y + h, glass)
    for k in range(8):
        band = c.part(mixed(s.hour.top, s.hour.low, 30 + 32 * k), "sky", within=glass)
        c.rect(f, x, y + h * (k + 1) / 9, x + w, y + h, band)
    if not s.dark:
        c.oval(f, x + w * 0.35, y + h * 0.3, w * 0.2, h * 0.07, c.part(s.hour.cloud, "cloud", within=glass))
        c.blob(
            f,
            (
                (x, y + h * 0.8),
                (x + w * 0.3, y + h * 0.7),
                (x + w * 0.7, y + h * 0.78),
                (x + w, y + h * 0.7),
                (x + w, y + h),
                (x + w, y + h),
                (x, y + h),
                (x, y + h),
            ),
            c.part(s.leaf, "leaf", within=glass),
        )
    c.rect(f, x + w / 2 - 0.006, y, x + w / 2 + 0.006, y + h, frame)
    c.rect(f, x, y + h / 2 - 0.006, x + w, y + h / 2 + 0.006, frame)
    if curtain:
        cloth = c.part(curtain, "cloth")
        for side, edge in ((1, x - 0.06), (-1, x + w + 0.06)):
            c.blob(
                f,
                (
                    (edge, y - 0.06),
                    (edge, y - 0.06),
                    (edge + side * 0.12, y - 0.06),
                    (edge + side * 0.12, y - 0.06),
                    (edge + side * 0.09, y + h * 0.6),
                    (edge + side * 0.11, y + h + 0.1),
                    (edge + side * 0.11, y + h + 0.1),
                    (edge, y + h + 0.1),
                    (edge, y + h + 0.1),
                ),
                cloth,
            )
            for k in (0.03, 0.065):
                c.tube(f, ((edge + side * k, y - 0.04, 0.004), (edge + side * k, y + h + 0.08, 0.006)), cloth, 92)
        c.rect(f, x - 0.1, y - 0.075, x + w + 0.1, y - 0.055, c.part((120, 88, 60), "wood"))


def _shelf(s: Set, x: float, y: float, w: float, h: float, rows: int, i: int) -> None:
    c, f = s.canvas, s.frame
    wood = c.part(s.pick(i, WOODS), "wood")
    inside = c.part(darker(s.pick(i, WOODS), 150), "wood")
    c.rect(f, x, y, x + w, y + h, wood)
    step = h / rows
    books = [c.part(FABRICS[(int(s.u[i] * 7) + k) % 7], "wood") for k in range(4)]
    for r in range(rows):
        c.rect(f, x + 0.015, y + step * r + 0.015, x + w - 0.015, y + step * (r + 1) - 0.005, inside)
        px, k = x + 0.02, r
        while px < x + w - 0.05:
            wide = 0.018 + 0.014 * s.u[(i + 7 * r + k) % 96]
            tall = step * (0.55 + 0.3 * s.u[(i + 3 * r + 2 * k) % 96])
            c.rect(
                f,
                px,
                y + step * (r + 1) - 0.005 - tall,
                px + wide,
                y + step * (r + 1) - 0.005,
                books[k % 4],
                112 + 8 * (k % 4),
            )
            px += wide + 0.003
            k += 1


def _picture(s: Set, x: float, y: float, w: float, h: float, i: int) -> None:
    c, f = s.canvas, s.frame
    c.rect(f, x, y, x + w, y + h, c.part((120, 86, 56), "wood"))
    c.rect(f, x + 0.015, y + 0.015, x + w - 0.015, y + h - 0.015, c.part((206, 222, 226), "wall"))
    c.poly(
        f,
        ((x + 0.015, y + h - 0.015), (x + w * 0.45, y + h * 0.4), (x + w - 0.015, y + h - 0.015)),
        c.part(s.pick(i, FABRICS), "wall"),
    )


def _lamp(s: Set, x: float, y: float) -> None:
    c, f = s.canvas, s.frame
    c.rect(f, x - 0.007, y - 0.34, x + 0.007, y, c.part((92, 76, 64), "wood"))
    c.poly(
        f,
        ((x - 0.05, y - 0.45), (x + 0.05, y - 0.45), (x + 0.09, y - 0.32), (x - 0.09, y - 0.32)),
        c.part((255, 226, 150) if s.dark else (240, 222, 180), "glow"),
    )


def _plant(s: Set, x: float, y: float, i: int) -> None:
    c, f = s.canvas, s.frame
    bush(s, x, y - 0.1, 0.13, i, (76, 132, 70))
    c.poly(
        f, ((x - 0.055, y - 0.12), (x + 0.055, y - 0.12), (x + 0.04, y), (x - 0.04, y)), c.part((190, 104, 70), "thing")
    )


def living_room(s: Set) -> None:
    """A sofa before a window, shelf, lamp and plant."""
    c, f = s.canvas, s.frame
    _room(s, 0.72, 0)
    left = s.u[2] < 0.5
    _window(s, 0.12 if left else 0.56, 0.12, 0.3, 0.32, s.pick(3, FABRICS))
    _shelf(s, 0.66 if left else 0.0, 0.16, 0.3, 0.56, 4, 4)
    _picture(s, -0.3, 0.2, 0.22, 0.17, 5)
    _picture(s, 1.08, 0.18, 0.2, 0.24, 6)
    rug = c.part(s.pick(7, FABRICS), "cloth")
    c.oval(f, 0.5, 0.98, 0.62, 0.14, rug)
    c.oval(f, 0.5, 0.98, 0.5, 0.105, c.part(mixed(s.pick(7, FABRICS), (255, 250, 240), 120), "cloth"))
    color = s.pick(8, FABRICS)
    sofa, seat, cushion = (
        c.part(color, "cloth"),
        c.part(mixed(color, (255, 255, 255), 30), "cloth"),
        c.part(s.pick(9, FABRICS), "cloth"),
    )
    x = 0.06 if left else 0.42
    c.blob(
        f,
        (
            (x, 0.8),
            (x, 0.8),
            (x, 0.56),
            (x + 0.04, 0.51),
            (x + 0.48, 0.51),
            (x + 0.52, 0.56),
            (x + 0.52, 0.8),
            (x + 0.52, 0.8),
        ),
        sofa,
    )
    c.blob(f, ((x + 0.04, 0.68), (x + 0.26, 0.665), (x + 0.48, 0.68), (x + 0.48, 0.76), (x + 0.04, 0.76)), seat, 146)
    for px in (x - 0.04, x + 0.48):
        c.blob(
            f,
            (
                (px, 0.82),
                (px, 0.82),
                (px, 0.64),
                (px + 0.04, 0.61),
                (px + 0.08, 0.64),
                (px + 0.08, 0.82),
                (px + 0.08, 0.82),
            ),
            sofa,
            118,
        )
    c.rect(f, x, 0.75, x + 0.52, 0.82, sofa, 92)
    c.blob(f, ((x + 0.06, 0.57), (x + 0.17, 0.56), (x + 0.18, 0.68), (x + 0.07, 0.69)), cushion)
    _lamp(s, 0.62 if left else 0.36, 0.76)
    _plant(s, 1.02 if left else -0.04, 0.8, 20)


def bedroom(s: Set) -> None:
    """A bed under a window."""
    c, f = s.canvas, s.frame
    _room(s, 0.72, 0)
    _window(s, 0.34, 0.1, 0.32, 0.3, s.pick(2, FABRICS))
    _shelf(s, -0.16, 0.3, 0.28, 0.42, 3, 3)
    _picture(s, 0.84, 0.18, 0.2, 0.2, 4)
    wood = c.part(s.pick(5, WOODS), "wood")
    x = 0.5
    c.rect(f, x - 0.03, 0.46, x + 0.68, 0.84, wood)
    sheet, pillow, quilt = (
        c.part((240, 238, 232), "cloth"),
        c.part((250, 250, 248), "cloth"),
        c.part(s.pick(6, FABRICS), "cloth"),
    )
    c.rect(f, x, 0.62, x + 0.66, 0.8, sheet)
    c.blob(
        f,
        ((x + 0.03, 0.56), (x + 0.15, 0.54), (x + 0.26, 0.57), (x + 0.25, 0.65), (x + 0.14, 0.67), (x + 0.04, 0.65)),
        pillow,
    )
    c.blob(
        f,
        (
            (x + 0.2, 0.63),
            (x + 0.2, 0.63),
            (x + 0.46, 0.6),
            (x + 0.7, 0.63),
            (x + 0.7, 0.86),
            (x + 0.44, 0.84),
            (x + 0.18, 0.86),
            (x + 0.18, 0.86),
        ),
        quilt,
    )
    for k in range(4):
        c.oval(
            f,
            x + 0.28 + 0.1 * k,
            0.7 + 0.06 * (k % 2),
            0.02,
            0.02,
            c.part(mixed(s.pick(6, FABRICS), (255, 255, 255), 130), "cloth", within=quilt),
        )
    table = c.part(s.pick(7, WOODS), "wood")
    c.rect(f, 0.32, 0.62, 0.45, 0.8, table)
    c.rect(f, 0.34, 0.66, 0.43, 0.71, table, 92)
    _lamp(s, 0.385, 0.62 + 0.17)
    c.oval(f, 0.2, 0.98, 0.34, 0.08, c.part(s.pick(8, FABRICS), "cloth"))


def classroom(s: Set) -> None:
    """A green board, windows, rows of desks."""
    c, f = s.canvas, s.frame
    _room(s, 0.7, 0)
    c.rect(f, 0.14, 0.14, 0.86, 0.5, c.part((170, 124, 78), "wood"))
    board = c.part((46, 96, 78), "wall")
    c.rect(f, 0.16, 0.16, 0.84, 0.48, board)
    chalk = c.part((226, 232, 222), "wall", within=board)
    for k in range(5):
        y = 0.21 + 0.05 * k
        c.tube(f, ((0.2, y, 0.004), (0.26 + 0.3 * s.u[10 + k], y + 0.004, 0.004)), chalk)
    c.oval(f, 0.72, 0.3, 0.06, 0.06, chalk)
    c.oval(f, 0.72, 0.3, 0.05, 0.05, board)
    _window(s, -0.4, 0.12, 0.4, 0.4, None)
    _window(s, 1.0, 0.12, 0.4, 0.4, None)
    c.oval(f, 0.5, 0.07, 0.045, 0.045, c.part((250, 248, 240), "wall"))
    wood, metal, book = (
        c.part((206, 164, 110), "wood"),
        c.part((120, 128, 136), "stone"),
        c.part(s.pick(3, FABRICS), "wood"),
    )
    for row, y, size in ((0, 0.68, 0.8), (1, 0.86, 1.15)):
        for k in range(5):
            x = -0.35 + 0.4 * k + 0.1 * row
            for side in (-0.1, 0.1):
                c.rect(f, x + side * size - 0.007, y, x + side * size + 0.007, y + 0.18 * size, metal)
            c.poly(
                f,
                (
                    (x - 0.11 * size, y - 0.03),
                    (x + 0.11 * size, y - 0.03),
                    (x + 0.13 * size, y + 0.02),
                    (x - 0.13 * size, y + 0.02),
                ),
                wood,
                150,
            )
            c.rect(f, x - 0.13 * size, y + 0.02, x + 0.13 * size, y + 0.055, wood, 100)
            if s.u[20 + k] < 0.5:
                c.poly(
                    f,
                    ((x - 0.04, y - 0.022), (x + 0.03, y - 0.022), (x + 0.035, y + 0.004), (x - 0.045, y + 0.004)),
                    book,
                )


def kitchen(s: Set) -> None:
    """Cupboards, a counter with a stove, a table in front."""
    c, f = s.canvas, s.frame
    _room(s, 0.76, 0)
    tile = c.part((232, 236, 232), "wall")
    c.rect(f, -0.9, 0.3, 1.9, 0.52, tile)
    for k in range(14):
        c.rect(f, -0.8 + 0.18 * k, 0.3, -0.796 + 0.18 * k, 0.52, tile, 84)
    _window(s, 0.38, 0.1, 0.26, 0.3, None)
    color = s.pick(2, (*FABRICS, *WOODS))
    door, top, knob = c.part(color, "wood"), c.part((222, 214, 200), "stone"), c.part((206, 190, 140), "thing")
    for k in range(9):
        x = -0.62 + 0.24 * k
        if not 0.3 < x + 0.1 < 0.72:
            c.rect(f, x, 0.0, x + 0.225, 0.26, c.part(color, "wood") if k % 2 else door)
            c.oval(f, x + 0.19, 0.21, 0.01, 0.01, knob)
        c.rect(f, x, 0.56, x + 0.225, 0.78, door if k % 2 else c.part(color, "wood"), 118)
        c.oval(f, x + 0.19, 0.61, 0.01, 0.01, knob)
    c.rect(f, -0.9, 0.52, 1.9, 0.565, top)
    pot, steam = c.part(s.pick(3, FABRICS), "thing"), c.part((60, 60, 66), "stone")
    x = 0.82 if s.u[4] < 0.5 else 0.12
    c.rect(f, x - 0.12, 0.51, x + 0.12, 0.525, steam)
    c.blob(
        f,
        ((x - 0.07, 0.42), (x - 0.07, 0.42), (x + 0.07, 0.42), (x + 0.07, 0.42), (x + 0.06, 0.51), (x - 0.06, 0.51)),
        pot,
    )
    c.rect(f, x - 0.085, 0.41, x + 0.085, 0.425, steam)
    fridge = c.part((228, 232, 234), "thing")
    fx = -0.1 if s.u[4] < 0.5 else 0.92
    c.rect(f, fx, 0.18, fx + 0.24, 0.82, fridge)
    c.rect(f, fx, 0.4, fx + 0.24, 0.41, fridge, 70)
    c.rect(f, fx + 0.02, 0.44, fx + 0.035, 0.58, steam)
    for k in range(3):
        fruit = c.part(((206, 60, 48), (236, 170, 50), (120, 170, 60))[k], "thing")
        c.oval(f, 0.5 + 0.05 * k, 0.495, 0.028, 0.028, fruit)


ROOMS = {"living-room": living_room, "bedroom": bedroom, "classroom": classroom, "kitchen": kitchen}
