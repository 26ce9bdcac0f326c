"""The picture of Zipf's law: how often the tokens of each tokenizer occur, by rank."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unroll.report import chart

LAW = "Zipf's law"


class Zipf:
    """`counts` by the name of tokens: (R,) occurrences in train, the most frequent first."""

    def __init__(self, counts: Mapping[str, NDArray[np.int64]], colors: int) -> None:
        self._shares = {name: ranked / ranked.sum() for name, ranked in counts.items() if len(ranked)}
        self.colors = {name: index % colors for index, name in enumerate([*self._shares, LAW] if self._shares else [])}

    @property
    def picture(self) -> Markup:
        """The share of the text by rank, and 1 / (rank (1 + 1/2 + ... + 1/R)) of the tokenizer with the most (Zipf
        1949); empty without tokens."""
        if not self._shares:
            return Markup("")
        most = max(map(len, self._shares.values()))
        law = 1 / np.arange(1, most + 1) / np.sum(1 / np.arange(1, most + 1))
        series = [self._series(name, shares) for name, shares in self._shares.items()]
        return chart.lines([*series, self._series(LAW, law, dots=True)], "rank", "share of the text", True, True)

    def _series(self, name: str, shares: NDArray[np.float64], dots: bool = False) -> chart.Series:
        ranks = sorted({*(2**power for power in range(len(shares).bit_length())), len(shares)})
        return chart.Series(name, self.colors[name], [(rank, float(shares[rank - 1])) for rank in ranks], dots=dots)
