"""Stills by the clock, one a second: the rule that the published collection `open-v1` was made by."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.standardize import NEAR_DUPLICATE, fingerprint
from bench.data.video.decoding import opened
from bench.data.video.shots import Cuts

if TYPE_CHECKING:
    from PIL.Image import Image

NEAR_BLACK = 8
"""Frames whose mean luma is below this show nothing: fades."""

SAME = 4
"""Frames that differ by less than so many levels on average, seen small, show the same: the camera did not move."""


@dataclass(frozen=True)
class Still:
    """A frame of a film: its number from 0, the `seconds` at which it is shown, and the image, mode RGB."""

    number: int
    seconds: float
    image: "Image"


def stills(
    path: Path, every: float = 1.0, crop: float = 0.0, shown: bool = False, cuts: Cuts | None = None
) -> Iterator[Still]:
    """Sample a film by its timestamps; near-black frames and near-duplicates of kept ones are passed over.

    Args:
        path: any video that FFmpeg reads.
        every: seconds from one sample to the next.
        crop: the share of each side that is cut off, such as the frame around an old film.
        shown: frames as a player shows them: upright, in square pixels, of interlaced ones a field; else as they are
            stored, as `open-v1` has them.
        cuts: is fed with every frame, and closed behind the last: then it knows where the shots begin.

    Raises:
        BenchError: if it is not a video, damaged before its end, or in colours that have no conversion.
    """
    import numpy as np
    from PIL import Image, ImageStat

    from bench.data.video.pictures import picture, rgb, usable_colours

    last: int | None = None
    seen: list[Any] = []
    due = 0.0
    with usable_colours(path), opened(path, None) as film:
        for number, frame in film.frames():
            if cuts is not None:
                cuts.feed(number, frame)
            if frame.time is None or frame.time < due:
                continue
            due = (frame.time // every + 1) * every
            image = _cropped(Image.fromarray(picture(frame, film.aspect) if shown else rgb(frame)), crop)
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
            yield Still(number, frame.time, image)
    if cuts is not None:
        cuts.close()


def _cropped(image: "Image", share: float) -> "Image":
    dx, dy = round(image.width * share), round(image.height * share)
    return image.crop((dx, dy, image.width - dx, image.height - dy))
