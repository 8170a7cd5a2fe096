"""Frozen extractors, one a file, and the folder that keeps what they said of a split's targets.

`inception` is the network behind FID, KID and `fid-clean`, `chroma` the one behind FD-chroma. Importing this package
loads neither torch nor torch-fidelity.
"""

from bench.features.chroma import Chroma
from bench.features.inception import BATCH, FEATURES, RESIZES, WEIGHTS, Inception, load_inception
from bench.features.store import Extractor, Known, known

__all__ = [
    "BATCH",
    "FEATURES",
    "RESIZES",
    "WEIGHTS",
    "Chroma",
    "Extractor",
    "Inception",
    "Known",
    "known",
    "load_inception",
]
