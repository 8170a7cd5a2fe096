"""What is measured of a split: which metrics where, labels as slices, and the truth worked out once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import scoring
from bench.data import labels
from bench.data.collections import prepare_procedural, prepare_procedural_clips
from bench.data.loading import load
from bench.errors import BenchError
from bench.features import probe as extractors
from bench.metrics import METRICS, PROTOCOL
from bench.metrics.pixel import score_images
from bench.statistics import summarize_all
from bench.types import Track

GRAY, CLIPS = Track("gray"), Track("gray", ("previous",))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> scoring.Truth:
    manifest = prepare_procedural(tmp_path_factory.mktemp("home"), 32, series=14, pictures=24)
    split = manifest.split("cartoon", "test")
    return scoring.Truth(split, load(split, GRAY))


@pytest.fixture(scope="module")
def scorer() -> scoring.Scorer:
    return scoring.Scorer()


def shifted(truth: scoring.Truth) -> np.ndarray:
    return np.roll(truth.images.targets, 1, axis=-1)


def test_every_value_is_a_known_metric_and_the_protocols_are_untouched(
    scorer: scoring.Scorer, drawn: scoring.Truth
) -> None:
    values = scorer.images(shifted(drawn), drawn)
    ranked = {id for id in values if id in METRICS}
    assert ranked >= {id for id, metric in PROTOCOL.items() if metric.kind == "full-reference"}
    assert ranked >= {"bleeding-true", "region-spread-true", "small-regions-true", "palette-distance"}
    assert not ranked & {"warp-error-ab", "cdc-difference"}
    for id, expected in score_images(shifted(drawn), drawn.images.targets).items():
        np.testing.assert_array_equal(values[id], expected)


def test_a_split_that_knows_nothing_has_no_true_metrics(scorer: scoring.Scorer, drawn: scoring.Truth) -> None:
    mine = scoring.Truth(replace(drawn.split, collection="mine"), drawn.images)
    assert not any(id.endswith("-true") for id in scorer.images(shifted(mine), mine))
    assert all(name.startswith("measured-") or name in ("dark", "near-white") for name in mine.slices)


def test_clips_are_scored_in_time(scorer: scoring.Scorer, tmp_path: Path) -> None:
    split = prepare_procedural_clips(tmp_path, 32, series=4, clips=1).split("cartoon", "test")
    truth = scoring.Truth(split, load(split, CLIPS))
    assert not {"warp-error-ab", "cdc-difference"} & set(scorer.images(shifted(truth), truth))
    values = scorer.clips(shifted(truth), truth)
    first = np.array(truth.images.frames) == 0
    assert np.isnan(values["warp-error-ab"][first]).all()
    assert np.isfinite(values["warp-error-ab"][~first]).any()
    assert np.isfinite(values["cdc-difference"]).all()


def test_pieces_score_as_the_whole(scorer: scoring.Scorer, drawn: scoring.Truth) -> None:
    assert scorer.clips(shifted(drawn), drawn) == {}
    whole = scorer.images(shifted(drawn), drawn)
    parts = [scorer.images(shifted(drawn)[rows], drawn, rows) for rows in (slice(0, 5), slice(5, None))]
    for id, values in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[id] for part in parts]), values)


def test_slices_are_the_labels_and_their_numbers_means_over_their_images(
    scorer: scoring.Scorer, drawn: scoring.Truth
) -> None:
    known = labels.labels(drawn.split)
    assert known is not None
    told = {name for name in ("night", "indoors", "lookalike") if known[name].any()}
    assert told
    for name in told:
        np.testing.assert_array_equal(drawn.slices[name], known[name])
    assert not any(name.split(":")[0] in scoring.NAMES for name in drawn.slices)
    values = scorer.images(shifted(drawn), drawn)["ciede2000"]
    found = scorer.slices(values, drawn)
    assert set(found) == set(drawn.slices)
    told_apart = [name for name, part in found.items() if not part.absent]
    assert told_apart
    for name in told_apart:
        inside = drawn.slices[name]
        groups = [group for group, kept in zip(drawn.images.groups, inside, strict=True) if kept]
        assert found[name].n == inside.sum()
        expected = summarize_all({"": values[inside]}, groups)[""]
        assert found[name].summaries[""].value == pytest.approx(expected.value)


def test_the_truth_of_a_split_is_worked_out_once(
    scorer: scoring.Scorer, drawn: scoring.Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = scoring.Scorer()
    one = own.truth(drawn.split, drawn.images)
    assert own.truth(drawn.split, drawn.images) is one
    calls = []
    everything = labels.everything
    monkeypatch.setattr(labels, "everything", lambda split: calls.append(split) or everything(split))
    for _ in range(2):
        scorer.images(shifted(one), one)
        assert one.slices
    assert len(calls) == 1
    monkeypatch.setattr(scoring, "KEPT", 1)
    own.truth(replace(drawn.split, size=64), drawn.images)
    assert own.truth(drawn.split, drawn.images) is not one


def test_what_was_asked_for_and_has_no_weights_says_why() -> None:
    why = "left out by --inception-weights none."
    asked = scoring.make("none", "none", clean=True).absent
    assert {id: reason for id, reason in asked.items() if id != "lpips"} == {"fid": why, "kid": why, "fid-clean": why}
    assert set(scoring.make("none", "none").absent) == {"fid", "kid", "lpips"}


@pytest.mark.parametrize("name", ["fid, kid: resize", "fid-clean: resize", "fd-chroma: network"])
def test_an_extractor_that_drifts_stops_the_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [replace(one, deviation=1.0) if one.metric == name else one for one in extractors._shipped()]
    monkeypatch.setattr(extractors, "_shipped", lambda: checks)
    extractors.assert_agreement.cache_clear()
    with pytest.raises(BenchError, match=rf"^{name} differs from .* by 1 on the probe .* no score is written"):
        scoring.make("none", "none")


def test_the_protocol_alone_is_the_same_numbers_and_no_more(drawn: scoring.Truth) -> None:
    quick = scoring.Scorer(protocol_only=True)
    values = quick.images(shifted(drawn), drawn)
    assert set(values) == {id for id, metric in PROTOCOL.items() if metric.kind == "full-reference"}
    for id, expected in scoring.Scorer().images(shifted(drawn), drawn).items():
        if id in values:
            np.testing.assert_array_equal(values[id], expected)
    assert quick.pooled([quick.extracted(shifted(drawn)).result()], drawn) == {}
    assert quick.slices(values["ciede2000"], drawn) == {}
