"""The learning curve of a training: a CSV file, and log lines where no progress bar is shown."""

import csv
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from unroll.training.perplexity import perplexity

logger = logging.getLogger("unroll")


class Curve:
    """The `log` of `fit`: log(step, name=value, ...). Values of one step share a row."""

    def __init__(self, record: Callable[[int, Mapping[str, float]], None] | None = None) -> None:
        """Make an empty curve.

        Args:
            record: Is called with the step and the values of each call.
        """
        self.record = record
        self.rows: dict[int, dict[str, float]] = {}

    def __call__(self, step: int, **values: float) -> None:
        """Log values by name at a step of the training."""
        self.rows.setdefault(step, {"step": step}).update(values)
        if self.record:
            self.record(step, values)
        if not sys.stderr.isatty() or "valid_loss" in values:
            described = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            if "valid_loss" in values:
                described += f" (perplexity {perplexity(values['valid_loss']):.4g})"
            logger.info("step %d: %s", step, described)

    def write(self, path: Path) -> None:
        """Write the CSV file `path` with a row for each step; a value that was not measured is empty."""
        columns = list(dict.fromkeys(name for row in self.rows.values() for name in row)) or ["step"]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows.values())
