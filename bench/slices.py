"""Slices: which images an entry is good at. Labels that a split knows or that are measured, and the numbers by slice.

A label is a column, one value an image: yes or no, a word, or a number. Columns become slices (which may overlap), and
each slice gets its own summary of every metric, unless it holds too little to say anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from bench import color
from bench.errors import BenchError
from bench.statistics import METHOD, Method, Summary, summarize_all

LEAST_IMAGES = 8
LEAST_GROUPS = 2
"""A slice of fewer images or groups tells of those images, not of entries: it has no numbers, and says why."""

MOST_WORDS = 24
"""A column of more different words is a name (a shot, a page), not a label, and makes no slices."""

DARK, BRIGHT = 48, 224
"""Luma below which a pixel is nearly black, above which nearly white (of 255)."""

MOST_OF = 0.5
"""Share of nearly black (white) pixels from which on an image is `dark` (`near-white`)."""

STEP = 3
"""Levels by which neighbours of one flat area may differ, in any channel."""

FLAT_SHARE = 0.25
"""Share of the image that one area without a larger step must fill for `large-flat-area`."""

GRAYISH = 6.0
"""Mean chroma in CIE Lab below which a target is `gray-ish`: what there is to colour is hardly colour."""

CONTRAST = 40
"""Levels by which a line is darker, or a letter brighter, than what lies around it."""

LETTER, LETTER_CHROMA = 180, 15.0
"""Luma from which on, and chroma below which, a stroke is white enough for a caption."""

GROUND = 225
"""Median luma of a row that still is ground for white letters: the gaps between a white page's lines are none."""

CAPTION_SIDE = 96
"""Side from which on letters can be told; below it nothing is said of captions."""

CAPTION_BAND = 0.35
"""Lower share of the image in which captions stand."""

CAPTION_RUNS = 0.07
"""Separate strokes that a row of letters has, as a share of the image's width."""

CAPTION_ROWS = 0.025
"""Rows of letters, one below another, that a caption has, as a share of the image's height."""

CAPTION_EXCESS = 4.0
"""How many times as many such rows the caption's band must hold, row for row, as the picture above: leaves and windows
make strokes everywhere."""

Column = Sequence[bool] | Sequence[str] | Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Slice:
    """One slice's numbers, or the reason why there are none.

    Attributes:
        n: its images.
        groups: its groups.
        summaries: by metric; empty where the slice is too small.
        absent: why there are none; empty where there are.
    """

    n: int
    groups: int
    summaries: Mapping[str, Summary]
    absent: str = ""


def measure(targets: UInt8[np.ndarray, "n h w 3"]) -> dict[str, np.ndarray]:
    """What can be measured of any split, one value an image: columns for `masks`.

    Args:
        targets: 8-bit sRGB; their BT.601 luma is what the gray track shows.

    Returns:
        Names begin with `measured-`, because a split may know the same of its own:
        `dark`, `near-white`: more than half of the pixels have a luma below 48, above 224;
        `large-flat-area`: one area without steps of more than 3 levels fills a quarter of the image or more;
        `captions`: rows of thin white strokes near the bottom, and far fewer above (no such column below 96 pixels;
        of 333 drawn and filmed images without captions none was taken for captioned; of a quarter of them, with one or
        two lines of small print drawn in, 82 % were at 128 pixels and 86 % at 256);
        `gray-ish`: mean chroma below 6 in CIE Lab;
        `line-density`: share of pixels on lines, at least 40 levels darker than what lies beside them (a number).

    Raises:
        BenchError: unless `targets` is uint8 of shape (n, h, w, 3).
    """
    if not isinstance(targets, np.ndarray) or targets.dtype != np.uint8 or targets.ndim != 4 or targets.shape[3] != 3:
        got = f"{targets.dtype} {targets.shape}" if isinstance(targets, np.ndarray) else type(targets).__name__
        raise BenchError(f"slices are measured on uint8 images of shape (n, height, width, 3); got {got}.")
    rows = [_measured(target) for target in targets]
    names = ("dark", "near-white", "large-flat-area", "captions", "gray-ish", "line-density")
    columns = {f"measured-{name}": np.array([row[place] for row in rows]) for place, name in enumerate(names)}
    if min(targets.shape[1:3]) < CAPTION_SIDE:
        del columns["measured-captions"]
    return columns


def masks(columns: Mapping[str, Column]) -> dict[str, Bool[np.ndarray, " n"]]:
    """The slices of label columns.

    Args:
        columns: by name one value an image: booleans make one slice of that name; words one slice each (`time:night`;
            an empty word is none); numbers three of equal size (`people:low`, `:middle`, `:high`), where NaN is
            in none. Numbers of which a third are alike make fewer slices, more than 24 different words none: they name
            images, and do not sort them.

    Raises:
        BenchError: columns of different lengths.
    """
    made: dict[str, np.ndarray] = {}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BenchError(f"label columns must have one value an image each; got lengths {lengths}.")
    for name, column in columns.items():
        values = np.asarray(column)
        if values.dtype == bool:
            made[name] = values
        elif values.dtype.kind in "iuf":
            made |= _thirds(name, values.astype(np.float64))
        else:
            words = values.astype(str)
            known = [word for word in np.unique(words).tolist() if word]
            if len(known) <= MOST_WORDS:
                made |= {f"{name}:{word}": words == word for word in known}
    return made


def breakdown(
    values: Mapping[str, Float64[np.ndarray, " n"]],
    groups: Sequence[str],
    slices: Mapping[str, Bool[np.ndarray, " n"]],
    *,
    frames: Sequence[int] | None = None,
    method: Method = METHOD,
    resamples: int = 2_000,
) -> dict[str, Slice]:
    """Every metric's summary on every slice.

    Args:
        values: by metric one value an image.
        groups: the group of each image.
        slices: by name which images are in it; see `masks`.
        frames: on clips, the place of each frame in its clip; a clip's frames in a slice count as its clip.
        method: of the intervals; see `bench.statistics.interval`.
        resamples: fewer than on the whole split, because there are many slices.

    Raises:
        ValueError: where lengths differ.
    """
    owners = np.asarray(groups, dtype=str)
    clips = None if frames is None else np.cumsum(np.asarray(frames) == 0)
    made = {}
    for name, mask in slices.items():
        if len(mask) != len(owners):
            raise ValueError(f"slice {name} tells of {len(mask)} images, not of {len(owners)}")
        inside = np.flatnonzero(mask)
        count, known = len(inside), len(np.unique(owners[inside]))
        if count < LEAST_IMAGES or known < LEAST_GROUPS:
            reason = f"{count} images of {known} groups; it takes {LEAST_IMAGES} of {LEAST_GROUPS}"
            made[name] = Slice(count, known, {}, reason)
            continue
        # Where a clip begins within the slice: frames whose clip is not the one before's.
        places = None if clips is None else np.diff(clips[inside], prepend=-1) == 0
        made[name] = Slice(
            count,
            known,
            summarize_all(
                {metric: np.asarray(column)[inside] for metric, column in values.items()},
                owners[inside].tolist(),
                frames=None if places is None else places.astype(int).tolist(),
                method=method,
                resamples=resamples,
            ),
        )
    return made


def _thirds(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Three slices of about a third of the images each; equal numbers stay together."""
    known = np.isfinite(values)
    if not known.any():
        return {}
    low, high = np.quantile(values[known], [1 / 3, 2 / 3])
    thirds = {"low": values <= low, "middle": (values > low) & (values <= high), "high": values > high}
    return {f"{name}:{part}": mask & known for part, mask in thirds.items() if (mask & known).any()}


def _measured(target: np.ndarray) -> tuple[bool, bool, bool, bool, bool, float]:
    import cv2

    luma = color.luma(target)
    height, width = luma.shape
    # A line or a letter's stroke is narrower than this, at any size of the image.
    side = 2 * max(1, round(min(height, width) / 80)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    lines = cv2.morphologyEx(luma, cv2.MORPH_BLACKHAT, kernel) >= CONTRAST
    chroma = np.hypot(*np.moveaxis(color.srgb_to_lab(target.astype(np.float32) / 255)[..., 1:], -1, 0))
    white = (luma >= LETTER) & (chroma < LETTER_CHROMA)
    strokes = (cv2.morphologyEx(luma, cv2.MORPH_TOPHAT, kernel) >= CONTRAST) & white
    return (
        bool((luma < DARK).mean() > MOST_OF),
        bool((luma > BRIGHT).mean() > MOST_OF),
        bool(_largest_flat(target) >= FLAT_SHARE * luma.size),
        _captioned(strokes, luma),
        bool(chroma.mean() < GRAYISH),
        float(lines.mean()),
    )


def _largest_flat(target: np.ndarray) -> int:
    """Pixels of the largest area whose neighbours differ by no more than a small step."""
    import cv2

    wide = target.astype(np.int16)
    steps = np.zeros(target.shape[:2], bool)
    steps[:, 1:] |= (np.abs(np.diff(wide, axis=1)) > STEP).any(-1)
    steps[1:] |= (np.abs(np.diff(wide, axis=0)) > STEP).any(-1)
    count, _, facts, _ = cv2.connectedComponentsWithStats((~steps).astype(np.uint8), connectivity=4)
    return int(facts[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def _captioned(strokes: Bool[np.ndarray, "h w"], luma: UInt8[np.ndarray, "h w"]) -> bool:
    """Whether the lower part holds a line of many separate strokes, and the upper part far fewer such rows."""
    height, width = strokes.shape
    starts = strokes.copy()
    starts[:, 1:] &= ~strokes[:, :-1]
    lettered = (starts.sum(axis=1) >= max(4, CAPTION_RUNS * width)) & (np.median(luma, axis=1) < GROUND)
    band = round(CAPTION_BAND * height)
    below, above = lettered[height - band :], lettered[: height - band]
    needed = max(2, round(CAPTION_ROWS * height))
    together = np.convolve(below, np.ones(needed), "valid").max(initial=0) == needed
    return bool(together and below.mean() > CAPTION_EXCESS * above.mean())
