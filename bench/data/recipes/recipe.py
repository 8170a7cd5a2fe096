"""What is known of a data set: where it comes from, how its folder looks, what a paper made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.manifest import LeftOut

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGES = r"\.(?i:png|jpe?g|webp|gif|bmp|tiff?|ppm)"
VIDEOS = r"\.(?i:mp4|mkv|webm|mov|avi|m4v)"
"""How the names of files end, for `Part.names`."""


@dataclass(frozen=True)
class Count:
    """A published number: how many of what, and who says so."""

    number: int
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.number:,} {self.what} ({self.source})"


@dataclass(frozen=True)
class Part:
    """A kind of file that a whole download holds.

    Attributes:
        shown: how its paths look, for people, such as `train/<number>.png`.
        names: a regular expression that matches such a path whole, relative to the folder, with `/`.
        count: how many files, or folders that hold them, a source says there are; None where none does.
        folders: that `count` is of the folders.
    """

    shown: str
    names: str
    count: int | None = None
    folders: bool = False

    @property
    def unit(self) -> str:
        return "folders" if self.folders else "files"


@dataclass(frozen=True)
class Shuffle:
    """How a paper split single frames at random, though their neighbours show the same.

    Attributes:
        train, val, test: the paper's numbers of images; the split keeps their proportions.
        why: in what the leak consists, and where the paper says so.
        seed: of the shuffle.
    """

    train: int
    val: int
    test: int
    why: str
    seed: int = 0


@dataclass(frozen=True)
class Source:
    """A file that becomes one image or several.

    Attributes:
        path: relative to the folder, with `/`.
        group: what must not cross train, val and test; empty if each of its images stands alone.
        domain: of its images; empty if the person who adds it says.
        side: `train`, `val` or `test` if the published split of the data set is kept, `grouping.TO_DRAW` if some of
            its images shall be val and the others train; else empty.
    """

    path: str
    group: str
    domain: str
    side: str = ""


@dataclass(frozen=True)
class Picture:
    """An image out of a source.

    Attributes:
        image: mode RGB.
        page: the drawn page, mode L, of the same size; None without.
        place: what is added to the id of the source, such as `-00002000`; empty if the source is one image.
        said: what is added to its path, for people, such as ` at 00002000 ms`.
        group: another group than the source's, where the file itself names it.
    """

    image: Image
    page: Image | None = None
    place: str = ""
    said: str = ""
    group: str | None = None


@dataclass(frozen=True)
class HeldOut:
    """Which images out of a source become `series` where it is train, by what is `said` of them; comes behind them."""

    said: frozenset[str]


Find = Callable[[Path, Sequence[str]], list[Source]]
"""From the folder and the paths of its parts to the sources, in the order of the paths."""

Read = Callable[[Path], Iterator["Picture | LeftOut | HeldOut"]]
"""From a file to its images, what of it is left out, and perhaps at its end what is held out.

A file that cannot be used raises a BenchError.
"""


@dataclass(frozen=True)
class DataRecipe:
    """A known data set.

    Attributes:
        id: as given to `--recipe`.
        title: for people.
        domains: of its images; none if the person who adds it must say.
        where: where a person gets it; nothing is downloaded.
        licence: its terms in one line.
        parts: the files of a whole download.
        sources: from the folder to what is read.
        read: from a source to its images.
        sampling: what the paper took of it.
        size: the paper's size of images.
        groups: how groups are found.
        pages: where drawn pages come from; empty without.
        counts: what is published of its size.
        shuffle: the paper's leaking split, if it had one.
        remarks: what stands on every manifest made from it.
        unverified: what could not be checked against a source.
        tables: read Parquet files too.
        colour_only: gray images are left out one by one; they have no colours to find.
        layout: the module's text, with the folder drawn in it.
    """

    id: str
    title: str
    domains: tuple[str, ...]
    where: str
    licence: str
    parts: tuple[Part, ...]
    sources: Find
    read: Read
    sampling: str
    size: str
    groups: str
    pages: str = ""
    counts: tuple[Count, ...] = ()
    shuffle: Shuffle | None = None
    remarks: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    tables: bool = False
    colour_only: bool = False
    layout: str = field(default="", repr=False)
