"""File names from anywhere become ids that are safe on every system, the same every time, and never collide."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

LONGEST = 90
"""Longer ids are cut here; the digest that then follows, and a frame's or panel's suffix, still fit into an id."""


def ids(paths: Sequence[str]) -> list[str]:
    """One id for each relative path: without its extension, `/` as `__`, other unsafe characters as `_`.

    Where two paths would share an id (upper and lower case count as the same), or one is cut, each of these gets `-`
    and the start of the SHA-256 of its path.

    Args:
        paths: distinct relative paths with `/`; names that are not UTF-8 as Python's surrogate escapes.
    """
    plain = [_plain(path) for path in paths]
    digests = [hashlib.sha256(os.fsencode(path)).hexdigest() for path in paths]
    digits = [8 if len(name) > LONGEST else 0 for name in plain]
    while True:
        names = [
            f"{name[:LONGEST]}-{digest[:count]}" if count else name
            for name, digest, count in zip(plain, digests, digits, strict=True)
        ]
        shared = Counter(name.casefold() for name in names)
        clashes = [place for place, name in enumerate(names) if shared[name.casefold()] > 1]
        if not clashes:
            return names
        for place in clashes:
            # A file may be named like another's id with its digest; more digits end that.
            digits[place] += 8


def printable(path: str) -> str:
    """A path as it stands in a manifest: bytes that are not UTF-8 become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _plain(path: str) -> str:
    stem = str(PurePosixPath(path).with_suffix(""))
    name = re.sub(r"[^A-Za-z0-9_-]", "_", stem.replace("/", "__"))
    # A leading dash would read as an option.
    return re.sub(r"^-", "_", name)
