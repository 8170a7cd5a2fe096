"""Data sets of the papers and the field: where they come from, how they look, how they become collections."""

from importlib import import_module
from pathlib import Path
from typing import Any

from bench.data.building import Progress
from bench.data.manifest import Manifest
from bench.data.recipes.layout import WHOLE
from bench.data.recipes.recipe import DataRecipe
from bench.errors import unknown

MODULES = {
    "kaggle-cartoon": "kaggle_cartoon",
    "movie-stills": "movie_stills",
    "anime-sketch-pair": "anime_sketch_pair",
    "sk8-infinity": "sk8_infinity",
    "pokemon": "pokemon",
    "dragonball": "dragonball",
    "futurama": "futurama",
    "manga109": "manga109",
    "danbooru": "danbooru",
    "atd-12k": "atd12k",
    "huggingface": "huggingface",
}
"""Recipe to the module that holds it: those of the papers first."""


def names() -> list[str]:
    """The ids of all recipes."""
    return list(MODULES)


def load(id: str) -> DataRecipe:
    """The recipe of an id.

    Raises:
        BenchError: an unknown id; names the nearest ones.
    """
    if id not in MODULES:
        raise unknown("recipe", id, names())
    return import_module(f"{__name__}.{MODULES[id]}").RECIPE


def add(
    home: Path,
    id: str,
    path: Path,
    size: int,
    legacy: bool = False,
    report: Progress | None = None,
    *,
    name: str | None = None,
    domain: str | None = None,
    at_least: float = WHOLE,
    limit: int | None = None,
    skip_damaged: bool = False,
) -> Manifest:
    """Make a known data set's folder a collection: see `bench.data.recipes.preparing.add`.

    Raises:
        BenchError: an unknown id; or what was expected of the folder, what came and what to do.
    """
    from bench.data.recipes import preparing

    return preparing.add(
        home,
        load(id),
        path,
        size,
        legacy,
        report,
        name=name,
        domain=domain,
        at_least=at_least,
        limit=limit,
        skip_damaged=skip_damaged,
    )


def rows() -> list[dict[str, Any]]:
    """The rows of `bench data recipes`, one a recipe."""
    found = []
    for recipe in map(load, names()):
        found.append(
            {
                "recipe": recipe.id,
                "data set": recipe.title,
                "domain": ", ".join(recipe.domains) or "any, by --domain",
                "published": "; ".join(map(str, recipe.counts)) or "any number",
                "sampling": recipe.sampling,
                "paper's size": recipe.size,
                "groups": recipe.groups,
                "pages": recipe.pages or "none",
                "legacy-shuffled": "yes" if recipe.shuffle else "no",
                "where": recipe.where,
                "terms": recipe.licence,
                "unverified": "; ".join(recipe.unverified) or "nothing",
            }
        )
    return found


def described(id: str) -> str:
    """A recipe for a person to read: the folder drawn, and every fact on a line.

    Raises:
        BenchError: an unknown id.
    """
    recipe = load(id)
    row = next(row for row in rows() if row["recipe"] == id)
    facts = (f"{name}: {value}" for name, value in row.items() if name != "recipe")
    counts = {part: "" if part.count is None else f" ({part.count:,} {part.unit})" for part in recipe.parts}
    needs = (f"needs: {part.shown}{count}" for part, count in counts.items())
    notes = (f"note: {remark}" for remark in recipe.remarks)
    return "\n".join([recipe.layout.strip(), "", *needs, *facts, *notes])


def markdown() -> str:
    """The table of all recipes as it stands in the documentation."""
    shown = ("recipe", "data set", "domain", "published", "sampling", "groups", "pages", "legacy-shuffled", "terms")
    lines = [f"| {' | '.join(shown)} |", f"|{'---|' * len(shown)}"]
    for row in rows():
        cells = [f"`{row['recipe']}`", *(row[name] for name in shown[1:])]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)
