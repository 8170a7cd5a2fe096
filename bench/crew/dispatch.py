"""Orders are given out until each is done: those that are lost are given out again, a few times and no more."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

Order = dict[str, Any]
"""What is to be done, in JSON's words: names and numbers, no object."""
Said = Callable[[str, dict[str, Any]], None]
"""Called with a state and its facts."""

DONE = ("trained", "skipped", "scored", "failed")
"""After these nothing more is done for an order."""
OVER = (*DONE, "busy", "stopped", "lost")
"""After these nobody works on it; `busy` and `lost` ones are given out again."""
PAUSE = 5.0
"""Seconds before an order that somebody else works on is tried again."""
TICK = 0.2


@dataclass(frozen=True)
class Rules:
    """What is borne before an order has failed.

    Attributes:
        retries: how often an order is given out again whose worker was lost.
        patience: seconds without a word after which a worker is taken for lost.
    """

    retries: int = 3
    patience: float = 1800.0


class Stopping:
    """Whether the person asked to stop."""

    asked = False


class Engine(Protocol):
    """Where orders are carried out."""

    def room(self) -> bool:
        """Whether it takes another order now."""
        ...

    def start(self, number: int, order: Order, said: Said) -> None:
        """Take an order on; `said` hears, in the caller's thread, `started` and all that follows."""
        ...

    def hear(self, seconds: float) -> None:
        """Pass on what was said, waiting for something at most so long."""
        ...

    def drop(self, number: int) -> None:
        """End the work on an order at once."""
        ...

    def wind_down(self) -> None:
        """Ask all that runs to save what it has and to stop."""
        ...

    def close(self) -> None:
        """Leave nothing running."""
        ...


def carry_out(
    orders: Sequence[Order], engine: Engine, tell: Callable[[int, str, dict[str, Any]], None], rules: Rules,
    stopping: Stopping,
) -> None:  # fmt: skip
    """Give out all orders and wait until each is done.

    Args:
        orders: what is to be done; their numbers count from 1.
        engine: where. It is closed at the end.
        tell: called with an order's number, state and facts: what the workers say, and `again` where one was lost.
        rules: what is borne.
        stopping: looked at all the while; once asked, what runs saves and stops, and nothing new begins.

    Raises:
        KeyboardInterrupt: when it was asked to stop, after all did.
    """
    waiting = deque(range(1, len(orders) + 1))
    heard: dict[int, float] = {}
    not_before: dict[int, float] = {}
    lost: Counter[int] = Counter()
    attempts: Counter[int] = Counter()
    told_to_stop = False

    def said(number: int, attempt: int, state: str, facts: dict[str, Any]) -> None:
        if number not in heard or attempts[number] != attempt:
            return  # the last words of one that was given up
        heard[number] = time.monotonic()
        if state not in OVER:
            if state != "started":
                tell(number, state, facts)
            return
        del heard[number]
        if state in DONE:
            tell(number, state, facts)
        elif state == "busy":
            not_before[number] = time.monotonic() + PAUSE
            waiting.append(number)
            tell(number, state, facts)
        elif state == "lost" and not stopping.asked:
            lost[number] += 1
            if lost[number] > rules.retries:
                tries = f"{lost[number]} times; " if lost[number] > 1 else ""
                tell(number, "failed", {"why": f"{facts['why']}; {tries}give the same command again to go on."})
            else:
                waiting.appendleft(number)  # it began early; at the end it might run alone while all others are done
                tell(number, "again", {**facts, "lost": lost[number], "retries": rules.retries})

    try:
        while waiting or heard:
            if stopping.asked:
                waiting.clear()
                if not told_to_stop:
                    told_to_stop = True
                    engine.wind_down()
            for number in list(waiting):
                if stopping.asked or not engine.room():
                    break
                if not_before.get(number, 0.0) > time.monotonic():
                    continue
                waiting.remove(number)
                attempts[number] += 1
                heard[number] = float("inf")  # an order that waits in an engine's own queue is not silent
                attempt = attempts[number]
                engine.start(
                    number,
                    orders[number - 1],
                    lambda state, facts, number=number, attempt=attempt: said(number, attempt, state, facts),
                )
            if heard:
                engine.hear(TICK)
            elif waiting:
                time.sleep(TICK)
            for number in [n for n, when in heard.items() if time.monotonic() - when > rules.patience]:
                engine.drop(number)
                why = f"{orders[number - 1]['entry']}: nothing was heard of it for {rules.patience:.0f} s"
                said(number, attempts[number], "lost", {"why": why})
    finally:
        engine.close()
    if stopping.asked:
        raise KeyboardInterrupt


@contextmanager
def interruptible(say: Callable[[str], None]) -> Iterator[Stopping]:
    """Within the block the first Ctrl-C asks to stop, and the second one interrupts as usual.

    Args:
        say: tells the person.
    """
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return

    def asked(number: int, frame: Any) -> None:
        if stopping.asked:
            raise KeyboardInterrupt
        stopping.asked = True
        say("stopping: what runs is saved first; Ctrl-C again does not wait for that.")

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)
