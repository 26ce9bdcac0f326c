"""Stage forecast: all forecasters of one series, fitted on its train part and compared on its test part."""

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
from unroll.series.forecaster import Past
from unroll.series.observed import Observed
from unroll.series.rolling import Errors, Rolled, errors, roll
from unroll.text.series import Scale

COLUMNS = tuple(field.name for field in fields(Errors))


@dataclass(frozen=True)
class Found:
    """By forecaster, in the order of params."""

    metrics: dict[str, Any]
    """Of the series and, below "forecasters", of each: family, parameters, and the errors at the steps to report."""
    errors: dict[str, list[Errors]]
    """At every step up to the horizon."""
    rolled: dict[str, Rolled]

    def write_errors(self, path: Path) -> None:
        """CSV, a row per forecaster and step."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["forecaster", *COLUMNS])
            writer.writerows([name, *asdict(row).values()] for name, rows in self.errors.items() for row in rows)

    def write_forecasts(self, path: Path) -> None:
        """Parquet, a row group per forecaster: origin (values known), step, value (null beyond the end), mean,
        deviation (null where a forecaster has nothing to tell it from)."""
        kinds = {"origin": pa.int64(), "step": pa.int64(), "value": pa.float64(), "mean": pa.float64()}
        columns = {"forecaster": pa.string(), **kinds, "deviation": pa.float64()}
        with pq.ParquetWriter(path, pa.schema(columns), compression="zstd", write_page_checksum=True) as file:
            for name, rolled in self.rolled.items():
                table = pa.table({"forecaster": [name] * rolled.target.size, **_flat(rolled)}, pa.schema(columns))
                file.write_table(table, row_group_size=table.num_rows)


def forecast(params: SeriesParams, name: str, series: Observed, corpus: Corpus, seed: int) -> Found:
    """UnrollError names the param of `series.<name>` that does not fit the series."""
    train, valid, test = series.sizes
    scale = _scale(series.values[:train], name)
    scaled = scale.apply(series.values)
    past = Past(scaled[:train], scaled[train : train + valid], scale, corpus, seed)
    rolled, found, described = {}, {}, {}
    for key, section in params.forecasters.items():
        try:
            forecaster = family(section.family).fit(section, past)
        except UnrollError as error:
            raise UnrollError(f"series.{name}.forecasters.{key}.{error}") from None
        rolled[key] = roll(forecaster, series.values, train + valid, params.steps[-1], scale)
        found[key] = errors(rolled[key])
        steps = [asdict(row) for row in found[key] if row.step in params.steps]
        described[key] = {"family": section.family, "parameters": forecaster.parameters, "steps": steps}
    about = {"corpus": params.corpus, "steps": params.steps, "gaps": series.gaps}
    sizes = {"train": train, "valid": valid, "test": test}
    return Found({**about, **sizes, "forecasters": described}, found, rolled)


def _scale(train: np.ndarray, name: str) -> Scale:
    try:
        return Scale.of(train, "standard")
    except UnrollError:
        raise UnrollError(
            f"series.{name}: the series is {train[0]:g} throughout its train split; bring one that moves"
        ) from None


def _flat(rolled: Rolled) -> dict[str, pa.Array]:
    """The columns of a table with a row per origin and step."""
    origins, horizon = len(rolled.origins), rolled.target.shape[1]
    numbers = {"value": rolled.target, "mean": rolled.forecast.mean, "deviation": rolled.forecast.deviation}
    return {
        "origin": pa.array(np.repeat(rolled.origins, horizon)),
        "step": pa.array(np.tile(np.arange(1, horizon + 1), origins)),
        **{key: pa.array(numbers[key].ravel(), from_pandas=True) for key in numbers},
    }
