"""`series-floor`: `gray-floor` for who has seen the series: it knows each character, thing and place again.

    gray, regions, what and whose they are, hour --> the colours that training pictures of the series gave them

On `series` it says what is left of the ambiguity when the answer is knowable: a character wears the same coat in every
picture. On `test`, whose series nobody has seen, it knows no more than `gray-floor` and paints the same.

It reads no target of the split it paints. Source: our own.
"""

from bench.floor import Floor
from bench.types import Images

TITLE = "Floor of ambiguity: gray, in a known series"
SOURCE = "reference: gray-floor that knows the series' own colours"
TRACKS = ("gray", "gray+previous")
COLLECTIONS = ("procedural-v1",)
"""The collections that know what their pictures show."""
SEES_TARGET = False


def fit(train: Images) -> Floor:
    """The training split says which style it is and what each series' characters, things and places look like.

    Raises:
        BenchError: where the images are not procedural-v1's.
    """
    return Floor(train, series=True)
