"""The section of the page on series: the errors of each forecaster, k steps ahead."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from unroll.report import chart
from unroll.report.markdown import to_markdown_table

MEASURES = {"rmse": "RMSE", "mae": "MAE", "nll": "NLL, nats"}
"""The measures of stage forecast and their headings."""
ABSENT = "–"
"""What a table shows where there is no value."""
ORACLE = "sine"
"""The family of the oracle, which is not ranked."""


@dataclass(frozen=True)
class Row:
    """The results of one forecaster."""

    name: str
    """The name of the forecaster."""
    family: str
    """The family of the forecaster."""
    parameters: int
    """The number of fitted parameters."""
    errors: dict[tuple[str, int], float]
    """The errors by measure and step, without the steps that have nothing to measure."""


@dataclass(frozen=True)
class SeriesSection:
    """The results of all forecasters of one series."""

    name: str
    """The name of the series."""
    metrics: dict[str, Any]
    """The metrics that stage forecast wrote."""
    rows: Sequence[Row]
    """The forecasters, in the order of params.yaml."""
    curves: dict[str, list[tuple[int, float]]]
    """The points (step, RMSE) of each forecaster at every step up to the horizon."""

    @property
    def colors(self) -> dict[str, int]:
        """The colour of each forecaster."""
        return chart.assign_colors(row.name for row in self.rows)

    @property
    def columns(self) -> list[tuple[str, int]]:
        """The columns (measure, step) of the table."""
        return [(measure, step) for measure in MEASURES for step in self.metrics["steps"]]

    def is_best(self, row: Row, column: tuple[str, int]) -> bool:
        """Return whether a forecaster has the lowest error in a column; the oracle is not ranked."""
        if row.family == ORACLE or column not in row.errors:
            return False
        errors = [other.errors[column] for other in self.rows if other.family != ORACLE and column in other.errors]
        return row.errors[column] == min(errors)

    @property
    def rmse(self) -> Markup:
        """The chart of the RMSE by step, a line per forecaster."""
        traces = [chart.Trace(name, self.colors[name], line) for name, line in self.curves.items() if len(line) > 1]
        return chart.draw_lines(traces, "steps ahead", "RMSE", log_x=True)


def read(names: Sequence[str], folder: Path) -> list[SeriesSection]:
    """Read the results of series.

    Args:
        names: The names of the series.
        folder: The folder with a JSON and a CSV file for each series.

    Returns:
        The sections, in the order of `names`.
    """
    return [_read(name, folder) for name in names]


def _read(name: str, folder: Path) -> SeriesSection:
    metrics = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    rows = [
        Row(
            key,
            entry["family"],
            entry["parameters"],
            {(measure, row["step"]): row[measure] for row in entry["steps"] for measure in MEASURES},
        )
        for key, entry in metrics["forecasters"].items()
    ]
    curves: dict[str, list[tuple[int, float]]] = {row.name: [] for row in rows}
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            curves[line["forecaster"]].append((int(line["step"]), float(line["rmse"])))
    return SeriesSection(name, metrics, rows, curves)


def to_markdown(sections: Sequence[SeriesSection]) -> Iterator[str]:
    """Yield a table for each series, with the lowest error of each column in bold."""
    for section in sections:
        heads = ["forecaster", "family", *(f"{MEASURES[m]} k={k}" for m, k in section.columns), "parameters"]
        rows = [
            [
                f"`{row.name}`",
                row.family,
                *(_cell(section, row, column) for column in section.columns),
                f"{row.parameters:,}",
            ]
            for row in section.rows
        ]
        yield (
            f"## Series `{section.name}`: k steps ahead\n\nFitted to {section.metrics['train']:,} values and compared "
            f"at every origin of the {section.metrics['test']:,} test values; {ABSENT}: the series is too short for "
            f"this k.\n\n{to_markdown_table(heads, rows)}"
        )


def _cell(section: SeriesSection, row: Row, column: tuple[str, int]) -> str:
    if column not in row.errors:
        return ABSENT
    text = chart.format_number(row.errors[column])
    return f"**{text}**" if section.is_best(row, column) else text
