"""The frozen extractor behind FID and KID: torch-fidelity's `inception-v3-compat`, 2,048 features an image.

The network and its resize are torch-fidelity's own code; the weights are its own file, looked for and never replaced by
others. What is ours: the weights are read without unpickling objects; batch normalisation is folded into the
convolutions and the channels lie last, for speed, which leaves the features as near to the double-precision network as
the original's (a few 1e-7 of their norm); and every batch has one size, because a feature's last digits depend on it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BenchError
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


class Inception:
    """Features of 8-bit images under `inception-v3-compat`.

    Attributes:
        device: where it runs. Without a GPU about ten images a second; TF32 and half precision are never used.
    """

    def __init__(self, weights: Path, device: torch.device | str = "cpu"):
        """Load the network.

        Args:
            weights: torch-fidelity's file.
            device: where to run.

        Raises:
            BenchError: if the file is missing, is another one, or does not hold the network's weights.
        """
        import torch

        verified = Path(WEIGHTS.find(weights))
        self.device = torch.device(device)
        self._network = _folded(_network(verified)).to(self.device, memory_format=torch.channels_last)

    def __call__(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n 2048"]:
        """The last pooled features, from images resized to 299x299 by the network's own bilinear rule.

        Args:
            images: 8-bit sRGB, any size.

        Returns:
            One row an image.

        Raises:
            BenchError: unless `images` is uint8 of shape (n, h, w, 3).
        """
        import torch

        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise BenchError(f"features need uint8 images of shape (n, height, width, 3); got {got}.")
        features = np.empty((len(images), FEATURES), np.float32)
        precise = (
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
            torch.autocast(self.device.type, enabled=False),
        )
        with torch.inference_mode(), precise[0], precise[1]:
            for start in range(0, len(images), BATCH):
                chunk = images[start : start + BATCH]
                batch = np.zeros((BATCH, *images.shape[1:]), np.uint8)
                batch[: len(chunk)] = chunk
                (out,) = self._network(torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2))
                features[start : start + len(chunk)] = out[: len(chunk)].cpu().numpy()
        return features


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
    """Batch normalisation folded into the convolutions, computed in double precision."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d

    for block in network.modules():
        if isinstance(block, BasicConv2d):
            block.conv = fuse_conv_bn_eval(block.conv.double(), block.bn.double()).float()
            block.add_module("bn", torch.nn.Identity())
    return network.requires_grad_(False).eval()
