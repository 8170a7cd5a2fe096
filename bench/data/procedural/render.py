"""From a scene to pixels: lay the parts of background and figures, light them, find lines, colour them by style."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from bench.data.collections import LEAST_SIDE
from bench.data.procedural import texture
from bench.data.procedural.canvas import Canvas
from bench.data.procedural.figure import draw_figure
from bench.data.procedural.motion import play
from bench.data.procedural.outdoors import OUTDOOR_PLACES
from bench.data.procedural.palette import HOURS, KINDS, screens, table
from bench.data.procedural.plan import Shot, stream
from bench.data.procedural.props import FURS, PROPS, draw_prop
from bench.data.procedural.rooms import ROOMS
from bench.data.procedural.scene import Scene, compose
from bench.data.procedural.scenery import furnish
from bench.data.procedural.slices import broken, finished, restaged
from bench.errors import BenchError, unknown
from bench.types import DOMAINS

PLACES = {**OUTDOOR_PLACES, **ROOMS}


@dataclass(frozen=True)
class Picture:
    """A drawn picture.

    Attributes:
        image: sRGB, shape (size, size, 3), 8-bit.
        page: the ink page, shape (size, size), 8-bit gray, in manga; None elsewhere.
    """

    image: np.ndarray
    page: np.ndarray | None


@dataclass(frozen=True)
class _Pen:
    """Widths of lines, in thousandths of the picture: around figures, inside them, in the background."""

    outer: float
    inner: float
    behind: float


MOST_DRAWN = 512
"""Pixels a side up to which pictures are drawn; the least is that of all images."""

_PENS = {"cartoon": _Pen(15, 9, 6), "anime": _Pen(6.5, 5, 0), "live-action": _Pen(0, 0, 0), "manga": _Pen(12, 6.5, 4.5)}


def supersampling(size: int) -> int:
    """How many times finer than the picture it is drawn before it is averaged down."""
    times = max(2, -(-320 // size))
    # Halves and quarters of the canvas must be whole pixels: only then is every resize exact integer arithmetic.
    while size * times % 4:
        times += 1
    return times


def check(domain: str, size: int) -> None:
    """Refuse what can't be drawn.

    Raises:
        BenchError: for a domain that is not one of the four, or a size outside 32 to 512.
    """
    if domain not in DOMAINS:
        raise unknown("domain", domain, list(DOMAINS))
    if not LEAST_SIDE <= size <= MOST_DRAWN:
        choice = f"{MOST_DRAWN} or less" if size > MOST_DRAWN else f"{LEAST_SIDE} or more"
        raise BenchError(f"drawn pictures are {LEAST_SIDE} to {MOST_DRAWN} pixels a side, not {size}; choose {choice}.")


@dataclass(frozen=True)
class Layers:
    """A picture before colour: its scene and what lies where, figures before the background.

    Attributes:
        scene: what is shown.
        figures: the layer of people and props, side x side.
        behind: the layer of the place; half as fine in the styles whose backgrounds are soft.
        owners: whose the figures are by their number: the name of a prop or a character; "" for none, number 0.
    """

    scene: Scene
    figures: Canvas
    behind: Canvas
    owners: tuple[str, ...]


def lay(shot: Shot, domain: str, size: int, seed: int = 0) -> Layers:
    """Lay out one picture without colouring it: which part lies where, under which light.

    Args:
        shot, domain, size, seed: as for `draw`.

    Raises:
        BenchError: for another domain or size.
    """
    check(domain, size)
    scene = play(shot, seed) if shot.clip else compose(shot, seed)
    if shot.slice:
        scene = restaged(scene, shot)
    side = size * supersampling(size)
    figures = Canvas(side, strokes=domain != "live-action")
    owners = [""]
    for name, x, y, height in scene.props:
        rng = stream(seed, 8, scene.series, PROPS.index(name))
        colors = FURS[int(rng.integers(0, len(FURS)))], FURS[int(rng.integers(0, len(FURS)))]
        draw_prop(figures, name, scene.camera.at(x, y, height), rng, colors)
        owners.append(name)
    for actor in scene.actors:
        draw_figure(figures, actor, domain, scene.camera)
        owners.append(actor.character.name)
    behind = _background(scene, domain, side // 2 if is_soft(domain) else side)
    return Layers(scene, figures, behind, tuple(owners))


def is_soft(domain: str) -> bool:
    """Whether a style's backgrounds are blurred."""
    return domain in ("live-action", "anime")


def draw(shot: Shot, domain: str, size: int, seed: int = 0) -> Picture:
    """Draw one picture.

    Args:
        shot: which, from `plan`.
        domain: one of the four domains.
        size: pixels a side, 32 to 512. The composition is the same at each size.
        seed: of the collection.

    Raises:
        BenchError: for another domain or size.
    """
    layers = lay(shot, domain, size, seed)
    scene, figures, behind = layers.scene, layers.figures, layers.behind
    side = figures.side
    hour = HOURS[scene.hour]
    tint = hour.inside if scene.indoors else hour.light
    image_b, page_b = _color(behind, domain, tint, hour.contrast, scene, background=True)
    if is_soft(domain):
        blur = 0.008 + 0.004 * (scene.zoom - 1.0) if domain == "live-action" else 0.0022
        image_b = _blur(image_b, blur * (1.5 if scene.size == "close" else 1.0) * side / 2)
        image_b = cv2.resize(image_b, (side, side), interpolation=cv2.INTER_LINEAR_EXACT)
    image, page = _color(figures, domain, tint, hour.contrast, scene, background=False)
    seen = figures.pixels[..., 3]
    image = cv2.copyTo(image, seen, image_b)
    if page is not None and page_b is not None:
        page = cv2.copyTo(page, seen, page_b)
    if shot.slice:
        image, page = finished(image, page, seen, shot)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    if page is not None:
        return Picture(image, cv2.resize(page, (size, size), interpolation=cv2.INTER_AREA))
    if domain == "live-action":
        image = texture.film(image, scene.grain if scene.film is None else scene.film)
    return Picture(image, None)


def _background(scene: Scene, domain: str, side: int) -> Canvas:
    canvas = Canvas(side, strokes=domain != "live-action")
    drawers = list(PLACES)
    where = furnish(canvas, drawers.index(scene.place), scene)
    PLACES[scene.place](where)
    canvas.relief = 0
    for actor in scene.actors:
        if not actor.near:
            _contact(canvas, scene, actor.x + 0.03 * scene.light, actor.y + 0.012, actor.size * 0.2)
    for _, x, y, height in scene.props:
        _contact(canvas, scene, x, y, height * 0.5)
    return canvas


def _contact(canvas: Canvas, scene: Scene, x: float, y: float, radius: float) -> None:
    """A shadow on the ground under a figure: in a still the ground's own part with less light.

    In a clip it moves over other parts, so that there each keeps its own colour.
    """
    if scene.film is not None:
        canvas.dim(scene.camera, x, y, radius, radius * 0.22, 66)
        return
    row, column = min(int(y * canvas.side), canvas.side - 1), min(max(int(x * canvas.side), 0), canvas.side - 1)
    canvas.oval(scene.camera, x, y, radius, radius * 0.22, int(canvas.pixels[row, column, 0]), 66)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    half = max(1, round(sigma * 2))
    return cv2.GaussianBlur(image, (2 * half + 1, 2 * half + 1), half / 2.5)


@lru_cache(maxsize=64)
def _brush(width: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE if width > 3 else cv2.MORPH_RECT, (width, width))


def _edges(labels: np.ndarray, width: float, side: int) -> np.ndarray:
    """Where labels meet, as a line about `width` thousandths of the picture wide: 255 on it."""
    pixels = max(2, round(width * side / 1000))
    brush = _brush(pixels)
    difference = cv2.subtract(cv2.dilate(labels, brush), cv2.erode(labels, brush))
    return cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY)[1]


def inked(canvas: Canvas, domain: str, scene: Scene, background: bool) -> np.ndarray:
    """Where a layer has lines: strokes, and the borders of parts and figures. 255 on them, shape (side, side)."""
    side, pen = canvas.side, _PENS[domain]
    part, ink = np.ascontiguousarray(canvas.pixels[..., 0]), np.ascontiguousarray(canvas.pixels[..., 2])
    outer, inner = (0.0, pen.behind) if background else (pen.outer, pen.inner)
    if outer or inner:
        lut = np.zeros(256, np.uint8)
        lut[: len(canvas.lines)] = canvas.lines
        ink = cv2.bitwise_or(ink, _edges(cv2.LUT(part, lut), inner, side))
        if outer:
            lut[: len(canvas.figures)] = canvas.figures
            ink = cv2.bitwise_or(ink, _edges(cv2.LUT(part, lut), outer * (1.0 if scene.size != "wide" else 0.72), side))
    return broken(ink, scene, background) if scene.rough else ink


def _color(
    canvas: Canvas,
    domain: str,
    tint: tuple[int, int, int],
    contrast: int,
    scene: Scene,
    background: bool,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Colour a layer: its image (side, side, 3), and in manga its page (side, side).

    In a layer of figures the relief, no longer needed, becomes the mask of what is drawn there (255), lines included.
    """
    side = canvas.side
    part, light, _, relief = cv2.split(canvas.pixels)
    kinds = [KINDS[kind] for kind in canvas.kinds]
    ink = inked(canvas, domain, scene, background)
    grain = _texture(canvas, part, scene)
    light = _light(part, light, relief, kinds, domain, scene, background, grain)
    # Step 0 of light is the line colour, so lit pixels start at step 1 and inked ones fall to 0.
    light = cv2.bitwise_and(cv2.max(light, np.full_like(light, 4)), cv2.bitwise_not(ink))
    colors = table(canvas.colors, canvas.kinds, domain, tint, contrast, smooth=background)
    index = (part.astype(np.uint16) << 6) | np.right_shift(light, 2)
    image = cv2.cvtColor(colors.take(index).view(np.uint8).reshape(side, side, 4), cv2.COLOR_RGBA2RGB)
    if not background:
        canvas.pixels[..., 3] = cv2.bitwise_or(cv2.threshold(part, 0, 255, cv2.THRESH_BINARY)[1], ink)
    if domain != "manga":
        return image, None
    density = screens(canvas.colors, canvas.kinds).take(index)
    lut = np.zeros(256, np.uint8)
    lut[: len(kinds)] = [255 * kind.hatched for kind in kinds]
    screen = cv2.copyTo(texture.hatching(side, 60), cv2.LUT(part, lut), texture.dots(side, 40).copy())
    page = cv2.bitwise_not(cv2.bitwise_or(cv2.compare(density, screen, cv2.CMP_GT), ink))
    return image, page


def _texture(canvas: Canvas, part: np.ndarray, scene: Scene) -> Callable[[str], np.ndarray]:
    """The texture of a layer by its kind: fixed in a still, clinging to what moves in a clip."""
    if scene.film is None:
        return lambda kind: texture.still(canvas.side, kind, scene.grain)

    @lru_cache(maxsize=1)
    def places() -> np.ndarray:
        lut = np.zeros(256, np.uint8)
        lut[: len(canvas.figures)] = canvas.figures
        return texture.cling(cv2.LUT(part, lut), canvas.anchors, scene.grain)

    return lambda kind: texture.clinging(canvas.side, kind, places())


def _light(
    part: np.ndarray,
    light: np.ndarray,
    relief: np.ndarray,
    kinds: list,
    domain: str,
    scene: Scene,
    background: bool,
    grain: Callable[[str], np.ndarray],
) -> np.ndarray:
    """The light that falls on each pixel, 0-255: the drawn light, shading from relief, and texture."""
    side = len(part)

    def strength(name: str) -> np.ndarray:
        lut = np.zeros(256, np.uint8)
        lut[: len(kinds)] = [min(getattr(kind, name), 255) for kind in kinds]
        return cv2.LUT(part, lut)

    lifelike = domain == "live-action"
    if lifelike:
        light = _blur(light, 0.006 * side)
    if background and domain in ("cartoon", "manga"):
        return light
    total = light.astype(np.int16)
    if not background:
        form = strength("form")
        if lifelike:
            # Half of each, then 3/2 of the sum: no step leaves 16 bits.
            both = _relief(relief, scene, 1) + _relief(relief, scene, 3) >> 1
            total += (both * form >> 8) * 3 >> 1
        else:
            total += _relief(relief, scene, 1) * form >> 8
    if lifelike:
        total += grain("fine") * strength("fine") >> 6
        total += grain("streak") * strength("streak") >> 6
        total += grain("blotch") * strength("blotch") >> 5
    elif background:
        total += grain("blotch") * strength("paint") >> 5
    return np.clip(total, 0, 255).astype(np.uint8)


def _relief(relief: np.ndarray, scene: Scene, wide: int) -> np.ndarray:
    """Light on the slopes of the blurred relief, about -127..127: towards the light more, away from it less.

    `wide` is 1 for the roundness of limbs and folds, 3 for that of whole bodies.
    """
    side, n = len(relief), len(relief) // (2 if wide == 1 else 4)
    reach = wide * {"close": 0.032, "medium": 0.022, "two": 0.02, "full": 0.012, "wide": 0.009}[scene.size] * n
    height = _blur(cv2.resize(relief, (n, n), interpolation=cv2.INTER_AREA), reach)
    step = max(1, round(reach))
    padded = cv2.copyMakeBorder(height, step, step, step, step, cv2.BORDER_REPLICATE).astype(np.int16)
    dx, dy = scene.light * step, -step
    towards = padded[step + dy : step + dy + n, step + dx : step + dx + n]
    away = padded[step - dy : step - dy + n, step - dx : step - dx + n]
    slope = np.clip(away - towards + 128, 0, 255).astype(np.uint8)
    return cv2.resize(slope, (side, side), interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int16) - 128
