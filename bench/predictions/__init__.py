"""Pictures that some program made of a split: read under strict rules, and kept so that no model need run again.

`reading` hands them on piece by piece from a `folder`, a zip `archive` or NumPy `arrays`, `samples` several colourings
of each image; `picture` checks one, `faults` says what is wrong with all. `store` keeps what a model painted.
"""

from bench.predictions.folder import write_predictions
from bench.predictions.reading import Place, Submission, Wanted, Watch, chunks
from bench.predictions.samples import Samples
from bench.predictions.store import Kept, Origin, find, keeping

__all__ = [
    "Kept",
    "Origin",
    "Place",
    "Samples",
    "Submission",
    "Wanted",
    "Watch",
    "chunks",
    "find",
    "keeping",
    "write_predictions",
]
