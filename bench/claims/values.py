"""Group means of any metric, from the values an image that evaluations leave on a machine."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from bench.claims.judging import GroupValues
from bench.errors import BenchError
from bench.metrics import PRIMARY
from bench.records import Record
from bench.statistics import group_table


def from_home(home: Path) -> GroupValues:
    """Reads `home/scores`, each file once a metric; gives None for a record whose values are not there.

    Args:
        home: the folder for everything a run makes.

    Raises:
        BenchError: when called: a damaged file, or one of another run than the record.
    """

    @cache
    def read(name: str, metric: str) -> Mapping[str, float] | None:
        import pyarrow.parquet as parquet

        path = home / "scores" / f"{name.removesuffix('.json')}.parquet"
        if not path.is_file():
            return None
        try:
            known = parquet.read_schema(path).names
            wanted = [column for column in (metric, "group", "frame") if column in known]
            table = parquet.read_table(path, columns=wanted).to_pydict()
        except Exception as error:  # whatever a damaged file provokes
            raise BenchError(f"{path} is damaged ({error}); evaluate the entry again.") from error
        if metric not in table:
            return None
        column = np.array([np.nan if value is None else value for value in table[metric]], dtype=np.float64)
        made = group_table({"": column}, table["group"], frames=table.get("frame"))
        means = zip(made.groups, made.means[:, 0].tolist(), strict=True)
        return {group: mean for group, mean in means if np.isfinite(mean)}

    def values(record: Record, metric: str) -> Mapping[str, float] | None:
        own = read(record.file_name, PRIMARY)
        if own is None:
            return None
        if {group: round(mean, 6) for group, mean in own.items()} != record.groups:
            raise BenchError(
                f"the values an image in {home / 'scores'} are of another run of {record.entry.name} than its record; "
                "evaluate the entry again, or name another --home."
            )
        return read(record.file_name, metric)

    return values
