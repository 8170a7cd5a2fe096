"""Collections travel: to Hugging Face's `datasets`, to WebDataset, and back with the same digests."""

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.data import collections
from bench.data import manifest as manifests
from bench.data.building import Progress, whole_folder
from bench.data.interchange import huggingface, webdataset
from bench.data.interchange import index as indexes
from bench.data.interchange.index import FORMATS, INDEX, SHARD, Index, Packed
from bench.data.manifest import Item, Manifest, in_order, load_item
from bench.data.recipes.preparing import LEGACY
from bench.errors import BenchError, unknown
from bench.types import slug

__all__ = ["FORMATS", "INDEX", "export_split", "import_split"]

Write = Callable[[Manifest, Path, Index, Callable[[], None]], None]
Read = Callable[[Path, Index], Iterator[Packed]]

WRITERS: dict[str, Write] = {
    "hf": huggingface.write_folder,
    "parquet": huggingface.write_parquet,
    "webdataset": webdataset.write_tars,
}
READERS: dict[str, Read] = {
    "hf": huggingface.read_folder,
    "parquet": huggingface.read_parquet,
    "webdataset": webdataset.read_tars,
}


def export_split(
    manifest: Manifest, folder: Path, format: str, report: Progress | None = None, shard: int = SHARD
) -> Path:
    """Write every split of a collection into a new folder, whole or not at all. The same again gives the same bytes.

    Args:
        manifest: of the collection at one size, its stills or its clips.
        folder: is made; it must not exist, or be empty.
        format: `hf` (a folder of images that `datasets` loads as imagefolder), `parquet` (as `datasets` writes it) or
            `webdataset` (tar files).
        report: called with images done and images in all.
        shard: images in one tar or Parquet file.

    Returns:
        The folder.

    Raises:
        BenchError: an unknown format, a folder that holds something, or an image that is damaged.
    """
    if format not in FORMATS:
        raise unknown("format", format, list(FORMATS))
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise BenchError(f"expected a new or empty folder; {folder} is there and not empty; choose another.")
    if not manifest.items:
        raise BenchError(f"{manifest.collection} at {manifest.size} px has no images to export.")
    index = indexes.describe(manifest, format, shard)
    count, total = 0, len(manifest.items)

    def done() -> None:
        nonlocal count
        count += 1
        if report:
            report(count, total)

    with whole_folder(folder.resolve()) as temporary:
        WRITERS[format](manifest, temporary, index, done)
        index.write(temporary)
    return folder


def import_split(
    home: Path, name: str, folder: Path, size: int | None = None, report: Progress | None = None
) -> Manifest:
    """Read what `export_split` wrote into `<home>/data/<name>`; under its old name every key is as it was.

    Nothing in the folder is trusted: names are checked before they form a path, every image is decoded and compared
    with its digest, every split with its own. Few images are in memory at once.

    Args:
        home: where everything lies.
        name: of the collection.
        folder: of the export.
        size: that it must have, in pixels; None for any.
        report: called with images done and images in all.

    Returns:
        The manifest; the one that is there if it is the same.

    Raises:
        BenchError: foreign, damaged, incomplete or hostile input, or a name that is taken. Nothing is left behind then.
    """
    slug("collection", name)
    if name in collections.BUILT_IN:
        raise BenchError(f"the name {name!r} belongs to a built-in collection; choose another, such as 'my-{name}'.")
    index = indexes.read(folder)
    if index.collection.endswith(LEGACY) != name.endswith(LEGACY):
        leaks = "leaks" if index.collection.endswith(LEGACY) else "does not leak"
        raise BenchError(
            f"the split of {index.collection} {leaks}, and names end in {LEGACY!r} exactly where it does; "
            f"choose another name than {name!r}, such as {index.collection!r}."
        )
    if size not in (None, index.size):
        raise BenchError(f"{folder} holds images of {index.size} px, not {size}; leave --size out, or export {size}.")
    final = collections.folder(home, name, index.size, index.clips)
    if (final / "manifest.json").exists():
        before = manifests.read(final)
        if indexes.describe(before, index.format).parts == index.parts:
            return before
        raise BenchError(
            f"{name} at {index.size} px is already there with other images; choose another name, or remove {final}."
        )
    total = sum(part.images for part in index.parts)
    with whole_folder(final) as temporary:
        items: list[Item] = []
        try:
            for image in READERS[index.format](folder, index):
                if len(items) == total:
                    raise BenchError(f"more than its {total:,} images")
                items.append(_kept(temporary, image, index.size))
                if report:
                    report(len(items), total)
            made = Manifest(
                root=final,
                collection=name,
                version=index.version,
                size=index.size,
                items=in_order(items),
                left_out=index.left_out,
                notes=index.notes,
                resampler=index.resampler,
                clips=index.clips,
            )
            made.write(temporary)
            manifests.read(temporary)  # the same checks as on every later day: no id twice, none unsafe
            for part, came in zip(index.parts, indexes.describe(made, index.format).parts, strict=False):
                if part != came:
                    raise BenchError(f"{part.split} of {part.domain} has other images than it should")
            if len(items) != total:
                raise BenchError(f"{len(items):,} of its {total:,} images")
        except BenchError as error:
            raise indexes.damaged(folder, str(error)) from error
    return made


def _kept(folder: Path, image: Packed, size: int) -> Item:
    """Write an image where its id says, and see that it is the one its digest names."""
    item = image.item
    (folder / item.domain).mkdir(exist_ok=True)
    target = manifests.target_path(folder, item)
    if target.exists():
        raise BenchError(f"the id {item.id} stands twice in {item.domain}")
    target.write_bytes(image.target)
    if image.page is not None:
        manifests.page_path(folder, item).write_bytes(image.page)
    try:
        load_item(folder, item, size)
    except BenchError as error:
        raise BenchError(f"{item.domain}/{item.id}: damaged, of another size, or other pixels than said") from error
    return item
