"""`movie-stills`: Movie Stills 2000-2020, the live-action frames of Camizan et al. 2023.

    <folder>/
      ... any folders, perhaps one a film ...
        <any name>.png or .jpg       159,000 stills, says the paper

Its page was not seen, so how the folder looks is unknown: every image in it is taken, at any depth.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import IMAGES, Count, DataRecipe, Part

RECIPE = DataRecipe(
    id="movie-stills",
    title="Movie Stills 2000-2020 (Kaggle)",
    domains=("live-action",),
    where="Kaggle, by its title: the address that the paper prints is that of the cartoons",
    licence="as its page says (unverified); the films' owners hold the rights",
    parts=(Part("images at any depth", rf".+{IMAGES}", count=159_000),),
    sources=grouping.folder_or_name("live-action"),
    read=reading.picture,
    sampling="8,000 for training, 2,000 for testing; how they were drawn is not said",
    size="not said",
    groups="folder, else the name before its number, else each image by itself",
    counts=(Count(159_000, "stills", "Camizan et al. 2023, section 2.2; rounded"),),
    remarks=(
        "live-action: where groups are single images, a film may stand on both sides; near-duplicates are left out",
    ),
    unverified=("address, folders, file names and terms of the download",),
    layout=__doc__ or "",
)
