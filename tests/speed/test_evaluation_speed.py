"""Speed of a whole evaluation: its floor, and the script that one would write, in alternating runs of one process.

The floor is what nothing can save: decoding the predictions, and one pass of the fastest exact Inception at hand. The
script goes image by image through scikit-image and colour-science, and both folders through torch-fidelity; one that
keeps its targets' features is told of beside it. Inception has random weights here: times are those of the real ones.
"""

import hashlib
import io
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from bench.data.manifest import Item, Split
from bench.data.procedural import draw_many, plan
from bench.evaluate import Subject, evaluate
from bench.features import inception
from bench.predictions import Place, Submission, Wanted, write_predictions
from bench.scoring import Scorer
from bench.types import Entry, Images

SIDE, PAIRS, THREADS, MANY = 256, 256, 2, 10_000
OBVIOUS = 32
"""Pairs that the script is given: its time is linear in them, but for FID's statistic, which is timed of all."""

ROUNDS = 4
MOST_OF_FLOOR, LEAST_OF_OBVIOUS = 1.10, 5.0


class Blank(FeatureExtractorInceptionV3):
    """torch-fidelity's network, built without its weights."""

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return super().load_state_dict({}, strict=False)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """torch-fidelity's own network with random weights, and the file that holds them."""
    torch.manual_seed(0)
    empty, path = io.BytesIO(), tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save({}, empty)
    empty.seek(0)
    made = Blank("blank", ["2048"], feature_extractor_weights_path=empty)
    for module in made.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    torch.save(made.state_dict(), path)
    return made, path


@pytest.fixture(scope="module")
def split():
    """A user's own split: drawn pictures, series by series, of which nothing is known but their pixels."""
    targets = np.stack([one.image for one in draw_many(plan(series=16, pictures=PAIRS // 16), "anime", SIDE)])
    ids = tuple(f"i{place:03d}" for place in range(PAIRS))
    groups = tuple(f"g{place // 16:02d}" for place in range(PAIRS))
    items = tuple(Item(id, "anime", "test", group, id, "0" * 64) for id, group in zip(ids, groups, strict=True))
    return Split(Path(), "mine", "anime", "test", SIDE, "none", items), Images(ids, groups, targets, targets[..., 0])


@pytest.fixture(scope="module")
def folders(split, tmp_path_factory):
    """Predictions and targets as PNGs: paler, with the grain that a network leaves."""
    _, images = split
    gray = images.targets.mean(-1, keepdims=True)
    grain = np.random.default_rng(0).integers(-2, 3, images.targets.shape)
    painted = np.clip(0.6 * images.targets + 0.4 * gray + grain, 0, 255).astype(np.uint8)
    home = tmp_path_factory.mktemp("pictures")
    for name, pictures in (("out", painted), ("targets", images.targets)):
        write_predictions(home / name, images, pictures)
    return home


def seconds(function, *arguments):
    """Of the clock and of all threads' processor time, and what came of it."""
    wall, processor = time.perf_counter(), time.process_time()
    result = function(*arguments)
    return np.array([time.perf_counter() - wall, time.process_time() - processor]), result


def peer_metrics(prediction, target):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib is absent
        import colour
    difference = prediction.astype(np.float64) - target
    labs = [colour.XYZ_to_Lab(colour.sRGB_to_XYZ(image / 255)) for image in (prediction, target)]
    deltas = colour.delta_E(*labs, method="CIE 2000")
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return {
        "l1": np.abs(difference).mean(),
        "l2": (difference**2).mean(),
        "psnr": peak_signal_noise_ratio(target, prediction, data_range=255),
        "ssim": structural_similarity(target, prediction, data_range=255, channel_axis=-1, **window),
        "l1-ab": np.abs(labs[0] - labs[1])[..., 1:].mean(),
        "l2-ab": ((labs[0] - labs[1])[..., 1:] ** 2).mean(),
        "ciede2000": deltas.mean(),
        "ciede2000-p95": np.percentile(deltas, 95),
        "ciede2000-over-2.3": (deltas > 2.3).mean(),
    }


def peer_pixels(folder, names):
    """Both folders decoded, and every metric of each pair."""
    pictures = [
        np.stack([np.asarray(Image.open(folder / kind / name).convert("RGB")) for name in names])
        for kind in ("out", "targets")
    ]
    return pictures, [peer_metrics(*pair) for pair in zip(*pictures, strict=True)]


def peer_features(network, pictures):
    with torch.inference_mode():
        return network(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous())[0]


def peer_statistic(features):
    moments = [fid_features_to_statistics(rows) for rows in features]
    return fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]


@pytest.mark.slow
def test_whole_evaluation(benchmark, network, split, folders, tmp_path, monkeypatch):
    theirs, weights = network
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, sha256=digest))
    extractor = inception.Inception(weights)
    facts, images = split
    place: Place = ("anime", "test")
    names = [f"{id}.png" for id in images.ids]

    def ours(protocol_only):
        given = Submission(folders / "out", {place: Wanted.of(images)})
        subject = Subject(Entry("mine"), "submission", lambda _: given.chunks(place))
        scorer = Scorer(extractor, cache=tmp_path / "cache", protocol_only=protocol_only)
        return evaluate(subject, facts, images, "gray", scorer, tmp_path, "bench evaluate")

    def floor():
        def decoded(name):
            picture = cv2.imread(str(folders / "out" / name))
            assert picture is not None
            return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

        with ThreadPoolExecutor(THREADS) as pool:
            pictures = np.stack(list(pool.map(decoded, names)))
        return extractor(pictures)

    rng = np.random.default_rng(0)
    wide = [torch.from_numpy(rng.gamma(0.5, 1, (PAIRS, 2048)).astype(np.float32)) for _ in range(2)]
    jobs = {
        "floor": floor,
        "protocol": lambda: ours(True),
        "everything": lambda: ours(False),
        "pixels": lambda: peer_pixels(folders, names[:OBVIOUS]),
        "features": lambda: peer_features(theirs, images.targets[:OBVIOUS]),
        "statistic": lambda: peer_statistic(wide),
    }
    least, found = {who: np.full(2, np.inf) for who in jobs}, {}
    ours(False)  # the targets' features are kept, as a first model leaves them

    def alternate():
        for who, job in jobs.items():
            took, found[who] = seconds(job)
            least[who] = np.minimum(least[who], took)

    benchmark.group = f"a whole evaluation, {PAIRS} pairs at {SIDE} px"
    benchmark.pedantic(alternate, rounds=ROUNDS, warmup_rounds=0)
    scale = PAIRS / OBVIOUS
    least["script that keeps features"] = scale * (least["pixels"] + least["features"]) + least["statistic"]
    least["script"] = least["script that keeps features"] + scale * least["features"]
    whole = ("floor", "protocol", "everything", "script", "script that keeps features")
    of_floor, of_all = least["protocol"] / least["floor"], least["everything"] / least["floor"]
    faster = least["script"] / least["protocol"]
    for at, clock in enumerate(("seconds", "processor_seconds")):
        benchmark.extra_info[clock] = {who: round(float(least[who][at]), 1) for who in whole}
        benchmark.extra_info[f"times_in_{clock}"] = {
            "the floor": round(float(of_floor[at]), 3),
            "the floor with every metric": round(float(of_all[at]), 3),
            "faster than the script": round(float(faster[at]), 1),
        }
    print(benchmark.extra_info)
    assert found["protocol"].scores["fid"].value is not None
    table = pd.read_parquet(next((tmp_path / "scores").glob("*.parquet")))
    _, rows = found["pixels"]
    for id in rows[0]:
        np.testing.assert_allclose(table[id][:OBVIOUS], [row[id] for row in rows], atol=1e-3, rtol=1e-4)
    # By the better of two clocks: others on the machine stretch the one, threads that wait for each other the other.
    assert of_floor.min() <= MOST_OF_FLOOR
    assert faster.max() >= LEAST_OF_OBVIOUS


@pytest.mark.gpu
def test_ten_thousand_images_on_a_gpu(benchmark, network, split, folders, tmp_path, monkeypatch):
    """Decoding on all cores, one Inception pass, and a whole evaluation with every metric, in one run.

    The pictures are links to the same 256 files: decoding, networks and metrics do not know that. In groups of 16 they
    are as many as in a large collection. What is known of the targets is known before, as of a second model.
    """
    _, weights = network
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, sha256=digest))
    extractor = inception.Inception(weights, "cuda")
    _, few = split
    rows = np.arange(MANY) % PAIRS
    ids = tuple(f"i{place:05d}" for place in range(MANY))
    groups = tuple(f"g{place // 16:04d}" for place in range(MANY))
    images = Images(ids, groups, few.targets[rows], few.conditions[rows])
    items = tuple(Item(id, "anime", "test", group, id, "0" * 64) for id, group in zip(ids, groups, strict=True))
    facts = Split(Path(), "mine", "anime", "test", SIDE, "none", items)
    out = tmp_path / "out"
    place: Place = ("anime", "test")
    out.mkdir()
    for id, row in zip(ids, rows, strict=True):
        (out / f"{id}.png").hardlink_to(folders / "out" / f"{few.ids[row]}.png")
    scorer = Scorer(extractor, cache=tmp_path / "cache")

    def decoding():
        return Submission(out, {place: Wanted.of(images)}).all(place)

    def whole():
        given = Submission(out, {place: Wanted.of(images)})
        subject = Subject(Entry("mine"), "submission", lambda _: given.chunks(place))
        return evaluate(subject, facts, images, "gray", scorer, tmp_path, "bench evaluate")

    whole()
    pictures = decoding()
    jobs = {"decoding": decoding, "inception": lambda: extractor(pictures), "everything": whole}
    least, found = dict.fromkeys(jobs, np.inf), {}

    def alternate():
        for who, job in jobs.items():
            took, found[who] = seconds(job)
            least[who] = min(least[who], float(took[0]))

    benchmark.group = f"a whole evaluation on a GPU, {MANY} pairs at {SIDE} px"
    benchmark.pedantic(alternate, rounds=2, warmup_rounds=0)
    ratio = least["everything"] / max(least["decoding"], least["inception"])
    benchmark.extra_info.update(seconds={who: round(value, 2) for who, value in least.items()}, ratio=round(ratio, 2))
    print(benchmark.extra_info)
    assert found["everything"].scores["fid"].value is not None
    assert ratio <= 2
