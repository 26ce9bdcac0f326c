"""sync: runs in MLflow for what DVC restored or skipped."""

from pathlib import Path

from unroll.cli.app import app


@app.command()
def sync() -> None:
    """Log to MLflow the stages that DVC restored from its cache; what is logged already is left alone."""
    from unroll.params import load
    from unroll.tracking.sync import Result, sync

    results = [
        Result(name, section.model_dump(), Path("data/partitions") / section.tokens)
        for name, section in load().experiments.items()
    ]
    print("\n".join(sync(results)) or "every result has its runs")
