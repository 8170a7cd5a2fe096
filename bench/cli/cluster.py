"""The commands about clusters: how long a grid would take on one."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.terminal import Json, table
from bench.errors import BenchError

cluster = typer.Typer()
_topic = typer.Typer(no_args_is_help=True, help="Grids on many machines.")
cluster.add_typer(_topic, name="cluster")


@_topic.command("simulate")
def simulate(
    gpus: Annotated[
        list[int] | None, typer.Option("--gpus", min=1, help="GPUs; again for more. Default: 1,000.")
    ] = None,
    failures: Annotated[
        list[float] | None,
        typer.Option("--failures-per-gpu-day", min=0, help="Of each GPU; again for more. Default: 0, 0.01, 0.1, 1."),
    ] = None,
    entries: Annotated[int, typer.Option("--entries", min=1, help="Trainings in the grid.")] = 5500,
    hours: Annotated[float, typer.Option("--hours", help="One training takes so long in the mean.")] = 10.0,
    memory: Annotated[float, typer.Option("--gpu-memory", min=1, help="Of a GPU, GiB.")] = 24.0,
    task_memory: Annotated[
        float | None, typer.Option("--task-memory", help="Of a task, GiB: several share a GPU. Default: a whole GPU.")
    ] = None,
    checkpoint: Annotated[float, typer.Option("--checkpoint-minutes", min=0, help="Between two checkpoints.")] = 1.0,
    start: Annotated[float, typer.Option("--start-minutes", min=0, help="Before a task's first step.")] = 1.0,
    repair: Annotated[float, typer.Option("--repair-minutes", min=0, help="Until a failed GPU works again.")] = 30.0,
    retries: Annotated[int, typer.Option("--retries", min=0, help="How often a lost task is given out again.")] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of durations and failures.")] = 0,
    as_json: Json = False,
) -> None:
    """Simulate a grid's schedule on a cluster: how long, how well used, how much lost. Nothing is trained.

    Example: bench cluster simulate --gpus 1000 --failures-per-gpu-day 0.1
    """
    import numpy as np

    from bench.cluster.simulation import Cluster, durations
    from bench.cluster.simulation import simulate as play

    if hours <= 0:
        raise BenchError(f"a training takes longer than {hours:g} hours; give --hours above 0.")
    rows = []
    for count in gpus or [1000]:
        for rate in failures or [0.0, 0.01, 0.1, 1.0]:
            needs = np.full(entries, task_memory if task_memory is not None else memory)
            machines = Cluster(count, memory, rate / 24, repair / 60, checkpoint / 60, start / 60, retries)
            found = play(durations(entries, hours, seed), needs, machines, seed)
            rows.append(
                {
                    "GPUs": count,
                    "failures per GPU-day": f"{rate:g}",
                    "makespan, h": f"{found.makespan:.2f}",
                    "lower bound, h": f"{found.bound:.2f}",
                    "utilisation, %": f"{100 * found.utilisation:.1f}",
                    "wasted, GPU-h": f"{found.wasted:.1f}",
                    "tasks lost and repeated": found.failures,
                    "given up": found.failed,
                }
            )
    table(rows, as_json)
