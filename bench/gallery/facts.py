"""What a gallery holds. Everything but the pictures stands in its `index.json`, in the order of these fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

SCHEMA = 1

Place = Annotated[int, Meta(ge=0, lt=2**16)]
Text = Annotated[str, Meta(max_length=1000)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Tile(NamedTuple):
    """One picture: the place of its sheet in `Index.sheets`, and its place on the sheet, 0 at the top."""

    sheet: Place
    place: Place


@dataclass(frozen=True)
class Sheet:
    """Square pictures of the gallery's size below each other in one file, `<digest>.avif` or `<digest>.webp`.

    Attributes:
        digest: SHA-256 of the file.
        kind: `avif`, packed with small losses, colours 4:4:4; `webp`, without loss: maps of CIEDE2000 (see
            `bench.gallery.heat`), and lines where that is smaller.
        tiles: how many pictures.
    """

    digest: Digest
    kind: Literal["avif", "webp"]
    tiles: Annotated[int, Meta(ge=1, le=2**10)]

    @property
    def name(self) -> str:
        """Of the file in the zip."""
        return f"{self.digest}.{self.kind}"


@dataclass(frozen=True)
class Line:
    """Values by training step, at most `bench.gallery.learning.POINTS` of them.

    Attributes:
        steps: ascending.
        values: one a step; finite.
    """

    steps: tuple[Annotated[int, Meta(ge=0)], ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """How one training went.

    Attributes:
        validation: CIEDE2000 on the validation splits, lower is better; no steps where there is no such split.
        losses: by name, such as `generator_l1`; each in its own unit.
    """

    validation: Line
    losses: dict[str, Line]


@dataclass(frozen=True)
class Training:
    """A training's curve, and whose it is. `track` is the one it was trained under."""

    entry: Text
    track: Text
    seed: Annotated[int, Meta(ge=0)]
    curve: Curve


@dataclass(frozen=True)
class Shown:
    """One image of a split.

    Attributes:
        id: in its split.
        group: its series, film or page source.
        slices: the labels it carries, known or measured.
        target: the true picture.
        condition: what the model saw.
    """

    id: Text
    group: Text
    slices: tuple[Text, ...]
    target: Tile | None = None
    condition: Tile | None = None


@dataclass(frozen=True)
class Case:
    """An entry on one image.

    Attributes:
        image: its place in `Wall.images`.
        scores: by metric id.
        prediction: what the entry painted.
        heat: CIEDE2000 of every pixel.
    """

    image: Place
    scores: dict[str, float]
    prediction: Tile | None = None
    heat: Tile | None = None


@dataclass(frozen=True)
class Clip:
    """The frames that an entry painted of its wall's clip, in order."""

    frames: tuple[Tile, ...]


@dataclass(frozen=True)
class Exhibit:
    """One entry on one wall.

    Attributes:
        entry: its name.
        seed: of its training.
        reference: whether it is one.
        ciede2000: the record's value, lower is better: it tells whether records and gallery are of one evaluation.
        best, median, worst: its own cases.
        common: the wall's common images, in their order.
        clip: the wall's clip.
    """

    entry: Text
    seed: Annotated[int, Meta(ge=0)]
    reference: bool
    ciede2000: float
    best: Case
    median: Case
    worst: Case
    common: tuple[Case, ...]
    clip: Clip | None = None


@dataclass(frozen=True)
class Wall:
    """What hangs together: one domain under one track.

    Attributes:
        domain, track: which.
        key: of the split.
        n: its images.
        left_out: entries with a record here that are not shown, by name, with the reason.
        images: every image that a case shows, by id.
        common: places in `images` of those that every entry shows.
        clip: places in `images` of the frames of the clip that every entry shows; none for stills.
        exhibits: by CIEDE2000, best first.
    """

    domain: Text
    track: Text
    key: Text
    n: Annotated[int, Meta(ge=1)]
    left_out: dict[Text, Text]
    images: tuple[Shown, ...]
    common: tuple[Place, ...]
    clip: tuple[Place, ...]
    exhibits: tuple[Exhibit, ...]


@dataclass(frozen=True)
class Index:
    """The content of `index.json`.

    Attributes:
        schema: of this file.
        collection, size: whose gallery it is.
        shown: whether pictures may be shown.
        why: the reason for that.
        entries: the most that a wall shows, besides the gray copy.
        sheets: every picture file, by digest.
        walls: by domain and track.
        trainings: by entry, track and seed.
    """

    schema: Literal[1]
    collection: Text
    size: Annotated[int, Meta(ge=1, le=8192)]
    shown: bool
    why: Text
    entries: Annotated[int, Meta(ge=1)]
    sheets: tuple[Sheet, ...] = ()
    walls: tuple[Wall, ...] = ()
    trainings: tuple[Training, ...] = ()


@dataclass(frozen=True)
class Gallery:
    """A gallery in memory.

    Attributes:
        index: what is known of its pictures.
        pictures: the files of `index.sheets`, by name.
        passed_over: entries on walls that its file shows and this does not, so that a page stays small.
    """

    index: Index
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    passed_over: int = 0

    @cached_property
    def curves(self) -> Mapping[tuple[str, str, int], Curve]:
        """How each training went, by entry, track and seed."""
        return {(one.entry, one.track, one.seed): one.curve for one in self.index.trainings}

    @cached_property
    def players(self) -> int:
        """Entries on walls, references not counted: what `fewer` chooses from."""
        return sum(not one.reference for wall in self.index.walls for one in wall.exhibits)

    def fewer(self, players: int) -> "Gallery":
        """The gallery with so many entries on its walls, and no wall without one; numbers and curves stay as they are.

        The first of every wall come before the second of any, and those before the third; of one place, walls in
        their order.
        """
        order = sorted(
            (place, number, one.entry)
            for number, wall in enumerate(self.index.walls)
            for place, one in enumerate(one for one in wall.exhibits if not one.reference)
        )
        kept = {(number, entry) for _, number, entry in order[:players]}
        walls = []
        for number, wall in enumerate(self.index.walls):
            if any((number, one.entry) in kept for one in wall.exhibits):
                shown = tuple(one for one in wall.exhibits if one.reference or (number, one.entry) in kept)
                walls.append(replace(wall, exhibits=shown))
        passed_over = self.passed_over + len(order) - len(kept)
        return Gallery(replace(self.index, walls=tuple(walls)), self.pictures, passed_over)
