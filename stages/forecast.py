"""Fit and compare the forecasters of one series: python -m stages.forecast SERIES."""

import json

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Compare the forecasters of the series `name`, and publish errors and forecasts."""
    from unroll.fingerprint import fingerprint
    from unroll.series.forecast import compare
    from unroll.series.observed import read
    from unroll.tracking.record import record
    from unroll.tracking.results import forecast

    section = params.series[name]
    with (
        record(result := forecast(params, name)),
        stage.atomic_outputs(*result.outputs) as (metrics, errors, forecasts, first_forecasts),
    ):
        comparison = compare(section, name, read(result.data), params.corpora[section.corpus], params.seed)
        metrics.write_text(
            json.dumps({**fingerprint(result.settings, result.data), **comparison.metrics}, indent=1) + "\n",
            encoding="utf-8",
        )
        comparison.write_errors(errors)
        comparison.write_forecasts(forecasts)
        comparison.write_first_forecasts(first_forecasts)


if __name__ == "__main__":
    stage.run(main, "series")
