"""All per-image metrics together: perfect where nothing is wrong, worse with damage, the same in any company."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from bench import color
from bench.cli import app
from bench.errors import BenchError
from bench.metrics import METRICS, PROTOCOL
from bench.metrics.bleeding import bleeding_scores
from bench.metrics.chroma import chroma_scores
from bench.metrics.hues import hue_scores
from bench.metrics.locked import locked_scores
from bench.metrics.multiscale import multiscale_scores
from bench.metrics.pair import Pair
from bench.metrics.palette import palette_scores
from bench.metrics.pixel import ciede2000_map, colour_scores, score_images
from bench.metrics.regions import region_scores
from bench.metrics.suite import SUITE, UNRANKED, score, score_all

NINE = {name for name, metric in PROTOCOL.items() if metric.kind == "full-reference"}
"""Protocol v1's values an image."""
CLASSES = {name for name in SUITE if name.startswith("ciede2000-") and name != "ciede2000-locked"}
SMALL = {"small-regions", "small-regions-true"}


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def drawing(side=96, seed=3):
    """Flat cells, some small, of soft colours of every class; returns the picture and the cells' numbers."""
    rng = np.random.default_rng(seed)
    seeds, (y, x) = rng.uniform(0, side, (24, 2)), np.mgrid[0:side, 0:side]
    numbers = np.argmin((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2, -1)
    numbers[10:16, 20:26], numbers[70:75, 30:36] = 24, 25
    angle = np.radians(np.array([55, 60, 130, 250, 35, 320])[np.arange(26) % 6])
    chroma = np.array([22, 25, 28, 22, 0, 20])[np.arange(26) % 6]
    level = np.array([70, 45, 55, 62, 60, 50])[np.arange(26) % 6] + rng.uniform(-3, 3, 26)
    lab = np.stack([level, chroma * np.cos(angle), chroma * np.sin(angle)], -1)
    return color.quantize(color.lab_to_srgb(lab))[numbers], numbers + 1


def edges_of(numbers):
    edge = np.zeros(numbers.shape, bool)
    edge[:, 1:] |= numbers[:, 1:] != numbers[:, :-1]
    edge[1:] |= numbers[1:] != numbers[:-1]
    return edge


def changed(image, change):
    lab = color.srgb_to_lab(image / 255)
    lab[..., 1:] = change(lab[..., 1:])
    return color.quantize(color.lab_to_srgb(lab))


def turned(image, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return changed(image, lambda ab: ab @ np.array([[c, s], [-s, c]]))


def noisy(image, by):
    shift = np.random.default_rng(5).integers(-8, 9, image.shape) * by
    return np.clip(image + shift, 0, 255).astype(np.uint8)


def scored(predictions, image, numbers):
    arrays = [np.stack([array] * len(predictions)) for array in (image, edges_of(numbers), numbers)]
    return run([np.stack(predictions), *arrays])


def run(arrays, threads=None):
    predictions, targets, boundaries, regions = arrays
    return score_all(predictions, targets, boundaries, regions, threads)


def damage(name, metric, values):
    """Higher for worse, whichever way the metric goes."""
    assert np.isfinite(values[1:]).all(), (name, metric, values)
    return values if METRICS[metric].direction == "lower" else -values


def test_every_metric_is_described_once():
    assert not set(SUITE) & set(PROTOCOL)
    assert len({metric.name for metric in (*SUITE.values(), *PROTOCOL.values())}) == len(SUITE) + len(PROTOCOL)
    assert len({metric.definition for metric in SUITE.values()}) == len(SUITE)
    for metric in SUITE.values():
        assert metric.kind == "full-reference"
        assert metric.source
        assert "|" not in metric.name + metric.definition


def test_the_listing_tells_the_range():
    done = CliRunner().invoke(app, ["metrics", "--json"])
    ranges = {row["id"]: row["range"] for row in json.loads(done.stdout)}
    assert set(ranges) == set(METRICS)
    wanted = {"ciede2000": "[0, ∞)", "bleeding": "[0, 1]", "ssim": "[-1, 1]", "kid": "(-∞, ∞)"}
    assert wanted.items() <= ranges.items()
    assert "range" in CliRunner().invoke(app, ["metrics"]).stdout.splitlines()[0]


def test_what_is_scored():
    image, numbers = drawing()
    true = {name for name in SUITE if name.endswith("-true")}
    assert true == {"bleeding-true", "region-spread-true", "small-regions-true"}
    assert set(score(image[None], image[None])) == (set(SUITE) - true) | set(UNRANKED)
    assert set(scored([image], image, numbers)) == NINE | set(SUITE) | set(UNRANKED)
    assert len(NINE) == 9


def test_imports_are_light():
    code = "import bench.metrics.suite, sys; sys.exit(bool({'torch', 'numba', 'skimage', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", ["drawing", "noise"])
def test_equal_images_are_perfect(kind):
    image, numbers = drawing()
    image = image if kind == "drawing" else noise(image.shape)
    scores = scored([image.copy()], image, numbers)
    # The drawing has no strong reds, and noise neither flat regions nor an edge to be off of.
    absent = {
        "drawing": {"ciede2000-reds"},
        "noise": {"bleeding", "bleeding-true", "region-spread", "small-regions", "small-regions-true"},
    }[kind]
    for name, values in scores.items():
        if name in UNRANKED:
            perfect = {"colourfulness-shift": 0, "saturation-ratio": 1}[name]
        elif METRICS[name].direction == "lower":
            perfect = 0
        else:
            perfect = np.inf if METRICS[name].unit == "dB" else 1
        assert values[0] == pytest.approx(perfect, abs=1e-6) or (name in absent and np.isnan(values[0])), name
    if kind == "drawing":
        assert {name for name, values in scores.items() if np.isnan(values[0])} == absent


SERIES = {
    "paler": (
        lambda image, step: changed(image, lambda ab: ab * (1 - 0.15 * step)),
        {"psnr-locked", "ciede2000-locked", "colourfulness-error", "saturation-error", "palette-distance"}
        | (CLASSES - {"ciede2000-neutrals", "ciede2000-reds"}) | SMALL,
    ),
    "hues turned": (
        lambda image, step: turned(image, 15 * step),
        {"psnr-locked", "ciede2000-locked"}  # of a turned palette, parts come near to others' places
        | (CLASSES - {"ciede2000-neutrals", "ciede2000-reds"}) | SMALL,
    ),
    "chroma blurred": (
        lambda image, step: changed(image, lambda ab: gaussian_filter(ab, (1.5 * step, 1.5 * step, 0))),
        {"psnr-locked", "ciede2000-locked", "bleeding", "bleeding-true", "saturation-error"},
    ),
    "noisier": (
        noisy,
        {"ms-ssim", "ssim-locked", "psnr-locked", "ciede2000-locked", "luma-error", "region-spread",
         "region-spread-true", "bleeding", "bleeding-true"}
        | (CLASSES - {"ciede2000-reds"}) | SMALL,
    ),
    "darker": (
        lambda image, step: (image * (1 - 0.1 * step)).astype(np.uint8),
        {"ms-ssim", "luma-error", "colourfulness-error"} | (CLASSES - {"ciede2000-reds"}) | SMALL,
    ),
}  # fmt: skip
"""A damage by its step, and what must see every step of it, beside the protocol's nine."""


@pytest.mark.parametrize("name", SERIES)
def test_more_damage_is_never_better(name):
    image, numbers = drawing()
    worsen, seen = SERIES[name]
    seen = seen | NINE - {"ciede2000-over-2.3"}  # a share that is whole rises no more
    scores = scored([worsen(image, step) if step else image for step in range(6)], image, numbers)
    for metric in sorted(seen):
        values = damage(name, metric, scores[metric])
        assert (np.diff(values) > 0).all(), (metric, values)
    steady = {"region-spread", "region-spread-true", *seen} if name in ("paler", "hues turned") else seen
    for metric in sorted(set(SUITE) - steady - {"ciede2000-reds"}):
        values = damage(name, metric, scores[metric])
        assert values[1:].min() >= values[0], (metric, values)
    share = scores["ciede2000-over-2.3"]
    assert (np.diff(share) >= 0).all(), share
    assert share[0] == 0 < share[-1]


def test_turned_hues_are_seen_by_every_metric_of_colour():
    image, numbers = drawing()
    picture = turned(image, 90)
    before, after = (color.srgb_to_lab(one / 255)[..., 0] for one in (image, picture))
    np.testing.assert_allclose(after, before, atol=0.5)  # luminance has not changed
    scores = scored([picture], image, numbers)
    limits = {"palette-distance": 5, "psnr-locked": 25} | dict.fromkeys(CLASSES | SMALL | {"ciede2000-locked"}, 8)
    limits |= {"l1": 10, "l2": 500, "psnr": 25, "ssim": 0.9, "l1-ab": 8, "l2-ab": 200}
    limits |= {"ciede2000": 8, "ciede2000-p95": 8, "ciede2000-over-2.3": 0.5}
    assert set(limits) > NINE
    del limits["ciede2000-neutrals"]  # a gray has no hue to turn
    del limits["ciede2000-reds"]  # there are none
    for name, limit in limits.items():
        higher = METRICS[name].direction == "higher"
        assert (scores[name] < limit) if higher else (scores[name] > limit), (name, scores[name])
    # Amount, place and evenness of colour are other questions, and luma has hardly changed.
    blind = {"saturation-error": 0.02, "bleeding": 0.01, "region-spread": 0.01, "luma-error": 8}
    for name, limit in blind.items():
        assert scores[name] < limit, (name, scores[name])


def test_the_wrong_place_is_no_matter_to_the_palette():
    image, numbers = drawing()
    gray = np.repeat(color.luma(image)[..., None], 3, -1)
    mirrored = changed(image, lambda ab: ab[:, ::-1])
    scores = scored([mirrored, gray], image, numbers)
    assert scores["palette-distance"][0] < 1 < 10 < scores["palette-distance"][1]
    assert scores["ciede2000-locked"][0] > 10
    assert scores["saturation-error"][0] < 0.05


def test_topics_alone_give_the_same():
    predictions, targets = noise((2, 60, 50, 3)), noise((2, 60, 50, 3), 1) // 3 + 80
    _, numbers = drawing(60)
    regions = np.stack([numbers[:, :50]] * 2)
    boundaries = regions % 5 == 0
    together = score(predictions, targets, boundaries, regions)
    alone = (
        multiscale_scores(predictions, targets) | locked_scores(predictions, targets)
        | chroma_scores(predictions, targets) | bleeding_scores(predictions, targets, boundaries)
        | region_scores(predictions, targets, regions) | hue_scores(predictions, targets)
        | palette_scores(predictions, targets)
    )  # fmt: skip
    assert set(alone) == set(together)
    for name, values in alone.items():
        np.testing.assert_array_equal(together[name], values, name)


@pytest.mark.parametrize("size", [(11, 12), (61, 47), (64, 64), (120, 130)])
def test_one_pass_gives_the_protocols_scores_bit_by_bit(size):
    targets = noise((4, *size, 3))
    predictions = np.stack([noisy(targets[0], 1), noise((*size, 3), 1), targets[2], targets[3] // 2])
    everything = score_all(predictions, targets)
    for part in (score_images(predictions, targets), score(predictions, targets)):
        for name, values in part.items():
            np.testing.assert_array_equal(everything.pop(name), values, name)
    assert not everything


def test_shared_differences_are_the_protocols():
    predictions, targets = noise((1, 61, 47, 3)), noise((1, 61, 47, 3), 1)
    pair = Pair(predictions[0], targets[0])
    np.testing.assert_array_equal(pair.delta.reshape(61, 47), ciede2000_map(predictions[0], targets[0]))
    whole = colour_scores(predictions, targets)["ciede2000"][0]
    assert pair.delta.mean(dtype=np.float64) == pytest.approx(whole, rel=1e-12)
    planes = pair.target_lab.reshape(3, -1)[:, : 61 * 47].T.reshape(61, 47, 3)
    np.testing.assert_allclose(planes, color.srgb_to_lab(targets[0] / 255), atol=1e-3)


def test_threads_layout_and_company_do_not_change_a_score():
    image, numbers = drawing(64)
    targets = np.stack([np.roll(image, step, 1) for step in range(5)])
    predictions = np.stack([noisy(target, step) for step, target in enumerate(targets)])
    regions = np.stack([np.roll(numbers, step, 1) for step in range(5)]).astype(np.int32)
    boundaries = np.stack([edges_of(one) for one in regions])
    batch = (predictions, targets, boundaries, regions)
    alone = run(batch, 1)
    frozen = [array.copy() for array in batch]
    for array in frozen:
        array.setflags(write=False)
    strided = [np.asfortranarray(array) for array in batch]
    for other in (run(batch, 2), run(batch, 9), run(batch), run(frozen), run(strided)):
        for name, values in alone.items():
            np.testing.assert_array_equal(other[name], values, name)
    backwards = run([array[::-1] for array in batch])
    by_one = [run([array[place : place + 1] for array in batch]) for place in range(5)]
    for name, values in alone.items():
        np.testing.assert_array_equal(backwards[name][::-1], values, name)
        np.testing.assert_array_equal([one[name][0] for one in by_one], values, name)


@pytest.mark.parametrize("size", [(11, 11), (11, 90), (33, 31), (32, 32), (130, 75)])
def test_any_size_has_a_score(size):
    predictions, targets = noise((1, *size, 3)), noise((1, *size, 3), 1)
    scores = score(predictions, targets, np.zeros((1, *size), bool), np.ones((1, *size), np.int64))
    always = set(scores) - CLASSES - {"ms-ssim", "bleeding", "bleeding-true", "region-spread", *SMALL}
    for name in always:
        assert np.isfinite(scores[name]).all(), name


def test_bad_input_is_named():
    image = noise((1, 16, 16, 3))
    with pytest.raises(BenchError, match="predictions must be uint8"):
        score(image / 255, image)
    with pytest.raises(BenchError, match="one shape"):
        score(image[:, :12], image)
    with pytest.raises(BenchError, match="at least 1; got 0"):
        score(image, image, threads=0)
    with pytest.raises(BenchError, match=r"boundaries must be bool of shape \(1, 16, 16\); got uint8 \(1, 16, 16\)"):
        score(image, image, np.zeros((1, 16, 16), np.uint8))


def test_real_images():
    home = os.environ.get("CHROMABENCH_SHARED")
    if not home:
        pytest.skip("CHROMABENCH_SHARED is not set")
    from PIL import Image

    found = sorted(path for path in Path(home, "testpack").rglob("*") if path.suffix in {".png", ".jpg", ".webp"})
    pictures = []
    for path in found[:: max(1, len(found) // 8)]:
        with Image.open(path) as opened:
            pictures.append(np.array(opened.convert("RGB").resize((128, 128))))
    targets = np.stack(pictures)
    coloured = np.flatnonzero(chroma_scores(targets, targets)["saturation-ratio"] == 1)
    assert len(coloured) >= 3
    for place in coloured:
        target = targets[place]
        blurs = [changed(target, lambda ab, s=s: gaussian_filter(ab, (s, s, 0))) for s in (2, 4, 8)]
        scores = score(np.stack(blurs), np.stack([target] * 3))
        for name, worse in (("bleeding", 1), ("ciede2000-locked", 1), ("psnr-locked", -1), ("palette-distance", 1)):
            values = worse * scores[name][np.isfinite(scores[name])]
            assert (np.diff(values) >= 0).all(), (name, place, values)
