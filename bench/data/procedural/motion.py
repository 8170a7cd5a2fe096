"""Clips: a scene of a series in motion. A camera that pans or zooms slowly, people who walk, wave, nod and blink.

Whatever differs between the frames of a clip is a smooth function of time, or changes once (an expression, eyes that
shut). What a drawing decides by a threshold (which way a nose points, which details are large enough) stays the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from numpy.random import Generator

from bench.data.procedural.canvas import Frame
from bench.data.procedural.characters import BODIES
from bench.data.procedural.plan import FRAMES, FRAMES_PER_SECOND, Shot, stream
from bench.data.procedural.poses import ARMS, LEGS
from bench.data.procedural.scene import EXPRESSIONS, Actor, Angles, Scene, stage

# From one to the other an arm takes no way that an arm cannot take.
_GESTURES = (
    ("stand", "wave"),
    ("stand", "point"),
    ("stand", "think"),
    ("stand", "cheer"),
    ("hips", "stand"),
    ("hips", "point"),
)
_STRIDE = 0.3  # the angle of a walker's legs at their widest, radians
_LAST = FRAMES - 1


@dataclass(frozen=True)
class _Act:
    """What an actor does in a clip.

    Attributes:
        steps: a second, of a walker; 0 for who stays.
        poses: at the beginning and at the end; for who stays.
        turn, tilt: of the head, at the beginning and at the end.
        feelings: expressions before and after frame `change`.
        change: the frame from which the second expression is worn.
        blink: the first of two frames with shut eyes; negative for none.
        phase: of what goes to and fro.
    """

    steps: float
    poses: tuple[str, str]
    turn: tuple[float, float]
    tilt: tuple[float, float]
    feelings: tuple[str, str]
    change: int
    blink: int
    phase: float


@dataclass(frozen=True)
class _Camera:
    """How the camera moves: in pictures a second across, and in shares of its zoom a second."""

    pan: float
    zoom: float


def play(shot: Shot, seed: int = 0) -> Scene:
    """The scene of a clip's frame, from its id alone."""
    series, clip, frame = shot.numbers
    base, acts, camera, films = _clip(seed, series, clip)
    time = (frame - _LAST / 2) / FRAMES_PER_SECOND
    actors = tuple(_acted(actor, act, frame) for actor, act in zip(base.actors, acts, strict=True))
    figures, behind, distant = _views(base, acts, camera, time)
    return replace(
        base,
        actors=actors,
        camera=figures,
        behind=behind,
        distant=distant,
        film=films[frame % FRAMES],
    )


@lru_cache(maxsize=64)
def _clip(seed: int, series: int, clip: int) -> tuple[Scene, tuple[_Act, ...], _Camera, tuple[int, ...]]:
    """What is the same in all frames of a clip."""
    base = stage(seed, series, clip, stream(seed, 12, series, clip), stream(seed, 13, series, clip))
    rng = stream(seed, 14, series, clip)
    actors, acts = [], []
    for actor in base.actors:
        one, act = _rehearse(actor, rng)
        actors.append(one)
        acts.append(act)
    kind = ("rest", "pan", "pan", "zoom", "both")[int(rng.integers(0, 5))]
    pan = float(rng.uniform(0.07, 0.16)) * (1 if rng.integers(0, 2) else -1)
    zoom = float(rng.uniform(0.06, 0.14)) * (1 if rng.integers(0, 3) else -1)
    camera = _Camera(pan if kind in ("pan", "both") else 0.0, zoom if kind in ("zoom", "both") else 0.0)
    films = tuple(int(number) for number in rng.integers(0, 1 << 20, FRAMES))
    return replace(base, actors=tuple(actors)), tuple(acts), camera, films


def _rehearse(actor: Actor, rng: Generator) -> tuple[Actor, _Act]:
    """Choose what an actor does; the actor as the clip needs it."""
    walks = rng.integers(0, 100) < (25 if actor.near else 55)
    steps = float(rng.uniform(1.2, 1.7)) if walks else 0.0
    if walks:
        actor = replace(actor, pose="walk", walks=True)
        poses = ("walk", "walk")
    elif actor.pose in ("walk", "run") or rng.integers(0, 2):
        poses = _GESTURES[int(rng.integers(0, len(_GESTURES)))]
        if actor.near and "cheer" in poses:
            poses = ("stand", "wave")  # so near, both arms would fill the picture
        poses = poses if rng.integers(0, 2) else (poses[1], poses[0])
        actor = replace(actor, pose="stand")
    else:
        poses = (actor.pose, actor.pose)
    turn = 0.3 + 0.4 * abs(actor.turn) if walks else actor.turn
    turn = turn * actor.flip if walks else turn
    low, high = (0.22, 1.0) if turn > 0.2 else (0.02, 0.19) if turn > 0 else (-1.0, -0.02)
    begin = min(max(turn, low), high)
    end = min(max(turn + float(rng.uniform(-0.45, 0.45)), low), high)
    tilt = actor.tilt, float(rng.uniform(-0.1, 0.1))
    second = EXPRESSIONS[int(rng.integers(0, len(EXPRESSIONS)))]
    feelings = (actor.expression, second if rng.integers(0, 100) < 35 else actor.expression)
    change = int(rng.integers(2, FRAMES - 1))
    blink = int(rng.integers(1, FRAMES - 2)) if rng.integers(0, 2) else -2
    phase = float(rng.uniform(0, math.tau))
    return actor, _Act(steps, poses, (begin, end), tilt, feelings, change, blink, phase)


def _acted(actor: Actor, act: _Act, frame: int) -> Actor:
    """The actor in a frame."""
    share = frame / _LAST
    eased = share * share * (3.0 - 2.0 * share)
    time = frame / FRAMES_PER_SECOND
    beat = act.phase + math.tau * 0.8 * time
    arms: Angles
    legs: Angles
    if act.steps:
        stride = act.phase + math.pi * act.steps * time
        arms, legs = _walk(stride)
        shift, bob = _travelled(actor, act, time), 0.02 * math.cos(2.0 * stride)
    else:
        arms, legs = _gesture(act, eased, beat, time)
        shift, bob = 0.0, 0.012 * math.sin(beat)
    return replace(
        actor,
        x=actor.x + shift,
        y=actor.y + bob * actor.size if actor.near else actor.y,
        turn=_between(act.turn, eased),
        tilt=_between(act.tilt, eased) + 0.02 * math.sin(beat),
        expression=act.feelings[frame >= act.change],
        blink=act.blink <= frame < act.blink + 2,
        arms=arms,
        legs=legs,
    )


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def _gesture(act: _Act, eased: float, beat: float, time: float) -> tuple[Angles, Angles]:
    """Arms and legs of who stays: from pose to pose, breathing, waving where the pose is a wave."""
    sway = 0.04 * math.sin(beat)
    a, b = (ARMS[pose] for pose in act.poses)
    r0, r1, l0, l1 = (p + (q - p) * eased for p, q in zip(a, b, strict=True))
    swing = math.sin(act.phase + math.tau * 1.7 * time)
    if act.poses == ("wave", "wave"):
        r1 += 0.35 * swing
    elif act.poses == ("cheer", "cheer"):
        r0, r1, l0, l1 = r0 + 0.1 * swing, r1 + 0.16 * swing, l0 - 0.1 * swing, l1 - 0.16 * swing
    elif act.poses != ("hold", "hold"):
        r0, r1, l0, l1 = r0 + sway, r1 + sway, l0 + sway, l1 + sway
    a, b = (LEGS[pose] for pose in act.poses)
    bend = 0.05 * (1.0 + math.sin(beat))
    thigh_r, shin_r, thigh_l, shin_l = (p + (q - p) * eased for p, q in zip(a, b, strict=True))
    return (r0, r1, l0, l1), (thigh_r + bend, shin_r - bend, thigh_l + bend, shin_l - bend)


def _walk(stride: float) -> tuple[Angles, Angles]:
    """Arms and legs of a walker: the legs cross, a knee bends while its leg swings forward, arms swing against them.

    Angles to the picture's left count as outward for the left limbs, so a swing has the same sign on both sides.
    """
    swing = math.sin(stride)
    lift, other = max(0.0, math.cos(stride)), max(0.0, -math.cos(stride))
    legs = (_STRIDE * swing, _STRIDE * swing - 0.55 * lift, _STRIDE * swing, _STRIDE * swing + 0.55 * other)
    arm = -0.26 * swing
    return (0.22 + arm, 0.45 + arm, 0.22 + arm, -0.05 + arm), legs


def _travelled(actor: Actor, act: _Act, time: float) -> float:
    """How far a walker has come, in pictures; nothing in near shots, where the camera goes along."""
    if actor.near:
        return 0.0
    plan = BODIES[actor.character.build, actor.character.female]
    leg = actor.size * 0.93 * plan.legs / (1.25 + plan.torso + plan.legs)
    middle = _LAST / 2 / FRAMES_PER_SECOND
    return actor.flip * 2.0 * leg * math.sin(_STRIDE) * act.steps * (time - middle)


def _views(scene: Scene, acts: tuple[_Act, ...], camera: _Camera, time: float) -> tuple[Frame, Frame, Frame]:
    """How the camera sees figures, place and distance: the farther, the less they move."""
    near = scene.actors[0].near
    zoom = 1.0 + camera.zoom * time
    pan = camera.pan * time
    # People stand on the ground that a wider shot shows, so there it moves as they do.
    place = 0.6 if near else 1.0
    distance = place * 0.45
    walkers = [actor.flip for actor, act in zip(scene.actors, acts, strict=True) if act.steps]
    if near and walkers:
        follow = -0.2 * walkers[0] * time
    elif len(walkers) == len(acts) == 1:
        follow = -0.5 * _travelled(scene.actors[0], acts[0], time + _LAST / 2 / FRAMES_PER_SECOND)
    else:
        follow = 0.0
    return (
        _view(zoom, pan + (0.0 if near else follow)),
        _view(1.0 + (zoom - 1.0) * place, pan * place + follow),
        _view(1.0 + (zoom - 1.0) * distance, pan * distance + follow * 0.45),
    )


def _view(zoom: float, pan: float) -> Frame:
    """A camera nearer by `zoom` towards a place above the middle, and moved by `pan` pictures."""
    return Frame(zoom, 0.0, 0.0, zoom, 0.5 * (1.0 - zoom) + pan, 0.48 * (1.0 - zoom))
