"""The page from top to bottom. A new section is a module with a SECTION, a template, and a line here."""

from bench.report.section import Section
from bench.report.sections import (
    boards,
    claims,
    cost,
    credits,
    curves,
    explorer,
    gaps,
    papers,
    provenance,
    slices,
    tracks,
    transfer,
)

SECTIONS: tuple[Section, ...] = (
    boards.SECTION,
    transfer.SECTION,
    gaps.SECTION,
    tracks.SECTION,
    cost.SECTION,
    slices.SECTION,
    explorer.SECTION,
    claims.SECTION,
    papers.SECTION,
    curves.SECTION,
    provenance.SECTION,
    credits.SECTION,
)
