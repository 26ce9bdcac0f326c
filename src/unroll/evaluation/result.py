"""The results of the evaluation of one model, and the files that hold them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import LogProbs
from unroll.models.base.storage import file_sha256

Metrics = dict[str, Any]
DIAGNOSTICS = "diagnostics.json"


@dataclass(frozen=True)
class Evaluation:
    """The results of one measure, or the merged results of several."""

    metrics: Metrics = field(default_factory=dict)
    """Numbers of the test split, and the perplexity of the valid split, by name."""
    samples: str = ""
    """Output of the model as text."""
    diagnostics: dict[str, Any] = field(default_factory=dict)
    """Results that the report draws, by name: position, context_ablation, influence, gradient_flow, gates, activations,
    map, k_step, confusion, by_tag, attention and attention_reach."""
    log_probs: dict[str, Sequence[LogProbs]] = field(default_factory=dict)
    """Log-probabilities of the test tokens, by the name of their column in the table of losses."""
    losses: dict[str, NDArray] = field(default_factory=dict)
    """The table of losses of the test tokens (`unroll.evaluation.token_losses`), by column."""
    arrays: dict[str, Any] = field(default_factory=dict)
    """Larger results, by name: `k_step` holds the log-probabilities of `unroll.evaluation.analysis.k_step`, and
    `k_step_bias` their bias if they are estimated from samples."""

    def merge(self, other: "Evaluation") -> "Evaluation":
        """Return the results of both; those of `other` come last, and replace those of the same name."""
        return Evaluation(
            self.metrics | other.metrics,
            self.samples + other.samples,
            self.diagnostics | other.diagnostics,
            self.log_probs | other.log_probs,
            self.losses | other.losses,
            self.arrays | other.arrays,
        )

    def write(self, folder: Path) -> Metrics:
        """Write the diagnostics, the arrays and the table of losses.

        Args:
            folder: The folder to make.

        Returns:
            The metrics as JSON values, with the SHA-256 of the table of losses.
        """
        from unroll.evaluation import token_losses  # imports pyarrow, which most importers of this module do not need

        folder.mkdir()
        (folder / DIAGNOSTICS).write_text(json.dumps(json_value(self.diagnostics)) + "\n", encoding="utf-8")
        for name, array in self.arrays.items():
            np.save(folder / f"{name}.npy", array)
        metrics = json_value(self.metrics)
        if not self.losses:
            return metrics
        path = folder / token_losses.FILE
        token_losses.write(self.losses, path)
        return metrics | {"losses_sha256": file_sha256(path)}


def read_diagnostics(folder: Path) -> dict[str, Any]:
    """Read the diagnostics of the folder that `Evaluation.write` made."""
    return json.loads((folder / DIAGNOSTICS).read_text(encoding="utf-8"))


def json_value(value: Any) -> Any:
    """Convert numbers and arrays of numpy to JSON values.

    Args:
        value: A number, a string, an array, or a list, tuple or mapping of these.

    Returns:
        The value for `json.dumps`. JSON has no infinity and no NaN: these become the strings "inf", "-inf" and "nan".
    """
    match value:
        case Mapping():
            return {key: json_value(item) for key, item in value.items()}
        case list() | tuple() | np.ndarray():
            return [json_value(item) for item in value]
        case float() | np.floating():
            return float(value) if np.isfinite(value) else str(float(value))
        case np.integer():
            return int(value)
    return value
