"""Small films for tests, made on the spot: textured scenes, shots of them, in any container."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

CODECS = {".mp4": "libx264", ".mkv": "libx264", ".mov": "libx264", ".webm": "libvpx", ".avi": "mpeg4", ".gif": "gif"}
WIDTH, HEIGHT = 64, 48


def scene(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture like no other: soft blocks of strong colours, uint8 (height, width, 3)."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(blocks).resize((width, height), Image.Resampling.BILINEAR))


def shot(seed: int, count: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """`count` frames in which the camera pans slowly over a scene."""
    wide = scene(seed, width + count, height)
    return [np.ascontiguousarray(wide[:, place : place + width]) for place in range(count)]


def film(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    rate: int = 24,
    gop: int = 12,
    times: Sequence[int] | None = None,
    codec: str | None = None,
    format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    aspect: tuple[int, int] | None = None,
) -> Path:
    """Write a film.

    Args:
        path: its extension says the container.
        frames: uint8 RGB, all of one size.
        rate: frames a second.
        gop: frames from one key frame to the next.
        times: when each frame is shown, in milliseconds; None for a constant rate.
        codec: None for a usual one of the container.
        format: of the pixels.
        options: of the codec.
        container: options of the container.
        aspect: width to height of a pixel.
    """
    from fractions import Fraction

    path.parent.mkdir(parents=True, exist_ok=True)
    name = codec or CODECS[path.suffix]
    chosen: dict[str, str] = {"preset": "ultrafast", "crf": "12"} if name == "libx264" else {}
    with av.open(str(path), "w", container_options=container or {}) as out:
        stream: Any = out.add_stream(name, rate=rate, options=chosen | (options or {}))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb8" if name == "gif" else format
        stream.gop_size = gop
        stream.codec_context.thread_count = 1
        if name in ("libvpx", "mpeg4"):
            stream.bit_rate = 4_000_000
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for place, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[place], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def episode(path: Path, seed: int, shots: int = 6, count: int = 20) -> Path:
    """A film of `shots` shots, each `count` frames of its own scene."""
    return film(path, [frame for number in range(shots) for frame in shot(100 * seed + number, count)])
