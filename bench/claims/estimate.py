"""Numbers that know how sure they are: a value, its variance and the degrees of freedom of that variance."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from bench.statistics import LEVEL


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
        value: in the unit of its metric.
        variance: of the value; None where nothing is known of it.
        freedom: degrees of freedom of the variance.
    """

    value: float
    variance: float | None = None
    freedom: float = math.inf

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval: Student's t; None where nothing is known."""
        if self.variance is None:
            return None
        reach = _quantile(self.freedom) * math.sqrt(self.variance)
        return self.value - reach, self.value + reach

    @property
    def p(self) -> float | None:
        """Two-sided p-value of no effect."""
        from scipy.special import stdtr

        if self.variance is None:
            return None
        if self.variance == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.value) / math.sqrt(self.variance)))


def chance(p: float) -> str:
    """A p-value as printed, with its sign of relation: `= 0.031`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def of_groups(means: Float64[np.ndarray, " g"]) -> Estimate:
    """The mean over groups: what pairs two entries when `means` are their differences.

    Args:
        means: one a group, at least one.
    """
    count = len(means)
    value = float(np.mean(means))
    return Estimate(value) if count < 2 else Estimate(value, float(np.var(means, ddof=1)) / count, count - 1)


def of_interval(value: float, low: float | None, high: float | None, groups: int) -> Estimate:
    """A recorded number: intervals in records are Student's t over groups, so their width gives the variance back.

    Args:
        value, low, high: as recorded; the interval None where there is none.
        groups: that it rests on.
    """
    if low is None or high is None or groups < 2:
        return Estimate(value)
    # An end that would leave what is possible was drawn in; the other then tells the width.
    reach = max(high - value, value - low)
    return Estimate(value, (reach / _quantile(groups - 1)) ** 2, groups - 1)


def total(parts: Iterable[tuple[float, Estimate]]) -> Estimate:
    """The sum of independent numbers, each with its factor; degrees of freedom by Satterthwaite's rule.

    Source:
        Satterthwaite, An approximate distribution of estimates of variance components, Biometrics 2(6), 1946.
    """
    parts = list(parts)
    value = sum(factor * one.value for factor, one in parts)
    if any(one.variance is None for _, one in parts):
        return Estimate(value)
    return _with_variances(value, [(factor**2 * (one.variance or 0.0), one.freedom) for factor, one in parts])


def over_seeds(found: Sequence[Estimate]) -> Estimate:
    """The mean over trainings where the sides share no groups; `bench.comparison.over_seeds` where they do.

    Its variance is that over groups, which more seeds do not lessen, plus that of the mean over seeds. It counts what
    seed and group add together twice, and so is rather too wide than too narrow.

    Args:
        found: one a seed, at least one.
    """
    if len(found) == 1:
        return found[0]
    values = np.array([one.value for one in found])
    known = [one.variance for one in found if one.variance is not None]
    if len(known) < len(found):
        return Estimate(float(values.mean()))
    parts = [(float(np.mean(known)), found[0].freedom), (float(values.var(ddof=1)) / len(found), len(found) - 1)]
    return _with_variances(float(values.mean()), parts)


def _with_variances(value: float, parts: Sequence[tuple[float, float]]) -> Estimate:
    variance = sum(part for part, _ in parts)
    spread = sum(part**2 / freedom for part, freedom in parts)
    return Estimate(value, variance, variance**2 / spread if spread > 0 else math.inf)


def _quantile(freedom: float) -> float:
    from scipy.special import ndtri, stdtrit

    tail = (1 + LEVEL) / 2
    return float(ndtri(tail) if math.isinf(freedom) else stdtrit(freedom, tail))
