"""`anime-sketch-pair`: Anime Sketch Colorization Pair, the data of Chen et al. 2019.

    data/                            give this folder
      train/
        <number>.png                 14,224 files of 1024 x 512: the coloured image left, its sketch right
      val/
        <number>.png                 3,545 more, which become the test split

The sketch becomes the drawn page, so that the track `lineart-drawn` works; as every page it is then what the other
tracks show too.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import Count, DataRecipe, Part

GANIME = "counted by Vu and Yang, GANime, arXiv 2508.09207"

RECIPE = DataRecipe(
    id="anime-sketch-pair",
    title="Anime Sketch Colorization Pair (Kaggle, ktaebum)",
    domains=("anime",),
    where="https://www.kaggle.com/datasets/ktaebum/anime-sketch-colorization-pair",
    licence="as its page says (unverified); the pictures are from Danbooru, their artists hold the rights",
    parts=(
        Part("train/<number>.png", r"train/[^/]+\.png", count=14_224),
        Part("val/<number>.png", r"val/[^/]+\.png", count=3_545),
    ),
    sources=grouping.alone("anime", {"train": "train", "val": "test"}),
    read=reading.colour_left_sketch_right,
    sampling="14,000 and 4,000 were meant to be used, 20 and 5 were",
    size="512 x 512",
    groups="each picture by itself; the artist is not known",
    pages="the right half of each file",
    counts=(
        Count(17_769, "pairs", GANIME),
        Count(14_224, "of them in train", GANIME),
        Count(3_545, "of them in val", GANIME),
    ),
    remarks=(
        "anime: the drawn pages were extracted from the coloured pictures by sketchKeras; no artist drew them",
        "anime: test is the val of the data set; val is a tenth of its train, by the digests of the names",
        "anime: an artist may stand on both sides; near-duplicates are left out",
    ),
    unverified=("terms of the download",),
    layout=__doc__ or "",
)
