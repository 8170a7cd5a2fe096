"""Section: what entries painted at best, in the middle and at worst, beside the truth, and two of them side by side."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from bench.gallery import Case, Exhibit, Gallery, Tile, Wall
from bench.gallery.choosing import COMMON, SCORES
from bench.gallery.heat import STEP, STEPS, differences, ramp
from bench.leaderboard import GRAY, PRIMARY
from bench.metrics import METRICS
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section


@dataclass(frozen=True)
class Colours:
    """What a map's steps look like, for legends."""

    ramp: list[str]
    differences: list[str]


def body(page: Page) -> str:
    """The section, of entries whose record is the very one that the gallery was made from."""
    if page.gallery is None:
        return ""
    walls = [found for wall in page.gallery.index.walls if (found := _fresh(wall, page)).exhibits]
    stale = sum(len(wall.exhibits) for wall in page.gallery.index.walls) - sum(len(wall.exhibits) for wall in walls)
    return render(
        "explorer.html.j2",
        index=page.gallery.index,
        walls=walls,
        stale=stale,
        passed_over=page.gallery.passed_over,
        data=_data(page.gallery, walls) if page.gallery.index.shown and walls else "",
        colours=_colours(),
        step=STEP,
        steps=STEPS,
        common=COMMON,
        gray=GRAY,
        primary=METRICS[PRIMARY],
        mean=_mean(walls),
    )


SECTION = Section("explorer", "Failures: pictures that entries painted best and worst", body)


def _mean(walls: list[Wall]) -> str:
    """What an entry's value is: `Mean CIEDE2000, seed 0`, of the training whose pictures are shown."""
    seeds = {one.seed for wall in walls for one in wall.exhibits if not one.reference}
    return f"Mean {METRICS[PRIMARY].name}, {f'seed {min(seeds)}' if len(seeds) == 1 else 'first seed'}"


@cache
def _colours() -> Colours:
    return Colours(ramp(), differences())


def _fresh(wall: Wall, page: Page) -> Wall:
    """The wall without entries that were evaluated again, or removed, since the gallery was made."""
    now = {
        (record.entry.name, record.seed): record.scores[PRIMARY].value
        for record in page.records
        if PRIMARY in record.scores
        and (record.split.domain, record.track, record.split.key) == (wall.domain, wall.track, wall.key)
    }
    return replace(
        wall, exhibits=tuple(one for one in wall.exhibits if now.get((one.entry, one.seed)) == one.ciede2000)
    )


def _data(gallery: Gallery, walls: list[Wall]) -> Markup:
    """All that the page's script draws from, as JSON that may stand inside a `<script>`.

    Returns:
        `sheets`: by number, an address that holds the whole file; empty where no wall shows one. A tile is
        `[sheet, place]`, a case `[image, scores, prediction, map]`.
    """
    used = {tile.sheet for wall in walls for tile in _tiles(wall)}
    sheets = [
        f"data:image/{sheet.kind};base64,{b64encode(gallery.pictures[sheet.name]).decode('ascii')}"
        if number in used
        else ""
        for number, sheet in enumerate(gallery.index.sheets)
    ]
    colours = _colours()
    shown = {
        "size": gallery.index.size,
        "step": STEP,
        "ramp": colours.ramp,
        "differences": colours.differences,
        "metrics": [[METRICS[id].name, METRICS[id].unit, METRICS[id].decimals] for id in SCORES],
        "sheets": sheets,
        "walls": [_wall(wall) for wall in walls],
    }
    return htmlsafe_json_dumps(shown, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _wall(wall: Wall) -> dict[str, Any]:
    return {
        "domain": wall.domain,
        "track": wall.track,
        "images": [[image.id, image.group, image.slices, image.target, image.condition] for image in wall.images],
        "common": wall.common,
        "clip": wall.clip,
        "entries": [_exhibit(one) for one in wall.exhibits],
    }


def _exhibit(one: Exhibit) -> dict[str, Any]:
    return {
        "name": one.entry,
        "reference": one.reference,
        "mean": round(one.ciede2000, 2),
        "own": [_case(case) for case in (one.best, one.median, one.worst)],
        "common": [_case(case) for case in one.common],
        "clip": one.clip.frames if one.clip else (),
    }


def _case(case: Case) -> list[Any]:
    values = [case.scores.get(id) for id in SCORES]
    return [case.image, [None if value is None else round(value, 3) for value in values], case.prediction, case.heat]


def _tiles(wall: Wall) -> Iterator[Tile]:
    for image in wall.images:
        yield from filter(None, (image.target, image.condition))
    for one in wall.exhibits:
        for case in (one.best, one.median, one.worst, *one.common):
            yield from filter(None, (case.prediction, case.heat))
        yield from one.clip.frames if one.clip else ()
