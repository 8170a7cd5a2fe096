"""Listed files become standardized images, by the rules written here."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data import panels, scenes, video
from bench.data.building import Draft, store
from bench.data.manifest import LeftOut
from bench.data.open_v1.listing import Row
from bench.data.standardize import UnusableImage, fingerprint, read_image, require_size, square

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

KIN = (
    ("0005", "0006", "0169", "0172", "0289"),
    ("0013", "0104", "0204", "0262", "0335"),
    ("0026", "0069"),
    ("0066", "0187"),
    ("0071", "0246", "0340"),
    ("0080", "0239"),
    ("0085", "0291"),
    ("0117", "0162", "0351"),
    ("0132", "0259"),
    ("0133", "0293"),
    ("0212", "0277"),
    ("0238", "0256"),
    ("0265", "0355"),
    ("0272", "0275"),
    ("0317", "0343", "0346"),
)
"""Storybooks that show the same figures before the same scenes: one series, told in several stories. Found by the
search of the leak certificate among all pairs of stories, and each pair looked at."""

CUTS = {
    "robmikh/showorder/data/popeye/mkv/pgs/Title T02-3.mkv": (40.21, 45.25, 51.83),
    "mdn/shared-assets/videos/tears-of-steel-battle-clip-medium.webm": (61.33, 65.46, 67.42, 68.75, 69.38),
}
"""Seconds at which a film's last shots begin: they become `series`, whole. What lies before stays in train; a fixed
camera has one shot."""

NO_TARGET = "a page without a colour original has no target"


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

    def scenes(self, row: Row, first: int, figures: Sequence[Row], names: Mapping[str, str]) -> list[Draft | LeftOut]:
        """Every figure before a background; the background decides which of train and series they are in.

        Numbers go on from `first`, so that no figure stands at the same place before two backgrounds.
        """
        from PIL import Image

        background = read_image(self.raw / row.file)
        if min(background.size) < self.size:
            return []
        found: list[Draft | LeftOut] = []
        for number, figure in enumerate(figures, first):
            # The file is verified: read_image would put it on white.
            with Image.open(self.raw / figure.file) as sprite:
                frame = scenes.composed(background, sprite.convert("RGBA"), number)
            found.append(
                store(
                    self.folder,
                    square(frame, self.size),
                    None,
                    id=f"{self.id}-{names[figure.file].rpartition('__')[2]}",
                    domain=row.domain,
                    group=group_of(row),
                    name=f"{row.file} with {figure.file}",
                    mark=fingerprint(frame),
                    piece=row.file,
                )
            )
        return found

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
                    piece=f"{row.file} shot {bisect(CUTS.get(row.file, ()), still.seconds)}",
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
                    piece=row.file,
                )
            )
        return found


def group_of(row: Row) -> str:
    """A row's group: stories of one series are one, so are a story and its coloured sheets, and all of one game."""
    if row.repo == "renpy/renpy":
        return "renpy"
    group = f"asp_{row.path.split('/')[1]}" if row.pair.startswith("asp_pair") else row.group
    return next((f"asp_{kin[0]}" for kin in KIN if group.removeprefix("asp_") in kin), group)
