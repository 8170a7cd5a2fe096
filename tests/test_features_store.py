"""What is kept of a split's targets: read back whole, made again when damaged, never taken for something else."""

import numpy as np
import pytest

from bench.errors import BenchError
from bench.features.store import known
from bench.metrics.distribution import Gaussian, fid


class Counting:
    """An extractor of plain numbers that counts how often it is asked."""

    def __init__(self, definition="plain", width=6):
        self.definition, self.width, self.calls = definition, width, 0

    def __call__(self, images):
        self.calls += 1
        return images.reshape(len(images), -1)[:, : self.width].astype(np.float32)


def images(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("n", [5, 40])
def test_features_are_made_once(tmp_path, n):
    extractor, targets = Counting(), images(n)
    made = known("d1", targets, extractor, tmp_path)
    again = known("d1", targets, extractor, tmp_path)
    assert extractor.calls == 1
    assert len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(again.features, made.features)
    np.testing.assert_array_equal(again.gaussian.mean, made.gaussian.mean)
    np.testing.assert_array_equal(again.gaussian.root, made.gaussian.root)
    assert again.gaussian.n == n
    other = images(n, seed=1).reshape(n, -1)[:, :6]
    assert again.gaussian.distance(other) == fid(other, made.features)


def test_another_split_extractor_or_number_is_another_file(tmp_path):
    targets = images(20)
    known("d1", targets, Counting(), tmp_path)
    for digest, extractor, some in (
        ("d2", Counting(), targets),
        ("d1", Counting("other"), targets),
        ("d1", Counting(), targets[:10]),
    ):
        assert len(known(digest, some, extractor, tmp_path).features) == len(some)
        assert extractor.calls == 1


def test_a_damaged_file_is_made_again(tmp_path):
    targets = images(40)
    made = known("d1", targets, Counting(), tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for place in (0, 9, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 64
        for content in (bytes(damaged), whole[:place]):
            path.write_bytes(content)
            extractor = Counting()
            np.testing.assert_array_equal(known("d1", targets, extractor, tmp_path).features, made.features)
            assert extractor.calls == 1, place
            assert path.read_bytes() == whole
    moved = path.with_name(path.name.replace("d1", "d3"))
    path.rename(moved)
    extractor = Counting()
    known("d3", targets, extractor, tmp_path)
    assert extractor.calls == 1, "a renamed file must not serve another split"


def test_without_a_folder_nothing_is_kept(tmp_path):
    extractor = Counting()
    for _ in range(2):
        known("d1", images(5), extractor, None)
    assert extractor.calls == 2
    with pytest.raises(BenchError, match="at least 2"):
        known("d1", images(1), extractor, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_gaussian_refuses_features_of_another_width():
    with pytest.raises(BenchError, match="one width; got 6 and 5"):
        Gaussian.fit(images(9).reshape(9, -1)[:, :5]).distance(images(9).reshape(9, -1)[:, :6])
