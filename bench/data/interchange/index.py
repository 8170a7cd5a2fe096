"""What an export says of itself: one file beside the images, so that an import can tell whether it is whole."""

import json
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import files
from bench.data.manifest import HEX, MAX_SIZE, SAFE_ID, Item, LeftOut, Manifest, load_item
from bench.data.standardize import PROTOCOL
from bench.errors import BenchError
from bench.types import SPLITS, slug

INDEX = "chromabench.json"
FORMATS = ("hf", "parquet", "webdataset")
SHARD = 1000
"""Images in one tar or Parquet file."""

MOST = 10**9
"""Images of a split, or in a file: no collection comes near."""

LONGEST = 400
"""Characters of what is wrong with an export: a name in it may be as long as the file."""

LARGEST_INDEX = 256 * 2**20
LARGEST_RECORD = 64 * 2**10
"""Bytes of the index and of what is said of one image: nothing larger is read."""


@dataclass(frozen=True)
class Part:
    """One domain's split: how many images, and the digest that they must give."""

    domain: str
    split: str
    images: int
    digest: str


@dataclass(frozen=True)
class Index:
    """An export, without its images.

    Attributes:
        format: one of `FORMATS`.
        shard: images in one file of it.
        collection, version, size, resampler, protocol, clips, notes, left_out: as in a Manifest.
        parts: the splits of every domain.
    """

    format: str
    shard: int
    collection: str
    version: str
    size: int
    resampler: str
    protocol: int
    clips: bool
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    parts: tuple[Part, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits there are, in the order of `SPLITS`."""
        return tuple(name for name in SPLITS if any(part.split == name for part in self.parts))

    def images(self, split: str) -> int:
        """Images of a split, of all domains."""
        return sum(part.images for part in self.parts if part.split == split)

    @property
    def largest(self) -> int:
        """Bytes that an image file may have: twice its raw pixels, and some for what a PNG may say besides."""
        return 6 * self.size * self.size + 2**20

    def write(self, folder: Path) -> None:
        files.write_json(folder / INDEX, {"schema": 1} | asdict(self))


@dataclass(frozen=True)
class Packed:
    """An image on its way: what the manifest says of it, and its PNG files."""

    item: Item
    target: bytes
    page: bytes | None


def describe(manifest: Manifest, format: str, shard: int = SHARD) -> Index:
    """The index of an export of a manifest."""
    splits = [manifest.split(domain, name) for domain, names in manifest.counts().items() for name in names]
    return Index(
        format=format,
        shard=shard,
        collection=manifest.collection,
        version=manifest.version,
        size=manifest.size,
        resampler=manifest.resampler,
        protocol=manifest.protocol,
        clips=manifest.clips,
        notes=manifest.notes,
        left_out=manifest.left_out,
        parts=tuple(Part(split.domain, split.name, len(split), split.digest) for split in splits),
    )


def read(folder: Path) -> Index:
    """The index of an export. Nothing in it is trusted before it is checked.

    Raises:
        BenchError: none there, or not one that this version wrote.
    """
    path = folder / INDEX
    if not folder.is_dir():
        raise BenchError(f"expected the folder of an export; {folder} is none; give the folder that `export` wrote.")
    if not path.exists():
        raise BenchError(
            f"expected an export with {INDEX}; {folder} has none; a foreign data set becomes a collection with "
            f"`bench data add NAME {folder} --recipe huggingface --domain DOMAIN`."
        )
    try:
        value = json.loads(content(path, LARGEST_INDEX))
        return _checked(value)
    except BenchError as error:
        raise damaged(folder, f"{INDEX}: {error}") from error
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"{INDEX} is not what an export writes: {type(error).__name__}") from error


def packed(manifest: Manifest, domain: str, split: str) -> Iterator[Packed]:
    """The images of a split one after another, each compared with its digest.

    Raises:
        BenchError: a file is missing, damaged or another.
    """
    chosen = manifest.split(domain, split)
    for item in chosen.items:
        try:
            load_item(chosen.root, item, chosen.size)
        except BenchError as error:
            raise BenchError(f"{error}; run `bench data verify {manifest.collection}` to see all.") from error
        page = chosen.page_path(item).read_bytes() if item.page else None
        yield Packed(item, chosen.target_path(item).read_bytes(), page)


def facts(item: Item, clips: bool) -> dict[str, Any]:
    """What an export says of an image, besides whether it has a page."""
    return {name: getattr(item, name) for name in fields(clips)}


def fields(clips: bool) -> tuple[str, ...]:
    """The names of these facts."""
    return ("id", "domain", "split", "group", "source", "pixels", *(("clip", "frame") if clips else ()))


def item(value: Any, page: bool, clips: bool) -> Item:
    """An image from what an export says of it. No name passes that could form a path.

    Raises:
        BenchError: a fact is missing, of the wrong kind, or unsafe.
    """
    if not isinstance(value, dict):
        raise BenchError("what is said of an image is no set of facts")
    for name in fields(clips):
        kind = int if name == "frame" else str
        if type(value.get(name)) is not kind:
            raise BenchError(f"the {name} of an image is {str(value.get(name))[:80]!r}")
        if kind is str and _halved(value[name]):
            raise BenchError(f"the {name} of an image is no text: {value[name][:80]!r}")
    made = Item(**{name: value[name] for name in fields(clips)}, page=page)
    slug("domain", made.domain)
    if not SAFE_ID.fullmatch(made.id) or (clips and not SAFE_ID.fullmatch(made.clip)):
        raise BenchError(f"the id {made.id[:80]!r} must not form a path")
    if made.split not in SPLITS or not HEX.fullmatch(made.pixels) or made.frame < 0:
        raise BenchError(f"split, digest or frame of {made.id} is none")
    return made


def parsed(line: bytes) -> Any:
    """JSON from outside.

    Raises:
        BenchError: it is none.
    """
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BenchError("what is said of an image is not JSON") from error


def content(path: Path, largest: int) -> bytes:
    """The bytes of a file in an export, which must be a plain file of a sensible size.

    Raises:
        BenchError: missing, a link or another thing, or too large.
    """
    try:
        state = path.lstat()
        if not stat.S_ISREG(state.st_mode):
            raise BenchError(f"{path.name} is not a plain file")
        if state.st_size > largest:
            raise BenchError(f"{path.name} has {state.st_size:,} bytes, more than {largest:,}")
        return path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path.name} cannot be read ({error.strerror})") from error


def damaged(folder: Path, why: str) -> BenchError:
    """The error for an export that is not whole."""
    why = why if len(why) <= LONGEST else f"{why[:LONGEST]}..."
    return BenchError(f"{folder} is not a whole export ({why.rstrip('.')}); export it again, or fetch it again.")


def _checked(value: Any) -> Index:
    if value["schema"] != 1 or value["protocol"] != PROTOCOL:
        raise BenchError(f"schema {value['schema']!r} and protocol {value['protocol']!r}, expected 1 and {PROTOCOL}")
    if value["format"] not in FORMATS:
        raise BenchError(f"format {value['format']!r}")
    for name, least, most in (("shard", 1, MOST), ("size", 1, MAX_SIZE)):
        if type(value[name]) is not int or not least <= value[name] <= most:
            raise BenchError(f"{name} {value[name]!r}")
    if type(value["clips"]) is not bool:
        raise BenchError(f"clips {value['clips']!r}")
    parts = tuple(_part(entry) for entry in value["parts"])
    if not parts or len({(part.domain, part.split) for part in parts}) != len(parts):
        raise BenchError("no parts, or one twice")
    return Index(
        format=value["format"],
        shard=value["shard"],
        collection=slug("collection", _text(value["collection"])),
        version=_text(value["version"]),
        size=value["size"],
        resampler=slug("resampler", _text(value["resampler"])),
        protocol=PROTOCOL,
        clips=value["clips"],
        notes=tuple(_text(note) for note in value["notes"]),
        left_out=tuple(LeftOut(_text(left["source"]), _text(left["reason"])) for left in value["left_out"]),
        parts=parts,
    )


def _part(entry: Any) -> Part:
    part = Part(**{name: entry[name] for name in Part.__dataclass_fields__})
    counted = type(part.images) is int and 1 <= part.images <= MOST
    if part.split not in SPLITS or not counted or not HEX.fullmatch(part.digest):
        raise BenchError(f"the part {str(entry)[:80]}")
    slug("domain", part.domain)
    return part


def _text(value: Any) -> str:
    if not isinstance(value, str) or _halved(value):
        raise TypeError(f"{str(value)[:80]!r} is not text")
    return value


def _halved(text: str) -> bool:
    """Whether it holds half a character (a lone surrogate): JSON can spell one, and no file takes it."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
