"""The papers' claims as small declared tests, and what the records say of them.

The rule, the same for every claim:

1. A claim names two sides, A and B (or four), a metric, a split and domains. In each domain the effect is A - B (or
   (A - B) - (C - D)), the mean over the seeds that all trained sides share.
2. Where the sides were scored on the same pictures and their group means are at hand (CIEDE2000 and the metrics of
   `bench.metrics.PAIRED` in records; any metric where the values an image lie on this machine), the effect is paired by
   group, and several seeds are crossed with the groups (`bench.comparison.over_seeds`). Else each number's variance is
   read back from its own recorded interval (Student's t over groups, plain scale) and the sides count as independent,
   which is too wide rather than too narrow; seeds add their own variance.
3. The pooled effect is the plain mean over domains, with Student's t and Satterthwaite's degrees of freedom. Numbers
   without an interval (distances of distributions) are pooled with the domains as witnesses, from three domains on.
4. The margin is 2 % of the second side's mean value, unless the claim says otherwise.
   Replicated: the 95 % interval excludes 0 on the paper's side; where the paper says `far`, all up to a stated least.
   Not replicated: it excludes 0 on the other side, or lies wholly within the margin.
   Inconclusive: anything else.
   Not tested: a record is missing; the commands that make it are named.
   A claim of no difference is replicated within the margin, not replicated wholly outside it.
   Each verdict is at 95 % by itself: nothing is adjusted for how many claims there are.
5. Only like is held against like: one budget, one width, one collection and size, numbers made in one way.
   A verdict is about our pictures, sizes and budgets, not about the paper's.
"""

from bench.claims import camizan2023, chen2019, fu2017, thasarathan2020, zhang2022
from bench.claims.claim import Claim, Side
from bench.claims.judging import VERDICTS, Cell, Outcome, judge_all, name
from bench.errors import unknown
from bench.metrics import PAIRED

__all__ = ["CLAIMS", "RULE", "VERDICTS", "Cell", "Claim", "Outcome", "Side", "claim", "judge_all"]

CLAIMS: tuple[Claim, ...] = (
    *zhang2022.CLAIMS,
    *fu2017.CLAIMS,
    *chen2019.CLAIMS,
    *camizan2023.CLAIMS,
    *thasarathan2020.CLAIMS,
)
"""By paper: the course report, ConvNet and GAN, sketches, domains, video."""

RULE: tuple[str, ...] = (
    "The effect is the first side minus the second, in each domain, over the seeds that both have; the pooled effect is"
    " the mean over domains.",
    "On the same pictures effects are paired by group where group means are recorded: CIEDE2000 and"
    f" {', '.join(name(id) for id in PAIRED)}. Elsewhere the sides' own intervals give their variances and the sides"
    " count as independent, which is rather too wide.",
    "Replicated: the 95 % interval excludes zero on the paper's side, or all up to a stated least where the paper says"
    " far. Not replicated: it excludes zero on the other side, or lies wholly within the margin (2 % of the second"
    " side's value unless stated). Inconclusive: else.",
    "A claim of no difference is replicated wholly within the margin, and not replicated wholly outside it.",
    "Each verdict is at 95 % by itself, not adjusted for the number of claims: of twenty effects that are none, one is"
    " called by chance.",
    "A verdict is about these pictures, sizes and budgets, not about the paper's.",
)


def claim(id: str) -> Claim:
    """The claim of an id.

    Raises:
        BenchError: there is none; it names the nearest.
    """
    found = {one.id: one for one in CLAIMS}
    if id not in found:
        raise unknown("claim", id, list(found))
    return found[id]
