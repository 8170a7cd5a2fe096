"""Pictures that some program made of a split: written one PNG an id, and read back under strict rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.data import png
from bench.errors import BenchError
from bench.files import whole
from bench.types import Images

Place = tuple[str, str]
"""Domain and split."""


def write_predictions(folder: Path, images: Images, predictions: np.ndarray) -> None:
    """Write each prediction as `<folder>/<id>.png` (8-bit sRGB)."""
    import cv2

    for id, picture in zip(images.ids, predictions, strict=True):
        done, png = cv2.imencode(".png", picture[..., ::-1])
        if not done:
            raise BenchError(f"the prediction for {id} could not be encoded as PNG.")
        with whole(folder / f"{id}.png") as temporary:
            temporary.write_bytes(png.tobytes())


def read_predictions(root: Path, wanted: Mapping[Place, Images]) -> dict[Place, np.ndarray]:
    """Read the predictions for several splits, all or none.

    The pictures of a split lie in `<root>/<domain>/<split>/`, `<root>/<domain>/`, `<root>/<split>/` or `<root>/`, the
    first of these that exists, as `<id>.png`.

    Args:
        root: the folder.
        wanted: the splits to be scored.

    Returns:
        8-bit sRGB of the shape of each split's targets.

    Raises:
        BenchError: the folder is missing, two domains would take the same picture, or any file is missing, unexpected,
            no PNG, or not 8-bit RGB of the right size; all are counted and the first ten named.
    """
    if not root.is_dir():
        raise BenchError(f"--predictions {str(root)!r} is not a folder; give one that holds <id>.png for every image.")
    folders = {place: _folder(root, *place) for place in wanted}
    expected: dict[Path, dict[str, Place]] = {}
    for place, images in wanted.items():
        names = expected.setdefault(folders[place], {})
        for id in images.ids:
            other = names.setdefault(f"{id}.png", place)
            if other != place:
                raise BenchError(
                    f"{id}.png in {folders[place]} would stand for {'/'.join(other)} and {'/'.join(place)}; "
                    "put each domain's pictures into a folder of its own, named after it."
                )
    problems: list[str] = []
    for folder, names in expected.items():
        found = {path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")}
        problems += [f"missing {name} of {'/'.join(names[name])}" for name in sorted(names.keys() - found)]
        problems += [f"unexpected {name}" for name in sorted(found - names.keys())]
    read = {}
    for place, images in wanted.items():
        read[place] = np.empty_like(images.targets)
        for row, id in zip(read[place], images.ids, strict=True):
            path = folders[place] / f"{id}.png"
            if path.is_file():
                try:
                    row[:] = png.read(path, row.shape)
                except BenchError as error:
                    problems.append(f"{error}, 8-bit RGB")
    if problems:
        shown = "; ".join(problems[:10]) + ("; ..." if len(problems) > 10 else "")
        raise BenchError(
            f"{len(problems)} problems with the predictions in {root}: {shown}. If they are of one split, say --split."
        )
    return read


def _folder(root: Path, domain: str, split: str) -> Path:
    places = (root / domain / split, root / domain, root / split)
    return next((place for place in places if place.is_dir()), root)
