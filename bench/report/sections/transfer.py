"""Section: what a model learned in one domain is worth in another."""

from itertools import groupby

from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section


def body(page: Page) -> str:
    """Matrices by split and track, then by model."""
    by_place = groupby(page.matrices, lambda matrix: (matrix.split, matrix.track))
    places = [
        (split, track, [(model, list(found)) for model, found in groupby(matrices, lambda matrix: matrix.model)])
        for (split, track), matrices in by_place
    ]
    return render("transfer.html.j2", places=places) if places else ""


SECTION = Section("transfer", "Transfer: trained there, tested here", body)
