"""The commands that make the records a claim lacks."""

from collections.abc import Iterable

from bench.claims.claim import Side
from bench.data.collections import TRAINED_ON
from bench.types import Track


def commands(sides: Iterable[Side], collection: str, size: int, budget: str = "") -> tuple[str, ...]:
    """Trainings first, then evaluations, each said once.

    Args:
        sides: whose records are missing, with nothing left open.
        collection, size: where they are wanted.
        budget: at which the entries are trained that they are held against; empty where there are none yet.
    """
    more = f"--budget {budget}" if budget else ""
    sides = list(dict.fromkeys(sides))
    place = f"--collection {TRAINED_ON.get(collection, collection)} --size {size}"
    mixes: dict[tuple[str, str], dict[str, None]] = {}
    for side in sides:
        if side.mix is not None:
            mixes.setdefault((side.model, Track.parse(side.track).trained.name), {})[side.mix] = None
    trainings = [
        f"bench train-baselines --model {model} {_again('--mix', found)} --track {track} {place} {more}".rstrip()
        for (model, track), found in mixes.items()
    ]
    return (*trainings, *evaluations(sides, collection, size, more))


def evaluations(sides: Iterable[Side], collection: str, size: int, more: str = "") -> tuple[str, ...]:
    """The evaluations alone, where the trainings are done.

    Args:
        sides, collection, size: as above.
        more: options that each needs.
    """
    domains: dict[tuple[str, str, str], dict[str, None]] = {}
    for side in sides:
        domains.setdefault((side.entry, side.track, side.split or ""), {})[side.domain or ""] = None
    return tuple(
        f"bench evaluate --model {entry} {_again('--domain', found)} --split {split} --track {track}"
        f" --collection {collection} --size {size} {more}".rstrip()
        for (entry, track, split), found in domains.items()
    )


def _again(option: str, values: Iterable[str]) -> str:
    return " ".join(f"{option} {value}" for value in values)
