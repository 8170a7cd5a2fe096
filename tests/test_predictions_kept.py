"""What a model painted is kept without loss, serves what it was made for and nothing else, and is never half there."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.errors import BenchError
from bench.predictions import Origin, find, keeping

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
