"""Any image file, sound or nasty, becomes the same 8-bit sRGB square or one clear line."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.data.standardize import UnusableImage, fingerprint, read_image, square, standardize
from bench.errors import BenchError


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(width: int, height: int, depth: int, colour: int, rows: bytes = b"") -> bytes:
    """A PNG written by hand: depths and sizes that libraries will not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def saved(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def gradient(width: int = 96, height: int = 64) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height - 2)], axis=-1)
    return Image.fromarray(rgb.astype(np.uint8))


def test_short_side_is_scaled_and_the_centre_cut(tmp_path):
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    came = standardize(saved(tmp_path / "wide.png", wide), 50)
    assert came.shape == (50, 50, 3)
    assert came.dtype == np.uint8
    assert (came[:, 3:-3] == (0, 0, 255)).all()


def test_scaling_is_antialiased(tmp_path):
    y, x = np.mgrid[0:512, 0:512]
    checks = Image.fromarray((((x + y) % 2) * 255).astype(np.uint8))
    came = standardize(saved(tmp_path / "checks.png", checks), 32).astype(int)
    assert abs(came - 127).max() <= 2


def test_an_image_of_the_right_size_is_untouched(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert (standardize(saved(tmp_path / "a.png", image), 64) == np.asarray(image)).all()


@pytest.mark.parametrize("level", [0, 257, 30000, 65535])
def test_16_bit_gray_is_scaled_not_clipped(tmp_path, level):
    path = tmp_path / "deep.png"
    path.write_bytes(png_bytes(40, 40, 16, 0, (b"\0" + struct.pack(">H", level) * 40) * 40))
    assert (abs(standardize(path, 32).astype(int) - level / 257) <= 1).all()


def test_16_bit_rgb_is_scaled_not_clipped(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(png_bytes(40, 40, 16, 2, (b"\0" + struct.pack(">HHH", 65535, 32768, 256) * 40) * 40))
    assert (abs(standardize(path, 32).astype(int) - np.array([255, 128, 1])) <= 1).all()


def test_floating_point_tiff_is_refused(tmp_path):
    path = saved(tmp_path / "hdr.tif", Image.fromarray(np.full((40, 40), 0.5, np.float32)))
    with pytest.raises(UnusableImage, match="neither 8-bit nor 16-bit"):
        standardize(path, 32)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_gives_three_channels(tmp_path, mode):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    came = standardize(saved(tmp_path / name, gradient().convert(mode)), 32)
    assert came.shape == (32, 32, 3)
    if mode in ("P", "RGB", "RGBA", "CMYK"):
        assert abs(came.astype(int) - square(gradient(), 32).astype(int)).mean() < 12


def test_cmyk_without_a_profile_is_converted_plainly(tmp_path):
    ink = Image.new("CMYK", (40, 40), (255, 0, 0, 0))
    came = standardize(saved(tmp_path / "cyan.jpg", ink, quality=100, subsampling=0), 32)
    assert abs(came.astype(int) - (0, 255, 255)).max() <= 3


def test_cmyk_goes_through_its_profile(tmp_path):
    # A CMYK profile would have to be made by hand; one of another space must be ignored, as viewers do.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ink = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    came = standardize(saved(tmp_path / "red.jpg", ink, quality=100, subsampling=0, icc_profile=profile), 32)
    assert abs(came.astype(int) - (255, 0, 0)).max() <= 3


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries are exchanged: what it marks as red is blue."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    places = {bytes(data[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    for first, second in ((b"rXYZ", b"bXYZ"),):
        a, b = places[first], places[second]
        data[a : a + 4], data[b : b + 4] = second, first
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_embedded_profile_is_applied(tmp_path, mode):
    red = Image.new(mode, (40, 40), (255, 0, 0) if mode == "RGB" else (255, 0, 0, 255))
    came = standardize(saved(tmp_path / "a.png", red, icc_profile=swapped_profile()), 32)
    assert abs(came.astype(int) - (0, 0, 255)).max() <= 2


def test_a_broken_profile_is_ignored(tmp_path):
    came = standardize(saved(tmp_path / "a.png", Image.new("RGB", (40, 40), "red"), icc_profile=b"nonsense"), 32)
    assert (came == (255, 0, 0)).all()


def test_alpha_is_composited_on_white(tmp_path):
    half = Image.new("RGBA", (40, 40), (255, 0, 0, 128))
    came = standardize(saved(tmp_path / "a.png", half), 32)
    assert abs(came.astype(int) - (255, 127, 127)).max() <= 1
    clear = Image.new("LA", (40, 40), (0, 0))
    assert (standardize(saved(tmp_path / "b.png", clear), 32) == 255).all()


@pytest.mark.parametrize("transparency", [0, b"\x00\xff"])
def test_palette_transparency_is_white(tmp_path, transparency):
    image = Image.new("P", (40, 40), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.paste(1, (20, 0, 40, 40))
    came = standardize(saved(tmp_path / "a.png", image, transparency=transparency), 40)
    assert (came[:, :20] == 255).all()
    assert (came[:, 20:] == (200, 0, 0)).all()


def test_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (60, 40), "red")
    image.paste("blue", (0, 0, 60, 20))
    exif = image.getexif()
    exif[0x0112] = 3  # upside down
    came = standardize(saved(tmp_path / "a.png", image, exif=exif), 40)
    assert (came[:20] == (255, 0, 0)).all()
    assert (came[20:] == (0, 0, 255)).all()


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_of_an_animation_the_first_frame_counts(tmp_path, name):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if name.endswith("webp") else {}
    path = saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options)
    assert (standardize(path, 32) == (255, 0, 0)).all()


def bomb() -> bytes:
    return png_bytes(100_000, 100_000, 8, 2)


def truncated(kind: str) -> bytes:
    stream = io.BytesIO()
    gradient(200, 200).save(stream, kind)
    return stream.getvalue()[: len(stream.getvalue()) // 2]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.png", b"", "empty file"),
        ("text.png", b"this is no image at all\n" * 20, "something else"),
        ("cut.png", truncated("PNG"), "truncated"),
        ("cut.jpg", truncated("JPEG"), "truncated"),
        ("cut.webp", truncated("WEBP"), "damaged"),
        ("header.png", b"\x89PNG\r\n\x1a\n", "something else|damaged"),
        ("bomb.png", bomb(), "at most 100 megapixels"),
        ("just-over.png", png_bytes(10_001, 10_000, 8, 0), "at most 100 megapixels"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "something else"),
        ("small.png", png_bytes(40, 31, 8, 0, (b"\0" + b"\x80" * 40) * 31), "at least 32 pixels; came 40x31"),
    ],
)
def test_unusable_files_are_refused_in_one_line(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnusableImage, match=words) as caught:
        standardize(path, 32)
    message = str(caught.value)
    assert "\n" not in message
    assert name in message
    assert "expected" in message
    assert "--skip-damaged" in message
    assert caught.value.reason in message


def test_a_bomb_is_not_decoded(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bytes(10_001, 10_000, 8, 0))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(UnusableImage):
        read_image(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(BenchError, match=r"gone\.png: expected a readable image"):
        standardize(tmp_path / "gone.png", 32)


def test_fingerprints_tell_the_same_from_another():
    image = gradient(200, 200)
    brighter = Image.fromarray((np.asarray(image) * 0.95 + 6).astype(np.uint8))
    rng = np.random.default_rng(1)
    other = Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    assert (fingerprint(image) ^ fingerprint(brighter)).bit_count() <= 4
    assert (fingerprint(image) ^ fingerprint(image.resize((400, 400)))).bit_count() <= 4
    assert (fingerprint(image) ^ fingerprint(other)).bit_count() > 10
