"""Episodes by recipe: frames as a player shows them, by their film's own rate; of train whole shots are held out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import films
import numpy as np
import pytest
from av.stream import Disposition
from miniatures import SIZE, add, blocks, film, layout
from PIL import Image

from bench.data import png, video
from bench.data.recipes import reading
from bench.data.resampling import square
from bench.errors import BenchError


def test_films_are_sampled_by_their_own_frames(tmp_path):
    root = layout("pokemon", tmp_path / "in")
    film(root / "season 1" / "slow.mp4", 9, rate=10, frames=50)
    made = add(tmp_path / "home", "pokemon", root, skip_damaged=True)
    times = sorted(item.source for item in made.items if "slow" in item.source)
    assert times[:3] == [f"season 1/slow.mp4 at {ms:08d} ms" for ms in (0, 5000, 10000)]
    assert "season 1/ep1.mp4 at 00002000 ms" in {item.source for item in made.items}
    assert {item.group for item in made.items} == {
        f"season 1/{name}.mp4" for name in ("ep0", "ep1", "ep2", "ep3", "slow")
    }


def test_of_an_episode_a_shot_of_its_middle_is_held_out_and_not_its_credits(tmp_path):
    made = add(tmp_path / "home", "pokemon", layout("pokemon", tmp_path / "in"))
    trained = {item.group for item in made.items if item.split == "train"}
    assert trained
    held = {item.source for item in made.items if item.split == "series"}
    assert held == {f"{group} at 00008000 ms" for group in trained}
    credits = {item.split for item in made.items if item.source.endswith("at 00012000 ms") and item.group in trained}
    assert credits == {"train"}


def test_what_is_held_out_of_an_episode_is_whole_shots(tmp_path):
    for number in range(4):
        frames = [frame for shot in range(4) for frame in films.shot(10 * number + shot, 84)]
        films.film(tmp_path / "in" / f"ep{number}.mp4", frames)
    made = add(tmp_path / "home", "futurama", tmp_path / "in")
    trained = {item.group for item in made.items if item.split == "train"}
    assert trained
    times = {item.source: int(item.source.split()[-2]) for item in made.items if item.group in trained}
    shots = {item.source: times[item.source] // 3500 for item in made.items if item.source in times}
    held = {item.source for item in made.items if item.split == "series"}
    assert {shots[source] for source in held} == {2}
    assert held == {source for source, shot in shots.items() if shot == 2}
    assert len(held) > len(trained)


def test_episodes_are_taken_as_a_player_shows_them(tmp_path):
    """Wide pixels become square: the square of the middle then holds less of the stored frame's width."""
    scene = films.scene(7)
    for number in range(3):
        films.film(tmp_path / "in" / f"ep{number}.mp4", [scene] * 3, aspect=(4, 3))
    made = add(tmp_path / "home", "futurama", tmp_path / "in", limit=1)
    (item,) = made.items
    came = png.read(made.root / "cartoon" / f"{item.id}.png", (SIZE, SIZE, 3)).astype(int)
    wide = np.asarray(Image.fromarray(scene).resize((85, 48), Image.Resampling.BICUBIC))
    assert np.abs(came - square(wide, SIZE)).mean() < 6 < np.abs(came - square(scene, SIZE)).mean()


def cover_first(path: Path) -> None:
    """Put an MP4's user data, its cover among them, before its tracks: boxes of ISO/IEC 14496-12, 4.2."""
    data = path.read_bytes()
    start = data.index(b"moov") - 4
    end = start + int.from_bytes(data[start : start + 4])
    boxes, place = [], start + 8
    while place < end:
        size = int.from_bytes(data[place : place + 4])
        boxes.append(data[place : place + size])
        place += size
    boxes.sort(key=lambda box: box[4:8] != b"udta")
    path.write_bytes(data[: start + 8] + b"".join(boxes) + data[end:])


def test_the_rate_is_that_of_the_film_and_not_of_its_cover(tmp_path):
    moving = film(tmp_path / "a.mp4", 1, rate=10)
    path = tmp_path / "b.mp4"
    with av.open(str(moving)) as source, av.open(str(path), "w") as out:
        cover: Any = out.add_stream("png", rate=1)
        cover.width = cover.height = 48
        cover.pix_fmt = "rgb24"
        cover.disposition = Disposition.attached_pic
        copied = out.add_stream_from_template(source.streams.video[0])
        out.mux(cover.encode(av.VideoFrame.from_ndarray(np.asarray(blocks(9)), format="rgb24")))
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    cover_first(path)
    with av.open(str(path)) as container:
        assert container.streams.video[0].disposition & Disposition.attached_pic, "the cover comes first"
    assert reading.rate(path) == 10


def test_consecutive_frames_are_said_to_be_missing(tmp_path):
    made = add(tmp_path / "home", "futurama", layout("futurama", tmp_path / "in"))
    assert any("consecutive frames are clips" in note for note in made.notes)


def test_a_broken_film_leaves_nothing_behind(tmp_path):
    root = layout("sk8-infinity", tmp_path / "in")
    whole = root / "season 1" / "ep1.mp4"
    whole.write_bytes(whole.read_bytes()[:9000])
    with pytest.raises(BenchError, match=r"ep1\.mp4 \(.*damaged"):
        add(tmp_path / "home", "sk8-infinity", root)
    assert not list((tmp_path / "home").rglob("*.png"))
    made = add(tmp_path / "home", "sk8-infinity", root, skip_damaged=True)
    assert [left.source for left in made.left_out] == ["season 1/ep1.mp4"]


def test_a_film_that_breaks_off_leaves_no_frames(tmp_path, monkeypatch):
    whole = video.stills

    def breaking(path: Path, every: float, **more: Any) -> Iterator[video.Still]:
        for number, still in enumerate(whole(path, every, **more)):
            if number == 3 and path.name == "ep1.mp4":
                raise BenchError(f"{path}: expected a whole video; came a damaged one; replace it.")
            yield still

    monkeypatch.setattr(video, "stills", breaking)
    made = add(tmp_path / "home", "sk8-infinity", layout("sk8-infinity", tmp_path / "in"), skip_damaged=True)
    assert "season 1/ep1.mp4" in {left.source for left in made.left_out}
    assert not [item for item in made.items if "ep1" in item.source]
    assert len(list(made.root.rglob("*.png"))) == len(made.items)
