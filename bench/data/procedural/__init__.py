"""procedural-v1: pictures that our own code draws, one scene in four styles, so that the true colours are known."""

from bench.data.procedural.plan import FRAMES, VERSION, Shot, plan, plan_clips
from bench.data.procedural.probe import check_probe, probe
from bench.data.procedural.render import Picture, draw
from bench.data.procedural.slices import SLICES, plan_slices
from bench.data.procedural.workers import draw_many

__all__ = [
    "FRAMES",
    "SLICES",
    "VERSION",
    "Picture",
    "Shot",
    "check_probe",
    "draw",
    "draw_many",
    "plan",
    "plan_clips",
    "plan_slices",
    "probe",
]
