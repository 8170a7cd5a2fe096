"""Paint a collection's splits with any program and write the pictures where `bench evaluate --predictions` looks."""

from pathlib import Path

import numpy as np

from bench.predictions import write_predictions
from bench.shelf import Shelf
from bench.types import Track


def colorize(gray: np.ndarray) -> np.ndarray:
    """Your program here: 8-bit gray (n, h, w) to 8-bit sRGB (n, h, w, 3). This one tints everything brown."""
    return np.round(gray[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.uint8)


track = Track("gray")
shelf = Shelf(Path(".bench"), "procedural-v1", size=64)
for split in ("test", "series"):
    if not shelf.has("cartoon", split, track):  # a small collection may lack one
        continue
    images = shelf.load("cartoon", split, track)  # conditions (n, h, w); their targets are there too: do not look
    write_predictions(Path("out/cartoon") / split, images, colorize(images.conditions))
