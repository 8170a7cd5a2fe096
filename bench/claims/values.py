"""Group means of any metric, from the values an image that evaluations leave on a machine."""

from collections.abc import Mapping
from pathlib import Path

from bench import scores
from bench.claims.effects import GroupValues
from bench.errors import BenchError
from bench.metrics import PRIMARY
from bench.records import Record


def from_home(home: Path) -> GroupValues:
    """Reads `home/scores`, each file once a metric; gives None for a record whose values are not there.

    Args:
        home: the folder for everything a run makes.

    Raises:
        BenchError: when called: a damaged file, or one of another run than the record.
    """
    tables: dict[tuple[str, str], scores.Table | None] = {}

    def values(record: Record, metric: str) -> Mapping[str, float] | None:
        key = record.file_name, metric
        if key not in tables:
            tables[key] = scores.read(home, record, {PRIMARY, metric, "group", "frame"})
        table = tables[key]
        if table is None:
            return None
        if not scores.of_run(record, table):
            raise BenchError(
                f"the values an image in {home / 'scores'} are of another run of {record.entry.name} than its record; "
                "evaluate the entry again, or name another --home."
            )
        return scores.group_means(table, metric) if metric in table else None

    return values
