"""Entries on splits: what can be evaluated here, and every entry scored on every split."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bench import scoring
from bench.colorize import predict
from bench.device import Machine, device_name
from bench.errors import BenchError, unknown
from bench.evaluate import Subject, check_predictions, evaluate, painted
from bench.exported import Exported
from bench.footprint import footprint
from bench.grid import (
    Event,
    Registry,
    Report,
    barred,
    default_track,
    job,
    mixes,
    references,
    require_track,
    split_keys,
    trained,
)
from bench.job import Job
from bench.metrics.probe import assert_agreement
from bench.predictions import Samples, Submission, Wanted, Watch
from bench.records import Record, write
from bench.scoring import Scorer
from bench.shelf import Shelf
from bench.train import FACTS, load
from bench.types import (
    BUDGETS,
    CONDITIONS,
    DOMAINS,
    EVALUATED_SPLITS,
    GUIDANCES,
    MIXED,
    Entry,
    Images,
    Track,
    slug,
)


@dataclass(frozen=True)
class Runnable:
    """An entry that can be evaluated here: a finished training (job), a model file, predictions, or a reference.

    Of a model that draws, the predictions may be several `samples` of each image; see `bench.predictions.Samples`.
    """

    entry: Entry
    job: Job | None = None
    predictions: Path | None = None
    exported: Exported | None = None
    samples: int = 1


@dataclass(frozen=True)
class Options:
    """How an evaluation is done, in names and numbers, so that another process can be told.

    Attributes:
        inception, lpips, fid_clean, protocol_only: see `scoring.make`.
        save_predictions: write the pictures as PNGs.
        repaint: run models even where what they painted is kept.
    """

    inception: str | None = None
    lpips: str | None = None
    fid_clean: bool = False
    protocol_only: bool = False
    save_predictions: bool = False
    repaint: bool = False

    def scorer(self, machine: Machine, home: Path) -> Scorer:
        """What measures under these options.

        Raises:
            BenchError: as `scoring.make`.
        """
        device = machine.fabric().device
        return scoring.make(self.inception, self.lpips, self.fid_clean, device, home / "cache", self.protocol_only)


def submission(registry: Registry, name: str) -> Entry:
    """The entry of somebody's predictions or model file.

    Raises:
        BenchError: the name is not a slug, or is a registered model's.
    """
    if name in (*registry.names(), MIXED, "all", *DOMAINS):
        raise BenchError(f"--name {name!r} means something already; give your predictions a name of their own.")
    return Entry(slug("--name", name))


def runnable(registry: Registry, shelf: Shelf, text: str, track: Track, budget: str | None) -> list[Runnable]:
    """What `--model TEXT` stands for: one entry with all its seeds, or `all`: the ladder and everything trained here.

    Of an entry trained at several budgets the largest counts, unless one is named.

    Raises:
        BenchError: an unknown entry, a track that it cannot serve, or one that is not trained yet (says the command
            that trains it).
    """
    if budget is not None and budget not in BUDGETS:
        raise unknown("budget", budget, list(BUDGETS))
    if text != "all":
        entry = Entry.parse(text, registry.names())
        require_track(registry, entry.model, track)
        if entry.model in references(registry):
            if entry.mix is not None:
                raise BenchError(f"{entry.model} is not trained on a mix; write --model {entry.model}.")
            if why := barred(registry, entry.model, shelf.collection):
                raise BenchError(why)
            return [Runnable(entry)]
        if entry.mix is None:
            raise BenchError(f"{entry.model} is trained on a mix; write --model {entry.model}@mixed, for example.")
        mixes(shelf.manifest(track), [entry.mix.name])
        found = _finished(registry, shelf, entry, track, budget)
        if not found:
            one = job(registry, shelf, entry, track.trained, BUDGETS[budget or "smoke"], 0)
            raise BenchError(
                f"{entry.name} is not trained on {shelf.collection} at {shelf.size} px, track {one.track.name}; "
                f"first run: {one.command}"
            )
        return found
    ladder = [name for name in references(registry) if not barred(registry, name, shelf.collection)]
    entries = [Runnable(Entry(name)) for name in ladder if track.name in registry.load(name).TRACKS]
    for name in _folders(shelf, track):
        entry = Entry.parse(name, trained(registry))
        if track.name in registry.load(entry.model).TRACKS:
            entries += _finished(registry, shelf, entry, track, budget)
    return entries


def plays(
    registry: Registry, shelf: Shelf, text: str, track: Track | None, budget: str | None
) -> list[tuple[Track, list[Runnable]]]:
    """What is evaluated on which track: of one model its default track, of `all` every track with something trained.

    Raises:
        BenchError: as `runnable`.
    """
    if track is not None:
        tracks = [track]
    elif text == "all":
        tracks = played(registry, shelf) or [Track("gray")]
    else:
        tracks = [default_track(registry, Entry.parse(text, registry.names()).model)]
    return [(one, runnable(registry, shelf, text, one, budget)) for one in tracks]


def played(registry: Registry, shelf: Shelf) -> list[Track]:
    """The tracks on which something that was trained here can be evaluated, in the order of the boards."""
    found = []
    for condition in CONDITIONS:
        for track in (Track(condition, guidance) for guidance in GUIDANCES):
            models = {name.partition("@")[0] for name in _folders(shelf, track)} & set(trained(registry))
            if any(track.name in registry.load(model).TRACKS for model in models):
                found.append(track)
    return found


def _folders(shelf: Shelf, track: Track) -> list[str]:
    """The entries that have a training for a track, finished or not."""
    place = shelf.home / "checkpoints" / shelf.school.collection / f"{shelf.size}px" / track.trained.name
    return sorted(folder.name for folder in place.iterdir() if "@" in folder.name) if place.is_dir() else []


def _finished(registry: Registry, shelf: Shelf, entry: Entry, track: Track, budget: str | None) -> list[Runnable]:
    for name in [budget] if budget else reversed(BUDGETS):
        first = job(registry, shelf, entry, track.trained, BUDGETS[name], 0).folder(shelf.home)
        names = (facts.parent.name.removeprefix(f"{name}-s") for facts in first.parent.glob(f"{name}-s*/{FACTS}"))
        seeds = sorted(int(seed) for seed in names if seed.isdecimal())
        if seeds:
            return [Runnable(entry, job(registry, shelf, entry, track.trained, BUDGETS[name], seed)) for seed in seeds]
    return []


def evaluate_all(
    registry: Registry,
    shelf: Shelf,
    domains: list[str],
    splits: list[str],
    entries: list[Runnable],
    track: Track,
    scorer: Scorer,
    records: Path,
    machine: Machine,
    report: Report,
    save_predictions: bool = False,
    repaint: bool = False,
    watch: Watch | None = None,
) -> list[Record]:
    """Evaluate entries on the splits of domains and write one record each; a split that a domain lacks is passed over.

    Args:
        registry, shelf: what there is.
        domains, splits: where.
        entries: which.
        track: what they see.
        scorer: measures.
        records: the folder that takes the records.
        machine: where models run.
        report: called after each evaluation.
        save_predictions: write the pictures as PNGs.
        repaint: run models even where what they painted is kept.
        watch: how to wait for predictions that another program is still writing.

    Returns:
        The records, as written.

    Raises:
        BenchError: an unknown domain or split, predictions with faults, weights of another training, or a metric that
            disagrees with its library on the probe.
    """
    wanted = places(shelf, domains, splits, track)
    assert_agreement()
    options = Options(save_predictions=save_predictions, repaint=repaint)
    made: list[Record] = []
    for one in entries:
        subject = subjects(registry, one, shelf, wanted, track, machine, watch)
        found = []
        for domain, name in wanted:
            started = time.monotonic()
            record = score(one, subject(domain, name), shelf, domain, name, track, scorer, options)
            found.append(record)
            if one.predictions is None:  # of a submission nothing is written down before all of it was read
                write(records, record)
            facts = {"split": record.split.key, "seconds": time.monotonic() - started, "record": record}
            place = len(made) + len(found)
            report(Event(place, len(wanted) * len(entries), one.entry.name, "scored", facts))
        if one.predictions is not None:
            for record in found:
                write(records, record)
        made += found
    return made


def places(shelf: Shelf, domains: list[str], splits: list[str], track: Track) -> list[tuple[str, str]]:
    """The (domain, split) pairs of these that a collection holds.

    Raises:
        BenchError: an unknown domain or split.
    """
    for split in splits:
        if split not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", split, list(EVALUATED_SPLITS))
    for domain in domains:
        if domain not in shelf.manifest(track).domains:
            raise unknown(f"domain of {shelf.collection}", domain, list(shelf.manifest(track).domains))
    return [(domain, split) for domain in domains for split in splits if shelf.has(domain, split, track)]


def score(
    one: Runnable, subject: Subject, shelf: Shelf, domain: str, name: str, track: Track, scorer: Scorer,
    options: Options,
) -> Record:  # fmt: skip
    """Score an entry on one split. The record is not written; its values of each image are, in the shelf's home.

    Args:
        one: the entry.
        subject: how it predicts there; see `subjects`.
        shelf, domain, name, track: where.
        scorer: measures.
        options: what else is written and repeated.
    """
    return evaluate(
        subject,
        shelf.split(domain, name, track),
        shelf.load(domain, name, track),
        track.name,
        scorer,
        shelf.home,
        _command(one, shelf, domain, name, track),
        options.save_predictions,
        options.repaint,
    )


def predicted(
    registry: Registry, shelf: Shelf, one: Runnable, domain: str, split: str, track: Track, machine: Machine
) -> tuple[Images, np.ndarray]:
    """A split and what an entry makes of it, without scoring it.

    Raises:
        BenchError: the collection lacks the split, or as `evaluate_all`.
    """
    if domain not in shelf.manifest(track).domains:
        raise unknown(f"domain of {shelf.collection}", domain, list(shelf.manifest(track).domains))
    subject = subjects(registry, one, shelf, [(domain, split)], track, machine)(domain, split)
    images = shelf.load(domain, split, track)
    predictions = np.concatenate([piece for _, piece in subject.pieces(images)])
    check_predictions(one.entry.name, predictions, images.targets)
    return images, predictions


def subjects(
    registry: Registry,
    one: Runnable,
    shelf: Shelf,
    wanted: list[tuple[str, str]],
    track: Track,
    machine: Machine,
    watch: Watch | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Callable[[str, str], Subject]:
    """How an entry predicts on each (domain, split): its model is read once, its pictures as they are scored.

    Args:
        registry, shelf: what there is.
        one: the entry.
        wanted: where; of a submission no picture may be left over.
        track: what it sees.
        machine: where it runs.
        watch: how to wait for predictions that another program is still writing.
        beat: called after each batch that a trained model colorized.

    Raises:
        BenchError: predictions with faults, or weights of another training.
    """
    device = machine.fabric().device
    if one.predictions is not None:
        asked = {place: Wanted.of(shelf.load(*place, track)) for place in wanted}
        given = (
            Samples(one.predictions, asked, one.samples)
            if one.samples > 1
            else Submission(one.predictions, asked, watch=watch)
        )
        return lambda domain, name: Subject(
            one.entry, "submission", lambda images: given.chunks((domain, name)), samples=one.samples
        )
    if one.exported is not None:
        exported = one.exported
        paint = painted(lambda images: exported.predict(images, device))
        where = device_name(exported.place(device))
        subject = Subject(
            one.entry, "submission", paint, digest=exported.digest, device=where, modules=("bench.exported",)
        )
        return lambda domain, name: subject
    if one.job is None:
        fit = cache(lambda domain: registry.load(one.entry.model).fit(shelf.school.load(domain, "train", track)))
        return lambda domain, name: Subject(one.entry, "reference", painted(fit(domain)))
    model, facts = load(one.job, split_keys(shelf, one.job), shelf.home, device)
    subject = Subject(
        one.entry,
        "trained",
        painted(lambda images: predict(model, images, track, device, beat=beat)),
        digest=facts["weights_sha256"],
        training=facts,
        seed=one.job.seed,
        device=device_name(device),
        footprint=footprint(one.job.build, one.job.size, one.job.budget.width, track),
        modules=(registry.load(one.entry.model).__name__,),
    )
    return lambda domain, name: subject


def _command(one: Runnable, shelf: Shelf, domain: str, split: str, track: Track) -> str:
    """The command that makes a record again."""
    words = [f"bench evaluate --domain {domain} --split {split}"]
    if one.predictions:
        words += ["--predictions DIR --name", one.entry.name]
        words += [f"--samples {one.samples}"] if one.samples > 1 else []
    elif one.exported:
        words += ["--model", one.exported.path.name]
    else:
        words += ["--model", one.entry.name]
    words += [f"--budget {one.job.budget.name}"] if one.job else []
    words += [f"--collection {shelf.collection} --size {shelf.size}"]
    words += [f"--track {track.name}"]
    return " ".join(words)
