"""A gallery as a file: a plain zip with fixed dates, the same bytes for the same gallery. Nothing in it is trusted."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from itertools import chain
from math import isfinite
from pathlib import Path

import msgspec

from bench.errors import BenchError
from bench.files import whole
from bench.gallery.facts import Case, Exhibit, Gallery, Index, Sheet, Tile, Wall
from bench.predictions.archive import DAMAGE, open_zip
from bench.types import slug

FOLDER = "gallery"
"""Beside the boards."""

INDEX = "index.json"
INDEX_BYTES = 2**24
SHEET_BYTES = 2**22
ALL_BYTES = 2**26
DATE = (1980, 1, 1, 0, 0, 0)


def file_name(collection: str, size: int) -> str:
    """Of the gallery of a collection at a size."""
    return f"{collection}-{size}px.zip"


def of(folder: Path, collection: str, size: int) -> Gallery | None:
    """The gallery of a collection at a size; None where there is no such file.

    Raises:
        BenchError: as `read`, or it is of another collection or size.
    """
    path = folder / file_name(collection, size)
    if not path.is_file():
        return None
    found = read(path)
    if (found.index.collection, found.index.size) != (collection, size):
        raise BenchError(
            f"{path} holds the gallery of {found.index.collection} at {found.index.size} px; make it again: "
            f"bench gallery --collection {collection} --size {size}"
        )
    return found


def write(folder: Path, gallery: Gallery) -> Path:
    """Write a gallery under its name, whole or not at all.

    Raises:
        BenchError: its parts do not fit together.
    """
    index = gallery.index
    if why := _wrong(index):
        raise BenchError(f"a gallery must hold together: {why}.")
    path = folder / file_name(slug("collection", index.collection), index.size)
    with whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        packed = msgspec.json.format(msgspec.json.encode(index, order="deterministic"), indent=0)
        _add(archive, INDEX, packed, zipfile.ZIP_DEFLATED)
        for name, data in sorted(gallery.pictures.items()):
            _add(archive, name, data, zipfile.ZIP_STORED)
    return path


def read(path: Path) -> Gallery:
    """Read a gallery. Its size is bounded, names in it lead nowhere, and every picture is what the index says.

    Raises:
        BenchError: it is damaged, or nothing that `write` wrote.
    """
    try:
        with open_zip(path) as archive:
            if archive.getinfo(INDEX).file_size > INDEX_BYTES:
                raise _broken(path, f"its {INDEX} is larger than {INDEX_BYTES:,} bytes")
            index = msgspec.json.decode(archive.read(INDEX), type=Index)
            slug("collection", index.collection)
            if why := _wrong(index):
                raise _broken(path, why)
            wanted = {sheet.name: sheet for sheet in index.sheets}
            if sorted(archive.namelist()) != sorted([INDEX, *wanted]):
                raise _broken(path, "it holds other files than its index names")
            if any(archive.getinfo(name).file_size > SHEET_BYTES for name in wanted):
                raise _broken(path, f"a picture is larger than {SHEET_BYTES:,} bytes")
            if sum(entry.file_size for entry in archive.infolist()) > ALL_BYTES:
                raise _broken(path, f"it is larger than {ALL_BYTES:,} bytes")
            pictures = {name: archive.read(name) for name in sorted(wanted)}
    except KeyError as error:
        raise _broken(path, f"it has no {INDEX}") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _broken(path, f"its {INDEX}: {error}") from error
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}).") from error
    except DAMAGE as error:
        raise _broken(path, str(error)) from error
    for name, data in pictures.items():
        if why := _other(wanted[name], data, index.size):
            raise _broken(path, f"{name} {why}")
    return Gallery(index, pictures)


def _add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.compress_type, entry.create_system, entry.external_attr = method, 3, 0o100644 << 16
    archive.writestr(entry, data, compresslevel=9)


def _broken(path: Path, why: str) -> BenchError:
    return BenchError(f"{path} is not a gallery that this version reads ({why}); make it again: bench gallery")


def _other(sheet: Sheet, data: bytes, size: int) -> str:
    """Why a file is not the sheet that the index says; empty where it is. Only its head is looked at."""
    from PIL import Image, UnidentifiedImageError

    if hashlib.sha256(data).hexdigest() != sheet.digest:
        return "has another digest than its name"
    try:
        with Image.open(io.BytesIO(data), formats=[sheet.kind.upper()]) as picture:
            found = picture.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return f"is no {sheet.kind}"
    return "" if found == (size, size * sheet.tiles) else f"is {found[0]} x {found[1]} pixels"


def _wrong(index: Index) -> str:
    """The first thing in an index that does not hold together; empty if all is well."""
    digests = [sheet.digest for sheet in index.sheets]
    if len(digests) != len(set(digests)):
        return "a sheet stands in it twice"
    if not index.shown and index.sheets:
        return "it holds pictures that may not be shown"
    for wall in index.walls:
        if why := _wrong_wall(wall):
            return f"{wall.domain} {wall.track}: {why}"
        for tile in _tiles(wall):
            if tile.sheet >= len(index.sheets) or tile.place >= index.sheets[tile.sheet].tiles:
                return f"{wall.domain} {wall.track}: it has no picture {tile.sheet}:{tile.place}"
    for one in index.trainings:
        for name, line in (("validation", one.curve.validation), *one.curve.losses.items()):
            if len(line.steps) != len(line.values) or list(line.steps) != sorted(set(line.steps)):
                return f"the curve {name} of {one.entry} is not one value a step"
            if not all(map(isfinite, line.values)):
                return f"the curve {name} of {one.entry} is not finite"
    return ""


def _wrong_wall(wall: Wall) -> str:
    places = chain(wall.common, wall.clip, *([case.image for case in _cases(one)] for one in wall.exhibits))
    if any(place >= len(wall.images) for place in places):
        return "a case shows an image that is not there"
    for one in wall.exhibits:
        if tuple(case.image for case in one.common) != wall.common:
            return f"{one.entry} shows other common images"
        if one.clip is not None and len(one.clip.frames) != len(wall.clip):
            return f"{one.entry} shows another clip"
        if not all(isfinite(value) for case in _cases(one) for value in (one.ciede2000, *case.scores.values())):
            return f"a score of {one.entry} is not finite"
        if not all("ciede2000" in case.scores for case in _cases(one)):
            return f"a case of {one.entry} has no CIEDE2000"
    return ""


def _cases(one: Exhibit) -> tuple[Case, ...]:
    return (one.best, one.median, one.worst, *one.common)


def _tiles(wall: Wall) -> Iterator[Tile]:
    for image in wall.images:
        yield from filter(None, (image.target, image.condition))
    for one in wall.exhibits:
        for case in _cases(one):
            yield from filter(None, (case.prediction, case.heat))
        yield from one.clip.frames if one.clip else ()
