"""The grid: every baseline on every mix, trained and evaluated, one entry after another; what is done is skipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from bench.data.loading import load as load_images
from bench.data.manifest import Manifest
from bench.device import Machine, device_name
from bench.errors import BenchError, unknown
from bench.evaluate import Distributions, Subject, evaluate
from bench.job import Job
from bench.metrics.probe import assert_agreement
from bench.predictions import read_predictions
from bench.records import Record, write
from bench.train import FACTS, load, predict, read_facts, train
from bench.types import BUDGETS, DOMAINS, EVALUATED_SPLITS, MIXED, Budget, Entry, Images, Mix, Track, slug
from bench.weights import DOWNLOAD, NONE


class Registry(Protocol):
    """The folder of baselines: the file name is the registry."""

    def names(self) -> list[str]: ...

    def load(self, name: str) -> ModuleType: ...


@dataclass(frozen=True)
class Event:
    """What a grid tells its caller: entry `number` of `total`, and how it stands."""

    number: int
    total: int
    entry: str
    state: str
    facts: dict[str, Any]


Report = Callable[[Event], None]


def trained(registry: Registry) -> list[str]:
    """The baselines that have a recipe."""
    return [name for name in registry.names() if hasattr(registry.load(name), "RECIPE")]


def references(registry: Registry) -> list[str]:
    """The untrained reference ladder."""
    return [name for name in registry.names() if hasattr(registry.load(name), "fit")]


def mixes(manifest: Manifest, asked: Iterable[str]) -> list[Mix]:
    """The mixes asked for, else each domain of the collection and, where it has all four, `mixed`.

    Raises:
        BenchError: a mix names a domain that the collection lacks.
    """
    chosen = [Mix.parse(text) for text in asked]
    if not chosen:
        chosen = [Mix((domain,)) for domain in manifest.domains]
        chosen += [Mix(DOMAINS)] if set(DOMAINS) <= set(manifest.domains) else []
    for mix in chosen:
        for domain in mix.domains:
            if domain not in manifest.domains:
                raise unknown(f"domain in mix {mix.name!r} of {manifest.collection}:", domain, list(manifest.domains))
    return chosen


def serving(registry: Registry, models: Iterable[str], track: Track, budget: str) -> list[str]:
    """The baselines asked for, else all that serve the track.

    Raises:
        BenchError: an unknown model or budget; a model that is a reference; a track that a model cannot serve.
    """
    if budget not in BUDGETS:
        raise unknown("budget", budget, list(BUDGETS))
    known = trained(registry)
    chosen = list(models) or [name for name in known if track.name in registry.load(name).TRACKS]
    if not chosen:
        raise BenchError(f"no baseline serves the track {track.name}; see: bench tracks")
    for name in chosen:
        if name not in known:
            raise unknown("baseline to train", name, known)
        if track.name not in registry.load(name).TRACKS:
            raise BenchError(f"{name} serves the tracks {', '.join(registry.load(name).TRACKS)}, not {track.name}.")
    return chosen


def jobs(
    registry: Registry,
    manifest: Manifest,
    models: Iterable[str] = (),
    asked_mixes: Iterable[str] = (),
    track: Track | None = None,
    budget: str = "smoke",
    seeds: Iterable[int] = (0,),
    weights: str | None = None,
) -> list[Job]:
    """The trainings of a grid.

    Args:
        registry: the baselines.
        manifest: the collection.
        models: which; see `serving`.
        asked_mixes: which; see `mixes`.
        track: what the models see; gray if None.
        budget: how much training.
        seeds: one training each.
        weights: of pretrained backbones; see `backbone`.

    Raises:
        BenchError: as those, or weights that no chosen model takes.
    """
    track = track or Track("gray")
    chosen = serving(registry, models, track, budget)
    bodies = {name: backbone(registry, name, budget, weights) for name in chosen}
    if weights not in (None, NONE) and not any(bodies.values()):
        raise BenchError(f"none of {', '.join(chosen)} takes --backbone-weights at the budget {budget}; leave it out.")
    return [
        job(registry, manifest, Entry(name, mix), track, BUDGETS[budget], seed, bodies[name])
        for name in chosen
        for mix in mixes(manifest, asked_mixes)
        for seed in seeds
    ]


def backbone(registry: Registry, model: str, budget: str, option: str | None) -> Path | None:
    """The pretrained weights a model starts from: those named, else those in torch's cache, else none.

    Which it was stands in the record (`pretrained`). A budget below the paper's width has no use for them.

    Raises:
        BenchError: the weights file is missing or another one.
    """
    published = getattr(registry.load(model), "WEIGHTS", None)
    if published is None or BUDGETS[budget].width != 1:
        return None
    if option not in (None, DOWNLOAD, NONE):
        return Path(option)  # the model checks that it fits, and the record keeps its digest
    found = published.find(option)
    return found if isinstance(found, Path) else None


def job(
    registry: Registry,
    manifest: Manifest,
    entry: Entry,
    track: Track,
    budget: Budget,
    seed: int,
    weights: Path | None = None,
) -> Job:
    """One training of one entry."""
    module = registry.load(entry.model)
    return Job(entry, module.build, module.RECIPE, track, budget, seed, manifest.size, manifest.collection, weights)


def split_keys(manifest: Manifest, one: Job) -> list[str]:
    """The training splits of a job, as they are now."""
    return [manifest.split(domain, "train").key for domain in one.domains]


def train_all(todo: list[Job], manifest: Manifest, home: Path, machine: Machine, report: Report) -> None:
    """Train every job in turn. Done ones are skipped; a cut one goes on; one that fails does not stop the rest.

    Raises:
        BenchError: after the last one, when any failed: all their reasons.
    """
    machine.check()  # once, not as every entry's failure
    parts = _Parts(manifest, home)
    failed = []
    for number, one in enumerate(todo, 1):

        def tell(state: str, facts: dict[str, Any], number: int = number, one: Job = one) -> None:
            report(Event(number, len(todo), f"{one.entry.name} s{one.seed}", state, facts))

        domains, keys = one.domains, split_keys(manifest, one)
        try:
            if (one.folder(home) / FACTS).exists():
                tell("skipped", read_facts(one, keys, home))
                continue
            tell("training", {"step": 0, "steps": one.steps})
            train(
                one,
                {domain: parts(domain, "train", one.track) for domain in domains},
                {domain: parts(domain, "val", one.track) for domain in domains if parts.has(domain, "val")},
                keys,
                home,
                machine,
                lambda facts, tell=tell: tell("training", facts),
            )
        except BenchError as error:
            failed.append(str(error))
            tell("failed", {"why": str(error)})
        else:
            tell("trained", read_facts(one, keys, home))
    if failed:
        raise BenchError(f"{len(failed)} of {len(todo)} trainings failed: " + " | ".join(failed))


class _Parts:
    """Splits in memory, each read once."""

    def __init__(self, manifest: Manifest, home: Path):
        self.manifest, self.home = manifest, home
        self._read: dict[tuple[str, str, str], Images] = {}

    def has(self, domain: str, name: str) -> bool:
        """A small collection may lack a split."""
        return name in self.manifest.counts()[domain]

    def __call__(self, domain: str, name: str, track: Track) -> Images:
        key = (domain, name, track.name)
        if key not in self._read:
            self._read[key] = load_images(self.manifest.split(domain, name), track, self.home / "cache")
        return self._read[key]


@dataclass(frozen=True)
class Runnable:
    """An entry that can be evaluated here: a finished training (job), somebody's predictions, or a reference."""

    entry: Entry
    job: Job | None = None
    predictions: Path | None = None


def submission(registry: Registry, name: str) -> Entry:
    """The entry of a folder of predictions.

    Raises:
        BenchError: the name is not a slug, or is a registered model's.
    """
    if name in (*registry.names(), MIXED, "all", *DOMAINS):
        raise BenchError(f"--name {name!r} means something already; give your predictions a name of their own.")
    return Entry(slug("--name", name))


def runnable(
    registry: Registry, manifest: Manifest, home: Path, text: str, track: Track, budget: str | None
) -> list[Runnable]:
    """What `--model TEXT` stands for: one entry with all its seeds, or `all`: the ladder and everything trained here.

    Of an entry trained at several budgets the largest counts, unless one is named.

    Raises:
        BenchError: an unknown entry, or one that is not trained yet (says the command that trains it).
    """
    if budget is not None and budget not in BUDGETS:
        raise unknown("budget", budget, list(BUDGETS))
    if text != "all":
        entry = Entry.parse(text, registry.names())
        if entry.model in references(registry):
            if entry.mix is not None:
                raise BenchError(f"{entry.model} is not trained on a mix; write --model {entry.model}.")
            return [Runnable(entry)]
        if entry.mix is None:
            raise BenchError(f"{entry.model} is trained on a mix; write --model {entry.model}@mixed, for example.")
        mixes(manifest, [entry.mix.name])
        found = _finished(registry, manifest, home, entry, track, budget)
        if not found:
            one = job(registry, manifest, entry, track, BUDGETS[budget or "smoke"], 0)
            raise BenchError(
                f"{entry.name} is not trained on {manifest.collection} at {manifest.size} px, track {track.name}; "
                f"first run: {one.command}"
            )
        return found
    entries = [Runnable(Entry(name)) for name in references(registry)]
    known = trained(registry)
    place = home / "checkpoints" / manifest.collection / f"{manifest.size}px" / track.name
    for folder in sorted(place.iterdir()) if place.is_dir() else []:
        if folder.name.partition("@")[0] in known:
            entries += _finished(registry, manifest, home, Entry.parse(folder.name, known), track, budget)
    return entries


def _finished(
    registry: Registry, manifest: Manifest, home: Path, entry: Entry, track: Track, budget: str | None
) -> list[Runnable]:
    for name in [budget] if budget else reversed(BUDGETS):
        first = job(registry, manifest, entry, track, BUDGETS[name], 0).folder(home)
        names = (facts.parent.name.removeprefix(f"{name}-s") for facts in first.parent.glob(f"{name}-s*/{FACTS}"))
        seeds = sorted(int(seed) for seed in names if seed.isdecimal())
        if seeds:
            return [Runnable(entry, job(registry, manifest, entry, track, BUDGETS[name], seed)) for seed in seeds]
    return []


def evaluate_all(
    registry: Registry,
    manifest: Manifest,
    domains: list[str],
    splits: list[str],
    entries: list[Runnable],
    track: Track,
    distributions: Distributions,
    home: Path,
    records: Path,
    machine: Machine,
    report: Report,
    save_predictions: bool = False,
) -> list[Record]:
    """Evaluate entries on the splits of domains and write one record each; a split that a domain lacks is passed over.

    Returns:
        The records, as written.

    Raises:
        BenchError: an unknown domain or split, predictions with faults, weights of another training, or a metric that
            disagrees with its library on the probe.
    """
    for split in splits:
        if split not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", split, list(EVALUATED_SPLITS))
    for domain in domains:
        if domain not in manifest.domains:
            raise unknown(f"domain of {manifest.collection}", domain, list(manifest.domains))
    parts = _Parts(manifest, home)
    wanted = [(domain, split) for domain in domains for split in splits if parts.has(domain, split)]
    assert_agreement()
    device = machine.fabric().device
    made: list[Record] = []
    for one in entries:
        subjects = _subjects(registry, one, parts, wanted, track, home, device)
        for domain, name in wanted:
            split, images = manifest.split(domain, name), parts(domain, name, track)
            command = _command(one, manifest, domain, name, track)
            started = time.monotonic()
            subject = subjects(domain, name)
            record = evaluate(subject, split, images, track.name, distributions, home, command, save_predictions)
            write(records, record)
            made.append(record)
            facts = {"split": split.key, "seconds": time.monotonic() - started, "record": record}
            report(Event(len(made), len(wanted) * len(entries), one.entry.name, "scored", facts))
    return made


def _subjects(
    registry: Registry,
    one: Runnable,
    parts: _Parts,
    wanted: list[tuple[str, str]],
    track: Track,
    home: Path,
    device: Any,
) -> Callable[[str, str], Subject]:
    """How an entry predicts on each (domain, split): its model or pictures are read once."""
    if one.predictions is not None:
        pictures = read_predictions(one.predictions, {place: parts(*place, track) for place in wanted})
        return lambda domain, name: Subject(one.entry, "submission", lambda images: pictures[domain, name])
    if one.job is None:
        fit = cache(lambda domain: registry.load(one.entry.model).fit(parts(domain, "train", track)))
        return lambda domain, name: Subject(one.entry, "reference", fit(domain))
    model, facts = load(one.job, split_keys(parts.manifest, one.job), home, device)
    subject = Subject(
        one.entry, "trained", lambda images: predict(model, images, device), facts, one.job.seed, device_name(device)
    )
    return lambda domain, name: subject


def _command(one: Runnable, manifest: Manifest, domain: str, split: str, track: Track) -> str:
    """The command that makes a record again."""
    words = [f"bench evaluate --domain {domain} --split {split}"]
    words += ["--predictions DIR --name" if one.predictions else "--model", one.entry.name]
    words += [f"--budget {one.job.budget.name}"] if one.job else []
    words += [f"--collection {manifest.collection} --size {manifest.size}"]
    words += [f"--track {track.name}"] if track.name != "gray" else []
    return " ".join(words)
