"""Section: what a hint, a reference or the previous frame buys."""

from collections import defaultdict
from collections.abc import Iterable

from bench.analysis.tracks import Step, Steps, steps
from bench.leaderboard import track_order
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.forest import Forest, Spot
from bench.report.section import Section
from bench.types import Track

KINDS = {"best": "best of each", "same": "the same entry", "model": "same model, trained for each"}


def body(page: Page) -> str:
    """A forest for each split that is played under several tracks.

    Drawn are tracks that show the model the same and tell it more or less besides, where there are such.
    """
    found = [(one, _forest(one, f"track{number}")) for number, one in enumerate(steps(page.boards))]
    return render("tracks.html.j2", places=found, sides=sides) if found else ""


def _forest(found: Steps, id: str) -> Forest | None:
    rows: dict[str, dict[str, Spot]] = {}
    alike: set[str] = set()
    for step in found.steps:
        rows.setdefault(_name(step), {})[step.domain] = Spot(step.contrast, step.contrast.sure, _whose(step))
        if len({Track.parse(track).condition for track in step.tracks}) == 1:
            alike.add(_name(step))
    if not rows:
        return None
    lines = tuple((name, tuple(cells.get(domain) for domain in found.domains)) for name, cells in rows.items())
    return Forest(
        id, f"Track against track, {found.split}", "second track − first (ΔE00)",
        "the second track is closer", "the first is closer", found.domains, lines,
        tuple(line for line in lines if line[0] in alike) or None, head="Tracks",
    )  # fmt: skip


def sides(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Pairs of tracks as few lists against lists, clips on the second side: each of one list with each of the other."""
    against: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        one, other = sorted(pair, key=lambda track: Track.parse(track).temporal)
        against[one].append(other)
    joined: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one, others in against.items():
        joined[tuple(sorted(others, key=track_order))].append(one)
    return [(sorted(ones, key=track_order), list(others)) for others, ones in joined.items()]


def _name(step: Step) -> str:
    first, second = step.tracks
    return f"{first} → {second}" + ("" if step.kind == "best" else f", {KINDS[step.kind]}")


def _whose(step: Step) -> str:
    first, second = step.entries
    return first if first == second else f"{first} → {second}"


SECTION = Section("tracks", "Tracks: what a hint or a frame buys", body)
