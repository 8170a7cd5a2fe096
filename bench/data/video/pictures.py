"""A decoded frame to an upright RGB picture, in colours that are the same on every machine.

Y'CbCr planes are converted here, in double precision from as many bits as they have: FFmpeg's own conversion differs in
the last bit from machine to machine, and cuts ten bits to eight first.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.data.kernels import to_rgb
from bench.data.resampling import enlarge

if TYPE_CHECKING:
    from av import VideoFrame
    from jaxtyping import UInt8, UInt16

BT709, UNSPECIFIED = 1, 2  # ITU-T H.273, table 4
FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
WEIGHTS = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722), "bt2020": (0.2627, 0.6780, 0.0593)}
"""Of luma: red, green, blue."""
MATRICES = {BT709: "bt709", 9: "bt2020", 10: "bt2020"}
"""Others are BT.601's, but for the few of `STRANGE`."""
STRANGE = {8: "YCgCo", 11: "Y'D'zD'x", 12: "derived", 13: "derived", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo", 17: "YCgCo"}
HDR = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3

SQUARE_PIXELS = 0.01
"""A picture whose pixels are square but for so small a share is not scaled for it."""


class UnknownColours(ValueError):
    """Colours that have no honest conversion to 8-bit sRGB here; the message says which."""


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
    width = frame.width if abs(aspect - 1) <= SQUARE_PIXELS else max(1, round(frame.width * aspect))
    if pixels.shape[:2] != (frame.height, width):
        pixels = np.asarray(Image.fromarray(pixels).resize((width, frame.height), Image.Resampling.BICUBIC))
    return _turned(pixels, frame)


def display_size(frame: "VideoFrame", aspect: Fraction) -> tuple[int, int]:
    """Width and height of `picture`, before it is turned."""
    return (frame.width if abs(aspect - 1) <= SQUARE_PIXELS else max(1, round(frame.width * aspect)), frame.height)


def rgb(frame: "VideoFrame", field: bool = False) -> "UInt8[np.ndarray, 'h w 3']":
    """A frame's pixels as they are stored, converted; of `field` the even lines alone."""
    import cv2

    if frame.color_trc in HDR:
        raise UnknownColours(f"high dynamic range ({HDR[frame.color_trc]})")
    frame = _planar(frame)
    planes = [_plane(frame, part)[:: 2 if field else 1] for part in range(len(frame.format.components))]
    bits = frame.format.components[0].bits
    alpha = planes.pop() if len(planes) in (2, 4) else None
    if frame.format.is_rgb or len(planes) == 1:
        whole = 2**bits - 1
        planes = [_eight_bits(plane, whole) for plane in planes]
        pixels = cv2.merge([np.ascontiguousarray(plane) for plane in (planes * 3)[:3]])
    else:
        pixels = cv2.merge(list(_converted(frame, planes, bits)))
    if alpha is not None and (opaque := 2**bits - 1) and int(alpha.min()) < opaque:
        mask = Image.fromarray(np.ascontiguousarray(_eight_bits(alpha, opaque)))
        white = Image.new("RGB", mask.size, "white")
        pixels = np.asarray(Image.composite(Image.fromarray(pixels), white, mask))
    return pixels


def glance(frame: "VideoFrame", columns: int = 96) -> "UInt8[np.ndarray, 'h w 3']":
    """A frame seen very small, in BGR, by leaving out pixels: for telling a cut, not for the eye."""
    import cv2

    format = frame.format
    step = max(2, frame.width // columns // 2 * 2)
    if not _is_planar_yuv(format):
        return np.ascontiguousarray(rgb(frame)[::step, ::step, ::-1])
    planes = [_plane(frame, part) for part in range(min(3, len(format.components)))]
    if len(planes) < 3:
        small = planes[0][::step, ::step]
        return cv2.merge([_top_bits(small, format.components[0].bits)] * 3)
    height, width = planes[0].shape
    small = []
    for place in (0, 2, 1):  # OpenCV wants Cr before Cb
        plane = planes[place]
        down, across = max(1, step * plane.shape[0] // height), max(1, step * plane.shape[1] // width)
        small.append(plane[::down, ::across])
    rows, wide = (min(plane.shape[axis] for plane in small) for axis in (0, 1))
    shown = [_top_bits(plane[:rows, :wide], format.components[0].bits) for plane in small]
    return cv2.cvtColor(cv2.merge(shown), cv2.COLOR_YCrCb2BGR)


def _converted(frame: "VideoFrame", planes: list[Any], bits: int) -> "UInt8[np.ndarray, '3 h w']":
    height, width = planes[0].shape
    if bits == 8:
        y, cb, cr = planes[0], *(enlarge(np.ascontiguousarray(plane), height, width) for plane in planes[1:])
    else:
        y, cb, cr = (_deep(plane, height, width) for plane in planes)
    scale = 2 ** (bits - 8)
    if frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj"):
        levels = (0.0, 2.0**bits - 1, 128.0 * scale, 2.0**bits - 1)
    else:
        levels = (16.0 * scale, 219.0 * scale, 128.0 * scale, 224.0 * scale)
    if frame.colorspace in STRANGE:
        raise UnknownColours(f"the colour matrix {STRANGE[frame.colorspace]}")
    # What says nothing of its matrix follows the custom: BT.709 in high definition, BT.601 below.
    high = frame.colorspace == UNSPECIFIED and frame.height >= 720
    matrix = "bt709" if high else MATRICES.get(frame.colorspace, "bt601")
    return to_rgb(np.ascontiguousarray(y), cb, cr, *levels, *WEIGHTS[matrix])


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


def _is_planar_yuv(format: Any) -> bool:
    parts = format.components
    return not format.is_rgb and not format.has_palette and len({part.plane for part in parts}) == len(parts)


def _plane(frame: "VideoFrame", place: int) -> Any:
    """One component's samples, uint8 or uint16, shape (h, w): a view."""
    part = frame.format.components[place]
    plane = frame.planes[part.plane]
    kind = np.dtype(np.uint8) if part.bits <= 8 else np.dtype(">u2" if frame.format.is_big_endian else "<u2")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return rows[: plane.height, : plane.width]


def _eight_bits(plane: Any, whole: int) -> Any:
    """Levels from 0 to `whole` as levels from 0 to 255, rounded."""
    if whole == 255:
        return plane
    return ((plane.astype(np.uint32) * 255 + whole // 2) // whole).astype(np.uint8)


def _top_bits(plane: Any, bits: int) -> Any:
    return np.ascontiguousarray(plane if bits <= 8 else (plane >> (bits - 8)).astype(np.uint8))


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
