"""One file per model; the file name is the registry. Shared blocks start with an underscore.

Another installed package adds models through an entry point, name to module, with the same interface:

    [project.entry-points."chromabench.baselines"]
    my-model = "my_package.my_model"

What stands here comes first: no other package can take a name of it, and one that is broken takes away its own models
and no other. Why one is left out stands in `problems()`.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, distributions
from types import ModuleType

from bench.errors import BenchError, unknown
from bench.types import DOMAINS, MIXED, Recipe, Track, slug

GROUP = "chromabench.baselines"
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
RESERVED = ("all", MIXED, *DOMAINS)
"""What `--model` understands besides models."""


@dataclass(frozen=True)
class Plugin:
    """A model that another package registers."""

    name: str
    module: str
    package: str


def names() -> list[str]:
    """The registered entries, sorted: every file here without a leading underscore, `_` written `-`, and entry points.

    Only the folder and the installed packages' metadata are read: neither a model nor torch is imported.
    """
    return sorted(built_in() | _plugins().keys())


def built_in() -> set[str]:
    """The entries that are files here."""
    return {file.name.replace("_", "-") for file in pkgutil.iter_modules(__path__) if file.name[0] != "_"}


def load(name: str) -> ModuleType:
    """Import one entry.

    Args:
        name: an id of `names()`, such as `fu2017-cgan`.

    Returns:
        The module: TITLE, SOURCE, TRACKS, and RECIPE with `build` (trained) or SEES_TARGET with `fit` (reference).

    Raises:
        BenchError: for any other name, one that two packages register, and a package whose module cannot be imported
            or lacks what a model needs; nothing from a command line reaches the import system.
    """
    if name in built_in():
        return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    found = _plugins().get(name, ())
    if len(found) > 1:
        raise BenchError(_twice(found))
    if not found:
        raise unknown("model", name, names())
    (plugin,) = found
    try:
        module = importlib.import_module(plugin.module)
    except (Exception, SystemExit) as error:  # whatever it is, it is theirs
        raise BenchError(
            f"model {name!r} of the package {plugin.package} cannot be imported: {type(error).__name__}: {error}; "
            "update that package or uninstall it."
        ) from error
    if lacks := _lacks(module):
        raise BenchError(f"model {name!r} of the package {plugin.package} is left out: {plugin.module} {lacks}.")
    return module


def working() -> list[str]:
    """Those of `names()` that can be loaded; what is wrong with the others stands in `problems()`."""
    return [name for name in names() if name in built_in() or not _fault(name)]


def problems() -> list[str]:
    """One line for each registration of another package that is left out: its name cannot stand, or it is broken."""
    faults = (_fault(name) for name in names() if name not in built_in())
    return [*_registered()[1], *(fault for fault in faults if fault)]


def _fault(name: str) -> str:
    try:
        load(name)
    except BenchError as error:
        return str(error)
    return ""


def _twice(found: tuple[Plugin, ...]) -> str:
    packages = " and ".join(plugin.package for plugin in found)
    return f"the packages {packages} both register a model {found[0].name!r}; uninstall one of them."


def _plugins() -> dict[str, tuple[Plugin, ...]]:
    """Registrations whose name can stand, by name; of two packages with one name neither is loaded."""
    return _registered()[0]


def _registered() -> tuple[dict[str, tuple[Plugin, ...]], tuple[str, ...]]:
    import sys

    return _read(tuple(sys.path))


@lru_cache(maxsize=4)
def _read(path: tuple[str, ...]) -> tuple[dict[str, tuple[Plugin, ...]], tuple[str, ...]]:
    """Every registration on a search path, and a line for each that cannot stand."""
    plugins: dict[str, tuple[Plugin, ...]] = {}
    wrong: list[str] = []
    mine = built_in()
    for found in _entries(path):
        if isinstance(found, str):
            wrong.append(found)
        elif found.name in mine or found.name in RESERVED:
            owner = "chromabench itself has that model" if found.name in mine else "that word has another meaning"
            wrong.append(f"the package {found.package} registers a model {found.name!r}: {owner}; rename it there.")
        else:
            try:
                slug("model", found.name)
            except BenchError as error:
                wrong.append(f"the package {found.package} registers a bad name: {error}")
            else:
                plugins[found.name] = (*plugins.get(found.name, ()), found)
    return plugins, tuple(wrong)


def _entries(path: tuple[str, ...]) -> Iterator[Plugin | str]:
    """What packages register here, each package once, or a line where that cannot be read."""
    seen: set[str] = set()
    for package in distributions(path=list(path)):
        text = package.read_text("entry_points.txt")
        name = _name(package)
        if not text or GROUP not in text or name in seen:
            continue
        seen.add(name)
        try:
            entries = list(package.entry_points.select(group=GROUP))
        except Exception:  # the parser of the standard library has no error of its own
            yield f"the package {name} has a damaged entry_points.txt; install it again."
            continue
        for entry in entries:
            if MODULE.fullmatch(entry.value):
                yield Plugin(entry.name, entry.value, name)
            else:
                yield f"the package {name} registers {entry.name!r} as {entry.value!r}; expected a module such as a.b."


def _name(package: Distribution) -> str:
    # A folder without metadata is a package without a name.
    return package.metadata["Name"] or "without a name" if package.metadata else "without a name"


def _lacks(module: ModuleType) -> str:
    """What the harness asks for and a module has not; empty if it has everything."""
    for name in ("TITLE", "SOURCE"):
        if not isinstance(getattr(module, name, None), str) or not getattr(module, name):
            return f"lacks {name}, a string"
    tracks = getattr(module, "TRACKS", None)
    if not isinstance(tracks, tuple) or not tracks:
        return 'lacks TRACKS, a tuple such as ("gray",)'
    for track in tracks:
        try:
            known = Track.parse(str(track)).name
        except BenchError as error:
            return f"has a wrong name in TRACKS: {str(error).removesuffix('.')}"
        if known != track:
            return f"has {track!r} in TRACKS, which is written {known!r}"
    trained, fitted = hasattr(module, "RECIPE"), hasattr(module, "fit")
    if trained == fitted:
        return f"must have either RECIPE and build, or SEES_TARGET and fit; it has {'both' if trained else 'neither'}"
    if trained:
        if not isinstance(module.RECIPE, Recipe):
            return "has a RECIPE that is no bench.types.Recipe"
        return "" if callable(getattr(module, "build", None)) else "lacks build(size, width, weights), a function"
    if not callable(module.fit):
        return "has a fit that is no function"
    return "" if isinstance(getattr(module, "SEES_TARGET", None), bool) else "lacks SEES_TARGET, True or False"
