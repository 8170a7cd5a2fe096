"""`futurama`: frames of a Western cartoon series, the protocol of Thasarathan and Ebrahimi 2020.

    <folder>/
      ... any folders, such as one a season ...
        <episode>.mkv                the episodes of seasons 1 and 2, one file each; any video format

The paper took consecutive frames, 100,000 of the show. Here single images are taken, one a second: frames that follow
one another are clips, which a collection holds apart from its images.
"""

from bench.data.recipes import grouping, reading
from bench.data.recipes.recipe import VIDEOS, Count, DataRecipe, Part

RECIPE = DataRecipe(
    id="futurama",
    title="Futurama (Thasarathan and Ebrahimi 2020)",
    domains=("cartoon",),
    where="your own copy of seasons 1 and 2",
    licence="the series' owners hold the rights",
    parts=(Part("<episode>.mkv", rf".+{VIDEOS}"),),
    sources=grouping.each_file("cartoon"),
    read=reading.episode(None),
    sampling="consecutive frames; how they were split is not said",
    size="not said (256 x 256 in the code of the authors' paper before)",
    groups="episode, a file",
    counts=(Count(100_000, "frames", "Thasarathan and Ebrahimi 2020, section 4.1"),),
    remarks=(
        "cartoon: single images, one a second; the paper's consecutive frames are clips, which this recipe does not "
        "prepare",
    ),
    unverified=("how many episodes the paper used, and how it split them",),
    layout=__doc__ or "",
)
