"""What the evaluate stage finds out about one model, and the files it goes to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unroll.evaluation import losses
from unroll.evaluation.losses import Column

Metrics = dict[str, Any]
DIAGNOSTICS = "diagnostics.json"


@dataclass(frozen=True)
class Evaluation:
    metrics: Metrics
    """Numbers of the test split; perplexity also of the valid split."""
    samples: str
    """What the model says, as text."""
    diagnostics: dict[str, Any]
    """By name: context, position, gradient_flow, gates, ahead, map, confusion, attention: what the report draws."""
    columns: dict[str, Column] = field(default_factory=dict)
    """The losses of the test tokens (`unroll.evaluation.losses`); none of a classifier."""
    arrays: dict[str, Any] = field(default_factory=dict)
    """Larger results by name: `ahead`, the log-probabilities of `unroll.evaluation.ahead`."""

    def write(self, folder: Path) -> Metrics:
        """Write losses and diagnostics into a new `folder`; the metrics, with the sha256 of the losses."""
        folder.mkdir()
        (folder / DIAGNOSTICS).write_text(json.dumps(finite(self.diagnostics)) + "\n", encoding="utf-8")
        for name, array in self.arrays.items():
            np.save(folder / f"{name}.npy", array)
        if not self.columns:
            return self.metrics
        return self.metrics | {"losses_sha256": losses.write(self.columns, folder / losses.FILE)}


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
