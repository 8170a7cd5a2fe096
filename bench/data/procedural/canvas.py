"""A canvas of parts: what is where, how lit, inked or not, and how near. A style turns it into colours afterwards.

Every shape is a polygon on integer fixed-point coordinates, so the same picture comes out on every machine. The four
8-bit channels of a canvas are part number (0: nothing), light (128 is the part's own colour), ink (255 on a drawn
stroke) and relief (how far it stands out towards the viewer). Lines around parts are not drawn: they are found
where part numbers meet.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

RGB = tuple[int, int, int]
Point = tuple[float, float]
Points = tuple[Point, ...]

LOCAL = 1 << 12  # local coordinates are multiples of 1/4096
SUBPIXEL = 4  # fractional bits of a canvas coordinate


class Frame(NamedTuple):
    """An affine map from local coordinates to the picture, which is [0, 1] x [0, 1], y down.

    x' = a x + b y + e and y' = c x + d y + f.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def at(self, x: float, y: float, scale: float = 1.0, angle: float = 0.0, flip: float = 1.0) -> Frame:
        """A frame inside this one: its origin at (x, y), turned clockwise by `angle` radians, x times `flip`."""
        cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
        a, b, c, d = cos * flip, -sin, sin * flip, cos
        return Frame(
            self.a * a + self.b * c,
            self.a * b + self.b * d,
            self.c * a + self.d * c,
            self.c * b + self.d * d,
            self.a * x + self.b * y + self.e,
            self.c * x + self.d * y + self.f,
        )

    def point(self, x: float, y: float) -> Point:
        """Where (x, y) lies in the picture."""
        return self.a * x + self.b * y + self.e, self.c * x + self.d * y + self.f


@lru_cache(maxsize=256)
def _basis(count: int, closed: bool, steps: int) -> np.ndarray:
    """The uniform Catmull-Rom spline through `count` points as an integer matrix, scaled by 2 steps³."""
    spans = count if closed else count - 1
    matrix = np.zeros((spans * steps + (not closed), count), np.int64)
    n = steps
    for span in range(spans):
        for j in range(steps + (not closed and span == spans - 1)):
            weights = (
                -j * n * n + 2 * j * j * n - j**3,
                2 * n**3 - 5 * j * j * n + 3 * j**3,
                j * n * n + 4 * j * j * n - 3 * j**3,
                -j * j * n + j**3,
            )
            for k, weight in enumerate(weights):
                place = span + k - 1
                place = place % count if closed else min(max(place, 0), count - 1)
                matrix[span * n + j, place] += weight
    return matrix


@lru_cache(maxsize=16384)
def samples(points: Points, closed: bool, smooth: bool) -> tuple[np.ndarray, int]:
    """Points along a curve through `points` as integers, and their scale as a power of two."""
    fixed = np.rint(np.array(points) * LOCAL).astype(np.int64)
    if not smooth:
        return fixed, 12
    steps = 8 if len(points) < 7 else 4
    return _basis(len(points), closed, steps) @ fixed, 12 + (10 if steps == 8 else 7)


_CIRCLES = {
    n: np.array(
        [(round(math.cos(math.tau * i / n) * LOCAL), round(math.sin(math.tau * i / n) * LOCAL)) for i in range(n)]
    )
    for n in (14, 28)
}


class Canvas:
    """One layer of a picture.

    Attributes:
        side: pixels.
        strokes: whether drawn strokes leave ink; where not, they are faint shadow.
        relief: how far the next shapes stand out, 0-255.
        figure: the number of the figure that the next parts belong to; figures are outlined as wholes. In a background
            it is 1 for what is far away, else 0.
        anchors: what the texture of each figure clings to when the picture is one of a clip: origin and zoom.
    """

    def __init__(self, side: int, strokes: bool = True):
        self.side = side
        self.strokes = strokes
        self.relief = 0
        self.figure = 0
        self.anchors = [Frame()]
        self.pixels = np.zeros((side, side, 4), np.uint8)
        self.colors: list[RGB] = [(24, 20, 26)]
        self.kinds: list[str] = ["none"]
        self.lines: list[int] = [0]
        self.figures: list[int] = [0]
        self._frame: Frame | None = None
        self._matrix = np.zeros((2, 2), np.int64)
        self._offset = np.zeros(2, np.int64)

    def begin(self, anchor: Frame) -> None:
        """Begin the next figure, whose texture moves with the anchor."""
        self.figure += 1
        self.anchors.append(anchor)

    def part(self, color: RGB, kind: str, within: int | None = None) -> int:
        """A new part's number.

        Args:
            color: the semantic colour, sRGB, before style and light.
            kind: what it is made of, a key of `palette.KINDS`.
            within: the part it lies on without a line between them.
        """
        number = len(self.colors)
        if number > 255:
            return 255  # a very crowded layer: the last ones share a part
        self.colors.append(color)
        self.kinds.append(kind)
        self.lines.append(number if within is None else self.lines[within])
        self.figures.append(self.figure)
        return number

    def _place(self, curve: np.ndarray, power: int, frame: Frame) -> np.ndarray:
        if frame is not self._frame:
            unit = self.side << SUBPIXEL
            scale = unit * 256.0
            self._matrix = np.array(
                [[round(frame.a * scale), round(frame.c * scale)], [round(frame.b * scale), round(frame.d * scale)]]
            )
            self._offset = np.array([round(frame.e * unit), round(frame.f * unit)])
            self._frame = frame
        return (((curve @ self._matrix) >> (power + 8)) + self._offset).astype(np.int32)

    def _fill(self, polygon: np.ndarray, part: int, light: int, inside: int | None = None) -> None:
        if inside is None:
            cv2.fillPoly(self.pixels, [polygon], (part, light, 0, self.relief), cv2.LINE_8, SUBPIXEL)
            return
        left, top = np.clip(polygon.min(axis=0) >> SUBPIXEL, 0, self.side)
        right, bottom = np.clip((polygon.max(axis=0) >> SUBPIXEL) + 1, 0, self.side)
        if left < right and top < bottom:
            region = self.pixels[top:bottom, left:right]
            mask = np.zeros(region.shape[:2], np.uint8)
            cv2.fillPoly(mask, [polygon - (left << SUBPIXEL, top << SUBPIXEL)], 255, cv2.LINE_8, SUBPIXEL)
            region[(mask > 0) & (region[..., 0] == inside)] = (part, light, 0, self.relief)

    def blob(self, frame: Frame, points: Points, part: int, light: int = 128, inside: int | None = None) -> None:
        """A closed smooth shape through the points (a point given twice is a corner), cut to part `inside` if given."""
        self._fill(self._place(*samples(points, True, True), frame), part, light, inside)

    def poly(self, frame: Frame, points: Points, part: int, light: int = 128) -> None:
        """A closed shape with straight sides."""
        self._fill(self._place(*samples(points, True, False), frame), part, light)

    def rect(self, frame: Frame, x0: float, y0: float, x1: float, y1: float, part: int, light: int = 128) -> None:
        """A rectangle of the local frame."""
        self.poly(frame, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)), part, light)

    def oval(
        self,
        frame: Frame,
        x: float,
        y: float,
        rx: float,
        ry: float,
        part: int,
        light: int = 128,
        angle: float = 0.0,
    ) -> None:
        """An ellipse around (x, y)."""
        cos, sin = (math.cos(angle), math.sin(angle)) if angle else (1.0, 0.0)
        a, b, c, d = cos * rx, -sin * ry, sin * rx, cos * ry
        unit = self.side << SUBPIXEL
        scale = unit * 256.0
        matrix = np.array(
            [
                [round((frame.a * a + frame.b * c) * scale), round((frame.c * a + frame.d * c) * scale)],
                [round((frame.a * b + frame.b * d) * scale), round((frame.c * b + frame.d * d) * scale)],
            ]
        )
        cx, cy = frame.point(x, y)
        circle = _CIRCLES[14 if abs(matrix).max() < 10 * 4096 else 28]
        polygon = ((circle @ matrix) >> 20) + np.array([round(cx * unit), round(cy * unit)])
        self._fill(polygon.astype(np.int32), part, light)

    def dim(self, frame: Frame, x: float, y: float, rx: float, ry: float, light: int) -> None:
        """Set the light in an ellipse around (x, y) of an upright frame, whatever lies there."""
        unit = self.side << SUBPIXEL
        radii = np.array([frame.a * rx * unit / LOCAL, frame.d * ry * unit / LOCAL])
        polygon = np.rint(_CIRCLES[28] * radii + np.array(frame.point(x, y)) * unit).astype(np.int32)
        mask = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(mask, [polygon], 255, cv2.LINE_8, SUBPIXEL)
        self.pixels[..., 1][mask > 0] = light

    def tube(
        self,
        frame: Frame,
        joints: tuple[tuple[float, float, float], ...],
        part: int,
        light: int = 128,
        cap: float = 1.0,
    ) -> None:
        """A limb through joints (x, y, radius), rounded at both ends by `cap` radii."""
        self.blob(frame, tube_outline(joints, cap), part, light)

    def stroke(self, frame: Frame, points: Points, part: int, width: float, closed: bool = False) -> None:
        """An ink line on a part; `width` is in the local frame. Where strokes leave no ink it is a faint crease."""
        curve = self._place(*samples(points, closed, True), frame)
        size = math.sqrt(abs(frame.a * frame.d - frame.b * frame.c)) * width * self.side
        color = (part, 128, 255, self.relief) if self.strokes else (part, 96, 0, self.relief)
        cv2.polylines(self.pixels, [curve], closed, color, max(1, round(size)), cv2.LINE_8, SUBPIXEL)

    def wire(self, frame: Frame, points: Points, part: int, width: float, closed: bool = False) -> None:
        """A line that is a part of its own, in its own colour in every style (spectacles, ropes)."""
        curve = self._place(*samples(points, closed, True), frame)
        size = math.sqrt(abs(frame.a * frame.d - frame.b * frame.c)) * width * self.side
        cv2.polylines(
            self.pixels, [curve], closed, (part, 128, 0, self.relief), max(1, round(size)), cv2.LINE_8, SUBPIXEL
        )

    def shade(self, frame: Frame, y0: float, y1: float, light0: int, light1: int) -> None:
        """Give all rows from y0 to y1 of an upright frame a vertical gradient of light, whatever lies there."""
        top, bottom = (round((frame.d * y + frame.f) * self.side) for y in (y0, y1))
        rows = np.arange(max(top, 0), max(min(bottom, self.side), max(top, 0)), dtype=np.int64)
        if len(rows):
            ramp = light0 + (light1 - light0) * (rows - top) // max(bottom - top, 1)
            self.pixels[rows[0] : rows[-1] + 1, :, 1] = ramp[:, None].astype(np.uint8)


def tube_outline(joints: tuple[tuple[float, float, float], ...], cap: float = 1.0) -> Points:
    """The outline of a limb: offsets left and right of each joint, and a round end beyond the first and last."""
    left, right = [], []
    last = len(joints) - 1
    for i, (x, y, r) in enumerate(joints):
        before, after = joints[max(i - 1, 0)], joints[min(i + 1, last)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = math.sqrt(dx * dx + dy * dy) or 1.0
        dx, dy = dx / length * r, dy / length * r
        if i == 0:
            left.append((x - dx * cap, y - dy * cap))
        left.append((x - dy, y + dx))
        right.append((x + dy, y - dx))
        if i == last:
            right.append((x + dx * cap, y + dy * cap))
    return (*left, *reversed(right))


def spikes(points: tuple[tuple[float, float, int], ...]) -> Points:
    """Points with a corner flag: those flagged 1 are given twice, which makes the smooth curve turn sharply there."""
    return tuple((x, y) for x, y, corner in points for _ in range(1 + corner))
