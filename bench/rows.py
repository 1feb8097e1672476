"""What a measurement came to: a row of the table and of build/bench.json."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """One thing measured, beside what it is compared with.

    Args:
        what: was measured, exactly.
        samples: the measured values; their median counts.
        rule: the limit in words.
        factor, plus: the limit is factor x reference + plus, in `unit`.
        reference: the values that it is compared with, measured in turn with `samples`; none where the limit is plain.
        unit: of all values.
    """

    what: str
    samples: Sequence[float]
    rule: str = ""
    factor: float = 0.0
    plus: float = 0.0
    reference: Sequence[float] = ()
    unit: str = "s"

    @property
    def measured(self) -> float:
        return median(self.samples)

    @property
    def compared(self) -> float | None:
        """The median of the reference."""
        return median(self.reference) if self.reference else None

    @property
    def ratio(self) -> float | None:
        """Measured over reference; None without a reference, or where that is 0."""
        return self.measured / self.compared if self.compared else None

    @property
    def limit(self) -> float | None:
        """What `measured` may be at most; None where it is only shown."""
        return self.factor * (self.compared or 0.0) + self.plus if self.rule else None

    @property
    def over(self) -> bool:
        """Whether the limit is exceeded; what is not a number exceeds every limit."""
        return self.limit is not None and not self.measured <= self.limit

    def document(self, section: str) -> dict[str, Any]:
        """The row as JSON has it."""
        return {
            "section": section,
            "what": self.what,
            "measured": self.measured,
            "reference": self.compared,
            "ratio": self.ratio,
            "limit": self.limit,
            "rule": self.rule,
            "unit": self.unit,
            "over": self.over,
            "samples": {"measured": list(self.samples), "reference": list(self.reference)},
        }


def shown(value: float | None, unit: str) -> str:
    """A value with its unit, to three significant digits: `0.412 s`, `231 MB`."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return f"{value} {unit}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{digits}f} {unit}"
