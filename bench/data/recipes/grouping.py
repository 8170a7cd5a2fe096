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


def alone(domain: str, published: Mapping[str, str] | None = None) -> Find:
    """Each image by itself.

    Args:
        domain: of all.
        published: the first folder of a path to the side that its images keep, where a data set comes with a split.
    """

    def find(root: Path, paths: Sequence[str]) -> list[Source]:
        return [Source(path, "", domain, side(path, published or {}, path.split("/")[0])) for path in paths]

    return find


def side(path: str, published: Mapping[str, str], name: str) -> str:
    """The side an image keeps, by the published split it lies in; some of train become val where none is published."""
    found = published.get(name, "")
    if found == "train" and "val" not in published.values() and scattered(path)[0] < round(VAL * 256):
        return "val"
    return found


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
