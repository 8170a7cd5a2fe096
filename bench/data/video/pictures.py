"""A decoded frame to an upright RGB picture, in colours that are the same on every machine.

Y'CbCr planes are converted here, in double precision from as many bits as they have: FFmpeg's own conversion differs in
the last bit from machine to machine, and cuts ten bits to eight first.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from bench.data.kernels import room, to_rgb
from bench.data.resampling import enlarge, seen, square
from bench.data.video.decoding import UnusableVideo

if TYPE_CHECKING:
    from av import VideoFrame
    from jaxtyping import UInt8, UInt16

BT709, UNSPECIFIED = 1, 2  # ITU-T H.273, table 4
FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
WEIGHTS = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722), "bt2020": (0.2627, 0.6780, 0.0593)}
"""Of luma: red, green, blue."""
MATRICES = {BT709: "bt709", 9: "bt2020", 10: "bt2020"}
"""Others are BT.601's, but for the few of `STRANGE`."""
STRANGE = {
    8: "YCgCo",
    11: "Y'D'zD'x",
    12: "derived",
    13: "derived",
    14: "ICtCp",
    15: "IPT-C2",
    16: "YCgCo",
    17: "YCgCo",
}
HDR = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3
HIGH_WIDTH, STANDARD_HEIGHT = 1280, 576
"""The least width of high definition, and the most lines of standard definition, as they are stored."""

SQUARE_PIXELS = 0.01
"""A picture whose pixels are square but for so small a share is not scaled for it."""


GRID = (24, 64)
"""About so many rows and columns of a frame are compared to tell a cut."""


class UnknownColours(ValueError):
    """Colours that have no honest conversion to 8-bit sRGB here; the message says which."""


@contextmanager
def usable_colours(path: Path) -> Iterator[None]:
    """Turn a film's colours that have no conversion into one line."""
    try:
        yield
    except UnknownColours as error:
        remedy = "convert it to 8-bit sRGB or BT.709 video, or skip it with --skip-damaged"
        raise UnusableVideo(path, "a video in BT.601 or BT.709", str(error), remedy) from error


def picture(frame: "VideoFrame", aspect: Fraction = Fraction(1)) -> "UInt8[np.ndarray, 'h w 3']":
    """A frame as a player shows it.

    Of an interlaced frame the first field counts, its lines scaled to the frame's height (bicubic): two moments in one
    picture would comb, and one field needs no neighbours. Then pixels become square (width is scaled, bicubic), then
    the display matrix turns and mirrors. Alpha is composited on white.

    Args:
        frame: of any 8- to 16-bit format that FFmpeg decodes to.
        aspect: width to height of a pixel.

    Raises:
        UnknownColours: for PQ, HLG, and matrices other than BT.601, BT.709 and BT.2020.
    """
    pixels = rgb(frame, field=frame.interlaced_frame)
    width = _shown_width(frame, aspect)
    if pixels.shape[:2] != (frame.height, width):
        pixels = np.asarray(Image.fromarray(pixels).resize((width, frame.height), Image.Resampling.BICUBIC))
    return _turned(pixels, frame)


def squares(frame: "VideoFrame", aspect: Fraction, sizes: Sequence[int]) -> "list[UInt8[np.ndarray, 'size size 3']]":
    """`bench.data.standardize.square` of `picture`, at several sizes; what no square shows is not converted."""
    height, width = frame.height, frame.width
    stored = not frame.interlaced_frame and _shown_width(frame, aspect) == width
    if not stored or frame.side_data.get("DISPLAYMATRIX") is not None:
        shown = picture(frame, aspect)
        return [square(shown, size) for size in sizes]
    spans = [seen(height, width, size) for size in sizes]
    begin, end = min(span[0] for span in spans), max(span[1] for span in spans)
    pixels = rgb(frame, (begin, end), out=room("rgb", height, end - begin, 3))
    return [square(pixels, size, begin, width) for size in sizes]


def shown_size(frame: "VideoFrame", aspect: Fraction) -> tuple[int, int]:
    """Width and height of `picture`, before it is turned."""
    return _shown_width(frame, aspect), frame.height


def rgb(
    frame: "VideoFrame", columns: tuple[int, int] | None = None, field: bool = False, out: Any = None
) -> "UInt8[np.ndarray, 'h w 3']":
    """A frame's pixels as they are stored, converted.

    Args:
        frame: of any 8- to 16-bit format that FFmpeg decodes to.
        columns: the first, and the one behind the last, that are wanted; None for all.
        field: the even lines alone.
        out: takes what is converted from Y'CbCr, instead of a new array.
    """
    if frame.color_trc in HDR:
        raise UnknownColours(f"high dynamic range ({HDR[frame.color_trc]})")
    frame = _planar(frame)
    begin, end = columns or (0, frame.width)
    planes = [_plane(frame, part)[:: 2 if field else 1] for part in range(len(frame.format.components))]
    bits = frame.format.components[0].bits
    alpha = planes.pop()[:, begin:end] if len(planes) in (2, 4) else None
    if frame.format.is_rgb or len(planes) == 1:
        parts = [np.ascontiguousarray(_eight_bits(plane[:, begin:end], 2**bits - 1)) for plane in planes]
        pixels = cv2.merge((parts * 3)[:3])
    else:
        out = np.empty((len(planes[0]), end - begin, 3), np.uint8) if out is None else out
        pixels = _converted(frame, planes, bits, begin, out)
    if alpha is not None and int(alpha.min()) < 2**bits - 1:
        mask = Image.fromarray(np.ascontiguousarray(_eight_bits(alpha, 2**bits - 1)))
        white = Image.new("RGB", mask.size, "white")
        pixels = np.asarray(Image.composite(Image.fromarray(pixels), white, mask))
    return pixels


def glance(frame: "VideoFrame") -> "UInt8[np.ndarray, 'h w 3']":
    """A frame seen very small, in BGR, by leaving out pixels: for telling a cut, not for the eye."""
    format = frame.format
    parts = format.components
    if format.is_rgb or format.has_palette or len({part.plane for part in parts}) < min(3, len(parts)):
        rows, columns = _steps(frame.height, frame.width, frame.height, frame.width)
        return np.ascontiguousarray(rgb(frame)[::rows, ::columns, ::-1])
    small, planes = [], frame.planes
    for place in (0, 2, 1) if len(parts) > 2 else (0, 0, 0):  # OpenCV wants Cr before Cb
        plane = _samples(planes[parts[place].plane], parts[place], format)
        rows, columns = _steps(frame.height, frame.width, *plane.shape)
        small.append(_top_bits(plane[::rows, ::columns], parts[place].bits))
    if len({plane.shape for plane in small}) > 1:  # odd sizes
        height, width = (min(plane.shape[axis] for plane in small) for axis in (0, 1))
        small = [plane[:height, :width] for plane in small]
    whole = cv2.merge(small)
    return cv2.cvtColor(whole, cv2.COLOR_YCrCb2BGR) if len(parts) > 2 else whole


@cache
def _steps(height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    """From one row, and one column, of a plane to the next that is seen at a glance.

    Few rows: memory that no other step has touched is what a glance costs.
    """
    down, across = (max(2, side // count // 2 * 2) for side, count in zip((height, width), GRID, strict=True))
    return max(1, down * rows // height), max(1, across * columns // width)


def _converted(
    frame: "VideoFrame", planes: list[Any], bits: int, begin: int, out: "UInt8[np.ndarray, 'h w 3']"
) -> "UInt8[np.ndarray, 'h w 3']":
    height, width = planes[0].shape
    scale = 2 ** (bits - 8)
    if frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj"):
        levels = (0.0, 2.0**bits - 1, 128.0 * scale, 2.0**bits - 1)
    else:
        levels = (16.0 * scale, 219.0 * scale, 128.0 * scale, 224.0 * scale)
    if frame.colorspace in STRANGE:
        raise UnknownColours(f"the colour matrix {STRANGE[frame.colorspace]}")
    # What says nothing of its matrix follows the custom: BT.709 in high definition, BT.601 below. A wide film in high
    # definition has few lines (1280x544), so its width counts too.
    high = frame.colorspace == UNSPECIFIED and (frame.width >= HIGH_WIDTH or frame.height > STANDARD_HEIGHT)
    weights = WEIGHTS["bt709" if high else MATRICES.get(frame.colorspace, "bt601")]
    if bits > 8:
        y, cb, cr = (_deep(plane, height, width) for plane in planes)
        cb, cr = (np.ascontiguousarray(plane[:, begin : begin + out.shape[1]]) for plane in (cb, cr))
    else:
        y = room("y", height, width)
        y[:] = planes[0]
        cb, cr = (
            enlarge(plane, width, begin, room(name, *out.shape[:2]))
            for name, plane in (("cb", planes[1]), ("cr", planes[2]))
        )
    return to_rgb(y, cb, cr, begin, *levels, *weights, out)


def _deep(plane: "UInt16[np.ndarray, 'h w']", height: int, width: int) -> Any:
    """A plane of more than eight bits at full size. Single precision holds it exactly, halves and quarters too."""
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _planar(frame: "VideoFrame") -> "VideoFrame":
    """The frame with a plane for each component: what is interleaved is taken apart, no value is changed."""
    format = frame.format
    parts = format.components
    if format.has_palette or (format.is_rgb and not format.is_planar):
        return frame.reformat(format="gbrap" if format.has_palette or len(parts) == 4 else "gbrp")
    if len({part.plane for part in parts}) == len(parts):
        return frame
    kind = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "411", (1, 2): "440"}
    ratio = frame.width // max(1, parts[1].width), frame.height // max(1, parts[1].height)
    deep = f"p{parts[0].bits}le" if parts[0].bits > 8 else "p"
    return frame.reformat(format=f"yuv{kind.get(ratio, '444')}{deep}")


def _plane(frame: "VideoFrame", place: int) -> Any:
    """One component's samples, uint8 or uint16, shape (h, w): a view."""
    part = frame.format.components[place]
    return _samples(frame.planes[part.plane], part, frame.format)


def _samples(plane: Any, part: Any, format: Any) -> Any:
    kind = np.dtype(np.uint8) if part.bits <= 8 else np.dtype(">u2" if format.is_big_endian else "<u2")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return rows[: plane.height, : plane.width]


def _eight_bits(plane: Any, whole: int) -> Any:
    """Levels from 0 to `whole` as levels from 0 to 255, rounded."""
    if whole == 255:
        return plane
    return ((plane.astype(np.uint32) * 255 + whole // 2) // whole).astype(np.uint8)


def _top_bits(plane: Any, bits: int) -> Any:
    return np.ascontiguousarray(plane if bits <= 8 else (plane >> (bits - 8)).astype(np.uint8))


def _shown_width(frame: "VideoFrame", aspect: Fraction) -> int:
    return frame.width if abs(aspect - 1) <= SQUARE_PIXELS else max(1, round(frame.width * aspect))


def _turned(pixels: "UInt8[np.ndarray, 'h w 3']", frame: "VideoFrame") -> "UInt8[np.ndarray, 'h w 3']":
    """Turned and mirrored as the display matrix says; it maps a pixel at (x, y) to (ax + cy, bx + dy)."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return pixels
    a, b, _, c, d = np.frombuffer(found, np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    pixels = pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(pixels)
