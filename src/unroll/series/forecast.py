"""Stage forecast: fit all forecasters of a series to its train part and compare them on its test part."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unroll.errors import UnrollError
from unroll.params.corpora import Corpus
from unroll.params.series import SeriesParams
from unroll.series import family
from unroll.series.forecaster import Past, Scale
from unroll.series.observed import ObservedSeries
from unroll.series.rolling import RollingForecasts, StepErrors, find_measured, measure_errors, roll

COLUMNS = tuple(field.name for field in fields(StepErrors))
FIRST_COLUMNS = ("forecaster", "column", "step", "position", "value", "mean", "deviation")


@dataclass(frozen=True)
class Comparison:
    """The forecasters of one series side by side, in the order of params.yaml."""

    series: ObservedSeries
    """The series."""
    metrics: dict[str, Any]
    """Facts about the series and, below "forecasters", the family, parameters and errors of each at `steps`. With
    several columns, these are errors of standardised values, and "columns" has those of each one in its own units."""
    errors: dict[str, list[StepErrors]]
    """The errors of each forecaster at every step up to the horizon; those of several columns together are of
    standardised values."""
    forecasts: dict[str, RollingForecasts]
    """The forecasts of each forecaster, in the units of the series."""

    def write_errors(self, path: Path) -> None:
        """Write a CSV file with a row per forecaster and step."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["forecaster", *COLUMNS])
            writer.writerows([name, *asdict(row).values()] for name, rows in self.errors.items() for row in rows)

    def write_forecasts(self, path: Path) -> None:
        """Write a Parquet file with a row per forecaster, origin, step and column, and a row group per forecaster.

        `column` is there if the series has several. `value` is null where it is missing and beyond the end of the
        series; `mean` and `deviation` are null where no forecast is possible.

        Args:
            path: The file.
        """
        several = {"column": pa.string()} if len(self.series.columns) > 1 else {}
        numbers = {"value": pa.float64(), "mean": pa.float64(), "deviation": pa.float64()}
        schema = pa.schema({"forecaster": pa.string(), **several, "origin": pa.int64(), "step": pa.int64(), **numbers})
        with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as file:
            for name, rolling in self.forecasts.items():
                columns = {"forecaster": [name] * rolling.target.size, **_flatten(rolling, self.series.columns)}
                table = pa.table({key: columns[key] for key in schema.names}, schema)
                file.write_table(table, row_group_size=table.num_rows)

    def write_first_forecasts(self, path: Path) -> None:
        """Write a CSV file with the forecasts of the first origin, and as many values before it, for a picture.

        The rows without a forecaster are the values before the origin; their steps are -1, -2, ... The position is that
        in the series, from 0. An absent number is an empty cell.

        Args:
            path: The file.
        """
        first, values = self.series.sizes[0] + self.series.sizes[1], self.series.values
        horizon = next(iter(self.forecasts.values())).target.shape[1]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FIRST_COLUMNS)
            for index, column in enumerate(self.series.columns):
                for position in range(max(0, first - horizon), first):
                    value = _cell(values[position, index])
                    writer.writerow(["", column, position - first, position, value, "", ""])
                for name, rolling in self.forecasts.items():
                    numbers = (rolling.target, rolling.forecast.mean, rolling.forecast.deviation)
                    for step in range(1, horizon + 1):
                        cells = [_cell(array[0, step - 1, index]) for array in numbers]
                        writer.writerow([name, column, step, first + step - 1, *cells])


def compare(params: SeriesParams, name: str, series: ObservedSeries, corpus: Corpus, seed: int) -> Comparison:
    """Fit and compare the forecasters of a series.

    Args:
        params: The entry of `series` in params.yaml.
        name: The name of the entry.
        series: The values.
        corpus: The entry of `corpora` that the series is from.
        seed: The random seed.

    Returns:
        The comparison.

    Raises:
        UnrollError: A forecaster cannot be fitted; the message names the parameter of `series.<name>`.
    """
    train, valid, test = series.sizes
    try:
        scale = Scale.standardize(series.values[:train], series.columns)
    except UnrollError as error:
        raise UnrollError(f"series.{name}: {error}") from None
    scaled = scale.apply(series.values)
    past = Past(scaled[:train], scaled[train : train + valid], scale, corpus, params.steps[-1], seed)
    forecasts, parameters = {}, {}
    for key, section in params.forecasters.items():
        try:
            forecaster = family(section.family).fit(section, past)
        except UnrollError as error:
            raise UnrollError(f"series.{name}.forecasters.{key}.{error}") from None
        forecasts[key] = roll(forecaster, series.values, train + valid, params.steps[-1], scale)
        parameters[key] = forecaster.parameters
    measured = find_measured(forecasts.values())
    several = len(series.columns) > 1
    errors, rows = {}, {}
    for key, rolling in forecasts.items():
        errors[key] = measure_errors(rolling.standardize(scale) if several else rolling, measured)
        entry: dict[str, Any] = {"family": params.forecasters[key].family, "parameters": parameters[key]}
        rows[key] = entry | {"steps": _at(params.steps, errors[key])}
        if several:
            rows[key]["columns"] = [
                {"column": name, "steps": _at(params.steps, measure_errors(rolling.select(i), measured[..., [i]]))}
                for i, name in enumerate(series.columns)
            ]
    facts: dict[str, Any] = {"corpus": params.corpus, "steps": params.steps, "gaps": series.gaps}
    facts |= {"columns": list(series.columns)} if several else {}
    facts |= {"missing": series.missing} if series.missing else {}
    sizes = {"train": train, "valid": valid, "test": test}
    return Comparison(series, {**facts, **sizes, "forecasters": rows}, errors, forecasts)


def _at(steps: list[int], errors: list[StepErrors]) -> list[dict[str, Any]]:
    """Return the errors at the steps to report."""
    return [asdict(row) for row in errors if row.step in steps]


def _flatten(rolling: RollingForecasts, names: tuple[str, ...]) -> dict[str, pa.Array]:
    """Return the columns of a table with a row per origin, step and column."""
    origins, horizon, columns = rolling.target.shape
    numbers = {"value": rolling.target, "mean": rolling.forecast.mean, "deviation": rolling.forecast.deviation}
    return {
        "column": pa.array(names * (origins * horizon)),
        "origin": pa.array(np.repeat(rolling.origins, horizon * columns)),
        "step": pa.array(np.tile(np.repeat(np.arange(1, horizon + 1), columns), origins)),
        **{key: pa.array(numbers[key].ravel(), from_pandas=True) for key in numbers},
    }


def _cell(number: float) -> float | str:
    """Return a number, or nothing for NaN."""
    return "" if np.isnan(number) else float(number)
