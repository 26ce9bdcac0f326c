"""sync: runs in MLflow for what DVC restored or skipped."""

from unroll.cli.app import app


@app.command()
def sync() -> None:
    """Log to MLflow the stages that DVC restored from its cache; what is logged already is left alone."""
    from unroll.params import load
    from unroll.tracking.record import records
    from unroll.tracking.sync import sync

    print("\n".join(sync(records(load()))) or "every result has its runs")
