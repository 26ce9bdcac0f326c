"""Zipf's law: how often the tokens of each tokenizer occur, by rank (Zipf 1949)."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unroll.report import chart

LAW = "Zipf's law"


class ZipfSection:
    """The chart of token frequencies beside Zipf's law."""

    def __init__(self, counts: Mapping[str, NDArray[np.int64]]) -> None:
        """Compute the shares of the tokens.

        Args:
            counts: For each tokenizer, the counts (R,) of its tokens in the train split, the most frequent first.
        """
        self._shares = {name: ranked / ranked.sum() for name, ranked in counts.items() if len(ranked)}
        self.colors = chart.assign_colors([*self._shares, LAW] if self._shares else [])

    @property
    def frequencies(self) -> Markup:
        """The share of the text by rank r, and 1 / (r (1 + 1/2 + .. + 1/R)) for the largest vocabulary R."""
        if not self._shares:
            return Markup("")
        largest = max(map(len, self._shares.values()))
        law = 1 / np.arange(1, largest + 1) / np.sum(1 / np.arange(1, largest + 1))
        traces = [self._trace(name, shares) for name, shares in self._shares.items()]
        return chart.draw_lines([*traces, self._trace(LAW, law, dots=True)], "rank", "share of the text", True, True)

    def _trace(self, name: str, shares: NDArray[np.float64], dots: bool = False) -> chart.Trace:
        """Return the shares at ranks 1, 2, 4, .. and at the last rank."""
        ranks = sorted({*(2**power for power in range(len(shares).bit_length())), len(shares)})
        return chart.Trace(name, self.colors[name], [(rank, float(shares[rank - 1])) for rank in ranks], dots=dots)
