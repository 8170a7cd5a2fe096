"""The command that makes the reference study again: data, trainings, evaluations, galleries, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.terminal import HOME, RECORDS, Device, Home, Records, Workers
from bench.errors import BenchError, unknown
from bench.types import BUDGETS, Budget

studies = typer.Typer()


@studies.command()
def study(
    collection: Annotated[
        list[str] | None, typer.Option("--collection", help="procedural-v1 or open-v1. Default: both.")
    ] = None,
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Side of the images, pixels.")] = 64,
    budget: Annotated[
        str | None,
        typer.Option("--budget", help=f"How much training: {', '.join(BUDGETS)}. Default: as on the committed boards."),
    ] = None,
    mirror: Annotated[
        Path | None, typer.Option("--mirror", help="A folder with open-v1's files, instead of the network.")
    ] = None,
    device: Device = "auto",
    workers: Workers = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be trained; nothing is opened or drawn.")
    ] = False,
    home: Home = HOME,
    records: Records = RECORDS,
    boards: Annotated[Path, typer.Option("--boards", help="Folder of the Markdown boards.")] = Path("leaderboards"),
    reports: Annotated[Path, typer.Option("--reports", help="Folder of the HTML reports.")] = Path("reports"),
) -> None:
    """Make everything behind the committed boards again. What is done is skipped: give the same command again.

    Example: bench study --plan
    """
    import baselines
    from bench import gallery, progress, report
    from bench import study as reference
    from bench.data import open_v1
    from bench.device import Machine
    from bench.gallery.choosing import ENTRIES
    from bench.gallery.making import make
    from bench.parts import COLLECTIONS
    from bench.records import read_all

    if budget is not None and budget not in BUDGETS:
        raise unknown("budget", budget, list(BUDGETS))
    chosen = collection or list(COLLECTIONS)
    for name in chosen:
        if name not in COLLECTIONS:
            raise unknown("collection of the study", name, list(COLLECTIONS))
    if mirror is not None and open_v1.NAME not in chosen:
        raise BenchError(f"--mirror holds the files of {open_v1.NAME}; add --collection {open_v1.NAME}.")
    if plan:
        for name in chosen:
            planned = reference.plan(name, budget)
            print(f"{name}: {len(planned)} trainings")
            for one in planned:
                print(f"  {one.entry.name} {one.track.name} seed {one.seed}: {_images(BUDGETS[one.budget])}")
        return
    machine = Machine(device)
    machine.check()
    if open_v1.NAME in chosen:
        with progress.steps(f"fetching {open_v1.NAME}") as show:
            open_v1.fetch(home, mirror, show)
    reference.run(baselines, home, records, chosen, size, budget, machine, workers)
    found = read_all(records)
    # Other collections' records may lie there too; what their entries painted need not be on this machine.
    there = {record.split.collection for record in found if record.split.size == size}
    for name in sorted(there.intersection(reference.scored(chosen))):
        gallery.write(boards / gallery.FOLDER, make(found, name, size, home, ENTRIES, progress.say))
    for path in report.render(found, boards, reports):
        print(path)


def _images(budget: Budget) -> str:
    return f"{budget.name}, {f'{budget.images:,}' if budget.images else 'as many as the paper'} images"
