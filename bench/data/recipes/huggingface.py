"""`huggingface`: any image data set of Hugging Face, as a folder of images or as Parquet files.

    <folder>/
      train/ validation/ test/       or none of them, or other folders
        <any name>.png or .jpg
    or
      ... any folders, such as data/ ...
        train-00000-of-00002.parquet validation-... test-...

In a table the images are a column of structs of `bytes` and `path`, named image (or img, color, colour, target; or the
only one of its kind); drawn pages one named page, sketch, lineart, lines or drawing. A column group, series, episode,
film, artist or title names groups. Without one each image stands alone, and a published split into train and test is
kept; a tenth of train, image by image, becomes val where none is published.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from bench.data.recipes import reading
from bench.data.recipes.grouping import side
from bench.data.recipes.recipe import IMAGES, DataRecipe, Part, Source
from bench.errors import BenchError

SIDES = {"train": "train", "validation": "val", "valid": "val", "val": "val", "dev": "val", "test": "test"}
OWN = "chromabench.json"
"""Lies in what `bench data export` wrote."""


def images_or_tables(root: Path, paths: Sequence[str]) -> list[Source]:
    """Files with the side of their published split, if it has a test; with a validation alone, that is the test.

    Raises:
        BenchError: if the folder is an export of this project, which says more than an image data set can.
    """
    if (root / OWN).exists():
        raise BenchError(f"{root} was written by `bench data export`; read it with `bench data import NAME {root}`.")
    tables = [path for path in paths if path.endswith(".parquet")]
    grouped = any(reading.grouped_by_column(root / path) for path in tables)
    splits = [next((part for part in re.split(r"[/.-]", path) if part in SIDES), "") for path in paths]
    there = {SIDES[split] for split in splits if split}
    published = SIDES if {"val", "test"} <= there else {split: _only(split) for split in SIDES}
    kept = not grouped and "train" in there and len(there) > 1
    return [
        Source(path, "", "", side(published, split) if kept else "") for path, split in zip(paths, splits, strict=True)
    ]


def _only(split: str) -> str:
    return "train" if split == "train" else "test"


RECIPE = DataRecipe(
    id="huggingface",
    title="an image data set of Hugging Face",
    domains=(),
    where="https://huggingface.co/datasets",
    licence="as its card says",
    parts=(Part("images or Parquet files", rf".+(?:{IMAGES}|\.parquet)"),),
    sources=images_or_tables,
    read=reading.table,
    sampling="in none of the five papers",
    size="any",
    groups="a column group, series, episode, film, artist or title, else each image by itself",
    pages="a column page, sketch, lineart, lines or drawing",
    remarks=("groups are what the data set names; where it names none, near-duplicates are left out",),
    tables=True,
    layout=__doc__ or "",
)
