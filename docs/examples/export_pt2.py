"""A tiny colorizer as my-model.pt2 (torch.export, torch 2.9 or newer) with my-model.json beside it."""

import json
from pathlib import Path

import torch
from torch import nn

SIDE = 64


class Colorizer(nn.Module):
    """Gray in [-1, 1], (n, 1, h, w), to sRGB in [-1, 1], (n, 3, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1), nn.Tanh())

    def forward(self, gray: torch.Tensor) -> torch.Tensor:
        return self.layers(gray)


torch.manual_seed(0)
model = Colorizer().eval()  # here yours would load its weights
anything = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)  # any number of images, any height and width
program = torch.export.export(model, (torch.zeros(2, 1, SIDE, SIDE),), dynamic_shapes=(anything,))
torch.export.save(program, "my-model.pt2")

convention = {
    "schema": 1,
    "name": "my-model",
    "track": "gray",
    "input": {"channels": ["condition"], "range": [-1, 1]},
    "output": {"space": "rgb", "range": [-1, 1]},
}
Path("my-model.json").write_text(json.dumps(convention, indent=1))
