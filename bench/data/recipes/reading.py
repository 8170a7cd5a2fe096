"""From a file to its images: a picture, colour and sketch side by side, an episode, a Parquet table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.manifest import LeftOut
from bench.data.recipes.recipe import HeldOut, Picture
from bench.data.standardize import UnusableImage, read_image
from bench.errors import BenchError

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE_BY_SIDE = 0.02
"""How far a pair's width may be from twice its height, as a share."""

GROUP_COLUMNS = ("group", "series", "episode", "film", "artist", "title")
IMAGE_COLUMNS = ("image", "img", "color", "colour", "target")
PAGE_COLUMNS = ("page", "sketch", "lineart", "lines", "drawing")
"""Columns of a table that are understood, the first that is there."""

ROWS = 16
"""Rows of a table that are in memory at once."""

LARGEST = 256 * 2**20
"""Bytes of one image in a table."""


def picture(file: Path) -> Iterator[Picture]:
    """A file with one image."""
    yield Picture(read_image(file))


def colour_left_sketch_right(file: Path) -> Iterator[Picture]:
    """A file with two squares side by side, the coloured image left and its sketch right.

    Raises:
        BenchError: other proportions, or more colour right than left.
    """
    both = read_image(file)
    half = both.width // 2
    if abs(both.width - 2 * both.height) > SIDE_BY_SIDE * both.width:
        raise UnusableImage(file, "two squares side by side", f"{both.width}x{both.height}", "give the original pairs")
    colour, sketch = both.crop((0, 0, half, both.height)), both.crop((half, 0, 2 * half, both.height))
    if _colourfulness(sketch) > _colourfulness(colour):
        raise UnusableImage(
            file, "the coloured image left and the sketch right", "more colour on the right", "swap the halves"
        )
    yield Picture(colour, _luma(sketch))


def episode(frames: int | None) -> Callable[[Path], Iterator[Picture | HeldOut]]:
    """A reader of videos that takes one frame in so many, at the file's own rate; None for one a second.

    Frames are taken as a player shows them. Last comes which of them, whole shots, are held out of train.
    """

    def read(file: Path) -> Iterator[Picture | HeldOut]:
        from bench.data import video

        cuts, said = video.Cuts(), {}
        for still in video.stills(file, 1.0 if frames is None else frames / rate(file), shown=True, cuts=cuts):
            when = f"{round(still.seconds * 1000):08d}"
            said[still.number] = f" at {when} ms"
            yield Picture(still.image, place=f"-{when}", said=said[still.number])
        yield HeldOut(frozenset(said[number] for number in video.held_out(list(said), cuts.sure())))

    return read


def rate(file: Path) -> float:
    """Frames a second of a video.

    Raises:
        BenchError: not a video, or it does not say.
    """
    from bench.data.video.decoding import opened

    with opened(file, None) as film:
        if film.rate is None:
            raise BenchError(
                f"{file}: expected a video that says its frames a second; came one that does not; remux it."
            )
        return float(film.rate)


def table(file: Path) -> Iterator[Picture | LeftOut]:
    """A Parquet file with images as Hugging Face writes them, structs of `bytes` and `path`; or a file of one image.

    Few rows are in memory at once. A row that cannot be used comes as what is left out.
    """
    if file.suffix.lower() != ".parquet":
        yield from picture(file)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as stored, tempfile.TemporaryDirectory() as scratch:
            images = [field.name for field in stored.schema_arrow if _holds_images(field.type)]
            image = _column(images, IMAGE_COLUMNS) or (images[0] if len(images) == 1 else None)
            if image is None:
                raise UnusableImage(
                    file,
                    f"a column of images (structs of bytes and path) named {', '.join(IMAGE_COLUMNS)}",
                    f"the columns {', '.join(stored.schema_arrow.names)}",
                    "rename the column",
                )
            page = _column(images, PAGE_COLUMNS)
            group = _column(stored.schema_arrow.names, GROUP_COLUMNS)
            columns = list(dict.fromkeys(name for name in (image, page, group) if name))
            row = 0
            for batch in stored.iter_batches(ROWS, columns=columns):
                for number in range(batch.num_rows):
                    cells = {name: batch.column(name)[number].as_py() for name in columns}
                    try:
                        drawn = _decoded(cells[page], Path(scratch)) if page and cells[page] else None
                        yield Picture(
                            image=_decoded(cells[image], Path(scratch)),
                            page=None if drawn is None else _luma(drawn),
                            place=f"-{row:07d}",
                            said=f" row {row}",
                            group=None if group is None else f"{group} {cells[group]}",
                        )
                    except UnusableImage as error:
                        yield LeftOut(f" row {row}", error.reason)
                    row += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnusableImage(file, "a whole Parquet file", f"a damaged one ({error})", "fetch it again") from error


def grouped_by_column(file: Path) -> bool:
    """Whether a Parquet file has a column that names groups. A damaged one has not; reading it will say so."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _column(pq.read_schema(file).names, GROUP_COLUMNS) is not None
    except (pa.ArrowException, OSError, ValueError):
        return False


def _holds_images(kind: Any) -> bool:
    import pyarrow as pa

    if not pa.types.is_struct(kind):
        return False
    fields = {field.name: field.type for field in kind}
    return "bytes" in fields and (pa.types.is_binary(fields["bytes"]) or pa.types.is_large_binary(fields["bytes"]))


def _column(there: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for name in wanted if name in there), None)


def _decoded(cell: Any, scratch: Path) -> Image:
    """The image of a cell, read by the same decoders and limits as a file."""
    content = cell.get("bytes") if isinstance(cell, dict) else None
    where = scratch / "image"
    if not isinstance(content, bytes):
        raise UnusableImage(where, "the bytes of an image", "none, perhaps a path", "embed the images in the table")
    if len(content) > LARGEST:
        raise UnusableImage(where, f"at most {LARGEST // 2**20} MiB", "a larger image", "leave it out")
    where.write_bytes(content)
    try:
        return read_image(where)
    finally:
        where.unlink()


def _luma(image: Image) -> Image:
    import numpy as np
    from PIL import Image

    from bench.color import luma

    return Image.fromarray(luma(np.asarray(image.convert("RGB"))))


def _colourfulness(image: Image) -> float:
    """How far the channels lie apart, on average."""
    import numpy as np

    return float(np.ptp(np.asarray(image), axis=2).mean())
