"""The results of the evaluation of one model, and the files that hold them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation import token_losses
from unroll.models.base.protocol import LogProbs

Metrics = dict[str, Any]
DIAGNOSTICS = "diagnostics.json"


@dataclass(frozen=True)
class Evaluation:
    """The results of one measure, or of several."""

    metrics: Metrics = field(default_factory=dict)
    """Numbers of the test split, and the perplexity of the valid split."""
    samples: str = ""
    """Output of the model, as text."""
    diagnostics: dict[str, Any] = field(default_factory=dict)
    """What the report draws, by name: context_ablation, position, gradient_flow, gates, k_step, map, confusion and
    attention."""
    log_probs: dict[str, Sequence[LogProbs]] = field(default_factory=dict)
    """Log-probabilities of the test tokens, by the name of the column of the table of losses."""
    table: dict[str, NDArray] = field(default_factory=dict)
    """The losses of the test tokens (`unroll.evaluation.token_losses`), by column."""
    arrays: dict[str, Any] = field(default_factory=dict)
    """Larger results, by name: `k_step`, the log-probabilities of `unroll.evaluation.analysis.k_step`."""

    def merge(self, other: "Evaluation") -> "Evaluation":
        """Return the results of both."""
        return Evaluation(
            self.metrics | other.metrics,
            self.samples + other.samples,
            self.diagnostics | other.diagnostics,
            self.log_probs | other.log_probs,
            self.table | other.table,
            self.arrays | other.arrays,
        )

    def write(self, folder: Path) -> Metrics:
        """Write diagnostics, arrays and the table of losses.

        Args:
            folder: The folder to make.

        Returns:
            The metrics, with the SHA-256 of the table of losses.
        """
        folder.mkdir()
        (folder / DIAGNOSTICS).write_text(json.dumps(finite(self.diagnostics)) + "\n", encoding="utf-8")
        for name, array in self.arrays.items():
            np.save(folder / f"{name}.npy", array)
        if not self.table:
            return finite(self.metrics)
        path = folder / token_losses.FILE
        token_losses.write(self.table, path)
        return finite(self.metrics) | {"losses_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def read_diagnostics(folder: Path) -> dict[str, Any]:
    return json.loads((folder / DIAGNOSTICS).read_text(encoding="utf-8"))


def finite(value: Any) -> Any:
    """As JSON can say it: an infinity or NaN is a word there; numpy's numbers and arrays are Python's."""
    match value:
        case Mapping():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple() | np.ndarray():
            return [finite(item) for item in value]
        case float() | np.floating():
            return float(value) if np.isfinite(value) else str(float(value))
        case np.integer():
            return int(value)
    return value
