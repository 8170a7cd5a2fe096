"""Films: decoded in the right colours, cut into shots, sampled into stills and clips."""

from bench.data.video.decoding import UnusableVideo
from bench.data.video.sampling import CLIP, Reading, Sample
from bench.data.video.shots import Cuts, held_out
from bench.data.video.step import Step
from bench.data.video.stills import Still, stills

__all__ = ["CLIP", "Cuts", "Reading", "Sample", "Step", "Still", "UnusableVideo", "held_out", "stills"]
