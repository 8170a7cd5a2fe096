"""What a model painted is kept without loss, serves what it was made for and nothing else, and is never half there."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.errors import BenchError
from bench.predictions import Origin, find, keeping
from bench.predictions.store import code

SIDE = 24
SHAPE = (SIDE, SIDE, 3)


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


ORIGIN = Origin(split="ab" * 32, track="gray", model="cd" * 32)
MANY = tuple(f"i{number:03d}" for number in range(37))


def keep(home: Path, ids: tuple[str, ...], predictions: np.ndarray, **notes: float) -> None:
    with keeping(home, "stem", ORIGIN, ids, notes) as add:
        add(predictions)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    keep(tmp_path, MANY, noise(37), seconds=1.5)
    return tmp_path


def ask(home: Path, origin: Origin = ORIGIN, ids: tuple[str, ...] = MANY, side: int = SIDE) -> np.ndarray | None:
    found = find(home, "stem", origin, ids, (len(ids), side, side, 3))
    return None if found is None else np.concatenate([piece for _, piece in found.chunks()])


def test_what_is_kept_comes_back_bit_by_bit(store: Path) -> None:
    np.testing.assert_array_equal(ask(store), noise(37))
    found = find(store, "stem", ORIGIN, MANY, (37, *SHAPE))
    assert found is not None
    assert found.notes == {"seconds": 1.5}
    pieces = list(found.chunks(20))
    assert [(rows.start, rows.stop) for rows, _ in pieces] == [(0, 32), (32, 37)]
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), noise(37))


def test_extremes_survive_the_differences(tmp_path: Path) -> None:
    pictures = np.random.default_rng(1).choice(np.array([0, 1, 127, 128, 255], np.uint8), (3, 11, 17, 3))
    keep(tmp_path, MANY[:3], pictures)
    found = find(tmp_path, "stem", ORIGIN, MANY[:3], pictures.shape)
    assert found is not None
    np.testing.assert_array_equal(next(found.chunks())[1], pictures)


def test_pieces_of_any_length_are_kept(tmp_path: Path) -> None:
    notes: dict[str, float] = {}
    with keeping(tmp_path, "stem", ORIGIN, MANY, notes) as add:
        for start, stop in ((0, 1), (1, 20), (20, 20), (20, 37)):
            add(noise(37)[start:stop])
        notes["seconds"] = 2.0
    np.testing.assert_array_equal(ask(tmp_path), noise(37))
    found = find(tmp_path, "stem", ORIGIN, MANY, (37, *SHAPE))
    assert found is not None
    assert found.notes == {"seconds": 2.0}


def test_it_serves_no_other_split_track_model_ids_or_size(store: Path) -> None:
    assert ask(store, Origin("00" * 32, ORIGIN.track, ORIGIN.model)) is None
    assert ask(store, Origin(ORIGIN.split, "lineart-canny", ORIGIN.model)) is None
    assert ask(store, Origin(ORIGIN.split, ORIGIN.track, "00" * 32)) is None
    assert ask(store, ids=MANY[::-1]) is None
    assert ask(store, ids=MANY[:-1]) is None
    assert ask(store, side=SIDE // 2) is None
    assert find(store, "other", ORIGIN, MANY, (37, *SHAPE)) is None
    assert ask(store) is not None


def test_no_byte_of_it_can_change_unseen(store: Path) -> None:
    """A flipped bit anywhere gives the right pictures, where nothing depends on it, or none; a cut file none."""
    path = store / "predictions" / "stem.kept"
    whole, right, lost = path.read_bytes(), noise(37), 0
    for place in [*range(0, len(whole), 997), *range(len(whole) - 400, len(whole), 7)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        read = ask(store)
        lost += read is None
        assert read is None or (read == right).all()
    assert lost > 40
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert ask(store) is None
    np.savez(store / "foreign.npz", images=right, ids=np.array(MANY))
    for foreign in (b"hello", b"PK\5\6" + bytes(18), (store / "foreign.npz").read_bytes()):
        path.write_bytes(foreign)
        assert ask(store) is None
    keep(store, MANY, right)
    np.testing.assert_array_equal(ask(store), right)


def test_a_file_of_another_version_is_made_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.predictions.store.VERSION", 2)
    assert ask(store) is None


def test_what_was_kept_stays_until_the_new_is_whole(store: Path) -> None:
    with pytest.raises(BenchError, match="got 20 for 37 ids"), keeping(store, "stem", ORIGIN, MANY) as add:
        add(noise(20))

    def cut() -> None:
        with keeping(store, "stem", ORIGIN, MANY) as add:
            add(noise(37, seed=1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut()
    with pytest.raises(BenchError, match=r"must be uint8 .* got float64"):
        keep(store, MANY, noise(37) / 255)
    np.testing.assert_array_equal(ask(store), noise(37))
    assert [path.name for path in (store / "predictions").iterdir()] == ["stem.kept"]


def test_kept_drawings_take_less_than_their_pngs(tmp_path: Path) -> None:
    y, x = np.mgrid[0:64, 0:64]
    flat = np.stack([(x // 9 * 31 + y // 13 * 57 + shift) % 256 for shift in (0, 40, 90)], -1).astype(np.uint8)
    pictures = np.stack([np.roll(flat, 5 * turn, 0) for turn in range(16)])
    keep(tmp_path, MANY[:16], pictures)
    pngs = sum(len(cv2.imencode(".png", picture)[1].tobytes()) for picture in pictures)
    assert (tmp_path / "predictions" / "stem.kept").stat().st_size < pngs / 2


MODEL = '''"""A model."""
import numpy as np
from baselines import _losses
from . import nets
from .colours import SCALE
import toy_plugin.parts.blocks
SCALES = 3 * SCALE
"""Of colours."""
def build():
    from toy_plugin.late import build
    return build(nets)
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "toy_plugin"
    (folder / "parts").mkdir(parents=True)
    for package in ("toy_plugin", "toy_plugin.parts"):  # those of the test before
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    texts = {
        "__init__": "",
        "model": MODEL,
        "nets": "DEPTH = 1",
        "colours": "SCALE = 1",
        "late": "raise SystemExit",
        "other": "",
        "parts/blocks": "",
    }
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def digest(*modules: str) -> str:
    code.cache_clear()
    return code(*modules)


@pytest.mark.parametrize("name", ["model", "nets", "colours", "late", "__init__", "parts/blocks"])
def test_code_is_that_of_a_module_and_of_its_own_packages_that_it_imports(plugin: Path, name: str) -> None:
    before, path = digest("toy_plugin.model"), plugin / f"{name}.py"
    path.write_text(f'# Said otherwise.\n{path.read_text()}\n"""And more."""\n'.replace("A model", "Another"))
    (plugin / "other.py").write_text("DEPTH = 9")
    assert digest("toy_plugin.model") == before
    path.write_text(f"{path.read_text()}\nMORE = 1\n")
    assert digest("toy_plugin.model") != before
    assert digest("toy_plugin.model") == code("toy_plugin.model")


def test_code_follows_the_shared_blocks_and_a_package_but_not_the_registry_nor_the_harness(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[str, str] = {}
    monkeypatch.setattr("bench.predictions.store.json.dumps", lambda found, **_: taken.update(found) or "{}")

    def followed(name: str) -> set[str]:
        taken.clear()
        digest(name)
        return set(taken)

    found = followed("toy_plugin.model")
    assert {"toy_plugin.model", "toy_plugin.nets", "toy_plugin.late", "baselines._losses"} <= found
    assert not found & {"baselines", "bench.types", "bench.errors", "toy_plugin.other"}
    found = followed("baselines.camizan2023_resnet34_gan")
    assert {"baselines._patchgan", "baselines._resnet_unet", "baselines._colorizer"} <= found
    assert not found & {"baselines", "baselines.cgan", "bench.color"}
    found = followed("bench.exported")
    assert {f"bench.exported{name}" for name in ("", ".convention", ".program", ".operators", ".onnx_model")} <= found
    assert all(name.startswith("bench.exported") for name in found)
    assert followed("bench.color") == {"bench.color"}
