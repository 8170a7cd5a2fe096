"""Speed of the distribution metrics against torch-fidelity: features, the Fréchet statistic, intervals, FD-chroma.

Ratios come from alternating runs in one process and stand in each report's `extra_info`.
"""

import hashlib
import io
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from bench.features import Chroma, inception
from bench.metrics.distribution import Gaussian, fid_interval, kid_interval

D = 2048
PICTURES = 32


class Blank(FeatureExtractorInceptionV3):
    """torch-fidelity's network, built without its weights."""

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return super().load_state_dict({}, strict=False)


def features(n, seed):
    return np.random.default_rng(seed).gamma(0.5, 1, (n, D)).astype(np.float32)


def seconds(function, *arguments):
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def their_statistics(rows):
    return fid_features_to_statistics(torch.from_numpy(rows))


def their_distance(rows, target):
    return fid_statistics_to_metric(their_statistics(rows), target, verbose=False)["frechet_inception_distance"]


@pytest.mark.parametrize(("n", "rounds", "least"), [(256, 3, 100), (4096, 3, 3)])
def test_frechet_distance_of_a_second_model(benchmark, n, rounds, least):
    """Target statistics are at hand on both sides; the prediction's features become a distance.

    The features here vary nearly alike in every direction. How long torch-fidelity takes hangs on how variances fall
    off, how long ours takes does not. For n > 2,048 torch-fidelity took about as long where they fall as a power of
    their rank, and for features of 2,304 real pictures (a random Inception); three to four times as long only where
    they fall exponentially, to below what double precision tells from zero. So what is claimed is the usual case, and
    fifteen times is out of reach: the predictions' covariance alone takes a tenth to a fifteenth of their time.
    """
    target, rows = features(n, 0), features(n, 1) * np.float32(1.1)
    ours, theirs = Gaussian.fit(target), their_statistics(target)
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    values: dict[str, float] = {}

    def alternate():
        for who, function, side in (("ours", ours.distance, None), ("theirs", their_distance, theirs)):
            arguments = (rows,) if side is None else (rows, side)
            for _ in range(3 if who == "ours" else 1):
                took, values[who] = seconds(function, *arguments)
                times[who].append(took)

    benchmark.group = f"Fréchet distance, n = {n}"
    benchmark.pedantic(alternate, rounds=rounds, warmup_rounds=0)
    ratio = min(times["theirs"]) / min(times["ours"])
    benchmark.extra_info.update(ratio=round(ratio, 1), ours=min(times["ours"]), theirs=min(times["theirs"]))
    print(f"Fréchet distance at n = {n}: {min(times['ours']):.3f} s, {ratio:.0f}x torch-fidelity")
    assert values["ours"] == pytest.approx(values["theirs"], rel=1e-6)
    assert ratio >= least


def test_inception_features(benchmark, tmp_path, monkeypatch):
    torch.manual_seed(0)
    empty, path = io.BytesIO(), tmp_path / "inception.pth"
    torch.save({}, empty)
    empty.seek(0)
    network = Blank("blank", [str(D)], feature_extractor_weights_path=empty)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    torch.save(network.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, sha256=digest))
    ours = inception.Inception(path)
    pictures = np.random.default_rng(0).integers(0, 256, (PICTURES, 256, 256, 3)).astype(np.uint8)
    planes = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    times: dict[str, list[float]] = {"ours": [], "ours, clean": [], "theirs": []}
    made: dict[str, torch.Tensor] = {}

    def peer():
        with torch.inference_mode():
            return network(planes)[0]

    def alternate():
        jobs = {"ours": ours, "ours, clean": ours.under("clean")}
        took, made["theirs"] = seconds(peer)
        times["theirs"].append(took)
        for who, job in jobs.items():
            took, said = seconds(job, pictures)
            times[who].append(took)
            made[who] = torch.from_numpy(said)

    benchmark.group = "Inception features, 256 px"
    benchmark.pedantic(alternate, rounds=3, warmup_rounds=1)
    best = {who: min(values) for who, values in times.items()}
    ratio = best["theirs"] / best["ours"]
    benchmark.extra_info.update(
        images_per_second={who: round(PICTURES / value, 1) for who, value in best.items()}, ratio=round(ratio, 2)
    )
    print(f"Inception: {PICTURES / best['ours']:.1f} images/s, {ratio:.2f}x torch-fidelity")
    assert float((made["ours"] - made["theirs"]).norm() / made["theirs"].norm()) < 1e-4
    assert ratio >= 1.25  # 1.8 and more on a quiet machine; the threads of busy cores wait for each other


def test_chroma_features(benchmark):
    pictures = np.random.default_rng(0).integers(0, 256, (256, 128, 128, 3)).astype(np.uint8)
    benchmark.group = "FD-chroma features, 128 px"
    benchmark.pedantic(Chroma(), (pictures,), rounds=5, warmup_rounds=1)
    rate = len(pictures) / benchmark.stats["min"]
    benchmark.extra_info["images_per_second"] = round(rate)
    print(f"FD-chroma: {rate:.0f} images/s")
    assert rate >= 200


@pytest.mark.parametrize("interval", [fid_interval, kid_interval])
def test_interval(benchmark, interval):
    rows, target = features(1000, 1), features(1000, 0)
    benchmark.group = "95 % interval, 1,000 images"
    low, high = benchmark.pedantic(interval, (rows, target), rounds=2, warmup_rounds=0)
    assert low < high
    assert benchmark.stats["min"] < 20
