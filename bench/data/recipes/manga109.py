"""`manga109`: pages of 109 volumes of manga.

    <folder>/
      images/
        <title>/                     109 folders, such as ARMS or LoveHina_vol01
          <page>.jpg                 000.jpg, 001.jpg, ...
      annotations/ ...               not read

A page in black and white has no colours to find: it is left out, and named. What remains are the pages in colour.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import Count, DataRecipe, Part

RECIPE = DataRecipe(
    id="manga109",
    title="Manga109, its pages in colour",
    domains=("manga",),
    where="https://huggingface.co/datasets/hal-utokyo/Manga109 or http://www.manga109.org/en/, after an application",
    licence="academic use alone, after an application; see its page",
    parts=(Part("images/<title>/<page>.jpg", r"images/[^/]+/\d+\.jpg", count=109, folders=True),),
    sources=grouping.folder_name("manga", less=r"_vol\d+$"),
    read=reading.picture,
    sampling="in none of the five papers; only pages in colour have a target",
    size="in none of the five papers",
    groups="title, its volumes together",
    pages="an ink page with screentones, made from the coloured one",
    counts=(Count(109, "titles", "README of manga109/manga109api"),),
    remarks=("manga: pages in colour alone: covers and openings, not what most of a manga looks like",),
    unverified=("how many of its pages are in colour; a page on yellowed paper may be taken for one",),
    colour_only=True,
    layout=__doc__ or "",
)
