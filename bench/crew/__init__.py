"""The trainings and evaluations of a grid: one after another here, in several processes, or on a cluster.

Small networks do not fill many cores: two trainings side by side on one core each are done sooner than one after
another on two. Whatever is done is described by an order (`orders`), given out by one loop (`dispatch`) and carried
out by one function (`orders.Desk.perform`); the engines differ only in where that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench import playing, progress
from bench.cores import cores
from bench.crew.copies import Kept, bring_home, fetch_trainings, finished, forget, share
from bench.crew.dispatch import OVER, Engine, Order, Rules, Stopping, carry_out, interruptible
from bench.crew.orders import Desk, Registered, evaluate_order, train_order
from bench.crew.processes import Here, Processes
from bench.device import Machine
from bench.errors import BenchError
from bench.grid import Event, Report
from bench.job import Job
from bench.launched import follows
from bench.records import Record, decode, write
from bench.shelf import Shelf
from bench.types import Track

__all__ = [
    "OVER",
    "Registered",
    "Rules",
    "Where",
    "evaluate_all",
    "fetch_trainings",
    "train_all",
    "workers_for",
]


@dataclass(frozen=True)
class Where:
    """Where a grid is carried out.

    Attributes:
        workers: processes of this machine side by side; None for `workers_for`.
        cluster: address of a Ray cluster, `auto` for the one this machine belongs to; None for this machine alone.
        rules: what is borne before an order has failed.
    """

    workers: int | None = None
    cluster: str | None = None
    rules: Rules = field(default_factory=Rules)


def workers_for(machine: Machine, entries: int, asked: int | None = None) -> int:
    """How many trainings run side by side: as asked, else one a core on a CPU, and one on a GPU.

    Raises:
        BenchError: several were asked for, of which each would take several devices.
    """
    if machine.several:
        if asked is not None and asked > 1:
            raise BenchError(
                f"--workers {asked}: entries that several devices share are done one after another; leave it out."
            )
        return 1
    if asked is not None:
        return asked
    return 1 if machine.resolved()[0] != "cpu" else max(1, min(cores(), entries))


def train_all(
    registry: Registered, todo: list[Job], shelf: Shelf, machine: Machine, report: Report,
    workers: int | None = None, cluster: str | None = None, rules: Rules | None = None, store: str | None = None,
) -> None:  # fmt: skip
    """Train every job. Done ones are skipped; a cut one goes on; one that fails does not stop the rest.

    Args:
        registry: the baselines, a module.
        todo: the trainings.
        shelf: their collection.
        machine: where to compute.
        report: told how each stands, one call at a time.
        workers, cluster, rules: see `Where`.
        store: URL of a place through which workers exchange collection, checkpoints and results, where they do not
            see the home; see `bench.cluster.storage`. What is done is fetched into the home.

    Raises:
        BenchError: after the last one, when any failed: all their reasons. Before the first, when the machine or the
            cluster cannot serve.
        KeyboardInterrupt: it was asked to stop; what ran is saved.
    """
    where = Where(workers, cluster, rules or Rules())
    _exchangeable(store, machine)
    if cluster is None:
        machine.check()  # once, not as every entry's failure
    orders = [train_order(registry, one, shelf, machine, where.rules.patience, store) for one in todo]
    copies = [Kept(store, shelf.home, one.folder(shelf.home)) for one in todo]
    if store is not None:
        share(store, shelf, copies)
    if cluster is not None:
        from bench.crew.needs import training_bytes

        orders = [{**order, "memory": training_bytes(one, shelf)} for order, one in zip(orders, todo, strict=True)]

    def collect(event: Event) -> None:
        if event.state in ("trained", "skipped"):
            copies[event.number - 1].fetch()
        report(event)

    _give_out(orders, [one.label for one in todo], where, shelf, machine, collect, "trainings")


def evaluate_all(
    registry: Registered, shelf: Shelf, domains: list[str], splits: list[str], entries: list[playing.Runnable],
    track: Track, options: playing.Options, records: Path, machine: Machine, report: Report,
    workers: int | None = None, cluster: str | None = None, rules: Rules | None = None, store: str | None = None,
) -> list[Record]:  # fmt: skip
    """Evaluate trained entries and references on the splits of domains; each result is written when it is there.

    A command that was stopped or killed finds what it had done; one that ended begins anew, also where some failed.

    Args:
        registry, shelf: what there is.
        domains, splits: where; a split that a domain lacks is passed over.
        entries: which; neither predictions nor model files.
        track: what they see.
        options: how.
        records: the folder that takes the records.
        machine: where models run.
        report: called with each result, and with each order that was lost.
        workers, cluster, rules: see `Where`; None means one worker.
        store: as for `train_all`. It gets the records and their values of each image besides.

    Returns:
        The records, in the order of entries, domains and splits.

    Raises:
        BenchError: an unknown domain or split; pictures to be saved through a store; after the last one, when any
            failed: all their reasons.
        KeyboardInterrupt: it was asked to stop.
    """
    where = Where(workers or 1, cluster, rules or Rules())
    _exchangeable(store, machine)
    if store is not None and options.save_predictions:
        raise BenchError("--save-predictions writes into a home that all workers see; leave it or --store out.")
    wanted = playing.places(shelf, domains, splits, track)
    playing.assert_agreement()
    asked = [(one, *place) for one in entries for place in wanted]
    orders = [
        evaluate_order(registry, one, shelf, track, domain, split, machine, options, where.rules.patience, store)
        for one, domain, split in asked
    ]
    if store is not None:
        trainings = [one.job.folder(shelf.home) for one in entries if one.job is not None]
        share(store, shelf, [Kept(store, shelf.home, folder) for folder in trainings])
    found: dict[int, Record] = {}

    def take(event: Event) -> None:
        if event.state == "scored":
            record = decode(event.facts["record"].encode())
            bring_home(shelf.home, orders[event.number - 1], record)
            if not follows():
                write(records, record)
            found[event.number] = record
            facts = {"split": record.split.key, "seconds": event.facts["seconds"], "record": record}
            report(Event(len(found), event.total, event.entry, "scored", facts))
        elif event.state in ("again", "failed"):
            report(event)

    names = [one.entry.name for one, *_ in asked]
    if machine.several:
        _give_out(orders, names, where, shelf, machine, take, "evaluations")
    else:
        try:
            _give_out(orders, names, where, shelf, machine, take, "evaluations", partial(finished, shelf.home))
        except BenchError:
            forget(shelf.home, orders)
            raise
        forget(shelf.home, orders)  # not where it was cut, or the disk was full: the same command goes on from there
    return [record for _, record in sorted(found.items())]


def _exchangeable(store: str | None, machine: Machine) -> None:
    if store is not None and machine.several:
        raise BenchError("--store is for entries of one device each; processes that share one need a common --home.")


def _give_out(
    orders: list[Order], labels: list[str], where: Where, shelf: Shelf, machine: Machine, report: Report, what: str,
    done: Callable[[Order], dict[str, Any] | None] = lambda order: None,
) -> None:  # fmt: skip
    failed: list[str] = []

    def tell(number: int, state: str, facts: dict[str, Any]) -> None:
        if state == "failed":
            failed.append(facts["why"])
        report(Event(number, len(orders), labels[number - 1], state, facts))

    left = []
    for number, order in enumerate(orders, 1):
        if (facts := done(order)) is not None:
            tell(number, "scored", facts)
        else:
            left.append(number)
    with interruptible(progress.say) as stopping:
        carry_out(
            [orders[number - 1] for number in left],
            _engine(where, len(left), shelf, machine, stopping),
            lambda place, state, facts: tell(left[place - 1], state, facts),
            where.rules,
            stopping,
        )
    if failed and len(orders) == 1:
        raise BenchError(failed[0])
    if failed:
        raise BenchError(f"{len(failed)} of {len(orders)} {what} failed: " + " | ".join(dict.fromkeys(failed)))


def _engine(where: Where, orders: int, shelf: Shelf, machine: Machine, stopping: Stopping) -> Engine:
    if where.cluster is not None:
        try:
            from bench.crew.nodes import Nodes
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            raise BenchError(
                "--cluster needs Ray, which is not installed: pip install -e '.[cluster]' in ChromaBench's folder"
            ) from None
        return Nodes(where.cluster, machine, shelf.home)
    count = workers_for(machine, orders, where.workers)
    return Here(Desk(shelf), stopping) if count == 1 else Processes(count)
