"""Stills by the clock, one a second: the rule that the published collection `open-v1` was made by."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.standardize import NEAR_DUPLICATE, fingerprint
from bench.data.video.decoding import opened

if TYPE_CHECKING:
    from PIL.Image import Image

NEAR_BLACK = 8
"""Frames whose mean luma is below this show nothing: fades."""

SAME = 4
"""Frames that differ by less than so many levels on average, seen small, show the same: the camera did not move."""


@dataclass(frozen=True)
class Still:
    """A frame of a film: `seconds` from its start, and the image, mode RGB."""

    seconds: float
    image: "Image"


def stills(path: Path, every: float = 1.0, crop: float = 0.0) -> Iterator[Still]:
    """Sample a film by its timestamps; near-black frames and near-duplicates of kept ones are passed over.

    Frames are taken as they are stored: `bench.data.video.Reading` also turns them, and heeds the shape of a pixel.

    Args:
        path: any video that FFmpeg reads.
        every: seconds from one sample to the next.
        crop: the share of each side that is cut off, such as the frame around an old film.

    Raises:
        BenchError: if it is not a video, or damaged before its end.
    """
    import numpy as np
    from PIL import Image, ImageStat

    from bench.data.video.pictures import rgb

    last: int | None = None
    seen: list[Any] = []
    due = 0.0
    with opened(path, None) as film:
        for _, frame in film.frames():
            if frame.time is None or frame.time < due:
                continue
            due = (frame.time // every + 1) * every
            image = _cropped(Image.fromarray(rgb(frame)), crop)
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


def _cropped(image: "Image", share: float) -> "Image":
    dx, dy = round(image.width * share), round(image.height * share)
    return image.crop((dx, dy, image.width - dx, image.height - dy))
