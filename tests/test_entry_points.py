"""Models of other packages: found through their metadata, checked when loaded, and never in the way of those here."""

import subprocess
import sys
from pathlib import Path

import pytest

import baselines
from bench.errors import BenchError
from bench.types import Entry

GOOD = """
from bench.types import Images
TITLE, SOURCE, TRACKS, SEES_TARGET = "Gray twice", "a test", ("gray",), False
def fit(train: Images):
    return lambda images: images.conditions[..., None].repeat(3, -1)
"""
TRAINED = """
from bench.types import Adam, Recipe, Stage
TITLE, SOURCE, TRACKS = "Trained", "a test", ("gray", "gray+hints")
RECIPE = Recipe(4, 100, (Stage("l1", 1.0, Adam(1e-3)),))
def build(size, width, weights=None):
    raise RuntimeError
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a package on the path: its metadata, its entry points, its module."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(package: str, entries: str, code: str = GOOD, module: str | None = None) -> str:
        module = module or f"plugin_{package.replace('-', '_')}_{abs(hash(tmp_path))}"
        folder = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[{baselines.GROUP}]\n{entries.replace('MODULE', module)}\n")
        (tmp_path / f"{module}.py").write_text(code)
        baselines._read.cache_clear()
        return module

    yield install
    baselines._read.cache_clear()


def reason(name: str) -> str:
    """Why a model is not loaded: one line, and the same among the problems."""
    with pytest.raises(BenchError) as caught:
        baselines.load(name)
    text = str(caught.value)
    assert "\n" not in text
    assert text in baselines.problems()
    assert name not in baselines.working()
    return text


def untouched() -> None:
    """What stands here is found and loaded whatever others do."""
    assert baselines.built_in() <= set(baselines.working())
    assert baselines.load("gray-copy").__name__ == "baselines.gray_copy"
    assert baselines.load("gray-copy").TITLE == "Gray copy"


def test_without_other_packages_the_folder_is_the_registry() -> None:
    files = {path.stem.replace("_", "-") for path in Path(baselines.__file__).parent.glob("[!_]*.py")}
    assert set(baselines.names()) == files
    assert baselines.problems() == []


def test_a_model_of_another_package_is_named_without_being_imported_and_then_loaded(install) -> None:
    module = install("their-colors", "their-model = MODULE")
    assert "their-model" in baselines.names()
    assert module not in sys.modules, "names() must import nothing"
    assert Entry.parse("their-model", baselines.names()) == Entry("their-model")
    assert baselines.load("their-model").TITLE == "Gray twice"
    assert "their-model" in baselines.working()
    assert baselines.problems() == []
    untouched()


def test_a_trained_model_of_another_package_can_stand_on_a_mix(install) -> None:
    install("their-colors", "their-net = MODULE", TRAINED)
    assert baselines.load("their-net").RECIPE.batch_size == 4
    assert Entry.parse("their-net@anime", baselines.names()).name == "their-net@anime"


def test_a_name_that_stands_here_cannot_be_taken(install) -> None:
    install("thief", "gray-copy = MODULE\nhonest = MODULE")
    (line,) = baselines.problems()
    assert line.startswith("the package thief registers a model 'gray-copy': chromabench itself has that model")
    assert "honest" in baselines.working(), "its other models stand"
    untouched()


@pytest.mark.parametrize("name", ["cartoon", "mixed", "all"])
def test_words_with_another_meaning_cannot_be_taken(install, name: str) -> None:
    install("thief", f"{name} = MODULE")
    assert "another meaning" in baselines.problems()[0]
    assert name not in baselines.names()


def test_two_packages_of_one_name_are_both_named_and_neither_is_loaded(install) -> None:
    first = install("first-colors", "their-model = MODULE")
    second = install("second-colors", "their-model = MODULE\nother-model = MODULE")
    with pytest.raises(BenchError, match="both register a model 'their-model'"):
        baselines.load("their-model")
    assert not {first, second} & set(sys.modules), "neither may be imported to find out"
    line = reason("their-model")
    assert "first-colors" in line
    assert "second-colors" in line
    assert baselines.load("other-model").TITLE == "Gray twice"
    untouched()


@pytest.mark.parametrize("name", ["My_Model", "a@b", "a+b", "../up", "x" * 65])
def test_a_bad_name_is_refused_with_its_package(install, name: str) -> None:
    install("sloppy", f"{name} = MODULE\ngood-name = MODULE")
    (line,) = baselines.problems()
    assert "sloppy" in line
    assert "lower-case" in line
    assert name not in baselines.names()
    assert "good-name" in baselines.names()
    untouched()


@pytest.mark.parametrize("value", ["MODULE:Model", "os; import this", "MODULE [extra]", "a/b"])
def test_an_entry_names_a_module_and_nothing_else(install, value: str) -> None:
    install("odd", f"odd-model = {value}")
    assert "expected a module" in baselines.problems()[0]
    assert "odd" in baselines.problems()[0]
    assert "odd-model" not in baselines.names()
    untouched()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import not_there_at_all", "ModuleNotFoundError"),
        ("raise RuntimeError('first\\nsecond')", "RuntimeError"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("this is no python", "SyntaxError"),
    ],
)
def test_a_package_that_cannot_be_imported_is_one_line(install, code: str, said: str) -> None:
    install("broken", "broken-model = MODULE", code)
    line = reason("broken-model")
    assert said in line
    assert "the package broken" in line
    untouched()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("TITLE, SOURCE", "_, SOURCE"), "lacks TITLE"),
        (('"a test"', "3"), "lacks SOURCE"),
        (('("gray",)', '"gray"'), "lacks TRACKS"),
        (('("gray",)', '("grey",)'), "unknown condition 'grey'"),
        (('("gray",)', '("lineart",)'), "written 'lineart-canny'"),
        (("def fit", "def fitted"), "it has neither"),
        (("SEES_TARGET = ", "SEEN = "), "lacks SEES_TARGET"),
        (("def fit", "RECIPE = 1\ndef fit"), "it has both"),
        (("def fit", "RECIPE = 1\ndef build"), "no bench.types.Recipe"),
    ],
)
def test_what_a_model_lacks_is_said_with_its_package(install, change: tuple[str, str], said: str) -> None:
    install("half-done", "half = MODULE", GOOD.replace(*change))
    line = reason("half")
    assert said in line
    assert "half-done" in line
    untouched()


def test_a_trained_model_needs_build(install) -> None:
    install("half-done", "half = MODULE", TRAINED.replace("def build", "def make"))
    assert "lacks build" in reason("half")


def test_damaged_metadata_takes_away_its_own_models_only(install, tmp_path: Path) -> None:
    install("damaged", "no equals sign here")
    install("whole", "whole-model = MODULE")
    assert "damaged" in baselines.problems()[0]
    assert "whole-model" in baselines.working()
    untouched()


def test_the_first_of_a_package_on_the_path_counts(install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("their-colors", "their-model = MODULE")
    older = tmp_path / "older" / "their_colors-0.9.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: their-colors\nVersion: 0.9\n")
    (older / "entry_points.txt").write_text(f"[{baselines.GROUP}]\nold-model = nowhere\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(older.parent)])
    assert "their-model" in baselines.names()
    assert "old-model" not in baselines.names()


def test_listing_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import baselines; assert 'gray-copy' in baselines.names()"
    subprocess.run([sys.executable, "-c", code], check=True)
