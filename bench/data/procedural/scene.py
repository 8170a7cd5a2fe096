"""What a picture shows: place, hour, camera, light, who stands where doing what. The same for every style."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from bench.data.procedural.canvas import Frame
from bench.data.procedural.characters import Character, cast
from bench.data.procedural.plan import Shot, stream

Angles = tuple[float, float, float, float]
UNMOVED = Frame()

OUTDOORS = ("park", "street", "seaside", "forest", "village", "playground")
INDOORS = ("living-room", "bedroom", "classroom", "kitchen")
EXPRESSIONS = ("smile", "happy", "neutral", "smile", "sad", "surprised", "angry", "wink", "happy", "neutral")
POSES = ("stand", "wave", "hips", "walk", "cheer", "point", "think", "hold", "run")
SIZES = ("close", "medium", "full", "wide", "two")


@dataclass(frozen=True)
class Actor:
    """A character in a picture.

    Attributes:
        character: who.
        x: where the head (near shots) or the feet (far shots) are, 0-1 across.
        y: the same, down.
        size: height in the picture: of the head in near shots, from crown to sole in far ones.
        near: whether the picture is cropped to head or bust.
        pose, expression: keys of the drawings.
        turn: where the face looks, -1 (picture's left) to 1.
        tilt: of the head, radians.
        blink: eyes shut.
        flip: -1 mirrors the body.
        arms, legs: angles in motion, as in `poses`; None for those of the pose.
        walks: whether both feet point where the body goes.
    """

    character: Character
    x: float
    y: float
    size: float
    near: bool
    pose: str
    expression: str
    turn: float
    tilt: float
    blink: bool
    flip: float
    arms: Angles | None = None
    legs: Angles | None = None
    walks: bool = False


@dataclass(frozen=True)
class Scene:
    """A picture before style.

    Attributes:
        series: number, for what belongs to the series (places, seasons).
        seed: of the collection.
        place: a name of OUTDOORS or INDOORS.
        hour: a key of `palette.HOURS`.
        size: shot size.
        zoom: of the background; 1 shows the whole place.
        pan: horizontal shift of the background.
        light: where the light comes from, -1 left or 1 right.
        actors: back to front.
        props: names of things near the figures, with x, y, size.
        grain: a number that moves grain and texture.
        camera, behind, distant: how a moving camera sees the figures, the place, and what is far away there.
        film: in a clip the number that moves the film grain, another one in every frame; None in a still.
        rough: where above 0, the lines are broken and strokes stray, and this is how.
    """

    seed: int
    series: int
    place: str
    hour: str
    size: str
    zoom: float
    pan: float
    light: int
    actors: tuple[Actor, ...]
    props: tuple[tuple[str, float, float, float], ...]
    grain: int
    camera: Frame = UNMOVED
    behind: Frame = UNMOVED
    distant: Frame = UNMOVED
    film: int | None = None
    rough: int = 0

    @property
    def indoors(self) -> bool:
        return self.place in INDOORS


def places(seed: int, series: int) -> tuple[str, ...]:
    """The four places a series plays in: two outdoors, one indoors, one of either."""
    rng = stream(seed, 2, series)
    out = [OUTDOORS[int(i)] for i in rng.permutation(len(OUTDOORS))]
    inside = [INDOORS[int(i)] for i in rng.permutation(len(INDOORS))]
    return (out[0], inside[0], out[1], inside[1] if rng.integers(0, 2) else out[2])


def compose(shot: Shot, seed: int = 0) -> Scene:
    """The scene of a still picture, from its id alone."""
    series, number, frame = shot.numbers
    return stage(seed, series, number, stream(seed, 3, series, number), stream(seed, 4, series, number, frame))


def stage(seed: int, series: int, number: int, rng: Generator, moment: Generator) -> Scene:
    """A scene of a series.

    Args:
        seed, series: of which collection and series.
        number: of the shot; shot sizes go round with it.
        rng: for what is the same all through the shot.
        moment: for what this picture has for itself.
    """
    where = places(seed, series)
    # Shot sizes go round, so that any few shots of a series show faces as well as places.
    size = SIZES[
        (number + int(stream(seed, 5, series).integers(0, 5))) % 5 if rng.integers(0, 4) else int(rng.integers(0, 5))
    ]
    place = where[int(rng.integers(0, 4))]
    hour = ("noon", "noon", "noon", "golden", "golden", "night", "overcast", "noon")[int(rng.integers(0, 8))]
    people = cast(seed, series)
    order = [people[int(i)] for i in rng.permutation(5)]
    light = 1 if rng.integers(0, 2) else -1
    drift = float(moment.uniform(-0.02, 0.02))
    count = {"close": 1, "medium": 1, "full": 1, "wide": int(rng.integers(2, 4)), "two": 2}[size]
    zoom = {"close": 1.9, "medium": 1.5, "full": 1.12, "wide": 1.0, "two": 1.5}[size] * float(rng.uniform(0.94, 1.06))
    pan = float(rng.uniform(-0.2, 0.2)) + drift * 2
    base = [float(rng.uniform(-0.03, 0.03)) for _ in range(4)]
    grow = float(rng.uniform(0.94, 1.06)) + drift
    actors, props = [], []
    # Two busts stand too close for arms that reach sideways on both sides.
    poses = tuple(pose for pose in POSES if size != "two" or pose not in ("cheer", "run"))
    if size == "wide":
        spots = (0.27, 0.72) if count == 2 else (0.2, 0.5, 0.8)
    elif size == "two":
        spots = (0.29, 0.72)
    else:
        spots = (0.5 + base[3] * 2.4,)
    for i, x in enumerate(spots):
        who = order[i]
        near = size in ("close", "medium", "two")
        tall = {"child": 0.62, "teen": 0.86, "adult": 1.0, "elder": 0.86}[who.build]
        if size == "close":
            y, height = 0.5 + base[i], 0.56 * grow
        elif size == "medium":
            y, height = 0.36 + base[i], 0.33 * grow
        elif size == "two":
            y, height = 0.40 + base[i] + (1.0 - tall) * 0.25, 0.31 * grow
        elif size == "full":
            y, height = 0.955 + base[i] * 0.3, (0.70 + 0.2 * tall) * 0.96 * grow
        else:
            y, height = 0.90 + base[i], (0.28 + 0.36 * tall) * grow
        turn = float(moment.uniform(-0.9, 0.9)) * 0.6 + (0.5 - x) * (1.1 if count > 1 else 0.3)
        actors.append(
            Actor(
                character=who,
                x=x + base[i] + drift,
                y=y,
                size=height,
                near=near,
                pose=poses[int(moment.integers(0, len(poses)))],
                expression=EXPRESSIONS[int(moment.integers(0, len(EXPRESSIONS)))],
                turn=max(-1.0, min(1.0, turn)),
                tilt=float(moment.uniform(-0.09, 0.09)),
                blink=bool(moment.integers(0, 12) == 0),
                # Beside others the raised arm is the outer one, or it would cross the neighbour's face.
                flip=(1.0 if x > 0.5 else -1.0) if count > 1 and x != 0.5 else 1.0 if moment.integers(0, 2) else -1.0,
            )
        )
    if size in ("wide", "full"):
        kinds = ("dog", "cat", "ball", "bench", "box") if place in OUTDOORS else ("cat", "ball", "box")
        kind = kinds[int(rng.integers(0, len(kinds)))]
        side = float(rng.uniform(0.1, 0.2)) if rng.integers(0, 2) else float(rng.uniform(0.8, 0.9))
        if size == "wide":
            side = 0.5 if count == 2 else side
        if rng.integers(0, 4):
            props.append((kind, side, 0.93, 0.2 if size == "wide" else 0.26))
    return Scene(
        seed, series, place, hour, size, zoom, pan, light, tuple(actors), tuple(props), int(moment.integers(0, 1 << 20))
    )
