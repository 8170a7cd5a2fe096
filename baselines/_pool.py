"""A pool of past fakes for the discriminator (Shrivastava et al. 2017), which steadies its training.

pairs (n, c, h, w) --> while the pool fills:  kept and given back as they are
                       once it is full, each: with probability 1/2 a random old pair, whose place the new one takes
                                              else itself, and it is not kept
"""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Past pairs of condition and fake, without their gradients.

    All of it is buffers, so that a training that goes on draws from the same pairs. What is drawn comes from torch's
    generator on the CPU, whatever device the pairs lie on.

    Args:
        capacity: pairs it holds.
        channels: of a pair.
        size: pixels a side.
    """

    images: Tensor
    count: Tensor

    def __init__(self, capacity: int, channels: int, size: int):
        super().__init__()
        self.register_buffer("images", torch.zeros(capacity, channels, size, size))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self._held = 0  # the same number, known without waiting for the device
        self.register_load_state_dict_post_hook(ImagePool._recount)

    def __len__(self) -> int:
        return self._held

    def _recount(self, _incompatible_keys: object) -> None:
        self._held = int(self.count)

    @torch.no_grad()
    def forward(self, pairs: Tensor) -> Tensor:
        """As many pairs as came, float32, some of them older; any number at a time."""
        given = pairs.to(self.images.dtype, copy=True)
        capacity = len(self.images)
        for place in range(len(given)):
            if self._held < capacity:
                self.images[self._held] = given[place]
                self._held += 1
            elif torch.rand(()) < 0.5:
                slot = int(torch.randint(capacity, ()))
                new = given[place].clone()
                given[place] = self.images[slot]
                self.images[slot] = new
        self.count.fill_(self._held)
        return given
