"""The collection open-v1: openly licensed drawings, films and comic pages, pinned by checksum."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.data import naming
from bench.data.building import Draft, Progress, settle, whole_folder, work
from bench.data.certify.leaks import without_copies
from bench.data.manifest import LeftOut, Manifest
from bench.data.open_v1.clips import VERSION as CLIPS_VERSION
from bench.data.open_v1.clips import prepare_clips
from bench.data.open_v1.listing import NAME, Row, credits, fetch, listed, originals, require_originals
from bench.data.open_v1.making import NO_TARGET, Maker, group_of
from bench.errors import BenchError

__all__ = [
    "CLIPS_VERSION",
    "NAME",
    "VERSION",
    "Row",
    "credits",
    "fetch",
    "group_of",
    "listed",
    "originals",
    "prepare",
    "prepare_clips",
]

VERSION = "2"
"""Of the rules; a prepared folder of another version is made again."""

SIDES = {
    "peppercarrot_ep17": "test",
    "peppercarrot_ep12": "val",
    "peppercarrot_ep22": "train",
    "asp_0217": "train",
    "asp_0245": "train",
}
"""The manga domain has so few groups that the tenths of the general rule would make a test of four images."""

NOTES = (
    "cartoon: mostly storybook illustrations, and stills of two films",
    "anime: drawings of one artist, and a visual novel's few figures and backgrounds; no broadcast anime and no motion",
    "live-action: one feature film's clip, photographs and three fixed cameras",
    "manga: one artist's line drawings with his finished colour; train and test share the cast, not the episode",
)


def prepare(home: Path, size: int, report: Progress | None = None, rows: Sequence[Row] | None = None) -> Manifest:
    """Standardize the fetched originals into `<home>/data/open-v1/<size>px`.

    Args:
        home: where everything lies.
        size: the side of every image, in pixels.
        report: called with steps done and steps in all.
        rows: a part of the list; None for all of it.

    Raises:
        BenchError: if originals are missing or changed, or nothing is large enough.
    """
    rows = listed() if rows is None else rows
    raw = originals(home)
    require_originals(rows, raw, "originals")
    names = dict(zip((row.file for row in rows), naming.ids([row.file for row in rows]), strict=True))
    figures = [row for row in rows if row.kind == "sprite"]
    stages = [row for row in rows if row.kind == "background" and row.group.startswith("renpy")]
    inks = {row.pair: row for row in rows if row.pair and row.kind == "ink"}
    pairs = {row.pair: row for row in rows if row.pair and row.kind == "color"}
    final = home / "data" / NAME / f"{size}px"
    with whole_folder(final) as folder:

        def make(row: Row) -> list[Draft | LeftOut]:
            maker = Maker(raw, folder, size, names[row.file])
            match row.domain, row.kind:
                case _, "video":
                    return maker.film(row)
                case "manga", "color":
                    return maker.pages(row, inks.get(row.pair))
                case "manga", "ink":
                    if row.pair not in pairs:
                        return [LeftOut(row.file, NO_TARGET)]
                    # A colour page of manga brings its drawing; a colour sheet of cartoon does not.
                    return maker.pages(pairs[row.pair], row) if pairs[row.pair].domain != "manga" else []
                case "manga", _:
                    return [LeftOut(row.file, NO_TARGET)]
                case "anime", "sprite":
                    return []  # it becomes a part of scenes
                case "anime", "background" if row in stages:
                    return [*maker.still(row), *maker.scenes(row, stages.index(row), figures, names)]
                case "cartoon", "page":
                    return maker.pages(row, None)
                case _:
                    return maker.still(row)

        # Films first: they take longest.
        tasks = sorted(rows, key=lambda row: row.kind != "video")
        made = [thing for things in work(make, tasks, report) for thing in things]
        drafts = [thing for thing in made if isinstance(thing, Draft)]
        if not drafts:
            raise BenchError(f"{NAME} has no image of {size} pixels or more; choose a smaller --size.")
        # No image has an empty name: these only settle the sides of their groups.
        items, leaks, notes = settle(folder, drafts, {(group, ""): side for group, side in SIDES.items()})
        left_out = [*(thing for thing in made if isinstance(thing, LeftOut)), *leaks]
        covered = {item.domain for item in items}
        manifest = Manifest(
            root=folder,
            collection=NAME,
            version=VERSION,
            size=size,
            items=items,
            left_out=tuple(sorted(left_out, key=lambda left: left.source)),
            notes=(*(note for note in NOTES if note.split(":")[0] in covered), *notes),
        )
        manifest = replace(without_copies(manifest), root=final)
        manifest.write(folder)
    return manifest
