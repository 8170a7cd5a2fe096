"""Claims: what is planted true, false or undecided is called so, and every claim can be tested with what there is."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from scipy.stats import ttest_ind, ttest_rel
from test_records import sample_record

import baselines
from bench.claims import CLAIMS, Claim, Outcome, Side, claim, estimate, judge_all
from bench.claims.claim import OWN, SIGNS
from bench.claims.effects import GroupValues
from bench.claims.judging import verdict, without_records
from bench.claims.values import from_home
from bench.cli import app
from bench.comparison import over_seeds
from bench.data.collections import PROCEDURAL, SLICES
from bench.errors import BenchError
from bench.metrics import METRICS, PRIMARY
from bench.metrics.suite import UNRANKED
from bench.papers import PAPERS
from bench.records import Record, Slice
from bench.types import DOMAINS, EVALUATED_SPLITS, Track

GAN = Claim(
    id="gan-over-convnet", paper="fu2017", source="table 1", quote="", wording="", metric="l1", says="lower",
    counts="", sides=(Side(f"fu2017-cgan@{OWN}"), Side(f"fu2017-convnet@{OWN}")), domains=("cartoon", "anime"),
)  # fmt: skip
COLOUR = replace(GAN, metric=PRIMARY)
BASE = 12.0


def one(side: Side, metric: str, value: float, *, half_width: float = 0.1, seed: int = 0, slices: bool = False
        ) -> Record:  # fmt: skip
    """A record of a side whose number is `value`, on the whole split or on its slice."""
    made = sample_record(
        side.entry, side.domain or "anime", split=side.split or "series", seed=seed, half_width=half_width,
        collection=SLICES if slices else PROCEDURAL, values={metric: value},
    )  # fmt: skip
    made = replace(made, track=side.track)
    if metric == "fid":  # its ends are of subsamples of one set, which tell nothing of another
        ends = replace(made.scores[metric], low=value - half_width, high=value + half_width)
        made = replace(made, scores={metric: ends})
    if Track.parse(side.track).temporal:
        key = made.split.key.replace(f"/{made.split.name}:", f"/{made.split.name}-clips:")
        made = replace(made, split=replace(made.split, key=key))
    if side.slice is None:
        return made
    part = Slice(n=48, groups=12, value=value, low=value - half_width, high=value + half_width)
    return replace(made, slices={side.slice: part})


def planted(given: Claim, effect: float, *, half_width: float = 0.1) -> list[Record]:
    """Records in which the claim's effect is `effect` in every domain; sides of one entry and split share a record."""
    made: dict[str, Record] = {}
    for domain in given.domains:
        for place, side in enumerate(given.sides):
            there = side.at(domain, given.split)
            value = BASE + (effect if place == 0 else 0.0)
            record = one(there, given.metric, value, half_width=half_width, slices=given.slices)
            known = made.get(record.file_name)
            if known is not None and there.slice is None:
                record = replace(record, slices=known.slices)
            elif known is not None:
                record = replace(known, slices=known.slices | record.slices)
            made[record.file_name] = record
    return list(made.values())


def judge(given: Claim, records: Sequence[Record], values: GroupValues | None = None) -> Outcome:
    """One claim on the records of one collection."""
    (outcome,) = judge_all([given], records, values)
    return outcome


def from_scores(groups: int = 12, noise: float = 0.05) -> GroupValues:
    """Group means around a record's value, as a machine that keeps the values an image would give them."""
    wiggle = np.random.default_rng(0).normal(0, noise, groups)

    def values(record: Record, metric: str) -> dict[str, float] | None:
        score = record.scores.get(metric)
        if score is None or score.value is None:
            return None
        return {f"g{place}": score.value + moved for place, moved in enumerate(wiggle * len(record.entry.name))}

    return values


@pytest.mark.parametrize("given", CLAIMS, ids=lambda given: given.id)
def test_what_is_planted_is_found(given: Claim) -> None:
    sign = {"lower": -1, "higher": 1, "same": 0}[given.says]
    big = 6.0
    true, false = judge(given, planted(given, sign * big)), judge(given, planted(given, -sign * big if sign else big))
    assert true.verdict == "replicated"
    assert false.verdict == "not replicated"
    assert true.effect == pytest.approx(sign * big)
    assert [cell.domain for cell in true.cells] == list(given.domains)
    assert not true.commands
    assert not true.reasons
    if given.metric == "fid":  # its ends do not count: the domains are the witnesses, and here they disagree
        records = planted(given, 0)
        wide = replace(records[0].scores["fid"], low=0.0, high=99.0)
        moved = [replace(r, scores={"fid": replace(wide, value=BASE + 5 * (-1) ** place)})
                 for place, r in enumerate(records)]  # fmt: skip
        assert judge(given, records).verdict == "not replicated"
        assert judge(given, [*moved[:2], *records[2:]]).verdict == "inconclusive"
    else:
        assert judge(given, planted(given, sign * 0.2, half_width=5.0)).verdict == "inconclusive"


@pytest.mark.parametrize("given", CLAIMS, ids=lambda given: given.id)
def test_without_records_the_commands_that_make_them_are_named(given: Claim) -> None:
    outcome = without_records(given, SLICES if given.slices else PROCEDURAL, 64)
    assert outcome.verdict == "not tested"
    assert outcome.effect is None
    assert "no records yet of" in outcome.reasons[0]
    command = typer.main.get_command(app)
    trained, evaluated = set(), set()
    for line in outcome.commands:
        program, name, *options = shlex.split(line)
        assert program == "bench"
        with typer.Context(command) as context:
            found = command.get_command(context, name)  # pyright: ignore
            parsed = found.make_context(name, options).params
        if name == "train-baselines":
            assert parsed["collection"] == PROCEDURAL
            trained |= {f"{model}@{mix}" for model in parsed["model"] for mix in parsed["mix"]}
        else:
            evaluated |= {(parsed["model"], domain, *parsed["split"], parsed["track"]) for domain in parsed["domain"]}
    sides = [side.at(domain, given.split) for domain in given.domains for side in given.sides]
    assert evaluated == {(side.entry, side.domain, side.split, side.track) for side in sides}
    assert trained == {side.entry for side in sides if side.mix is not None}


def test_every_claim_names_what_there_is() -> None:
    assert len({one.id for one in CLAIMS}) == len(CLAIMS)
    for given in CLAIMS:
        assert given.paper in PAPERS
        assert given.id.startswith(f"{given.paper}-")
        assert given.metric in METRICS or given.metric in UNRANKED
        assert set(given.domains) <= set(DOMAINS)
        assert given.split in EVALUATED_SPLITS
        assert len(given.sides) in (2, 4)
    assert {one.paper for one in CLAIMS} == set(PAPERS)


@pytest.mark.slow
def test_every_side_is_an_entry_that_can_be_made() -> None:
    sides = {side for given in CLAIMS for side in given.sides}
    modules = {model: baselines.load(model) for model in {side.model for side in sides}}
    for side in sides:
        assert side.track in modules[side.model].TRACKS, side
        assert (side.mix is None) == (not hasattr(modules[side.model], "RECIPE")), side


def test_quotes_are_the_papers_own_words() -> None:
    texts = papers()
    for given in CLAIMS:
        assert " ".join(given.quote.split()) in texts[given.paper], given.id


def papers() -> dict[str, str]:
    import os

    shared = os.environ.get("CHROMABENCH_SHARED")
    if not shared:
        pytest.skip("set CHROMABENCH_SHARED to the folder that holds papers/")
    order = ("zhang2022", "fu2017", "chen2019", "camizan2023", "thasarathan2020")
    files = sorted(Path(shared, "papers").glob("*.txt"))
    found = {}
    for id, path in zip(order, files, strict=True):
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = (line for line in lines if "\t" not in line and not line.startswith("Table "))  # they cut sentences
        found[id] = " ".join(" ".join(kept).split())
    return found


@pytest.mark.parametrize(
    ("says", "low", "high", "expected"),
    [
        ("lower", -3.0, -1.0, "replicated"),
        ("lower", 0.1, 3.0, "not replicated"),
        ("lower", -3.0, 0.1, "inconclusive"),
        ("lower", -0.4, -0.1, "not replicated"),  # surely too small to name
        ("lower", -0.6, -0.1, "replicated"),
        ("higher", 1.0, 3.0, "replicated"),
        ("higher", -3.0, -1.0, "not replicated"),
        ("higher", -0.4, 0.4, "not replicated"),
        ("higher", -0.4, 0.6, "inconclusive"),
        ("same", -0.4, 0.4, "replicated"),
        ("same", 0.6, 2.0, "not replicated"),
        ("same", -2.0, -0.6, "not replicated"),
        ("same", 0.1, 2.0, "inconclusive"),
        ("lower", None, None, "inconclusive"),
    ],
)
def test_the_rule(says: str, low: float | None, high: float | None, expected: str) -> None:
    assert verdict(replace(GAN, says=says), low, high, 0.5) == expected


def test_same_pictures_are_paired_by_group() -> None:
    rng = np.random.default_rng(1)
    hard = rng.normal(0, 8, 10)  # series differ far more than entries do
    first, second = 11.7 + hard + rng.normal(0, 0.2, 10), 12.0 + hard
    records = []
    for domain in COLOUR.domains:
        for side, means in zip(COLOUR.sides, (first, second), strict=True):
            made = one(side.at(domain, "series"), PRIMARY, float(means.mean()), half_width=6.0)
            groups = {f"g{place}": float(mean) for place, mean in enumerate(means)}
            records.append(replace(made, groups=groups))
    outcome = judge(replace(COLOUR, domains=("anime",), margin=0.001), records)
    test = ttest_rel(first.tolist(), second.tolist())
    assert outcome.verdict == "replicated"
    assert outcome.p == pytest.approx(test.pvalue)
    interval = test.confidence_interval()
    assert (outcome.low, outcome.high) == pytest.approx((interval.low, interval.high))
    # Unpaired, the same records tell nothing.
    alone = judge(replace(COLOUR, domains=("anime",)), [replace(record, groups={}) for record in records])
    assert alone.verdict == "inconclusive"
    assert alone.p is None
    assert not alone.cells[0].paired


def test_a_recorded_interval_gives_its_variance_back() -> None:
    means = np.array([10.0, 12.0, 9.0, 15.0, 11.0])
    known = estimate.of_groups(means)
    assert known.interval is not None
    low, high = known.interval
    back = estimate.of_interval(known.value, low, high, 5)
    assert back.variance == pytest.approx(known.variance)
    assert back.freedom == 4
    # An end at the least that is possible was drawn in.
    for ends in ((max(low, 10.0), high), (low, min(high, 12.0))):
        assert estimate.of_interval(known.value, *ends, 5).variance == pytest.approx(known.variance)


def test_independent_sides_are_welchs_test() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(10, 1, 8), rng.normal(9, 3, 14)
    made = estimate.total([(1, estimate.of_groups(first)), (-1, estimate.of_groups(second))])
    test = ttest_ind(first, second, equal_var=False)
    interval = test.confidence_interval()
    assert made.interval == pytest.approx((interval.low, interval.high))
    assert made.p == pytest.approx(float(np.asarray(test)[1]))


def test_seeds_add_what_they_differ_by() -> None:
    alone = judge(GAN, planted(GAN, -1.0))
    assert alone.verdict == "replicated"
    records = []
    for seed, effect in enumerate((-6.0, 4.0, -1.0)):  # the same mean, but trainings differ
        for domain in GAN.domains:
            for side, value in zip(GAN.sides, (BASE + effect, BASE), strict=True):
                records.append(one(side.at(domain, "series"), "l1", value, seed=seed))
    outcome = judge(GAN, records)
    assert outcome.effect == pytest.approx(-1.0)
    assert outcome.cells[0].seeds == (0, 1, 2)
    assert outcome.verdict == "inconclusive"
    # A seed that one side lacks is left out of both.
    fewer = [record for record in records if record.seed < 2 or record.entry.model == "fu2017-cgan"]
    assert judge(GAN, fewer).cells[0].seeds == (0, 1)


def test_a_part_of_the_domains_is_tested_and_the_rest_named() -> None:
    records = [record for record in planted(GAN, -6.0) if record.split.domain == "anime"]
    outcome = judge(GAN, records)
    assert outcome.verdict == "replicated"
    assert outcome.where == "procedural-v1 64 px, series: anime"
    assert any("fu2017-cgan@cartoon" in command for command in outcome.commands)
    assert all("--budget smoke" in command for command in outcome.commands), "as what they are held against"


def test_a_domain_of_one_group_is_left_out_of_the_pooled_effect() -> None:
    records = [
        record
        if record.split.domain == "anime"
        else replace(record, scores={"l1": replace(record.scores["l1"], value=50.0, low=None, high=None)})
        for record in planted(GAN, -6.0)
    ]
    outcome = judge(GAN, records)
    assert outcome.effect == pytest.approx(-6.0)
    assert outcome.verdict == "replicated"
    assert any("cartoon: one group only" in reason for reason in outcome.reasons)


def test_only_like_is_held_against_like() -> None:
    records = planted(GAN, -6.0)
    changed = [
        replace(r, training=replace(r.training, budget="paper"))
        if r.training is not None and r.entry.model == "fu2017-cgan" else r
        for r in records
    ]  # fmt: skip
    outcome = judge(GAN, changed)
    assert outcome.verdict == "not tested"
    assert "differ in budget: paper, smoke" in outcome.reasons[0]
    signed = [
        replace(r, scores={"l1": replace(r.scores["l1"], signature="x" + r.scores["l1"].signature)})
        if r.entry.model == "fu2017-cgan" else r
        for r in records
    ]  # fmt: skip
    assert "made in different ways" in judge(GAN, signed).reasons[0]


def test_domains_that_say_the_opposite_are_named() -> None:
    records = []
    for domain, effect in (("cartoon", -9.0), ("anime", 3.0)):
        records += planted(replace(GAN, domains=(domain,)), effect)
    outcome = judge(GAN, records)
    assert outcome.opposed == ("anime",)
    assert outcome.verdict == "replicated"


def test_an_absent_number_says_why() -> None:
    given = claim("thasarathan2020-hints-over-baseline-fid-gray")
    records = [
        replace(
            r,
            scores={"fid": replace(r.scores["fid"], value=None, low=None, high=None, absent="needs Inception weights")},
        )
        for r in planted(given, 0)
    ]
    outcome = judge(given, records)
    assert outcome.verdict == "not tested"
    assert "needs Inception weights" in outcome.reasons[0]
    assert all("--inception-weights download" in command for command in outcome.commands)


def test_the_same_test_is_made_elsewhere_too() -> None:
    records = planted(GAN, -6.0) + planted(replace(GAN, split="test"), 6.0)
    records += planted(replace(GAN, domains=("live-action", "manga")), -6.0)
    found = {outcome.where: outcome.verdict for outcome in judge(GAN, records).also}
    assert found == {
        "procedural-v1 64 px, test: cartoon, anime": "not replicated",
        "procedural-v1 64 px, series: live-action, manga": "replicated",
    }


def gaps(given: Claim, values: dict[tuple[str, str], float], noise: float = 0.0) -> list[Record]:
    """Records of a claim's sides by model and split, with group means around their values."""
    made = {}
    for place, side in enumerate(side.at(domain, given.split) for domain in given.domains for side in given.sides):
        wiggle = np.random.default_rng(place).normal(0, noise, 12)
        means = values[side.model, side.split or ""] + wiggle - wiggle.mean()
        record = one(side, PRIMARY, float(means.mean()), half_width=5.0)
        made[record.file_name] = replace(record, groups={f"g{k:02d}": float(mean) for k, mean in enumerate(means)})
    return list(made.values())


def test_unseen_minus_seen_takes_off_what_the_splits_differ() -> None:
    given = claim("zhang2022-seen-unseen-gap-gan")
    gan, gray = "he2021-gan", "gray-copy"
    harder = {(gan, "test"): 18.0, (gan, "series"): 12.0, (gray, "test"): 20.0, (gray, "series"): 14.0}
    outcome = judge(given, gaps(given, harder, 0.1))
    assert outcome.effect == pytest.approx(0.0)
    assert outcome.verdict == "not replicated"  # the test split is harder, for the gray copy too
    assert outcome.cells[0].paired
    lost = judge(given, gaps(given, {**harder, (gan, "test"): 23.0}, 0.1))
    assert (lost.effect, lost.verdict) == (pytest.approx(5.0), "replicated")
    assert lost.margin == pytest.approx(2.0)


def test_far_better_must_surely_exceed_its_least() -> None:
    far = replace(GAN, says="higher", margin=0.1, least=0.1)
    assert verdict(far, 0.01, 3.0, 1.2, 1.2) == "inconclusive"
    assert verdict(far, 1.3, 3.0, 1.2, 1.2) == "replicated"
    assert verdict(replace(far, says="lower"), -3.0, -0.01, 1.2, 1.2) == "inconclusive"
    records = planted(far, 1.5, half_width=1.0)
    assert judge(far, records).verdict == "inconclusive"
    assert judge(replace(far, least=0.0), records).verdict == "replicated"
    said = [given for given in CLAIMS if "far better" in given.wording]
    assert said
    assert all(given.least == 0.10 for given in said)


def test_failure_on_manga_is_said_as_it_is_tested() -> None:
    for word in ("gan", "cnn"):
        given = claim(f"zhang2022-manga-failure-{word}")
        assert judge(given, planted(given, 0.05, half_width=0.01)).verdict == "not replicated"
        assert "worse than none" in given.wording  # not `no closer`, of which as close is a part


def test_paired_claims_over_seeds_are_those_of_comparison() -> None:
    rng = np.random.default_rng(4)
    given = replace(COLOUR, domains=("anime",))
    tables = 12 + rng.normal(0, 1, (2, 10, 1)) + rng.normal(0, 0.5, (2, 1, 3)) + rng.normal(0, 0.3, (2, 10, 3))
    records = []
    for side, table in zip(given.sides, tables, strict=True):
        for seed, means in enumerate(table.T):
            made = one(side.at("anime", "series"), PRIMARY, float(means.mean()), seed=seed)
            records.append(replace(made, groups={f"g{k}": float(mean) for k, mean in enumerate(means)}))
    outcome = judge(given, records)
    expected = over_seeds(list((tables[0] - tables[1]).T), [f"g{k}" for k in range(10)])
    assert (outcome.effect, outcome.low, outcome.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert outcome.p == pytest.approx(expected.p)


def test_a_sign_that_records_lack_comes_from_the_values_an_image() -> None:
    given = claim("fu2017-gan-brighter")
    records = planted(given, 6.0)
    bare = [replace(record, scores={}) for record in records]
    lacking = judge(given, bare)
    assert lacking.verdict == "not tested"
    assert "--home" in lacking.reasons[0]
    kept = {record.file_name: record for record in records}
    values = from_scores()
    outcome = judge(given, bare, lambda record, metric: values(kept[record.file_name], metric))
    assert outcome.verdict == "replicated"
    assert outcome.cells[0].paired


def test_values_an_image_are_read_and_another_runs_refused(tmp_path: Path) -> None:
    record = replace(sample_record("fu2017-cgan@anime"), groups={"a": 10.0, "b": 12.0})
    path = tmp_path / "scores" / f"{record.file_name.removesuffix('.json')}.parquet"
    path.parent.mkdir()
    assert from_home(tmp_path)(record, "l1") is None
    frame = {"group": list("aabb"), PRIMARY: [9.0, 11.0, 12.0, 12.0], "l1": [1.0, 3.0, 5.0, None]}
    pd.DataFrame(frame).to_parquet(path)
    assert from_home(tmp_path)(record, "l1") == {"a": 2.0, "b": 5.0}
    assert from_home(tmp_path)(record, "l2") is None
    with pytest.raises(BenchError, match="of another run of fu2017-cgan@anime"):
        from_home(tmp_path)(replace(record, groups={"a": 10.0, "b": 13.0}), "l1")
    path.write_bytes(b"PAR1")
    with pytest.raises(BenchError, match="damaged"):
        from_home(tmp_path)(record, "l1")


def test_several_collections_are_judged_apart() -> None:
    records = planted(GAN, -6.0)
    elsewhere = [replace(record, split=replace(record.split, collection="mine")) for record in planted(GAN, 6.0)]
    verdicts = {outcome.collection: outcome.verdict for outcome in judge_all([GAN], [*records, *elsewhere])}
    assert verdicts == {PROCEDURAL: "replicated", "mine": "not replicated"}


def test_claims_about_hard_cases_are_judged_where_those_are() -> None:
    plain, hard = claim("fu2017-gan-over-convnet-l1-gray"), claim("fu2017-convnet-fails-at-captions")
    records = planted(plain, -6.0) + planted(hard, 6.0)
    places = [(outcome.claim.id, outcome.collection) for outcome in judge_all([plain, hard], records)]
    assert places == [(plain.id, PROCEDURAL), (hard.id, SLICES)]


def test_intervals_cover() -> None:
    """Pooled intervals of unlike spreads hold the truth about as often as they say."""
    rng, hits, tries = np.random.default_rng(0), 0, 2000
    for _ in range(tries):
        cells = []
        for spread, groups in ((1, 4), (3, 12)):
            sides = (estimate.of_groups(rng.normal(0, scale, groups)) for scale in (spread, 1))
            cells.append(estimate.total(zip((1, -1), sides, strict=True)))
        low, high = estimate.total((0.5, cell) for cell in cells).interval or (0, 0)
        hits += low <= 0 <= high
    assert 0.93 < hits / tries < 0.975


def test_signs_fit_two_and_four_sides() -> None:
    four = claim("fu2017-edges-widen-the-lead")
    assert SIGNS == (1, -1, -1, 1)
    records = []
    for domain in four.domains:
        for side, value in zip(four.sides, (20.0, 15.0, 13.0, 12.0), strict=True):
            records.append(one(side.at(domain, "series"), "l1", value))
    assert judge(four, records).effect == pytest.approx((20 - 15) - (13 - 12))
