"""Section: what a model learned in one domain is worth in another."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from bench.analysis.generalization import Gap, HomeGaps, MixedTests, home_gaps, mixed_tests
from bench.analysis.transfer import Matrix
from bench.leaderboard import domain_order
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.forest import Forest, Spot
from bench.report.section import Section


@dataclass(frozen=True)
class Place:
    """A split and track: matrices by model, the gap of specialists, mixed against them."""

    split: str
    track: str
    models: tuple[tuple[str, tuple[Matrix, ...]], ...]
    home: Forest | None
    left_out: tuple[str, ...]
    mixed: Forest | None


def body(page: Page) -> str:
    """Matrices by split and track, then by model, each place with its two questions answered."""
    home = {(found.split, found.track): found for found in home_gaps(page.boards)}
    mixed = {(found.split, found.track): found for found in mixed_tests(page.boards)}
    places = []
    for number, ((split, track), found) in enumerate(groupby(page.matrices, lambda one: (one.split, one.track))):
        models = tuple((model, tuple(matrices)) for model, matrices in groupby(found, lambda one: one.model))
        gaps, tests = home.get((split, track)), mixed.get((split, track))
        places.append(
            Place(
                split, track, models,
                _home(gaps, f"gap{number}") if gaps else None, gaps.left_out if gaps else (),
                _mixed(tests, f"mixed{number}") if tests else None,
            )
        )  # fmt: skip
    return render("transfer.html.j2", places=places) if places else ""


def spot(gap: Gap, home: bool = False) -> Spot:
    """The gap less the gray copy's, with the plain one under it; the plain one where there is no gray copy."""
    if gap.adjusted is None:
        return Spot(gap.measured, gap.measured.sure, "no gray copy", home)
    plain = Spot(gap.measured, gap.measured.sure)
    return Spot(gap.adjusted, gap.adjusted.sure, f"measured {plain.value}", home)


def _home(found: HomeGaps, id: str) -> Forest:
    gaps: Mapping[tuple[str, str], Gap] = {(gap.model, gap.domain): gap for gap in found.gaps}
    domains = tuple(domain for domain in found.domains if any(gap.domain == domain for gap in found.gaps))
    models = dict.fromkeys(gap.model for gap in found.gaps)
    rows = tuple(
        (model, tuple(spot(gaps[model, domain]) if (model, domain) in gaps else None for domain in domains))
        for model in models
    )
    return Forest(
        id, f"Generalization gap, {found.split}, {found.track}", "own domain − mean of the others, less gray's (ΔE00)",
        "closer at home", "closer away", domains, rows, head="Specialists of",
    )  # fmt: skip


def _mixed(found: MixedTests, id: str) -> Forest:
    domains = tuple(sorted({test.domain for test in found.tests}, key=domain_order))
    spots = {
        (test.model, test.domain): Spot(
            test.contrast,
            test.verdict != "open",
            f"{test.specialist}{'' if test.adjusted is None else f', p {chance(test.adjusted)}'}",
        )
        for test in found.tests
    }
    rows = tuple(
        (model, tuple(spots.get((model, domain)) for domain in domains))
        for model in dict.fromkeys(test.model for test in found.tests)
    )
    return Forest(
        id, f"Mixed against the best specialist, {found.split}, {found.track}", "mixed − best specialist (ΔE00)",
        "mixed is closer", "the specialist is closer", domains, rows, head="Model",
    )  # fmt: skip


def chance(p: float) -> str:
    """A p-value as printed."""
    return "< 0.001" if p < 0.001 else f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"


SECTION = Section("transfer", "Transfer: trained there, tested here", body)
