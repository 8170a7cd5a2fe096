"""The page from top to bottom. A new section is a module with a SECTION, a template, and a line here."""

from bench.report.section import Section
from bench.report.sections import boards, credits, provenance, transfer

SECTIONS: tuple[Section, ...] = (
    boards.SECTION,
    transfer.SECTION,
    provenance.SECTION,
    credits.SECTION,
)
