"""LPIPS once more, by torchmetrics' network; both are given made weights, because the true ones are seldom at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.metrics.lpips import TAPS, Lpips, bundled_linear
from bench.metrics.probe.pictures import made_network

if TYPE_CHECKING:
    from jaxtyping import Float64, UInt8

    Batch = UInt8[np.ndarray, "n h w 3"]


class _Made(Lpips):
    """LPIPS on made weights of its backbone; the layers' weights are the true ones."""

    def __init__(self) -> None:
        import torch
        import torchvision

        with torch.device("meta"):
            network = torchvision.models.alexnet().features[: TAPS[-1] + 1]
        network = network.to_empty(device="cpu")
        network.load_state_dict({name: torch.from_numpy(array) for name, array in made_network().items()})
        self.device = torch.device("cpu")
        self._network = network.requires_grad_(False).eval()
        self._linear = list(torch.load(bundled_linear(), map_location="cpu", weights_only=True).values())


def lpips_ours(predictions: Batch, targets: Batch) -> Float64[np.ndarray, " n"]:
    """`lpips` of each pair by `bench.metrics.lpips`."""
    return _Made()(predictions, targets)["lpips"]


def lpips_theirs(predictions: Batch, targets: Batch) -> Float64[np.ndarray, " n"]:
    """`lpips` of each pair by torchmetrics, in double precision."""
    import torch
    from torchmetrics.functional.image.lpips import _LPIPS, ScalingLayer

    with torch.device("meta"):
        network: Any = _LPIPS(pretrained=False, net="alex", pnet_rand=True)
    network = network.to_empty(device="cpu")
    network.scaling_layer = ScalingLayer()
    state = {name: torch.from_numpy(array) for name, array in made_network().items()}
    for part in network.net.children():
        part.load_state_dict({name: state[name] for name in part.state_dict()})
    network.load_state_dict(torch.load(bundled_linear(), map_location="cpu", weights_only=True), strict=False)
    shown = [torch.from_numpy(images / 127.5 - 1).permute(0, 3, 1, 2) for images in (predictions, targets)]
    with torch.inference_mode():
        return network.double()(*shown).flatten().numpy()
