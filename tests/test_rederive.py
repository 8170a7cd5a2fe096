"""Committed numbers, made again from nothing: the collection is drawn, the model trained, the record's command given.

A reference must come out the same to 1e-6 relative, on the same split under the same signatures. So must a trained
entry where the weights come out with the SHA-256 that its record gives. Other processors, numbers of threads and
versions of torch round otherwise, and a training that rounds otherwise ends elsewhere: where the weights differ,
CIEDE2000 may lie as far off as the committed seeds of the entry lie from each other, or `SEED_NOISE` where the records
hold one seed only, and no other score is compared.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bench import records
from bench.records import Record

pytestmark = pytest.mark.slow

COMMITTED = Path(__file__).parents[1] / "leaderboards" / "records"
PLACES = [("procedural-v1-64px.cartoon", split) for split in ("test", "series")]
ENTRIES = ("gray-copy", "mean-chroma", "varga2016-cnn@cartoon")
SAMPLE = [f"{place}.{split}.gray.{entry}.s0.json" for entry in ENTRIES for place, split in PLACES]

RELATIVE = 1e-6
SEED_NOISE = 1.0
"""In units of CIEDE2000, where one seed was committed: about what a seed moves a small training by."""


class Workshop:
    """An empty folder in which commands are given as a user would give them."""

    def __init__(self, root: Path):
        self.root = root
        self.done: set[str] = set()
        # One thread, as the committed trainings: the order of sums decides the last digits of weights.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("BENCH_")}
        self.environment = kept | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"}

    def give(self, command: str) -> None:
        """Run `bench ...` once."""
        if command in self.done:
            return
        bench, *words = shlex.split(command)
        assert bench == "bench"
        line = [sys.executable, "-m", "bench", *words]
        ended = subprocess.run(line, check=False, cwd=self.root, env=self.environment, capture_output=True, text=True)
        assert ended.returncode == 0, f"{command}: {ended.stderr[-2000:]}"
        self.done.add(command)

    def again(self, name: str, record: Record) -> Record:
        """Train what a record needs, and make the record again."""
        made = record.training
        if made is not None:
            self.give(
                f"bench train-baselines --model {record.entry.model} --mix {record.entry.mix} --collection "
                f"{made.collection} --size {made.size} --budget {made.budget} --seed {made.seed}"
            )
        self.give(record.command)
        return records.read(self.root / "leaderboards" / "records" / name)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("again"))


def seed_noise(name: str) -> float:
    """How far CIEDE2000 of the committed seeds of an entry spreads, or `SEED_NOISE`."""
    seeds = [records.read(path).scores["ciede2000"].value for path in COMMITTED.glob(name.replace(".s0.", ".s*."))]
    values = [value for value in seeds if value is not None]
    return max(values) - min(values) if len(values) > 1 else SEED_NOISE


def differences(record: Record, again: Record) -> list[str]:
    """The scores of a record that came out otherwise."""
    found = []
    for name, one in record.scores.items():
        other = again.scores[name]
        for field in ("value", "low", "high"):
            was, now = getattr(one, field), getattr(other, field)
            if (was is None) != (now is None) or now != (was if was is None else pytest.approx(was, rel=RELATIVE)):
                found.append(f"{name} {field}: {was} was committed, {now} came out")
    return found


@pytest.mark.parametrize("name", SAMPLE)
def test_a_committed_record_comes_out_again(name: str, workshop: Workshop) -> None:
    record = records.read(COMMITTED / name)
    again = workshop.again(name, record)
    assert again.split == record.split
    assert again.scores.keys() >= record.scores.keys()
    for score, one in record.scores.items():
        assert again.scores[score].signature == one.signature
    if record.training is None or again.training is None:
        assert not differences(record, again)
        return
    assert again.training.recipe == record.training.recipe
    assert again.training.splits == record.training.splits
    if again.training.weights_sha256 == record.training.weights_sha256 is not None:
        assert not differences(record, again)
        return
    was, now = record.scores["ciede2000"].value, again.scores["ciede2000"].value
    print(f"{name}: other weights; CIEDE2000 {was} was committed, {now} came out")
    assert was is not None
    assert now == pytest.approx(was, abs=seed_noise(name))


def test_another_number_is_noticed() -> None:
    record = records.read(COMMITTED / SAMPLE[0])
    assert not differences(record, record)
    content = records.read(COMMITTED / SAMPLE[0])
    content.scores["l1"] = records.read(COMMITTED / SAMPLE[2]).scores["l1"]
    assert len(differences(record, content)) == 3
