"""The generator of Chen et al. 2019: a residual U-Net that pools with indices, its skips gated from the bottleneck.

Sizes at 512x512 (channels@side); a side halves downwards, six times, or five where an image is under 64 pixels:

    15@512 -- 3x3, BN --> 64@512                                          64@512 -- ReLU, 3x3, tanh --> output
      down 128@512 ------------------- gate ----------------------------> up ^
        down 256@256 ----------------- gate -------------------> up 128@256 ^
          down 512@128 --------------- gate ----------> up 256@128 ^
            down 512@64 -------------- gate -> up 512@64 ^
              down 512@32 ------------ gate -> up 512@32 ^
                down 512@16 ---------- gate -> up 512@16 ^ --------------------------> guide 2
                  |  \\ max pool            |
                  |   512@8 ---------------^
                  |     \\-- 1x1, BN --> the signal of every gate
                  (what enters it) -----------------------------------------------> guide 1

    down:  x -- ReLU, 3x3, BN, ReLU, 3x3, BN -- + (x, or its 1x1) --> skip --> max pool 2x2, which keeps its indices
    up:    x -- max unpool by those indices -- ReLU -- concat the gated skip -- 3x3, BN, ReLU, 3x3, BN -- + (unpooled x,
           or its 1x1); then, in the first three, Dropout2d 0.5
    gate:  q = sigmoid(1x1(ReLU(2x2 s2 of the skip + 1x1 of the signal, nearest)));  1x1, BN of q (nearest) * skip
    guide: max unpool, 3x3, BN, ReLU four times (512, 256, 128, 64), then max unpool, 3x3 to 3, tanh

Sources: Chen et al. 2019, sections 1, 2.2, 2.3 (pooling and unpooling, gates fed by the innermost map, two additional
losses on two decoders), and its public code (all sizes), ktaebum/AttentionedDeepPaint on GitHub. Our fills [F]: a guide
has fewer channels than were pooled, so it unpools by the first of each level's indices; five levels for images under 64
pixels, whose guides then lack their first convolution; an odd side is pooled to its lower half and comes back whole; a
convolution before a normalization has no bias, which would never learn.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines._layers import BatchNorm, Convolution, normal_, scaled

STEM = 64
WIDTHS = (128, 256, 512, 512, 512, 512)
"""Channels of the down blocks, largest map first. An up block gives as many as the block above it pooled."""
GUIDE = (512, 256, 128, 64)
"""Channels of a guide's convolutions, smallest map first; the last gives colour."""
DROPPED = 3
"""Up blocks with dropout, from the bottleneck."""


def unpool(x: Tensor, indices: Tensor, like: Tensor) -> Tensor:
    """Put each value where the maximum of its 2x2 window stood, zeros elsewhere.

    Args:
        x: (n, c, h, w).
        indices: of the pooling, (n, at least c, h, w); channels beyond c are not looked at.
        like: has the size before the pooling.
    """
    return F.max_unpool2d(x, indices[:, : x.shape[1]], [2, 2], output_size=list(like.shape[-2:]))


def _pair(before: int, after: int) -> list[nn.Module]:
    """3x3, BN, ReLU, 3x3, BN."""
    layers: list[nn.Module] = [nn.Conv2d(before, after, 3, padding=1, bias=False), BatchNorm(after), nn.ReLU()]
    return [*layers, nn.Conv2d(after, after, 3, padding=1, bias=False), BatchNorm(after)]


def _shortcut(before: int, after: int) -> nn.Module:
    return nn.Identity() if before == after else nn.Conv2d(before, after, 1, bias=False)


class Down(nn.Module):
    """A residual block before its pooling: (n, before, h, w) to the skip (n, after, h, w)."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.residual = nn.Sequential(nn.ReLU(), *_pair(before, after))
        self.shortcut = _shortcut(before, after)

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x) + self.shortcut(x)


class AttentionGate(nn.Module):
    """Weighs every place of a skip by what the bottleneck tells.

    Args:
        channels: of the skip.
        signal: channels of the gating signal.
        inner: channels in which the two meet.
    """

    def __init__(self, channels: int, signal: int, inner: int):
        super().__init__()
        self.of_skip = nn.Conv2d(channels, inner, 2, 2, bias=False)
        self.of_signal = Convolution(signal, inner, 1)
        self.psi = Convolution(inner, 1, 1)
        self.finish = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), BatchNorm(channels))

    def coefficients(self, skip: Tensor, signal: Tensor) -> Tensor:
        """q in (0, 1), (n, 1, h, w)."""
        inner = self.of_skip(skip)
        # A 1x1 convolution and a nearest enlargement may change places: this order multiplies less.
        inner = inner + F.interpolate(self.of_signal(signal), size=inner.shape[-2:], mode="nearest")
        q = torch.sigmoid(self.psi(F.relu(inner)))
        return F.interpolate(q, size=skip.shape[-2:], mode="nearest")

    def forward(self, skip: Tensor, signal: Tensor) -> Tensor:
        return self.finish(self.coefficients(skip, signal) * skip)


class Up(nn.Module):
    """A residual block after its unpooling, joined by the gated skip.

    Args:
        channels: of x, and of the skip: the unpooling needs as many as were pooled.
        after: channels that come out.
        signal: channels of the gating signal.
        inner: of the gate.
        dropout: probability to drop a channel of the result.
    """

    def __init__(self, channels: int, after: int, signal: int, inner: int, dropout: float):
        super().__init__()
        self.gate = AttentionGate(channels, signal, inner)
        self.residual = nn.Sequential(*_pair(2 * channels, after))
        self.shortcut = _shortcut(channels, after)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor, skip: Tensor, indices: Tensor, signal: Tensor) -> Tensor:
        x = unpool(x, indices, skip)
        joined = torch.cat([F.relu(x), self.gate(skip, signal)], dim=1)
        return self.dropout(self.residual(joined) + self.shortcut(x))


class Guide(nn.Module):
    """A second decoder without skips, so that the layers below its branch never go without a gradient.

    Args:
        before: channels of the branch.
        widths: channels of each convolution but the last.
    """

    def __init__(self, before: int, widths: list[int]):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), BatchNorm(o), nn.ReLU())
            for i, o in pairwise([before, *widths])
        )
        self.layers.append(nn.Sequential(nn.Conv2d(widths[-1], 3, 3, padding=1), nn.Tanh()))

    def forward(self, x: Tensor, pooled: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Colours in (-1, 1); `pooled` has the skip and the indices of each level to climb, smallest map first."""
        for layer, (skip, indices) in zip(self.layers, pooled, strict=True):
            x = layer(unpool(x, indices, skip))
        return x


class Generator(nn.Module):
    """Sketch and palette (n, 15, h, w) in [-1, 1] to sRGB in (-1, 1).

    In training mode (n, 9, h, w): the output, guide 1, guide 2. In evaluation the output alone, (n, 3, h, w).

    Args:
        size: pixels a side that it is built for; others of as many halvings work too.
        width: factor on every channel count.
    """

    def __init__(self, size: int, width: float = 1.0):
        super().__init__()
        levels = min(len(WIDTHS), size.bit_length() - 1)
        stem, *widths = (scaled(count, width) for count in (STEM, *WIDTHS[:levels]))
        deepest = widths[-1]
        self.stem = nn.Sequential(nn.Conv2d(15, stem, 3, padding=1, bias=False), BatchNorm(stem))
        self.downs = nn.ModuleList(Down(before, after) for before, after in pairwise([stem, *widths]))
        self.signal = nn.Sequential(Convolution(deepest, deepest, 1, bias=False), BatchNorm(deepest))
        self.ups = nn.ModuleList()
        for place, (channels, after) in enumerate(pairwise([*reversed(widths), stem])):
            inner = scaled(WIDTHS[levels - 1 - place] // 2, width)
            self.ups.append(Up(channels, after, deepest, inner, 0.5 if place < DROPPED else 0.0))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(stem, 3, 3, padding=1), nn.Tanh())
        guide = [scaled(count, width) for count in GUIDE[-(levels - 2) :]]
        self.guides = nn.ModuleList([Guide(deepest, guide), Guide(widths[-2], guide)])
        normal_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        pooled: list[tuple[Tensor, Tensor]] = []
        entering = risen = x
        for down in self.downs:
            entering, skip = x, down(x)
            x, indices = F.max_pool2d(skip, 2, return_indices=True)
            pooled.append((skip, indices))
        pooled.reverse()
        signal = self.signal(x)
        for place, (up, (skip, indices)) in enumerate(zip(self.ups, pooled, strict=True)):
            x = up(x, skip, indices, signal)
            risen = x if place == 0 else risen
        output = self.head(x)
        if not self.training:
            return output
        guides = [guide(branch, pooled[1:]) for guide, branch in zip(self.guides, (entering, risen), strict=True)]
        return torch.cat([output, *guides], dim=1)
