"""`bench recommend`: which entry to take."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bench.cli.terminal import RECORDS, Collection, Json, Records, Size, TrackName, table
from bench.errors import BenchError, printable

recommending = typer.Typer()


@recommending.command()
def recommend(
    domain: Annotated[str, typer.Option("--domain", help="What is to be colorized.")],
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="The most that an image of the board may take: 8GB, 500MiB."),
    ] = None,
    images_per_second: Annotated[
        float | None, typer.Option("--images-per-second", help="The least, on the machine of the records.")
    ] = None,
    track: TrackName = "gray",
    split: Annotated[
        str, typer.Option("--split", help="test: unknown series; series: new images of known ones.")
    ] = "test",
    collection: Collection = "procedural-v1",
    size: Size = None,
    as_json: Json = False,
    records: Records = RECORDS,
) -> None:
    """Which entry to take: the best within your limits, why, and what else nothing betters in quality and cost.

    Example: bench recommend --domain anime --memory 8GB
    """
    from bench import recommend as advice
    from bench.records import read_all

    if images_per_second is not None and not 0 < images_per_second < float("inf"):
        raise BenchError(f"--images-per-second is a number above 0; got {images_per_second}.")
    made = advice.recommend(
        read_all(records),
        domain=domain,
        track=track,
        split=split,
        collection=collection,
        size=size,
        memory=None if memory is None else advice.parse_bytes(memory),
        images_per_second=images_per_second,
    )
    rows = advice.rows(made)
    if as_json:
        facts = {"recommended": rows[0], "others": rows[1:], "reasons": made.reasons, "beats_gray": made.beats_gray}
        facts |= {"told_from_next": made.sure, "excluded": made.excluded, "behind": made.behind}
        facts |= {"no_closer_than_gray": made.futile}
        facts |= {"weighed": ["CIEDE2000", *made.weighed], "not_applied": made.gaps, "split": made.table.key}
        print(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    print(printable(advice.headline(made)))
    for reason in made.reasons:
        print(f"  - {printable(reason)}")
    for gap in made.gaps:
        print(f"! {printable(gap)}")
    if rows[1:]:
        print(f"\nOther entries that nothing betters in {advice.weighed(made)} at once:")
        table(rows[1:], False)
    for line in advice.leftovers(made):
        print(printable(line))
