"""What FD-chroma answers to on real pictures: `python -m bench.features.chroma_evidence --out reports/fd-chroma.md`.

Pictures of open-v1 are damaged in CIE Lab, lightness kept, and compared with themselves undamaged. The network knows
neither these pictures nor this way to damage them: it was trained on drawn pictures, damaged in YUV.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import color
from bench.data.collections import open_collection
from bench.data.loading import load
from bench.features.chroma import Chroma
from bench.files import write_text
from bench.metrics.distribution import fid
from bench.types import DOMAINS, SPLITS, Track

if TYPE_CHECKING:
    from jaxtyping import Float32, UInt8

    Lab = Float32[np.ndarray, "n h w 3"]
    Pictures = UInt8[np.ndarray, "n h w 3"]

COLLECTION = "open-v1"
MOST = {64: 400, 128: 200}
"""Images of a domain at each size of image."""

SIZES = (64, 128, 256, 512, 1024)
"""Numbers of images at which the distance is watched."""

DRAWS = 20
SEED = 0


def desaturated(lab: Lab, share: float) -> Lab:
    """Chroma less by a share, 1 leaving gray."""
    return lab * np.array([1, 1 - share, 1 - share], np.float32)


def turned(lab: Lab, degrees: float | np.ndarray) -> Lab:
    """Hues turned, by one angle or by one an image."""
    angle = np.deg2rad(np.broadcast_to(degrees, len(lab))).astype(np.float32)[:, None, None]
    lightness, a, b = np.moveaxis(lab, 3, 0)
    return np.stack([lightness, a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], axis=3)


def blurred(lab: Lab, share: float) -> Lab:
    """a and b smoothed by a Gaussian whose sigma is a share of the side."""
    import cv2

    sigma = share * lab.shape[1]
    smooth = [cv2.GaussianBlur(picture[..., 1:], (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101) for picture in lab]
    return np.concatenate([lab[..., :1], np.stack(smooth)], axis=3)


def bled(lab: Lab, share: float) -> Lab:
    """Each pixel takes a and b of the strongest colour in a square that reaches a share of the side to every side."""
    import cv2

    reach = max(1, round(share * lab.shape[1]))
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    out = lab.copy()
    for picture in out:
        colours = picture[..., 1:].reshape(-1, 2)
        order = (colours**2).sum(axis=1).argsort(kind="stable")
        rank = np.empty(len(order), np.float32)  # holds whole numbers to 16 million exactly
        rank[order] = np.arange(len(order))
        strongest = cv2.dilate(rank.reshape(picture.shape[:2]), square).astype(np.int64)
        picture[..., 1:] = colours[order[strongest]]
    return out


DAMAGES: dict[str, tuple[str, Callable[[Lab, float], Lab], tuple[float, ...]]] = {
    "desaturation": ("share of chroma removed", desaturated, (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)),
    "hue shift": ("degrees, the same for every image", turned, (5, 10, 20, 30, 45, 60, 90, 135, 180)),
    "chroma blur": ("sigma, share of the side", blurred, (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)),
    "bleeding": ("reach, share of the side", bled, (1 / 64, 2 / 64, 3 / 64, 5 / 64, 8 / 64, 12 / 64)),
}


def to_lab(pictures: Pictures) -> Lab:
    """CIE Lab in single precision."""
    return color.srgb_to_lab(pictures.astype(np.float32) / np.float32(255))


def to_rgb(lab: Lab) -> Pictures:
    """Back to 8-bit sRGB, clipped to what a screen shows."""
    return color.quantize(color.lab_to_srgb(lab))


def curve(extractor: Chroma, pictures: Pictures, name: str) -> list[float]:
    """FD-chroma of pictures damaged at each strength of `DAMAGES[name]` against themselves."""
    _, way, strengths = DAMAGES[name]
    target = extractor(pictures)
    lab = to_lab(pictures)
    return [fid(extractor(to_rgb(way(lab, strength))), target) for strength in strengths]


def real_pictures(home: Path, size: int, most: int | None = None) -> dict[str, Pictures]:
    """Every picture of open-v1 by domain, all splits; `most` of them, evenly over the list, where that is fewer."""
    manifest = open_collection(home, COLLECTION, size)
    found = {}
    for domain in DOMAINS:
        splits = [manifest.split(domain, name) for name in SPLITS if manifest.counts()[domain].get(name)]
        pictures = np.concatenate([load(split, Track("gray"), home / "cache").targets for split in splits])
        keep = np.linspace(0, len(pictures) - 1, min(len(pictures), most or len(pictures))).round().astype(int)
        found[domain] = pictures[keep]
    return found


def report(home: Path) -> str:
    """The report, in Markdown."""
    extractor = Chroma()
    everything = np.concatenate(list(real_pictures(home, 64).values()))
    sets = {
        f"{domain} {size} px (n = {len(part)})": part
        for size, most in MOST.items()
        for domain, part in real_pictures(home, size, most).items()
    }
    lines = [
        "# What FD-chroma answers to",
        "",
        "Made by `python -m bench.features.chroma_evidence`. FD-chroma is the Fréchet distance of 64 features of a",
        "small network that was trained on procedural-v1 alone; below are pictures of open-v1: its weights have",
        "seen none. Its design was chosen after an earlier one failed here, so this is no independent test of that.",
        "Damage is done in CIE Lab, lightness kept, rounded to 8 bits; each set is compared with itself undamaged.",
        "",
    ]
    for name, (unit, _, strengths) in DAMAGES.items():
        rows: list[list[str | float]] = []
        for label, pictures in sets.items():
            values = curve(extractor, pictures, name)
            rows.append([label, *values, _rises(values, strengths)])
        lines += [f"## {name.capitalize()} ({unit})", ""]
        lines += [*_table(["set", *(f"{s:.3g}" for s in strengths), "rises up to"], rows), ""]
    lines += [
        "A turned hue is another palette, and the distance is one of palettes: where a collection has every hue, its",
        "hues turned far are a collection much like it, and the curve bends. A metric against the target pixel by",
        "pixel, such as CIEDE2000, sees such a turn in full.",
        "",
    ]
    lines += list(_stability(extractor, everything))
    lines += list(_attacks(extractor, everything))
    return "\n".join(lines) + "\n"


def _rises(values: Sequence[float], strengths: Sequence[float]) -> str:
    """The strength up to which each value is above the one before."""
    falls = np.flatnonzero(np.diff([0.0, *values]) <= 0)
    if not len(falls):
        return "the end"
    return f"{strengths[falls[0] - 1]:.3g}" if falls[0] else "never"


def _stability(extractor: Chroma, pictures: Pictures) -> Iterator[str]:
    """How the value moves with the number of images."""
    lab = to_lab(pictures)
    damaged = {
        "half desaturated": extractor(to_rgb(desaturated(lab, 0.5))),
        "turned by 20 degrees": extractor(to_rgb(turned(lab, 20))),
        "blurred by 0.04": extractor(to_rgb(blurred(lab, 0.04))),
        "bled by 2/64": extractor(to_rgb(bled(lab, 2 / 64))),
    }
    target = extractor(pictures)
    n = len(pictures)
    rng = np.random.default_rng(SEED)
    draws = {size: [rng.permutation(n) for _ in range(DRAWS)] for size in SIZES if size <= n}
    yield f"## How stable it is in n (all domains, 64 px, {DRAWS} draws: mean ± standard deviation)"
    yield ""
    rows: list[list[str | float]] = []
    steady = set(draws)
    for label, features in damaged.items():
        whole = fid(features, target)
        values = {size: [fid(features[d[:size]], target[d[:size]]) for d in order] for size, order in draws.items()}
        rows.append(
            [label, *(f"{_digits(np.mean(v))} ± {_digits(np.std(v))}" for v in values.values()), _digits(whole)]
        )
        steady &= {size for size, v in values.items() if max(abs(np.mean(v) - whole), np.std(v)) < 0.1 * whole}
    floor = {
        size: [fid(target[d[:size]], target[d[size : 2 * size]]) for d in order]
        for size, order in draws.items()
        if 2 * size <= n
    }
    cells = [f"{_digits(np.mean(v))} ± {_digits(np.std(v))}" for v in floor.values()]
    rows.append(["undamaged, other images", *cells, *[""] * (len(draws) - len(floor) + 1)])
    yield from _table(["against the same images", *map(str, draws), f"all {n}"], rows)
    yield ""
    advised = min(steady, default=None)
    yield (
        f"Advised: at least {advised} images, where bias and spread are each below a tenth of the value in every row."
        if advised
        else "At no number of images here are bias and spread each below a tenth of the value in every row."
    )
    yield "Compare values at equal n only. The last row compares undamaged pictures with other undamaged ones: a"
    yield "distance to *other* images means nothing below it. Against the same images both sides share their chance."
    yield ""


def _attacks(extractor: Chroma, pictures: Pictures) -> Iterator[str]:
    """Pairs of damages of which one must be worse, and changes that should hardly count."""
    lab = to_lab(pictures)
    target = extractor(pictures)
    rng = np.random.default_rng(SEED)
    noise = rng.normal(0, 5, lab.shape[:3]).astype(np.float32)
    n = len(pictures)
    made: dict[str, Lab | np.ndarray] = {
        "gray copy": desaturated(lab, 1.0),
        "half the chroma": desaturated(lab, 0.5),
        "half as much chroma again": desaturated(lab, -0.5),
        "every hue turned by 60 degrees": turned(lab, 60),
        "each image turned by its own angle": turned(lab, rng.uniform(-180, 180, n)),
        "half of the images turned by 60, half by -60 degrees": turned(lab, np.where(np.arange(n) % 2, 60, -60)),
        "every second image gray": np.where((np.arange(n) % 2)[:, None, None, None], lab, desaturated(lab, 1.0)),
        "colours of the next image": np.concatenate([lab[..., :1], np.roll(lab[..., 1:], 1, axis=0)], axis=3),
        "one colour, the image's mean": np.concatenate(
            [lab[..., :1], np.broadcast_to(lab[..., 1:].mean(axis=(1, 2), keepdims=True), lab[..., 1:].shape)], axis=3
        ),
        "lightness with noise of 5, colours kept": lab + noise[..., None] * np.array([1, 0, 0], np.float32),
        "mirrored": lab[:, :, ::-1],
        "shifted by one pixel": np.roll(lab, 1, axis=2),
    }
    yield f"## Attempts to break it (all domains, 64 px, n = {n})"
    yield ""
    yield from _table(
        ["change", "FD-chroma"], [[name, fid(extractor(to_rgb(one)), target)] for name, one in made.items()]
    )
    yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str | float]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(cell if isinstance(cell, str) else _digits(cell) for cell in row)} |"


def _digits(value: float | np.floating) -> str:
    """Three digits, in plain notation."""
    if abs(value) < 5e-7:
        return "0"
    return np.format_float_positional(float(value), precision=3, unique=False, fractional=False, trim="-")


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description="Show what FD-chroma answers to on the pictures of open-v1.")
    parser.add_argument("--home", type=Path, default=Path(".bench"), help="where open-v1 lies, fetched")
    parser.add_argument("--out", type=Path, default=Path("fd-chroma.md"), help="the report")
    options = parser.parse_args()
    write_text(options.out, report(options.home))


if __name__ == "__main__":
    main()
