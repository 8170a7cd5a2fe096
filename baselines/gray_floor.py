"""`gray-floor`: procedural-v1 painted with all that gray reveals and the generator's palettes: the floor of ambiguity.

    gray, regions, what they are, hour --> the colours such regions have in other series --> the one with the least
    expected CIEDE2000

Gray leaves a choice of colours, and on real images nobody knows how wide it is. Drawings of our own know. The row says
how near a painter comes who recognises every region (hair, a dog's fur, a park's grass), knows which colours the
generator gives such things and how often, and cannot know who a character is. See `bench.floor` for exactly what is
revealed; the row is an estimate of the least error under that, reached by a program, and no proof that nobody could do
better. No model sees regions, so none is expected to reach it.

It reads no target of the split it paints. Source: our own.
"""

from bench.floor import Floor
from bench.types import Images

TITLE = "Floor of ambiguity: gray"
SOURCE = "reference: least expected error under the drawing's own palettes"
TRACKS = ("gray", "gray+previous")
COLLECTIONS = ("procedural-v1",)
"""The collections that know what their pictures show."""
SEES_TARGET = False


def fit(train: Images) -> Floor:
    """The training split says which style it is; the palettes are learned from other series, drawn here.

    Raises:
        BenchError: where the images are not procedural-v1's.
    """
    return Floor(train, series=False)
