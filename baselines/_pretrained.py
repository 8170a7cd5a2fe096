"""A network's body started from a published weights file: read without running any code in it, refused in one line."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.weights import Published, tensors_of

State = dict[str, Tensor]

CHECKSUM_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^.]+$")
"""Torchvision's files carry the start of their SHA-256, as `resnet34-b627a593.pth` does."""


def start_from(
    path: Path, body: nn.Module, network: str, width: float, published: Published, adapt: Callable[[State], State]
) -> str:
    """Copy a file's weights into a body.

    Args:
        path: a state dictionary in torchvision's format.
        body: takes the weights; parameter names are torchvision's.
        network: its name, such as `ResNet-34`.
        width: of the body; only at 1 does it have the network's channels.
        published: the one file that is recorded as ImageNet's.
        adapt: makes the body's tensors of the file's.

    Returns:
        What to record: `<network>-imagenet:<first 8 digits of the SHA-256>`, without `-imagenet` for any other file.

    Raises:
        BenchError: at another width, or for a file that is missing, damaged, or not of this network.
    """
    if width != 1:
        raise BenchError(f"{network} weights fit width 1 only; got width {width} with {path.name!r}. Leave out one.")
    if not path.is_file():
        raise BenchError(f"no file at {path}. {published.how}")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    named = CHECKSUM_IN_NAME.search(path.name)
    if named and not digest.startswith(named[1]):
        raise BenchError(f"{path} is damaged: its SHA-256 is {digest[:8]}..., its name says {named[1]}; get it again.")
    state = adapt(tensors_of(path))
    wanted, found = _shapes(body.state_dict()), _shapes(state)
    wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if wrong:
        raise BenchError(f"{path} is not a {network}: {len(wrong)} tensors differ in name or shape, as {wrong[0]!r}.")
    body.load_state_dict(state)
    name = network.lower().replace("-", "")
    return f"{name}-imagenet:{digest[:8]}" if digest.startswith(published.sha256) else f"{name}:{digest[:8]}"


def _shapes(state: State) -> dict[str, torch.Size | None]:
    """Shapes by name, without the batch counters: files from before torch 0.4.1 lack them, and nothing reads them."""
    kept = (key for key in state if not key.endswith("num_batches_tracked"))
    return {key: getattr(state[key], "shape", None) for key in kept}
