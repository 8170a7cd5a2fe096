"""Protocol rule 1: any image file becomes an 8-bit sRGB square, short side antialiased to S, then the centre."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8
    from PIL.Image import Image

PROTOCOL = 1
RESAMPLER = "pillow-bicubic"
MAX_PIXELS = 100_000_000
"""More than this is taken for a decompression bomb and never decoded."""

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
"""Only these decoders run: others (EPS starts an interpreter) have no business with a stranger's file."""

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

NEAR_DUPLICATE = 4
"""Two images whose fingerprints differ in at most so many of 64 bits are taken for the same picture."""


class UnusableImage(BenchError):
    """An image file that cannot be standardized; `reason` alone fits into a list of several."""

    def __init__(self, path: Path, expected: str, came: str, remedy: str):
        super().__init__(f"{path}: expected {expected}; came {came}; {remedy}.")
        self.reason = came


def standardize(path: Path, size: int) -> "UInt8[np.ndarray, 'size size 3']":
    """Read any image file and standardize it: 8-bit sRGB, shape (size, size, 3).

    Args:
        path: PNG, JPEG, GIF, WebP, BMP, TIFF or PPM. 16-bit is scaled; CMYK and colour profiles are converted to sRGB;
            alpha is composited on white; EXIF orientation is applied; of an animation the first frame counts.
        size: S, in pixels.

    Raises:
        UnusableImage: not an image, damaged, truncated, empty, over 100 megapixels, or short side below `size`.
    """
    with quiet():
        return standardize_quietly(path, size)


def standardize_quietly(path: Path, size: int) -> "UInt8[np.ndarray, 'size size 3']":
    """`standardize` for worker threads: the caller holds `quiet()`, not thread-safe, around the pool."""
    image = read_image(path)
    require_size(path, image, size)
    return square(image, size)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what decoders warn of: what matters is refused, the rest (odd metadata) is not the user's concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_image(path: Path) -> "Image":
    """Decode an image file to an 8-bit sRGB Pillow image of mode RGB at its own size.

    Raises:
        UnusableImage: as for `standardize`, except for the size.
    """
    remedy = "replace it, or skip such files with --skip-damaged"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableImage(path, "a readable image", error.strerror or "an unreadable file", remedy) from error
    if not data:
        raise UnusableImage(path, "an image", "an empty file", remedy)
    from PIL import Image, UnidentifiedImageError

    too_large = UnusableImage(path, f"at most {MAX_PIXELS // 10**6} megapixels", "a larger image", remedy)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnusableImage(path, "an image (PNG, JPEG, WebP, ...)", "something else", remedy) from error
    except Image.DecompressionBombError as error:
        raise too_large from error
    except Exception as error:  # Decoders of foreign bytes raise whatever the bytes provoke.
        raise UnusableImage(path, "an image", f"a damaged one ({error})", remedy) from error
    if image.width * image.height > MAX_PIXELS:
        raise too_large
    try:
        image.load()
        return _srgb(image)
    except Exception as error:  # As above: truncated, broken palettes, impossible sizes.
        raise UnusableImage(path, "a whole image", f"a truncated or damaged one ({error})", remedy) from error


def require_size(path: Path, image: "Image", size: int) -> None:
    """Refuse an image whose short side is below `size`: enlarging would invent what metrics then measure.

    Raises:
        UnusableImage: naming both sizes.
    """
    if min(image.size) < size:
        raise UnusableImage(
            path,
            f"a short side of at least {size} pixels",
            f"{image.width}x{image.height}",
            "choose a smaller --size, or skip such files with --skip-damaged",
        )


def square(image: "Image", size: int) -> "UInt8[np.ndarray, 'size size ...']":
    """Scale the short side to `size` (bicubic, antialiased) and cut the centre square.

    Args:
        image: 8-bit, mode RGB or L.
        size: S, in pixels.

    Returns:
        uint8, shape (size, size, 3) for RGB, (size, size) for L.
    """
    import numpy as np
    from PIL import Image

    short = min(image.size)
    width, height = (round(side * size / short) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    scaled = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))
    return np.asarray(scaled).copy()


def fingerprint(image: "Image") -> int:
    """A 64-bit difference hash of the centre square; near-duplicates differ in few bits (imagehash.dhash).

    Args:
        image: as read, before it is standardized: so that images of any size S go into the same splits.
    """
    import imagehash
    from PIL import Image

    bits = imagehash.dhash(Image.fromarray(square(image, 64))).hash
    return int("".join("1" if bit else "0" for bit in bits.flatten()), 2)


def _srgb(image: "Image") -> "Image":
    """Orientation, bit depth, colour profile, alpha: in this order to 8-bit sRGB."""
    from PIL import Image, ImageOps

    profile = image.info.get("icc_profile")
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    if alpha is not None:
        image = image.convert("L" if image.mode == "LA" else "RGB")
    image = (_through_profile(image, profile) if profile else None) or image
    image = image if image.mode == "RGB" else image.convert("RGB")  # which copies even when there is nothing to do
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, alpha)
    return image


def _eight_bits(image: "Image") -> "Image":
    """16-bit gray to 8 bits by scale (65535 becomes 255), where Pillow's own conversion would clip."""
    import numpy as np
    from PIL import Image

    values: Any = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("pixels are neither 8-bit nor 16-bit")
    return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))


def _through_profile(image: "Image", profile: bytes) -> "Image | None":
    """Convert to sRGB through an embedded ICC profile; None if it is unreadable or made for another colour space.

    Such a profile says nothing about these pixels, and every viewer ignores it.
    """
    from PIL import ImageCms

    spaces = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space: str = getattr(source.profile, "xcolor_space", "")
        if space.strip() != spaces.get(image.mode):
            return None
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
