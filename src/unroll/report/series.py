"""The section of the page on series: the errors of each forecaster, k steps ahead, and forecasts with bands."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

from unroll.report import chart
from unroll.report.markdown import to_markdown_table

MEASURES = {"rmse": "RMSE", "mae": "MAE", "nll": "NLL, nats"}
"""The measures of stage forecast and their headings."""
ABSENT = "–"
"""What a table shows where there is no value."""
ORACLES = ("sine", "var_process")
"""The families of the oracles, which are not ranked."""
BAND = 2
"""Half the height of a band, in standard deviations: about 95 % of the values of a Gaussian are inside."""
OBSERVED = chart.COLORS - 2
"""The colour of the observed values, a grey."""
Errors = Mapping[tuple[str, int], float]
"""The errors by measure and step, without the steps that have nothing to measure."""


@dataclass(frozen=True)
class Row:
    """The results of one forecaster."""

    name: str
    """The name of the forecaster."""
    family: str
    """The family of the forecaster."""
    parameters: int
    """The number of fitted parameters."""
    errors: Errors
    """Its errors; those of several columns together are of standardised values."""
    by_column: Mapping[str, Errors] = field(default_factory=dict)
    """Its errors in each column, in the units of this column; empty if there is one column."""


@dataclass(frozen=True)
class Fan:
    """The forecast of one column from one origin."""

    forecaster: str
    """The name of the forecaster."""
    observed: Sequence[Sequence[tuple[float, float]]]
    """The observed values before and after the origin, as points (position, value). A missing value divides them."""
    means: Sequence[tuple[float, float]]
    """The means of the forecast."""
    deviations: Sequence[float]
    """The standard deviation of each mean."""

    @property
    def numbers(self) -> list[float]:
        """All heights that a chart of the forecast has."""
        ends = [y + side * BAND * d for (_, y), d in zip(self.means, self.deviations, strict=True) for side in (-1, 1)]
        return [*ends, *(value for points in self.observed for _, value in points)]


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
    fans: Mapping[str, Sequence[Fan]] = field(default_factory=dict)
    """The forecasts of each column from the first origin, by forecaster."""

    @property
    def colors(self) -> dict[str, int]:
        """The colour of each forecaster."""
        return chart.assign_colors(row.name for row in self.rows)

    @property
    def columns(self) -> list[tuple[str, int]]:
        """The columns (measure, step) of the table."""
        return [(measure, step) for measure in MEASURES for step in self.metrics["steps"]]

    @property
    def names(self) -> list[str]:
        """The names of the columns of the series if it has several."""
        return self.metrics.get("columns", [])

    @property
    def missing(self) -> dict[str, int]:
        """The number of missing numbers of each column that has some."""
        return self.metrics.get("missing", {})

    def is_best(self, row: Row, column: tuple[str, int], name: str = "") -> bool:
        """Return whether a forecaster has the lowest error, in all columns or in a named one; oracles have no rank."""
        if row.family in ORACLES or column not in errors_in(row, name):
            return False
        others = [errors_in(other, name) for other in self.rows if other.family not in ORACLES]
        return errors_in(row, name)[column] == min(errors[column] for errors in others if column in errors)

    @property
    def rmse(self) -> Markup:
        """The chart of the RMSE by step, a line per forecaster."""
        traces = [chart.Trace(name, self.colors[name], line) for name, line in self.curves.items() if len(line) > 1]
        return chart.draw_lines(traces, "steps ahead", "RMSE", log_x=True)

    @property
    def charts(self) -> dict[str, list[tuple[str, Markup]]]:
        """For each column, the forecast of each forecaster with its band, on one scale."""
        return {column: [(fan.forecaster, self._draw(fan, fans)) for fan in fans] for column, fans in self.fans.items()}

    def _draw(self, fan: Fan, fans: Sequence[Fan]) -> Markup:
        numbers = [number for one in fans for number in one.numbers]
        pad = (max(numbers) - min(numbers) or 1) * 0.06
        band = [BAND * deviation for deviation in fan.deviations]
        traces = [
            *(chart.Trace("observed", OBSERVED, points, marked=False) for points in fan.observed),
            chart.Trace(fan.forecaster, self.colors[fan.forecaster], fan.means, band, marked=False),
        ]
        limits = (min(numbers) - pad, max(numbers) + pad)
        return chart.draw_lines(traces, "position in the series", "value", limits=limits, mark=fan.means[0][0])


def errors_in(row: Row, name: str) -> Errors:
    """Return the errors of a forecaster in the column of a name, or in all columns together if it is empty."""
    return row.by_column[name] if name else row.errors


def read(names: Sequence[str], folder: Path) -> list[SeriesSection]:
    """Read the results of series.

    Args:
        names: The names of the series.
        folder: The folder of metrics; its folders `series` and `forecasts` have files for each series.

    Returns:
        The sections, in the order of `names`.
    """
    return [_read(name, folder) for name in names]


def _read(name: str, folder: Path) -> SeriesSection:
    metrics = json.loads((folder / "series" / f"{name}.json").read_text(encoding="utf-8"))
    rows = [
        Row(
            key,
            entry["family"],
            entry["parameters"],
            _errors(entry["steps"]),
            {found["column"]: _errors(found["steps"]) for found in entry.get("columns", [])},
        )
        for key, entry in metrics["forecasters"].items()
    ]
    curves: dict[str, list[tuple[int, float]]] = {row.name: [] for row in rows}
    with (folder / "series" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            curves[line["forecaster"]].append((int(line["step"]), float(line["rmse"])))
    return SeriesSection(name, metrics, rows, curves, _read_fans(folder / "forecasts" / f"{name}.csv"))


def _errors(steps: Sequence[Mapping[str, Any]]) -> Errors:
    return {(measure, row["step"]): row[measure] for row in steps for measure in MEASURES}


def _read_fans(path: Path) -> dict[str, list[Fan]]:
    """Read the forecasts from the first origin, by column."""
    fans: dict[str, list[Fan]] = {}
    before: dict[str, list[tuple[float, float]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for (column, forecaster), group in groupby(
            csv.DictReader(file), lambda row: (row["column"], row["forecaster"])
        ):
            lines = list(group)
            values = [(float(row["position"]), float(row["value"])) for row in lines if row["value"]]
            if not forecaster:
                before[column] = values
                continue
            forecast = [row for row in lines if row["mean"]]
            if forecast:
                means = [(float(row["position"]), float(row["mean"])) for row in forecast]
                deviations = [float(row["deviation"]) for row in forecast]
                fan = Fan(forecaster, _divide([*before.get(column, []), *values]), means, deviations)
                fans.setdefault(column, []).append(fan)
    return fans


def _divide(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Divide points where a position is missing."""
    runs: list[list[tuple[float, float]]] = []
    for point in points:
        if not runs or point[0] > runs[-1][-1][0] + 1:
            runs.append([])
        runs[-1].append(point)
    return runs


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
        several = f" Errors are those of {', '.join(section.names)} together, standardised." if section.names else ""
        yield (
            f"## Series `{section.name}`: k steps ahead\n\nFitted to {section.metrics['train']:,} values and compared "
            f"at every origin of the {section.metrics['test']:,} test values; {ABSENT}: the series is too short for "
            f"this k.{several}\n\n{to_markdown_table(heads, rows)}"
        )


def _cell(section: SeriesSection, row: Row, column: tuple[str, int]) -> str:
    if column not in row.errors:
        return ABSENT
    text = chart.format_number(row.errors[column])
    return f"**{text}**" if section.is_best(row, column) else text
