"""GloVe in plain Python, by the equations of Pennington, Socher and Manning (2014), one pair after another."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Parameters = dict[str, NDArray[np.float64]]


def count(documents: Sequence[Sequence[int]], window: int, symmetric: bool) -> dict[tuple[int, int], float]:
    """X_ij: the words j before i, and with symmetric windows also those after i, each counted as 1 / distance."""
    counts: dict[tuple[int, int], float] = defaultdict(float)
    for document in documents:
        for at, word in enumerate(document):
            for distance in range(1, min(window, at) + 1):
                other = document[at - distance]
                counts[word, other] += 1 / distance
                if symmetric:
                    counts[other, word] += 1 / distance
    return counts


def weight(x: float, x_max: float, alpha: float) -> float:
    """f(x)."""
    return (x / x_max) ** alpha if x < x_max else 1.0


def term(at: Parameters, i: int, j: int, x: float, x_max: float, alpha: float) -> float:
    """The term of J of one pair."""
    difference = at["words"][i] @ at["contexts"][j] + at["word_bias"][i, 0] + at["context_bias"][j, 0] - np.log(x)
    return float(weight(x, x_max, alpha) * difference**2)


def gradients(at: Parameters, i: int, j: int, x: float, x_max: float, alpha: float) -> dict[str, Any]:
    """The gradients of half that term by the rows i and j of the parameters."""
    difference = at["words"][i] @ at["contexts"][j] + at["word_bias"][i, 0] + at["context_bias"][j, 0] - np.log(x)
    common = weight(x, x_max, alpha) * difference
    return {
        "words": common * at["contexts"][j],
        "contexts": common * at["words"][i],
        "word_bias": np.asarray([common]),
        "context_bias": np.asarray([common]),
    }


def step(
    at: Parameters, squares: Parameters, i: int, j: int, x: float, x_max: float, alpha: float, rate: float
) -> None:
    """Change the parameters by AdaGrad; `squares` holds the sums of the squared gradients."""
    for name, gradient in gradients(at, i, j, x, x_max, alpha).items():
        row = i if name.startswith("word") else j
        squares[name][row] += gradient**2
        at[name][row] -= gradient / np.sqrt(rate**-2 + squares[name][row])
