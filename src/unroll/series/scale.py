"""The scale of a series: forecasters are fitted to scaled values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Scale:
    """x -> (x - shift) / unit, and back."""

    shift: float
    unit: float

    @staticmethod
    def of(values: Values, kind: str) -> "Scale":
        """ "none", "standard" (mean 0, deviation 1) or "range" (0 to 1) of `values`."""
        if kind == "none":
            return Scale(0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        if low == high:
            raise UnrollError(f"the series is {low:g} throughout its train split; set scale: none or bring another")
        return Scale(float(values.mean()), float(values.std())) if kind == "standard" else Scale(low, high - low)

    def apply(self, values: Values) -> Values:
        return (values - self.shift) / self.unit

    def invert(self, values: Values) -> Values:
        return values * self.unit + self.shift
