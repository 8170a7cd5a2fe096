"""A split on disk becomes arrays in memory."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench import files
from bench.cores import cores
from bench.data.manifest import Item, Split, load_item
from bench.errors import BenchError
from bench.types import Images, Track

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8


DIGEST = 32
"""Bytes of the SHA-256 that ends a kept array."""

MAPPED = 2**30
"""Bytes from which on a kept array is read from its file where it is used, and not held in memory. A mapped file that
somebody cuts ends the process without a word, so what memory can bear is not mapped.
"""


def load(split: Split, track: Track, cache: Path | None = None) -> Images:
    """Read a split's targets, what the track shows of them, and what it tells besides.

    Conditions are made by `bench.conditions`, hints and palettes by `bench.guidance`. Every image is checked against
    its digest, so what is scored is what the split's key names.

    Args:
        split: from `Manifest.split`; of clips on a track with a previous frame, else of stills.
        track: what to show and tell.
        cache: a folder in which targets and conditions are kept under the split's digest; None to keep nothing. One
            that cannot be written, full or read-only, costs time and memory alone.

    Returns:
        Images, targets (n, size, size, 3) and conditions (n, size, size), uint8.

    Raises:
        BenchError: naming the first file that is missing or damaged, or the first image without a drawn page where the
            track asks for one; for clips on a track of stills, and the other way round.
    """
    import numpy as np

    from bench import conditions as rules
    from bench import guidance

    if track.temporal != split.clips:
        needed, given = ("clips", "stills") if track.temporal else ("stills", "clips")
        remedy = "leave the previous frame out of the track" if track.temporal else "add a previous frame to the track"
        raise BenchError(f"track {track.name} needs {needed}, and {split.key} holds {given}; {remedy}.")
    bare = next((item for item in split.items if not item.page), None)
    if track.condition == "lineart-drawn" and bare is not None:
        raise BenchError(
            f"track {track.name} shows the artist's own lines, and {bare.domain}/{bare.id} of {split.collection} comes "
            "without a drawn page; lineart-canny or lineart-sketch make lines from any image."
        )
    count, size = len(split), split.size
    kept = None if cache is None else cache / f"{split.digest}.{track.condition}.{rules.VERSION}.npy"
    pixels = count * size * size

    def views(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Targets first, then conditions: two contiguous views of one array, and one file to keep it.
        return flat[: pixels * 3].reshape(count, size, size, 3), flat[pixels * 3 :].reshape(count, size, size)

    flat = None if kept is None else _cached(kept, pixels * 4)
    if flat is None:
        flat = np.empty(pixels * 4, np.uint8)
        _decode(split, track.condition, *views(flat))
        if kept is not None:
            flat = _kept(kept, flat)
    targets, conditions = views(flat)
    ids = tuple(item.id for item in split.items)
    hints = palettes = None
    if "hints" in track.guidance:
        hints = np.empty((count, size, size, 4), np.uint8)
        for place, id in enumerate(ids):
            hints[place] = guidance.hints(targets[place], id)
    if "reference" in track.guidance:
        palettes = np.empty((count, guidance.BANDS, guidance.COLORS, 3), np.uint8)
        for place in range(count):
            palettes[place] = guidance.palette(targets[place])
    return Images(
        ids=ids,
        groups=tuple(item.group for item in split.items),
        targets=targets,
        conditions=conditions,
        hints=hints,
        palettes=palettes,
        frames=tuple(item.frame for item in split.items) if split.clips else None,
    )


def _decode(
    split: Split,
    condition: str,
    targets: "UInt8[np.ndarray, 'n h w 3']",
    conditions: "UInt8[np.ndarray, 'n h w']",
) -> None:
    from bench import conditions as rules

    def decode(place: int, item: Item) -> None:
        try:
            target, page = load_item(split.root, item, split.size)
        except BenchError as error:
            raise BenchError(
                f"{error}; run `bench data verify {split.collection}` to see all that is wrong."
            ) from error
        targets[place] = target
        conditions[place] = rules.condition(condition, target, page)

    with ThreadPoolExecutor(max_workers=cores()) as pool:
        jobs = [pool.submit(decode, place, item) for place, item in enumerate(split.items)]
        try:
            for job in jobs:
                job.result()
        except BenchError:
            pool.shutdown(cancel_futures=True)
            raise


def _kept(path: Path, flat: "UInt8[np.ndarray, ' pixels']") -> "UInt8[np.ndarray, ' pixels']":
    """Keep an array; what is kept, mapped, where it is large, else the array itself. What is kept is only a copy."""
    import numpy as np

    # Another process may have kept the same meanwhile, and others have mapped that: it is not replaced under them.
    found = _cached(path, len(flat))
    if found is not None:
        return found
    with suppress(OSError), files.whole(path) as temporary, temporary.open("wb") as stream:
        facts = {"descr": "|u1", "fortran_order": False, "shape": (len(flat) + DIGEST,)}
        np.lib.format.write_array_header_1_0(stream, facts)
        stream.write(flat.data)
        stream.write(_digest(flat).data)
    mapped = _cached(path, len(flat)) if len(flat) >= MAPPED else None
    return flat if mapped is None else mapped


def _cached(path: Path, length: int) -> "UInt8[np.ndarray, ' pixels'] | None":
    """The kept array, or None if there is none or it is not whole: it is only a copy, so it is made again."""
    import numpy as np

    try:
        # What is written to a mapped array stays with us.
        kept = np.load(path, mmap_mode="c" if length >= MAPPED else None, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = kept.dtype == np.uint8 and kept.shape == (length + DIGEST,)
    return kept[:length] if whole and (kept[length:] == _digest(kept[:length])).all() else None


def _digest(flat: "UInt8[np.ndarray, ' pixels']") -> "UInt8[np.ndarray, ' bytes']":
    import numpy as np

    return np.frombuffer(hashlib.sha256(flat.data).digest(), np.uint8)
