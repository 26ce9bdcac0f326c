"""The excess over a known source by the size of the training text: does a model approach the truth, and how fast?

What could be the source comes down along d / 2N (`evaluation/truth.py`); what could not stops short of it.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unroll.evaluation.analysis import oracle_gap
from unroll.evaluation.statistics import Floats
from unroll.models.base.protocol import LanguageModel
from unroll.params.evaluate import Statistics
from unroll.text.streams import Data, Stream

logger = logging.getLogger("unroll")


@dataclass(frozen=True)
class Point:
    """One size of the training text; millibits per token of the test split."""

    train_tokens: int
    excess: float
    low: float
    high: float
    expected: float
    """d / 2N of the model of this size."""


def part(data: Data, fraction: float) -> Data:
    """Return the data with a fraction of the documents of the train split, the first ones, at least one."""
    stream = data.streams["train"]["text"]
    documents = max(1, int((len(stream.offsets) - 1) * fraction))
    cut = Stream(stream.tokens[: stream.offsets[documents]], stream.offsets[: documents + 1])
    return replace(data, streams=data.streams | {"train": {"text": cut}})


class Curve:
    """The points of one model, whose excess is measured on the test split of `data`."""

    def __init__(self, data: Data, source: LanguageModel[Any], params: Statistics) -> None:
        self.points: list[Point] = []
        self._data, self._params, self._known = data, params, _losses(source, data)

    def add(self, train_tokens: int, model: LanguageModel[Any], parameters: int) -> None:
        """The model of so many parameters, fitted to so many tokens."""
        found = oracle_gap.excess(_losses(model, self._data), self._known, self._params, self._data.seed)
        expected = oracle_gap.expected(parameters, train_tokens)
        self.points.append(Point(train_tokens, found.mean, found.low, found.high, expected))
        logger.info("%d tokens: %.4g millibits per token above the truth", train_tokens, found.mean)


def _losses(model: LanguageModel[Any], data: Data) -> Floats:
    return -np.concatenate(model.log_probs(data.test.documents)).astype(np.float64)


def write(points: Iterable[Point], path: Path, about: Mapping[str, str]) -> None:
    """JSON: `about`, and the "points"."""
    found = {**about, "points": [asdict(point) for point in points]}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Point]:
    return [Point(**point) for point in json.loads(path.read_text(encoding="utf-8"))["points"]]
