"""What a model file says of a dimension of its input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Side:
    """The lengths that one dimension may have.

    Attributes:
        low: the smallest.
        high: the largest, None for any.
        multiple: they are multiples of it.
    """

    low: int = 1
    high: int | None = None
    multiple: int = 1

    @property
    def fixed(self) -> int | None:
        """The one length, if there is only one."""
        return self.low if self.low == self.high else None

    def takes(self, length: int) -> bool:
        """Whether it may be so long."""
        return self.low <= length and (self.high is None or length <= self.high) and length % self.multiple == 0

    def __str__(self) -> str:
        if self.fixed is not None:
            return str(self.fixed)
        kind = f"multiples of {self.multiple} " if self.multiple > 1 else ""
        return f"{kind}from {self.low}" + ("" if self.high is None else f" to {self.high}")
