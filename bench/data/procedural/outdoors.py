"""Places outdoors. The horizon is near 0.55."""

from __future__ import annotations

from bench.data.procedural.canvas import RGB
from bench.data.procedural.palette import darker, mixed
from bench.data.procedural.scenery import FABRICS, HOUSES, ROOFS, Set, bush, ground, hills, pine, puff, sky, tree


def _house(s: Set, x: float, y: float, w: float, h: float, i: int, tall: bool = False) -> None:
    c, f = s.canvas, s.frame
    wall = c.part(s.pick(i, HOUSES), "wall")
    c.rect(f, x, y - h, x + w, y, wall)
    c.rect(f, x + w * 0.8, y - h, x + w, y, wall, 96)
    if not tall:
        roof = c.part(s.pick(i + 1, ROOFS), "stone")
        c.poly(f, ((x - w * 0.1, y - h), (x + w * 0.5, y - h - w * 0.45), (x + w * 1.1, y - h)), roof)
    glass = c.part((250, 214, 120) if s.dark else (112, 150, 176), "glow" if s.dark else "water")
    rows, cols = (max(2, int(h / 0.11)), max(2, int(w / 0.09))) if tall else (1 + (h > 0.22), 2)
    for r in range(rows):
        for k in range(cols):
            if not tall and r == rows - 1 and k == 0:
                continue
            px, py = x + w * (k + 0.28) / cols, y - h + h * (r + 0.25) / rows
            c.rect(f, px, py, px + w * 0.44 / cols, py + h * 0.45 / rows, glass, 140 if (r + k) % 2 else 112)
    if not tall:
        door = c.part(s.pick(i + 2, FABRICS), "wood")
        c.rect(f, x + w * 0.14, y - h * 0.45 / rows - h * 0.18, x + w * 0.34, y, door)


def _park(s: Set) -> None:
    sky(s, 0.52)
    hills(s, 0.56, 0.13, mixed(s.leaf, s.hour.low, 110), 10)
    ground(s, 0.56, (112, 164, 72))
    path = s.canvas.part((214, 190, 148), "ground")
    x = 0.3 + 0.4 * s.u[0]
    s.canvas.blob(
        s.frame,
        (
            (x, 0.565),
            (x + 0.03, 0.565),
            (x + 0.1, 0.66),
            (x + 0.12, 0.82),
            (x + 0.42, 1.25),
            (x - 0.35, 1.25),
            (x - 0.1, 0.82),
            (x, 0.66),
        ),
        path,
    )
    for k in range(5):
        tree(s, -0.28 + 0.36 * k + 0.1 * s.u[20 + k], 0.6 + 0.04 * s.u[30 + k], 0.3 + 0.1 * s.u[25 + k], 35 + k)
    for k in range(3):
        bush(s, s.u[40 + k] * 1.3 - 0.15, 0.66, 0.09, 43 + k, mixed(s.leaf, (40, 90, 50), 100))
    tree(s, (-0.06, 1.05)[int(s.u[1] * 2)], 0.8, 0.72, 46)
    for k in range(8):
        flower = s.canvas.part(((240, 220, 90), (236, 120, 140), (245, 245, 245))[k % 3], "leaf")
        s.canvas.oval(s.frame, s.u[80 + k] * 1.4 - 0.2, 0.7 + 0.3 * s.u[70 + k], 0.008, 0.006, flower)


def _street(s: Set) -> None:
    sky(s, 0.5, 3)
    x = -0.5
    for k in range(5):
        _house(s, x, 0.62, 0.2, 0.4 + 0.26 * s.u[k], 10 + 3 * k, tall=True)
        x += 0.22
        _house(s, x, 0.62, 0.19, 0.2 + 0.1 * s.u[5 + k], 25 + 3 * k)
        x += 0.22
    ground(s, 0.62, (186, 180, 172), "stone")
    road = s.canvas.part((96, 96, 102), "stone")
    s.canvas.rect(s.frame, -0.8, 0.7, 1.8, 0.86, road)
    white = s.canvas.part((232, 230, 220), "stone", within=road)
    for k in range(9):
        s.canvas.rect(s.frame, -0.7 + 0.28 * k, 0.772, -0.56 + 0.28 * k, 0.784, white)
    _car(
        s,
        0.1 + 0.7 * s.u[45],
        0.77,
        0.3,
        s.pick(46, ((196, 60, 52), (60, 100, 160), (236, 200, 80), (230, 230, 230), (70, 130, 110))),
    )
    for px in (-0.12, 0.86):
        _lamp(s, px, 0.68)


def _car(s: Set, x: float, y: float, size: float, color: RGB) -> None:
    c, f = s.canvas, s.frame
    body, tyre = c.part(color, "thing"), c.part((44, 42, 48), "stone")
    glass, hub = c.part((156, 190, 206), "water"), c.part((190, 190, 196), "stone")
    w = size / 2
    c.blob(
        f,
        (
            (x - w, y - 0.02),
            (x - w, y - 0.08),
            (x - w * 0.6, y - 0.1),
            (x - w * 0.38, y - 0.165),
            (x + w * 0.3, y - 0.17),
            (x + w * 0.6, y - 0.105),
            (x + w, y - 0.085),
            (x + w, y - 0.02),
            (x, y - 0.015),
        ),
        body,
    )
    c.poly(
        f,
        ((x - w * 0.46, y - 0.105), (x - w * 0.32, y - 0.152), (x - w * 0.02, y - 0.155), (x - w * 0.02, y - 0.105)),
        glass,
    )
    c.poly(
        f,
        ((x + w * 0.05, y - 0.105), (x + w * 0.05, y - 0.155), (x + w * 0.28, y - 0.152), (x + w * 0.48, y - 0.105)),
        glass,
    )
    for side in (-0.6, 0.6):
        c.oval(f, x + w * side, y - 0.02, 0.036, 0.036, tyre)
        c.oval(f, x + w * side, y - 0.02, 0.016, 0.016, hub)


def _lamp(s: Set, x: float, y: float) -> None:
    c, f = s.canvas, s.frame
    pole = c.part((66, 70, 76), "stone")
    c.rect(f, x - 0.008, y - 0.42, x + 0.008, y, pole)
    c.oval(f, x, y - 0.44, 0.028, 0.034, c.part((255, 232, 160) if s.dark else (238, 236, 222), "glow"))
    c.rect(f, x - 0.03, y - 0.48, x + 0.03, y - 0.466, pole)


def _seaside(s: Set) -> None:
    sky(s, 0.5)
    sea = s.canvas.part(mixed((44, 124, 178), s.hour.low, 50), "water")
    s.canvas.rect(s.frame, -0.8, 0.5, 1.8, 0.76, sea)
    s.canvas.shade(s.frame, 0.5, 0.74, 108, 158)
    for k in range(9):
        y = 0.52 + 0.025 * k
        s.canvas.blob(
            s.frame,
            (
                (s.u[k] * 1.6 - 0.5, y),
                (s.u[k] * 1.6 - 0.35, y - 0.004),
                (s.u[k] * 1.6 - 0.2, y),
                (s.u[k] * 1.6 - 0.35, y + 0.003),
            ),
            sea,
            214,
        )
    if s.u[10] < 0.6:
        hills(s, 0.505, 0.12, mixed((86, 128, 96), s.hour.low, 120), 11)
        s.canvas.rect(s.frame, -0.8, 0.506, 1.8, 0.62, sea, 120)
    boat = 0.2 + 0.6 * s.u[21]
    sail, hull = s.canvas.part((246, 244, 238), "wall"), s.canvas.part(s.pick(22, FABRICS), "wood")
    s.canvas.poly(s.frame, ((boat, 0.4), (boat, 0.51), (boat + 0.07, 0.51)), sail)
    s.canvas.poly(
        s.frame, ((boat - 0.05, 0.515), (boat + 0.08, 0.515), (boat + 0.055, 0.54), (boat - 0.03, 0.54)), hull
    )
    foam, sand = s.canvas.part((244, 248, 248), "cloud"), s.canvas.part((232, 210, 160), "ground")
    for part, lift in ((foam, 0.0), (sand, 0.018)):
        s.canvas.blob(
            s.frame,
            (
                (-0.8, 0.74 + lift),
                (-0.4, 0.72 + lift),
                (0.0, 0.745 + lift),
                (0.4, 0.72 + lift),
                (0.8, 0.745 + lift),
                (1.2, 0.72 + lift),
                (1.8, 0.74 + lift),
                (1.8, 1.9),
                (1.8, 1.9),
                (-0.8, 1.9),
                (-0.8, 1.9),
            ),
            part,
        )
    x = (0.08, 0.9)[int(s.u[23] * 2)]
    pole = s.canvas.part((236, 230, 220), "wood")
    s.canvas.rect(s.frame, x - 0.006, 0.5, x + 0.006, 0.84, pole)
    colors = (s.pick(24, FABRICS), (246, 240, 226))
    for k in range(6):
        a, b = x - 0.18 + 0.06 * k, x - 0.12 + 0.06 * k
        s.canvas.blob(
            s.frame,
            (
                (x, 0.45),
                (x, 0.45),
                ((a + x) / 2, 0.475),
                (a, 0.55),
                (a, 0.55),
                (b, 0.55),
                (b, 0.55),
                ((b + x) / 2, 0.475),
            ),
            s.canvas.part(colors[k % 2], "cloth"),
        )


def _forest(s: Set) -> None:
    sky(s, 0.6, 1)
    far = mixed(s.leaf, s.hour.low, 130)
    hills(s, 0.62, 0.3, far, 0)
    for k in range(9):
        pine(
            s,
            -0.4 + 0.21 * k + 0.05 * s.u[10 + k],
            0.64,
            0.34 + 0.14 * s.u[20 + k],
            mixed(darker(s.leaf, 190), s.hour.low, 70),
        )
    ground(s, 0.62, (98, 132, 66))
    for k in range(6):
        x = -0.25 + 0.3 * k + 0.08 * s.u[30 + k]
        bush(s, x + 0.1, 0.7, 0.12, 36 + k, mixed(s.leaf, (36, 84, 46), 120))
        trunk = s.canvas.part((98, 72, 52), "wood")
        w = 0.03 + 0.015 * s.u[42 + k]
        s.canvas.blob(
            s.frame,
            (
                (x - w * 0.8, -0.7),
                (x + w * 0.8, -0.7),
                (x + w, 0.3),
                (x + w * 1.1, 0.66),
                (x + w * 1.9, 0.76),
                (x, 0.74),
                (x - w * 1.8, 0.76),
                (x - w * 1.1, 0.66),
                (x - w, 0.3),
            ),
            trunk,
        )
        s.canvas.blob(
            s.frame,
            (
                (x - w * 0.75, -0.6),
                (x - w * 0.2, -0.6),
                (x - w * 0.3, 0.3),
                (x - w * 0.4, 0.7),
                (x - w, 0.7),
                (x - w * 0.95, 0.3),
            ),
            trunk,
            164,
        )
    green = s.canvas.part(s.leaf, "leaf")
    for k in range(5):
        s.canvas.blob(
            s.frame,
            puff(-0.2 + 0.36 * k, 0.02 + 0.05 * s.u[48 + k], 0.28, 0.16, 10, s.u[53 + k]),
            green,
            (104, 136)[k % 2],
        )


def _village(s: Set) -> None:
    sky(s, 0.48, 3)
    hills(s, 0.5, 0.34, mixed((116, 128, 150), s.hour.low, 60), 0, "stone", peaks=True)
    hills(s, 0.54, 0.14, mixed(s.leaf, s.hour.low, 80), 10)
    ground(s, 0.55, (120, 158, 78))
    for k in range(5):
        _house(
            s,
            -0.3 + 0.34 * k + 0.1 * s.u[20 + k],
            0.6 + 0.03 * s.u[25 + k],
            0.16,
            0.12 + 0.05 * s.u[30 + k],
            35 + 3 * k,
        )
    for k in range(6):
        pine(s, s.u[52 + k] * 1.6 - 0.3, 0.66, 0.2 + 0.1 * s.u[58 + k], mixed((46, 100, 66), s.leaf, 60))
    fence = s.canvas.part((176, 140, 100), "wood")
    s.canvas.rect(s.frame, -0.8, 0.71, 1.8, 0.725, fence)
    s.canvas.rect(s.frame, -0.8, 0.755, 1.8, 0.77, fence)
    for k in range(18):
        s.canvas.rect(s.frame, -0.7 + 0.14 * k, 0.685, -0.68 + 0.14 * k, 0.8, fence, 112)


def _playground(s: Set) -> None:
    sky(s, 0.5, 3)
    wall = s.canvas.part(s.pick(0, HOUSES), "wall")
    s.canvas.rect(s.frame, -0.3, 0.16, 0.85, 0.62, wall)
    glass = s.canvas.part((250, 214, 120) if s.dark else (130, 172, 196), "glow" if s.dark else "water")
    for row in range(2):
        for k in range(6):
            s.canvas.rect(s.frame, -0.24 + 0.18 * k, 0.22 + 0.19 * row, -0.12 + 0.18 * k, 0.33 + 0.19 * row, glass)
    s.canvas.rect(s.frame, -0.34, 0.13, 0.89, 0.17, s.canvas.part(s.pick(1, ROOFS), "stone"))
    tree(s, 1.02, 0.64, 0.46, 20)
    tree(s, -0.45, 0.64, 0.5, 24)
    ground(s, 0.61, (216, 190, 146), "ground")
    for k in range(7):
        bush(s, -0.5 + 0.3 * k, 0.65, 0.1, 28 + k, s.leaf)
    metal, seat = s.canvas.part(s.pick(2, FABRICS), "thing"), s.canvas.part((170, 120, 76), "wood")
    x = (0.12, 0.74)[int(s.u[3] * 2)]
    for px in (x - 0.17, x + 0.17):
        s.canvas.tube(s.frame, ((px - 0.05, 0.82, 0.009), (px, 0.4, 0.009)), metal)
        s.canvas.tube(s.frame, ((px + 0.05, 0.8, 0.009), (px, 0.4, 0.009)), metal)
    s.canvas.tube(s.frame, ((x - 0.18, 0.4, 0.01), (x + 0.18, 0.4, 0.01)), metal)
    for px in (x - 0.08, x + 0.08):
        for side in (-0.03, 0.03):
            s.canvas.tube(s.frame, ((px + side, 0.4, 0.003), (px + side, 0.7, 0.003)), seat, 60)
        s.canvas.rect(s.frame, px - 0.04, 0.695, px + 0.04, 0.712, seat)


OUTDOOR_PLACES = {
    "park": _park,
    "street": _street,
    "seaside": _seaside,
    "forest": _forest,
    "village": _village,
    "playground": _playground,
}
