"""The validation losses of trainings, while these run: the pruner of a sweep follows them."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unroll.tracking import outbox
from unroll.tracking.journal import PRUNED, REPLACED, Journal
from unroll.tracking.results import CURVES, curve_rows

LOSS = "valid_loss"


class Curves:
    """The curves of one model in the experiments of a sweep."""

    def __init__(self, model: str) -> None:
        """Set the entry of params.yaml that is trained."""
        self.model, self.folder = model, outbox.folder()
        self._known: dict[str, str] = {}  # the experiment of each journal of a training of the model; "" for others

    def losses(self, experiment: str) -> dict[int, float]:
        """Return the validation losses so far of a training that runs, by epoch."""
        found: dict[int, float] = {}
        for journal in self._journals(experiment):
            found |= _losses(journal.rows())
        return found

    def final_losses(self, root: Path) -> dict[int, float]:
        """Return the validation losses of a training that has ended, by epoch.

        Args:
            root: The work tree that it ran in.
        """
        path = root / CURVES / f"{self.model}.csv"
        return _losses(curve_rows(path)) if path.is_file() else {}

    def mark_pruned(self, experiment: str) -> None:
        """Let the run of a training say that it was pruned, and that it does not go on."""
        for journal in self._journals(experiment):
            for name in (PRUNED, REPLACED):
                (journal.folder / name).touch()

    def _journals(self, experiment: str) -> list[Journal]:
        for path in outbox.waiting(self.folder):
            if path.name not in self._known:
                try:
                    head = Journal(path).head
                except OSError:  # it is logged and removed
                    continue
                own = head["stage"] == "train" and head["name"] == self.model
                self._known[path.name] = head["experiment"] if own else ""
        names = [name for name, known in self._known.items() if known == experiment]
        return [Journal(self.folder / name) for name in sorted(names) if (self.folder / name).is_dir()]


def _losses(rows: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Return the finite validation losses of rows by their epoch, or by their step where epochs are not known."""
    by_step: dict[int, dict[str, float]] = {}  # a journal has the values of one step in several rows
    for row in rows:
        by_step.setdefault(row["step"], {}).update(row["values"])
    return {
        round(values.get("epoch", step)): values[LOSS]
        for step, values in by_step.items()
        if math.isfinite(values.get(LOSS, math.nan))
    }
