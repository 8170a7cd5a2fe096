"""Galleries: what entries painted, where they succeed and fail, and how they learned, in one small file a collection.

`make` reads what lies in a home and writes `<collection>-<size>px.zip`; the report reads it with `read`. Nothing here
runs a model.
"""

from bench.gallery.facts import Case, Clip, Curve, Exhibit, Gallery, Index, Line, Sheet, Shown, Tile, Training, Wall
from bench.gallery.storing import FOLDER, of, read, write

__all__ = [
    "FOLDER", "Case", "Clip", "Curve", "Exhibit", "Gallery", "Index", "Line", "Sheet", "Shown", "Tile", "Training",
    "Wall", "of", "read", "write",
]  # fmt: skip
