"""The page for users with a model of their own: every block of it works as it stands."""

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import DOCS, entered, play, read, small

import baselines
from bench import records
from bench.exported.convention import parse

PAGE = (DOCS / "your-own-model.md").read_text(encoding="utf-8")
BLOCKS = read("your-own-model.md")


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with small():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder, with the examples where the page says."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(DOCS / "examples", folder / "docs" / "examples")
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return entered(place, monkeypatch)


def names(folder: Path) -> set[str]:
    return {record.entry.name for record in records.read_all(folder / "leaderboards/records")}


def commands(word: str) -> str:
    (block,) = [block for block in blocks("sh") if word in block]
    return block


def test_every_block_has_a_test() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "json", "toml"}
    assert len(blocks("sh")) == 4
    assert len(blocks("json")) == 2
    assert len(blocks("toml")) == 1


def test_every_link_leads_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_folder_of_pictures(here: Path) -> None:
    printed = play(commands("paint_folder"))
    assert "my-pictures" in printed
    assert "my-pictures" in names(here)


def test_an_exported_program(here: Path) -> None:
    play(commands("export_pt2"))
    assert "my-model" in names(here)
    assert json.loads((here / "my-model.json").read_text()) == json.loads(blocks("json")[0])


@pytest.mark.filterwarnings("ignore")  # the exporter's own
def test_an_onnx_file(here: Path) -> None:
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason="pip install -e '.[onnx]' onnxscript")
    play(commands("export_onnx"))
    assert "lab-model" in names(here)


@pytest.mark.parametrize("text", blocks("json"))
def test_the_conventions_are_sound(text: str) -> None:
    assert parse(text, "the page").facts() == json.loads(text)


def test_the_keys_of_the_table_are_those_that_are_read() -> None:
    told = set(re.findall(r"^\| `([a-z.]+)` \|", PAGE.partition("| Channels |")[0], re.M))
    facts = parse(blocks("json")[1], "the page").facts()
    assert told == {"schema", "name", "track", "input.channels", "input.range", "size", "resize", "batch",
                    "output.space", "output.range", "output.scale"}  # fmt: skip
    assert {key.partition(".")[0] for key in told} == facts.keys() | {"batch"}


def test_a_package_with_an_entry_point(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads(blocks("toml")[0])["project"]
    site = here / "site"
    metadata = site / f"my_colors-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((group, entries),) = project["entry-points"].items()
    (metadata / "entry_points.txt").write_text(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()))
    shutil.copy(DOCS / "examples" / "my_net.py", site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "my_net", raising=False)
    assert "my-net" in baselines.names()
    printed = play(commands("my-net"))
    assert "My net" in printed
    assert "my-net@cartoon" in names(here)
