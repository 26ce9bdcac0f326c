"""The difference between two models on one text, for any two tokenizers, with its confidence interval."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation import statistics
from unroll.evaluation.statistics import Difference
from unroll.params.evaluate import Statistics
from unroll.text.cleaner import Cleaner
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
        UnrollError: A model is not a language model, or their corpora were cleaned differently.
    """
    for model in (first, second):
        model.language_model("compare")
    _check_comparable(first, second)
    costs = [_bits_of_bytes(model.score(texts, "compare")) for model in (first, second)]
    difference = statistics.compare(costs[0], costs[1], params, seed)
    blocks = max(1, len(costs[0]) // params.block)
    return Comparison(float(costs[0].mean()), float(costs[1].mean()), difference, blocks)


def _check_comparable(first: TextModel, second: TextModel) -> None:
    """Raise UnrollError unless both models code the same cleaned text, and code the whole of it."""
    for name in [field.name for field in fields(Cleaner) if field.compare]:
        one, other = (json.dumps(getattr(model.cleaner, name)) for model in (first, second))
        if one != other:
            raise UnrollError(
                f"{first.folder} and {second.folder} read differently cleaned texts, whose bits per byte are not "
                f"comparable: {name} is {one} for the first and {other} for the second; compare models whose corpora "
                f"have the same {name}"
            )
    for model in (first, second):
        if math.isnan(model.tokenizer.spacing_bits("")):
            raise UnrollError(
                f"{model.folder} is from an earlier release, whose tokenizers have no model of spacing; run "
                "`dvc repro` for this model"
            )


def _bits_of_bytes(scores: Sequence[LineScore]) -> NDArray[np.float64]:
    """Return the bits of every byte of the cleaned lines, (bytes,)."""
    sizes = np.array([line.bytes for line in scores])
    return np.repeat(np.array([line.code.total for line in scores]) / sizes, sizes)
