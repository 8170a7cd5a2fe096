"""What a person types: names of tracks, entries, mixes and steps, and whole command lines that must not compute."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from bench.errors import LONGEST, BenchError

from . import mutate, seeds
from .guard import Harm


def said() -> list[bytes]:
    """The words that mutations begin with."""
    return [word.encode() for word in seeds.words()]


def words(data: bytes, home: Path) -> None:
    """Words that name tracks, entries, mixes and steps."""
    from bench.data.video import Step
    from bench.types import Entry, Mix, Track, slug

    text = data.decode("utf-8", "surrogateescape")
    refused: list[BenchError] = []
    for read in (
        Track.parse,
        Mix.parse,
        Step.of,
        lambda word: Entry.parse(word, ["gray-copy", "fu2017-cgan"]),
        lambda word: slug("name", word),
    ):
        try:
            read(text)
        except BenchError as error:
            refused.append(error)
    if refused:
        raise max(refused, key=lambda error: len(str(error)))


COMMANDS = (
    ("data", "show", "?"),
    ("data", "verify", "?"),
    ("data", "add", "?", "?", "--domain", "?", "--size", "?", "--every", "?", "--group-by", "?"),
    ("data", "add", "?", "?", "--recipe", "?", "--limit", "?"),
    ("data", "import", "?", "?"),
    ("data", "export", "?", "?", "--format", "?"),
    ("data", "recipes", "?"),
    ("data", "fetch", "?", "--mirror", "?"),
    ("leaderboard", "--domain", "?", "--track", "?", "--format", "?"),
    ("compare", "?", "?", "--domain", "?", "--track", "?"),
    ("train-baselines", "--model", "?", "--track", "?", "--mix", "?", "--collection", "?", "--budget", "?"),
    ("evaluate", "--domain", "?", "--model", "?", "--collection", "?", "--split", "?"),
    ("evaluate", "--domain", "?", "--predictions", "?", "--name", "?", "--collection", "?"),
    ("submission", "check", "?", "--domain", "?", "--collection", "?", "--track", "?"),
    ("tracks", "?"),
    ("?", "?"),
)
COMPUTING = ("open-v1", "procedural-v1", "procedural-v1-slices")
"""Collections that would be drawn or fetched: no word names one of these."""

PREPARING = ("evaluate", "train-baselines", "submission", "literature")
"""Commands that draw a collection where none is named."""


@cache
def command() -> Any:
    """The command line, put together once."""
    from typer.main import get_command

    from bench.cli import app

    return get_command(app)


def options(data: bytes, home: Path) -> None:
    """A command line; lines of the input are its words."""
    from click.testing import CliRunner

    given = data.decode("utf-8", "replace").split("\n")
    given = [word.replace("\0", "") for word in given if word not in COMPUTING and "doctor" not in word]
    if not given or given[0] in ("demo", "doctor", "report"):
        return
    given = given[:1] + [word for word in given[1:] if not word.startswith("--home")]
    if given[0] in PREPARING and "--collection" not in given:
        given += ["--collection", "not-there"]
    places = {"BENCH_HOME": str(home / "home")}
    before = os.getcwd()
    os.chdir(home)
    try:
        result = CliRunner().invoke(command(), given, env=places)
    finally:
        os.chdir(before)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in (0, 1, 2) or "Traceback" in result.output:
        raise Harm(f"exit {result.exit_code}: {result.output[-300:]}")
    if result.exit_code == 2 and len(result.output) > LONGEST + len("bench: \n"):
        raise Harm(f"{len(result.output):,} characters")
    if result.exit_code:
        raise BenchError("refused")


def command_lines() -> list[bytes]:
    return ["\n".join(("not-there" if word == "?" else word) for word in command).encode() for command in COMMANDS]


def line(random: Random, data: bytes) -> bytes:
    """Other words in a command line."""
    made = data.decode("utf-8", "replace").split("\n")
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(made))
        kind = random.randrange(5)
        word = random.choice((*seeds.words(), *mutate.NAMES[:-1])).replace("\n", " ")
        if kind == 0 and len(made) > 2:
            del made[at]
        elif kind == 1:
            made.insert(at, word)
        else:
            made[at if at or random.random() < 0.1 else -1] = word
    return "\n".join(made).encode("utf-8", "replace")


def word(random: Random, data: bytes) -> bytes:
    """Another word."""
    made = random.choice((*seeds.words(), *mutate.NAMES[:-1], data.decode("utf-8", "replace")))
    if random.random() < 0.5:
        made += random.choice("@+-. s") + random.choice(seeds.words())
    data = made.encode("utf-8", "surrogatepass")
    return mutate.raw(random, data) if random.random() < 0.5 else data
