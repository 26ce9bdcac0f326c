"""Fit and compare the forecasters of one series: python -m stages.forecast SERIES."""

import json
from pathlib import Path

from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import tracking
    from unroll.series.forecast import forecast
    from unroll.series.observed import read

    section = params.series[name]
    clean, folder = Path("data/clean") / f"{section.corpus}.parquet", Path("metrics/series")
    outputs = folder / f"{name}.json", folder / f"{name}.csv", Path("data/forecasts") / f"{name}.parquet"
    with (
        tracking.run("forecast", name, section.model_dump(), clean) as run,
        stage.publish(*outputs) as (metrics, errors, forecasts),
    ):
        found = forecast(section, name, read(clean), params.corpora[section.corpus], params.seed)
        metrics.write_text(json.dumps({**run.hashes, **found.metrics}, indent=1) + "\n", encoding="utf-8")
        found.write_errors(errors)
        found.write_forecasts(forecasts)
        run.log_file(metrics)
        run.log_table(errors, by="forecaster")


if __name__ == "__main__":
    stage.run(main, "series")
