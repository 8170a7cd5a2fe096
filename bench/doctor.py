"""`bench doctor`: what this machine has, and each metric against its independent library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `good` is False only where something is wrong, not where it is merely absent."""

    what: str
    found: str
    good: bool = True

    def facts(self) -> dict[str, Any]:
        return {"what": self.what, "found": self.found, "state": "ok" if self.good else "WRONG"}


def examine(home: Path) -> list[Finding]:
    """Devices, versions, optional weights, collections, and the probe."""
    import torch

    from bench.data.collections import known
    from bench.data.procedural import check_probe
    from bench.device import Machine
    from bench.evaluate import versions
    from bench.features import WEIGHTS
    from bench.metrics.probe import cross_check

    findings = [Finding(name, number) for name, number in versions().items()]
    count = torch.cuda.device_count()
    findings.append(Finding("cuda", ", ".join(torch.cuda.get_device_name(i) for i in range(count)) or "none"))
    findings.append(Finding("device, precision", " ".join(Machine().resolved())))
    findings.append(Finding("FID, KID", str(WEIGHTS.find())))
    for row in known(home):
        findings.append(Finding("collection", " ".join(str(value) for value in row.values())))
    for check in cross_check():
        found = f"{check.metric} within {check.deviation:.1e} of {check.library} (tolerance {check.tolerance:g})"
        findings.append(Finding("probe", found, check.good))
    mismatches = check_probe()
    findings += [Finding("procedural-v1", line, False) for line in mismatches]
    if not mismatches:
        findings.append(Finding("procedural-v1", "drawn here as everywhere (pinned digests agree)"))
    return findings
