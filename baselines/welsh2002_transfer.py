"""`welsh2002-transfer`: chroma by luminance and texture from the training image that looks most alike.

    condition -- Lab L of the gray --> L and its deviation in 5x5 ----------\\
    nearest training image (as `nearest-image` finds it)                     \\
      -- Lab --> L, moved and scaled to the condition's mean and deviation    nearest swatch --> its a, b
      -- 14x14 cells, a pixel at random in each --> swatches: -------------- /                    |
         L and its deviation in 5x5, a, b                                                         |
    condition -- Lab L ------------------------------------------------------------------- (L, a, b) --> sRGB

Source: Welsh, Ashikhmin and Mueller 2002, Transferring color to greyscale images, section 2. From there: about 200
swatches on a jittered grid, neighbourhoods of 5x5 pixels, luminance and its deviation with half the weight each, the
source's luminance fitted linearly to the target's, the target's own luminance kept.

Fills: the distance is half the difference in luminance plus half that in deviation; 196 swatches, drawn from the
image's id alone; CIE Lab for the paper's l-alpha-beta, which is made for the same purpose; neighbourhoods are mirrored
at the border. The paper's source is chosen by hand; the nearest training image stands in for the hand. Its luminance
is that of its colours, not of its condition, also where a drawn page is the condition.
"""

import hashlib

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import uniform_filter
from scipy.spatial import KDTree

from baselines._references import EVERY_TRACK, Painter, unit
from baselines.nearest_image import search
from bench.color import lab_to_srgb, quantize, srgb_to_lab
from bench.types import Images

TITLE = "Color transfer by luminance (Welsh et al. 2002)"
SOURCE = "Welsh, Ashikhmin and Mueller 2002, section 2; source image: the nearest of the training split"
TRACKS = tuple(track for track in EVERY_TRACK if track.partition("+")[0] == "gray")
SEES_TARGET = False

WINDOW = 5
GRID = 14
"""Cells a side of the jittered grid: 196 swatches."""


def fit(train: Images) -> Painter:
    """Describe the training conditions.

    Raises:
        BenchError: for an empty training split; when painting, for images of another size than the training's.
    """
    find = search("welsh2002-transfer", train)

    def paint(images: Images) -> UInt8[np.ndarray, "n h w 3"]:
        out = np.empty_like(images.targets)
        for place, (id, chosen) in enumerate(zip(images.ids, find(images), strict=True)):
            out[place] = transfer(images.conditions[place], train.targets[chosen], id)
        return out

    return paint


def transfer(gray: UInt8[np.ndarray, "h w"], source: UInt8[np.ndarray, "h w 3"], id: str) -> UInt8[np.ndarray, "h w 3"]:
    """Color one image from another.

    Args:
        gray: of the image to color.
        source: 8-bit sRGB, the image to take colors from.
        id: of the image to color; seeds the jitter.

    Returns:
        8-bit sRGB in the shape of `gray`.
    """
    light = srgb_to_lab(np.repeat(unit(np.arange(256, dtype=np.uint8))[:, None], 3, axis=1))[gray, 0]
    lab = srgb_to_lab(unit(source))
    spread = lab[..., 0].std()
    # A flat source has no contrast to scale: all of it is as light as the target's mean.
    scale = light.std() / spread if spread > 0 else 0.0
    lab[..., 0] = (lab[..., 0] - lab[..., 0].mean()) * scale + light.mean()
    rows, columns = jittered(lab.shape[0], lab.shape[1], id)
    swatches = lab[rows, columns]
    known = np.stack([swatches[:, 0], deviation(lab[..., 0])[rows, columns]], axis=1)
    asked = np.stack([light.ravel(), deviation(light).ravel()], axis=1)
    # With p = 1 the distance is the sum of both differences: twice the paper's mean, and so the same nearest.
    nearest = KDTree(known).query(asked, p=1)[1]
    return quantize(lab_to_srgb(np.concatenate([light[..., None], swatches[nearest, 1:].reshape(*gray.shape, 2)], -1)))


def deviation(light: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """The standard deviation of the 5x5 pixels around each, mirrored at the border."""
    mean = uniform_filter(light, WINDOW, mode="mirror")
    square = uniform_filter(light * light, WINDOW, mode="mirror")
    return np.sqrt(np.clip(square - mean * mean, 0, None))


def jittered(height: int, width: int, id: str) -> tuple[Int[np.ndarray, " swatches"], Int[np.ndarray, " swatches"]]:
    """Rows and columns of a pixel at random in each of 14x14 cells (in smaller images, of as many as there are pixels).

    Drawn from the id alone.
    """
    down, across = min(GRID, height), min(GRID, width)
    key = int.from_bytes(hashlib.sha256(id.encode()).digest()[:16], "big")
    # The raw numbers of a bit generator never change with numpy's version; what is made of them may.
    raw = np.random.Philox(key=key).random_raw(2 * down * across).reshape(2, down, across)
    part = (raw >> np.uint64(11)) * 2.0**-53  # in [0, 1)
    rows = (np.arange(down)[:, None] + part[0]) * height / down
    columns = (np.arange(across) + part[1]) * width / across
    # Rounding may carry the last cell's last part over the edge.
    return (
        np.minimum(rows.astype(np.int64), height - 1).ravel(),
        np.minimum(columns.astype(np.int64), width - 1).ravel(),
    )
