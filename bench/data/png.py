"""Standardized images on disk: 8-bit PNG, RGB or gray, read and written with OpenCV at any path."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8


def write(path: Path, image: "UInt8[np.ndarray, 'h w ...']") -> None:
    """Write RGB (h, w, 3) or gray (h, w) as a PNG, lightly compressed. The folder must exist.

    Raises:
        OSError: as for any file.
    """
    import cv2

    # Runs of differences from the pixel to the left: half the time of the usual search for repetitions, files as small.
    level = cv2.IMWRITE_PNG_COMPRESSION, 1
    filtered = cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB
    runs = cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    _, encoded = cv2.imencode(".png", stored, [*level, *filtered, *runs])
    # Not cv2.imwrite: it cannot open every path that Python can.
    path.write_bytes(encoded.tobytes())


def read(path: Path, shape: tuple[int, ...]) -> "UInt8[np.ndarray, 'h w ...']":
    """Read a PNG that `write` wrote.

    Args:
        path: the file.
        shape: what it must be: (h, w, 3) for RGB, (h, w) for gray.

    Raises:
        BenchError: missing, damaged, or another size or kind; names the file and what is wrong with it.
    """
    import cv2
    import numpy as np

    try:
        data = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror})") from error
    if _header_shape(data) != shape:
        raise BenchError(f"{path} is not an 8-bit PNG of shape {shape}")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.shape != shape or image.dtype != np.uint8:
        raise BenchError(f"{path} is a damaged PNG")
    if len(shape) == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)
    return image


def digest(target: "UInt8[np.ndarray, 'h w 3']", page: "UInt8[np.ndarray, 'h w'] | None") -> str:
    """SHA-256 over the decoded pixels, target then page: the same whatever wrote or compressed the file."""
    import numpy as np

    state = hashlib.sha256(np.ascontiguousarray(target).data)
    if page is not None:
        state.update(np.ascontiguousarray(page).data)
    return state.hexdigest()


def _header_shape(data: bytes) -> tuple[int, ...] | None:
    """The shape a PNG header announces, read before any decoder runs; None if it is not an 8-bit gray or RGB PNG."""
    if len(data) < 33 or data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or data[24] != 8:
        return None
    size = int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    return {0: size, 2: (*size, 3)}.get(data[25])
