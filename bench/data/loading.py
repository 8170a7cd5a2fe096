"""A split on disk becomes arrays in memory."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bench import files
from bench.data.manifest import Item, Split, load_item
from bench.errors import BenchError
from bench.types import Images, Track

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8


DIGEST = 32
"""Bytes of the SHA-256 that ends a kept array."""


def load(split: Split, track: Track, cache: Path | None = None) -> Images:
    """Read a split's targets and what the track shows of them.

    The condition `gray` is the drawn page where an item has one, else the luma of the target (protocol rule 2). Every
    image is checked against its digest, so what is scored is what the split's key names.

    Args:
        split: from `Manifest.split`.
        track: its condition must be `gray`.
        cache: a folder in which the decoded arrays are kept under the split's digest; None to keep nothing.

    Returns:
        Images, targets (n, size, size, 3) and conditions (n, size, size), uint8.

    Raises:
        BenchError: naming the first file that is missing or damaged, or for a condition that cannot be made here.
    """
    import numpy as np

    if track.condition != "gray":
        raise BenchError(f"images load with the condition 'gray'; track {track.name!r} asks for {track.condition!r}.")
    count, size = len(split), split.size
    kept = None if cache is None else cache / f"{split.digest}.{track.condition}.npy"
    pixels = count * size * size
    flat = None if kept is None else _cached(kept, pixels * 4)
    fresh = flat is None
    flat = np.empty(pixels * 4, np.uint8) if flat is None else flat
    # Targets first, then conditions: two contiguous views of one array, and one file to keep it.
    targets = flat[: pixels * 3].reshape(count, size, size, 3)
    conditions = flat[pixels * 3 :].reshape(count, size, size)
    if fresh:
        _decode(split, targets, conditions)
        if kept is not None:
            with files.whole(kept) as temporary, temporary.open("wb") as stream:
                np.save(stream, np.concatenate([flat, _digest(flat)]), allow_pickle=False)
    return Images(
        ids=tuple(item.id for item in split.items),
        groups=tuple(item.group for item in split.items),
        targets=targets,
        conditions=conditions,
    )


def _decode(split: Split, targets: "UInt8[np.ndarray, 'n h w 3']", conditions: "UInt8[np.ndarray, 'n h w']") -> None:
    from bench.color import luma

    def decode(place: int, item: Item) -> None:
        target, page = load_item(split.root, item, split.size)
        targets[place] = target
        conditions[place] = luma(target) if page is None else page

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [pool.submit(decode, place, item) for place, item in enumerate(split.items)]
        try:
            for job in jobs:
                job.result()
        except BenchError as error:
            pool.shutdown(cancel_futures=True)
            raise BenchError(
                f"{error}; run `bench data verify {split.collection}` to see all that is wrong."
            ) from error


def _cached(path: Path, length: int) -> "UInt8[np.ndarray, ' pixels'] | None":
    """The kept array, or None if there is none or it is not whole: it is only a copy, so it is made again."""
    import numpy as np

    try:
        kept = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = kept.dtype == np.uint8 and kept.shape == (length + DIGEST,)
    return kept[:length] if whole and (kept[length:] == _digest(kept[:length])).all() else None


def _digest(flat: "UInt8[np.ndarray, ' pixels']") -> "UInt8[np.ndarray, ' bytes']":
    import numpy as np

    return np.frombuffer(hashlib.sha256(flat.data).digest(), np.uint8)
