"""The learning curve of a training: a CSV file, MLflow metrics, and log lines where no progress bar is shown."""

import csv
import logging
import sys
from pathlib import Path

from unroll.tracking.run import Run

logger = logging.getLogger("unroll")


class Curve:
    """The `log` of `fit`: log(step, name=value, ...). Values of one step share a row."""

    def __init__(self, run: Run | None) -> None:
        """Set the MLflow run; None writes the file only."""
        self.run = run
        self.rows: dict[int, dict[str, float]] = {}
        self.logged = 0

    def __call__(self, step: int, **values: float) -> None:
        """Log values by name at a step of the training."""
        self.rows.setdefault(step, {"step": step}).update(values)
        if not sys.stderr.isatty() or "valid_loss" in values:
            logger.info("step %d: %s", step, ", ".join(f"{name} {value:.4g}" for name, value in values.items()))
        if "valid_loss" in values:
            self._log()

    def _log(self) -> None:
        # Rows are sent in batches, since a transaction per number would take longer than a training step.
        rows = list(self.rows.values())
        if self.run:
            self.run.log_curve(rows[self.logged :])
        self.logged = len(rows)

    def write(self, path: Path) -> None:
        """Write the CSV file `path` with a row for each step, and log it; a value that was not measured is empty."""
        self._log()
        columns = list(dict.fromkeys(name for row in self.rows.values() for name in row)) or ["step"]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows.values())
        if self.run:
            self.run.log_result(path)
