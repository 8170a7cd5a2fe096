"""The frozen extractor behind FID and KID: torch-fidelity's `inception-v3-compat`, 2,048 features an image.

The network is torch-fidelity's own code; the weights are its own file, looked for and never replaced by others. What is
ours: the weights are read without unpickling objects; batch normalisation is folded into the convolutions, the channels
lie last and the resize is two matrix products, for speed. That leaves the features as near to the double-precision
network as the original's with the channels last (a few 1e-7 of their norm; with the channels first, twice as slow, the
original is up to 1.5 times as near); and every batch has one size, because a feature's last digits depend on it. Under
clean-fid's resize the same network serves `fid-clean`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BenchError, unknown
from bench.features.resizing import checked, resized
from bench.precision import precise
from bench.weights import Published

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float32, UInt8

WEIGHTS = Published(
    what="torch-fidelity's Inception weights",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
    option="--inception-weights",
)
"""The file behind FID and KID; another is refused."""

FEATURES = 2048
BATCH = 16
"""Images a forward pass, always: the last batch is filled up with black and the surplus dropped."""

SIDE = 299
RESIZES = {"tf1": "tf1", "clean": "bicubic"}
"""How images come to the network's 299 pixels: `tf1`, its own bilinear rule that antialiases nothing, behind FID and
KID; `clean`, Pillow's antialiased bicubic rule in floats, held to 0..255, behind `fid-clean` (Parmar et al. 2022)."""

_STAGES = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool"),
)
"""torch-fidelity's modules between its resize and its features, in its order."""


class Inception:
    """Features of 8-bit images under `inception-v3-compat`.

    Attributes:
        device: where it runs. Without a GPU about ten images a second; TF32 and half precision are never used.
        resize: `tf1` or `clean`.
        definition: what the features are, for the key of what is kept.
    """

    def __init__(self, weights: Path, device: torch.device | str = "cpu", resize: str = "tf1"):
        """Load the network.

        Args:
            weights: torch-fidelity's file.
            device: where to run.
            resize: a rule of `RESIZES`.

        Raises:
            BenchError: if the file is missing, is another one, or does not hold the network's weights; on an unknown
                rule.
        """
        import torch

        if resize not in RESIZES:
            raise unknown("resize", resize, list(RESIZES))
        verified = Path(WEIGHTS.find(weights))
        self.device = torch.device(device)
        self.resize = resize
        self.definition = f"inception-v3-compat {WEIGHTS.sha256} {resize} batch {BATCH} {self.device.type}"
        self._network = _folded(_network(verified)).to(self.device, memory_format=torch.channels_last)

    def under(self, resize: str) -> Inception:
        """The same network in memory, behind another resize.

        Raises:
            BenchError: on an unknown rule.
        """
        if resize not in RESIZES:
            raise unknown("resize", resize, list(RESIZES))
        other = object.__new__(Inception)
        other.__dict__.update(self.__dict__, resize=resize)
        other.definition = self.definition.replace(f" {self.resize} ", f" {resize} ")
        return other

    def __call__(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n 2048"]:
        """The last pooled features.

        Args:
            images: 8-bit sRGB, any size.

        Returns:
            One row an image.

        Raises:
            BenchError: unless `images` is uint8 of shape (n, h, w, 3).
        """
        import torch

        checked(images)
        rows: list[torch.Tensor] = []
        with precise(self.device):
            for start in range(0, len(images), BATCH):
                batch = images[start : start + BATCH]
                if len(batch) < BATCH:
                    black = np.zeros((BATCH - len(batch), *images.shape[1:]), np.uint8)
                    batch = np.concatenate([batch, black])
                levels = self._there(batch).permute(0, 3, 1, 2).float().contiguous()
                levels = resized(levels, RESIZES[self.resize], SIDE)
                if self.resize == "clean":
                    levels = levels.clamp_(0, 255)  # the cubic overshoots
                # Exactly (x - 128) / 128, because 128 is a power of two.
                out = self._network(levels.sub_(128).div_(128).contiguous(memory_format=torch.channels_last))
                rows.append(out[:, :, 0, 0])
            # A GPU is waited for once: until here batches only queue up.
            return torch.cat(rows)[: len(images)].cpu().numpy() if rows else np.empty((0, FEATURES), np.float32)

    def _there(self, batch: UInt8[np.ndarray, "n h w 3"]) -> UInt8[torch.Tensor, "n h w 3"]:
        """A batch on the device; a GPU fetches it from pinned memory while it still works on the one before."""
        import torch

        levels = torch.from_numpy(np.array(batch, order="C"))  # torch warns of arrays that are read only
        return levels.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else levels


def load_inception(
    option: str | Path | None = None, device: torch.device | str = "cpu"
) -> tuple[Inception | None, str]:
    """The extractor, or None and the reason that stands in FID's and KID's column.

    Args:
        option: the weights file that the user named, `download`, `none`, or None for what torch's cache holds.
        device: where to run.

    Raises:
        BenchError: if the file that the user named cannot serve, or the download fails.
    """
    found = WEIGHTS.find(option)
    return (None, found) if isinstance(found, str) else (Inception(found, device), "")


def _network(weights: Path) -> Any:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity would unpickle whatever the file holds; it gets tensors only, packed again by us.
    packed = io.BytesIO()
    try:
        torch.save(torch.load(weights, map_location="cpu", weights_only=True), packed)
        packed.seek(0)
        return FeatureExtractorInceptionV3(
            "inception-v3-compat", [str(FEATURES)], feature_extractor_weights_path=packed
        )
    except Exception as error:  # a damaged file fails in many ways: unpickling, zip, missing keys, shapes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchError(f"{weights} does not hold the weights of {WEIGHTS.name}: {reason}") from error


def _folded(network: Any) -> Any:
    """Its stages alone, batch normalisation folded into the convolutions, computed in double precision."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d

    for block in network.modules():
        if isinstance(block, BasicConv2d):
            block.conv = fuse_conv_bn_eval(block.conv.double(), block.bn.double()).float()
            block.add_module("bn", torch.nn.Identity())
    stages = torch.nn.Sequential(*(getattr(network, name) for name in _STAGES))
    return stages.requires_grad_(False).eval()
