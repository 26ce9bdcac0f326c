"""The learning curve of a model, as the train stage wrote it."""

import csv
from pathlib import Path


def curve(path: Path) -> list[dict[str, float]]:
    """The rows of a CSV file of the train stage; a value not measured at a step is absent."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def learned(rows: list[dict[str, float]]) -> bool:
    """Whether it is the curve of a network: others are counted, not trained step by step."""
    return any("train_loss" in row for row in rows)
