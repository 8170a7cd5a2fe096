"""The collection open-v1: openly licensed drawings, films and comic pages, pinned by checksum."""

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from bench import files
from bench.data import naming, panels, video
from bench.data.building import Draft, Progress, settle, store, whole_folder, work
from bench.data.manifest import LeftOut, Manifest
from bench.data.standardize import UnusableImage, fingerprint, read_image, require_size, square
from bench.errors import BenchError

NAME = "open-v1"
VERSION = "1"
"""Of the rules below; a prepared folder of another version is made again."""

ORIGIN = "https://raw.githubusercontent.com"
CONNECTIONS = 8
ATTEMPTS = 3
GIVE_UP = 20
"""So many failed downloads and not one good: the network is away, and the rest would fail as slowly."""

STRIP = 3
"""A still longer than so many times its short side would lose most of itself to the centre square."""

PANEL = 160
"""The least short side of a panel, in pixels of the page: below it a panel is a sliver."""

ALIGNED = 0.25
FURTHEST = 3
"""A drawing lies on its colouring if their edges correlate so well at a shift of at most so many pixels."""

LINE, DRAWN = 32, 0.01
"""A panel is drawn if so large a share of it differs from the paper by more than so many levels."""

FRAMED = {"popeye_sindbad_1936": 0.04}
"""Films with a dark frame around the picture, and the share to cut off each side."""

SIDES = {
    "peppercarrot_ep17": "test",
    "peppercarrot_ep12": "val",
    "peppercarrot_ep22": "train",
    "asp_0217": "train",
    "asp_0245": "train",
}
"""The manga domain has so few groups that the tenths of the general rule would make a test of four images."""

NO_TARGET = "a page without a colour original has no target"
NOTES = (
    "cartoon: mostly storybook illustrations, and stills of two films",
    "anime: drawings of one artist and a few backgrounds; no broadcast anime and no motion",
    "live-action: one feature film's clip, photographs and three fixed cameras",
    "manga: one artist's line drawings with his finished colour; train and test share the cast, not the episode",
)


@dataclass(frozen=True)
class Row:
    """One pinned file: a line of the package's list, whose header names the fields."""

    domain: str
    kind: str
    group: str
    pair: str
    repo: str
    commit: str
    path: str
    file: str
    bytes: str
    sha256: str
    licence: str

    @property
    def url(self) -> str:
        return f"{ORIGIN}/{self.repo}/{self.commit}/{quote(self.path)}"


def listed() -> tuple[Row, ...]:
    """The pinned files, with their credits."""
    text = resources.files("bench.data").joinpath("open-v1.csv").read_text(encoding="utf-8")
    return tuple(Row(**line) for line in csv.DictReader(text.splitlines()))


def originals(home: Path) -> Path:
    """The folder of the fetched files."""
    return home / "data" / NAME / "raw"


def fetch(
    home: Path, mirror: Path | None = None, report: Progress | None = None, rows: Sequence[Row] | None = None
) -> int:
    """Bring the pinned originals to `<home>/data/open-v1/raw`. What is there with the right checksum stays.

    Args:
        home: where everything lies.
        mirror: a folder that holds the files under their listed names; None to download them.
        report: called with files done and files in all.
        rows: a part of the list; None for all of it.

    Returns:
        How many files are now there.

    Raises:
        BenchError: with how many files are missing or wrong, and the first of them. None of those is installed.
    """
    rows = listed() if rows is None else rows
    if mirror is not None and not mirror.is_dir():
        raise BenchError(f"expected a folder with the files of {NAME}; {mirror} is none; check --mirror.")
    raw = originals(home)
    wrong: list[str] = []
    good = done = 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        jobs = {pool.submit(_bring, row, raw, mirror): row for row in rows}
        try:
            for job in as_completed(jobs):
                reason = job.result()
                done += 1
                good += reason is None
                if reason is not None:
                    wrong.append(f"{jobs[job].file} ({reason})")
                if report:
                    report(done, len(rows))
                if mirror is None and not good and len(wrong) >= GIVE_UP:
                    break
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if wrong:
        rest = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        untried = f"; {len(rows) - done} were not tried" if done < len(rows) else ""
        remedy = "mend the mirror" if mirror else f"see that {ORIGIN} can be reached"
        raise BenchError(
            f"{len(wrong)} of {len(rows)} files of {NAME} are missing or wrong{untried}: "
            f"{', '.join(sorted(wrong)[:10])}{rest}; {remedy} and give the same command again, it resumes."
        )
    return good


def prepare(home: Path, size: int, report: Progress | None = None, rows: Sequence[Row] | None = None) -> Manifest:
    """Standardize the fetched originals into `<home>/data/open-v1/<size>px`.

    Args:
        home: where everything lies.
        size: the side of every image, in pixels.
        report: called with steps done and steps in all.
        rows: a part of the list; None for all of it.

    Raises:
        BenchError: if originals are missing or changed, or nothing is large enough.
    """
    rows = listed() if rows is None else rows
    raw = originals(home)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        lacking = [
            row.file for row, good in zip(rows, pool.map(lambda r: _good(r, raw), rows), strict=True) if not good
        ]
    if lacking:
        raise BenchError(
            f"{NAME} needs its {len(rows)} originals; {len(lacking)} are missing or changed, such as {lacking[0]}; "
            f"run `bench data fetch {NAME}`."
        )
    names = dict(zip((row.file for row in rows), naming.ids([row.file for row in rows]), strict=True))
    inks = {row.pair: row for row in rows if row.pair and row.kind == "ink"}
    pairs = {row.pair: row for row in rows if row.pair and row.kind == "color"}
    final = home / "data" / NAME / f"{size}px"
    with whole_folder(final) as folder:

        def make(row: Row) -> list[Draft | LeftOut]:
            maker = Maker(raw, folder, size, names[row.file])
            match row.domain, row.kind:
                case _, "video":
                    return maker.film(row)
                case "manga", "color":
                    return maker.pages(row, inks.get(row.pair))
                case "manga", "ink":
                    if row.pair not in pairs:
                        return [LeftOut(row.file, NO_TARGET)]
                    # A colour page of manga brings its drawing; a colour sheet of cartoon does not.
                    return maker.pages(pairs[row.pair], row) if pairs[row.pair].domain != "manga" else []
                case "manga", _:
                    return [LeftOut(row.file, NO_TARGET)]
                case "anime", "sprite":
                    return [LeftOut(row.file, "sprites become composed frames in a later version")]
                case "cartoon", "page":
                    return maker.pages(row, None)
                case _:
                    return maker.still(row)

        # Films first: they take longest.
        tasks = sorted(rows, key=lambda row: row.kind != "video")
        made = [thing for things in work(make, tasks, report) for thing in things]
        drafts = [thing for thing in made if isinstance(thing, Draft)]
        if not drafts:
            raise BenchError(f"{NAME} has no image of {size} pixels or more; choose a smaller --size.")
        # No image has an empty name: these only settle the sides of their groups.
        items, leaks, notes = settle(folder, drafts, {(group, ""): side for group, side in SIDES.items()})
        left_out = [*(thing for thing in made if isinstance(thing, LeftOut)), *leaks]
        covered = {item.domain for item in items}
        manifest = Manifest(
            root=final,
            collection=NAME,
            version=VERSION,
            size=size,
            items=items,
            left_out=tuple(sorted(left_out, key=lambda left: left.source)),
            notes=(*(note for note in NOTES if note.split(":")[0] in covered), *notes),
        )
        manifest.write(folder)
    return manifest


@dataclass(frozen=True)
class Maker:
    """Turns one listed file into standardized images: `raw` holds the originals, `folder` takes what comes of them."""

    raw: Path
    folder: Path
    size: int
    id: str

    def still(self, row: Row) -> list[Draft | LeftOut]:
        """A drawing or photograph."""
        try:
            image = read_image(self.raw / row.file)
            require_size(self.raw / row.file, image, self.size)
        except UnusableImage as error:
            return [LeftOut(row.file, error.reason)]
        if max(image.size) > STRIP * min(image.size):
            return [LeftOut(row.file, f"a strip of {image.width}x{image.height}")]
        target = square(image, self.size)
        return [
            store(
                self.folder,
                target,
                None,
                id=self.id,
                domain=row.domain,
                group=group_of(row),
                name=row.file,
                mark=fingerprint(image),
            )
        ]

    def film(self, row: Row) -> list[Draft | LeftOut]:
        """A clip: one still a second."""
        found: list[Draft | LeftOut] = []
        for still in video.stills(self.raw / row.file, crop=FRAMED.get(row.group, 0.0)):
            if min(still.image.size) < self.size:
                return [LeftOut(row.file, f"{still.image.width}x{still.image.height}")]
            second = f"{int(still.seconds):04d}"
            found.append(
                store(
                    self.folder,
                    square(still.image, self.size),
                    None,
                    id=f"{self.id}-{second}s",
                    domain=row.domain,
                    group=group_of(row),
                    name=f"{row.file} at {second} s",
                    mark=fingerprint(still.image),
                )
            )
        return found

    def pages(self, row: Row, ink: Row | None) -> list[Draft | LeftOut]:
        """A comic page, cut into panels; in manga with the line drawing beneath the colour as the condition."""
        import numpy as np
        from PIL import Image

        from bench.color import luma

        manga = ink is not None
        if row.domain == "manga" and not manga:
            return [LeftOut(row.file, "its line drawing is not listed")]
        colour = read_image(self.raw / row.file)
        drawing = read_image(self.raw / ink.file) if ink is not None else None
        if drawing is not None and drawing.size != colour.size:
            ratio = drawing.width * colour.height / (drawing.height * colour.width)
            if abs(ratio - 1) > 0.02:
                return [LeftOut(row.file, "drawing and colour have other proportions")]
            drawing = drawing.resize(colour.size, Image.Resampling.BICUBIC)
        page = None if drawing is None else np.asarray(drawing)
        whole = [(0, 0, *colour.size)]
        boxes = panels.find(np.asarray(colour), page) if row.group.startswith("peppercarrot") else whole
        gray = None if page is None else luma(page)
        found: list[Draft | LeftOut] = []
        stem = row.pair or self.id
        for number, box in enumerate((part for panel in boxes for part in panels.parts(panel)), 1):
            source = f"{row.file} panel {number:02d}"
            left, top, right, bottom = box
            if min(right - left, bottom - top) < max(self.size, PANEL):
                found.append(LeftOut(source, f"{right - left}x{bottom - top}"))
                continue
            piece, under = colour.crop(box), None
            if gray is not None:
                lines = np.ascontiguousarray(gray[top:bottom, left:right])
                score, shift = panels.alignment(lines, luma(np.asarray(piece)))
                if score < ALIGNED or shift > FURTHEST:
                    found.append(LeftOut(source, f"the drawing does not lie on its colour ({score:.2f}, {shift} px)"))
                    continue
                small = square(Image.fromarray(lines), 128).astype(np.int16)
                if (np.abs(small - np.median(small)) > LINE).mean() < DRAWN:
                    found.append(LeftOut(source, "its drawing has hardly a line"))
                    continue
                under = square(Image.fromarray(lines), self.size)
            found.append(
                store(
                    self.folder,
                    square(piece, self.size),
                    under,
                    id=f"{stem}-p{number:02d}",
                    domain="manga" if manga else row.domain,
                    group=group_of(row),
                    name=source,
                    mark=fingerprint(piece),
                )
            )
        return found


def group_of(row: Row) -> str:
    """A row's group; the coloured sheets that have line drawings stay with the stories they are part of."""
    if row.pair.startswith("asp_pair"):
        return f"asp_{row.path.split('/')[1]}"
    return row.group


def _good(row: Row, folder: Path) -> bool:
    path = folder / row.file
    return path.is_file() and path.stat().st_size == int(row.bytes) and files.sha256(path) == row.sha256


def _bring(row: Row, raw: Path, mirror: Path | None) -> str | None:
    """Install one file; the reason why not, or None."""
    import requests

    reason: str | None = None
    if _good(row, raw):
        return None
    for _ in range(ATTEMPTS if mirror is None else 1):
        try:
            # The error leaves `whole`, so what is wrong never takes the file's name.
            with files.whole(raw / row.file) as temporary:
                _copy(row, mirror, temporary)
                if files.sha256(temporary) != row.sha256:
                    raise _OtherBytes
            return None
        except _OtherBytes:
            reason = "other bytes than listed"
        except FileNotFoundError:
            reason = "missing"
        except (requests.RequestException, OSError) as error:
            reason = type(error).__name__
    return reason


class _OtherBytes(Exception):
    """What came is not what is listed."""


def _copy(row: Row, mirror: Path | None, to: Path) -> None:
    import pooch

    if mirror is None:
        pooch.HTTPDownloader(timeout=30)(row.url, str(to), None)
    else:
        to.write_bytes((mirror / row.file).read_bytes())
