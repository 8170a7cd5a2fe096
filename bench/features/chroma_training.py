"""Training of FD-chroma's network: `python -m bench.features.chroma_training --out chroma.safetensors`.

It sees pictures of procedural-v1 in many palettes, most of them damaged in their colours in one of five ways, and says
which way and how much, and which colours the picture has. What it must notice to say so are the features. The weights
are the same up to rounding wherever it runs; on one kind of processor, the same bytes.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.color import quantize, rgb_to_yuv601, yuv601_to_rgb
from bench.data.collections import open_collection
from bench.data.loading import load
from bench.features.chroma import FEATURES, SIDE, network, seen
from bench.files import sha256, whole
from bench.types import DOMAINS, Track

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

COLLECTION = "procedural-v1"
STEPS = 1400
PARTS, PART = 8, 8
"""A batch has so many parts of so many pictures; each part is damaged in one way and strength."""

RATE, DECAY = 4e-3, 1e-2
BINS = 6
"""Bins of U and of V in the palette that is asked for."""

REACH = 0.3
"""U and V beyond this are counted at the palette's border."""

COLOURS = BINS * BINS + 3
"""Numbers of a palette."""

Damage = Callable[["Float[Tensor, 'n 2 h w']", float], "Float[Tensor, 'n 2 h w']"]


def desaturated(uv: Float[Tensor, "n 2 h w"], strength: float) -> Float[Tensor, "n 2 h w"]:
    """Colours drawn towards gray; wholly at strength 1."""
    return uv * (1 - strength)


def blurred(uv: Float[Tensor, "n 2 h w"], strength: float) -> Float[Tensor, "n 2 h w"]:
    """Colours run into each other: a Gaussian of up to a tenth of the side."""
    sigma = 0.1 * uv.shape[-1] * strength
    reach = max(1, math.ceil(2.5 * sigma))
    taps = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * max(sigma, 1e-3) ** 2))
    taps = (taps / taps.sum()).view(1, 1, -1, 1)
    flat = uv.flatten(0, 1).unsqueeze(1)
    flat = F.conv2d(F.pad(flat, (0, 0, reach, reach), mode="reflect"), taps)
    flat = F.conv2d(F.pad(flat, (reach, reach, 0, 0), mode="reflect"), taps.transpose(2, 3))
    return flat.squeeze(1).unflatten(0, uv.shape[:2])


def bled(uv: Float[Tensor, "n 2 h w"], strength: float) -> Float[Tensor, "n 2 h w"]:
    """Strong colours cross their outlines: each pixel takes the strongest within up to a twelfth of the side."""
    reach = max(1, round(uv.shape[-1] / 12 * strength))
    chroma = (uv**2).sum(1, keepdim=True)
    _, place = F.max_pool2d(chroma, 2 * reach + 1, stride=1, padding=reach, return_indices=True)
    return uv.flatten(2).gather(2, place.flatten(2).expand(-1, 2, -1)).view_as(uv)


def borrowed(uv: Float[Tensor, "n 2 h w"], strength: float) -> Float[Tensor, "n 2 h w"]:
    """Colours of another picture, laid over in part."""
    return uv + strength * (uv.roll(1, 0) - uv)


def cast(uv: Float[Tensor, "n 2 h w"], strength: float) -> Float[Tensor, "n 2 h w"]:
    """One tint over all, of another hue in each picture."""
    hues = torch.arange(len(uv)) * (2 * math.pi / len(uv))
    return uv + 0.2 * strength * torch.stack([hues.cos(), hues.sin()], 1).view(-1, 2, 1, 1)


DAMAGES: tuple[Damage, ...] = (desaturated, blurred, bled, borrowed, cast)
"""What it must recognize. A turned hue is none: no picture by itself says what its hues were."""


def damage(rgb: Float[Tensor, "n 3 h w"], way: Damage, strength: float) -> Float[Tensor, "n 3 h w"]:
    """Pictures with damaged colours and their own luma, 8-bit as a prediction would be."""
    yuv = rgb_to_yuv601(rgb, axis=1)
    uv = way(yuv[:, 1:] - 0.5, strength) + 0.5
    return quantize(yuv601_to_rgb(torch.cat([yuv[:, :1], uv], 1), axis=1)).float() / 255


def palette(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n colours"]:
    """Each picture's colours: its shares of pixels in bins of U and V, and the means of U, V and chroma (times 4).

    A pixel between bins counts in part in four.
    """
    uv = rgb_to_yuv601(rgb, axis=1)[:, 1:] - 0.5
    place = (uv / (2 * REACH) + 0.5).clamp(0, 1) * (BINS - 1)
    near = (1 - (place.unsqueeze(2) - torch.arange(float(BINS)).view(1, 1, -1, 1, 1)).abs()).clamp(min=0)
    u, v = near.flatten(3).unbind(1)
    bins = (u @ v.transpose(1, 2)).flatten(1) / u.shape[-1]
    means = [uv.mean((2, 3)), (uv**2).sum(1).sqrt().mean((1, 2)).unsqueeze(1)]
    return torch.cat([bins, 4 * torch.cat(means, 1)], 1)


def varied(rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Other palettes than the drawn ones, as real pictures have: half of them turned, all with more or less chroma."""
    yuv = rgb_to_yuv601(rgb, axis=1)
    angles = math.pi * (2 * torch.rand(len(rgb)) - 1) * (torch.rand(len(rgb)) < 0.5)
    cosine, sine = angles.cos().view(-1, 1, 1), angles.sin().view(-1, 1, 1)
    u, v = ((yuv[:, 1:] - 0.5) * (0.5 + 1.2 * torch.rand(len(rgb), 1, 1, 1))).unbind(1)
    turned = torch.stack([yuv[:, 0], cosine * u - sine * v + 0.5, sine * u + cosine * v + 0.5], 1)
    return yuv601_to_rgb(turned, axis=1)


def pictures(home: Path) -> UInt8[Tensor, "n 3 64 64"]:
    """The training pictures of procedural-v1 in all four domains; drawn first where they are not there yet."""
    manifest = open_collection(home, COLLECTION, SIDE)
    splits = [manifest.split(domain, "train") for domain in DOMAINS]
    targets = [load(split, Track("gray"), home / "cache").targets for split in splits]
    return torch.cat([torch.from_numpy(part) for part in targets]).permute(0, 3, 1, 2).contiguous()


def train(images: UInt8[Tensor, "n 3 64 64"], steps: int = STEPS, seed: int = 0) -> nn.Module:
    """Train the network; prints how it goes.

    Args:
        images: undamaged pictures.
        steps: of `PARTS` x `PART` pictures.
        seed: of weights and draws.

    Returns:
        The network, each feature scaled to deviate by 1 over damaged and undamaged pictures.
    """
    torch.manual_seed(seed)
    body = network().to(memory_format=torch.channels_last)
    # The palette is read off linearly, so that the features themselves, and not a later layer, know the colours.
    judge = nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, len(DAMAGES)))
    painter = nn.Linear(FEATURES, COLOURS)
    parameters = [one for part in (body, judge, painter) for one in part.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    started, shown = time.monotonic(), {"strength": 0.0, "palette": 0.0}
    for step in range(1, steps + 1):
        batch = images[torch.randint(len(images), (PARTS * PART,))].float() / 255
        batch = torch.where((torch.rand(len(batch)) < 0.5).view(-1, 1, 1, 1), batch.flip(3), batch)
        batch = varied(batch)
        strengths = torch.zeros(len(batch), len(DAMAGES))
        parts = []
        for part, rgb in enumerate(batch.split(PART)):
            kind = int(torch.randint(len(DAMAGES) + 1, ()))  # one more than there are: undamaged
            strength = float(torch.rand(()))
            if kind < len(DAMAGES):
                rgb = damage(rgb, DAMAGES[kind], strength)
                strengths[part * PART : (part + 1) * PART, kind] = strength
            parts.append(rgb)
        batch = torch.cat(parts)
        features = body(seen(batch).contiguous(memory_format=torch.channels_last))
        losses = {
            "strength": 10 * F.mse_loss(judge(features), strengths),
            "palette": 100 * F.mse_loss(painter(features), palette(batch)),
        }
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        schedule.step()
        shown = {name: shown[name] + loss.item() / 250 for name, loss in losses.items()}
        if step % 250 == 0:
            print(step, {name: round(value, 4) for name, value in shown.items()}, f"{time.monotonic() - started:.0f} s")
            shown = dict.fromkeys(shown, 0.0)
    return _scaled(body.eval().requires_grad_(False), images)


def _scaled(body: nn.Module, images: UInt8[Tensor, "n 3 64 64"]) -> nn.Module:
    """Each feature divided by its deviation over pictures damaged in every way.

    Damaged, because a feature that is silent on good pictures would be blown up until it drowned all others.
    """
    some = images[:: max(1, len(images) // 1024)].float() / 255
    sets = [some, *(damage(some, way, strength) for way in DAMAGES for strength in (0.25, 0.5, 1.0))]
    said = torch.cat([body(seen(part)) for pictures in sets for part in pictures.split(256)])
    scale = body.get_submodule("scale")
    assert isinstance(scale, nn.Conv2d)
    scale.weight.copy_((1 / said.std(0).clamp(min=0.01)).view(-1, 1, 1, 1))
    return body


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description="Train FD-chroma's network on procedural-v1.")
    parser.add_argument("--home", type=Path, default=Path(".bench"), help="where procedural-v1 lies or will lie")
    parser.add_argument("--out", type=Path, default=Path("chroma.safetensors"), help="the weights file")
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    torch.set_num_threads(1)  # sums in one order: the same weights again
    made = train(pictures(options.home), options.steps)
    with whole(options.out) as temporary:
        save_file({name: value.contiguous() for name, value in made.state_dict().items()}, temporary)
    print(f"{options.out}: SHA-256 {sha256(options.out)}")


if __name__ == "__main__":
    main()
