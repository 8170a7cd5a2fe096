"""The commands that tell what there is: models, tracks, and what this machine has."""

from __future__ import annotations

from typing import Any

import typer

from bench.cli.terminal import HOME, Home, Json, table
from bench.types import CONDITIONS, GUIDANCES, Track

registries = typer.Typer()


@registries.command()
def models(as_json: Json = False) -> None:
    """The baselines and the reference ladder. Parameters are the generator's at the paper's width and 256 px.

    Example: bench models --json
    """
    import baselines
    from bench import grid

    rows = []
    for name in _working(baselines):
        module = baselines.load(name)
        kind = "trained" if hasattr(module, "RECIPE") else "reference"
        rows.append(
            {
                "model": name,
                "kind": kind,
                "parameters": grid.parameters(baselines, name) if kind == "trained" else 0,
                "tracks": " ".join(module.TRACKS) if kind == "trained" else _played(module.TRACKS),
                "title": module.TITLE,
                "source": module.SOURCE,
            }
        )
    table(rows, as_json)


def _played(tracks: tuple[str, ...]) -> str:
    """A reference that serves every track says so in one word."""
    return "every" if len(tracks) == len(CONDITIONS) * len(GUIDANCES) else " ".join(tracks)


def _working(registry: Any) -> list[str]:
    """The models that can be loaded; of other packages' that cannot, one line each on stderr."""
    from bench import progress

    for line in registry.problems():
        progress.say(line)
    return registry.working()


@registries.command()
def tracks(as_json: Json = False) -> None:
    """The tracks, and which baselines serve them.

    Example: bench tracks
    """
    import baselines

    rows = []
    served = {model: baselines.load(model).TRACKS for model in _working(baselines)}
    learned = [model for model in served if hasattr(baselines.load(model), "RECIPE")]
    for condition in CONDITIONS:
        for guidance in GUIDANCES:
            one = Track(condition, guidance)
            models = [model for model in served if one.name in served[model]]
            rows.append(
                {
                    "track": one.name,
                    "played on": "clips" if one.temporal else "images",
                    "trained": " ".join(model for model in models if model in learned),
                    "references": " ".join(model for model in models if model not in learned),
                }
            )
    table([row for row in rows if row["trained"] or as_json], as_json)


@registries.command()
def doctor(as_json: Json = False, home: Home = HOME) -> None:
    """What this machine has, and each metric against its independent library. Exit 1 if one disagrees.

    Example: bench doctor
    """
    from bench.doctor import examine

    rows = examine(home)
    table([row.facts() for row in rows], as_json)
    raise typer.Exit(0 if all(row.good for row in rows) else 1)
