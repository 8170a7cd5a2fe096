"""Opening a collection by name: drawn, standardized from fetched originals, or added by the user."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data import manifest as manifests
from bench.data import open_v1, png
from bench.data.building import Progress, restore, whole_folder
from bench.data.manifest import Item, Manifest, in_order
from bench.data.workplace import alone
from bench.errors import BenchError, unknown
from bench.types import DOMAINS, SPLITS, slug

if TYPE_CHECKING:
    from bench.data.procedural import Shot

PROCEDURAL = "procedural-v1"
PROCEDURAL_VERSION = "1"
SLICES = "procedural-v1-slices"
SLICES_VERSION = "1"
TRAINED_ON = {SLICES: PROCEDURAL}
"""Collections for evaluation alone, and where the entries evaluated on them learn."""
BUILT_IN = (PROCEDURAL, SLICES, open_v1.NAME)
WITH_CLIPS = (PROCEDURAL, open_v1.NAME)
"""Built-in collections that prepare clips of their own."""
DEFAULT_SIZE = 128
LEAST_SIDE, MOST_SIDE = 32, 1024
"""Pixels a side of standardized images, as the command line takes them too."""
SERIES, PICTURES = 40, 48
"""How large the published procedural-v1 is."""
CLIPS_VERSION = "1"
CLIPS = 4
"""Clips of each series."""


def open_collection(
    home: Path, name: str, size: int | None = None, report: Progress | None = None, clips: bool = False
) -> Manifest:
    """The manifest of a collection at a size; the built-in ones are prepared when they are not there yet.

    Args:
        home: where everything lies.
        name: `procedural-v1`, `open-v1`, or a name given to `bench data add`.
        size: in pixels; None for the only size there is, or for 128 in a built-in collection that is not there yet.
        report: called with images or files done and in all, while a built-in one is prepared.
        clips: open its clips, which temporal tracks need, instead of its stills; without a size at that of the stills
            if there are no clips yet.

    Raises:
        BenchError: for an unknown name or size, for None where there are several, where the originals of open-v1
            are not fetched, or where there are no clips.
    """
    slug("collection", name)
    _restore(home, name)
    present = sizes(home, name, clips)
    if clips and name not in WITH_CLIPS and not present:
        if name not in names(home):
            raise unknown("collection", name, names(home))
        raise BenchError(f"{name} has no clips; temporal tracks need them: use {PROCEDURAL}, which draws its own.")
    if clips and size is None and not present:
        present = sizes(home, name)
    if size is None and len(present) > 1:
        raise BenchError(f"{name} is there at {_listed(present)} px; say which with --size.")
    if size is None and present:
        size = present[0]
    if name in (WITH_CLIPS if clips else BUILT_IN):
        return _built_in(home, name, DEFAULT_SIZE if size is None else require_side(size), report, clips)
    if not present:
        raise unknown("collection", name, names(home))
    if size not in present:
        raise BenchError(f"{name} is there at {_listed(present)} px, not {size}; choose one of these or add it again.")
    return manifests.read(folder(home, name, size, clips))


def _restore(home: Path, name: str) -> None:
    """What a command killed in the middle of exchanging a folder had taken from its place comes back."""
    for old in sorted((home / "data" / name).glob(".*.old")):
        restore(old.with_name(old.name[1:].split(".")[0]))


def _built_in(home: Path, name: str, size: int, report: Progress | None, clips: bool) -> Manifest:
    if name == SLICES:
        version = _slices_version(SERIES, PICTURES)
    elif name == open_v1.NAME:
        version = open_v1.CLIPS_VERSION if clips else open_v1.VERSION
    else:
        version = _clips_version(SERIES, CLIPS) if clips else _procedural_version(SERIES, PICTURES)
    root = folder(home, name, size, clips)
    if (root / "manifest.json").is_file() and _version(root) == version:
        return manifests.read(root)
    # Of several processes one prepares it, and the others find it there.
    with alone(root.parent, wait=True):
        if (root / "manifest.json").is_file() and _version(root) == version:
            return manifests.read(root)
        return _prepared(home, name, size, report, clips)


def _prepared(home: Path, name: str, size: int, report: Progress | None, clips: bool) -> Manifest:
    if name == PROCEDURAL and clips:
        return prepare_procedural_clips(home, size, report, SERIES, CLIPS)
    if name == PROCEDURAL:
        return prepare_procedural(home, size, report, SERIES, PICTURES)
    if name == SLICES:
        return prepare_slices(home, size, report, SERIES, PICTURES)
    return open_v1.prepare_clips(home, size, report) if clips else open_v1.prepare(home, size, report)


def _listed(present: list[int]) -> str:
    return " and ".join(map(str, present))


def prepare_procedural(
    home: Path,
    size: int,
    report: Progress | None = None,
    series: int = SERIES,
    pictures: int = PICTURES,
    workers: int | None = None,
) -> Manifest:
    """Draw procedural-v1 into `<home>/data/procedural-v1/<size>px`.

    Args:
        home: where everything lies.
        size: the side of every image, in pixels.
        report: called with images done and images in all.
        series: how many; fewer have other digests, and `open_collection` replaces them by the published ones.
        pictures: of each series.
        workers: processes that draw; None for as many as there are cores.

    Returns:
        Its manifest. Where this machine draws a probe picture otherwise than the published collection, a note says so.
    """
    from bench.data import procedural

    shots = procedural.plan(series=series, pictures=pictures)
    return _draw(home, size, shots, _procedural_version(series, pictures), False, report, workers)


def prepare_procedural_clips(
    home: Path,
    size: int,
    report: Progress | None = None,
    series: int = SERIES,
    clips: int = CLIPS,
    workers: int | None = None,
) -> Manifest:
    """Draw the clips of procedural-v1 into `<home>/data/procedural-v1/<size>px-clips`.

    They show the same series as the stills, split by series as these are.

    Args:
        home, size, report, workers: as for `prepare_procedural`.
        series: how many; fewer are replaced by the published ones when `open_collection` opens them.
        clips: of each series.

    Returns:
        Their manifest, with a note where this machine draws otherwise.
    """
    from bench.data import procedural

    shots = procedural.plan_clips(series=series, clips=clips)
    return _draw(home, size, shots, _clips_version(series, clips), True, report, workers)


def prepare_slices(
    home: Path,
    size: int,
    report: Progress | None = None,
    series: int = SERIES,
    pictures: int = PICTURES,
    workers: int | None = None,
) -> Manifest:
    """Draw the hard cases of procedural-v1 into `<home>/data/procedural-v1-slices/<size>px`: test and series pictures.

    Args:
        home, size, report, series, pictures, workers: as for `prepare_procedural`.

    Returns:
        Their manifest, with a note where this machine draws otherwise.
    """
    from bench.data import procedural

    shots = procedural.plan_slices(series=series, pictures=pictures)
    return _draw(home, size, shots, _slices_version(series, pictures), False, report, workers, SLICES)


def _draw(
    home: Path,
    size: int,
    shots: "Sequence[Shot]",
    version: str,
    clips: bool,
    report: Progress | None,
    workers: int | None,
    name: str = PROCEDURAL,
) -> Manifest:
    from bench.data import procedural

    require_side(size)
    notes = tuple(procedural.check_probe())
    final = folder(home, name, size, clips)
    items: list[Item] = []
    with whole_folder(final) as temporary:
        for domain in DOMAINS:
            (temporary / domain).mkdir()
            for shot, picture in zip(shots, procedural.draw_many(shots, domain, size, workers), strict=True):
                png.write(temporary / domain / f"{shot.id}.png", picture.image)
                if picture.page is not None:
                    png.write(temporary / domain / f"{shot.id}.page.png", picture.page)
                pixels = png.digest(picture.image, picture.page)
                source, page = f"drawn: {shot.id}", picture.page is not None
                place = (shot.clip, shot.frame) if clips else ("", 0)
                items.append(Item(shot.id, domain, shot.split, shot.series, source, pixels, page, *place))
                if report:
                    report(len(items), len(shots) * len(DOMAINS))
        manifest = Manifest(final, name, version, size, in_order(items), notes=notes, clips=clips)
        manifest.write(temporary)
    return manifest


def known(home: Path) -> list[dict[str, Any]]:
    """The rows of `bench data list`: one for each collection, size and domain, the built-in ones first, stills first.

    Returns:
        dicts with `collection`, `size`, `kind` (`stills` or `clips`), `domain`, the images of each split, and `state`:
        `ready`, or what is amiss. Size and domain are None where a built-in collection is not prepared or a manifest
        cannot be read.
    """
    rows = []
    for name in names(home):
        for clips in (False, True):
            present = sizes(home, name, clips)
            if not present and name in (WITH_CLIPS if clips else BUILT_IN):
                rows.append(_row(name, None, clips, None, {}, "not prepared yet"))
            for size in present:
                try:
                    counts = manifests.read(folder(home, name, size, clips)).counts()
                except BenchError as error:
                    rows.append(_row(name, size, clips, None, {}, str(error)))
                    continue
                rows.extend(_row(name, size, clips, domain, found, "ready") for domain, found in counts.items())
    return rows


def names(home: Path) -> list[str]:
    """The built-in collections, then the user's by name."""
    ends = (_end(False), _end(True))
    places = (path.parent for path in (home / "data").glob("*/*/manifest.json"))
    found = {place.parent.name for place in places if place.name.endswith(ends)}
    return [*BUILT_IN, *sorted(found.difference(BUILT_IN))]


def sizes(home: Path, name: str, clips: bool = False) -> list[int]:
    """The sizes in which a collection's stills, or its clips, are there, ascending."""
    end = _end(clips)
    found = (path.parent.name for path in (home / "data" / name).glob(f"*{end}/manifest.json"))
    return sorted(int(place) for name in found if (place := name.removesuffix(end)).isdecimal())


def folder(home: Path, name: str, size: int, clips: bool = False) -> Path:
    """Where a collection's stills, or its clips, of one size lie."""
    return home / "data" / name / f"{size}{_end(clips)}"


def _end(clips: bool) -> str:
    return "px-clips" if clips else "px"


def require_side(size: int) -> int:
    """Check a size that a user gave.

    Raises:
        BenchError: unless it is from `LEAST_SIDE` to `MOST_SIDE`.
    """
    if not LEAST_SIDE <= size <= MOST_SIDE:
        raise BenchError(
            f"--size must be from {LEAST_SIDE} to {MOST_SIDE} pixels; got {size}; choose such as 64, 128 or 256."
        )
    return size


def _procedural_version(series: int, pictures: int) -> str:
    return f"{PROCEDURAL_VERSION}, {series} series of {pictures}"


def _slices_version(series: int, pictures: int) -> str:
    return f"{SLICES_VERSION}, of {series} series of {pictures}"


def _clips_version(series: int, clips: int) -> str:
    return f"{CLIPS_VERSION}, {series} series of {clips} clips"


def _version(root: Path) -> str | None:
    """The version of a prepared folder, None if its manifest is not even JSON: then it is made again."""
    try:
        return json.loads((root / "manifest.json").read_text(encoding="utf-8"))["version"]
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _row(
    name: str, size: int | None, clips: bool, domain: str | None, counts: dict[str, int], state: str
) -> dict[str, Any]:
    kind = "clips" if clips else "stills"
    images = {split: counts.get(split, 0) for split in SPLITS}
    return {"collection": name, "size": size, "kind": kind, "domain": domain, **images, "state": state}
