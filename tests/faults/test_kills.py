"""Processes that are killed anywhere leave nothing behind that the same command does not mend."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from staging import ACTIONS, Server, campaign, rehearse, snapshot

FEW = {"data add": 2, "drawing": 1}
MANY = {"data add": 60, "drawing": 25, "training": 55, "evaluation": 30, "reports": 35}


def kill(root: Path, kills: dict[str, int], seed: int) -> None:
    """Kill each action so often; what is wrong at the end fails the test, and the table is printed."""
    server, lines = Server(), []
    rehearsed = rehearse(server, root, last=[action for action in ACTIONS if action in kills][-1])
    wrong: list[str] = []
    for number, action in enumerate(ACTIONS):
        if action not in kills:
            continue
        before, whole = rehearsed[action]
        after = snapshot(root / f"after{number}")
        tally = campaign(server, root / "work", before, after, whole, action, kills[action], seed)
        wrong += tally.wrong
        same = "same" if not tally.wrong else "NOT THE SAME"
        lines.append(
            f"| {action} | {whole.operations} | {tally.kills} | {tally.finishes} | {same} | {tally.seconds:.0f} |"
        )
    print("\n".join(lines))
    assert not wrong, "\n".join(wrong)


def test_a_few_kills(tmp_path: Path) -> None:
    kill(tmp_path, FEW, 1)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path: Path) -> None:
    assert sum(MANY.values()) >= 200
    kill(tmp_path, MANY, int(os.environ.get("CHROMABENCH_SEED", "2")))
