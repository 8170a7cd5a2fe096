"""Clips: the target is perfect, flicker is seen and grows, a steady wrong hue is not flicker, and gray does not win."""

import subprocess
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from bench import color
from bench.errors import BenchError
from bench.metrics import temporal
from bench.metrics.temporal import METRICS, cdc, estimate_motion, temporal_scores, warp_errors

SIDE = 48
LENGTH = 6
CLIPS = 3
FRAMES = list(range(LENGTH)) * CLIPS
IDS = [metric.id for metric in METRICS]


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    """Three clips of textured, colourful discs that travel over a textured ground, one pixel and a half a frame."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    made = []
    for clip in range(CLIPS):
        ground = 0.45 + 0.1 * np.sin(x / 3 + clip) * np.cos(y / 4)
        for frame in range(LENGTH):
            picture = np.stack([ground * 0.7, ground, ground * 1.3], -1)
            across, down = x - 14 - 1.5 * frame, y - 16 - 4 * clip - frame
            near = np.clip(10.5 - np.hypot(across, down), 0, 1)[..., None]
            paint = 0.6 + 0.15 * np.sin(across) * np.sin(down / 2)
            disc = np.stack([paint * 1.4, paint * (0.6 + 0.2 * clip), paint * 0.4], -1)
            made.append(picture * (1 - near) + disc * near)
    return color.quantize(np.stack(made))


def turned(images: np.ndarray, degrees: np.ndarray | float) -> np.ndarray:
    """The hue of every frame turned about gray."""
    lab = color.srgb_to_lab(images / 255)
    angle = np.radians(np.broadcast_to(degrees, len(images)))[:, None, None]
    a, b = lab[..., 1].copy(), lab[..., 2].copy()
    lab[..., 1] = a * np.cos(angle) - b * np.sin(angle)
    lab[..., 2] = a * np.sin(angle) + b * np.cos(angle)
    return color.quantize(color.lab_to_srgb(lab))


def means(predictions: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    return {name: float(np.nanmean(v)) for name, v in temporal_scores(predictions, targets, FRAMES, threads=1).items()}


def test_importing_it_is_light() -> None:
    code = "import bench.metrics.temporal, sys; sys.exit(bool({'torch', 'numba', 'cv2', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all("|" not in metric.name + metric.definition for metric in METRICS)


def test_the_target_is_perfect_and_first_frames_have_no_warp_error(film: np.ndarray) -> None:
    scores = temporal_scores(film, film.copy(), FRAMES)
    assert list(scores) == IDS
    first = np.array(FRAMES) == 0
    assert np.isnan(scores["warp-error-ab"][first]).all()
    assert (scores["warp-error-ab"][~first] == 0).all()
    assert (scores["cdc-difference"] == 0).all()


def test_flicker_raises_both_and_more_of_it_more(film: np.ndarray) -> None:
    sign = np.array(FRAMES) % 2 * 2 - 1
    found = [means(turned(film, degrees * sign), film) for degrees in (0, 2, 5, 10, 20, 40)]
    for name in IDS:
        values = [one[name] for one in found]
        assert all(b > a * 1.05 for a, b in pairwise(values)), (name, values)


def test_a_steady_wrong_hue_is_not_flicker(film: np.ndarray) -> None:
    flicker = means(turned(film, 3.0 * (np.array(FRAMES) % 2)), film)
    for degrees in (15.0, 40.0):
        steady = means(turned(film, degrees), film)
        assert steady["warp-error-ab"] < flicker["warp-error-ab"] / 10
        assert steady["cdc-difference"] < flicker["cdc-difference"] / 3  # histograms of small frames are noisy


def test_gray_does_not_win(film: np.ndarray) -> None:
    """It drifts less than the target, which is a difference too; a slightly wrong colouring does better."""
    gray = means(np.repeat(color.luma(film)[..., None], 3, -1), film)
    good = means(turned(film, 10.0), film)
    assert all(good[name] < gray[name] / 2 for name in IDS), (good, gray)
    plain = np.nanmean(warp_errors(np.repeat(color.luma(film)[..., None], 3, -1), film, FRAMES))
    assert plain < 0.01  # the plain warping error, which gray wins
    assert gray["warp-error-ab"] == pytest.approx(np.nanmean(warp_errors(film, film, FRAMES)), abs=0.01)


def test_motion_is_followed(film: np.ndarray) -> None:
    """Colours that travel with the disc cost little, the same colours left in place cost much."""
    motion = estimate_motion(film, FRAMES)
    assert motion.visible[1::LENGTH].mean() > 0.7
    inside = motion.flow[1, 14:20, 12:18].astype(float).mean(axis=(0, 1))
    np.testing.assert_allclose(inside, [-1.5, -1.0], atol=0.3)
    stuck = film.copy()
    lab = color.srgb_to_lab(film / 255)
    for clip in range(CLIPS):
        lab[clip * LENGTH : (clip + 1) * LENGTH, ..., 1:] = lab[clip * LENGTH, ..., 1:]
    stuck = color.quantize(color.lab_to_srgb(lab))
    assert np.nanmean(warp_errors(stuck, film, FRAMES)) > 2 * np.nanmean(warp_errors(film, film, FRAMES))
    assert means(stuck, film)["warp-error-ab"] > 10 * means(turned(film, 10.0), film)["warp-error-ab"]


def test_threads_company_and_known_motion_change_nothing(film: np.ndarray) -> None:
    shown = turned(film, 5.0 * (np.array(FRAMES) % 2))
    alone = temporal_scores(shown, film, FRAMES, threads=1)
    motion = estimate_motion(film, FRAMES)
    before = cv2.getNumThreads()
    try:
        for threads, cores in ((1, 4), (3, 1), (2, 3)):
            cv2.setNumThreads(cores)
            again = temporal_scores(shown, film, FRAMES, motion if cores == 4 else None, threads=threads)
            assert cv2.getNumThreads() == cores
            for name, values in again.items():
                np.testing.assert_array_equal(values, alone[name])
    finally:
        cv2.setNumThreads(before)
    for clip in range(CLIPS):
        rows = slice(clip * LENGTH, (clip + 1) * LENGTH)
        for name, values in temporal_scores(shown[rows], film[rows], FRAMES[:LENGTH]).items():
            np.testing.assert_array_equal(values, alone[name][rows])


def test_cdc_is_the_mean_of_jensen_shannon_divergences(film: np.ndarray) -> None:
    clip = film[:LENGTH]
    shares = [[np.bincount(frame[..., c].reshape(-1), minlength=256) for c in range(3)] for frame in clip]
    by_hand = np.mean(
        [
            np.mean([jensenshannon(shares[i][c], shares[i + step][c]) ** 2 for i in range(LENGTH - step)])
            for step in (1, 2, 4)
            for c in range(3)
        ]
    )
    assert cdc(clip, FRAMES[:LENGTH])[0] == pytest.approx(by_hand, rel=1e-9)
    black_white = np.repeat(np.array([0, 255] * 3, np.uint8), SIDE * SIDE * 3).reshape(clip.shape)
    assert cdc(black_white, FRAMES[:LENGTH])[0] == pytest.approx(np.log(2) / 3)  # one apart always, two and four never


def test_short_clips_and_cuts(film: np.ndarray) -> None:
    frames = [0, 0, 1]
    scores = temporal_scores(film[:3], film[:3], frames)
    assert np.isnan(scores["cdc-difference"]).tolist() == [True, False, False]
    assert np.isnan(scores["warp-error-ab"]).tolist() == [True, True, False]
    noise = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.uint8)
    seen = estimate_motion(noise, [0, 1]).visible[1].mean()
    value = temporal_scores(noise, noise, [0, 1])["warp-error-ab"][1]
    assert np.isnan(value) == (seen < temporal.LEAST_VISIBLE)
    assert seen < 0.3


OK = np.zeros((2, 16, 16, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "targets", "frames", "match"),
    [
        (OK.astype(float), OK, [0, 1], "must be uint8 .* got images float64"),
        (OK[:1], OK, [0, 1], r"one shape; got \(1, 16, 16, 3\)"),
        (OK[:, :8], OK[:, :8], [0, 1], "at least 16x16"),
        (OK, OK, [1, 2], "frames must count 0, 1, 2"),
        (OK, OK, [0, 2], "frames must count 0, 1, 2"),
        (OK, OK, [0], "frames must count 0, 1, 2"),
    ],
)
def test_bad_input_is_named(images: np.ndarray, targets: np.ndarray, frames: list[int], match: str) -> None:
    with pytest.raises(BenchError, match=match):
        temporal_scores(images, targets, frames)


def test_threads_must_be_some(film: np.ndarray) -> None:
    with pytest.raises(BenchError, match="at least 1; got 0"):
        temporal_scores(film, film, FRAMES, threads=0)
