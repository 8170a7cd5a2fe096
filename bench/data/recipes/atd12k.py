"""`atd-12k`: triplets of consecutive frames of animated films (Siyao et al., CVPR 2021).

    datasets/                        give this folder
      train_10k/
        <film>_<frame>_<s>/          10,000 folders, such as Disney_v4_21_044474_s1
          frame1.jpg frame2.jpg frame3.jpg
      test_2k_540p/
        <film>_<frame>_<s>/          2,000 folders
          frame1.png frame2.png frame3.png
      test_2k_original/ ...          the same in full size; not read, nor are annotations and flows

The three frames show nearly the same: of each triplet the middle one is taken.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bench.data.recipes import reading
from bench.data.recipes.recipe import Count, DataRecipe, Part, Source

FRAMES = r"/[^/]+/frame[123]\.(?:jpg|png)"
MIDDLE = "frame2"
WESTERN = "Disney_"
NUMBER = re.compile(r"_\d+_s\d+$")


def middle_frames(root: Path, paths: Sequence[str]) -> list[Source]:
    """The middle frame of each triplet; what stands before the frame's number names the film."""
    found = []
    for path in paths:
        if PurePosixPath(path).stem == MIDDLE:
            triplet = PurePosixPath(path).parent.name
            found.append(Source(path, NUMBER.sub("", triplet), "cartoon" if triplet.startswith(WESTERN) else "anime"))
    return found


RECIPE = DataRecipe(
    id="atd-12k",
    title="ATD-12K, triplets of animated films (Siyao et al. 2021)",
    domains=("cartoon", "anime"),
    where="https://github.com/lisiyao21/AnimeInterp, under Data",
    licence="the films' owners hold the rights; terms of the data set unverified (its code is MIT)",
    parts=(
        Part("train_10k/<triplet>/frame2.jpg", r"train_10k" + FRAMES, count=10_000, folders=True),
        Part("test_2k_540p/<triplet>/frame2.png", r"test_2k_540p" + FRAMES, count=2_000, folders=True),
    ),
    sources=middle_frames,
    read=reading.picture,
    sampling="in none of the five papers; of each triplet the middle frame",
    size="960 x 540 in its test",
    groups="film, the name of the triplet before the frame's number; the published split is not kept",
    counts=(Count(12_000, "triplets", "README of lisiyao21/AnimeInterp"),),
    remarks=(
        "the middle frames of triplets; three frames that follow one another are a clip, which this recipe does not "
        "prepare",
        "films named Disney are cartoon, all others anime",
    ),
    unverified=(
        "that what stands before a triplet's frame number names its film: read from the names",
        "that 10,000 triplets are in train and 2,000 in test: read from the folders' names",
    ),
    layout=__doc__ or "",
)
