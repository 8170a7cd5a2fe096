"""What an overview of trainings shows of one that is under way."""

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from bench import progress
from bench.job import Job
from bench.types import Budget, Entry, Mix, Recipe, Track

JOB = Job(
    entry=Entry("tiny", Mix(("cartoon",))),
    build=lambda: None,
    recipe=Recipe(4, 80, ()),
    track=Track("gray"),
    budget=Budget("smoke", images=80, width=1.0, batch_size=4),
    seed=0,
    size=16,
    collection="toy",
)


def shown(facts: dict[str, Any]) -> str:
    """The table and the line below it, as text."""
    drawn: list[Any] = []
    live: Any = SimpleNamespace(update=drawn.append)
    overview = progress.Trainings([JOB], live)
    overview(
        SimpleNamespace(state="training", entry=JOB.label, number=1, total=3, facts={"step": 5, "steps": 20} | facts)
    )
    console = Console(width=120)
    with console.capture() as captured:
        console.print(drawn[-1])
    return captured.get()


@pytest.mark.parametrize(
    ("last", "best", "said"),
    [
        (None, None, "25 %\n"),
        (21.4, None, "25 %, ΔE00 21.40\n"),
        (21.4, 21.4, "25 %, ΔE00 21.40\n"),
        (22.6, 21.4, "25 %, ΔE00 22.60 (best 21.40)\n"),
    ],
)
def test_the_last_score_is_shown_and_the_best_where_that_is_another(
    last: float | None, best: float | None, said: str
) -> None:
    assert shown({"validation": last, "best_validation": best}).endswith(f"[1/3] tiny@cartoon: {said}")
