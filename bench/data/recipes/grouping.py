"""What belongs together: the rules by which recipes put files into groups that never cross train, val and test."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from bench.data.folder import groups
from bench.data.recipes.recipe import Find, Source
from bench.data.splits import FEWEST_GROUPS

VAL = 0.10
"""The share of a published train split that becomes val where none is published."""

TO_DRAW = "train or val"
"""The side of a source whose images are train, but for a share of them that becomes val."""


def alone(domain: str, published: Mapping[str, str] | None = None) -> Find:
    """Each image by itself.

    Args:
        domain: of all.
        published: the first folder of a path to the side that its images keep, where a data set comes with a split.
    """

    def find(root: Path, paths: Sequence[str]) -> list[Source]:
        return [Source(path, "", domain, side(published or {}, path.split("/")[0])) for path in paths]

    return find


def side(published: Mapping[str, str], name: str) -> str:
    """The side that images keep, by the published split they lie in; `TO_DRAW` for train where no val is published."""
    found = published.get(name, "")
    return TO_DRAW if found == "train" and "val" not in published.values() else found


def drawn(side: str, image: str) -> str:
    """The side of one image of a source: of those that are `TO_DRAW`, by the digests of their names, some are val."""
    if side != TO_DRAW:
        return side
    return "val" if scattered(image)[0] < round(VAL * 256) else "train"


def scattered(text: str) -> bytes:
    """A digest that puts texts in an order which says nothing about them, the same on every machine."""
    return hashlib.sha256(os.fsencode(text)).digest()


def each_file(domain: str) -> Find:
    """Each file is a group: an episode with all its frames."""

    def find(root: Path, paths: Sequence[str]) -> list[Source]:
        return [Source(path, path, domain) for path in paths]

    return find


def folder_or_name(domain: str) -> Find:
    """By folder, else by the name before its number, as `bench data add` does; each image by itself if that is one."""

    def find(root: Path, paths: Sequence[str]) -> list[Source]:
        found = groups(paths)
        known = len(set(found)) >= FEWEST_GROUPS
        return [Source(path, group if known else "", domain) for path, group in zip(paths, found, strict=True)]

    return find


def folder_name(domain: str, less: str) -> Find:
    """By the name of the folder that holds the file, without what the expression `less` matches."""

    def find(root: Path, paths: Sequence[str]) -> list[Source]:
        return [Source(path, re.sub(less, "", PurePosixPath(path).parent.name), domain) for path in paths]

    return find
