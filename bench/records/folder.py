"""Records as files: written whole, read fast, refused by file and field."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import msgspec

from bench import files
from bench.errors import BenchError
from bench.records.checks import check, contradictions
from bench.records.facts import Cost, EntryFacts, Record, Score, Slice, SplitFacts, TrainingFacts
from bench.records.schema import SCHEMA, migrate
from bench.records.shape import faults, free, shaped

_NAMES = {kind: frozenset(item.name for item in fields(kind)) for kind in
          (Cost, EntryFacts, Record, Score, Slice, SplitFacts, TrainingFacts)}  # fmt: skip


def parse(content: object) -> Record:
    """The record that plain facts (what JSON holds, `schema` included) describe; older schemas are migrated.

    Raises:
        BenchError: where a field is missing, unknown or not sound; it names the field.
    """
    record = shaped(Record, migrate(content))
    check(record)
    return record


def judge(content: object) -> list[str]:
    """A line for every field for which `parse` would refuse plain facts; none where they are a record."""
    try:
        facts = migrate(content)
    except BenchError as error:
        return [str(error)]
    return list(faults(Record, facts)) or list(contradictions(shaped(Record, facts)))


def decode(data: bytes) -> Record:
    """The record that the bytes of a file hold.

    Sound bytes are read by msgspec, in about a sixth of the time that `parse` takes; whatever it does not take for
    sound, `parse` judges, and finds the words.

    Raises:
        BenchError: they are not JSON, or as `parse`.
    """
    record = _sound(data)
    if record is None:
        return parse(_plain(data))
    check(record)
    return record


def read(path: Path) -> Record:
    """Read a record.

    Raises:
        BenchError: where the file is damaged or not a record; it names the file and the field.
    """
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise BenchError(f"record {path}: cannot be read ({error.strerror}).") from None
    except BenchError as error:
        raise BenchError(f"record {path}: {error}") from None
    except RecursionError:
        raise BenchError(f"record {path}: nested deeper than any record; evaluate again.") from None


def judge_file(path: Path) -> list[str]:
    """Every reason for which `read` would refuse a file, a line each; none where it is a record."""
    try:
        read(path)
    except BenchError as error:
        try:
            wrong = judge(_plain(path.read_bytes()))
        except (BenchError, OSError, RecursionError):
            return [str(error)]
        return [f"record {path}: {line}" for line in wrong]
    return []


def read_all(folder: Path) -> list[Record]:
    """Every record of a folder (`*.json`), in the order of their file names; none if there is no such folder.

    Raises:
        BenchError: where one is damaged, foreign, or lies under a name that is not its own.
    """
    records = []
    with collector_paused():
        for path in sorted(folder.glob("*.json"), key=lambda path: path.name):
            record = read(path)
            if path.name != record.file_name:
                raise BenchError(f"record {path}: its contents say that it is {record.file_name}; rename or remove it.")
            records.append(record)
    return records


def write(folder: Path, record: Record) -> Path:
    """Write a record under the name its facts give it, whole or not at all; an older one is replaced.

    Raises:
        BenchError: where a field is not sound; it names the field.
    """
    path = folder / record.file_name
    files.write_text(path, encode(record))
    return path


def encode(record: Record) -> str:
    """The text of a record's file, which `decode` reads.

    Raises:
        BenchError: where a field is not sound; it names the field.
    """
    content = _content(record)
    parse(content)
    return files.json_text(content)


def _content(record: Record) -> dict[str, Any]:
    """The record as JSON holds it; what a score has not is left out of it."""
    content = {"schema": SCHEMA, **asdict(record)}
    for facts in (*content["scores"].values(), *content["slices"].values()):
        for name in ("value", "low", "high", "absent"):
            if facts[name] is None:
                del facts[name]
        for name in ("infinite", "missing"):
            if facts.get(name) == 0:
                del facts[name]
    return content


def _plain(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise BenchError(f"not JSON ({error}); restore it or evaluate again.") from None
    except RecursionError:
        raise BenchError("nested deeper than any record; evaluate again.") from None


def _sound(data: bytes) -> Record | None:
    """The record, or None where anything about it must be looked at closely."""
    try:
        content = migrate(msgspec.json.decode(data))
        record = msgspec.convert(content, Record)
        free(record.machine, "machine")
        if record.training is not None:
            free(record.training.recipe, "training.recipe")
    except (ValueError, RecursionError, BenchError):
        return None
    return record if _known(content) else None


def _known(content: dict[str, Any]) -> bool:
    """Whether a converted record has no field that its types lack: a conversion passes over them."""
    parts = [(Record, content), (EntryFacts, content["entry"]), (SplitFacts, content["split"])]
    parts += [(Cost, content.get("cost", {})), (TrainingFacts, content.get("training") or {})]
    return (
        all(part.keys() <= _NAMES[kind] for kind, part in parts)
        and all(score.keys() <= _NAMES[Score] for score in content["scores"].values())
        and all(part.keys() <= _NAMES[Slice] for part in content.get("slices", {}).values())
    )


@contextmanager
def collector_paused() -> Iterator[None]:
    """Within it Python looks for no cycles: half the time that ten thousand records take, and they hold none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
