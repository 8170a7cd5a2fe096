"""The extractors on the probe's pictures: each step that ships with us against Pillow, torch-fidelity or plain PyTorch.

Every run asks for these steps, 0.25 s together. Inception itself, where its weights are, is left to `bench
doctor`: two networks of 24 million weights take several seconds to build, more than all else that a run checks.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.features.chroma import WEIGHTS as CHROMA
from bench.features.chroma import Chroma
from bench.features.inception import WEIGHTS, Inception
from bench.features.resizing import resized
from bench.metrics.probe import Check, insist, largest, probe_pairs

if TYPE_CHECKING:
    from jaxtyping import Float64, UInt8

TOPIC = "networks"


def cross_check_extractors() -> tuple[list[Check], str]:
    """Compare every extractor that can be had here with its library.

    Returns:
        The checks, and why Inception itself is not among them; empty where it is.
    """
    images, checks = probe_pairs()[1], _shipped()
    found = WEIGHTS.find()
    if isinstance(found, str):
        return checks, found
    ours, theirs = Inception(found)(images), _by_torch_fidelity_whole(images, found)
    return [*checks, _check("fid, kid: network", "torch-fidelity", ours, theirs, 1e-3)], ""


@cache
def assert_agreement() -> None:
    """Check once a process what ships with us: FD-chroma's network, and the two resizes before Inception.

    Raises:
        BenchError: one deviates from its library by more than the tolerance, or FD-chroma's weights are damaged.
    """
    insist(_shipped())


def _shipped() -> list[Check]:
    images = probe_pairs()[1]
    return [
        _check("fid, kid: resize", "torch-fidelity", _resized(images, "tf1"), _by_torch_fidelity(images), 1e-3),
        _check("fid-clean: resize", "Pillow", _resized(images, "bicubic"), _by_pillow(images), 1e-3),
        _check("fd-chroma: network", "Pillow, PyTorch float64", Chroma()(images), _by_layers(images), 1e-4),
    ]


def _check(what: str, library: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> Check:
    return Check(TOPIC, what, library, largest(ours, theirs), tolerance)


def _resized(images: UInt8[np.ndarray, "n h w 3"], rule: str) -> np.ndarray:
    import torch

    return resized(torch.from_numpy(images).permute(0, 3, 1, 2).float().contiguous(), rule, 299).numpy()


def _by_torch_fidelity(images: UInt8[np.ndarray, "n h w 3"]) -> np.ndarray:
    import torch
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    levels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return interpolate_bilinear_2d_like_tensorflow1x(levels, size=(299, 299), align_corners=False).numpy()


def _by_torch_fidelity_whole(images: UInt8[np.ndarray, "n h w 3"], weights: Path) -> np.ndarray:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity would unpickle whatever the file holds; it gets tensors alone.
    packed = io.BytesIO()
    torch.save(torch.load(weights, map_location="cpu", weights_only=True), packed)
    packed.seek(0)
    network = FeatureExtractorInceptionV3("probe", ["2048"], feature_extractor_weights_path=packed)
    with torch.inference_mode():
        return network(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())[0].numpy()


def _by_pillow(images: UInt8[np.ndarray, "n h w 3"], filter: str = "BICUBIC", side: int = 299) -> np.ndarray:
    """Each channel of each picture resized by itself, in floats; shape (n, 3, side, side)."""
    from PIL import Image

    planes = np.moveaxis(images, 3, 1).astype(np.float32)
    made = [
        np.asarray(Image.fromarray(plane).resize((side, side), Image.Resampling[filter]))
        for plane in planes.reshape(-1, *planes.shape[2:])
    ]
    return np.stack(made).reshape(len(images), 3, side, side)


def _by_layers(images: UInt8[np.ndarray, "n h w 3"]) -> Float64[np.ndarray, "n 64"]:
    """FD-chroma's features, layer by layer in double precision from the weights' own names."""
    import torch
    from safetensors.torch import load_file
    from torch.nn.functional import conv2d, relu

    weights = {name: tensor.double() for name, tensor in load_file(CHROMA).items()}
    red, green, blue = np.moveaxis(_by_pillow(images, "BOX", 64).astype(np.float64) / 255, 1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    seen = [2 * luma - 1, 4 * (blue - luma) / 1.772, 4 * (red - luma) / 1.402]
    x = torch.from_numpy(np.stack(seen, axis=1))
    with torch.inference_mode():
        for name, stride, padding in (("first", 2, 2), ("second", 1, 1), ("third", 2, 1)):
            x = relu(conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding))
        x = torch.sigmoid(conv2d(x, weights["fourth.weight"], weights["fourth.bias"], 1, 1)).mean(dim=(2, 3))
        return (x * weights["scale.weight"].flatten()).numpy()
