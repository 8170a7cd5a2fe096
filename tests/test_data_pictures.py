"""A decoded frame becomes the picture that a player shows: upright, square pixels, right colours, no combs."""

import struct
from fractions import Fraction
from pathlib import Path

import films
import numpy as np
import pytest
from PIL import Image

from bench.data import standardize
from bench.data.resampling import fingerprint, square
from bench.data.video import Reading, Step, UnusableVideo
from bench.data.video.decoding import opened
from bench.data.video.pictures import glance, picture, rgb, squares

SCENE = films.scene(7)


def shown(path: Path) -> np.ndarray:
    """The first picture of a film."""
    with opened(path, None) as film:
        _, frame = next(film.frames())
        whole = picture(frame, film.aspect)
        for size in (16, 32):  # the short way is the long way
            assert np.array_equal(squares(frame, film.aspect, (size,))[0], square(whole, size))
        assert glance(frame).ndim == 3
    return whole


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("name", "codec", "format"),
    [
        ("a.mkv", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p10le"),
        ("a.mkv", "libx264", "yuv422p"),
        ("a.mkv", "libx264", "yuv444p"),
        ("a.mkv", "libx264", "nv12"),
        ("a.mkv", "ffv1", "yuv420p16le"),
        ("a.mkv", "ffv1", "yuv444p10le"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.mov", "png", "rgb24"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.avi", "rawvideo", "bgr24"),
    ],
)
def test_every_format_shows_the_same_colours(tmp_path, name, codec, format):
    path = films.film(tmp_path / name, [SCENE] * 3, codec=codec, format=format)
    assert distance(shown(path), SCENE) < 4


@pytest.mark.parametrize(
    ("width", "height", "high"),
    [
        (640, 360, False),
        (854, 480, False),
        (720, 576, False),
        (1024, 576, False),
        (960, 720, True),
        (1280, 544, True),  # in the shape of the cinema
        (1920, 800, True),
        (640, 800, True),
    ],
)
def test_a_film_that_names_no_matrix_has_that_of_its_definition(width, height, high):
    import av

    frame = av.VideoFrame(width, height, "yuv444p")
    for plane, level in zip(frame.planes, (81, 90, 240), strict=True):  # BT.601's red
        plane.update(bytes([level]) * plane.buffer_size)
    came = rgb(frame)[0, 0]
    assert abs(came.astype(int) - ((255, 24, 0) if high else (254, 0, 0))).max() <= 1


def test_ten_bits_are_finer_than_eight(tmp_path):
    """A slope that eight bits show in steps: converted from ten it is rounded once, not twice."""
    slope = np.repeat(np.linspace(60, 90, 256), 3).reshape(1, 256, 3).repeat(64, 0).round().astype(np.uint8)
    far = {}
    for bits, format in ((8, "yuv444p"), (10, "yuv444p10le")):
        path = films.film(tmp_path / f"{bits}.mkv", [slope], codec="ffv1", format=format)
        far[bits] = distance(shown(path), slope)
    assert far[10] <= far[8]
    assert far[10] < 0.2


def test_a_gray_film_is_gray(tmp_path):
    path = films.film(tmp_path / "a.mkv", [SCENE] * 2, codec="ffv1", format="gray")
    assert np.ptp(shown(path), axis=2).max() == 0


def test_what_is_transparent_stands_on_white(tmp_path):
    import av

    frame = np.dstack([SCENE, np.where(np.arange(64) < 32, 255, 0)[None].repeat(48, 0).astype(np.uint8)])
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("png", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgba"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgba")))
        out.mux(stream.encode())
    came = shown(path)
    assert distance(came[:, :32], SCENE[:, :32]) < 1
    assert (came[:, 32:] == 255).all()


def test_of_interlaced_frames_one_field_is_shown(tmp_path):
    combed, other = SCENE.copy(), films.scene(8)
    combed[1::2] = other[1::2]
    options = {"flags": "+ildct+ilme", "b": "8000000"}
    path = films.film(tmp_path / "a.mkv", [combed] * 3, codec="mpeg2video", format="yuv422p", options=options)
    with opened(path, None) as film:
        assert next(film.frames())[1].interlaced_frame
    came = shown(path)
    assert came.shape == SCENE.shape
    assert distance(came, SCENE) < 12
    assert distance(came, SCENE) < distance(came, other) / 4


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write the directions of a display matrix into an MP4: ISO/IEC 14496-12, the track header box."""
    data = bytearray(path.read_bytes())
    a, b, c, d = matrix
    whole = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    struct.pack_into(">9i", data, data.index(b"tkhd") + 4 + 40, *whole)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((0, 1, -1, 0), np.rot90(SCENE, -1)),  # a telephone held upright
        ((0, -1, 1, 0), np.rot90(SCENE, 1)),
        ((-1, 0, 0, -1), np.rot90(SCENE, 2)),
        ((-1, 0, 0, 1), SCENE[:, ::-1]),
        ((1, 0, 0, 1), SCENE),
    ],
)
def test_the_display_matrix_turns_the_picture(tmp_path, matrix, expected):
    came = shown(turned(films.film(tmp_path / "a.mp4", [SCENE] * 3), matrix))
    assert came.shape == expected.shape
    assert distance(came, expected) < 4


def test_anamorphic_pixels_become_square(tmp_path):
    for name in ("a.mp4", "a.mkv"):
        came = shown(films.film(tmp_path / name, [SCENE] * 3, aspect=(4, 3)))
        assert came.shape == (48, 85, 3)
        narrow = np.asarray(Image.fromarray(came).resize((64, 48), Image.Resampling.BICUBIC))
        assert distance(narrow, SCENE) < 4


def test_high_dynamic_range_is_refused_in_words(tmp_path):
    import av

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.codec_context.color_trc = 16
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(SCENE, format="rgb24")))
        out.mux(stream.encode())
    with pytest.raises(UnusableVideo, match=r"came high dynamic range \(PQ\); convert it"):
        list(Reading(path, Step.of("1"), 32))


def test_what_would_have_to_be_enlarged_is_refused(tmp_path):
    path = films.film(tmp_path / "a.mp4", [SCENE] * 3)
    with pytest.raises(UnusableVideo, match="a short side of at least 49 pixels; came 64x48"):
        list(Reading(path, Step.of("1"), 49))


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (200, 100), (37, 91), (33, 33), (150, 40), (300, 299)])
def test_the_fast_square_is_pillows_byte_for_byte(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    for side in (7, 16, 32, min(size)):
        assert np.array_equal(square(pixels, side), standardize.square(image, side))
    if min(size) >= 64:
        assert fingerprint(pixels) == standardize.fingerprint(image)


def test_the_shape_of_a_pixel_is_read_where_it_is_written(tmp_path):
    with opened(films.film(tmp_path / "a.mp4", [SCENE] * 3, aspect=(16, 11)), None) as film:
        assert film.aspect == Fraction(16, 11)
