"""What the probe is made of: pairs, what is true of them, clips and features, from whole numbers and fixed seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, Float64, Int, UInt8

HEIGHT, WIDTH = 48, 64

PAINT = (
    (241, 194, 125), (101, 67, 33), (220, 20, 60),
    (34, 139, 34), (135, 206, 235), (128, 128, 130),
    (200, 60, 160), (60, 160, 190), (250, 240, 90),
    (155, 155, 157), (139, 210, 239),
)  # fmt: skip
"""Of the drawing's regions: one of each colour class, three spots, and two that are near their ground's colour."""


def probe_pairs() -> tuple[UInt8[np.ndarray, "6 48 64 3"], UInt8[np.ndarray, "6 48 64 3"]]:
    """Predictions and targets: smooth, noisy, near and far pairs; then a drawing with noise, and one out of place.

    Every metric of single images has a value on one of them at least, and none is perfect on all.
    """
    rng = np.random.default_rng(20)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([x * 4 % 256, y * 5 % 256, (x + y) * 2 % 256], -1)
    noisy = rng.integers(0, 256, smooth.shape)
    targets = np.stack([smooth, noisy, smooth // 2 + 64, noisy // 4 + 96]).astype(np.uint8)
    shift = rng.integers(-12, 13, targets.shape)
    shift[3] *= 6
    # Neighbours of one region differ by at most 2 levels: still flat.
    drawing = np.array(PAINT)[_drawn() - 1] + rng.integers(-1, 2, smooth.shape)
    moved = np.roll(drawing, (3, 5), (0, 1)) * (9, 8, 9) // 10 + rng.integers(0, 9, smooth.shape)
    predictions = [*(targets + shift), drawing + rng.integers(-12, 13, smooth.shape), moved]
    return (
        np.clip(np.stack(predictions), 0, 255).astype(np.uint8),
        np.stack([*targets, drawing, drawing]).astype(np.uint8),
    )


def probe_truth() -> tuple[Bool[np.ndarray, "6 48 64"], Int[np.ndarray, "6 48 64"]]:
    """True boundaries and regions of the pairs: a grid on the first four, with gaps, and those of the drawing."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    cells = y // 5 * 11 + x // 6
    cells[cells % 7 == 0] = 0
    drawn = _drawn()
    edge = np.zeros(drawn.shape, bool)
    edge[:, 1:] |= drawn[:, 1:] != drawn[:, :-1]
    edge[1:] |= drawn[1:] != drawn[:-1]
    grid = (y % 16 == 0) | (x % 16 == 0)
    return np.stack([grid] * 4 + [edge] * 2), np.stack([cells] * 4 + [drawn] * 2)


def probe_clips() -> tuple[UInt8[np.ndarray, "8 32 40 3"], UInt8[np.ndarray, "8 32 40 3"], tuple[int, ...]]:
    """Predictions, targets and frame numbers of a clip of five frames and one of three.

    A soft ground passes by one pixel down and two across a frame; the predictions flicker and are a little pale.
    """
    rng = np.random.default_rng(22)
    ground = np.kron(rng.integers(0, 256, (7, 8, 3)), np.ones((8, 8, 1), np.int64))
    for axis in (0, 1):
        ground = np.sum([np.roll(ground, shift, axis) for shift in range(8)], axis=0) // 8
    frames = (*range(5), *range(3))
    windows = [ground[frame : frame + 32, 2 * frame : 2 * frame + 40] for frame in frames]
    targets = np.stack(windows[:5] + [window[:, ::-1] for window in windows[5:]])
    flicker = np.array([(9, -7, 5) if frame % 2 else (0, 0, 0) for frame in frames])
    predictions = np.clip((targets * 4 + 128) // 5 + flicker[:, None, None], 0, 255)
    return predictions.astype(np.uint8), targets.astype(np.uint8), frames


def probe_features() -> tuple[Float64[np.ndarray, "60 24"], Float64[np.ndarray, "60 24"]]:
    """Two sets of 60 made-up features of 24 dimensions: what FID and KID are checked on, without weights."""
    rng = np.random.default_rng(21)
    return rng.random((60, 24)), rng.random((60, 24)) ** 1.5


def few_features() -> tuple[Float64[np.ndarray, "30 48"], Float64[np.ndarray, "30 48"]]:
    """Fewer rows than dimensions, where a Fréchet distance is worked out in another way."""
    rng = np.random.default_rng(23)
    return rng.random((30, 48)), rng.random((30, 48)) ** 1.5


def single_features() -> tuple[Float32[np.ndarray, "90 64"], Float32[np.ndarray, "90 64"]]:
    """Of the width and the precision of FD-chroma's, two of them without any spread."""
    rng = np.random.default_rng(25)
    first, second = (rng.standard_normal((90, 64), np.float32) for _ in range(2))
    first[:, 5:7], second[:, 5] = 1, 1
    return first, second * np.float32(1.25)


def made_network() -> dict[str, Float32[np.ndarray, ...]]:
    """Weights of the shapes of AlexNet's convolutions, by torchvision's names, drawn at random."""
    rng = np.random.default_rng(24)
    shapes = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    state = {}
    for place, shape in shapes.items():
        state[f"{place}.weight"] = rng.standard_normal(shape, np.float32) * np.float32(0.03)
        state[f"{place}.bias"] = rng.standard_normal(shape[0], np.float32) * np.float32(0.03)
    return state


def _drawn() -> Int[np.ndarray, "48 64"]:
    """The number of each pixel's region in the drawing.

    Six fields, two spots of 30 pixels and one of 15; then what lies close to the limits of edges and flat regions, so
    that a limit that moves is heard: a gray some 10 from its neighbour in Lab, and a spot 4 levels above its ground.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    numbers = y // 24 * 3 + x // 22 + 1
    numbers[8:13, 8:14], numbers[32:37, 40:46], numbers[30:33, 6:11] = 7, 8, 9
    numbers[24:, 54:], numbers[40:45, 26:32] = 10, 11
    return numbers
