"""`pokemon`: frames of 75 episodes of one anime series, the protocol of Fu and Hsu 2017.

    <folder>/
      ... any folders ...
        <episode>.mp4                75 episodes, one file each; any video format

The paper took one frame in 50 of 15 hours, 28,179 in all, shuffled them and split them about 8 : 1 : 1.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import VIDEOS, Count, DataRecipe, Part, Shuffle

RECIPE = DataRecipe(
    id="pokemon",
    title="Pokémon (Fu and Hsu 2017)",
    domains=("anime",),
    where="your own copy of the series",
    licence="the series' owners hold the rights",
    parts=(Part("<episode>.mp4", rf".+{VIDEOS}", count=75),),
    sources=grouping.each_file("anime"),
    read=reading.episode(50),
    sampling="1 frame in 50; 22,543 train, 2,818 val, 2,818 test, shuffled",
    size="640 x 360, scaled to 320 x 180",
    groups="episode, a file",
    counts=(
        Count(75, "episodes, 15 hours", "Fu and Hsu 2017, section 4"),
        Count(28_179, "frames", "Fu and Hsu 2017, section 4"),
    ),
    shuffle=Shuffle(
        22_543, 2_818, 2_818, "the paper took 1 frame in 50, some two seconds apart, and shuffled them all (section 4)"
    ),
    remarks=("anime: of frames that show the same, one is taken; the paper kept them all",),
    unverified=("which episodes the paper used",),
    layout=__doc__ or "",
)
