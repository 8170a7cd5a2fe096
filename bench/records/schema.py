"""The versions of a record's form: what reads an older one, what refuses a newer one, and the JSON Schema."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from bench.errors import BenchError
from bench.records.facts import Record
from bench.records.shape import refuse

SCHEMA = 2


def _without_means_and_footprint(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew nothing of operations, memory, and the group means of other values than CIEDE2000."""
    cost = content.get("cost", {})
    if not isinstance(cost, dict):
        return content  # refused by what reads it next
    for name in ("flops", "memory_bytes"):
        if name in cost:
            raise BenchError(f"field cost.{name}: a record of schema 1 has none; is it of schema 2?")
    if "means" in content:
        raise BenchError("field means: a record of schema 1 has none; is it of schema 2?")
    return {**content, "means": {}, "cost": {**cost, "flops": None, "memory_bytes": None}}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _without_means_and_footprint}
"""From each older schema to the one after it."""


def migrate(content: object) -> dict[str, Any]:
    """Plain facts of any known schema as those of the present one, `schema` taken out.

    Raises:
        BenchError: it is no record, or one of a schema that is not known here.
    """
    if not isinstance(content, dict):
        refuse("schema", f"a record of schema {SCHEMA}", content)
    found = content.get("schema")
    if type(found) is int and found > SCHEMA:
        raise BenchError(
            f"field schema: expected {SCHEMA} or older, got {found}, of a newer ChromaBench; upgrade this one: "
            "pip install --upgrade chromabench"
        )
    if type(found) is not int or found not in (*MIGRATIONS, SCHEMA):
        refuse("schema", " or ".join(str(known) for known in (*MIGRATIONS, SCHEMA)), found)
    made = {name: value for name, value in content.items() if name != "schema"}
    for version in range(found, SCHEMA):
        made = MIGRATIONS[version](made)
    return made


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a record file of the present schema.

    It says the type of every field and forbids all others; what must hold between fields (a name that follows from the
    facts, an interval's ends in order) only `parse` checks.
    """
    made = msgspec.json.schema(Record)
    for kind in made["$defs"].values():
        kind["additionalProperties"] = False
        _describe(kind)
    record = made["$defs"]["Record"]
    record["properties"] = {"schema": {"const": SCHEMA}, **record["properties"]}
    record["required"] = ["schema", *record["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ChromaBench record", **made}


def _describe(kind: dict[str, Any]) -> None:
    """What a docstring says of its attributes goes to the properties."""
    about, _, attributes = kind["description"].partition("Attributes:")
    kind["description"] = " ".join(about.split())
    for name, text in re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", attributes, re.M):
        kind["properties"][name]["description"] = " ".join(text.split())
