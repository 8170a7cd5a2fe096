"""Section: how every entry was trained, what was scored and by which versions."""

from bench.data.collections import BUILT_IN, TRAINED_ON
from bench.records import Record
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section


def body(page: Page) -> str:
    records = page.records
    entries: dict[str, Record] = {}
    for record in records:
        entries.setdefault(record.entry.name, record)
    splits = {record.split.key: record.split for record in records}
    versions = sorted({f"{name} {number}" for record in records for name, number in record.versions.items()})
    return render(
        "provenance.html.j2",
        entries=[entries[name] for name in sorted(entries)],
        splits=list(splits.values()),
        versions=versions,
        again=_again(page),
    )


def _again(page: Page) -> str:
    """The command that makes the whole page again; empty for a collection that is not everybody's."""
    budgets = {record.training.budget for record in page.records if record.training is not None}
    if page.collection not in BUILT_IN or len(budgets) != 1:
        return ""
    school = TRAINED_ON.get(page.collection, page.collection)
    return f"bench study --collection {school} --size {page.size} --budget {budgets.pop()}"


SECTION = Section("provenance", "Provenance: how these numbers were made", body)
