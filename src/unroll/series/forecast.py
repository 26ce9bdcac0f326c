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
from unroll.series.rolling import RollingForecasts, StepErrors, measure_errors, roll

COLUMNS = tuple(field.name for field in fields(StepErrors))


@dataclass(frozen=True)
class Comparison:
    """The forecasters of one series side by side, in the order of params.yaml."""

    metrics: dict[str, Any]
    """Facts about the series and, below "forecasters", the family, parameters and errors of each at `steps`."""
    errors: dict[str, list[StepErrors]]
    """The errors of each forecaster at every step up to the horizon."""
    forecasts: dict[str, RollingForecasts]
    """The forecasts of each forecaster."""

    def write_errors(self, path: Path) -> None:
        """Write a CSV file with a row per forecaster and step."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["forecaster", *COLUMNS])
            writer.writerows([name, *asdict(row).values()] for name, rows in self.errors.items() for row in rows)

    def write_forecasts(self, path: Path) -> None:
        """Write a Parquet file with a row per forecaster, origin and step, and a row group per forecaster.

        `value` is null beyond the end of the series; `mean` and `deviation` are null where no forecast is possible.

        Args:
            path: The file.
        """
        numbers = {"origin": pa.int64(), "step": pa.int64(), "value": pa.float64(), "mean": pa.float64()}
        columns = {"forecaster": pa.string(), **numbers, "deviation": pa.float64()}
        with pq.ParquetWriter(path, pa.schema(columns), compression="zstd", write_page_checksum=True) as file:
            for name, rolling in self.forecasts.items():
                table = pa.table({"forecaster": [name] * rolling.target.size, **_flatten(rolling)}, pa.schema(columns))
                file.write_table(table, row_group_size=table.num_rows)


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
        scale = Scale.standardize(series.values[:train])
    except UnrollError as error:
        raise UnrollError(f"series.{name}: {error}") from None
    scaled = scale.apply(series.values)
    past = Past(scaled[:train], scaled[train : train + valid], scale, corpus, seed)
    forecasts, errors, rows = {}, {}, {}
    for key, section in params.forecasters.items():
        try:
            forecaster = family(section.family).fit(section, past)
        except UnrollError as error:
            raise UnrollError(f"series.{name}.forecasters.{key}.{error}") from None
        forecasts[key] = roll(forecaster, series.values, train + valid, params.steps[-1], scale)
        errors[key] = measure_errors(forecasts[key])
        steps = [asdict(row) for row in errors[key] if row.step in params.steps]
        rows[key] = {"family": section.family, "parameters": forecaster.parameters, "steps": steps}
    facts = {"corpus": params.corpus, "steps": params.steps, "gaps": series.gaps}
    sizes = {"train": train, "valid": valid, "test": test}
    return Comparison({**facts, **sizes, "forecasters": rows}, errors, forecasts)


def _flatten(rolling: RollingForecasts) -> dict[str, pa.Array]:
    """Return the columns of a table with a row per origin and step."""
    origins, horizon = len(rolling.origins), rolling.target.shape[1]
    numbers = {"value": rolling.target, "mean": rolling.forecast.mean, "deviation": rolling.forecast.deviation}
    return {
        "origin": pa.array(np.repeat(rolling.origins, horizon)),
        "step": pa.array(np.tile(np.arange(1, horizon + 1), origins)),
        **{key: pa.array(numbers[key].ravel(), from_pandas=True) for key in numbers},
    }
