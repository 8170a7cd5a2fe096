"""Exports that the package `webdataset` streams: tar files of so many images, the same bytes every time.

<folder>/
  chromabench.json
  <domain>-<split>-000000.tar
    <id>.json                    what the manifest says of the image
    <id>.page.png                its drawn page, if it has one
    <id>.png
    ...
  <domain>-<split>-000001.tar ...
"""

import io
import json
import math
import re
import tarfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from bench.data.interchange import index as indexes
from bench.data.interchange.index import LARGEST_RECORD, Index, Packed, Part, facts, packed
from bench.data.manifest import SAFE_ID, Manifest
from bench.errors import BenchError

MEMBER = re.compile(rf"({SAFE_ID.pattern})\.(json|page\.png|png)")


def write_tars(manifest: Manifest, folder: Path, index: Index, done: Callable[[], None]) -> None:
    """Write the tar files: sorted, without times and owners."""
    for part in index.parts:
        images = packed(manifest, part.domain, part.split)
        for path in _shards(folder, index, part):
            with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
                for image in islice(images, index.shard):
                    said = facts(image.item, index.clips)
                    _put(tar, f"{image.item.id}.json", json.dumps(said, ensure_ascii=False).encode())
                    if image.page is not None:
                        _put(tar, f"{image.item.id}.page.png", image.page)
                    _put(tar, f"{image.item.id}.png", image.target)
                    done()


def read_tars(folder: Path, index: Index) -> Iterator[Packed]:
    """The images of the tar files one after another. Nothing is ever unpacked onto a disk.

    Raises:
        BenchError: a file is missing or damaged; a member is a link, a folder or a device, has a name that is no
            image's, is too large, or stands apart from the rest of its image.
    """
    for part in index.parts:
        for path in _shards(folder, index, part):
            if path.is_symlink() or not path.is_file():
                raise BenchError(f"{path.name} is missing or a link")
            try:
                yield from _images(path, part, index)
            except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
                raise BenchError(f"{path.name} is a damaged tar file") from error


def _images(path: Path, part: Part, index: Index) -> Iterator[Packed]:
    id, held = "", dict[str, bytes]()
    with tarfile.open(path, "r|") as tar:
        for member in tar:
            # Only plain files: no links, devices, folders; no sparse ones, whose size is a claim.
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
                raise BenchError(f"{path.name} holds {member.name[:80]!r}, which is not a plain file")
            match = MEMBER.fullmatch(member.name)
            if match is None:
                raise BenchError(f"{path.name} holds {member.name[:80]!r}, which is no image's name")
            largest = LARGEST_RECORD if match[2] == "json" else index.largest
            if member.size > largest:
                raise BenchError(f"{member.name} in {path.name} has {member.size:,} bytes, more than {largest:,}")
            if match[1] != id:
                if held:
                    yield _image(id, held, path, part, index)
                id, held = match[1], {}
            if match[2] in held:
                raise BenchError(f"{member.name} stands twice in {path.name}")
            stream = tar.extractfile(member)
            held[match[2]] = b"" if stream is None else stream.read(member.size)
    if held:
        yield _image(id, held, path, part, index)


def _image(id: str, held: dict[str, bytes], path: Path, part: Part, index: Index) -> Packed:
    if "json" not in held or "png" not in held:
        raise BenchError(f"{path.name} holds but {' and '.join(held)} of {id}")
    item = indexes.item(indexes.parsed(held["json"]), "page.png" in held, index.clips)
    if (item.id, item.domain, item.split) != (id, part.domain, part.split):
        raise BenchError(f"{id}.json in {path.name} speaks of another image")
    return Packed(item, held["png"], held.get("page.png"))


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(content))


def _shards(folder: Path, index: Index, part: Part) -> Iterator[Path]:
    """The files of a part, one after another: how many there are is only said."""
    count = math.ceil(part.images / index.shard)
    return (folder / f"{part.domain}-{part.split}-{number:06d}.tar" for number in range(count))
