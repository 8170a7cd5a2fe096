"""LPIPS: how far two pictures are apart for a network that has learned what people call alike (Zhang et al. 2018).

    8-bit sRGB --> [-1, 1] --> (x - shift) / scale --> AlexNet --> maps after its five ReLUs
      each map: vectors over channels to length 1, squared difference, weighted by the layer's learned weights, mean
      over places; LPIPS is the sum over the five layers

The network is torchvision's AlexNet with its ImageNet weights, which are looked for and never replaced. The weights of
the layers, version 0.1 of the authors, come with torchmetrics. Input in 0..1 or 0..255 is the commonest mistake with
this metric; here only 8-bit images go in, and the range is nobody's to choose.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import files
from bench.errors import BenchError
from bench.precision import precise
from bench.types import Metric
from bench.weights import Published, tensors_of

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float32, Float64, UInt8

METRICS = (
    Metric(
        id="lpips",
        name="LPIPS (AlexNet)",
        unit="",
        direction="lower",
        kind="full-reference",
        definition="alexnet,v0.1,input-1..1,eps1e-10",
        source="Zhang, Isola, Efros, Shechtman and Wang 2018, equation 1",
        decimals=3,
    ),
)

WEIGHTS = Published(
    what="torchvision's ImageNet weights of AlexNet",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    sha256="7be5be79",
    option="--lpips-weights",
)
"""The backbone; its name promises the first digits of its SHA-256, and more of it is not known here."""

LINEAR_SHA256 = "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"
"""Of `lpips_models/alex.pth` in torchmetrics 1.9, the layers' weights."""

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""ImageNet's mean and deviation, as they read in [-1, 1] (the authors' code)."""

TAPS = (1, 4, 7, 9, 11)
"""Places of the five ReLUs in torchvision's `alexnet().features`."""

CHANNELS = (64, 192, 384, 256, 256)

EPSILON = 1e-10
"""Added to a vector's length before dividing by it (the authors' code; torchmetrics adds 1e-8 under the root)."""

BATCH = 16
"""Pairs a forward pass, always: the last batch is filled up with black and the surplus dropped."""

SMALLEST = 31
"""Shortest side that is not pooled away."""


class Lpips:
    """The distance, ready to be called.

    Attributes:
        device: where it runs; TF32 and half precision are never used.
    """

    def __init__(self, weights: Path, linear: Path | None = None, device: torch.device | str = "cpu"):
        """Load the network.

        Args:
            weights: torchvision's AlexNet, read without running any code in it.
            linear: the layers' weights; None for the file in torchmetrics.
            device: where to run.

        Raises:
            BenchError: a file that is missing, another one, or damaged.
        """
        import torch
        import torchvision

        verified = Path(WEIGHTS.find(weights))
        with torch.device("meta"):  # nothing is drawn, so torch's seed means the same with and without it
            network = torchvision.models.alexnet().features[: TAPS[-1] + 1]
        wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
        state = {key.removeprefix("features."): value for key, value in tensors_of(verified).items()}
        network = network.to_empty(device="cpu")
        network.load_state_dict(_chosen(state, wanted, verified, WEIGHTS.name))
        layers = {f"lin{place}.model.1.weight": (1, width, 1, 1) for place, width in enumerate(CHANNELS)}
        found = bundled_linear() if linear is None else linear
        self.device = torch.device(device)
        self._network = network.requires_grad_(False).eval().to(self.device)
        self._linear = [one.to(self.device) for one in _chosen(tensors_of(found), layers, found, "LPIPS v0.1").values()]

    def __call__(
        self, predictions: UInt8[np.ndarray, "n h w 3"], targets: UInt8[np.ndarray, "n h w 3"]
    ) -> dict[str, Float64[np.ndarray, " n"]]:
        """`lpips` of each pair, at least 0, lower is better; 0 where the images are equal.

        Args:
            predictions: 8-bit sRGB.
            targets: the same shape.

        Raises:
            BenchError: unless both are uint8 of one shape (n, h, w, 3), at least 31 pixels a side.
        """
        for name, images in (("predictions", predictions), ("targets", targets)):
            if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
                got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
                raise BenchError(f"LPIPS needs uint8 images of shape (n, height, width, 3); got {name} {got}.")
        if predictions.shape != targets.shape or targets.shape[-1] != 3 or min(targets.shape[1:3]) < SMALLEST:
            raise BenchError(
                f"LPIPS needs pairs of one shape (n, height, width, 3), at least {SMALLEST} pixels a side; got "
                f"{predictions.shape} and {targets.shape}."
            )
        return {"lpips": self.distances(*(images.astype(np.float32) / 127.5 - 1 for images in (predictions, targets)))}

    def distances(
        self, first: Float32[np.ndarray, "n h w 3"], second: Float32[np.ndarray, "n h w 3"]
    ) -> Float64[np.ndarray, " n"]:
        """The bare formula, without a look at the range: floats that are meant to lie in [-1, 1]."""
        import torch

        made = np.empty(len(first))
        with precise(self.device):
            for start in range(0, len(first), BATCH):
                rows = slice(start, start + BATCH)
                maps = [self._maps(images[rows]) for images in (first, second)]
                total = sum(
                    torch.nn.functional.conv2d((a - b).square(), weight).double().mean(dim=(1, 2, 3))
                    for a, b, weight in zip(*maps, self._linear, strict=True)
                )
                made[rows] = torch.as_tensor(total).cpu().numpy()[: len(first[rows])]
        return made

    def _maps(self, images: np.ndarray) -> list[torch.Tensor]:
        """The five maps of a batch, vectors of length 1."""
        import torch

        batch = np.zeros((BATCH, *images.shape[1:]), np.float32)
        batch[: len(images)] = images
        batch = (batch - np.array(SHIFT, np.float32)) / np.array(SCALE, np.float32)
        x = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2)
        maps = []
        for place, layer in enumerate(self._network):
            x = layer(x)
            if place in TAPS:
                maps.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + EPSILON))
        return maps


def load_lpips(option: str | Path | None = None, device: torch.device | str = "cpu") -> tuple[Lpips | None, str]:
    """LPIPS, or None and the reason that stands in its column.

    Args:
        option: AlexNet's file that the user named, `download`, `none`, or None for what torch's cache holds.
        device: where to run.

    Raises:
        BenchError: LPIPS was asked for, and the file cannot serve, the download failed, or torchmetrics lacks its own.
    """
    found = WEIGHTS.find(option)
    if isinstance(found, str):
        return None, found
    try:
        return Lpips(found, device=device), ""
    except BenchError as error:
        if option is not None:
            raise
        return None, str(error)


def bundled_linear() -> Path:
    """The layers' weights in the installed torchmetrics, their checksum verified.

    Raises:
        BenchError: this torchmetrics holds none, or others.
    """
    from importlib.util import find_spec

    spec = find_spec("torchmetrics")
    root = Path(next(iter((spec.submodule_search_locations if spec else None) or ["torchmetrics"])))
    path = root / "functional" / "image" / "lpips_models" / "alex.pth"
    digest = files.sha256(path) if path.is_file() else "none"
    if digest != LINEAR_SHA256:
        raise BenchError(
            f"LPIPS needs the weights that come with torchmetrics 1.9 (SHA-256 {LINEAR_SHA256[:8]}…); this one has "
            f"{digest[:8]}. Install torchmetrics 1.9."
        )
    return path


def _chosen(state: dict[str, Any], wanted: dict[str, Any], path: Path, what: str) -> dict[str, torch.Tensor]:
    """The wanted tensors, in order; more may be in the file (a classifier)."""
    for name, shape in wanted.items():
        got = tuple(getattr(state.get(name), "shape", ()))
        if got != tuple(shape):
            raise BenchError(f"{path} does not hold the weights of {what}: {name} has shape {got}, not {tuple(shape)}.")
    return {name: state[name].float() for name in wanted}
