"""The learning curve of a model of a sampled corpus: its excess over the oracle by the size of the training text.

The excess of a model that contains the oracle falls along d / 2N (`unroll.evaluation.analysis.oracle_gap`). That of any
other model stops above it.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unroll.evaluation.analysis import oracle_gap
from unroll.evaluation.statistics import Floats
from unroll.models.base.protocol import LanguageModel, Member
from unroll.params.evaluate import Statistics
from unroll.text.streams import Data

logger = logging.getLogger("unroll")


@dataclass(frozen=True)
class Point:
    """The excess of a model that was trained on a part of the text, in millibits per token of the test split."""

    train_tokens: int
    """The number of training tokens."""
    excess: float
    """The mean excess over the oracle."""
    low: float
    """The low end of its interval."""
    high: float
    """The high end of its interval."""
    expected: float
    """d / 2N for the parameters of the model and its training tokens."""


class Curve:
    """The points of the learning curve of one model."""

    def __init__(self, data: Data, oracle: LanguageModel[Any], params: Statistics) -> None:
        """Score the test split of `data` with the oracle; `params` are the settings of the intervals."""
        self.points: list[Point] = []
        self._data, self._params, self._oracle_losses = data, params, _losses(oracle, data)

    def add(self, train_tokens: int, model: Member[Any]) -> None:
        """Add the point of a model that was trained on this number of tokens."""
        excess = oracle_gap.excess(_losses(model, self._data), self._oracle_losses, self._params, self._data.seed)
        expected = oracle_gap.expected_excess(model.parameters, train_tokens)
        self.points.append(Point(train_tokens, excess.mean, excess.low, excess.high, expected))
        logger.info("%d tokens: %.4g millibits per token above the oracle", train_tokens, excess.mean)


def _losses(model: LanguageModel[Any], data: Data) -> Floats:
    """Return the losses (T,) of the test tokens in nats."""
    return -np.concatenate(model.log_probs(data.test.documents)).astype(np.float64)


def write(points: Iterable[Point], path: Path, header: Mapping[str, str]) -> None:
    """Write the points to the JSON file `path`, after the entries of `header`."""
    content = {**header, "points": [asdict(point) for point in points]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Point]:
    """Read the points of the file `path` that `write` wrote."""
    return [Point(**point) for point in json.loads(path.read_text(encoding="utf-8"))["points"]]
