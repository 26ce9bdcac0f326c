"""The scale of a series: forecasters are fitted to standardised values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Scale:
    """The map x -> (x - shift) / unit, and its inverse."""

    shift: float
    """The value that becomes 0."""
    unit: float
    """The distance that becomes 1; greater than 0."""

    @staticmethod
    def standardize(values: Values) -> "Scale":
        """Return the scale on which `values` have mean 0 and standard deviation 1.

        Args:
            values: The values (N,) of the train split.

        Returns:
            The scale.

        Raises:
            UnrollError: All values are equal.
        """
        if values.min() == values.max():
            raise UnrollError(
                f"the series has the value {values[0]:g} throughout its train split; use a series that varies"
            )
        return Scale(float(values.mean()), float(values.std()))

    def apply(self, values: Values) -> Values:
        """Scale values of any shape."""
        return (values - self.shift) / self.unit

    def invert(self, values: Values) -> Values:
        """Return scaled values of any shape to the units of the series."""
        return values * self.unit + self.shift
