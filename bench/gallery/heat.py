"""Maps of CIEDE2000: in steps that can be counted, and the two colour ramps that a page paints them with.

A stored map holds a step a pixel, not a colour: the page paints it, and subtracts two of them for a difference view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.color import lab_to_srgb, quantize
from bench.metrics.pixel import ciede2000_map

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

STEP = 3.0
"""CIEDE2000 from one step to the next: a little more than the 2.3 that is just noticed."""

STEPS = 16
"""The last holds 45 and all above: what colorizers do to small images seldom is further off."""

LEVELS = 255 // (STEPS - 1)
"""Gray levels from one step to the next in a stored map."""


def steps(prediction: UInt8[np.ndarray, "h w 3"], target: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """The map of one pair as it is stored: `LEVELS` times the step of each pixel, by the kernel that scores images."""
    return (np.minimum(ciede2000_map(prediction, target) // STEP, STEPS - 1) * LEVELS).astype(np.uint8)


def ramp() -> list[str]:
    """The colour of each step, `#rrggbb`, from dark violet, where nothing is wrong, to pale yellow.

    Lightness grows evenly from 12 to 95 in CIE Lab while the hue turns from 300 to 95 degrees: order can be seen
    without colour too.
    """
    share = np.linspace(0, 1, STEPS)
    hue = np.radians(300 + share * 155)
    chroma = 18 + 50 * np.sin(np.pi * share**0.8)
    return _hex(np.stack([12 + 83 * share, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1))


def differences() -> list[str]:
    """The colour of the first map's step minus the second's, from 1 - STEPS (blue) over 0 (near white) to STEPS - 1.

    Blue: the first entry is closer; orange: the second is. Both ends are equally dark in CIE Lab.
    """
    share = np.linspace(-1, 1, 2 * STEPS - 1)
    strength = np.abs(share) ** 0.6
    hue = np.radians(np.where(share < 0, 275, 55))
    return _hex(np.stack([94 - 44 * strength, 62 * strength * np.cos(hue), 62 * strength * np.sin(hue)], axis=1))


def _hex(lab: Float[np.ndarray, "n 3"]) -> list[str]:
    codes = quantize(np.clip(lab_to_srgb(lab), 0, 1))
    return ["#" + bytes(code).hex() for code in codes]
