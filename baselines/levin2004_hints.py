"""`levin2004-hints`: the hints' chroma, spread to where the gray hardly changes.

    condition -- Y --> weights w(r, s) of each pixel r's up to 8 neighbours s, summing to 1
    hints ---- BT.601 --> U, V where a hint is shown
    everywhere else: U(r) = sum over s of w(r, s) U(s), and the same for V -- one sparse system --> U, V
    (Y, U, V) --> RGB, clipped and rounded

No chroma lies outside the range of the hints', since each is a mean of its neighbours'. No training, no other image.

Source: Levin, Lischinski and Weiss 2004, Colorization using optimization, section 2: weights exp(-(Y(r) - Y(s))^2 /
(2 sigma(r)^2)) with the variance of Y around r, eq. 2; U and V solved for with the user's scribbles as constraints. As
in the authors' code the equations of the hinted pixels are the constraints alone.

The paper leaves sigma's scale open; as in that code 2 sigma(r)^2 is 0.6 of the variance over the 3x3 pixels around r,
or more where even the most alike neighbour would weigh less than 1/100, and at least 2e-6 (Y in [0, 1]).

Fills: the hints are this benchmark's 4x4 patches in place of scribbles; frames of a clip are colored one by one, so a
previous frame changes nothing.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import sparse
from scipy.sparse.linalg import splu

from baselines._references import Painter, unit
from bench.color import quantize, rgb_to_yuv601, yuv601_to_rgb
from bench.errors import BenchError
from bench.types import Images

TITLE = "Colorization by optimization (Levin et al. 2004)"
SOURCE = "Levin, Lischinski and Weiss 2004, section 2; the hints in place of scribbles"
TRACKS = ("gray+hints", "gray+hints+previous")
SEES_TARGET = False

VARIANCES = 0.6
LEAST_WEIGHT = 0.01
LEAST_SCALE = 2e-6
"""2 sigma^2: in variances of the surround, the least weight it leaves the most alike neighbour, and its least value."""

AROUND = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def fit(train: Images) -> Painter:
    """Nothing is learned.

    Raises:
        BenchError: when painting, for images without hints, or an image of which no pixel is hinted.
    """
    return paint


def paint(images: Images) -> UInt8[np.ndarray, "n h w 3"]:
    """Solve for every image's chroma."""
    if images.hints is None:
        raise BenchError(f"levin2004-hints colors from hints and was given none; its tracks are {', '.join(TRACKS)}.")
    out = np.empty_like(images.targets)
    for place, id in enumerate(images.ids):
        hinted = images.hints[place, ..., 3] > 0
        if not hinted.any():
            raise BenchError(f"levin2004-hints colors from hints, and image {id} shows none.")
        yuv = rgb_to_yuv601(unit(images.hints[place, ..., :3]))
        yuv[..., 0] = unit(images.conditions[place])
        yuv[..., 1:] = spread(yuv[..., 0], yuv[..., 1:], hinted)
        out[place] = quantize(yuv601_to_rgb(yuv))
    return out


def spread(
    light: Float[np.ndarray, "h w"], chroma: Float[np.ndarray, "h w c"], hinted: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w c"]:
    """Chroma that is the weighted mean of its neighbours' wherever it is not given.

    Args:
        light: Y in [0, 1].
        chroma: read where hinted.
        hinted: at least one pixel.

    Returns:
        The chroma everywhere, in the shape of `chroma`.
    """
    given, free = np.flatnonzero(hinted), np.flatnonzero(~hinted)
    out = chroma.reshape(light.size, -1).copy()
    if len(free):
        weights = affinities(light)[free]
        system = sparse.eye_array(len(free), format="csc") - weights[:, free].tocsc()
        # Rows sum to at most 1, so the diagonal is never less than the rest: no pivoting, and an ordering for patterns
        # that are their own mirror image, with which the factors stay several times sparser.
        solver = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        out[free] = solver.solve(weights[:, given] @ out[given])
    return out.reshape(chroma.shape)


def affinities(light: Float[np.ndarray, "h w"]) -> sparse.csr_array:
    """The weight of every pixel's neighbours, pixels in reading order: shape (h w, h w), rows sum to 1."""
    height, width = light.shape
    padded = np.pad(light, 1, constant_values=np.nan)
    windows = {
        (down, right): padded[1 + down : 1 + down + height, 1 + right : 1 + right + width]
        for down, right in [*AROUND, (0, 0)]
    }
    stack = np.stack(list(windows.values()))
    # Beyond the border there is nothing: NaN keeps it out of the variance and of the most alike.
    alike = np.nanmin((stack[:-1] - light) ** 2, axis=0)
    scale = np.maximum(VARIANCES * np.nanvar(stack, axis=0), alike / -np.log(LEAST_WEIGHT))
    scale = np.maximum(scale, LEAST_SCALE)
    index = np.arange(light.size).reshape(height, width)
    rows, columns, weights = [], [], []
    for down, right in AROUND:
        difference = windows[down, right] - light
        inside = ~np.isnan(difference)
        rows.append(index[inside])
        columns.append(index[inside] + down * width + right)
        weights.append(np.exp(-(difference[inside] ** 2) / scale[inside]))
    shape = (light.size, light.size)
    table = sparse.csr_array((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return sparse.csr_array(sparse.diags_array(1 / table.sum(axis=1)) @ table)
