"""Our metrics against the libraries where images are as bad as they come: extremes, constants, shifts, odd sizes."""

import numpy as np
import pytest
import torch

from bench import color
from bench.errors import BenchError
from bench.metrics import temporal
from bench.metrics.probe import CHECKERS, clips, distances, protocol, restated
from bench.metrics.probe.pictures import probe_pairs, probe_truth
from bench.metrics.suite import UNRANKED, score_all

torch.set_num_threads(1)

TOLERANCES = {name: tolerance for topic in CHECKERS.values() for name, (_, tolerance) in topic.items()}
PRIMARIES = np.array(
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255), (0, 0, 0), (255, 255, 255)],
    np.uint8,
)


def plain(*codes, height=24, width=31):
    return np.broadcast_to(np.array(codes, np.uint8)[:, None, None], (len(codes), height, width, 3)).copy()


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def gray(images):
    return np.repeat(color.luma(images)[..., None], 3, -1)


def chequered(side, cell):
    y, x = np.mgrid[0:side, 0:side] // cell
    return PRIMARIES[(x + 3 * y) % 8][None]


DRAWING, TRUTH = probe_pairs()[1][4:5], [one[4:5] for one in probe_truth()]
BLACK, WHITE = plain((0, 0, 0)), plain((255, 255, 255))
CASES = {
    "0 against 255": (BLACK, WHITE),
    "255 against 0": (WHITE, BLACK),
    "constants": (np.repeat(plain(*PRIMARIES), 8, 0), np.concatenate([plain(*PRIMARIES)] * 8)),
    "one level apart": (plain((127, 128, 129)), plain((128, 128, 128))),
    "one pixel right": (np.roll(DRAWING, 1, 2), DRAWING),
    "one pixel down": (np.roll(DRAWING, 1, 1), DRAWING),
    "stripes one pixel off": (chequered(48, 1)[:, :, 1:45], chequered(48, 1)[:, :, :44]),
    "saturated primaries": (chequered(48, 8)[:, ::-1].copy(), chequered(48, 8)),
    "inverted": (255 - chequered(48, 4), chequered(48, 4)),
    "gray target": (DRAWING, gray(DRAWING)),
    "gray prediction": (gray(DRAWING), DRAWING),
    "both gray": (gray(DRAWING)[:, ::-1].copy(), gray(DRAWING)),
    "equal": (DRAWING.copy(), DRAWING),
    "noise inverted": (255 - noise((1, 44, 44, 3)), noise((1, 44, 44, 3))),
    "smallest": (noise((2, 11, 11, 3)), noise((2, 11, 11, 3), 1)),
    "smallest and long": (noise((1, 11, 300, 3)), noise((1, 11, 300, 3), 1) // 4),
    "least of two scales": (noise((1, 22, 23, 3)), noise((1, 22, 23, 3), 1)),
    "five scales": (noise((1, 176, 180, 3)) // 2 + 60, noise((1, 176, 180, 3), 1) // 2),
}


def truth_of(name, targets):
    """True maps: the drawing's own, else a grid."""
    if targets.shape == DRAWING.shape:
        return [np.repeat(one, len(targets), 0) for one in TRUTH]
    y, x = np.mgrid[0 : targets.shape[1], 0 : targets.shape[2]]
    return [np.stack([one] * len(targets)) for one in ((y % 9 == 0) | (x % 9 == 0), y // 5 * 99 + x // 5)]


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_libraries_or_has_no_value(name):
    predictions, targets = CASES[name]
    maps = truth_of(name, targets)
    ours = score_all(predictions, targets, maps[0], maps[1])
    for place, pair in enumerate(zip(predictions, targets, strict=True)):
        boundary, numbers = (one[place] for one in maps)
        theirs = protocol.protocol(*pair) | protocol.ms_ssim(*pair) | protocol.locked(*pair) | restated.chroma(*pair)
        theirs |= restated.hues(*pair) | restated.palette(*pair) | restated.bleeding(*pair, boundary)
        theirs |= restated.regions(*pair, numbers)
        assert set(theirs) == set(ours) - set(UNRANKED)
        for metric, value in theirs.items():
            expected = pytest.approx(value, abs=TOLERANCES[metric], rel=1e-5, nan_ok=True)
            assert ours[metric][place] == expected, (metric, place)


def test_what_is_not_defined_has_no_value():
    undefined = {
        "constants": {"bleeding", "ciede2000-browns"},
        "gray target": {"bleeding", "bleeding-true", "ciede2000-reds"},
        "gray prediction": {"bleeding", "bleeding-true"},
        "smallest": {"ms-ssim"},
        "noise inverted": {"region-spread", "small-regions"},
    }
    for name, metrics in undefined.items():
        predictions, targets = CASES[name]
        boundaries, regions = truth_of(name, targets)
        scores = score_all(predictions, targets, boundaries, regions)
        for metric in metrics:
            assert np.isnan(scores[metric]).all(), (name, metric)
        for metric in ("l1", "ssim", "ciede2000", "ssim-locked", "palette-distance", "saturation-error"):
            assert np.isfinite(scores[metric]).all(), (name, metric)


def test_extremes_have_the_values_that_arithmetic_gives():
    scores = score_all(*CASES["0 against 255"])
    assert scores["l1"] == 255
    assert scores["l2"] == 65_025
    assert scores["psnr"] == 0
    assert scores["luma-error"] == 255
    assert scores["ciede2000"] == pytest.approx(100, abs=1e-3)
    assert scores["ssim"] == pytest.approx(0, abs=1e-3)
    assert np.isposinf(scores["psnr-locked"])  # locked to black, white is black
    assert scores["palette-distance"] == pytest.approx(0, abs=0.1)  # neither has a colour


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5])
def test_floats_are_refused(value):
    floats = np.full((2, 16, 16, 3), value)
    codes = np.zeros((2, 16, 16, 3), np.uint8)
    for pair in ((floats, codes), (codes, floats)):
        with pytest.raises(BenchError, match="must be uint8"):
            score_all(*pair)
        with pytest.raises(BenchError, match="must be uint8"):
            temporal.temporal_scores(*pair, [0, 1])


FRAMES = (0, 1, 2, 0, 1)
STILL = np.repeat(noise((1, 24, 32, 3)), 5, 0)
FLASHES = plain(*[(255, 255, 255) if place % 2 else (0, 0, 0) for place in range(5)])
FILMS = {
    "still": (STILL, STILL),
    "flashes on a still": (np.broadcast_to(FLASHES[:, :24, :1], STILL.shape).copy(), STILL),
    "flashes": (plain(*[(90, 90, 90)] * 5), FLASHES),
    "primaries in turn": (plain(*PRIMARIES[:5]), plain(*PRIMARIES[3:8])),
    "cuts": (noise((5, 24, 32, 3), 1), noise((5, 24, 32, 3), 2)),
    "smallest": (noise((5, 16, 16, 3), 1), np.repeat(noise((1, 16, 16, 3), 2), 5, 0)),
}


@pytest.mark.parametrize("name", FILMS)
def test_clips_agree_with_scipy_or_have_no_value(name):
    predictions, targets = FILMS[name]
    ours = temporal.temporal_scores(predictions, targets, FRAMES, threads=1)
    for metric, expected in clips.clips(predictions, targets, FRAMES).items():
        atol = min(TOLERANCES[metric], 1e-4)
        np.testing.assert_allclose(ours[metric], expected, rtol=1e-4, atol=atol, err_msg=metric)
    first = np.array(FRAMES) == 0
    assert np.isnan(ours["warp-error-ab"][first]).all()
    assert np.isfinite(ours["cdc-difference"]).all()


@pytest.mark.parametrize("shape", [(2, 3), (40, 8), (8, 40)])
def test_distances_of_degenerate_features(shape):
    from bench.metrics.distribution import fid, kid

    rng = np.random.default_rng(0)
    first, second = rng.random(shape), rng.random(shape) * 1e3
    flat = np.ones(shape)
    for pair in ((first, second), (first, flat), (flat, flat * 0)):
        assert fid(*pair) == pytest.approx(distances.frechet(*pair), rel=1e-6, abs=1e-6)
        assert kid(*pair)[0] == pytest.approx(distances.kernel(*pair, shape[0])[0], rel=1e-9, abs=1e-9)
    for bad in (np.nan, np.inf):
        with pytest.raises(BenchError, match="finite"):
            fid(first, flat * bad)
