"""Folders in object storage: whole or not at all, on two kinds of it."""

import hashlib
import json
from pathlib import Path

import pytest
from toys import store_url

from bench.cluster.storage import MANIFEST, Store
from bench.errors import BenchError
from bench.files import PART


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return store_url(request.param, tmp_path)


def made(place: Path, **files: str) -> Path:
    for name, text in files.items():
        (place / "inner").mkdir(parents=True, exist_ok=True)
        (place / "inner" / name).write_text(text)
    return place


def held(place: Path) -> dict[str, str]:
    return {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}


def test_a_folder_comes_back_as_it_was_and_a_newer_one_replaces_it(url: str, tmp_path: Path) -> None:
    there, here = Store(url), Store(url)
    assert not here.get("a/b", tmp_path / "got")
    there.put(made(tmp_path / "one", x="1", y="2"), "a/b")
    (tmp_path / "one" / ".hidden.part").write_text("under way")
    assert here.get("a/b", tmp_path / "got")
    assert held(tmp_path / "got") == {"inner/x": "1", "inner/y": "2"}
    there.put(made(tmp_path / "two", x="3"), "a/b")
    assert here.get("a/b", tmp_path / "got")
    assert held(tmp_path / "got") == {"inner/x": "3"}
    assert len(there._system.ls(f"{there._root}/a/b")) == 2  # the manifest and the one file it names


def test_what_another_command_is_storing_stays(url: str, tmp_path: Path) -> None:
    """Two grids share one collection: one may put it whole while the other is in the middle of a file."""
    one, other = Store(url), Store(url)
    one.put(made(tmp_path / "one", x="1"), "a")
    halfway = f"{one._root}/a/{'0' * 64}.abc.part"
    one._system.pipe_file(halfway, b"half")
    other.put(made(tmp_path / "two", x="2"), "a")
    assert one._system.exists(halfway)
    assert one.get("a", tmp_path / "got")
    assert held(tmp_path / "got") == {"inner/x": "2"}


def test_a_folder_that_was_cut_while_it_was_stored_is_as_before(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(url)
    true = Store._write

    def cut(self: Store, place: str, data: bytes) -> None:
        if place.endswith(MANIFEST):
            raise KeyboardInterrupt
        true(self, place, data)

    for before in ({}, {"inner/x": "1"}):
        if before:
            store.put(made(tmp_path / "one", x="1"), "a")
        monkeypatch.setattr(Store, "_write", cut)
        with pytest.raises(KeyboardInterrupt):
            store.put(made(tmp_path / "two", x="2", y="2"), "a")
        monkeypatch.setattr(Store, "_write", true)
        assert store.get("a", tmp_path / "got") == bool(before)
        assert not before or held(tmp_path / "got") == before


def test_a_damaged_file_is_refused_and_the_folder_here_stays(url: str, tmp_path: Path) -> None:
    store = Store(url)
    store.put(made(tmp_path / "one", x="1"), "a")
    stored = next(p for p in store._system.ls(f"{store._root}/a", detail=False) if not p.endswith(MANIFEST))
    store._system.pipe_file(stored, b"2")
    made(tmp_path / "got", x="mine")
    with pytest.raises(BenchError, match=r"a in the store .* is damaged"):
        store.get("a", tmp_path / "got")
    assert held(tmp_path / "got") == {"inner/x": "mine"}


@pytest.mark.parametrize("cut", [b"", b"{", b"[]", b'{"files": {}, "sha256": "0"}'])
def test_a_manifest_that_was_cut_is_none(url: str, tmp_path: Path, cut: bytes) -> None:
    store = Store(url)
    store.put(made(tmp_path / "one", x="1"), "a")
    store._system.pipe_file(f"{store._root}/a/{MANIFEST}", cut)
    assert not store.get("a", tmp_path / "got")


@pytest.mark.parametrize(
    "files", [{"../evil": "0"}, {"a/../../evil": "0"}, {"/evil": "0"}, {"": "0"}, {"a\0": "0"}, ["x"]]
)
def test_no_file_goes_outside_the_folder(url: str, tmp_path: Path, files: object) -> None:
    store = Store(url)
    store.put(made(tmp_path / "one", x="1"), "a")
    store._system.pipe_file(f"{store._root}/a/0", b"1")
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    store._system.pipe_file(f"{store._root}/a/{MANIFEST}", json.dumps({"files": files, "sha256": digest}).encode())
    assert not store.get("a", tmp_path / "got")
    assert not list(tmp_path.rglob("evil"))


def test_an_unknown_place_is_said_in_one_line() -> None:
    with pytest.raises(BenchError, match="--store nowhere://x"):
        Store("nowhere://x")


def test_what_a_killed_process_had_fetched_goes_with_the_next_folder(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.files._swept", set())
    store = Store(url)
    store.put(made(tmp_path / "one", x="1"), "a")
    left = made(tmp_path / f".fetched-left{PART}", x="0")
    assert store.get("a", tmp_path / "got")
    assert not left.exists()
    assert not list(tmp_path.glob(".fetched-*"))


def test_folders_are_named_and_removed_and_a_file_lies_as_it_is(url: str, tmp_path: Path) -> None:
    store = Store(url)
    assert store.names("a") == []
    store.remove("a/b")  # there is none
    for name in ("a/c", "a/b/d", "other"):
        store.put(made(tmp_path / "one", x="1"), name)
    assert store.names("a") == ["a/b/d", "a/c"]
    assert store.names("") == ["a/b/d", "a/c", "other"]
    assert store.files("a/c") == ["inner/x"]
    store.remove("a/c")
    assert store.names("a") == ["a/b/d"]
    assert store.files("a/c") == []
    for text in ("1", "2"):
        (tmp_path / "x").write_text(text)
        store.put_file(tmp_path / "x", "records/x")
        assert store._system.cat_file(f"{store._root}/records/x") == text.encode()
