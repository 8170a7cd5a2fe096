"""Several colourings of each image by a model that draws: as many folders of predictions, read side by side."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.predictions.faults import LONGEST, NAMED, Fault, refusal
from bench.predictions.reading import CHUNK, Place, Submission, Wanted

if TYPE_CHECKING:
    from jaxtyping import UInt8

LEAST, MOST = 2, 100
"""How many colourings of an image may be given."""

ALIGNED = 32
"""Of so many images large pieces hold a multiple: a feature's last digits may hang on its place in a batch."""


class Samples:
    """Somebody's predictions of a model that draws, in the folders `0`, `1`, ... of one folder.

    Each of them is a whole submission, one colouring of every image, under all the rules of `Submission`. If anything
    is wrong with any of them, one error names what is wrong with all.

    Args:
        path: holds the folders, and nothing else but hidden files.
        wanted: the splits that will be read.
        count: how many folders.
        threads: that decode; None for as many as the process may use.

    Raises:
        BenchError: too few or too many colourings, another set of folders, or as `Submission`.
    """

    def __init__(self, path: Path, wanted: Mapping[Place, Wanted], count: int, threads: int | None = None):
        if not LEAST <= count <= MOST:
            raise BenchError(f"{LEAST} to {MOST} samples of each image can be scored; got {count}.")
        folders = [str(number) for number in range(count)]
        found = {one.name for one in path.iterdir() if not one.name.startswith(".")} if path.is_dir() else set()
        missing, odd = [name for name in folders if not (path / name).is_dir()], sorted(found - set(folders))
        if missing or odd:
            said = [f"{what} {_some(names)}" for what, names in (("missing", missing), ("unexpected", odd)) if names]
            raise BenchError(
                f"{count} samples need the folders 0 to {count - 1} in {path}, each with one picture for every id, and "
                f"nothing else; {'; '.join(said)}."
            )
        self.path = path
        self._shape = next(iter(wanted.values())).shape if wanted else (0, 0, 3)
        self._given = {name: Submission(path / name, wanted, threads=threads) for name in folders}

    def chunks(self, place: Place, size: int = CHUNK) -> Generator[tuple[slice, UInt8[np.ndarray, "samples k h w 3"]]]:
        """All colourings of one split, in its order, while the next are being decoded.

        Args:
            place: one of the splits wanted.
            size: how many pictures at a time, of all colourings together.

        Yields:
            Which images of the split, and their colourings, 8-bit sRGB. The array is the caller's.

        Raises:
            BenchError: at the end at the latest: every fault of every folder.
        """
        step = max(1, size // len(self._given))
        step -= step % ALIGNED if step > ALIGNED else 0
        readers = [one.chunks(place, step) for one in self._given.values()]
        while True:
            try:
                pieces = [piece for reader in readers if (piece := next(reader, None)) is not None]
            except BenchError:
                for reader in readers:
                    reader.close()
                raise refusal(self.path, self._shape, self.faults()) from None
            if not pieces:
                return
            yield pieces[0][0], np.stack([piece for _, piece in pieces])

    def faults(self) -> tuple[Fault, ...]:
        """Everything that is wrong in any folder, empty if nothing is: what was not read before is checked now."""
        return tuple(
            fault._replace(name=f"{folder}/{fault.name}")
            for folder, one in self._given.items()
            for fault in one.faults()
        )


def _some(names: list[str]) -> str:
    return ", ".join(name[:LONGEST] for name in names[:NAMED]) + (", ..." if len(names) > NAMED else "")
