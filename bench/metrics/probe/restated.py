"""Metrics that no library has, restated plainly in double precision; Lab and CIEDE2000 are colour-science's.

Nothing here is shared with what it checks, thresholds included: they stand here a second time on purpose, so that one
changed by mistake is heard of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.metrics.probe.protocol import delta, lab

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int, UInt8

    Image = UInt8[np.ndarray, "h w 3"]
    Mask = Bool[np.ndarray, "h w"]
    Map = Int[np.ndarray, "h w"]

CLASSES = {
    "neutrals": ((0, 101), (0, 6), None),
    "skin-tones": ((55, 97), (10, 50), (25, 90)),
    "browns": ((12, 55), (10, 50), (25, 90)),
    "reds": ((0, 101), (50, 200), (-15, 50)),
    "foliage-greens": ((15, 92), (15, 200), (105, 170)),
    "sky-blues": ((45, 97), (10, 200), (215, 290)),
}
"""From and to of L, of C*ab, of the hue in degrees."""


def chroma(prediction: Image, target: Image) -> dict[str, float]:
    """Colourfulness (Hasler and Süsstrunk 2003) and saturation of one pair."""
    own, true = (_colourfulness(image.astype(np.float64)) for image in (prediction, target))
    paint = [np.hypot(*np.moveaxis(lab(image)[..., 1:], -1, 0)).mean() for image in (prediction, target)]
    return {
        "colourfulness-error": float(abs(own - true)),
        "saturation-error": float(abs(np.log2((paint[0] + 1) / (paint[1] + 1)))),
    }


def hues(prediction: Image, target: Image) -> dict[str, float]:
    """CIEDE2000 over the pixels of each colour class, by angles."""
    labs = lab(prediction), lab(target)
    error, (level, a, b) = delta(*labs), np.moveaxis(labs[1], -1, 0)
    amount, angle = np.hypot(a, b), np.degrees(np.arctan2(b, a))
    scores = {}
    for name, (levels, amounts, angles) in CLASSES.items():
        inside = (level >= levels[0]) & (level < levels[1]) & (amount >= amounts[0]) & (amount < amounts[1])
        if angles is not None:
            inside &= (angle - angles[0]) % 360 <= angles[1] - angles[0]
        enough = inside.any() and inside.mean() >= 0.005
        scores[f"ciede2000-{name}"] = float(error[inside].mean()) if enough else np.nan
    return scores


def bleeding(prediction: Image, target: Image, boundary: Mask) -> dict[str, float]:
    """Share of the change of (a, b) off the boundaries, beyond the target's; the band is SciPy's dilation."""
    labs = lab(prediction), lab(target)
    sides = labs[1][1:-1, 2:] - labs[1][1:-1, :-2], labs[1][2:, 1:-1] - labs[1][:-2, 1:-1]
    edge = np.zeros(boundary.shape, bool)
    edge[1:-1, 1:-1] = np.maximum(*(np.linalg.norm(side, axis=-1) for side in sides)) > 10
    return {"bleeding": _bled(*labs, edge), "bleeding-true": _bled(*labs, boundary)}


def regions(prediction: Image, target: Image, true: Map) -> dict[str, float]:
    """Spread and error of regions; flat ones are the components of a graph, found by SciPy."""
    labs = lab(prediction), lab(target)
    error = delta(*labs)
    spread, small = _painted(*labs, error, _components(target), 2.0)
    spread_true, small_true = _painted(*labs, error, true, np.inf)
    return {
        "region-spread": spread,
        "small-regions": small,
        "region-spread-true": spread_true,
        "small-regions-true": small_true,
    }


def palette(prediction: Image, target: Image) -> dict[str, float]:
    """Sliced optimal transport of the two palettes, whose distance along a line is SciPy's."""
    from scipy.stats import wasserstein_distance

    palettes = [_cells(lab(image)[..., 1:].reshape(-1, 2)) for image in (prediction, target)]
    line = np.arange(-256, 257)
    costs = []
    for angle in np.arange(12) * np.pi / 12:
        direction = np.array([np.cos(angle), np.sin(angle)])
        weights = [_shared(places @ direction, amounts) for places, amounts in palettes]
        costs.append(wasserstein_distance(line, line, *weights))
    return {"palette-distance": float(np.mean(costs)) * np.pi / 2}


def _colourfulness(image: Float64[np.ndarray, "h w 3"]) -> float:
    red, green, blue = np.moveaxis(image, -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def _bled(own: np.ndarray, true: np.ndarray, edge: Mask) -> float:
    from scipy.ndimage import binary_dilation

    band = np.asarray(binary_dilation(edge, np.ones((5, 5))), bool)
    spreads = [np.sqrt(image[..., 1:].var(axis=(0, 1)).sum()) for image in (own, true)]
    if not edge.any() or band.all() or min(spreads) < 2:
        return np.nan
    shares = []
    for image in (own, true):
        ab = image[..., 1:]
        across, down = ab[:-1, 1:] - ab[:-1, :-1], ab[1:, :-1] - ab[:-1, :-1]
        change = np.sqrt((across**2 + down**2).sum(-1))
        shares.append(change[~band[:-1, :-1]].sum() / change.sum())
    return float(max(shares[0] - shares[1], 0))


def _components(target: Image) -> Map:
    """The number from 1 of each pixel's connected region: neighbours within 2 levels in every channel."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes = target.astype(int)
    places = np.arange(codes[..., 0].size).reshape(codes.shape[:2])
    across = (np.abs(codes[:, 1:] - codes[:, :-1]) <= 2).all(-1)
    down = (np.abs(codes[1:] - codes[:-1]) <= 2).all(-1)
    first = np.concatenate([places[:, :-1][across], places[:-1][down]])
    second = np.concatenate([places[:, 1:][across], places[1:][down]])
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(places.size, places.size))
    return connected_components(graph, directed=False)[1].reshape(places.shape) + 1


def _painted(own: np.ndarray, true: np.ndarray, error: np.ndarray, numbers: Map, flat: float) -> tuple[float, float]:
    """Excess spread by pixels over regions of 16 pixels and more, and mean error of those up to 1 % of the image."""
    excess, weights, small = [], [], []
    known, counts = np.unique(numbers[numbers > 0], return_counts=True)
    for number in known[counts >= 16]:
        inside = numbers == number
        spreads = [np.sqrt(image[inside][:, 1:].var(axis=0).sum()) for image in (own, true)]
        if spreads[1] <= flat:
            excess.append(max(spreads[0] - spreads[1], 0))
            weights.append(inside.sum())
            small += [error[inside].mean()] if inside.mean() <= 0.01 else []
    return (
        float(np.average(excess, weights=weights)) if excess else np.nan,
        float(np.mean(small)) if small else np.nan,
    )


def _cells(ab: Float64[np.ndarray, "pixels 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Whole (a, b) and how much of the pixels lies there: each, in 16ths, is shared among the four about it."""
    sixteenths = np.floor(ab * 16 + 0.5) / 16
    low = np.floor(sixteenths)
    rest = sixteenths - low
    corners, amounts = [], []
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        corners.append(low + corner)
        amounts.append(np.where(corner, rest, 1 - rest).prod(axis=-1))
    return np.concatenate(corners), np.concatenate(amounts)


def _shared(places: Float64[np.ndarray, " n"], amounts: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " 513"]:
    """How much lies on each whole number from -256 to 256, each amount shared between the two about its place."""
    low = np.floor(places)
    rest = places - low
    index = low.astype(int) + 256
    return np.bincount(index, amounts * (1 - rest), 513) + np.bincount(index + 1, amounts * rest, 513)
