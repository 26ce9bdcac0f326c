"""The learning curve of a training run: to a CSV file, to MLflow, and as log lines where nobody sees a bar."""

import csv
import logging
import sys
from pathlib import Path

from unroll.tracking.run import Run

logger = logging.getLogger("unroll")


class Curve:
    """The `report` callback of `fit`: report(step, name=value, ...). Values of one step share a row."""

    def __init__(self, run: Run | None) -> None:
        """Without a run, to a file alone."""
        self.run = run
        self.rows: dict[int, dict[str, float]] = {}
        self.logged = 0

    def __call__(self, step: int, **values: float) -> None:
        self.rows.setdefault(step, {"step": step}).update(values)
        if not sys.stderr.isatty() or "valid_loss" in values:
            logger.info("step %d: %s", step, ", ".join(f"{name} {value:.4g}" for name, value in values.items()))
        if "valid_loss" in values:
            self._log()

    def _log(self) -> None:
        # In batches: a transaction per number would cost more than the training step it belongs to.
        rows = list(self.rows.values())
        if self.run:
            self.run.log_curve(rows[self.logged :])
        self.logged = len(rows)

    def write(self, path: Path) -> None:
        """To a CSV file and, as it is, to MLflow: one row per step; a value not measured at that step is empty."""
        self._log()
        columns = list(dict.fromkeys(name for row in self.rows.values() for name in row)) or ["step"]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows.values())
        if self.run:
            self.run.log_result(path)
