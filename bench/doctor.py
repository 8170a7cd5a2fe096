"""`bench doctor`: what this machine has, and each metric against its independent library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.metrics.probe import Check


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `good` is False only where something is wrong, not where it is merely absent.

    Attributes:
        what: what was looked at; of a cross-check its topic.
        found: what was found; of a cross-check the metric.
        good: whether all is well.
        check: the cross-check, where it is one.
    """

    what: str
    found: str
    good: bool = True
    check: Check | None = None

    def facts(self) -> dict[str, Any]:
        """As a row of a table; what belongs to cross-checks alone is empty in others."""
        check = self.check
        return {
            "what": self.what,
            "found": self.found,
            "library": check.library if check else "",
            "largest deviation": f"{check.deviation:.1e}" if check else "",
            "tolerance": f"{check.tolerance:.0e}" if check else "",
            "state": "ok" if self.good else "WRONG",
        }


def examine(home: Path) -> list[Finding]:
    """Devices, versions, optional weights, collections, the drawn probe, and every cross-check."""
    return [*_machine(), *_weights(), *_data(home), *_metrics()]


def _machine() -> list[Finding]:
    import torch

    from bench.device import Machine
    from bench.evaluate import versions

    count = torch.cuda.device_count()
    return [
        *(Finding(name, number) for name, number in versions().items()),
        Finding("cuda", ", ".join(torch.cuda.get_device_name(i) for i in range(count)) or "none"),
        Finding("device, precision", " ".join(Machine().resolved())),
    ]


def _weights() -> list[Finding]:
    from bench.features import WEIGHTS
    from bench.metrics import lpips

    return [
        Finding(name, str(published.find()))
        for name, published in (("FID, KID, FID clean", WEIGHTS), ("LPIPS", lpips.WEIGHTS))
    ]


def _data(home: Path) -> list[Finding]:
    from bench.data.collections import known
    from bench.data.procedural import check_probe

    findings = [Finding("collection", " ".join(str(value) for value in row.values())) for row in known(home)]
    mismatches = [Finding("procedural-v1", line, False) for line in check_probe()]
    return findings + (mismatches or [Finding("procedural-v1", "drawn here as everywhere (pinned digests agree)")])


def _metrics() -> list[Finding]:
    """Each cross-check, topic by topic."""
    from bench.features.probe import cross_check_extractors
    from bench.metrics.probe import cross_check

    extractors, absent = cross_check_extractors()
    findings = [Finding(check.topic, check.metric, check.good, check) for check in [*cross_check(), *extractors]]
    return [*findings, Finding("networks", "Inception: not compared, its weights are not here")] if absent else findings
