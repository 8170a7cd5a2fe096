"""Known data sets: every layout in miniature, every wrong download in one line, the leak only where it is asked for."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from miniatures import SIZE, add, blocks, layout, save, sides, stored
from PIL import Image

from bench.data import png, recipes
from bench.data.building import Draft
from bench.data.loading import load
from bench.data.manifest import read, verify
from bench.data.recipes.preparing import LEGACY, shuffled
from bench.data.recipes.recipe import Shuffle
from bench.errors import BenchError
from bench.types import Track


@pytest.mark.parametrize("id", recipes.names())
def test_every_recipe_reads_its_layout(id, tmp_path):
    root, done = layout(id, tmp_path / "in"), []
    made = add(tmp_path / "home", id, root, report=lambda *now: done.append(now))
    assert read(made.root) == made
    assert verify(made) == []
    assert made.collection == id
    assert set(made.domains) <= set(recipes.load(id).domains or ["anime"])
    assert {"train", "val", "test"} <= set(sides(made))
    assert any(note.startswith(f"recipe {id}:") for note in made.notes)
    assert done[-1][0] == done[-1][1]
    assert add(tmp_path / "home", id, root) == made
    assert len(done) == done[-1][1]


@pytest.mark.parametrize("id", recipes.names())
def test_every_recipe_says_what_a_person_needs(id):
    recipe = recipes.load(id)
    assert recipe.id == id
    for said in (recipe.title, recipe.where, recipe.licence, recipe.sampling, recipe.size, recipe.groups):
        assert said
        assert "\n" not in said
    assert recipe.layout.startswith(f"`{id}`: ")
    assert all(count.source for count in recipe.counts)
    assert all(part.count is None or recipe.counts for part in recipe.parts)


def test_only_papers_that_shuffled_frames_have_a_leak_to_measure():
    assert [id for id in recipes.names() if recipes.load(id).shuffle] == ["sk8-infinity", "pokemon"]


def test_unknown_recipes_get_the_nearest(tmp_path):
    with pytest.raises(BenchError, match=r"unknown recipe 'pokemons'.*Did you mean pokemon\?"):
        recipes.add(tmp_path, "pokemons", tmp_path, SIZE)


def test_the_sketch_becomes_the_page_and_the_published_val_the_test(tmp_path):
    made = add(tmp_path / "home", "anime-sketch-pair", layout("anime-sketch-pair", tmp_path / "in"))
    assert {item.source.split("/")[0] for item in made.items if item.split == "test"} == {"val"}
    assert sides(made)["test"] == 6
    item = next(item for item in made.items if item.source == "train/3.png")
    drawn = png.read(made.root / "anime" / f"{item.id}.page.png", (SIZE, SIZE))
    expected = np.asarray(blocks(5003, SIZE, SIZE, gray=True))[..., 0]
    assert np.abs(drawn.astype(int) - expected).mean() < 25
    shown = load(made.split("anime", "test"), Track.parse("lineart-drawn"))
    assert len(shown) == 6


def test_a_pair_the_wrong_way_round_is_refused(tmp_path):
    root = layout("anime-sketch-pair", tmp_path / "in")
    with Image.open(root / "val" / "20.png") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "val" / "20.png")
    save(root / "train" / "1.png", blocks(1))
    with pytest.raises(BenchError, match=r"train/1\.png \(48x48\), val/20\.png \(more colour on the right\)"):
        add(tmp_path / "home", "anime-sketch-pair", root)
    assert not list((tmp_path / "home").rglob("*.png"))
    made = add(tmp_path / "home", "anime-sketch-pair", root, skip_damaged=True)
    assert len(made.items) == 22
    assert len(made.left_out) == 2


def test_gray_pages_of_manga_are_left_out_and_volumes_stay_together(tmp_path):
    made = add(tmp_path / "home", "manga109", layout("manga109", tmp_path / "in"))
    assert {item.group for item in made.items} == {"ARMS", "LoveHina", "Akuhamu", "Belmondo"}
    assert len(made.items) + len(made.left_out) == 20
    assert sum(left.reason.startswith("gray") for left in made.left_out) == 10
    assert all(item.page for item in made.items)


def test_of_each_triplet_the_middle_frame_is_taken_and_films_stay_together(tmp_path):
    made = add(tmp_path / "home", "atd-12k", layout("atd-12k", tmp_path / "in"))
    assert len(made.items) == 12
    assert all("/frame2." in item.source for item in made.items)
    assert made.domains == ("cartoon", "anime")
    assert {item.group for item in made.items} == {
        *(f"Disney_v4_{n}" for n in (1, 3, 5)),
        *(f"Japan_v2_{n}" for n in (0, 2, 4)),
    }


def test_the_leaking_split_cannot_be_mistaken(tmp_path):
    root = layout("pokemon", tmp_path / "in")
    honest = add(tmp_path / "home", "pokemon", root)
    leaking = add(tmp_path / "home", "pokemon", root, legacy=True)
    assert leaking.collection == "pokemon-legacy-shuffled"
    assert leaking.notes[0].startswith("legacy-shuffled: THIS SPLIT LEAKS")
    assert "THIS SPLIT LEAKS" not in " ".join(honest.notes)
    assert {item.pixels for item in honest.items} <= {item.pixels for item in leaking.items}
    assert leaking.split("anime", "test").key != honest.split("anime", "test").key
    crossing = {i.group for i in leaking.items if i.split == "train"} & {
        i.group for i in leaking.items if i.split == "test"
    }
    assert crossing
    assert verify(honest) == []
    assert verify(leaking)
    named = add(tmp_path / "home", "pokemon", root, legacy=True, name="mine")
    assert named.collection == "mine" + LEGACY


def test_a_shuffle_keeps_the_papers_proportions_and_its_order(tmp_path):
    made = add(tmp_path / "home", "sk8-infinity", layout("sk8-infinity", tmp_path / "in"), legacy=True)
    total = len(made.items)
    assert sides(made) == {"test": round(total / 4), "train": total - round(total / 4)}
    again = add(tmp_path / "other", "sk8-infinity", tmp_path / "in", legacy=True)
    assert [item.split for item in again.items] == [item.split for item in made.items]
    drafts = [Draft(i.id, i.domain, i.group, i.source, i.pixels, i.page, 0) for i in made.items]
    other = shuffled(drafts, Shuffle(8, 1, 1, "why", seed=1))
    assert [item.split for item in other] != [item.split for item in made.items]
    assert {item.split for item in other} == {"train", "val", "test"}


def test_a_leak_is_refused_where_no_paper_had_it(tmp_path):
    root = layout("atd-12k", tmp_path / "in")
    with pytest.raises(BenchError, match="atd-12k has no legacy-shuffled split"):
        add(tmp_path / "home", "atd-12k", root, legacy=True)
    with pytest.raises(BenchError, match="given to collections whose split leaks"):
        add(tmp_path / "home", "atd-12k", root, name="films-legacy-shuffled")
    with pytest.raises(BenchError, match="belongs to a built-in collection"):
        add(tmp_path / "home", "atd-12k", root, name="open-v1")


def test_too_few_files_are_named_and_partial_ones_noted(tmp_path):
    root = layout("anime-sketch-pair", tmp_path / "in")
    with pytest.raises(BenchError, match=r"expects 14,224 files train/<number>\.png; .* has 18; .*--partial"):
        add(tmp_path / "home", "anime-sketch-pair", root, at_least=0.9)
    made = add(tmp_path / "home", "anime-sketch-pair", root, at_least=0)
    assert "18 of the 14,224 published files train/<number>.png" in made.notes
    with pytest.raises(BenchError, match=r"expects 109 folders images/<title>/<page>\.jpg; .* has 5;"):
        add(tmp_path / "home", "manga109", layout("manga109", tmp_path / "manga"), at_least=0.9)


@pytest.mark.parametrize(
    ("id", "deep"),
    [("anime-sketch-pair", "train"), ("atd-12k", "train_10k"), ("manga109", "images"), ("danbooru", "0003")],
)
def test_a_folder_too_deep_or_too_high_is_named(id, deep, tmp_path):
    root = layout(id, tmp_path / "outer" / "data")
    for given in (tmp_path, tmp_path / "outer"):
        with pytest.raises(BenchError) as caught:
            add(tmp_path / "home", id, given)
        assert f"{given} is too high, they lie in {root}; give that folder" in str(caught.value)
    with pytest.raises(BenchError) as caught:
        add(tmp_path / "home", id, root / deep)
    assert f"{root / deep} is too deep, it is {deep} of that; give {root}." in str(caught.value)
    assert not (tmp_path / "home").exists()


def test_a_missing_part_is_named(tmp_path):
    root = layout("anime-sketch-pair", tmp_path / "in")
    (root / "val").rename(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match=r"val/<number>\.png is missing, there are 18 files \(\.png\) in train; fetch"):
        add(tmp_path / "home", "anime-sketch-pair", root)


def test_frames_where_films_belong_are_named(tmp_path):
    save(tmp_path / "in" / "ep1" / "0001.png", blocks(1))
    with pytest.raises(BenchError, match=r"<episode>\.mp4 is missing, there are 1 files \(\.png\) in ep1"):
        add(tmp_path / "home", "pokemon", tmp_path / "in")


@pytest.mark.parametrize("id", ["anime-sketch-pair", "kaggle-cartoon", "pokemon", "huggingface"])
def test_an_archive_that_is_not_unpacked_is_named(id, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "archive.zip").write_bytes(b"PK")
    with pytest.raises(BenchError, match=r"archive\.zip is an archive that is not unpacked; unpack it"):
        add(tmp_path / "home", id, tmp_path / "in")


def test_an_archive_beside_half_of_the_files_is_named(tmp_path):
    root = layout("anime-sketch-pair", tmp_path / "in")
    (root / "val").rename(tmp_path / "elsewhere")
    (root / "val.tar.gz").write_bytes(b"")
    with pytest.raises(BenchError, match=r"val\.tar\.gz is an archive"):
        add(tmp_path / "home", "anime-sketch-pair", root)


def test_no_folder_and_an_empty_one_are_named(tmp_path):
    with pytest.raises(BenchError, match="does not exist; give what was unpacked"):
        add(tmp_path / "home", "danbooru", tmp_path / "nothing")
    with pytest.raises(BenchError, match="is a file; give what was unpacked"):
        add(tmp_path / "home", "danbooru", save(tmp_path / "a.png", blocks(1)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match="it is empty"):
        add(tmp_path / "home", "danbooru", tmp_path / "empty")


def test_other_files_under_the_same_name_are_refused(tmp_path):
    root = layout("danbooru", tmp_path / "in")
    made = add(tmp_path / "home", "danbooru", root)
    save(root / "0001" / "99001.jpg", blocks(77))
    with pytest.raises(BenchError, match="is already there, made from other files or options"):
        add(tmp_path / "home", "danbooru", root)
    assert read(made.root) == made


def test_a_limit_takes_the_same_files_everywhere(tmp_path):
    root = layout("danbooru", tmp_path / "in")
    made = add(tmp_path / "home", "danbooru", root, limit=10)
    assert len(made.items) + len(made.left_out) == 10
    assert "10 of the 24 files, chosen by the digests of their paths" in made.notes
    assert add(tmp_path / "other", "danbooru", root, limit=10).items == made.items
    with pytest.raises(BenchError, match="--limit must be at least 1"):
        add(tmp_path / "home", "danbooru", root, limit=0)


def test_cartoon_frames_without_folders_stand_alone(tmp_path):
    for number in range(20):
        save(tmp_path / "in" / f"{number:03}.png", blocks(number))
    made = add(tmp_path / "home", "kaggle-cartoon", tmp_path / "in")
    assert all(item.group == item.source for item in made.items)
    assert {"train", "val", "test"} <= set(sides(made))


def test_a_published_split_of_hugging_face_is_kept(tmp_path):
    made = add(tmp_path / "home", "huggingface", layout("huggingface", tmp_path / "in"))
    for item in made.items:
        assert {"train": "train", "validation": "val", "test": "test"}[item.source.split("/")[0]] == item.split
    with pytest.raises(BenchError, match="say their domain with --domain"):
        recipes.add(tmp_path / "home", "huggingface", tmp_path / "in", SIZE)
    with pytest.raises(BenchError, match="has a meaning of its own"):
        add(tmp_path / "home", "huggingface", tmp_path / "in", domain="mixed")
    with pytest.raises(BenchError, match="leave --domain manga out"):
        add(tmp_path / "home", "danbooru", tmp_path / "in", domain="manga")


def test_tables_of_hugging_face_are_read_row_by_row(tmp_path):
    root = tmp_path / "in"
    stored(root / "data" / "train-00000-of-00002.parquet", range(20))
    stored(root / "data" / "test-00000-of-00001.parquet", range(100, 106))
    made = add(tmp_path / "home", "huggingface", root)
    assert sides(made)["test"] == 6
    assert len(made.items) == 26
    assert "data/test-00000-of-00001.parquet row 3" in {item.source for item in made.items}
    assert verify(made) == []


def test_a_tenth_of_a_table_becomes_val_where_none_is_published(tmp_path):
    root = tmp_path / "in"
    stored(root / "data" / "train-00000-of-00001.parquet", range(80))
    stored(root / "data" / "test-00000-of-00001.parquet", range(100, 106))
    made = add(tmp_path / "home", "huggingface", root)
    assert 2 <= sides(made)["val"] <= 16
    assert sides(made) == {"train": 80 - sides(made)["val"], "val": sides(made)["val"], "test": 6}
    assert {item.split for item in made.items if "test-0" in item.source} == {"test"}
    assert add(tmp_path / "other", "huggingface", root).items == made.items
    stored(root / "data" / "validation-00000-of-00001.parquet", range(200, 206))
    whole = add(tmp_path / "third", "huggingface", root)
    assert sides(whole) == {"train": 80, "val": 6, "test": 6}


def test_a_column_of_groups_rules_the_split(tmp_path):
    names = {"series": [f"s{number // 4}" for number in range(24)]}
    stored(tmp_path / "in" / "train-00000-of-00001.parquet", range(24), names)
    made = add(tmp_path / "home", "huggingface", tmp_path / "in")
    assert {item.group for item in made.items} == {f"series s{number}" for number in range(6)}
    assert verify(made) == []


def test_tables_that_hold_no_images_are_named(tmp_path):
    table = tmp_path / "in" / "train.parquet"
    table.parent.mkdir()
    pq.write_table(pa.table({"text": ["a"]}), table)
    with pytest.raises(BenchError, match=r"train\.parquet \(the columns text\)"):
        add(tmp_path / "home", "huggingface", table.parent)
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = [{"bytes": None, "path": "/etc/passwd"}, {"bytes": b"no image", "path": None}]
    pq.write_table(pa.table({"image": pa.array(cells, kind)}), table)
    with pytest.raises(BenchError, match=r"row 0 \(none, perhaps a path\), .* row 1 \(something else\)"):
        add(tmp_path / "home", "huggingface", table.parent)
    table.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(BenchError, match=r"train\.parquet \(a damaged one"):
        add(tmp_path / "home", "huggingface", table.parent)


def test_other_formats_of_hugging_face_are_named(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "data-00000-of-00001.arrow").write_bytes(b"")
    with pytest.raises(BenchError, match=r"cache format; write the data set with its to_parquet"):
        add(tmp_path / "home", "huggingface", tmp_path / "in")
    own = layout("huggingface", tmp_path / "own")
    (own / "chromabench.json").write_text(json.dumps({}))
    with pytest.raises(BenchError, match="read it with `bench data import NAME"):
        add(tmp_path / "home", "huggingface", own)


def test_links_out_of_the_folder_are_not_read(tmp_path):
    root = layout("danbooru", tmp_path / "in")
    secret = save(tmp_path / "secret.jpg", blocks(555))
    (root / "0001" / "5001.jpg").symlink_to(secret)
    made = add(tmp_path / "home", "danbooru", root)
    assert "0001/5001.jpg" in {left.source for left in made.left_out}
    assert len(made.items) + len(made.left_out) == 25


def test_rows_are_plain_facts():
    rows = recipes.rows()
    assert [row["recipe"] for row in rows] == recipes.names()
    assert json.loads(json.dumps(rows)) == rows
    assert len({tuple(row) for row in rows}) == 1


@pytest.mark.parametrize("id", recipes.names())
def test_a_recipe_can_be_read(id):
    said = recipes.described(id)
    assert said.startswith(f"`{id}`: ")
    for part in recipes.load(id).parts:
        assert f"needs: {part.shown}" in said
    assert f"where: {recipes.load(id).where}" in said


def test_the_documentation_holds_the_table():
    page = Path(__file__).parents[1] / "docs" / "data-sets.md"
    assert recipes.markdown() in page.read_text(encoding="utf-8")
