"""One file per model; the file name is the registry. Shared blocks start with an underscore."""

import importlib
import pkgutil
from types import ModuleType

from bench.errors import unknown


def names() -> list[str]:
    """The registered entries, sorted: every file here without a leading underscore, `_` written `-`.

    Only the folder is read: neither a model nor torch is imported.
    """
    return sorted(file.name.replace("_", "-") for file in pkgutil.iter_modules(__path__) if file.name[0] != "_")


def load(name: str) -> ModuleType:
    """Import one entry.

    Args:
        name: an id of `names()`, such as `fu2017-cgan`.

    Returns:
        The module: TITLE, SOURCE, TRACKS, and RECIPE with `build` (trained) or SEES_TARGET with `fit` (reference).

    Raises:
        BenchError: for any other name; nothing from outside reaches the import system.
    """
    if name not in names():
        raise unknown("model", name, names())
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
