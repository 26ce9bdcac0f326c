"""Fit and compare the forecasters of one series: python -m stages.forecast SERIES."""

import json
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Compare the forecasters of the series `name`, and publish errors and forecasts."""
    from unroll.fingerprint import fingerprint
    from unroll.series.forecast import compare
    from unroll.series.observed import read

    section = params.series[name]
    clean, folder = Path("data/clean") / f"{section.corpus}.parquet", Path("metrics/series")
    outputs = folder / f"{name}.json", folder / f"{name}.csv", Path("data/forecasts") / f"{name}.parquet"
    with stage.atomic_outputs(*outputs) as (metrics, errors, forecasts):
        comparison = compare(section, name, read(clean), params.corpora[section.corpus], params.seed)
        hashes = fingerprint(section.model_dump(), clean)
        metrics.write_text(json.dumps({**hashes, **comparison.metrics}, indent=1) + "\n", encoding="utf-8")
        comparison.write_errors(errors)
        comparison.write_forecasts(forecasts)


if __name__ == "__main__":
    stage.run(main, "series")
