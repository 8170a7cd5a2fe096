"""The zip that `torch.export.save` writes, opened as data: JSON, and tensors from raw bytes. Nothing is unpickled."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from typing import Any

import torch
from torch import Tensor

from bench.errors import BenchError

READ_OR_PASSED = re.compile(
    r"archive_(?:format|version)|byteorder|version|\.data/.*|extra/.*|models/[^/]+\.json"
    r"|data/(?:weights|constants|sample_inputs)/[^/]+"
)
"""What a program's archive holds; a compiled one holds libraries besides."""

OTHERS = {
    "serialized_exported_program.json": "a program of torch before 2.8, whose weights are a pickle",
    "constants.pkl": "a TorchScript archive",
    "data.pkl": "a pickle of torch.save",
}
"""The other archives that torch writes, by a file in each."""

RAW = re.compile(r"(?:weight|tensor)_\d+")
GRAPH_BYTES = 1 << 28
STRIDED = 7
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""The number formats of the graph's schema; those of complex and quantized numbers are not read."""


class Members:
    """The archive's files without its root folder, each stored plain and none twice.

    Attributes:
        model: the name of the one graph.

    Args:
        archive: the open zip.
        length: of the file in bytes.

    Raises:
        BenchError: it is another archive of torch's, or holds what a program needs not.
    """

    def __init__(self, archive: zipfile.ZipFile, length: int):
        self._archive = archive
        infos = archive.infolist()
        if not infos or min(info.header_offset for info in infos):
            # What is left of a longer file can end like a whole one, because archives lie in archives.
            raise BenchError("is cut short, or something stands before it; save it again with torch.export.save")
        names = [name for info in infos for name in (info.filename, info.filename.partition("/")[2])]
        if "archive_format" not in names:
            kind = next((what for name, what in OTHERS.items() if name in names), "another zip file")
            raise BenchError(f"is {kind}, no program; save the model with torch.export.save of torch 2.9 or newer")
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename.partition("/")[2]
            if name in self._infos:
                raise BenchError(f"holds {name!r} twice")
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise BenchError(f"holds {name!r} compressed; use the file as torch.export.save writes it")
            self._infos[name] = info
        if sum(info.file_size for info in infos) > length:
            raise BenchError("says that it holds more bytes than it has")
        self._check()

    def _check(self) -> None:
        """One graph, and nothing besides what belongs to it."""
        if strange := [name for name in self._infos if not READ_OR_PASSED.fullmatch(name)]:
            raise BenchError(f"holds {min(strange)!r}, which a program needs not")
        models = [name for name in self._infos if name.startswith("models/")]
        if len(models) != 1:
            raise BenchError(f"holds {len(models)} models; it must hold one")
        (self.model,) = models
        name = self.model.removeprefix("models/").removesuffix(".json")
        for folder in ("weights", "constants"):
            if f"data/{folder}/{name}.pt" in self._infos:
                raise BenchError(
                    f"keeps its {folder} as a pickle, as torch before 2.9 writes them; save it with a newer one"
                )
        if "byteorder" in self and self.text("byteorder", 16) != sys.byteorder:
            raise BenchError("was written on a machine of another byte order")

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def bytes(self, name: str, most: int | None = None) -> bytes:
        info = self._infos[name]
        if most is not None and info.file_size > most:
            raise BenchError(f"holds {name!r} of {info.file_size:,} bytes, more than {most:,}")
        return self._archive.read(info)

    def text(self, name: str, most: int) -> str:
        return self.bytes(name, most).decode("utf-8")

    def json(self, name: str) -> Any:
        return json.loads(self.text(name, GRAPH_BYTES))


def tensors(members: Members, folder: str, config: str) -> dict[str, Tensor]:
    """Tensors by name; those that share a file share their memory.

    Args:
        members: the archive.
        folder: `data/weights/` or `data/constants/`.
        config: the JSON in it that names and shapes them.

    Raises:
        BenchError: one is an object or of a format that is not read.
        RuntimeError: one reaches beyond its bytes.
    """
    flat: dict[tuple[str, torch.dtype], Tensor] = {}
    found = {}
    for name, payload in members.json(folder + config)["config"].items():
        file, meta = payload["path_name"], payload["tensor_meta"]
        if payload["use_pickle"] is not False or not RAW.fullmatch(file):
            raise BenchError(f"keeps {name!r} as a pickled object; export a model of plain tensors only")
        dtype = DTYPES.get(meta["dtype"])
        if dtype is None or meta["layout"] != STRIDED:
            raise BenchError(f"keeps {name!r} in a number format that is not read; export it in float32")
        if (file, dtype) not in flat:
            data = members.bytes(folder + file)
            flat[file, dtype] = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
        sizes, strides = ([whole_number(one) for one in meta[key]] for key in ("sizes", "strides"))
        found[name] = flat[file, dtype].as_strided(sizes, strides, whole_number(meta["storage_offset"]))
    return found


def whole_number(size: dict[str, Any]) -> int:
    """A fixed size of the schema.

    Raises:
        KeyError: it is not fixed.
        ValueError: it is no size.
    """
    value = size["as_int"]
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"a size of {value!r}")
    return value
