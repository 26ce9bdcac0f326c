"""Reproducible experiments with the classic and recurrent language models.

The import of this package is fast, since the other packages are imported where they are used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from unroll.use import TextModel

__version__ = "0.1.0"


def load(folder: "Path | str") -> "TextModel":
    """Load a trained model, for example `unroll.load("models/lstm")`.

    Args:
        folder: A folder that the train stage wrote, or the name of one under `models/`.

    Returns:
        The model.

    Raises:
        UnrollError: There is no model, or its files are damaged.
    """
    from unroll.use import load

    return load(folder)


def leaderboard() -> "pd.DataFrame":
    """Read the results of all models of the present folder, which is a repository of the pipeline.

    Returns:
        A row for each model that is evaluated, by corpus, tokenizer and test perplexity. The first columns are those of
        reports/leaderboard.csv; all other metrics follow. A value that a model does not have is missing.

    Raises:
        UnrollError: There is no params.yaml, or there are no metrics.
    """
    from pathlib import Path

    from unroll.params.load import load
    from unroll.report.leaderboard import read_existing

    return read_existing(load(), Path("metrics"))


def runs(filter: str = "", experiment: str = "unroll") -> "pd.DataFrame":
    """Read the runs of the MLflow store of the present folder.

    Args:
        filter: Which runs, in the language of `mlflow.search_runs`, for example "metrics.test_perplexity < 100". By
            default, all runs.
        experiment: The name of the MLflow experiment.

    Returns:
        A row for each run, the last one that was started first. The useful columns come first
        (`unroll.tracking.tables.FIRST`), with the relation of parents and children; params, metrics and tags follow as
        in `mlflow.search_runs`.

    Raises:
        UnrollError: The filter is not valid, there is no such experiment, or the store cannot be read.
    """
    from unroll.tracking.tables import runs

    return runs(filter, experiment)
