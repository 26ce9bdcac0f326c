"""Forecasts of numbers: which forecaster, how far ahead, by how much."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from unroll.report import chart

MEASURES = {"rmse": "RMSE", "mae": "MAE", "nll": "NLL, nats"}
ABSENT, TRUTH = "–", "sine"


@dataclass(frozen=True)
class Row:
    """One forecaster of a series."""

    name: str
    family: str
    parameters: int
    errors: dict[tuple[str, int], float]
    """By measure and step; absent where there was nothing to measure."""


@dataclass(frozen=True)
class Series:
    name: str
    metrics: dict[str, Any]
    """What stage forecast wrote."""
    rows: Sequence[Row]
    """In the order of params."""
    curves: dict[str, list[tuple[int, float]]]
    """By forecaster the RMSE at every step up to the horizon."""

    @property
    def columns(self) -> list[tuple[str, int]]:
        """(measure, step)"""
        return [(measure, step) for measure in MEASURES for step in self.metrics["steps"]]

    def leads(self, row: Row, column: tuple[str, int]) -> bool:
        """Whether its error is the lowest, the truth left out."""
        if row.family == TRUTH or column not in row.errors:
            return False
        rivals = [other.errors[column] for other in self.rows if other.family != TRUTH and column in other.errors]
        return row.errors[column] == min(rivals)

    @property
    def picture(self) -> Markup:
        lines = [
            chart.Series(name, index % 10, points)
            for index, (name, points) in enumerate(self.curves.items())
            if len(points) > 1
        ]
        return chart.lines(lines, "steps ahead", "RMSE", log_x=True)


def read(names: Sequence[str], folder: Path) -> list[Series]:
    """Of these series, from `folder` of metrics."""
    return [_read(name, folder) for name in names]


def _read(name: str, folder: Path) -> Series:
    metrics = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    rows = [
        Row(
            key,
            found["family"],
            found["parameters"],
            {(measure, row["step"]): row[measure] for row in found["steps"] for measure in MEASURES},
        )
        for key, found in metrics["forecasters"].items()
    ]
    curves: dict[str, list[tuple[int, float]]] = {row.name: [] for row in rows}
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            curves[line["forecaster"]].append((int(line["step"]), float(line["rmse"])))
    return Series(name, metrics, rows, curves)


def markdown(found: Sequence[Series]) -> Iterator[str]:
    """A section per series, for the leaderboard."""
    for series in found:
        heads = ["forecaster", "family", *(f"{MEASURES[m]} k={k}" for m, k in series.columns), "numbers"]
        lines = [heads, [":--", *["--:"] * (len(heads) - 1)]]
        for row in series.rows:
            cells = [_cell(series, row, column) for column in series.columns]
            lines.append([f"`{row.name}`", row.family, *cells, f"{row.parameters:,}"])
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        yield (
            f"## Series `{series.name}`: k steps ahead\n\nFitted on {series.metrics['train']:,} values, compared at "
            f"every origin of the {series.metrics['test']:,} of test; {ABSENT}: too short for that k.\n\n{table}"
        )


def _cell(series: Series, row: Row, column: tuple[str, int]) -> str:
    if column not in row.errors:
        return ABSENT
    text = chart.number(row.errors[column])
    return f"**{text}**" if series.leads(row, column) else text
