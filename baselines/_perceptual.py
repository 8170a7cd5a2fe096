"""What a frozen ImageNet VGG-19 says of two images: content and style terms (Johnson et al. 2016).

    fake, y in [0, 1] --> VGG-19 (torchvision's `features`) --> relu maps f of (c, h, w)
      content = sum over relu1_1, 2_1, 3_1, 4_1, 5_1 of mean |f(fake) - f(y)|
      style   = sum over relu2_2, 3_4, 4_4, 5_2 of mean |gram(fake) - gram(y)|        gram = f f^T / (c h w)

Thasarathan et al. 2020 name the content layers (section 3.1, eq. 3) and the Gram matrices (eq. 4), but neither the
style layers nor the Gram's scale: those are of the public code of Thasarathan et al. 2019 (Harry-Thasarathan/TCVC) and
of EdgeConnect (knazeri/edge-connect), on which it builds, as is that images enter without ImageNet's normalization and
that the layers are summed. (Eq. 3 reads as a mean over the layers, which is 1/5 of it.) Without the Gram's scale their
weight of 1000 would mean nothing.

The network is a judge, not a part of a model: without its weights the terms are left out. Random weights would be
another objective under the same name.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from baselines import _pretrained
from bench.weights import Published

WEIGHTS = Published(
    what="torchvision's ImageNet weights of VGG-19",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
    option="--backbone-weights",
    any_width=True,
)

LEFT_OUT = "none (no content and style terms)"
"""What a training without the weights records."""

CONTENT = {"relu1_1": 1, "relu2_1": 6, "relu3_1": 11, "relu4_1": 20, "relu5_1": 29}
STYLE = {"relu2_2": 8, "relu3_4": 17, "relu4_4": 26, "relu5_2": 31}
"""Places in torchvision's `vgg19().features`."""


def gram(maps: Tensor) -> Tensor:
    """Products of channels over all places, divided by c h w: (n, c, h, w) to (n, c, c)."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()


def full_precision(like: Tensor) -> AbstractContextManager[object]:
    """Autocast off on the tensor's device; nothing on one that has none, as the meta device."""
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


class Perceptual(nn.Module):
    """Content and style terms of two batches of images; nothing in it learns.

    Args:
        path: torchvision's VGG-19 state dictionary, read without running any code in it.

    Attributes:
        pretrained: what to record of the file.

    Raises:
        BenchError: a file that is missing, damaged, or not a VGG-19.
    """

    def __init__(self, path: Path):
        super().__init__()
        with torch.device("meta"):  # nothing is drawn, so torch's seed means the same with and without a file
            features = nn.Sequential(*torchvision.models.vgg19().features.children())
        features.to_empty(device="cpu")
        self.pretrained = _pretrained.start_from(path, features, "VGG-19", 1.0, WEIGHTS, _without_head)
        self.features = features[: max(STYLE.values()) + 1].requires_grad_(False)

    def maps(self, images: Tensor) -> dict[int, Tensor]:
        """The maps of every layer named above, by place, of (n, 3, h, w) in [0, 1]."""
        wanted = {*CONTENT.values(), *STYLE.values()}
        found, x = {}, images
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in wanted:
                found[place] = x
        return found

    def forward(self, fake: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Content and style, unweighted float32 scalars, of (n, 3, h, w) in [0, 1]; the gradient goes to `fake`."""
        with full_precision(fake):  # Gram matrices of half precision are too coarse
            with torch.no_grad():
                true = self.maps(y.float())
            seen = self.maps(fake.float())
            content = [(seen[place] - true[place]).abs().mean() for place in CONTENT.values()]
            style = [(gram(seen[place]) - gram(true[place])).abs().mean() for place in STYLE.values()]
            return torch.stack(content).sum(), torch.stack(style).sum()


def _without_head(state: _pretrained.State) -> _pretrained.State:
    """The tensors of `features`; the classifier's are dropped."""
    return {key.removeprefix("features."): value for key, value in state.items() if not key.startswith("classifier.")}
