"""How a sound file becomes a bad one: bytes are changed, and so is what the bytes mean."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

Mutator = Callable[[Random, bytes], bytes]

NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    255,
    256,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**63 - 1,
    2**64,
    -(2**63),
)
NAMES = (
    "../evil",
    "/etc/passwd",
    "..\\evil",
    "C:\\evil",
    "c:evil",
    "a/../../evil",
    "evil\0.png",
    "",
    ".",
    "..",
    "a" * 300,
    "a" * 5000,
    "\u0430nime",  # a Cyrillic letter that looks like a Latin one
    "a\u202egnp.exe",
    "e\u0301",
    "\ud800",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\\input{/etc/passwd}",
    "| --- |",
    "`id`",
    "$(id)",
    "%s%n",
    "line\nbreak",
    "\x1b[2J",
    "nul.png",
    "http://127.0.0.1:9/x",
    "file:///etc/passwd",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    *NUMBERS,
    1.5,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    10**400,
    *NAMES,
    [],
    {},
    [[]],
    {"": None},
    [0] * 50,
    "0" * 64,
    "x" * 50_000,
    "gray",
    "test",
    "train",
)


def raw(random: Random, data: bytes) -> bytes:
    """Bits, bytes, numbers, cuts, repeats."""
    made = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        at = random.randrange(len(made) + 1)
        kind = random.randrange(9)
        if not made or kind == 0:
            made[at:at] = random.randbytes(random.choice((1, 4, 30)))
        elif kind == 1:
            made[at % len(made)] ^= 1 << random.randrange(8)
        elif kind == 2:
            made[at % len(made)] = random.choice((0, 1, 127, 128, 255, 10, 34, 47, 92))
        elif kind == 3:
            size, order = random.choice((2, 4, 8)), random.choice(("little", "big"))
            made[at : at + size] = (random.choice(NUMBERS) % 256**size).to_bytes(size, order)
        elif kind == 4:
            del made[at : at + random.choice((1, 2, 8, 64))]
        elif kind == 5:
            del made[at:]
        elif kind == 6:
            made[at:at] = made[at : at + random.choice((4, 32, 256))]
        elif kind == 7:
            made[at:at] = random.choice(NAMES).encode("utf-8", "surrogatepass")
        else:
            other = random.randrange(len(made))
            made[at : at + 16] = made[other : other + 16]
    return bytes(made)


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        found.append((value, key))
        _places(item, found)


def tree(random: Random, value: Any) -> Any:
    """Plain facts with something else in one or a few places."""
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        found: list[tuple[Any, Any]] = []
        _places(value, found)
        if not found or random.random() < 0.02:
            value = random.choice(VALUES)
            continue
        where, key = random.choice(found)
        kind = random.randrange(8)
        if kind == 0 and isinstance(where, dict):
            del where[key]
        elif kind == 1 and isinstance(where, dict):
            where[random.choice((*NAMES, "x"))] = where.pop(key)
        elif kind == 2:
            other, name = random.choice(found)
            where[key] = json.loads(
                json.dumps(other.get(name) if isinstance(other, dict) else other[name % len(other)])
            )
        elif kind == 3 and isinstance(where, list):
            where.insert(key, where[key])
        elif kind == 4 and isinstance(where[key], str):
            where[key] = raw(random, where[key].encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        elif kind == 5 and isinstance(where[key], int):
            where[key] = where[key] + random.choice((-1, 1, 2**31, 2**63))
        else:
            where[key] = random.choice(VALUES)
    return value


def text(random: Random, data: bytes) -> bytes:
    """JSON with other facts, with keys twice, too deep, or no JSON."""
    if random.random() < 0.2:
        return raw(random, data)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return raw(random, data)
    if random.random() < 0.03:
        depth = random.choice((50, 900, 5000, 100_000))
        return b'{"a":' * depth if random.random() < 0.5 else b"[" * depth + b"]" * depth
    made = json.dumps(tree(random, value), ensure_ascii=random.random() < 0.7).encode("utf-8", "surrogatepass")
    if random.random() < 0.05:
        made = made.replace(b"{", b'{"schema": 7, ', 1)
    return made


def lines(random: Random, data: bytes) -> bytes:
    """One line of JSON lines."""
    rows = data.splitlines()
    if not rows:
        return raw(random, data)
    at = random.randrange(len(rows))
    rows[at : at + 1] = random.choice(([], [rows[at]] * 2, [text(random, rows[at])], [text(random, rows[at])]))
    return b"\n".join(rows) + b"\n"


def png(random: Random, data: bytes) -> bytes:
    """Chunks changed, with checksums that are right again."""
    if data[:4] != b"\x89PNG" or random.random() < 0.25:
        return raw(random, data)
    chunks, at = [], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        chunks.append([data[at + 4 : at + 8], data[at + 8 : end - 4]])
        at = end
    if not chunks:
        return raw(random, data)
    kind, one = random.randrange(6), random.choice(chunks)
    if kind == 0:
        header = bytearray(chunks[0][1])
        place = random.choice((0, 4))
        header[place : place + 4] = struct.pack(">I", random.choice((0, 1, 8, 9, 100_000, 2**31 - 1, 2**32 - 1)))
        chunks[0][1] = bytes(header)
    elif kind == 1:
        header = bytearray(chunks[0][1].ljust(13, b"\0"))
        header[random.randrange(8, 13)] = random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
        chunks[0][1] = bytes(header)
    elif kind == 2:
        one[1] = raw(random, one[1])
    elif kind == 3:
        chunks.insert(random.randrange(len(chunks) + 1), list(one))
    elif kind == 4:
        chunks.remove(one)
    else:
        names = (
            b"tRNS",
            b"acTL",
            b"fcTL",
            b"iCCP",
            b"zTXt",
            b"iTXt",
            b"eXIf",
            b"gAMA",
            b"cHRM",
            b"PLTE",
            b"sBIT",
            b"\0\0\0\0",
        )
        bomb = b"x\0\0" + zlib.compress(bytes(random.choice((10, 10**5, 10**6))))
        content = random.choice((b"", bytes(6), bomb, random.randbytes(40)))
        chunks.insert(random.randrange(1, len(chunks) + 1), [random.choice(names), content])
    made = data[:8]
    for name, content in chunks:
        checksum = zlib.crc32(name + content) ^ (random.random() < 0.03)
        made += struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
    return made


def npy(random: Random, data: bytes) -> bytes:
    """An array whose header says something else."""
    if data[:6] != b"\x93NUMPY" or random.random() < 0.3:
        return raw(random, data)
    end = 10 + int.from_bytes(data[8:10], "little")
    shape = random.choice(
        ("(0,)", "()", "(-1, 8, 8, 3)", "(3, 8, 8, 3)", "(1099511627776, 8, 8, 3)", "(3,)", "(True,)", "x")
    )
    kind = random.choice(
        ("|u1", "|O", "<f4", "<U9", "|S3", "|V3", "<U99999999", "[('a', '|O')]", "|i1", "<M8[s]", "bogus")
    )
    order = random.choice(("False", "False", "True", "0"))
    said = f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode() + b"\n"
    version = random.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\xff\0"))
    return data[:6] + version + struct.pack("<H", len(said)) + said + data[end:]


def safetensors(random: Random, data: bytes) -> bytes:
    """A header that says something else, of the length it says or another."""
    size = int.from_bytes(data[:8], "little")
    if random.random() < 0.3 or size > len(data):
        return raw(random, data)
    said = text(random, data[8 : 8 + size])
    length = len(said) if random.random() < 0.8 else random.choice(NUMBERS) % 2**64
    return struct.pack("<Q", length) + said + data[8 + size :]


BY_SUFFIX: dict[str, Mutator] = {
    ".json": text,
    ".jsonl": lines,
    ".png": png,
    ".npy": npy,
    ".safetensors": safetensors,
}


def members(data: bytes) -> list[tuple[str, bytes]]:
    """The files of a zip; none where it is broken."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    except Exception:
        return []


def packed(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Files as a zip without times."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name that stands twice
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name.encode("utf-8", "replace").decode()), content, method)
    return stream.getvalue()


def bundle(random: Random, data: bytes) -> bytes:
    """One of several files changed as its kind is; a file less, twice, or under another name."""
    files = members(data)
    if not files:
        return data
    at = random.randrange(len(files))
    name, content = files[at]
    kind = random.randrange(12)
    if kind == 0:
        del files[at]
    elif kind == 1:
        files.append((random.choice(("x.png", "a.png", *NAMES[:-4])), content))
    elif kind == 2:
        files[at] = (random.choice(files)[0], content)
    else:
        suffix = f".{name.rpartition('.')[2]}"
        change = tar if suffix == ".tar" else BY_SUFFIX.get(suffix, raw)
        files[at] = (name, change(random, content))
    return packed(files)


def archive(random: Random, data: bytes) -> bytes:
    """A zip: its files changed, its entries hostile, or its own tables wrong."""
    files = members(data)
    if not files or random.random() < 0.25:
        return raw(random, data)
    if random.random() < 0.6:
        made = bundle(random, data)
        if random.random() < 0.3:
            made = packed(members(made), zipfile.ZIP_DEFLATED)
        return made
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in files:
            entry = zipfile.ZipInfo(name)
            if random.random() < 0.3:
                entry.filename = random.choice(NAMES[:-1]).encode("utf-8", "replace").decode() or "x"
                entry.external_attr = random.choice((0o120777, 0o020666, 0o010644, 0o100644, 0o040755)) << 16
            method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            entry.compress_type = method if random.random() < 0.3 else zipfile.ZIP_STORED
            archive.writestr(entry, content + bytes(random.choice((0, 0, 0, 10**5))))
    made = bytearray(stream.getvalue())
    signature = random.choice((b"PK\1\2", b"PK\3\4", b"PK\5\6"))
    at = made.find(signature)
    if at >= 0 and random.random() < 0.7:  # sizes, offsets and flags that lie
        for _ in range(random.choice((1, 3))):
            place = at + random.randrange(4, 46)
            made[place : place + 2] = random.randbytes(2)
    return bytes(made)


def tar(random: Random, data: bytes) -> bytes:
    """Members with other names, kinds and sizes."""
    if random.random() < 0.3:
        return raw(random, data)
    stream = io.BytesIO()
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=stream, mode="w") as new:
            for member in old:
                found = old.extractfile(member)
                content = b"" if found is None else found.read()
                kind = random.randrange(12)
                if kind == 0:
                    member.name = random.choice(NAMES)
                elif kind == 1:
                    member.type = random.choice(
                        (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"S")
                    )
                    member.linkname = "/etc/passwd"
                    content = b""
                elif kind == 2:
                    content = (png if member.name.endswith("png") else text)(random, content)
                elif kind == 3:
                    continue
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    except (tarfile.TarError, LookupError, ValueError, OSError):
        return raw(random, data)
    return stream.getvalue()
