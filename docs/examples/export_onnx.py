"""A tiny colorizer as lab-model.onnx: CIE L in [0, 100] to ab, one picture of 64x64 at a time, convention inside.

Writing needs `pip install onnx onnxscript`, reading `pip install -e '.[onnx]'` in the clone.
"""

import json

import onnx
import torch
from torch import nn

SIDE = 64


class Chroma(nn.Module):
    """Lightness in [0, 100], (1, 1, 64, 64), to a and b, (1, 2, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3, padding=1))

    def forward(self, lightness: torch.Tensor) -> torch.Tensor:
        return 20 * torch.tanh(self.layers(lightness / 50 - 1))


torch.manual_seed(0)
model = Chroma().eval()
torch.onnx.export(model, (torch.zeros(1, 1, SIDE, SIDE),), "lab-model.onnx", dynamo=True, external_data=False)

convention = {
    "schema": 1,
    "name": "lab-model",
    "track": "gray",
    "input": {"channels": ["lightness"], "range": [0, 100]},
    "output": {"space": "ab", "scale": 1},
    "resize": "bicubic",
}
file = onnx.load("lab-model.onnx")
onnx.helper.set_model_props(file, {"chromabench": json.dumps(convention)})
onnx.save(file, "lab-model.onnx")
