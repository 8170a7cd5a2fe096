"""A small collection of a user's own for tests: blocks of random colours in folders, two domains."""

from pathlib import Path

import cv2
import numpy as np

from bench.data.folder import add
from bench.shelf import Shelf

DOMAINS = ("cartoon", "anime")
SIZE = 32


def paint(place: Path, groups: int = 10, pictures: int = 4) -> None:
    """Write `place/<domain>/g<group>/<picture>.png`, the same ones every time."""
    rng = np.random.default_rng(0)
    for domain in DOMAINS:
        for group in range(groups):
            folder = place / domain / f"g{group}"
            folder.mkdir(parents=True)
            for picture in range(pictures):
                small = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
                cv2.imwrite(str(folder / f"{picture}.png"), small.repeat(5, 0).repeat(5, 1))


def toy_shelf(place: Path) -> Shelf:
    """The collection `toy` in the home `place/home`, at 32 px, which any process can open."""
    paint(place / "pictures")
    for domain in DOMAINS:
        add(place / "home", "toy", place / "pictures" / domain, domain, SIZE, "folder")
    return Shelf(place / "home", "toy", SIZE)


def beside(shelf: Shelf, home: Path) -> Shelf:
    """The same collection in another home, where nothing was done yet."""
    home.mkdir()
    (home / "data").symlink_to(shelf.home / "data")
    return Shelf(home, shelf.collection, shelf.size)


def store_url(kind: str, place: Path) -> str:
    """A store of a test's own, of files or in this process's memory."""
    return f"file://{place / 'store'}" if kind == "file" else f"memory://{place.name}"
