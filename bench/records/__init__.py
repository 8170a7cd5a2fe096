"""Records: one JSON file for one evaluation of one entry on one split, refused unless every field is sound."""

from bench.records.facts import (
    Cost,
    EntryFacts,
    Record,
    Score,
    Slice,
    SplitFacts,
    TrainingFacts,
    signature,
    stem,
)
from bench.records.folder import collector_paused, decode, encode, judge, judge_file, parse, read, read_all, write
from bench.records.schema import MIGRATIONS, SCHEMA, json_schema, migrate

__all__ = [
    "MIGRATIONS",
    "SCHEMA",
    "Cost",
    "EntryFacts",
    "Record",
    "Score",
    "Slice",
    "SplitFacts",
    "TrainingFacts",
    "collector_paused",
    "decode",
    "encode",
    "json_schema",
    "judge",
    "judge_file",
    "migrate",
    "parse",
    "read",
    "read_all",
    "signature",
    "stem",
    "write",
]
