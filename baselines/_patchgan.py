"""The 70x70 PatchGAN (Isola et al. 2017, appendix 6.1.2): a logit for every overlapping 70x70 patch.

    x + colour -- 64 s2 -- 128 s2 BN -- 256 s2 BN -- 512 s1 BN -- 1 s1 --> logits     all convolutions 4x4, padding 1
       256         128       64           32           31          30

LeakyReLU 0.2 between; no normalization on the first and last layer. Receptive field, from the last layer back: a patch
of k outputs sees (k - 1) * stride + 4 inputs, so 1, 4, 7, 16, 34, 70.
"""

from torch import Tensor, nn

from baselines._layers import BatchNorm, normal_, scaled


class PatchGAN(nn.Module):
    """Logits (n, 1, h', w') of images (n, channels, h, w); 30x30 of 256x256, 62x62 of 512x512, 2x2 of 32x32.

    Args:
        channels: of the condition and the colour together.
        width: factor on 64, 128, 256, 512.
    """

    def __init__(self, channels: int, width: float = 1.0):
        super().__init__()
        first, *others = (scaled(count, width) for count in (64, 128, 256, 512))
        layers: list[nn.Module] = [nn.Conv2d(channels, first, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        before = first
        for count, stride in zip(others, (2, 2, 1), strict=True):
            # The normalization has a bias of its own; the convolution's would never learn.
            layers += [
                nn.Conv2d(before, count, 4, stride, 1, bias=False),
                BatchNorm(count),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            before = count
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, 4, 1, 1))
        normal_(self)

    def forward(self, pair: Tensor) -> Tensor:
        return self.layers(pair)
