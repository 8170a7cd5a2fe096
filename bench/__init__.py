"""ChromaBench: the benchmark for colorizing cartoons, anime, live-action frames and manga."""

__version__ = "0.1.0"
