"""Records: written whole, read strictly, refused by file and field."""

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import records
from bench.errors import BenchError
from bench.records import Record, SplitFacts, folder, signature
from bench.records.checks import check

METRICS = {
    "ciede2000": ("CIEDE2000", "ΔE00", "lower", 2, "full-reference", "CIEDE2000|D65/2deg,k1"),
    "psnr": ("PSNR", "dB", "higher", 2, "full-reference", "PSNR|rgb,255"),
    "ssim": ("SSIM", "", "higher", 3, "full-reference", "SSIM|wang2004"),
    "fid": ("FID", "", "lower", 1, "distribution", "FID|tf-inception-compat"),
}


def sample_record(
    entry: str = "fu2017-cgan@anime",
    domain: str = "anime",
    *,
    split: str = "test",
    track: str = "gray",
    collection: str = "open-v1",
    size: int = 64,
    seed: int = 0,
    values: dict[str, float | None] | None = None,
    half_width: float | None = 0.5,
    groups: int = 12,
    flags: tuple[str, ...] = (),
    kind: str | None = None,
    **changes: Any,
) -> Record:
    """A sound record of an entry; `values` are its scores, None for an absent one."""
    model, _, mix = entry.partition("@")
    kind = kind or ("trained" if mix else "reference")
    digest = hashlib.sha256(f"{collection}/{domain}/{split}/{size}".encode()).hexdigest()
    facts = SplitFacts(
        key=f"{collection}/{domain}/{split}:{digest[:8]}",
        collection=collection,
        domain=domain,
        name=split,
        size=size,
        resampler="pillow-bicubic",
        digest=digest,
        n=192,
        groups=groups,
    )
    scores = {}
    for id, value in (values if values is not None else {"ciede2000": 12.0}).items():
        name, unit, direction, decimals, metric_kind, definition = METRICS.get(
            id, (id.upper(), "", "lower", 3, "full-reference", id)
        )
        number: dict[str, Any] = {"value": value}
        if value is None:
            number = {"absent": "no Inception weights; see bench doctor"}
        elif half_width is not None and metric_kind == "full-reference":
            number |= {"low": value - half_width, "high": value + half_width}
        scores[id] = {"name": name, **number, "unit": unit, "direction": direction, "decimals": decimals}
        scores[id] |= {"kind": metric_kind, "n": 192, "signature": signature(definition, facts, 192)}
    training = {
        "budget": "smoke",
        "images": 6400,
        "width": 0.25,
        "seed": seed,
        "size": size,
        "collection": collection,
        "recipe": {"batch_size": 16},
        "precision": "32-true",
        "pretrained": "none",
        "device": "cpu (2 threads)",
        "seconds": 12.3,
        "images_per_second": 520.0,
        "splits": [f"{collection}/anime/train:00000000"],
        "best_step": 350,
    }
    made = records.parse(
        {
            "schema": records.SCHEMA,
            "entry": {"name": entry, "model": model, "mix": mix or None, "kind": kind},
            "split": asdict(facts),
            "track": track,
            "scores": scores,
            "flags": list(flags),
            "training": training if kind == "trained" else None,
            "cost": {"parameters": 1_200_000 if mix else None, "images_per_second": 812.0},
            "machine": {"cpu": "two cores", "memory_gib": 8},
            "versions": {"bench": "0.1.0", "numpy": "2.4"},
            "created": "2026-11-21T08:00:00Z",
            "command": f"bench evaluate --model {entry}",
        }
    )
    return replace(made, **changes)


def test_written_and_read_back_alike(tmp_path: Path) -> None:
    made = sample_record("gray-copy", values={"ciede2000": 12.5, "fid": None})
    trained = sample_record("camizan2023-resnet34@cartoon+live-action", seed=3, flags=("smoke budget",))
    paths = [records.write(tmp_path, record) for record in (made, trained)]
    assert [path.name for path in paths] == [
        "open-v1-64px.anime.test.gray.gray-copy.s0.json",
        "open-v1-64px.anime.test.gray.camizan2023-resnet34@cartoon+live-action.s3.json",
    ]
    assert records.read(paths[0]) == made
    assert records.read_all(tmp_path) == [trained, made]
    assert records.read_all(tmp_path / "nowhere") == []
    assert "value" not in json.loads(paths[0].read_text())["scores"]["fid"]


def test_plain_facts_make_a_record(tmp_path: Path) -> None:
    made = sample_record()
    assert records.parse(json.loads(records.write(tmp_path, made).read_text())) == made


def _set(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = to

    return change


DAMAGES = {
    "schema": _set("schema", to=0),
    "track": _set("track", to="colour"),
    "entry.name": _set("entry", "name", to="../../etc/passwd"),
    "entry.model": _set("entry", "model", to="../x"),
    "entry.mix": _set("entry", "mix", to="anime+anime"),
    "entry.kind": _set("entry", "kind", to="winner"),
    "split.collection": _set("split", "collection", to="a/b"),
    "split.domain": _set("split", "domain", to="<b>"),
    "split.name": _set("split", "name", to="dev"),
    "split.size": _set("split", "size", to=True),
    "split.n": _set("split", "n", to=0),
    "split.key": _set("split", "key", to="open-v1/anime/test:00000000"),
    "split.groups": _set("split", "groups", to="12"),
    "scores.ciede2000.value": _set("scores", "ciede2000", "value", to="11"),
    "scores.ciede2000.low": _set("scores", "ciede2000", "low", to=99.0),
    "scores.ciede2000.absent": _set("scores", "ciede2000", "absent", to=7),
    "scores.ciede2000.direction": _set("scores", "ciede2000", "direction", to="up"),
    "scores.ciede2000.infinite": _set("scores", "ciede2000", "infinite", to=193),
    "scores.ciede2000.missing": _set("scores", "ciede2000", "missing", to=-1),
    "slices.night.value": _set("slices", to={"night": {"n": 8, "groups": 2, "value": "low"}}),
    "slices.night": _set("slices", to={"night": {"n": 8, "groups": 2}}),
    "slices": _set("slices", to={"hour:<b>": {"n": 8, "groups": 2, "value": 3.0}}),
    "scores.ciede2000.signature": _set("scores", "ciede2000", "signature", to=""),
    "scores.ciede2000.colour": _set("scores", "ciede2000", "colour", to="red"),
    "flags": _set("flags", to="smoke"),
    "flags[0]": _set("flags", to=[1]),
    "training": _set("training", to=None),
    "training.width": _set("training", "width", to=None),
    "training.recipe.lr": _set("training", "recipe", to={"lr": float("inf")}),
    "cost.parameters": _set("cost", "parameters", to=-1),
    "created": _set("created", to="yesterday"),
    "surprise": _set("surprise", to=1),
}


@pytest.mark.parametrize("field", DAMAGES)
def test_damage_is_refused_by_file_and_field(tmp_path: Path, field: str) -> None:
    path = records.write(tmp_path, sample_record())
    content = json.loads(path.read_text())
    DAMAGES[field](content)
    path.write_text(json.dumps(content))
    with pytest.raises(BenchError) as raised:
        records.read_all(tmp_path)
    message = str(raised.value)
    assert path.name in message
    assert f"field {field}:" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["entry", "split", "track", "scores", "training", "machine", "created"])
def test_a_missing_field_is_named(tmp_path: Path, name: str) -> None:
    path = records.write(tmp_path, sample_record())
    content = json.loads(path.read_text())
    del content[name]
    path.write_text(json.dumps(content))
    with pytest.raises(BenchError, match=f"field {name}"):
        records.read(path)


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"schema": true}', b"[" * 100_000])
def test_what_is_no_record_is_refused(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(damaged)
    with pytest.raises(BenchError, match=r"other\.json"):
        records.read(path)


def test_unreadable_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot be read"):
        records.read(tmp_path / "none.json")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_finite_values_are_written(tmp_path: Path, value: float) -> None:
    made = sample_record()
    bad = replace(made, scores={"ciede2000": replace(made.scores["ciede2000"], value=value)})
    with pytest.raises(BenchError, match=r"scores\.ciede2000\.value: expected a finite number"):
        records.write(tmp_path, bad)
    assert list(tmp_path.iterdir()) == []


def test_slices_are_kept_and_must_fit_their_split(tmp_path: Path) -> None:
    made = sample_record()
    good = {
        "hour:night": records.Slice(n=9, groups=3, value=4.0, low=3.0, high=5.5),
        "dark": records.Slice(n=1, groups=1, absent="1 images of 1 groups; it takes 8 of 2"),
    }
    path = records.write(tmp_path, replace(made, slices=good))
    assert records.read(path).slices == good
    for bad in (records.Slice(n=9999, groups=2, value=1.0), records.Slice(n=3, groups=4, value=1.0)):
        with pytest.raises(BenchError, match=r"field slices\.dark: expected 1 to"):
            records.write(tmp_path, replace(made, slices={"dark": bad}))


def test_overflowing_number_is_not_taken_for_infinity(tmp_path: Path) -> None:
    path = records.write(tmp_path, sample_record())
    path.write_text(path.read_text().replace('"value": 12.0', '"value": 1e999'))
    with pytest.raises(BenchError, match=r"scores\.ciede2000\.value"):
        records.read(path)


def test_a_score_has_a_value_or_a_reason(tmp_path: Path) -> None:
    made = sample_record()
    for change in ({"absent": "why"}, {"value": None}):
        bad = replace(made, scores={"ciede2000": replace(made.scores["ciede2000"], **change)})
        with pytest.raises(BenchError, match=r"scores\.ciede2000: expected either a value or the reason"):
            records.write(tmp_path, bad)


def test_a_record_under_another_name_is_refused(tmp_path: Path) -> None:
    path = records.write(tmp_path, sample_record())
    path.rename(tmp_path / "copy.json")
    with pytest.raises(BenchError, match=r"copy\.json: its contents say that it is open-v1-64px\.anime"):
        records.read_all(tmp_path)


def test_signature_says_how_the_number_was_made() -> None:
    split = sample_record().split
    made = signature("CIEDE2000|D65/2deg,k1", split)
    assert made == f"CIEDE2000|D65/2deg,k1|64|n192|png8|{split.key}|bench0.1"
    assert signature("CIEDE2000|D65/2deg,k1", split, 191) != made
    assert signature("CIEDE2000|D65/2deg,k1", replace(split, size=128), 192) != made


def test_records_statistics_boards_and_reports_run_without_torch() -> None:
    """A subprocess in which importing torch fails reads, ranks and renders."""
    program = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "lightning"):
            raise ImportError(name + " must not be imported")
sys.meta_path.insert(0, Blocked())
import bench.records, bench.statistics, bench.leaderboard, bench.report
from test_records import sample_record
from pathlib import Path
import tempfile
with tempfile.TemporaryDirectory() as folder:
    written = bench.report.render([sample_record()], Path(folder), Path(folder) / "reports")
    assert len(written) == 3
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# Schemas, and the fast reading beside the one that finds the words.

WHOLE = replace(
    sample_record(flags=("smoke budget",), groups=2),
    slices={"hour:night": records.Slice(n=9, groups=3, value=4.0, low=3.0, high=5.5)},
    groups={"g1": 11.5, "g2": 12.5},
)


def plain(record: Record, folder: Path) -> dict[str, Any]:
    return json.loads(records.write(folder, record).read_text())


def test_a_file_of_schema_1_is_read_and_its_cost_is_unknown(tmp_path: Path) -> None:
    content = plain(sample_record(), tmp_path)
    new = records.decode(json.dumps(content).encode())
    content["schema"] = 1
    del content["cost"]["flops"], content["cost"]["memory_bytes"], content["means"]
    old = records.decode(json.dumps(content).encode())
    assert old == new == records.parse(content)
    assert (old.cost.flops, old.cost.memory_bytes, old.cost.images_per_second) == (None, None, 812.0)
    assert plain(old, tmp_path)["schema"] == records.SCHEMA
    with pytest.raises(BenchError, match=r"field means: a record of schema 1 has none"):
        records.parse(content | {"means": {}})
    content["cost"]["flops"] = 7
    with pytest.raises(BenchError, match=r"field cost\.flops: a record of schema 1 has none"):
        records.parse(content)
    content["cost"] = 7
    with pytest.raises(BenchError, match="field cost: expected an object, got 7"):
        records.parse(content)


def test_every_older_schema_has_a_migration() -> None:
    assert set(records.MIGRATIONS) == set(range(1, records.SCHEMA))


def test_a_newer_schema_is_refused_in_a_line_that_says_to_upgrade(tmp_path: Path) -> None:
    content = plain(sample_record(), tmp_path)
    content["schema"] = records.SCHEMA + 1
    path = tmp_path / "new.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"new\.json: field schema: expected 2 or older, got 3, .*upgrade") as raised:
        records.read(path)
    assert "\n" not in str(raised.value)


def test_operations_and_memory_are_written_and_read_back(tmp_path: Path) -> None:
    cost = records.Cost(parameters=7, images_per_second=2.5, flops=10**13, memory_bytes=2**33)
    made = sample_record(cost=cost)
    assert records.read(records.write(tmp_path, made)).cost == cost


def test_groups_tell_what_the_value_tells() -> None:
    """Ranks are computed from the groups, the board prints the value."""
    sound = sample_record(groups=2)
    for groups, why in (
        ({"a": 12.0}, "each of the 2 groups, got 1"),
        ({"a": 17.0, "b": 18.0}, r"means whose mean is the value, 12\.000000, got 17\.5"),
    ):
        with pytest.raises(BenchError, match=why):
            records.parse(json.loads(records.encode(replace(sound, groups=groups))))
    outside = replace(sound.scores["ciede2000"], low=13.0, high=14.0)
    with pytest.raises(BenchError, match=r"scores\.ciede2000\.value: expected a value within its interval"):
        records.parse(json.loads(records.encode(replace(sound, scores={"ciede2000": outside}))))


def test_means_stand_for_all_groups_or_none() -> None:
    groups = {"a": 11.0, "b": 13.0}
    sound = replace(sample_record(groups=2), groups=groups, means={"psnr": (20.0, None)})
    assert records.parse(folder._content(sound)) == sound
    with pytest.raises(BenchError, match=r"means\.psnr: expected a mean, or null, for each of the 2 groups, got 1"):
        records.parse(
            json.loads(records.encode(replace(sample_record(groups=2), groups=groups, means={"psnr": (20.0,)})))
        )


@pytest.mark.parametrize(
    "path",
    [
        ("entry",),
        ("split",),
        ("scores", "ciede2000"),
        ("slices", "dark"),
        ("training",),
        ("cost",),
        (),
    ],
)
def test_an_unknown_field_is_refused_wherever_it_stands(tmp_path: Path, path: tuple[str, ...]) -> None:
    content = plain(sample_record(slices={"dark": records.Slice(n=9, groups=3, value=4.0)}), tmp_path)
    _set(*path, "surprise", to=1)(content)
    where = r"\.".join((*path, "surprise"))
    with pytest.raises(BenchError, match=f"field {where}: expected one of"):
        records.decode(json.dumps(content).encode())


def test_sound_files_are_read_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [sample_record(seed=seed) for seed in range(3)]
    paths = [records.write(tmp_path, record) for record in made]
    content = json.loads(paths[0].read_text()) | {"schema": 1, "cost": {}}
    del content["means"]
    paths[0].write_text(json.dumps(content))

    def never(content: object) -> Record:
        raise AssertionError("the slow way")

    monkeypatch.setattr(folder, "parse", never)
    assert records.read_all(tmp_path)[1:] == made[1:]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_fast_reading_takes_nothing_that_the_slow_one_refuses(data: st.DataObject) -> None:
    content = json.loads(json.dumps(folder._content(WHOLE)))
    here: Any = content
    while True:
        key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        if not isinstance(here[key], (dict, list)) or not here[key] or data.draw(st.booleans()):
            break
        here = here[key]
    if isinstance(here, dict) and data.draw(st.booleans()):
        del here[key]
    else:
        here[key] = data.draw(JSON)
    text = json.dumps(content)
    found = folder._sound(text.encode())
    if found is not None:
        try:
            check(found)
        except BenchError:
            found = None
    expected, said = None, ""
    try:
        expected = records.parse(json.loads(text))
    except BenchError as error:
        said = str(error)
    assert found is None or found == expected
    # Every fault is told where there is one, the first among them, and none where there is none.
    wrong = records.judge(json.loads(text))
    assert (said in wrong) if expected is None else not wrong


def test_half_a_character_is_written_nowhere(tmp_path: Path) -> None:
    made = sample_record()
    assert made.training is not None
    for bad in (
        replace(made, command="\ud800"),
        replace(made, machine={"cpu": "\ud800"}),
        replace(made, machine={"\ud800": 1}),
        replace(made, versions={"\ud800": "1"}),
        replace(made, training=replace(made.training, recipe={"stages": [{"name": "\udfff"}]})),
    ):
        with pytest.raises(BenchError, match="text"):
            records.write(tmp_path, bad)
    assert list(tmp_path.iterdir()) == []


def test_the_committed_json_schema_is_current() -> None:
    committed = (Path(__file__).parents[1] / "docs" / "records.schema.json").read_text(encoding="utf-8")
    made = json.dumps(records.json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert committed == made, "run: bench records schema > docs/records.schema.json"


TYPES = {"scores.ciede2000.value", "split.groups", "flags[0]", "surprise", "scores.ciede2000.colour", "cost.parameters"}


def test_the_json_schema_takes_records_and_refuses_wrong_types(tmp_path: Path) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(records.json_schema())
    content = plain(WHOLE, tmp_path)
    validator.validate(content)
    for name in TYPES:
        damaged = json.loads(json.dumps(content))
        DAMAGES[name](damaged)
        assert not validator.is_valid(damaged), name
