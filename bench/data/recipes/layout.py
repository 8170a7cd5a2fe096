"""Is this the folder a recipe reads? If not, one line: what was expected, what is there, what to do."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bench.data.folder import find
from bench.data.recipes.recipe import DataRecipe, Part
from bench.errors import BenchError

WHOLE = 0.9
"""The share of the published number of files from which on a download counts as whole: counts in papers are rounded,
and single files vanish."""

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".arrow")
DEEPEST = 3


def check(
    recipe: DataRecipe, root: Path, home: Path, at_least: float = WHOLE
) -> tuple[list[str], list[str], list[str]]:
    """Find the files of a recipe.

    Args:
        recipe: what to expect.
        root: the folder a person gave.
        home: is passed over if it lies in `root`.
        at_least: the share of the published number of files that must be there.

    Returns:
        The relative paths of its parts, sorted; links among the files that leave the folder; and a line for each part
        of which there are fewer than published.

    Raises:
        BenchError: a missing or incomplete part, an archive that is not unpacked, a folder too deep or too high.
    """
    if not root.is_dir():
        came = "is a file" if root.exists() else "does not exist"
        raise BenchError(f"{recipe.id} expects a folder with {_shown(recipe)}; {root} {came}; give what was unpacked.")
    root = root.resolve()
    try:
        paths, outside = _listing(recipe, root, home)
    except BenchError as error:
        raise _archived(recipe, root) or error from None
    found = [(part, [path for path in paths if re.fullmatch(part.names, path)]) for part in recipe.parts]
    missing = [part for part, matched in found if not matched]
    if missing:
        raise _misplaced(recipe, root, paths) or _archived(recipe, root) or _lacking(recipe, root, paths, missing)
    notes = []
    for part, matched in found:
        came = len({PurePosixPath(path).parent for path in matched}) if part.folders else len(matched)
        if part.count is None or came >= part.count:
            continue
        if came < at_least * part.count:
            raise _archived(recipe, root) or BenchError(
                f"{recipe.id} expects {part.count:,} {part.unit} {part.shown}; {root} has {came:,}; "
                "the download is not whole: fetch the rest, or take what is there with --partial."
            )
        notes.append(f"{came:,} of the {part.count:,} published {part.unit} {part.shown}")
    return sorted(path for _, matched in found for path in matched), outside, notes


def _listing(recipe: DataRecipe, root: Path, home: Path) -> tuple[list[str], list[str]]:
    tables = []
    if recipe.tables:
        for path in root.rglob("*.parquet"):
            relative = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in relative.parts):
                tables.append(relative.as_posix())
    try:
        paths, outside = find(root, home)
    except BenchError:
        if not tables:
            raise
        return tables, []
    return [*paths, *tables], outside


def _shown(recipe: DataRecipe) -> str:
    return " and ".join(part.shown for part in recipe.parts)


def _misplaced(recipe: DataRecipe, root: Path, paths: Sequence[str]) -> BenchError | None:
    """The error that names the right folder, if it lies up to three levels below or above `root`."""
    below: dict[str, set[Part]] = {}
    for path in paths:
        folders = path.split("/")[:-1]
        for depth in range(1, min(DEEPEST, len(folders)) + 1):
            prefix = "/".join(folders[:depth])
            below.setdefault(prefix, set()).update(_matching(recipe, path[len(prefix) + 1 :]))
    whole = [prefix for prefix, parts in below.items() if parts == set(recipe.parts)]
    if whole:
        right = root / min(whole, key=lambda prefix: (prefix.count("/"), prefix))
        return BenchError(
            f"{recipe.id} expects {_shown(recipe)} right in the folder; {root} is too high, they lie in {right}; "
            f"give that folder."
        )
    for depth in range(1, DEEPEST + 1):
        if len(root.parts) <= depth:
            break
        prefix = "/".join(root.parts[-depth:])
        if any(_matching(recipe, f"{prefix}/{path}") for path in paths):
            return BenchError(
                f"{recipe.id} expects a folder with {_shown(recipe)}; {root} is too deep, it is {prefix} of that; "
                f"give {root.parents[depth - 1]}."
            )
    return None


def _matching(recipe: DataRecipe, path: str) -> set[Part]:
    return {part for part in recipe.parts if re.fullmatch(part.names, path)}


def _archived(recipe: DataRecipe, root: Path) -> BenchError | None:
    """The error that names an archive in `root` or a folder of it, if there is one."""
    for place, folders, names in os.walk(root):
        folders[:] = [] if Path(place) != root else sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if not name.lower().endswith(ARCHIVES) or name.startswith("."):
                continue
            file = Path(place, name)
            if file.suffix == ".arrow":
                return BenchError(
                    f"{recipe.id} expects {_shown(recipe)}; {file} is the library's own cache format; "
                    "write the data set with its to_parquet, or as a folder of images."
                )
            return BenchError(
                f"{recipe.id} expects {_shown(recipe)}; {file} is an archive that is not unpacked; "
                "unpack it, and give the folder it makes."
            )
    return None


def _lacking(recipe: DataRecipe, root: Path, paths: Sequence[str], missing: Sequence[Part]) -> BenchError:
    lacks = " and ".join(part.shown for part in missing)
    kinds = sorted({PurePosixPath(path).suffix.lower() for path in paths})
    tops = sorted({path.split("/")[0] for path in paths if "/" in path})
    there = f"{len(paths):,} files ({', '.join(kinds)})" + (f" in {', '.join(tops[:5])}" if tops else "")
    more = ", ..." if len(tops) > 5 else ""
    return BenchError(
        f"{recipe.id} expects {_shown(recipe)} in {root}; {lacks} is missing, there are {there}{more}; "
        f"fetch the rest from {recipe.where}, or see `bench data recipes {recipe.id}` for the layout."
    )
