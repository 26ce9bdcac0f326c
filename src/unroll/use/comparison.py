"""The difference between two models on one text, for any two tokenizers, with its confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation import statistics
from unroll.evaluation.statistics import Difference
from unroll.params.evaluate import Statistics
from unroll.use.model import TextModel
from unroll.use.scoring import LineScore


@dataclass(frozen=True)
class Comparison:
    """Bits per byte of two models on one text; less is better."""

    first: float
    """Bits of the first model per byte of the cleaned text, with one byte for the end of each line."""
    second: float
    """Bits of the second model per byte."""
    difference: Difference
    """first - second in bits per byte, with its confidence interval and p value."""
    blocks: int
    """The number of blocks that are resampled. With fewer than a dozen, the interval is not reliable."""


def compare(first: TextModel, second: TextModel, texts: Sequence[str], params: Statistics, seed: int) -> Comparison:
    """Compare two models on a text.

    The bits of each line are spread evenly over its bytes, so that models with different tokenizers can be compared
    block by block.

    Args:
        first: A language model.
        second: Another language model.
        texts: The lines of the text.
        params: The settings of the bootstrap and of the permutation test. `params.block` is a number of bytes.
        seed: The seed of both.

    Returns:
        The bits per byte of both models, and their difference.

    Raises:
        UnrollError: A model is not a language model.
    """
    costs = [_bits_of_bytes(texts, model.score(texts, "compare")) for model in (first, second)]
    difference = statistics.compare(costs[0], costs[1], params, seed)
    blocks = max(1, len(costs[0]) // params.block)
    return Comparison(float(costs[0].mean()), float(costs[1].mean()), difference, blocks)


def _bits_of_bytes(texts: Sequence[str], scores: Sequence[LineScore]) -> NDArray[np.float64]:
    """Return the bits of every byte of the texts, (bytes,)."""
    sizes = np.array([len(text.encode()) + 1 for text in texts])
    bits = np.array([-line.log_likelihood_with_spelling / math.log(2) for line in scores])
    return np.repeat(bits / sizes, sizes)
