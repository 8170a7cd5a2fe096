"""The values an image that an evaluation leaves on its machine, read again: `<home>/scores/<record>.parquet`."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.metrics import PRIMARY
from bench.records import Record
from bench.statistics import group_table

Table = dict[str, list]
"""By column one value an image: `id`, `group`, on clips `frame`, and the metrics."""


def path_of(home: Path, record: Record) -> Path:
    """Where the values behind a record lie, if they are on this machine."""
    return home / "scores" / f"{record.file_name.removesuffix('.json')}.parquet"


def read(home: Path, record: Record, columns: Collection[str] | None = None) -> Table | None:
    """The values an image behind a record; None where this machine has none.

    The file's name says which entry it is of, not which run: see `of_run`.

    Args:
        home: the folder for everything a run makes.
        record: whose values.
        columns: only these, of which some may be missing; None for all.

    Raises:
        BenchError: the file is damaged.
    """
    import pyarrow.parquet as parquet

    path = path_of(home, record)
    if not path.is_file():
        return None
    try:
        known = parquet.read_schema(path).names
        wanted = [column for column in known if columns is None or column in columns]
        return parquet.read_table(path, columns=wanted).to_pydict()
    except Exception as error:  # whatever a damaged file provokes
        raise BenchError(f"{path} is damaged ({error}); evaluate the entry again.") from error


def group_means(table: Table, metric: str) -> dict[str, float]:
    """A metric's mean in each group; not of groups to none of whose images it applies.

    Args:
        table: with `metric`, `group` and, of clips, `frame`.
        metric: one of its columns.
    """
    column = np.array([np.nan if value is None else value for value in table[metric]], dtype=np.float64)
    made = group_table({"": column}, table["group"], frames=table.get("frame"))
    means = zip(made.groups, made.means[:, 0].tolist(), strict=True)
    return {group: mean for group, mean in means if np.isfinite(mean)}


def of_run(record: Record, table: Table) -> bool:
    """Whether values are those of the very run that wrote the record: its group means of CIEDE2000 are theirs.

    A table without the columns that tell is of no run.
    """
    if PRIMARY not in table or "group" not in table:
        return False
    return {group: round(mean, 6) for group, mean in group_means(table, PRIMARY).items()} == record.groups
