"""Stills from films: by the clock, in the right colours, without fades and repetitions."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from bench.data.video import stills
from bench.errors import BenchError

COLOURS = [(200, 30, 40), (40, 180, 60), (50, 60, 200), (220, 200, 60)]


def film(path: Path, frames: list[np.ndarray], rate: int = 5, seconds: int = 2) -> Path:
    """A film that shows each frame for some seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        for pixels in frames:
            for _ in range(rate * seconds):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def patches(order: list[int]) -> np.ndarray:
    """Four quarters in four colours."""
    quarters = np.array([COLOURS[place] for place in order], np.uint8).reshape(2, 2, 3)
    return np.asarray(Image.fromarray(quarters).resize((96, 96), Image.Resampling.NEAREST))


def test_each_picture_is_taken_once_in_its_colours(tmp_path):
    shown = [patches([0, 1, 2, 3]), patches([3, 0, 1, 2]), patches([2, 3, 0, 1])]
    found = list(stills(film(tmp_path / "a.mp4", shown)))
    assert [still.seconds for still in found] == [0.0, 2.0, 4.0]
    for still, pixels in zip(found, shown, strict=True):
        inner = [slice(8, 40), slice(56, 88)]
        for rows in inner:
            for columns in inner:
                came = np.asarray(still.image)[rows, columns].reshape(-1, 3).mean(axis=0)
                assert abs(came - pixels[rows, columns].reshape(-1, 3).mean(axis=0)).max() < 6


def test_a_picture_that_returns_is_not_taken_again(tmp_path):
    first, second = patches([0, 1, 2, 3]), patches([3, 0, 1, 2])
    assert len(list(stills(film(tmp_path / "a.mp4", [first, second, first, second])))) == 2


def test_black_and_a_still_camera_give_nothing_new(tmp_path):
    black, scene = np.zeros((96, 96, 3), np.uint8), patches([0, 1, 2, 3])
    found = list(stills(film(tmp_path / "a.mp4", [black, scene, black], seconds=3)))
    assert [still.seconds for still in found] == [3.0]


def test_samples_go_by_the_clock(tmp_path):
    rng = np.random.default_rng(0)
    frames = [
        np.asarray(Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((96, 96), 0))
        for _ in range(8)
    ]
    path = film(tmp_path / "a.mp4", frames, seconds=1)
    assert [still.seconds for still in stills(path)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [still.seconds for still in stills(path, every=3)] == [0, 3, 6]


def test_a_frame_around_the_picture_is_cut_off(tmp_path):
    pixels = patches([0, 1, 2, 3]).copy()
    pixels[:4] = pixels[-4:] = 0
    pixels[:, :4] = pixels[:, -4:] = 0
    (still,) = stills(film(tmp_path / "a.mp4", [pixels]), crop=0.06)
    assert still.image.size == (84, 84)
    assert np.asarray(still.image).max(axis=2).min() > 100


@pytest.mark.parametrize("data", [b"", b"no film at all", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200])
def test_what_is_no_film_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(BenchError, match=r"a\.mp4: expected a") as caught:
        list(stills(path))
    assert "\n" not in str(caught.value)


def test_a_picture_without_motion_is_a_film_of_one(tmp_path):
    assert len(list(stills(film(tmp_path / "a.mp4", [patches([0, 1, 2, 3])], rate=1, seconds=1)))) == 1
