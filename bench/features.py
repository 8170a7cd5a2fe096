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

from bench import files
from bench.errors import BenchError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float32, UInt8

WEIGHTS_NAME = "weights-inception-2015-12-05-6726825d.pth"
WEIGHTS_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHTS_NAME}"
WEIGHTS_SHA256 = "6726825d"
"""First digits of the file's SHA-256, as its name promises."""

DOWNLOAD = "download"
"""What a user says instead of a file to have it fetched."""

FEATURES = 2048
BATCH = 16
"""Images a forward pass, always: the last batch is filled up with black and the surplus dropped."""


def find_inception_weights(option: Path | None = None) -> Path | str:
    """The weights file: the one that the user names, or else the one in torch's cache (which TORCH_HOME moves).

    Args:
        option: what the user named, or None.

    Returns:
        The file, its checksum verified; or, where the cache holds none or another, one line that says what is missing
        and how to get it.

    Raises:
        BenchError: if the file that the user named is missing or is another one.
    """
    path = _cached() if option is None else option
    how = f"Give --inception-weights download, or the file from {WEIGHTS_URL}, or put that at {_cached()}."
    if not path.is_file():
        if option is not None:
            raise BenchError(f"no Inception weights at {option}. {how}")
        return f"needs torch-fidelity's Inception weights. {how}"
    digest = files.sha256(path)
    if digest.startswith(WEIGHTS_SHA256):
        return path
    wrong = f"{path} is not torch-fidelity's Inception weights: expected SHA-256 {WEIGHTS_SHA256}…, got {digest[:8]}…."
    if option is not None:
        raise BenchError(f"{wrong} {how}")
    return f"{wrong} Delete it. {how}"


def download_inception_weights(progress: bool = True) -> Path:
    """Fetch torch-fidelity's weights (91 MiB) into torch's cache, unless they are there.

    Args:
        progress: show a bar on standard error.

    Returns:
        The file, its checksum verified.

    Raises:
        BenchError: if it cannot be fetched or written, or what came is another file.
    """
    import http.client

    import torch.hub

    found = find_inception_weights()
    if isinstance(found, Path):
        return found
    place = _cached()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(WEIGHTS_URL, str(place), hash_prefix=WEIGHTS_SHA256, progress=progress)
    except (OSError, http.client.HTTPException, RuntimeError) as error:  # RuntimeError: another checksum
        raise BenchError(
            f"could not fetch the Inception weights from {WEIGHTS_URL}: {error}. Fetch them elsewhere and give "
            "--inception-weights FILE."
        ) from error
    return place


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

        verified = find_inception_weights(weights)
        self.device = torch.device(device)
        self._network = _folded(_network(Path(verified))).to(self.device, memory_format=torch.channels_last)

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
        option: the weights file that the user named, `download`, or None for what torch's cache holds.
        device: where to run.

    Raises:
        BenchError: if the file that the user named cannot serve, or the download fails.
    """
    if option == DOWNLOAD:
        return Inception(download_inception_weights(), device), ""
    found = find_inception_weights(None if option is None else Path(option))
    return (None, found) if isinstance(found, str) else (Inception(found, device), "")


def _cached() -> Path:
    import torch.hub

    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_NAME


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
        raise BenchError(f"{weights} does not hold the weights of {WEIGHTS_NAME}: {reason}") from error


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
