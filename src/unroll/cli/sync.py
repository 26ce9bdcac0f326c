"""sync: runs in MLflow for what DVC restored or skipped."""

from pathlib import Path

from unroll.cli.app import app


@app.command()
def sync() -> None:
    """Log to MLflow the stages that DVC restored from its cache; what is logged already is left alone."""
    from unroll.params import load
    from unroll.tracking import record
    from unroll.tracking.sync import sync

    params, records = load(), []
    for name, section in params.experiments.items():
        records += record.of_model(name, section.model_dump(), Path("data/partitions") / section.tokens)
    for name, learning in params.learning.items():
        values = learning.model_dump() | {"model": params.models[name].model_dump()}
        records.append(record.of_learning(name, values, Path("data/partitions") / learning.tokens))
    for name, series in params.series.items():
        records.append(record.of_series(name, series.model_dump(), Path("data/clean") / f"{series.corpus}.parquet"))
    print("\n".join(sync(records)) or "every result has its runs")
