"""Time series through stage tokenize: numbers need no vocabulary, only a scale."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.tokens import SeriesTokens
from unroll.text import cleaned, ids
from unroll.text.splits import SPLITS

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Scale:
    """x -> (x - shift) / unit, and back."""

    shift: float
    unit: float

    @staticmethod
    def of(values: Values, kind: str) -> "Scale":
        """ "none", "standard" (mean 0, deviation 1) or "range" (0 to 1) of `values`."""
        if kind == "none":
            return Scale(0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        if low == high:
            raise UnrollError(f"the series is {low:g} throughout its train split; set scale: none or bring another")
        return Scale(float(values.mean()), float(values.std())) if kind == "standard" else Scale(low, high - low)

    def apply(self, values: Values) -> Values:
        return (values - self.shift) / self.unit

    def invert(self, values: Values) -> Values:
        return values * self.unit + self.shift

    @staticmethod
    def load(path: Path) -> "Scale":
        """Of the scale.json that stage tokenize wrote."""
        return Scale(**json.loads(path.read_text(encoding="utf-8")))


def tokenize(params: SeriesTokens, clean: Path, folder: Path) -> dict[str, Any]:
    """Write scale.json and per split an Arrow file with a list<float32> column "value" (a row per series); return
    {"vocabulary_size": 0, split: {"value": {"documents": series, "tokens": observations}}}."""
    parts = list(_series(clean))
    scale = Scale.of(np.concatenate([values for split, values in parts if split == "train"]), params.scale)
    (folder / "scale.json").write_text(json.dumps(asdict(scale)) + "\n", encoding="utf-8")
    counts = {split: {"value": {"documents": 0, "tokens": 0}} for split in SPLITS}
    with ids.Writer(folder, pa.schema([("value", ids.VALUES)])) as files:
        for split, values in parts:
            files.write(split, [ids.array(scale.apply(values).astype(np.float32), [len(values)])])
            counts[split]["value"]["documents"] += 1
            counts[split]["value"]["tokens"] += len(values)
    return {"vocabulary_size": 0, **counts}


def _series(clean: Path) -> Iterator[tuple[str, Values]]:
    """(split, values) of each series; a series that is cut by position is one in every split. 8 bytes a value."""
    rows = (
        row
        for table in cleaned.tables(clean)
        for row in zip(*(table[name].to_pylist() for name in ("document", "split", "value")), strict=True)
    )
    for (_, split), group in groupby(rows, key=lambda row: row[:2]):
        yield split, np.fromiter((row[2] for row in group), np.float64)
