"""`kaggle-cartoon`: the cartoon frames of Camizan et al. 2023.

    <folder>/
      ... any folders ...
        <any name>.png or .jpg       10,000 frames, says the paper

Its page was not seen, so how the folder looks is unknown: every image in it is taken, at any depth.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import IMAGES, Count, DataRecipe, Part

RECIPE = DataRecipe(
    id="kaggle-cartoon",
    title="cartoon frames of many styles (Kaggle, kleinertee/cartoon)",
    domains=("cartoon",),
    where="https://www.kaggle.com/datasets/kleinertee/cartoon",
    licence="as its page says (unverified)",
    parts=(Part("images at any depth", rf".+{IMAGES}", count=10_000),),
    sources=grouping.folder_or_name("cartoon"),
    read=reading.picture,
    sampling="8,000 for training, 2,000 for testing; how they were drawn is not said",
    size="not said",
    groups="folder, else the name before its number, else each image by itself",
    counts=(Count(10_000, "frames", "Camizan et al. 2023, section 2.2"),),
    remarks=("cartoon: where groups are single images, a film may stand on both sides; near-duplicates are left out",),
    unverified=("folders, file names and terms of the download",),
    layout=__doc__ or "",
)
