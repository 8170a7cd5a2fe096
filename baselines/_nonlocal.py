"""The non-local block, embedded Gaussian (Wang, Girshick, Gupta, He 2018, section 3): every place sees every other.

    x -- 1x1, C/2 (theta) ---------------- queries --.
     \\-- 1x1, C/2 (phi) -- max pool 2x2 -- keys ------ softmax(q k) v -- 1x1, C -- BN --> + x
     \\-- 1x1, C/2 (g) ---- max pool 2x2 -- values ---/

BN starts with gain 0 and bias 0, so the block starts as the identity. As in public code (AlexHex7/Non-local_pytorch),
scores are not divided by the root of their length. Our fill [F]: an odd size keeps its last row and column, in pools of
their own, so that a map of one pixel works.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from baselines._layers import BatchNorm


class NonLocal(nn.Module):
    """(n, channels, h, w) to the same shape."""

    def __init__(self, channels: int):
        super().__init__()
        inner = channels // 2
        self.query = nn.Conv2d(channels, inner, 1)
        # Biases here would not learn: the softmax does not see that of the keys, nor BN those of the values and after.
        self.key = nn.Conv2d(channels, inner, 1, bias=False)
        self.value = nn.Conv2d(channels, inner, 1, bias=False)
        self.back = nn.Conv2d(inner, channels, 1, bias=False)
        self.normalize = BatchNorm(channels)
        self.start_as_identity()

    def start_as_identity(self) -> None:
        """Zero the gain and the bias that weigh what is added."""
        nn.init.zeros_(self.normalize.weight)
        nn.init.zeros_(self.normalize.bias)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x)
        keys, values = (_places(F.max_pool2d(part(x), 2, ceil_mode=True)) for part in (self.key, self.value))
        seen = F.scaled_dot_product_attention(_places(query), keys, values, scale=1.0)
        return x + self.normalize(self.back(seen.transpose(1, 2).unflatten(2, x.shape[-2:])))


def _places(maps: Tensor) -> Tensor:
    """(n, c, h, w) to (n, h w, c)."""
    return maps.flatten(2).transpose(1, 2)
