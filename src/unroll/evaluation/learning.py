"""The excess over a known source by the size of the training text: does a model approach the truth, and how fast?

What could be the source comes down along d / 2N (`evaluation/truth.py`); what could not stops short of it.
"""

import csv
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from unroll.evaluation import truth
from unroll.evaluation.statistics import Floats
from unroll.models.protocol import LanguageModel
from unroll.params.evaluate import Statistics
from unroll.partition import Data, Stream

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


def part(data: Data, parts: int) -> Data:
    """The same data with the first 1/parts of the train split's documents, at least one."""
    stream = data.streams["train"]["text"]
    documents = max(1, (len(stream.offsets) - 1) // parts)
    cut = Stream(stream.tokens[: stream.offsets[documents]], stream.offsets[: documents + 1])
    return replace(data, streams=data.streams | {"train": {"text": cut}})


class Curve:
    """The points of one model, whose excess is measured on the test split of `data`."""

    def __init__(self, data: Data, source: LanguageModel[Any], params: Statistics) -> None:
        self.points: list[Point] = []
        self._data, self._params, self._known = data, params, _losses(source, data)

    def add(self, train_tokens: int, model: LanguageModel[Any], parameters: int) -> None:
        """The model of so many parameters, fitted to so many tokens."""
        found = truth.excess(_losses(model, self._data), self._known, self._params, self._data.seed)
        expected = truth.expected(parameters, train_tokens)
        self.points.append(Point(train_tokens, found.mean, found.low, found.high, expected))
        logger.info("%d tokens: %.4g millibits per token above the truth", train_tokens, found.mean)


def _losses(model: LanguageModel[Any], data: Data) -> Floats:
    return -np.concatenate(model.log_probs(data.test.documents)).astype(np.float64)


def write(points: Iterable[Point], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, [field.name for field in fields(Point)], lineterminator="\n")
        rows.writeheader()
        rows.writerows(asdict(point) for point in points)


def read(path: Path) -> list[Point]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [Point(int(row.pop("train_tokens")), **row) for row in rows]
