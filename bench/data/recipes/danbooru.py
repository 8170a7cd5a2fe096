"""`danbooru`: illustrations of Danbooru2017 to 2021 and their successors, in folders by number.

    512px/ or original/              give this folder
      0000/
        <id>.jpg                     the ids that end in 000
      0001/ ... 0999/                1,000 folders

Artists and series stand in a table of their own, which is not read: each picture is a group by itself.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import IMAGES, Count, DataRecipe, Part

RECIPE = DataRecipe(
    id="danbooru",
    title="Danbooru in folders by number",
    domains=("anime",),
    where="https://gwern.net/danbooru2021",
    licence="the artists hold the rights; see its page (unverified)",
    parts=(Part("<0000 to 0999>/<id>.jpg", rf"0\d{{3}}/\d+{IMAGES}", count=1_000, folders=True),),
    sources=grouping.alone("anime"),
    read=reading.picture,
    sampling="of the five papers one uses it, through anime-sketch-pair",
    size="512 x 512 in the folder 512px",
    groups="each picture by itself; its artist is not in the folder",
    counts=(
        Count(1_000, "folders", "card of nyanko7/danbooru2023, Hugging Face"),
        Count(3_789_092, "images in 512px", "gwern.net/danbooru2021"),
    ),
    remarks=("anime: an artist may stand on both sides; near-duplicates are left out",),
    unverified=("whether images in 512px carry borders",),
    layout=__doc__ or "",
)
