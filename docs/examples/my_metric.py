"""How far the mean colour of a prediction is from its target's: a metric as `bench/metrics/` holds them."""

from bench.metrics.pair import Pair
from bench.types import Metric

METRICS = (
    Metric(
        id="tint-error",
        name="Tint error",
        unit="levels",
        direction="lower",
        kind="full-reference",
        definition="abs-difference-of-means,per-channel,0-255",
        source="this page",
        decimals=2,
    ),
)


def tint(pair: Pair) -> dict[str, float]:
    """The mean over R, G and B of |mean of the prediction - mean of the target|, 0 to 255 levels, lower is better."""
    difference = pair.prediction.mean(axis=(0, 1)) - pair.target.mean(axis=(0, 1))
    return {"tint-error": float(abs(difference).mean())}
