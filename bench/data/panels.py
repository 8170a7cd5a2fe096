"""Comic pages: panels found by their white gutters, and whether a line drawing lies on its colouring."""

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, UInt8

PAPER = 244
"""A gutter's pixels are at least this bright in every channel."""

GUTTER = 6
"""The least width of a gutter, in pixels of the page."""

INK = 0.01
"""The share of darker pixels that a gutter may hold: dust, a line that leaves its panel."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom, in pixels."""


def find(page: "UInt8[np.ndarray, 'h w 3']", other: "UInt8[np.ndarray, 'h w 3'] | None" = None) -> list[Box]:
    """The panels of a page, in reading order, by recursive cuts along white gutters.

    Args:
        page: 8-bit sRGB.
        other: a second version of the page, of the same shape; a gutter must then be white on both.

    Returns:
        Boxes without their white margins; one box if nothing cuts the page, none if it is blank.
    """
    marks = page.min(axis=2) < PAPER
    if other is not None:
        marks |= other.min(axis=2) < PAPER
    return _cut(marks, (0, 0, marks.shape[1], marks.shape[0]))


def parts(box: Box) -> list[Box]:
    """A long panel in equal parts, none longer than twice its short side, so that a centre square loses little."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    count = max(1, max(width, height) // min(width, height))
    if width >= height:
        edges = [left + width * place // count for place in range(count + 1)]
        return [(a, top, b, bottom) for a, b in pairwise(edges)]
    edges = [top + height * place // count for place in range(count + 1)]
    return [(left, a, right, b) for a, b in pairwise(edges)]


def alignment(
    ink: "UInt8[np.ndarray, 'h w']", colour: "UInt8[np.ndarray, 'h w']", reach: int = 12
) -> tuple[float, int]:
    """How well the edges of a drawing lie on those of its colouring.

    Args:
        ink: gray line drawing.
        colour: gray of the colouring, of the same shape.
        reach: the furthest shift tried, in pixels.

    Returns:
        The normalized correlation of both edge images at the best shift (1 is the same), and that shift's length
        along the further axis, in pixels.
    """
    import cv2
    import numpy as np

    edges = []
    for gray in (ink, colour):
        smooth = cv2.GaussianBlur(gray, (0, 0), 1.5).astype(np.float32)
        edges.append(cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)))
    # A square root keeps the few strongest edges from speaking for all.
    first, second = (np.sqrt(edge) for edge in edges)
    inner = first[reach:-reach, reach:-reach]
    scores = cv2.matchTemplate(second, np.ascontiguousarray(inner), cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    return float(best), max(abs(x - reach), abs(y - reach))


def _cut(marks: "Bool[np.ndarray, 'h w']", box: Box) -> list[Box]:
    import numpy as np

    left, top, right, bottom = box
    inside = marks[top:bottom, left:right]
    for axis in (1, 0):  # rows first: a page is read from top to bottom
        blank = inside.mean(axis=axis) <= INK
        filled = np.flatnonzero(~blank)
        if not len(filled):
            return []
        # Runs of content, separated by gutters wide enough.
        breaks = np.flatnonzero(np.diff(filled) > GUTTER)
        starts = [filled[0], *filled[breaks + 1]]
        ends = [*filled[breaks], filled[-1]]
        start, end = (top, bottom) if axis == 1 else (left, right)
        runs = [(start + int(a), start + int(b) + 1) for a, b in zip(starts, ends, strict=True)]
        if runs != [(start, end)]:
            boxes = [(left, a, right, b) if axis == 1 else (a, top, b, bottom) for a, b in runs]
            return [found for inner in boxes for found in _cut(marks, inner)]
    return [box]
