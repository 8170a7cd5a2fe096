"""`sk8-infinity`: frames of one anime series, the protocol of Zhang and Mao 2022.

    <folder>/
      ... any folders ...
        <episode>.mkv                the episodes, one file each; any video format

The paper let a player save one frame in 60, about 6,000 in all, and split them at random: 4,500 for training, 1,500
for testing.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import VIDEOS, Count, DataRecipe, Part, Shuffle

RECIPE = DataRecipe(
    id="sk8-infinity",
    title="SK8 the Infinity (Zhang and Mao 2022)",
    domains=("anime",),
    where="your own copy of the series; the authors' frames were in the Drive folder that their appendix names",
    licence="the series' owners hold the rights",
    parts=(Part("<episode>.mkv", rf".+{VIDEOS}"),),
    sources=grouping.each_file("anime"),
    read=reading.episode(60),
    sampling="1 frame in 60; 4,500 for training, 1,500 for testing, at random",
    size="about 256 x 160",
    groups="episode, a file",
    counts=(Count(6_000, "frames or so", "Zhang and Mao 2022, section 3"),),
    shuffle=Shuffle(
        4_500, 0, 1_500, "the paper took 1 frame in 60, some two seconds apart, and split them at random (section 5)"
    ),
    remarks=("anime: of frames that show the same, one is taken; the paper kept them all",),
    unverified=("how many episodes the paper used, and whether the Drive folder is still there",),
    layout=__doc__ or "",
)
