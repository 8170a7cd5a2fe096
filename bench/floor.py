"""The floor of ambiguity: how near the true colours one can come on procedural-v1 from what gray reveals.

Gray does not tell colour; it leaves a choice. How wide that choice is, nobody knows for real images. A drawn collection
knows: its generator can be asked for as many other series as one likes. For each region of a picture this module takes
the colours that such regions have in *other* series (another seed, so none of the collection's own pictures), weighs
them by Bayes' rule with how well each explains the region's gray, and paints the colour whose expected CIEDE2000 is
least.

What is revealed (the information set of `gray-floor`):
    - the gray of every pixel, in manga the ink page;
    - where regions and lines lie; of each region what it is made of (skin, hair, cloth, leaf, ...), which piece of what
      it is (a person's coat, a dog's ear, a kitchen's floor), and nothing of its colour;
    - place, hour (noon, golden, overcast, night), and size of the shot;
    - the generator itself: its palettes and their frequencies, and how a style turns a colour into light and shadow.
It does not tell who a character is, nor what was seen of the series before. `series-floor` tells that too: of the same
character, thing or place, the colours that training pictures of the series have shown.

What it is: the score of a painter who recognises all of this without fault. It is reached by this very code, so the
least error under that information set is not above it. What it is not: a bound on every method. Regions are painted
one by one, by their middle gray, though a picture as a whole tells more (both sleeves have one colour); where a pixel
mixes regions, their colours are mixed as they lie. And it is low: the generator has few colours of each thing, and
their grays differ, so gray often names the colour. Real palettes are no such lists; the floor of real images is higher.
A trained model sees no regions and no palettes, so none is expected to reach it; one that came below it has found what
is left out here, or has seen the test pictures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.color import luma, srgb_to_lab
from bench.data.procedural import Shot, draw
from bench.data.procedural.canvas import RGB
from bench.data.procedural.palette import HOURS, INK, LEVELS, mixed, screens, table
from bench.data.procedural.regions import Region, Regions, named, regions
from bench.data.procedural.render import Layers, Picture, lay
from bench.data.procedural.scene import Scene
from bench.errors import BenchError
from bench.metrics.pixel import ciede2000
from bench.types import DOMAINS, Images

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

SEED = 1
"""Of the series that colours are learned from; the collection's own is 0."""
LAID, DRAWN = 1500, 300
"""How many pictures of other series, one of each, are laid out for colours, and how many of these drawn for lights."""
SIZE = 64
"""At which they are drawn: lights hardly depend on it."""
VISIBLE = 25
"""From so many of 320 x 320 points on, a part counts as seen."""
FEW = 12
"""Below so many parts of the same description, a wider one is used."""
NOISE, PAGE_NOISE = 1.0, 6.0
"""Levels by which a region's middle gray strays from its paint's, and a page's tone from its screen's (sigma)."""
CLEAR = 200
"""From this share of 255 on, a pixel's gray is taken for its region's."""
WHOLE = 250
"""From this share of 255 on, nothing but its region is mixed into a pixel's colour."""
PLAIN = LEVELS // 2
"""The step of light at which a part has its own colour."""
WEIGHTS = np.array([0.299, 0.587, 0.114])
"""BT.601 luma."""
FLAT = np.full(LEVELS - 1, 1 / (LEVELS - 1))
DOUBT = 0.5
"""How many times a colour counts as seen before a region's own series has shown anything."""
LEAST = 1e-4
"""Less likely paints are left out."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Paint:
    """A semantic colour as a style shows it.

    Attributes:
        color: semantic sRGB.
        kind: what it is made of.
        hour, indoors: the light.
        behind: whether it is the background's, which is shaded smoothly.
    """

    color: RGB
    kind: str
    hour: str
    indoors: bool
    behind: bool


@lru_cache(maxsize=1 << 16)
def ramp(paint: Paint, domain: str) -> Float[np.ndarray, "levels 3"]:
    """The colour of a paint at each step of light, sRGB 0-255; step 0 is its line."""
    hour = HOURS[paint.hour]
    tint = hour.inside if paint.indoors else hour.light
    packed = table([(0, 0, 0), paint.color], ["none", paint.kind], domain, tint, hour.contrast, paint.behind)
    return packed.view(np.uint8).reshape(2, LEVELS, 4)[1, :, :3].astype(np.float64)


@lru_cache(maxsize=1 << 16)
def curve(paint: Paint, domain: str) -> Float[np.ndarray, "256 3"]:
    """The colour that a paint has where its gray is 0 to 255: sRGB 0-255, from ink through shadow and light to white.

    In manga the gray of the page is ink, and not the colour's: there it is the own colour everywhere.
    """
    steps = ramp(paint, domain)
    if domain == "manga":
        return np.repeat(steps[PLAIN][None], 256, axis=0)
    if paint.kind == "sky":  # it goes from one hue to another as it gets lighter, or darker
        bands = [ramp(replace(paint, color=color), domain)[PLAIN] for color in _bands(paint.hour)]
        steps = np.stack(sorted(bands, key=lambda band: float(band @ WEIGHTS)))
    else:
        steps = steps[1:]
    steps = np.concatenate([np.minimum(INK, steps[0])[None], steps, [[255.0] * 3]])
    gray = np.maximum.accumulate(steps @ WEIGHTS)
    place, first = np.unique(gray, return_index=True)
    return np.stack([np.interp(np.arange(256), place, steps[first, c]) for c in range(3)], axis=1)


def _bands(hour: str) -> list[RGB]:
    """The colours of a sky from top to horizon."""
    return [mixed(HOURS[hour].top, HOURS[hour].low, share) for share in range(0, 257, 16)]


@lru_cache(maxsize=1 << 16)
def grays_of(paint: Paint, domain: str) -> Float[np.ndarray, " steps"]:
    """The gray of a paint at each step of light but 0.

    In manga the page's, whose tone follows the semantic colour: that tone, darker or lighter by 8 levels a step.
    """
    if domain == "manga":
        tone = 255.0 - float(screens([(0, 0, 0), paint.color], ["none", paint.kind])[LEVELS + PLAIN])
        return tone + 8.0 * (np.arange(1, LEVELS) - PLAIN)
    return ramp(paint, domain)[1:] @ WEIGHTS


def middle_grays(known: Regions, gray: UInt8[np.ndarray, "h w"], domain: str) -> Float[np.ndarray, " regions"]:
    """The middle gray of each region where nothing else mixes into it: the median, of a screentone the mean."""
    order = np.argsort(known.numbers.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(known.numbers.ravel(), minlength=len(known.regions)))
    purity, seen = known.purity.ravel(), gray.ravel()
    grays = []
    for number in range(len(known.regions)):
        pixels = order[ends[number - 1] if number else 0 : ends[number]]
        share = purity[pixels]
        pure = seen[pixels[share >= min(CLEAR, int(share.max()))]]
        grays.append(float(pure.mean() if domain == "manga" else np.median(pure)))
    return np.rint(np.array(grays))


def _described(region: Region, scene: Scene) -> tuple[Key, ...]:
    """What is revealed of a region, from the narrowest description to the widest; a place's things know the hour."""
    kind, piece = region.kind, str(region.piece)
    if not region.owner:
        return (scene.place, kind, scene.hour, piece), (scene.place, kind, scene.hour), (scene.place, kind), (kind,)
    whose = "person" if any(region.owner == actor.character.name for actor in scene.actors) else region.owner
    return (whose, kind, scene.size, piece), (whose, kind, piece), (whose, kind), (kind,)


def _own(region: Region, scene: Scene) -> tuple[Key, ...]:
    """What of a series a region belongs to, narrowest first: a part of a character, a thing, or a place at its hour."""
    kind, piece = region.kind, str(region.piece)
    if region.owner:
        return (region.owner, kind, scene.size, piece), (region.owner, kind)
    return (scene.place, kind, scene.hour, piece), (scene.place, kind, scene.hour), (scene.place, kind)


def _shares(counts: Mapping[RGB, int]) -> dict[RGB, float]:
    total = sum(counts.values())
    return {color: count / total for color, count in counts.items()}


@dataclass(frozen=True)
class Palette:
    """How other series are coloured and lit in one style.

    Attributes:
        colors: how often parts of a description have a semantic colour.
        lights: of parts of a description, how likely each step of light but 0 is.
    """

    colors: Mapping[Key, Mapping[RGB, int]]
    lights: Mapping[Key, Float[np.ndarray, " steps"]]


@lru_cache(maxsize=8)
def palette(domain: str, laid: int, drawn: int) -> Palette:
    """Learn from `laid` pictures of seed SEED, a series each, of which the first `drawn` are looked at."""
    colors: dict[Key, dict[RGB, int]] = defaultdict(lambda: defaultdict(int))
    lights: dict[Key, np.ndarray] = defaultdict(lambda: np.zeros(LEVELS - 1))
    for series in range(laid):
        shot = Shot(f"s{series:02d}-{series % 30:03d}-00", f"s{series:02d}", "")
        if series < drawn:
            known = regions(shot, domain, SIZE, SEED)
            scene, seen = known.scene, known.regions
            grays = middle_grays(known, _shown(draw(shot, domain, SIZE, SEED)), domain)
            for region, gray in zip(seen, grays, strict=True):
                step = int(np.abs(grays_of(_paint(region, scene), domain) - gray).argmin())
                for key in _described(region, scene):
                    lights[key][step] += 1
        else:
            layers = lay(shot, domain, SIZE, SEED)
            scene, seen = layers.scene, _visible(layers)
        for region in seen:
            for key in _described(region, scene):
                colors[key][region.color] += 1
    smooth = {}
    for key, found in lights.items():
        if found.sum() >= FEW:
            near = np.convolve(found, (0.25, 0.5, 0.25), "same") + 0.01
            smooth[key] = near / near.sum()
    return Palette(colors, smooth)


def _visible(layers: Layers) -> list[Region]:
    """The parts of a picture that are seen in VISIBLE points; a sky's bands as one, which goes by its first."""
    found = set()
    for canvas, front in ((layers.behind, False), (layers.figures, True)):
        counts = np.bincount(canvas.pixels[..., 0].ravel(), minlength=len(canvas.kinds))
        counts *= (layers.figures.side // canvas.side) ** 2
        for part in np.flatnonzero(counts >= VISIBLE).tolist():
            if canvas.kinds[part] != "none":
                found.add((front, canvas.lines[part] if canvas.kinds[part] == "sky" else part))
    return [named(layers, front, part) for front, part in sorted(found)]


def _shown(picture: Picture) -> UInt8[np.ndarray, "h w"]:
    """What a gray track shows of a picture."""
    return luma(picture.image) if picture.page is None else picture.page


def _paint(region: Region, scene: Scene) -> Paint:
    return Paint(region.color, region.kind, scene.hour, scene.indoors, not region.owner)


class Floor:
    """A painter of procedural-v1 who recognises everything and knows the palettes.

    Args:
        train: a training split of procedural-v1: it says the domain, and in `series` what was seen of each series.
        series: whether characters, things and places of the training series are recognised.

    Raises:
        BenchError: where the images are not procedural-v1's.
    """

    def __init__(self, train: Images, series: bool):
        self.domain = _domain(train)
        self.size = train.targets.shape[1]
        self._palette = palette(self.domain, LAID, DRAWN)
        self._seen: dict[str, list[str]] = defaultdict(list)
        self._answers: dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]] = {}
        self._met: dict[str, dict[Key, dict[RGB, int]]] = {}
        if series:
            for id, group in zip(train.ids, train.groups, strict=True):
                self._seen[group].append(id)

    def __call__(self, images: Images) -> UInt8[np.ndarray, "n h w 3"]:
        """Paint a split of the same domain and size; its targets are not read."""
        out = np.empty((*images.conditions.shape, 3), np.uint8)
        if len(images) and images.conditions.shape[1] != self.size:
            raise BenchError(f"the floor was set at {self.size} px and cannot paint {images.conditions.shape[1]} px.")
        for place, (id, group) in enumerate(zip(images.ids, images.groups, strict=True)):
            out[place] = self._paint(Shot(id, group, ""), images.conditions[place])
        return out

    def _paint(self, shot: Shot, gray: np.ndarray) -> np.ndarray:
        known = regions(shot, self.domain, self.size)
        manga = self.domain == "manga"
        middles = middle_grays(known, gray, self.domain)
        tables = [
            self._answer(region, middle, known.scene, shot.series)
            for region, middle in zip(known.regions, middles.tolist(), strict=True)
        ]
        curves, lines = np.stack([one for one, _ in tables]), np.stack([line for _, line in tables])
        colors = curves[known.numbers, gray]
        # Where regions and lines share a pixel, so do their colours; the gray says how light the mixture is.
        flat = curves[np.arange(len(middles)), middles.astype(np.int64)]
        table = np.concatenate([flat, lines]).astype(np.float32)
        fine = table.take(known.fine + np.where(known.fine_ink > 0, len(flat), 0), axis=0)
        blend = cv2.resize(fine, gray.shape, interpolation=cv2.INTER_AREA).astype(np.float64)
        if not manga:
            blend *= (gray / np.maximum(blend @ WEIGHTS, 1.0))[..., None]
        colors = np.where((known.purity >= WHOLE)[..., None], colors, blend)
        return np.clip(np.rint(colors), 0, 255).astype(np.uint8)

    def _answer(
        self, region: Region, gray: float, scene: Scene, series: str
    ) -> tuple[Float[np.ndarray, "256 3"], Float[np.ndarray, " 3"]]:
        """The least expected error's curve and line for a region of this gray."""
        whose = _own(region, scene) if series in self._seen else ()
        key = (whose and series, whose, _described(region, scene), scene.hour, scene.indoors, gray)
        if key not in self._answers:
            self._answers[key] = self._best(self._choices(region, gray, scene, series), int(gray))
        return self._answers[key]

    def _choices(self, region: Region, gray: float, scene: Scene, series: str) -> dict[Paint, float]:
        """The paints that a region may have, with their probabilities given its gray: Bayes' rule."""
        keys = _described(region, scene)
        others = [self._palette.colors.get(key, {}) for key in keys]
        common = next((found for found in others if sum(found.values()) >= FEW), others[-1])
        if not common:
            raise BenchError(f"no other series of the drawing shows {region.kind}; the floor cannot be told.")
        found = _shares(common)
        # What the own series has shown comes before what others have, the narrower description before the wider.
        for key in reversed(_own(region, scene)):
            seen = self._series(series).get(key, {})
            total = sum(seen.values()) + DOUBT
            found = {c: (seen.get(c, 0) + DOUBT * found.get(c, 0.0)) / total for c in {**seen, **found}}
        paints = [Paint(color, region.kind, scene.hour, scene.indoors, not region.owner) for color in found]
        lights = (self._palette.lights.get(key) for key in keys)
        light = next((found for found in lights if found is not None), FLAT)
        noise = PAGE_NOISE if self.domain == "manga" else NOISE
        gaps = (np.stack([grays_of(paint, self.domain) for paint in paints]) - gray) / noise
        # The 1e-12 decides where no paint explains the gray: then the nearest of the likely ones.
        odds = np.exp(-0.5 * gaps**2) @ light + 1e-12 / (1.0 + np.abs(gaps).min(axis=1))
        odds *= np.array(list(found.values()))
        return {paint: float(p) for paint, p in zip(paints, odds / odds.sum(), strict=True) if p > LEAST}

    def _series(self, name: str) -> dict[Key, dict[RGB, int]]:
        """The colours that training pictures of a series have shown, with how often."""
        if name not in self._met:
            met: dict[Key, dict[RGB, int]] = defaultdict(lambda: defaultdict(int))
            for id in self._seen.get(name, ()):
                known = regions(Shot(id, name, ""), self.domain, self.size)
                for region in known.regions:
                    for key in _own(region, known.scene):
                        met[key][region.color] += 1
            self._met[name] = met
        return self._met[name]

    def _best(
        self, choices: dict[Paint, float], gray: int
    ) -> tuple[Float[np.ndarray, "256 3"], Float[np.ndarray, " 3"]]:
        """The curve whose expected CIEDE2000 is least at the region's own gray, and the colour of its line.

        Tried are the possible paints, their mean, and mixtures of each with it: the duller the less one knows.
        """
        curves = np.stack([curve(paint, self.domain) for paint in choices])
        lines = np.stack([ramp(paint, self.domain)[0] for paint in choices])
        if len(curves) == 1:
            return curves[0], lines[0]
        weights = np.array(list(choices.values()))
        weights /= weights.sum()
        mean = np.tensordot(weights, curves, axes=1)
        tried = np.concatenate([mean + (curves - mean) * share for share in (1.0, 0.7, 0.4)])
        true, some = (srgb_to_lab(several[:, gray] / 255) for several in (curves, tried))
        pairs = np.broadcast_arrays(some[:, None], true[None])
        return tried[int((ciede2000(*pairs) @ weights).argmin())], weights @ lines


def _domain(train: Images) -> str:
    """The style of a split's pictures.

    Raises:
        BenchError: where they are no pictures of procedural-v1.
    """
    if len(train):
        size = train.targets.shape[1]
        for domain in DOMAINS:
            try:
                picture = draw(Shot(train.ids[0], train.groups[0], ""), domain, size)
            except BenchError:
                break
            same = np.array_equal(picture.image, train.targets[0])
            # Anime and manga may agree in a picture, but only manga shows a page.
            if same and np.array_equal(_shown(picture), train.conditions[0]):
                return domain
    raise BenchError("the floor of ambiguity is known on procedural-v1 alone, and these are not its pictures.")
