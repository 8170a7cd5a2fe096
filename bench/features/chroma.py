"""The frozen extractor behind FD-chroma: a small network that ships with us, trained on procedural-v1 alone.

It looks at how colours lie on a picture at 64 x 64 pixels and says 64 numbers. `bench.features.chroma_training` made
its weights; reports/fd-chroma.md, by `bench.features.chroma_evidence`, shows what the distance answers to on real ones.
It is not Inception, and FD-chroma is not FID: it knows no objects, and no detail finer than a 64th of a side.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.color import rgb_to_yuv601
from bench.cores import cores
from bench.errors import BenchError
from bench.features.resizing import checked, resized
from bench.files import sha256
from bench.precision import precise

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Float32, UInt8
    from torch import nn

WEIGHTS = Path(__file__).with_name("chroma.safetensors")
SHA256 = "267acb7260b5c365c83c071c98d2beb0a01c23b8f3b262b4e7077b5c6bd0b6ff"
"""Of the weights file: with others the distance would be another one under the same name."""

SIDE = 64
FEATURES = 64
BATCH = 32
"""Images a forward pass, always, as for Inception."""

_ALONE = RLock()

CONTRAST = 4.0
"""U and V span about a quarter of what Y does."""


class Chroma:
    """Features of 8-bit images for FD-chroma.

    Attributes:
        definition: what the features are, for the key of what is kept.
    """

    definition = f"chroma-v1 {SHA256[:16]} batch {BATCH}"

    def __init__(self) -> None:
        """Load the network from this package.

        Raises:
            BenchError: if the weights file is missing or not the published one.
        """
        if not WEIGHTS.is_file() or sha256(WEIGHTS) != SHA256:
            raise BenchError(
                f"expected FD-chroma's weights with SHA-256 {SHA256[:8]}… at {WEIGHTS}; they are missing or others; "
                "install the package again."
            )
        self._network = _load(WEIGHTS)

    def __call__(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n 64"]:
        """The features, each of standard deviation 1 over pictures of procedural-v1, damaged in many ways or not.

        One thread a batch and one size of batch, whatever the process is set to, so that they are the same to the last
        digit; batches run side by side.

        Args:
            images: 8-bit sRGB, any size; brought to 64 x 64 by Pillow's `box` filter, which averages.

        Returns:
            One row an image.

        Raises:
            BenchError: unless `images` is uint8 of shape (n, h, w, 3).
        """
        import torch

        checked(images)
        features = np.empty((len(images), FEATURES), np.float32)

        @torch.inference_mode()
        def fill(start: int) -> None:
            chunk = images[start : start + BATCH]
            batch = np.zeros((BATCH, *images.shape[1:]), np.uint8)
            batch[: len(chunk)] = chunk
            levels = torch.from_numpy(batch).permute(0, 3, 1, 2).float().contiguous()
            shown = resized(levels, "box", SIDE).div_(255).clamp_(0, 1)
            features[start : start + len(chunk)] = self._network(seen(shown))[: len(chunk)].numpy()

        starts = range(0, len(images), BATCH)
        with precise(torch.device("cpu")), _one_thread():
            if len(starts) < 2:
                list(map(fill, starts))
            else:
                with ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
                    list(pool.map(fill, starts))
        return features


def seen(rgb: Float[torch.Tensor, "n 3 h w"]) -> Float[torch.Tensor, "n 3 h w"]:
    """What the network sees of sRGB in [0, 1]: luma and two opponent colours (BT.601), each about -1 to 1."""
    import torch

    y, u, v = (rgb_to_yuv601(rgb, axis=1) - 0.5).unbind(1)
    return torch.stack([2 * y, CONTRAST * u, CONTRAST * v], 1)


def network() -> nn.Module:
    """The network with fresh weights.

    Four convolutions; the last is held to (0, 1) before the mean over the picture, so that no pixel of no picture can
    drown the others, as a rectified feature can that meets colours it was never shown. Then a fixed scale a feature.
    """
    from collections import OrderedDict

    from torch import nn

    scale = nn.Conv2d(FEATURES, FEATURES, 1, groups=FEATURES, bias=False)
    nn.init.ones_(scale.weight).requires_grad_(False)
    layers = (
        ("first", nn.Conv2d(3, 24, 5, stride=2, padding=2)),
        ("first-bend", nn.ReLU()),
        ("second", nn.Conv2d(24, 32, 3, padding=1)),
        ("second-bend", nn.ReLU()),
        ("third", nn.Conv2d(32, 48, 3, stride=2, padding=1)),
        ("third-bend", nn.ReLU()),
        ("fourth", nn.Conv2d(48, FEATURES, 3, padding=1)),
        ("bound", nn.Sigmoid()),
        ("mean", nn.AdaptiveAvgPool2d(1)),
        ("scale", scale),
        ("flat", nn.Flatten()),
    )
    return nn.Sequential(OrderedDict(layers))


@cache
def _load(path: Path) -> Any:
    import torch
    from safetensors.torch import load_file

    made = network()
    made.load_state_dict(load_file(path))
    return made.requires_grad_(False).eval().to(memory_format=torch.channels_last)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One caller at a time: torch's number of threads is the process's, and is set back at the end."""
    import torch

    with _ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
