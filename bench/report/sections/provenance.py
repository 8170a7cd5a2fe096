"""Section: how every entry was trained, what was scored and by which versions."""

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
    )


SECTION = Section("provenance", "How these numbers were made", body)
