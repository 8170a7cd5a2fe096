"""Exports that the package `datasets` loads: a folder of images with their facts, or Parquet files.

<folder>/                        <folder>/
  README.md                        README.md
  chromabench.json                 chromabench.json
  train/                           data/
    metadata.jsonl                   train-00000-of-00002.parquet
    <domain>--<id>.png               train-00001-of-00002.parquet
    <domain>--<id>.page.png          test-00000-of-00001.parquet
  test/ ...
"""

import json
import math
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bench.data.interchange import index as indexes
from bench.data.interchange.index import LARGEST_RECORD, Index, Packed, facts, packed
from bench.data.manifest import Item, Manifest
from bench.errors import BenchError

METADATA = "metadata.jsonl"
GROUP_BYTES = 16 * 2**20
"""So many bytes of images are in memory before they become a row group."""

ROWS = 16
"""Rows that are read at once."""


def file_name(item: Item) -> str:
    """The name of an image's file. No domain holds two dashes in a row, so no two images share a name."""
    return f"{item.domain}--{item.id}.png"


def page_name(item: Item) -> str:
    """The name of the file of its drawn page."""
    return f"{item.domain}--{item.id}.page.png"


def write_folder(manifest: Manifest, folder: Path, index: Index, done: Callable[[], None]) -> None:
    """Write `<split>/<domain>--<id>.png` with `metadata.jsonl`, the layout that `datasets` calls imagefolder."""
    pages = any(item.page for item in manifest.items)
    for split in index.splits:
        place = folder / split
        place.mkdir()
        with (place / METADATA).open("w", encoding="utf-8", newline="\n") as stream:
            for image in _images(manifest, index, split):
                item = image.item
                (place / file_name(item)).write_bytes(image.target)
                line: dict[str, Any] = {"file_name": file_name(item)}
                if image.page is not None:
                    (place / page_name(item)).write_bytes(image.page)
                if pages:
                    line["page_file_name"] = page_name(item) if image.page is not None else None
                stream.write(json.dumps(line | facts(item, index.clips), ensure_ascii=False) + "\n")
                done()
    _write_card(folder, {split: f"{split}/**" for split in index.splits})


def read_folder(folder: Path, index: Index) -> Iterator[Packed]:
    """The images of such a folder one after another.

    Raises:
        BenchError: a file is missing or no plain file, or a line names another file than its image's.
    """
    for split in index.splits:
        place = folder / split
        path = place / METADATA
        if place.is_symlink() or path.is_symlink() or not path.is_file():
            raise BenchError(f"{split}/{METADATA} is missing or a link")
        with path.open("rb") as stream:
            while line := stream.readline(LARGEST_RECORD):
                if not line.endswith(b"\n"):
                    raise BenchError(f"a line of {split}/{METADATA} is cut or too long")
                value = indexes.parsed(line)
                named = value.get("page_file_name") if isinstance(value, dict) else None
                item = indexes.item(value, named is not None, index.clips)
                if value.get("file_name") != file_name(item) or named not in (None, page_name(item)):
                    raise BenchError(f"{split}/{METADATA} names another file than {file_name(item)}")
                target = indexes.content(place / file_name(item), index.largest)
                page = indexes.content(place / page_name(item), index.largest) if item.page else None
                yield Packed(item, target, page)


def write_parquet(manifest: Manifest, folder: Path, index: Index, done: Callable[[], None]) -> None:
    """Write `data/<split>-<number>-of-<count>.parquet`, images as structs of `bytes` and `path`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    numbers = {"frame": pa.int32()}
    columns = {"image": kind, "page": kind}
    columns |= {name: numbers.get(name, pa.string()) for name in indexes.fields(index.clips)}
    schema = pa.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": _features(index.clips)}})})
    (folder / "data").mkdir()
    for split in index.splits:
        images = _images(manifest, index, split)
        for path in _shards(folder, index, split):
            with pq.ParquetWriter(path, schema, compression="snappy") as writer:
                rows: list[dict[str, Any]] = []
                held = 0
                for image in islice(images, index.shard):
                    target = {"bytes": image.target, "path": file_name(image.item)}
                    page = None if image.page is None else {"bytes": image.page, "path": page_name(image.item)}
                    rows.append({"image": target, "page": page} | facts(image.item, index.clips))
                    held += len(image.target) + len(image.page or b"")
                    if held >= GROUP_BYTES:
                        writer.write_table(pa.Table.from_pylist(rows, schema))
                        rows, held = [], 0
                    done()
                if rows:
                    writer.write_table(pa.Table.from_pylist(rows, schema))
    _write_card(folder, {split: f"data/{split}-*" for split in index.splits})


def read_parquet(folder: Path, index: Index) -> Iterator[Packed]:
    """The images of such files one after another, few rows in memory at once.

    Raises:
        BenchError: a file is missing, damaged, or has other columns or larger images.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ["image", "page", *indexes.fields(index.clips)]
    for split in index.splits:
        for path in _shards(folder, index, split):
            if path.parent.is_symlink() or path.is_symlink() or not path.is_file():
                raise BenchError(f"data/{path.name} is missing or a link")
            try:
                with pq.ParquetFile(path) as stored:
                    if lacking := sorted(set(columns).difference(stored.schema_arrow.names)):
                        raise BenchError(f"data/{path.name} has no column {lacking[0]}")
                    for batch in stored.iter_batches(ROWS, columns=columns):
                        for row in range(batch.num_rows):
                            yield _row({name: batch.column(name)[row].as_py() for name in columns}, index)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise BenchError(f"data/{path.name} is a damaged Parquet file") from error


def _row(cells: dict[str, Any], index: Index) -> Packed:
    target, page = _bytes(cells["image"], index), _bytes(cells["page"], index)
    item = indexes.item(cells, page is not None, index.clips)
    if target is None:
        raise BenchError(f"the table holds no image of {item.id}")
    return Packed(item, target, page)


def _bytes(cell: Any, index: Index) -> bytes | None:
    if cell is None:
        return None
    content = cell.get("bytes") if isinstance(cell, dict) else None
    if not isinstance(content, bytes) or len(content) > index.largest:
        raise BenchError("a cell of the table holds no image, or too large a one")
    return content


def _images(manifest: Manifest, index: Index, split: str) -> Iterator[Packed]:
    for part in index.parts:
        if part.split == split:
            yield from packed(manifest, part.domain, split)


def _shards(folder: Path, index: Index, split: str) -> Iterator[Path]:
    """The files of a split, one after another: how many there are is only said."""
    count = math.ceil(index.images(split) / index.shard)
    return (folder / "data" / f"{split}-{number:05d}-of-{count:05d}.parquet" for number in range(count))


def _features(clips: bool) -> dict[str, dict[str, str]]:
    image = {"_type": "Image"}
    kinds = {"frame": "int32"}
    values = {name: {"dtype": kinds.get(name, "string"), "_type": "Value"} for name in indexes.fields(clips)}
    return {"image": image, "page": image} | values


def _write_card(folder: Path, paths: dict[str, str]) -> None:
    """The README whose head tells `datasets` every split: by itself it would not know `series`."""
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split, path in paths.items():
        lines += [f"  - split: {split}", f"    path: {path}"]
    lines += [
        "---",
        "",
        "Images as ChromaBench standardized them. Their terms are those of the data set they are from.",
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
