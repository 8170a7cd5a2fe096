"""What the metrics of claims are called; some of them stand on no board."""

from bench.metrics import METRICS


def unit(metric: str) -> str:
    """The unit of a metric, empty for shares and indices that have none."""
    return METRICS[metric].unit if metric in METRICS else {"colourfulness-shift": "levels"}.get(metric, "")


def decimals(metric: str) -> int:
    """Digits after the point, as on the boards."""
    return METRICS[metric].decimals if metric in METRICS else 2


def name(metric: str) -> str:
    """What a metric is called."""
    return METRICS[metric].name if metric in METRICS else metric.replace("-", " ").capitalize()
