"""The only colour constants: sRGB, CIE Lab (D65, 2 degrees), BT.601 luma and YUV, and the rounding to 8 bits.

The float functions take numpy arrays and torch tensors alike (torch is never imported here) and can be differentiated:
no gradient is NaN or infinite, black and pure primaries included. Protocol v1 fixes the sRGB matrix at the four digits
of IEC 61966-2-1 and the white at the chromaticity (0.3127, 0.3290): libraries that take another differ by 1e-3 in a
mean CIEDE2000.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from array_api_compat import array_namespace

from bench.errors import BenchError

if TYPE_CHECKING:
    from jaxtyping import UInt8

A = TypeVar("A")
"""A numpy array or a torch tensor: what goes in comes out."""

SRGB_TO_XYZ = (
    (0.4124, 0.3576, 0.1805),
    (0.2126, 0.7152, 0.0722),
    (0.0193, 0.1192, 0.9505),
)
"""Linear sRGB to CIE XYZ, the four digits of IEC 61966-2-1."""

XYZ_TO_SRGB = tuple(tuple(row) for row in np.linalg.inv(np.array(SRGB_TO_XYZ)).tolist())
"""Its numerical inverse, not the rounded one of the standard: there and back is the identity."""

WHITE_XY = (0.3127, 0.3290)
"""Chromaticity of D65 for the 2 degree observer."""

WHITE = (WHITE_XY[0] / WHITE_XY[1], 1.0, (1 - WHITE_XY[0] - WHITE_XY[1]) / WHITE_XY[1])
"""The same as XYZ with Y = 1."""

SRGB_KNEE = 0.04045
SRGB_LINEAR_KNEE = 0.0031308
"""Where the sRGB curve turns from a line (slope 12.92) into a power, on either side (IEC 61966-2-1)."""

LAB_EPSILON = (6 / 29) ** 3
LAB_KAPPA = (29 / 3) ** 3
"""Where the cube root of CIE Lab turns into a line, and that line's slope times 116 (CIE 15:2004, 8.2.1)."""

BT601 = (0.299, 0.587, 0.114)
"""Weights of R', G', B' in luma (ITU-R BT.601-7, 2.5.1)."""

U_RANGE = 2 * (1 - BT601[2])
V_RANGE = 2 * (1 - BT601[0])
"""1.772 and 1.402: B' - Y' and R' - Y' divided by these lie in [-0.5, 0.5]."""


def luma(rgb: "UInt8[np.ndarray, '*batch 3']") -> "UInt8[np.ndarray, '*batch']":
    """The gray of protocol v1: BT.601 luma of 8-bit sRGB, rounded half up in integers, so the same on every machine.

    Args:
        rgb: 8-bit sRGB, channels last.

    Returns:
        (299 R + 587 G + 114 B + 500) // 1000, without the last axis.

    Raises:
        BenchError: unless `rgb` is a uint8 numpy array with three channels last.
    """
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim < 1 or rgb.shape[-1] != 3:
        raise BenchError(f"luma needs a uint8 array of shape (..., 3); got {_described(rgb)}.")
    red, green, blue = (rgb[..., channel].astype(np.int32) for channel in range(3))
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)


def srgb_to_lab(rgb: A, axis: int = -1) -> A:
    """CIE Lab under D65 (2 degrees) of sRGB (IEC 61966-2-1; CIE 15:2004, 8.2.1).

    Args:
        rgb: floats in [0, 1]; three channels along `axis`.
        axis: the channels' axis, -1 for (..., h, w, 3), 1 for (n, 3, h, w).

    Returns:
        L in [0, 100], a and b roughly in [-110, 110], in the shape of `rgb`.

    Raises:
        BenchError: unless `rgb` holds floats and three channels along `axis`.
    """
    xp, channels = _channels(rgb, axis, "srgb_to_lab")
    linear = [_decoded(xp, channel) for channel in channels]
    x, y, z = (
        _cube_root(xp, sum(weight * channel for weight, channel in zip(row, linear, strict=True)) / white)
        for row, white in zip(SRGB_TO_XYZ, WHITE, strict=True)
    )
    return xp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=axis)


def srgb_to_linear(rgb: A) -> A:
    """Linear light in [0, 1] of sRGB in [0, 1] (IEC 61966-2-1), floats of any shape.

    Raises:
        BenchError: unless `rgb` is floating point.
    """
    return _decoded(_floats(rgb, "srgb_to_linear"), rgb)


def lab_to_srgb(lab: A, axis: int = -1) -> A:
    """The inverse of `srgb_to_lab`; colours outside sRGB are clipped to it channel by channel.

    Args:
        lab: L in [0, 100], a, b; floats, three channels along `axis`.
        axis: the channels' axis.

    Returns:
        sRGB in [0, 1], in the shape of `lab`.

    Raises:
        BenchError: unless `lab` holds floats and three channels along `axis`.
    """
    xp, (lightness, a, b) = _channels(lab, axis, "lab_to_srgb")
    y = (lightness + 16) / 116
    xyz = [white * _cubed(xp, f) for f, white in zip((y + a / 500, y, y - b / 200), WHITE, strict=True)]
    encoded = [_encoded(xp, sum(weight * value for weight, value in zip(row, xyz, strict=True))) for row in XYZ_TO_SRGB]
    return xp.clip(xp.stack(encoded, axis=axis), 0, 1)


def rgb_to_yuv601(rgb: A, axis: int = -1) -> A:
    """Full-range BT.601 YUV of gamma-coded RGB, each channel in [0, 1]; gray has U = V = 0.5.

    Args:
        rgb: floats in [0, 1]; three channels along `axis`.
        axis: the channels' axis.

    Returns:
        Y, U, V in [0, 1], in the shape of `rgb`.

    Raises:
        BenchError: unless `rgb` holds floats and three channels along `axis`.
    """
    xp, (red, green, blue) = _channels(rgb, axis, "rgb_to_yuv601")
    y = BT601[0] * red + BT601[1] * green + BT601[2] * blue
    return xp.stack([y, (blue - y) / U_RANGE + 0.5, (red - y) / V_RANGE + 0.5], axis=axis)


def yuv601_to_rgb(yuv: A, axis: int = -1) -> A:
    """The inverse of `rgb_to_yuv601`; colours outside RGB are clipped to it channel by channel.

    Args:
        yuv: Y, U, V in [0, 1]; floats, three channels along `axis`.
        axis: the channels' axis.

    Returns:
        RGB in [0, 1], in the shape of `yuv`.

    Raises:
        BenchError: unless `yuv` holds floats and three channels along `axis`.
    """
    xp, (y, u, v) = _channels(yuv, axis, "yuv601_to_rgb")
    red = y + V_RANGE * (v - 0.5)
    blue = y + U_RANGE * (u - 0.5)
    green = (y - BT601[0] * red - BT601[2] * blue) / BT601[1]
    return xp.clip(xp.stack([red, green, blue], axis=axis), 0, 1)


def quantize(rgb: A) -> A:
    """Protocol rule 3: a prediction is clipped and rounded half to even to 8 bits once.

    Args:
        rgb: floats, meant for [0, 1]; any shape. Half precision is widened to float32 first.

    Returns:
        uint8, in the shape of `rgb`.

    Raises:
        BenchError: if `rgb` is not floating point, or holds NaN.
    """
    xp = _floats(rgb, "quantize")
    wide: Any = rgb
    if wide.dtype not in (xp.float32, xp.float64):
        wide = xp.astype(wide, xp.float32)
    if bool(xp.any(xp.isnan(wide))):
        raise BenchError("quantize needs numbers; the prediction holds NaN. Was its training stable?")
    return xp.astype(xp.round(xp.clip(wide, 0, 1) * 255), xp.uint8)


def _described(value: object) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{getattr(value, 'dtype', '?')} {tuple(shape)}"


def _floats(array: Any, caller: str) -> ModuleType:
    """The namespace of a floating-point array; 8-bit values passed for [0, 1] are the commonest mistake here."""
    try:
        xp = array_namespace(array)
    except TypeError:
        raise BenchError(f"{caller} needs a numpy array or a torch tensor; got {_described(array)}.") from None
    if not xp.isdtype(array.dtype, "real floating"):
        raise BenchError(f"{caller} needs floats in [0, 1] (divide 8-bit values by 255); got {_described(array)}.")
    return xp


def _channels(array: Any, axis: int, caller: str) -> tuple[Any, tuple[Any, Any, Any]]:
    xp = _floats(array, caller)
    if not -array.ndim <= axis < array.ndim or array.shape[axis] != 3:
        raise BenchError(f"{caller} needs three channels along axis {axis}; got {_described(array)}.")
    moved = xp.moveaxis(array, axis, 0)
    return xp, (moved[0], moved[1], moved[2])


# In the four curves below the power is taken of a value held at or above the knee. Where the line is selected the power
# is computed all the same, and its gradient, infinite at zero, times the selection's zero would be NaN.


def _decoded(xp: Any, value: Any) -> Any:
    power = ((xp.clip(value, SRGB_KNEE, None) + 0.055) / 1.055) ** 2.4
    return xp.where(value > SRGB_KNEE, power, value / 12.92)


def _encoded(xp: Any, value: Any) -> Any:
    power = 1.055 * xp.clip(value, SRGB_LINEAR_KNEE, None) ** (1 / 2.4) - 0.055
    return xp.where(value > SRGB_LINEAR_KNEE, power, value * 12.92)


def _cube_root(xp: Any, value: Any) -> Any:
    root = xp.clip(value, LAB_EPSILON, None) ** (1 / 3)
    return xp.where(value > LAB_EPSILON, root, (LAB_KAPPA * value + 16) / 116)


def _cubed(xp: Any, value: Any) -> Any:
    return xp.where(value > 6 / 29, value * value * value, (116 * value - 16) / LAB_KAPPA)
