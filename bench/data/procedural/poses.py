"""How arms and legs are held: angles from hanging down, outwards positive, in radians, by the name of a pose."""

from __future__ import annotations

from bench.data.procedural.scene import Actor, Angles

# Right upper and lower limb, then left; "right" is the picture's right.
ARMS: dict[str, Angles] = {
    "stand": (0.16, 0.06, 0.16, 0.06),
    "wave": (1.5, 2.75, 0.16, 0.08),
    "hips": (0.72, -0.62, 0.72, -0.62),
    "walk": (0.3, -0.1, 0.34, 0.5),
    "cheer": (2.3, 2.75, 2.3, 2.75),
    "point": (1.35, 1.5, 0.2, 0.1),
    "think": (0.42, -2.55, 0.3, -1.3),
    "hold": (0.3, -0.95, 0.3, -0.95),
    "run": (0.75, -0.7, 0.6, 1.6),
}
LEGS: dict[str, Angles] = {
    "stand": (0.07, 0.04, 0.07, 0.04),
    "wave": (0.08, 0.05, 0.1, 0.04),
    "hips": (0.16, 0.12, 0.16, 0.12),
    "walk": (0.3, 0.06, 0.16, 0.34),
    "cheer": (0.2, 0.14, 0.2, 0.14),
    "point": (0.14, 0.1, 0.1, 0.06),
    "think": (0.07, 0.04, 0.1, 0.06),
    "hold": (0.09, 0.05, 0.09, 0.05),
    "run": (0.66, -0.04, 0.3, 0.62),
}


def arms(actor: Actor) -> Angles:
    """The arms of an actor: in motion, or as the pose has them."""
    return actor.arms or ARMS[actor.pose]


def legs(actor: Actor) -> Angles:
    """The legs of an actor: in motion, or as the pose has them."""
    return actor.legs or LEGS[actor.pose]
