"""One picture from outside: its bytes are checked before a decoder sees them, and become a row of an array."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import UInt8

    Problem = tuple[str, str]

SIGNATURE = b"\x89PNG\r\n\x1a\n"

UNFINISHED = ("truncated", "damaged")
"""Problems that a file may have which is still being written."""

# The colour types of PNG (ISO/IEC 15948:2004, 11.2.2) that are not RGB.
_OTHER = {0: "gray", 3: "with a palette", 4: "with alpha", 6: "with alpha"}

_FORMATS = {b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}


def limit(shape: tuple[int, ...]) -> int:
    """The most bytes that a PNG of a shape may take: twice the pixels, and room for notes."""
    return 2 * shape[0] * shape[1] * 3 + 2**20


def decode(data: bytes, row: UInt8[np.ndarray, "h w 3"]) -> list[Problem]:
    """Decode a PNG into an array, if it is an 8-bit RGB PNG of its shape, whole and undamaged.

    Args:
        data: the file, or its first `limit` bytes and one more.
        row: takes the picture, 8-bit sRGB; contiguous. Left as it is, or partly written, where there is a problem.

    Returns:
        What is wrong, each as kind and detail; empty where nothing is.
    """
    import cv2

    problems = inspect(data, row.shape)
    if problems:
        return problems
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.shape != row.shape or image.dtype != np.uint8:
        return [("damaged", "")]
    cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=row)
    return []


def inspect(data: bytes, shape: tuple[int, ...]) -> list[Problem]:
    """What is wrong with a PNG's bytes, short of inflating them.

    Every chunk's length and checksum is read here: decoders differ in what they let pass.
    """
    if data[:8] != SIGNATURE:
        if SIGNATURE.startswith(data[:8]) or not any(data[:8]):  # some programs fill a file with zeros first
            return [("truncated", f"{len(data)} bytes")]
        return [(f"not PNG but {_format(data)}", "")]
    if len(data) < 33:
        return [("truncated", f"{len(data)} bytes")]
    if data[12:16] != b"IHDR":
        return [("damaged", "")]
    problems = []
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[24] == 16:
        problems.append(("16-bit", ""))
    if data[25] in _OTHER:
        problems.append((_OTHER[data[25]], ""))
    elif data[25] != 2 or data[24] not in (8, 16):
        problems.append(("damaged", ""))
    if (height, width) != tuple(shape[:2]):
        problems.append(("of another size", f"{height} x {width}"))
    if problems:
        return problems
    if len(data) > limit(shape):
        return [("with too much in the file", f"over {limit(shape):,} bytes")]
    return _chunks(data)


def _chunks(data: bytes) -> list[Problem]:
    """Walk the chunks (ISO/IEC 15948:2004, 5.3): length, kind, content, CRC-32 of kind and content."""
    view, place = memoryview(data), len(SIGNATURE)
    while place + 12 <= len(data):
        kind, end = data[place + 4 : place + 8], place + 12 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            break
        if zlib.crc32(view[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return [("damaged", "")]
        if kind == b"tRNS":
            return [("with alpha", "a transparent colour")]
        if kind == b"acTL":
            return [("animated", "")]
        if kind == b"IEND":
            return []
        place = end
    return [("truncated", f"{len(data)} bytes")]


def _format(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return "AVIF or HEIF"
    return next((name for start, name in _FORMATS.items() if data.startswith(start)), "something else")
