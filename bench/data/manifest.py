"""Manifests and splits: which images, from where, in which split, with the digest of every pixel."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import files
from bench.data import png
from bench.data.standardize import PROTOCOL, RESAMPLER
from bench.errors import BenchError, unknown
from bench.types import DOMAINS, SPLITS, slug

SAFE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,119}")
"""An id is a file name on every system, and `<id>.page.png` is never another id's target."""

LONGEST = 400
"""Characters of what is wrong with a manifest: a name in it may be as long as the file."""

MAX_SIZE = 8192
HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Item:
    """One image of a collection.

    Attributes:
        id: unique in its domain; the name of its files.
        domain: such as `anime`.
        split: `train`, `val`, `test` or `series`.
        group: the series, film, story or page source; groups never cross train, val and test.
        source: the original file (and the second or panel in it), for people to read.
        pixels: SHA-256 of the decoded pixels, target then page.
        page: whether a drawn page is the condition, stored as `<id>.page.png`.
        clip: the id of the clip that it is a frame of; empty for a still.
        frame: its place in the clip, 0 first.
    """

    id: str
    domain: str
    split: str
    group: str
    source: str
    pixels: str
    page: bool = False
    clip: str = ""
    frame: int = 0


@dataclass(frozen=True)
class LeftOut:
    """A source that gave no item, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Split:
    """A part of one domain of one collection: an ordered list of images with one digest.

    Attributes:
        root: the folder that holds `<domain>/<id>.png`.
        collection: such as `open-v1`.
        domain: such as `anime`.
        name: `train`, `val`, `test` or `series`.
        size: the side of every image, in pixels.
        resampler: how the images were brought to that size.
        items: ordered by id.
        clips: whether they are frames of clips, which then follow one another.
        domain_images: images of the domain in all splits together.
    """

    root: Path
    collection: str
    domain: str
    name: str
    size: int
    resampler: str
    items: tuple[Item, ...]
    clips: bool = False
    domain_images: int | None = None

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over size, resampler and every id with its pixels and group, in order: all that a mean depends on.

        Of clips also over each frame's clip and place.
        """
        place = ("clip", "frame") if self.clips else ()
        facts: list[list[str | int]] = [[self.size, self.resampler]]
        facts += [[getattr(item, name) for name in ("id", "pixels", "group", *place)] for item in self.items]
        lines = [json.dumps(fact) for fact in facts]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def key(self) -> str:
        """The short name in signatures, such as `open-v1/anime/test:ab12cd34`; `test-clips` where they are clips."""
        return f"{self.collection}/{self.domain}/{self.name}{'-clips' if self.clips else ''}:{self.digest[:8]}"

    @property
    def groups(self) -> tuple[str, ...]:
        """The distinct groups, sorted."""
        return tuple(sorted({item.group for item in self.items}))

    def target_path(self, item: Item) -> Path:
        """Where the item's RGB image lies."""
        return target_path(self.root, item)

    def page_path(self, item: Item) -> Path:
        """Where the item's drawn page lies, if it has one."""
        return page_path(self.root, item)


@dataclass(frozen=True)
class Manifest:
    """One collection at one size.

    Attributes:
        root: the folder of `manifest.json`.
        collection: its name.
        version: of the rules that made it; another version is prepared again.
        size: the side of every image, in pixels.
        items: ordered by domain and id.
        left_out: sources without an item, with the reason.
        notes: what a reader of its numbers should know, one line each, `<domain>: ...` where it concerns one.
        resampler: how the images were brought to that size.
        protocol: the version of the evaluation protocol.
        inputs: for a user's collection, the digest of the files each domain was made from.
        clips: whether its items are frames of clips. Stills and clips of a collection have a manifest each.
    """

    root: Path
    collection: str
    version: str
    size: int
    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    resampler: str = RESAMPLER
    protocol: int = PROTOCOL
    inputs: dict[str, str] = field(default_factory=dict)
    clips: bool = False

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains it covers, in the order of every board."""
        return ordered_domains({item.domain for item in self.items})

    def counts(self) -> dict[str, dict[str, int]]:
        """Images by domain and split."""
        found = Counter((item.domain, item.split) for item in self.items)
        return {d: {s: found[d, s] for s in SPLITS if found[d, s]} for d in self.domains}

    def split(self, domain: str, name: str) -> Split:
        """The split of one domain.

        Raises:
            BenchError: if the collection has no such domain, or the domain no such split.
        """
        counts = self.counts()
        if domain not in counts:
            raise unknown(f"domain of {self.collection}", domain, list(counts))
        if name not in counts[domain]:
            raise unknown(f"split of {self.collection}/{domain}", name, list(counts[domain]))
        items = tuple(item for item in self.items if item.domain == domain and item.split == name)
        whole = sum(counts[domain].values())
        return Split(self.root, self.collection, domain, name, self.size, self.resampler, items, self.clips, whole)

    def write(self, root: Path | None = None) -> None:
        """Write `manifest.json` whole or not at all, into `root` or another folder."""
        value = {"schema": 1} | {
            name: getattr(self, name)
            for name in ("collection", "version", "protocol", "size", "resampler", "inputs", "notes")
        }
        if self.clips:
            value["clips"] = True
        value["left_out"] = [asdict(left) for left in self.left_out]
        value["items"] = [{name: getattr(item, name) for name in _item_fields(self.clips)} for item in self.items]
        files.write_json((root or self.root) / "manifest.json", value)


def target_path(root: Path, item: Item) -> Path:
    """Where an item's RGB image lies under the manifest's folder."""
    return root / item.domain / f"{item.id}.png"


def page_path(root: Path, item: Item) -> Path:
    """Where an item's drawn page lies under the manifest's folder."""
    return root / item.domain / f"{item.id}.page.png"


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Items in a manifest's order: by domain, then id."""
    return tuple(sorted(items, key=lambda item: (item.domain, item.id)))


def ordered_domains(domains: Iterable[str]) -> tuple[str, ...]:
    """The four domains in the order of every board, then others by name."""
    present = set(domains)
    return (*(d for d in DOMAINS if d in present), *sorted(present.difference(DOMAINS)))


def read(root: Path) -> Manifest:
    """Read `manifest.json` of a folder. Nothing in it is trusted before it is checked.

    Raises:
        BenchError: missing, unreadable, or with a name that must not form a path.
    """
    path = root / "manifest.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); prepare the collection again.") from error
    except (ValueError, RecursionError) as error:
        raise _broken(path, "it is not JSON") from error
    try:
        return _checked(root, value)
    except BenchError as error:
        raise _broken(path, str(error).rstrip(".")) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise _broken(path, f"a field is missing or of the wrong kind: {error}") from error


def verify(manifest: Manifest) -> list[str]:
    """Decode every file and compare it with the manifest; also check groups and clips.

    No group may cross train, val and test, of whatever domain. A clip's frames must be 0, 1, 2 ... in one split and
    group.

    Returns:
        One line for each thing wrong, empty if all is well.
    """
    with ThreadPoolExecutor() as pool:
        lines = [line for line in pool.map(lambda item: _wrong(manifest, item), manifest.items) if line]
    homes: dict[str, set[str]] = {}
    domains: dict[str, set[str]] = {}
    for item in manifest.items:
        homes.setdefault(item.group, set()).add("train" if item.split == "series" else item.split)
        domains.setdefault(item.group, set()).add(item.domain)
    for group, sides in homes.items():
        if len(sides) > 1:
            lines.append(
                f"{', '.join(ordered_domains(domains[group]))}: group {group!r} is in {' and '.join(sorted(sides))}"
            )
    return lines + _torn_clips(manifest)


def _torn_clips(manifest: Manifest) -> list[str]:
    lines = []
    clips = groupby(manifest.items, key=lambda item: (item.domain, item.clip)) if manifest.clips else ()
    seen: set[tuple[str, str]] = set()
    for (domain, clip), found in clips:
        items = list(found)
        frames = [item.frame for item in items]
        if (domain, clip) in seen:
            lines.append(f"{domain}: other images stand between the frames of clip {clip!r}")
        elif frames != list(range(len(frames))):
            lines.append(f"{domain}: the frames of clip {clip!r} are {_some(frames)}, not 0 to {len(frames) - 1}")
        elif len(homes := sorted({f"{item.split} of {item.group}" for item in items})) > 1:
            lines.append(f"{domain}: the frames of clip {clip!r} are in {' and '.join(homes)}")
        seen.add((domain, clip))
    return lines


def _some(numbers: list[int]) -> str:
    shown = [str(number) for number in numbers[:12]]
    return ", ".join(shown if len(shown) == len(numbers) else [*shown, "..."])


def load_item(root: Path, item: Item, size: int) -> tuple[Any, Any]:
    """Decode an item and check its pixels: the target (size, size, 3) and its page (size, size) or None, uint8.

    Raises:
        BenchError: missing, damaged, or other pixels than the manifest's.
    """
    target = png.read(target_path(root, item), (size, size, 3))
    page = png.read(page_path(root, item), (size, size)) if item.page else None
    if png.digest(target, page) != item.pixels:
        raise BenchError(f"{target_path(root, item)} has other pixels than its manifest says")
    return target, page


def _wrong(manifest: Manifest, item: Item) -> str | None:
    try:
        load_item(manifest.root, item, manifest.size)
    except BenchError as error:
        return str(error)
    return None


def _broken(path: Path, why: str) -> BenchError:
    why = why if len(why) <= LONGEST else f"{why[:LONGEST]}..."
    return BenchError(
        f"{path} is not a manifest that this version reads ({why}); remove its folder and prepare it anew."
    )


def _checked(root: Path, value: Any) -> Manifest:
    """Build a manifest from JSON, refusing what could not have been written by `Manifest.write`."""
    if value["schema"] != 1:
        raise BenchError(f"schema {value['schema']!r}, expected 1")
    clips = value.get("clips", False)
    if type(clips) is not bool:
        raise TypeError("clips")
    items = tuple(_checked_item(entry, clips) for entry in value["items"])
    if list(items) != list(in_order(items)):
        raise BenchError("its items are not in order")
    names = Counter((item.domain, item.id.casefold()) for item in items)
    if twice := [name for name, count in names.items() if count > 1]:
        raise BenchError(f"the id {twice[0][1]!r} stands twice")
    size = value["size"]
    if type(size) is not int or not 1 <= size <= MAX_SIZE:
        raise BenchError(f"size {size!r}")
    if value["protocol"] != PROTOCOL:
        raise BenchError(f"protocol {value['protocol']!r}, expected {PROTOCOL}")
    return Manifest(
        root=root,
        collection=slug("collection", _text(value["collection"])),
        version=_text(value["version"]),
        size=size,
        items=items,
        left_out=tuple(LeftOut(_text(left["source"]), _text(left["reason"])) for left in value["left_out"]),
        notes=tuple(_text(note) for note in value["notes"]),
        resampler=slug("resampler", _text(value["resampler"])),
        protocol=PROTOCOL,
        inputs={slug("domain", _text(domain)): _text(digest) for domain, digest in value["inputs"].items()},
        clips=clips,
    )


def _item_fields(clips: bool) -> tuple[str, ...]:
    """What is written of an item: of a still no clip and frame."""
    return tuple(name for name in Item.__dataclass_fields__ if clips or name not in ("clip", "frame"))


def _checked_item(entry: Any, clips: bool) -> Item:
    item = Item(**{name: entry[name] for name in _item_fields(clips)})
    if type(item.page) is not bool:
        raise TypeError("page")
    for text in (item.id, item.domain, item.split, item.group, item.source, item.pixels, item.clip):
        _text(text)
    slug("domain", item.domain)
    if not SAFE_ID.fullmatch(item.id):
        raise BenchError(f"the id {item.id!r} must not form a path")
    if type(item.frame) is not int or item.frame < 0:
        raise BenchError(f"the frame of {item.id} is {item.frame!r}, no number from 0 up")
    if clips and not SAFE_ID.fullmatch(item.clip):
        raise BenchError(f"the clip of {item.id} is {item.clip!r}, no id")
    if item.split not in SPLITS:
        raise unknown("split", item.split, list(SPLITS))
    if not HEX.fullmatch(item.pixels):
        raise BenchError(f"the digest of {item.id} is not a SHA-256")
    return item


def _text(value: Any) -> str:
    if not isinstance(value, str) or not (value.isascii() or _encodable(value)):
        raise TypeError(f"{value!r} is not text")
    return value


def _encodable(text: str) -> bool:
    """JSON can spell half a character (a lone surrogate), which no file takes."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
