"""The page 'What we found': its table is that of the committed records, its links lead to what they name."""

import re
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.contrasts import paired
from bench.claims import CLAIMS, VERDICTS, Outcome, judge_all
from bench.comparison import apart_over_seeds
from bench.leaderboard import GRAY, PRIMARY, SEES_TARGET, boards
from bench.leaderboard.shape import Cell, Row, Table
from bench.parts import COLLECTIONS, SEEDS
from bench.parts import GRAY as STUDIED
from bench.records import Record, read_all
from bench.types import DOMAINS, MIXED

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "what-we-found.md").read_text(encoding="utf-8")


HEADLINE = (("procedural-v1", "series"), ("open-v1", "test"))
"""What the tables of leaders tell of each domain."""

PLAUSIBLE = (PRIMARY, "palette-distance", "fd-chroma", "colourfulness-error")
"""Closeness to the one true picture, and three metrics that ask less, or something else. All are lower for better."""


HINTED = (
    ("gray+hints", "mean-hint"),
    ("gray+hints", "levin2004-hints"),
    ("gray+hints", "thasarathan2020-hint@{}"),
    ("gray", None),
    ("lineart-canny+hints", "mean-hint"),
    ("lineart-canny+hints", "thasarathan2020-hint@{}"),
    ("lineart-canny", None),
)
"""The columns on hints: a track and an entry of it, or its first."""


@pytest.fixture(scope="module")
def every() -> list[Record]:
    return read_all(ROOT / "leaderboards/records")


@pytest.fixture(scope="module")
def told(every) -> list[Record]:
    return [record for record in every if record.track == "gray"]


@pytest.fixture(scope="module")
def tables(told) -> dict[tuple[str, str, str], Table]:
    return {(board.collection, board.domain, t.split): t for board in boards(told) for t in board.tables}


def leader(table: Table) -> tuple[Row, Cell, Cell]:
    """The first row of a table, its score, and the gray copy's."""
    copy = table.row(GRAY)
    assert table.leader is not None
    assert copy is not None
    return table.leader, table.leader.cells[PRIMARY], copy.cells[PRIMARY]


def interval(cell: Cell) -> str:
    return "–" if cell.low is None else f"[{cell.low:.2f}, {cell.high:.2f}]"


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def test_the_table_says_what_the_records_say(tables) -> None:
    made = []
    for (collection, domain, split), table in tables.items():
        if (collection, split) not in HEADLINE:
            continue
        lead, cell, gray = leader(table)
        known = table.row("series-floor" if split == "series" else "gray-floor")
        floor = "–" if known is None else f"{known.cells[PRIMARY].value:.2f}"
        firsts = [row for row in table.rows if row.ranks is not None and row.ranks[0] == 1]
        may = "not known" if lead.ranks is None else str(len(firsts))
        first = (f"`{lead.entry}`", f"{cell.value:.2f}", interval(cell))
        made.append(line(collection, domain, split, str(table.groups), *first, f"{gray.value:.2f}", floor, may))
    assert len(made) == 8
    found = [line for line in PAGE.splitlines() if re.match(r"\| (procedural|open)-v1 \| [a-z]", line)]
    assert found == made


def test_the_headline_says_what_the_records_say(tables) -> None:
    made = []
    for domain in DOMAINS:
        cells = [domain]
        for collection, split in HEADLINE:
            lead, cell, gray = leader(tables[collection, domain, split])
            cells += [f"`{lead.entry}`", f"{cell.value:.2f} {interval(cell)}", f"{gray.value:.2f}"]
        made.append(line(*cells))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [line for line in text.splitlines() if re.match(rf"\| ({'|'.join(DOMAINS)}) \|", line)]
    assert found == made


def test_the_floors_page_says_what_the_boards_say(tables) -> None:
    text = (ROOT / "docs" / "procedural-v1.md").read_text(encoding="utf-8")
    for domain in DOMAINS:
        for split in ("test", "series"):
            row, best, gray = leader(tables["procedural-v1", domain, split])
            assert f"| {domain} | {split} | {gray.value:.2f} | {best.value:.2f} |" in text, row.entry


def test_what_the_clip_models_lose_by(every) -> None:
    """The bullet's numbers in the order in which they stand there."""
    (bullet,) = re.findall(r"- \*\*The clip models.*?\(\[tracks\]", PAGE, re.DOTALL)
    found = {
        (r.track, r.entry.name, r.split.domain): r.scores
        for r in every
        if (r.split.collection, r.split.name) == ("procedural-v1", "series")
    }
    numbers = [
        found[track, entry, domain][metric].value
        for track, entry, domain, metric in (
            ("gray+previous", "tcvc2019@cartoon", "cartoon", PRIMARY),
            ("gray+previous", GRAY, "cartoon", PRIMARY),
            ("gray+previous", "tcvc2019@cartoon", "cartoon", "ciede2000-locked"),
            ("gray+previous-true", "tcvc2019@cartoon", "cartoon", "ciede2000-locked"),
            ("gray+previous", "tcvc2019@manga", "manga", PRIMARY),
            ("gray+previous", GRAY, "manga", PRIMARY),
        )
    ]
    assert re.findall(r"\d+\.\d\d", bullet) == [f"{number:.2f}" for number in numbers]


def test_what_a_copied_page_costs(tables) -> None:
    (bullet,) = re.findall(r"- \*\*Ink pages.*?\(\[board\]", PAGE, re.DOTALL)
    rows = [
        tables["procedural-v1", "manga", "series"].row(of) for of in ("camizan2023-resnet34@manga", GRAY, "dcgan@manga")
    ]
    assert re.findall(r"\d+\.\d\d", bullet) == [f"{row.cells[PRIMARY].value:.2f}" for row in rows]


def test_who_comes_last_abroad(tables) -> None:
    """On `series`, among the trained entries of the gray track."""
    last = {f"{model}@manga" for model in STUDIED if not model.startswith("varga")}
    for collection in COLLECTIONS:
        for domain in DOMAINS[:-1]:
            rows = [row for row in tables[collection, domain, "series"].rows if row.kind == "trained"]
            assert len(rows) == 46
            assert {row.entry for row in sorted(rows, key=lambda row: row.cells[PRIMARY].value)[-7:]} == last


def test_every_link_leads_to_an_anchor_of_a_page() -> None:
    links = re.findall(r"\]\((\.\./reports/[\w.-]+\.html)(?:#([\w-]+))?\)", PAGE)
    assert len(links) > 15
    for page, anchor in links:
        text = (ROOT / "docs" / page).resolve().read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, f"{page}#{anchor}"


def surely_better(record: Record, other: Record) -> bool:
    """Whether the 95 % interval of the paired difference over groups lies on the better side of zero."""
    names = sorted(record.groups)
    ours, theirs = (np.array([[one.groups[name]] for name in names]) for one in (record, other))
    high = apart_over_seeds(ours, theirs, ((record.seed,), ())).high
    return high is not None and high < 0


def test_what_hints_buy_on_real_pictures(every) -> None:
    """On open-v1's `test`, who is told hints and who is not, less the copy of what both saw."""
    here = [r for r in every if r.split.collection == "open-v1" and r.track in {track for track, _ in HINTED}]
    known = {(board.track, board.domain, table.split): table for board in boards(here) for table in board.tables}
    made = []
    for domain in DOMAINS:
        cells = [domain]
        for track, entry in HINTED:
            table = known[track, domain, "test"]
            copy, row = table.row(GRAY), table.row(entry.format(domain)) if entry else table.leader
            assert copy is not None
            assert row is not None
            one = paired(row, copy)
            assert one is not None
            ends = "" if entry is None or one.low is None else f" [{one.low:.2f}, {one.high:.2f}]"
            cells.append(f"{one.value:.2f}{ends}".replace("-", "−"))
        made.append(line(*cells))
    assert [line for line in PAGE.splitlines() if re.match(rf"\| ({'|'.join(DOMAINS)}) \| −?\d+\.", line)] == made
    surely = defaultdict(list)
    for track, domain in product(("gray", "lineart-canny"), DOMAINS):
        told, untold = known[f"{track}+hints", domain, "test"], known[track, domain, "test"].leader
        mean, levin, network = map(told.row, ("mean-hint", "levin2004-hints", f"thasarathan2020-hint@{domain}"))
        assert mean is not None
        assert network is not None
        assert untold is not None
        pairs = {"mean over untold": (mean, untold), "mean over network": (mean, network)}
        pairs |= {"levin over untold": (levin, untold), "levin over mean": (levin, mean)} if levin else {}
        for said, (one, other) in pairs.items():
            found = paired(one, other)
            if found is not None and found.high is not None and found.high < 0:
                surely[said, track].append(domain)
    assert surely == {
        ("mean over untold", "gray"): ["cartoon"],
        ("mean over untold", "lineart-canny"): ["cartoon", "anime", "live-action"],
        ("mean over network", "gray"): ["cartoon", "anime", "live-action"],
        ("mean over network", "lineart-canny"): ["cartoon", "anime", "live-action"],
        ("levin over untold", "gray"): ["cartoon", "live-action"],
        ("levin over mean", "gray"): ["cartoon"],
    }, "so the page says it"


def test_who_is_told_a_palette_looks_truer_as_a_set(every) -> None:
    """FD-chroma of the specialists on `series` of procedural-v1, from sketches: told a palette, and not."""
    told, untold = (
        [
            record.scores["fd-chroma"].value
            for domain in DOMAINS
            for record in every
            if (record.split.collection, record.split.domain, record.split.name) == ("procedural-v1", domain, "series")
            and (record.track, record.entry.name) == (track, f"{model}@{domain}")
        ]
        for track, model in (("lineart-sketch+reference", "chen2019-resunet"), ("lineart-sketch", "cgan"))
    )
    assert len(told) == len(untold) == len(DOMAINS)
    assert all(one < other for one, other in zip(told, untold, strict=True))
    said = f"{min(told):.2f} to {max(told):.2f}, the GAN's {min(untold):.2f} to {max(untold):.2f}"
    assert said in " ".join(PAGE.split())


def test_who_beats_the_gray_copy_at_home(told) -> None:
    """On procedural-v1's `series`, of the trainings on the domain itself and of those on all four."""
    here = [r for r in told if (r.split.collection, r.split.name) == ("procedural-v1", "series")]
    copies = {r.split.domain: r for r in here if r.entry.name == GRAY}
    made = []
    for model in STUDIED:
        cells = [f"`{model}`"]
        for mix in (None, MIXED):
            trained = [
                r for r in here if r.entry.model == model and r.entry.mix == (mix or r.split.domain) and r.training
            ]
            assert len(trained) == len(DOMAINS) * len(SEEDS)
            better = sum(surely_better(r, copies[r.split.domain]) for r in trained)
            cells.append(f"{better} of {len(trained)}")
        made.append(line(*cells))
    found = [line for line in PAGE.splitlines() if re.match(r"\| `[\w-]+` \| \d+ of", line)]
    assert found == made


def test_how_often_a_domain_is_served_best_by_its_own_specialist(told) -> None:
    for collection in COLLECTIONS:
        values = defaultdict(list)
        for r in told:
            if (r.split.collection, r.split.name) == (collection, "series") and r.entry.model in STUDIED and r.training:
                values[r.entry.model, r.split.domain, r.entry.mix].append(r.scores[PRIMARY].value)
        own = 0
        for model in STUDIED:
            for domain in DOMAINS:
                means = {mix: np.mean(values[model, domain, mix]) for mix in DOMAINS}
                own += min(means, key=means.__getitem__) == domain
        assert f"{own} of {len(STUDIED) * len(DOMAINS)} cases on {collection}" in " ".join(PAGE.split())


def test_where_the_gray_copy_stands_on_real_pictures(told) -> None:
    """Its place on open-v1's `test` among the entries that do not see the target, metric by metric."""
    values = defaultdict(lambda: defaultdict(list))
    for record in told:
        here = (record.split.collection, record.split.name) == ("open-v1", "test")
        if here and record.entry.name not in SEES_TARGET:
            for metric in PLAUSIBLE:
                values[record.split.domain, metric][record.entry.name].append(record.scores[metric].value)
    made, counts = [], set()
    for domain in DOMAINS:
        cells = [domain]
        for metric in PLAUSIBLE:
            means = {entry: np.mean(of_seeds) for entry, of_seeds in values[domain, metric].items()}
            counts.add(len(means))
            cells.append(str(sorted(means, key=means.__getitem__).index(GRAY) + 1))
        made.append(line(*cells))
    found = [line for line in PAGE.splitlines() if re.match(rf"\| ({'|'.join(DOMAINS)}) \| \d+ \|", line)]
    assert found == made
    (count,) = counts
    assert f"of {count} entries" in " ".join(PAGE.split())


@pytest.fixture(scope="module")
def outcomes(every) -> list[Outcome]:
    return judge_all(CLAIMS, every)


def test_how_many_claims_hold(outcomes) -> None:
    made = []
    for collection in (*COLLECTIONS, "procedural-v1-slices"):
        verdicts = [one.verdict for one in outcomes if one.collection == collection]
        made.append(line(collection, *(str(verdicts.count(verdict)) for verdict in VERDICTS)))
    found = [line for line in PAGE.splitlines() if re.match(r"\| (procedural|open)-v1[a-z-]* \| \d+ \|", line)]
    assert found == made
    assert f"Of {len(CLAIMS)} claims" in PAGE


def test_the_claims_that_are_named_have_the_verdicts_that_are_told(outcomes) -> None:
    verdicts = {(one.claim.id, one.collection): one.verdict for one in outcomes}
    told = 0
    for verdict, head in (("replicated", "Replicates:"), ("not replicated", "Does not:")):
        listed = PAGE.split(f"\n{head}\n")[1].split("\n\n")[0]
        for collection, id in re.findall(r"reports/([\w-]+)-64px\.html#claim-([\w-]+)", listed):
            assert (id, verdicts[id, collection]) == (id, verdict)
            told += 1
    assert told > 8
