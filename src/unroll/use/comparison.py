"""Two models on one text, whatever their tokens are: their difference, and whether it can be believed."""

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
    one: float
    """Bits per byte of the text as it is written, one more byte for the end of each line; less is better."""
    other: float
    difference: Difference
    """one - other, bits per byte, with its interval."""
    blocks: int
    """That were resampled: with fewer than a dozen the interval says little."""


def compare(one: TextModel, other: TextModel, texts: Sequence[str], params: Statistics, seed: int) -> Comparison:
    """`params.block` counts bytes here: what a line costs is spread evenly over its bytes, so that models with other
    tokens can be compared block by block."""
    costs = [_bits(texts, model.score(texts, "compare")) for model in (one, other)]
    difference = statistics.compare(costs[0], costs[1], params, seed)
    blocks = max(1, len(costs[0]) // params.block)
    return Comparison(float(costs[0].mean()), float(costs[1].mean()), difference, blocks)


def _bits(texts: Sequence[str], scores: Sequence[LineScore]) -> NDArray[np.float64]:
    """Bits of every byte of the texts."""
    sizes = np.array([len(text.encode()) + 1 for text in texts])
    bits = np.array([-line.spelt_log_likelihood / math.log(2) for line in scores])
    return np.repeat(bits / sizes, sizes)
