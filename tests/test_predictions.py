"""Predictions from outside: every form that may be given, every fault named at once."""

import io
import json
import stat
import struct
import threading
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.errors import BenchError
from bench.predictions import Submission, Wanted, Watch, chunks, write_predictions
from bench.types import Images

SIDE = 24
SHAPE = (SIDE, SIDE, 3)
IDS = tuple(f"s00-{number:03d}" for number in range(7))


def read_all(path: Path, wanted: dict) -> dict:
    """Every split wanted, each in one array."""
    given = Submission(path, {place: Wanted.of(images) for place, images in wanted.items()})
    return {place: given.all(place) for place in wanted}


def noise(count: int = len(IDS), side: int = SIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


PICTURES = noise()


def encoded(picture: np.ndarray, suffix: str = ".png") -> bytes:
    """Any number of channels, in the order R, G, B, A."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    stored = cv2.cvtColor(picture, order[picture.shape[-1]]) if picture.ndim == 3 else picture
    return cv2.imencode(suffix, stored)[1].tobytes()


def image_set(ids: tuple[str, ...] = IDS, side: int = SIDE) -> Images:
    blank = np.zeros((len(ids), side, side, 3), np.uint8)
    return Images(ids, ids, blank, blank[..., 0])


def gathered(path: Path, ids: tuple[str, ...] = IDS, size: int = 3, watch: Watch | None = None) -> np.ndarray:
    """What `chunks` gives, which must come in order, without a hole, at most `size` at a time."""
    done, out = 0, np.zeros((len(ids), *SHAPE), np.uint8)
    for rows, piece in chunks(path, ids, SHAPE, size, watch):
        assert rows.start == done
        assert 0 < len(piece) == rows.stop - rows.start <= size
        out[rows], done = piece, rows.stop
    assert done == len(ids)
    return out


def as_folder(root: Path) -> Path:
    write_predictions(root / "out", image_set(), PICTURES)
    return root / "out"


def as_zip(root: Path, top: str = "", names: tuple[str, ...] = IDS, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(root / "out.zip", "w", method) as archive:
        for id, picture in zip(names, PICTURES, strict=True):
            archive.writestr(f"{top}{id}.png", encoded(picture))
        archive.writestr(f"{top}.DS_Store", b"")
        archive.writestr(f"__MACOSX/{top}._{IDS[0]}.png", b"")
    return root / "out.zip"


def as_npz(root: Path, packed: bool = False) -> Path:
    """In another order than the split's."""
    save = np.savez_compressed if packed else np.savez
    save(root / "out.npz", images=PICTURES[::-1], ids=np.array(IDS[::-1]))
    return root / "out.npz"


def as_arrays(root: Path, listed: bool = False) -> Path:
    (root / "arrays").mkdir()
    np.save(root / "arrays" / "images.npy", PICTURES[::-1])
    if listed:
        (root / "arrays" / "ids.json").write_text(json.dumps(IDS[::-1]), encoding="utf-8")
    else:
        (root / "arrays" / "ids.txt").write_text("\n".join(IDS[::-1]) + "\n", encoding="utf-8")
    return root / "arrays"


FORMS: dict[str, Callable[[Path], Path]] = {
    "folder": as_folder,
    "zip": as_zip,
    "zip, plain, in a folder": lambda root: as_zip(root, "my out/", method=zipfile.ZIP_STORED),
    "npz": as_npz,
    "npz, packed": lambda root: as_npz(root, packed=True),
    "npy and txt": as_arrays,
    "npy and json": lambda root: as_arrays(root, listed=True),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_pictures_in_the_splits_order(form: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(gathered(FORMS[form](tmp_path)), PICTURES)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_what_is_missing_and_what_is_too_much(form: str, tmp_path: Path) -> None:
    path = FORMS[form](tmp_path)
    with pytest.raises(BenchError, match=rf"1 missing new\b.*; 1 unexpected {IDS[0]}\b"):
        gathered(path, (*IDS[1:], "new"))


def test_pictures_of_any_memory_layout_are_written(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(PICTURES.transpose(0, 3, 1, 2))
    write_predictions(tmp_path / "out", image_set(), planes.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(gathered(tmp_path / "out"), PICTURES)


def broken(data: bytes) -> bytes:
    """One byte of the pixels is another."""
    place = data.index(b"IDAT") + 40
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """With one chunk more, before the pixels."""
    place = data.index(b"IDAT") - 4
    return data[:place] + chunk(kind, content) + data[place:]


def shortened(data: bytes) -> bytes:
    """Half of the pixels, with every length and checksum right."""
    place = data.index(b"IDAT") - 4
    length = int.from_bytes(data[place : place + 4], "big")
    half = data[place + 8 : place + 8 + length // 2]
    return data[:place] + chunk(b"IDAT", half) + data[place + 12 + length :]


ONE = PICTURES[0]
WHOLE = encoded(ONE)
PALETTE = (
    WHOLE[:25] + b"\3" + WHOLE[26:29] + struct.pack(">I", zlib.crc32(WHOLE[12:25] + b"\3" + WHOLE[26:29])) + WHOLE[33:]
)

FAULTS: dict[str, tuple[bytes, str]] = {
    "8 x 8": (encoded(noise(1, 8)[0]), r"of another size a\.png \(8 x 8\)"),
    "16-bit": (encoded(ONE.astype(np.uint16) * 257), r"16-bit a\.png"),
    "gray": (encoded(ONE[..., 0]), r"gray a\.png"),
    "alpha": (encoded(np.dstack([ONE, ONE[..., 0]])), r"with alpha a\.png"),
    "transparent colour": (with_chunk(WHOLE, b"tRNS", b"\0\1\0\1\0\1"), r"with alpha a\.png \(a transparent"),
    "animated": (with_chunk(WHOLE, b"acTL", bytes(8)), r"animated a\.png"),
    "palette": (PALETTE, r"with a palette a\.png"),
    "16-bit gray, small": (
        encoded(noise(1, 8)[0, ..., 0].astype(np.uint16)),
        r"^3 problems .*1 16-bit a\.png; 1 gray a\.png; 1 of another size a\.png",
    ),
    "JPEG": (encoded(ONE, ".jpg"), r"not PNG but JPEG a\.png"),
    "WebP": (encoded(ONE, ".webp"), r"not PNG but WebP a\.png"),
    "text": (b"hello", r"not PNG but something else a\.png"),
    "empty": (b"", r"truncated a\.png \(0 bytes\)"),
    "zeros": (bytes(100), r"truncated a\.png \(100 bytes\)"),
    "header only": (WHOLE[:33], r"truncated a\.png \(33 bytes\)"),
    "truncated": (WHOLE[:-1], r"truncated a\.png"),
    "half": (WHOLE[: len(WHOLE) // 2], r"truncated a\.png"),
    "one bit": (broken(WHOLE), r"damaged a\.png"),
    "half the pixels": (shortened(WHOLE), r"damaged a\.png"),
    "stuffed": (with_chunk(WHOLE, b"tEXt", bytes(2**21)), r"with too much in the file a\.png"),
}


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_picture_is_named_with_its_fault(fault: str, form: str, tmp_path: Path) -> None:
    data, expected = FAULTS[fault]
    path = tmp_path
    if form == "folder":
        (path / "a.png").write_bytes(data)
    else:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.png", data)
    with pytest.raises(BenchError, match=expected):
        gathered(path, ("a",))


def test_all_faults_of_all_splits_come_in_one_line_the_first_ten_of_a_kind_named(tmp_path: Path) -> None:
    ids = tuple(f"i{number:02d}" for number in range(30))
    for folder in ("test", "series"):
        write_predictions(tmp_path / folder, image_set(ids), noise(30))
    for id in ids[:12]:
        (tmp_path / "test" / f"{id}.png").unlink()
    (tmp_path / "test" / "i20.png").write_bytes(encoded(ONE, ".jpg"))
    (tmp_path / "series" / "i29.png").write_bytes(WHOLE[:-1])
    (tmp_path / "series" / "extra.txt").write_text("?", encoding="utf-8")
    wanted = {("cartoon", "test"): image_set(ids), ("cartoon", "series"): image_set(ids)}
    with pytest.raises(BenchError) as caught:
        read_all(tmp_path, wanted)
    said = str(caught.value)
    assert said.startswith(f"15 problems with the predictions in {tmp_path}: 12 missing test/i00.png, ")
    assert "test/i09.png, ...; 1 unexpected series/extra.txt; 1 not PNG but JPEG test/i20.png; " in said
    assert "1 truncated series/i29.png (" in said
    assert "i10.png" not in said
    assert "\n" not in said


def test_a_fault_in_the_second_split_is_found_before_the_first_one_ends(tmp_path: Path) -> None:
    """No picture after a fault is handed on, and the error says what is wrong with splits not yet read."""
    for folder in ("test", "series"):
        write_predictions(tmp_path / folder, image_set(), PICTURES)
    (tmp_path / "test" / f"{IDS[4]}.png").write_bytes(WHOLE[:-1])
    (tmp_path / "series" / f"{IDS[6]}.png").write_bytes(b"")
    wanted = {("cartoon", name): Wanted(IDS, SHAPE) for name in ("test", "series")}
    seen = []

    def score() -> None:
        for rows, _ in Submission(tmp_path, wanted).chunks(("cartoon", "test"), 2):
            seen.append((rows.start, rows.stop))

    with pytest.raises(BenchError, match=rf"2 truncated test/{IDS[4]}\.png .*, series/{IDS[6]}\.png"):
        score()
    assert seen == [(0, 2), (2, 4)]


@pytest.mark.parametrize("layout", ["cartoon/test", "cartoon", "test", ""])
@pytest.mark.parametrize("form", ["folder", "zip", "npz"])
def test_a_split_may_lie_at_four_places(form: str, layout: str, tmp_path: Path) -> None:
    names = tuple(f"{layout}/{id}".lstrip("/") for id in IDS)
    if form == "folder":
        path = tmp_path
        write_predictions(path / layout, image_set(), PICTURES)
    elif form == "zip":
        path = as_zip(tmp_path, names=names)
    else:
        path = tmp_path / "out.npz"
        np.savez(path, images=PICTURES, ids=np.array(names))
    read = read_all(path, {("cartoon", "test"): image_set()})
    np.testing.assert_array_equal(read["cartoon", "test"], PICTURES)


def test_one_picture_never_stands_for_two_domains(tmp_path: Path) -> None:
    path = as_folder(tmp_path)
    with pytest.raises(BenchError, match="would stand for cartoon/test and anime/test"):
        read_all(path, {("cartoon", "test"): image_set(), ("anime", "test"): image_set()})


def test_what_stands_twice_is_a_fault(tmp_path: Path) -> None:
    path = as_zip(tmp_path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(f"{IDS[2]}.png", encoded(PICTURES[3]))
    with pytest.raises(BenchError, match=rf"^1 problem .*1 duplicate {IDS[2]}\.png \(2 times\)"):
        gathered(path)
    np.savez(tmp_path / "twice.npz", images=PICTURES[[0, 0]], ids=np.array([IDS[0], IDS[0]]))
    with pytest.raises(BenchError, match=rf"1 duplicate {IDS[0]} \(2 times\)"):
        gathered(tmp_path / "twice.npz", IDS[:1])


def entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


@pytest.mark.parametrize(
    ("hostile", "expected"),
    [
        (entry("../a.png"), "outside the archive"),
        (entry("/tmp/a.png"), "outside the archive"),
        (entry("C:/a.png"), "outside the archive"),
        (entry("x\\..\\a.png"), "outside the archive"),
        (entry("a.png", stat.S_IFLNK | 0o777), "is a link"),
    ],
    ids=["parent", "absolute", "drive", "backslash", "link"],
)
def test_a_zip_with_a_hostile_entry_is_refused(hostile: zipfile.ZipInfo, expected: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(hostile, b"/etc/passwd")
    with pytest.raises(BenchError, match=expected):
        gathered(tmp_path / "x.zip", ("a",))


def peak(run: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refused(path: Path, expected: str, ids: tuple[str, ...] = ("a",)) -> None:
    with pytest.raises(BenchError, match=expected) as caught:
        gathered(path, ids)
    assert "\n" not in str(caught.value)


def test_bombs_are_refused_before_memory_is_spent(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", WHOLE + bytes(2**26))
    assert peak(lambda: refused(tmp_path / "bomb.zip", "would unpack from")) < 2**22

    with zipfile.ZipFile(tmp_path / "ids.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy(PLAIN) + bytes(1728))
        archive.writestr("ids.npy", npy({"descr": "<U9", "fortran_order": False, "shape": (2**40,)}) + bytes(36))
    assert peak(lambda: refused(tmp_path / "ids.npz", "ids of .* were announced")) < 2**22

    table = (tmp_path / "bomb.zip").read_bytes()
    end = table.rindex(b"PK\5\6")
    (tmp_path / "table.zip").write_bytes(table[: end + 12] + struct.pack("<I", 2**31) + table[end + 16 :])
    refused(tmp_path / "table.zip", "table of contents of at most")


def npy(header: Mapping[str, object], version: tuple[int, int] = (1, 0), padding: int = 0) -> bytes:
    stream = io.BytesIO()
    text = repr(header).encode() + b" " * padding + b"\n"
    stream.write(b"\x93NUMPY" + bytes(version))
    stream.write(struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text)
    return stream.getvalue()


PLAIN = {"descr": "|u1", "fortran_order": False, "shape": (1, *SHAPE)}


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (npy(PLAIN | {"shape": (2**40, *SHAPE)}) + bytes(1728), r"images of [\d,]+ bytes were announced, got 1,728"),
        (npy(PLAIN, (2, 0), 2**24) + bytes(1728), "header that no plain array needs"),
        (npy(PLAIN, padding=20_000) + bytes(1728), "is damaged"),
        (npy(PLAIN | {"descr": "|O"}) + bytes(1728), "images must be uint8"),
        (npy(PLAIN | {"descr": "<f4"}) + bytes(4 * 1728), "images must be uint8 .* got float32"),
        (npy(PLAIN | {"fortran_order": True}) + bytes(1728), "in Fortran's order"),
        (npy(PLAIN | {"shape": (1, 12, 48, 3)}) + bytes(1728), r"1 of another size images \(12 x 48 x 3\)"),
        (npy(PLAIN | {"shape": (1, SIDE, SIDE, 4)}) + bytes(4 * 576), r"shape \(n, height, width, 3\); got"),
        (npy(PLAIN | {"shape": (-1, *SHAPE)}) + bytes(1728), "images must be uint8"),
        (b"\x93NUMPY", "is damaged"),
        (b"hello, world", "is damaged"),
    ],
    ids=["announced", "version 2", "long", "pickle", "float", "fortran", "size", "alpha", "negative", "cut", "text"],
)
def test_an_array_made_to_harm_or_of_another_kind_is_refused(images: bytes, expected: str, tmp_path: Path) -> None:
    ids = npy({"descr": "<U1", "fortran_order": False, "shape": (1,)}) + "a".encode("utf-32-le")
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", images)
        archive.writestr("ids.npy", ids)
    assert peak(lambda: refused(tmp_path / "x.npz", expected)) < 2**22
    (tmp_path / "images.npy").write_bytes(images)
    (tmp_path / "ids.txt").write_text("a\n", encoding="utf-8")
    refused(tmp_path, expected)


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=PICTURES)
    refused(path, "arrays images and ids were expected, got images")
    np.savez(path, images=PICTURES, ids=np.array(IDS[:3]))
    refused(path, "got 3 ids and 7 images")
    np.savez(path, images=PICTURES, ids=np.arange(7))
    refused(path, "ids must be strings")
    path.write_bytes(as_npz(tmp_path).read_bytes()[:-30])
    refused(path, "not a whole zip archive")


@pytest.mark.parametrize("packed", [False, True])
def test_a_flipped_bit_in_an_archive_is_found(packed: bool, tmp_path: Path) -> None:
    path = as_npz(tmp_path, packed)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BenchError, match="is damaged"):
        gathered(path)


@pytest.mark.parametrize("name", ["nothing", "file.tar", "fake.zip", "fake.npz"])
def test_what_cannot_be_predictions_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    if name != "nothing":
        (tmp_path / name).write_bytes(b"no archive at all")
    refused(tmp_path / name, "is not a")


def test_decoding_goes_on_while_a_chunk_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first chunk is in hand the second is made, and no third: memory does not grow with the split."""
    path, read, real = as_folder(tmp_path), [], cv2.imdecode

    def counted(data: np.ndarray, flags: int) -> np.ndarray | None:
        read.append(1)
        return real(data, flags)

    monkeypatch.setattr(cv2, "imdecode", counted)
    coming = chunks(path, IDS, SHAPE, 2)
    next(coming)
    until = time.monotonic() + 5
    while len(read) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(read) == 4
    coming.close()


def test_watching_scores_what_is_there_and_waits_for_the_rest(tmp_path: Path) -> None:
    """The second half is only begun when the first was handed on, and one picture comes in two pieces."""
    folder, seen, told = tmp_path / "cartoon" / "test", threading.Event(), []

    def paint() -> None:
        write_predictions(folder, image_set(IDS[:4]), PICTURES[:4])
        assert seen.wait(10)
        late = encoded(PICTURES[4])
        (folder / f"{IDS[4]}.png").write_bytes(late[:50])
        write_predictions(folder, image_set(IDS[5:]), PICTURES[5:])
        time.sleep(0.1)
        (folder / f"{IDS[4]}.png").write_bytes(late)

    painter = threading.Thread(target=paint)
    painter.start()
    watch = Watch(10, 0.02, lambda there, wanted: told.append((there, wanted)))
    submission = Submission(tmp_path, {("cartoon", "test"): Wanted(IDS, SHAPE)}, watch)
    read = []
    for _, piece in submission.chunks(("cartoon", "test"), 4):
        read.append(piece)
        seen.set()
    painter.join()
    np.testing.assert_array_equal(np.concatenate(read), PICTURES)
    assert told[-1] == (7, 7)
    assert (4, 7) in told


def test_watching_ends_with_what_never_came_and_what_never_ended(tmp_path: Path) -> None:
    path = as_folder(tmp_path)
    (path / f"{IDS[3]}.png").unlink()
    (path / f"{IDS[5]}.png").write_bytes(WHOLE[:-4])
    started = time.monotonic()
    with pytest.raises(BenchError, match=rf"1 not there yet {IDS[3]}\.png; 1 truncated {IDS[5]}\.png"):
        gathered(path, watch=Watch(0.2, 0.02))
    assert 0.2 < time.monotonic() - started < 5
    with pytest.raises(BenchError, match=r"no picture came into .* within 0.1 s"):
        gathered(tmp_path / "nowhere", watch=Watch(0.1, 0.02))


def test_watching_does_not_wait_once_a_picture_is_wrong_and_names_what_is_too_much(tmp_path: Path) -> None:
    path = as_folder(tmp_path)
    (path / "extra.png").write_bytes(WHOLE)
    with pytest.raises(BenchError, match=r"1 unexpected extra\.png"):
        gathered(path, watch=Watch(60, 0.02))
    (path / f"{IDS[0]}.png").write_bytes(encoded(ONE, ".jpg"))
    (path / f"{IDS[6]}.png").unlink()
    started = time.monotonic()
    with pytest.raises(BenchError, match=rf"1 not PNG but JPEG {IDS[0]}\.png; 1 not there yet {IDS[6]}\.png"):
        gathered(path, watch=Watch(60, 0.02))
    assert time.monotonic() - started < 5
    with pytest.raises(BenchError, match=r"only a folder of <id>\.png can be watched"):
        gathered(as_zip(tmp_path), watch=Watch())


def test_whoever_leaves_early_leaves_nothing_waiting(tmp_path: Path) -> None:
    write_predictions(tmp_path, image_set(IDS[:4]), PICTURES[:4])
    coming = chunks(tmp_path, IDS, SHAPE, 4, Watch(60, 0.02))
    next(coming)
    started, threads = time.monotonic(), threading.active_count()
    coming.close()
    assert time.monotonic() - started < 5
    assert threading.active_count() < threads
