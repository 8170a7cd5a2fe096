"""What a model painted, kept without loss: when a metric changes, it is scored again and no model runs.

One zip a record, its entries plain: `facts.json`, and blocks of 16 pictures. A block holds differences: red and blue
less green, then each row less the one above (modulo 256), packed by Zstandard at level 1. Flat and smooth pictures
become near-zeros, so a block is smaller than the PNGs and is read several times faster.
"""

from __future__ import annotations

import ast
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cores import cores
from bench.errors import BenchError
from bench.files import whole
from bench.predictions.archive import DAMAGE, open_zip
from bench.predictions.faults import LONGEST

if TYPE_CHECKING:
    from jaxtyping import UInt8

VERSION = 1
"""Of the kept file: another number leaves older files unread."""

BLOCK = 16
"""Pictures packed together."""

FACTS = "facts.json"

_LEVEL = 1
_FACTS_BYTES = 2**20


@dataclass(frozen=True)
class Origin:
    """What predictions depend on: of another origin they never serve.

    Attributes:
        split: the digest of the split's images.
        track: what the model saw, such as `gray+hints`.
        model: SHA-256 of the weights or of the model file, and of the code that paints with it.
    """

    split: str
    track: str
    model: str


@dataclass(frozen=True)
class Kept:
    """Predictions that lie in the store, whole.

    Attributes:
        path: the file.
        shape: (n, height, width, 3).
        notes: what was written down with them, such as how long the model took.
        blocks: the row at which each block begins.
    """

    path: Path
    shape: tuple[int, int, int, int]
    notes: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[int, ...] = ()

    def chunks(self, size: int = 256) -> Iterator[tuple[slice, UInt8[np.ndarray, "k h w 3"]]]:
        """The predictions in order, at least `size` at a time but for the last, as `bench.predictions.chunks` does.

        Raises:
            BenchError: the file was damaged since it was found.
        """
        bounds = [*self.blocks, self.shape[0]]
        groups, start = [], 0
        for place in range(1, len(bounds)):
            if bounds[place] - bounds[start] >= size or place == len(bounds) - 1:
                groups.append(range(start, place))
                start = place
        try:
            with open_zip(self.path) as archive, ThreadPoolExecutor(cores()) as pool:

                def unpacked(block: int, out: np.ndarray) -> None:
                    _unpack(archive.read(_entry(bounds[block])), out)

                for group in groups:
                    first, stop = bounds[group.start], bounds[group.stop]
                    chunk = np.empty((stop - first, *self.shape[1:]), np.uint8)
                    parts = [chunk[bounds[one] - first : bounds[one + 1] - first] for one in group]
                    list(pool.map(unpacked, group, parts))
                    yield slice(first, stop), chunk
        except (*DAMAGE, KeyError, OSError) as error:
            why = str(error)[:LONGEST]
            raise BenchError(f"{self.path} was changed while it was read ({why}); give the command again.") from error


@cache
def code(*modules: str) -> str:
    """SHA-256 of what some modules do, and of what they import of their own packages and of `baselines`.

    Comments, docstrings and layout paint nothing and do not count. Nor does what else they import: of `bench`, whose
    rules have versions of their own (`conditions`, `guidance`), and of packages such as torch.

    Args:
        modules: the names of modules that can be imported, such as `bench.colorize`.
    """
    own = {"baselines", *modules, *(name.partition(".")[0] for name in modules)} - {"bench"}
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        spec = None if name in found else _spec(name)
        if spec is None or not (path := Path(spec.origin or "")).is_file():
            continue
        if path.suffix != ".py":  # compiled
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            continue
        tree = _Wordless().visit(ast.parse(path.read_bytes()))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [resolve_name("." * node.level + (node.module or ""), spec.parent)]
                if (source := _spec(names[0])) and source.submodule_search_locations:
                    names += [f"{names[0]}.{alias.name}" for alias in node.names]
            else:
                continue
            waiting += [one for one in names if {one, one.partition(".")[0], one.rpartition(".")[0]} & own]
        found[name] = ast.dump(tree)
    found.pop("baselines", None)  # the registry: with one more model the others need not be run again
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


class _Wordless(ast.NodeTransformer):
    """Leaves out docstrings, also those under constants."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node


def _spec(name: str) -> ModuleSpec | None:
    """Where a module lies; it is not run. None where there is none of that name."""
    try:
        return find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None


def find(home: Path, stem: str, origin: Origin, ids: Sequence[str], shape: tuple[int, int, int, int]) -> Kept | None:
    """Look for kept predictions and check that the file is whole.

    Args:
        home: where what a run makes lies.
        stem: the record's name without its ending.
        origin: what they must depend on.
        ids: of the split, in order.
        shape: that they must have, (n, height, width, 3).

    Returns:
        None where there are none, the file is damaged or of another version, or it holds those of another split, track
        or model: it is only a copy, so it is made again.
    """
    path = _path(home, stem)
    try:
        with open_zip(path) as archive:
            if archive.getinfo(FACTS).file_size > _FACTS_BYTES:
                return None
            facts = json.loads(archive.read(FACTS))
            notes, blocks = facts.pop("notes"), tuple(facts.pop("blocks"))
            if facts != _facts(origin, ids, shape) or not isinstance(notes, dict) or not _cover(blocks, shape[0]):
                return None
            if sorted(archive.namelist()) != sorted([FACTS, *map(_entry, blocks)]) or archive.testzip() is not None:
                return None
    except (*DAMAGE, BenchError, KeyError, TypeError, AttributeError, RecursionError, OSError):
        return None
    return Kept(path, shape, notes, blocks)


@contextmanager
def keeping(
    home: Path, stem: str, origin: Origin, ids: Sequence[str], notes: Mapping[str, Any] | None = None
) -> Iterator[Callable[[UInt8[np.ndarray, "k h w 3"]], None]]:
    """Keep predictions as they are made.

    The file appears when the block ends without an error, in place of what was there under its name.

    Args:
        home: where what a run makes lies.
        stem: the record's name without its ending.
        origin: what they depend on.
        ids: of the split, in order.
        notes: what else to write down, as JSON can; it may still be filled inside the block.

    Yields:
        A function that takes the next predictions, 8-bit sRGB, any number at a time.

    Raises:
        BenchError: at the end, unless there was one prediction an id; at once, unless each is uint8 of one shape.
    """
    starts: list[int] = []
    count = 0
    shape: tuple[int, ...] = ()
    with (
        whole(_path(home, stem)) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
        ThreadPoolExecutor(cores()) as pool,
    ):

        def add(predictions: np.ndarray) -> None:
            nonlocal count, shape
            if predictions.dtype != np.uint8 or predictions.ndim != 4 or predictions.shape[-1] != 3:
                raise BenchError(
                    f"predictions to keep must be uint8 of shape (n, height, width, 3); got {predictions.dtype} "
                    f"{predictions.shape}."
                )
            if shape not in ((), predictions.shape[1:]):
                raise BenchError(f"predictions to keep must all be {shape}; got {predictions.shape[1:]}.")
            shape = predictions.shape[1:]
            parts = [predictions[start : start + BLOCK] for start in range(0, len(predictions), BLOCK)]
            # As many at a time as memory can bear whatever comes in at once.
            for first in range(0, len(parts), 16):
                some = parts[first : first + 16]
                for part, packed in zip(some, pool.map(_pack, some), strict=True):
                    archive.writestr(_entry(count), packed)
                    starts.append(count)
                    count += len(part)

        yield add
        if count != len(ids) or not shape:
            raise BenchError(f"one prediction an id must be kept; got {count} for {len(ids)} ids.")
        facts = _facts(origin, ids, (count, *shape)) | {"blocks": starts, "notes": dict(notes or {})}
        archive.writestr(FACTS, json.dumps(facts, allow_nan=False))


def _path(home: Path, stem: str) -> Path:
    return home / "predictions" / f"{stem}.kept"


def _entry(start: int) -> str:
    return f"{start:08d}.zst"


def _facts(origin: Origin, ids: Sequence[str], shape: Sequence[int]) -> dict[str, Any]:
    listed = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    return {"version": VERSION, **asdict(origin), "ids": listed, "shape": list(shape)}


def _cover(blocks: tuple[Any, ...], count: int) -> bool:
    """Whether blocks that begin there make up so many pictures."""
    bounds = [*blocks, count]
    if not blocks or not all(type(bound) is int for bound in bounds):
        return False
    return bounds[0] == 0 and all(0 < later - one <= BLOCK for one, later in pairwise(bounds))


def _pack(pictures: UInt8[np.ndarray, "k h w 3"]) -> bytes:
    import pyarrow

    plain = pictures.copy()
    for other in (0, 2):
        plain[..., other] -= pictures[..., 1]
    rows = plain.copy()
    rows[:, 1:] -= plain[:, :-1]
    return pyarrow.Codec("zstd", compression_level=_LEVEL).compress(rows.data, asbytes=True)


def _unpack(packed: bytes, out: UInt8[np.ndarray, "k h w 3"]) -> None:
    import pyarrow

    raw = pyarrow.Codec("zstd").decompress(packed, out.nbytes)
    out[:] = np.frombuffer(raw, np.uint8).reshape(out.shape)
    for row in range(1, out.shape[1]):
        out[:, row] += out[:, row - 1]
    for other in (0, 2):
        out[..., other] += out[..., 1]
