"""What splits tell of their images: columns in their order, regions and borders; nothing where nothing is known."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.data.collections import prepare_procedural, prepare_procedural_clips, prepare_slices
from bench.data.labels import Labels, boundaries, kinds, knows, labels, regions
from bench.data.manifest import Split
from bench.errors import BenchError

SIZE = 32


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def split(home: Path) -> Split:
    return prepare_procedural(home, SIZE, series=4, pictures=6, workers=1).split("anime", "test")


@pytest.fixture(scope="module")
def told(split: Split) -> Labels:
    found = labels(split)
    assert found is not None
    return found


def test_a_column_has_a_value_an_image_and_says_what_it_is(split: Split, told: Labels) -> None:
    assert len(told.names) == len(set(told.names)) >= 15
    for label in told:
        assert label.values.shape == (len(split),)
        assert label.values.dtype.kind in "bifU"
        assert len(label.description) > 15
    with pytest.raises(BenchError, match="no label is called 'weather'; the labels: slice, "):
        told["weather"]


def test_values_stand_in_the_splits_order(split: Split, told: Labels) -> None:
    turned = labels(dataclasses.replace(split, items=split.items[::-1]))
    assert turned is not None
    for name in ("size", "night", "people_share"):
        assert np.array_equal(turned[name], told[name][::-1])
    assert [id.startswith(shot) for id, shot in zip((i.id for i in split.items), told["shot"], strict=True)]
    assert set(told["series"]) == {"s03"}


def test_values_agree_with_each_other(told: Labels) -> None:
    assert np.array_equal(told["night"], told["hour"] == "night")
    assert np.array_equal(told["characters"], [len(cast.split("+")) for cast in told["cast"]])
    assert (told["largest_share"] <= np.maximum(told["people_share"], told["prop_share"]) + 1e-9).all()
    assert np.array_equal(told["prop_share"] > 0, told["prop"] != "")
    assert (told["people_share"] > 0.02).all()
    assert set(told["size"]) <= {"close", "medium", "two", "full", "wide"}
    assert not told["captions"].any()


def test_regions_and_borders(split: Split, told: Labels) -> None:
    for index in range(len(split)):
        found, names, edge = regions(split, index), kinds(split, index), boundaries(split, index)
        assert found.shape == edge.shape == (SIZE, SIZE)
        assert (found.dtype, edge.dtype) == (np.uint16, bool)
        assert found.max() == len(names) - 1 == told["regions"][index] - 1
        people = np.array([region.owner.startswith("c") and region.owner != "cat" for region in names])[found]
        assert people.mean() == pytest.approx(told["people_share"][index])
        assert 0 < edge.mean() < 1
    for wrong in (-1, len(split)):
        with pytest.raises(BenchError, match=f"has images 0 to {len(split) - 1}, not {wrong}"):
            regions(split, wrong)


def test_clips_and_slices_tell_the_same_columns(home: Path, told: Labels) -> None:
    clips = labels(prepare_procedural_clips(home, SIZE, series=4, clips=1, workers=1).split("cartoon", "test"))
    hard = labels(prepare_slices(home, SIZE, series=4, pictures=6, workers=1).split("manga", "test"))
    assert clips is not None
    assert hard is not None
    assert clips.names == hard.names == told.names
    assert len(set(clips["shot"])) == 1
    for name in ("captions", "dark", "large", "lookalike", "memory", "sketch"):
        assert np.array_equal(hard[name], hard["slice"] == name)
        assert hard[name].sum() == 6
    assert (hard["prop_share"][hard["large"]] > 0.35).all()
    assert hard["night"][hard["dark"]].all()
    assert all(cast.endswith("b") for cast in hard["cast"][hard["lookalike"]])


def test_a_folder_knows_nothing(split: Split) -> None:
    mine = dataclasses.replace(split, collection="my-show")
    assert not knows(mine)
    assert labels(mine) is None
    for tell in (regions, kinds, boundaries):
        with pytest.raises(BenchError, match="my-show holds no regions: only procedural-v1 and"):
            tell(mine, 0)


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys, bench.data.labels\n"
        "heavy = {'torch', 'pandas', 'cv2', 'bench.data.procedural'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
