"""Stills from films: one frame a second, in colours that are the same on every machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.standardize import NEAR_DUPLICATE, fingerprint
from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8
    from PIL.Image import Image

NEAR_BLACK = 8
"""Frames whose mean luma is below this show nothing: fades."""

SAME = 4
"""Frames that differ by less than so many levels on average, seen small, show the same: the camera did not move."""

BT709 = 1  # ITU-T H.273, table 4
UNSPECIFIED = 2
FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
WEIGHTS = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722)}


@dataclass(frozen=True)
class Still:
    """A frame of a film: `seconds` from its start, and the image, mode RGB."""

    seconds: float
    image: "Image"


def stills(path: Path, every: float = 1.0, crop: float = 0.0) -> Iterator[Still]:
    """Sample a film by its timestamps; near-black frames and near-duplicates of kept ones are passed over.

    Args:
        path: any video that FFmpeg reads.
        every: seconds from one sample to the next.
        crop: the share of each side that is cut off, such as the frame around an old film.

    Raises:
        BenchError: if it is not a video, or damaged before its end.
    """
    import av
    import numpy as np
    from av.error import FFmpegError
    from PIL import ImageStat

    last: int | None = None
    seen: list[Any] = []
    due = 0.0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BenchError(f"{path}: expected a video; came a file without one; remove it.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                if frame.time is None or frame.time < due:
                    continue
                due = (frame.time // every + 1) * every
                image = _cropped(_rgb(frame), crop)
                if ImageStat.Stat(image.convert("L")).mean[0] < NEAR_BLACK:
                    continue
                mark, small = fingerprint(image), np.asarray(image.resize((16, 16)), dtype=np.float64)
                small -= small.mean(axis=(0, 1))  # an exposure that drifts makes no new picture
                # On an empty wall noise turns the fingerprint's bits, so the small image is asked too.
                if last is not None and (mark ^ last).bit_count() <= NEAR_DUPLICATE:
                    continue
                if any(np.abs(small - other).mean() < SAME for other in seen):
                    continue
                last = mark
                seen.append(small)
                yield Still(frame.time, image)
    except (FFmpegError, OSError) as error:
        raise BenchError(f"{path}: expected a whole video; came a damaged one ({error}); replace it.") from error


def _rgb(frame: Any) -> "Image":
    """A frame's Y'CbCr planes to RGB. FFmpeg's own conversion differs in the last bit from machine to machine."""
    import numpy as np
    from PIL import Image

    if frame.format.name not in ("yuv420p", "yuvj420p", "yuv422p", "yuv444p"):
        frame = frame.reformat(format="yuv420p")
    size = frame.width, frame.height
    planes = [_plane(plane) for plane in frame.planes]
    y, cb, cr = (
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR), dtype=np.float64) for plane in planes
    )
    if frame.color_range == FULL_RANGE or frame.format.name == "yuvj420p":
        y, cb, cr = y / 255, (cb - 128) / 255, (cr - 128) / 255
    else:
        y, cb, cr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    # What says nothing of its matrix follows the custom: BT.709 in high definition, BT.601 below.
    high = frame.colorspace == BT709 or (frame.colorspace == UNSPECIFIED and frame.height >= 720)
    red, green, blue = WEIGHTS["bt709" if high else "bt601"]
    r = y + 2 * (1 - red) * cr
    b = y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / green
    rgb = np.rint(np.stack([r, g, b], axis=-1).clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(rgb)


def _plane(plane: Any) -> "UInt8[np.ndarray, 'h w']":
    import numpy as np

    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return np.ascontiguousarray(rows[: plane.height, : plane.width])


def _cropped(image: "Image", share: float) -> "Image":
    dx, dy = round(image.width * share), round(image.height * share)
    return image.crop((dx, dy, image.width - dx, image.height - dy))
