"""The runs of the store as a pandas table."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unroll.errors import UnrollError
from unroll.tracking import outbox, store

if TYPE_CHECKING:
    import pandas as pd

FIRST = {
    "name": "tags.mlflow.runName",
    "status": "status",
    "kind": "tags.unroll.kind",
    "model": "tags.unroll.model",
    "test_perplexity": "metrics.test_perplexity",
    "bits_per_byte": "metrics.bits_per_byte",
    "best_valid_loss": "metrics.best_valid_loss",
    "parameters": "metrics.parameters",
    "train_seconds": "metrics.train_seconds",
    "started": "start_time",
    "duration": "duration",
    "dvc_experiment": "tags.dvc.exp.name",
    "parent": "tags.mlflow.parentRunId",
    "children": "children",
    "run_id": "run_id",
}
"""The first columns of a table of runs, and the columns of `mlflow.search_runs` that they are made from."""
INFO = ("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time")
"""What is known of every run."""
PAGE = 1000
"""The number of runs that are read together."""


def runs(filter: str = "", experiment: str = "") -> "pd.DataFrame":
    """Read the runs of the store of the present folder.

    Args:
        filter: Which runs, in the language of `mlflow.search_runs`, for example "metrics.test_perplexity < 100". By
            default, all runs.
        experiment: The name of the MLflow experiment, by default MLFLOW_EXPERIMENT_NAME or `unroll`.

    Returns:
        A row for each run, the last one that was started first. The first columns are those of `FIRST`: `duration` is a
        time difference, `parent` the id of the run that this one belongs to, and `children` the number of rows of the
        table whose parent the run is. The other columns have the names of `mlflow.search_runs`: metrics, params and
        tags with the prefixes "metrics.", "params." and "tags.". A value that a run does not have is missing.

    Raises:
        UnrollError: The filter is not valid, there is no such experiment, or the store cannot be read.
    """
    import pandas as pd

    address = store.prepare()
    with _paused_collector():
        rows = [_row(run) for run in _search(address, filter, experiment or outbox.experiment())]
    names = {name for row in rows for name in row} | set(FIRST.values())
    table = pd.DataFrame(rows, columns=[*INFO, *sorted(names - set(INFO))])
    for time in ("start_time", "end_time"):
        table[time] = pd.to_datetime(table[time], unit="ms", utc=True)
    table["duration"] = table.end_time - table.start_time
    table["children"] = table.run_id.map(table["tags.mlflow.parentRunId"].value_counts()).fillna(0).astype(int)
    first = pd.DataFrame({name: table[source] for name, source in FIRST.items()})
    first = first.astype({name: "str" for name, source in FIRST.items() if source.startswith("tags.")})
    return first.join(table.drop(columns=["status", "run_id", "duration", "children"]))


def _search(address: str, filter: str, experiment: str) -> Iterator[Any]:
    """Yield the runs of an experiment, the last one that was started first."""
    # `mlflow.search_runs` would need the tracking URI of the process, which is also a variable of the environment.
    import mlflow

    client = mlflow.MlflowClient(address)
    try:
        if (found := client.get_experiment_by_name(experiment)) is None:
            known = ", ".join(sorted(one.name for one in client.search_experiments()))
            raise UnrollError(f"{experiment}: is not an experiment of the store; it has {known}")
        token = None
        while token != "":
            page = client.search_runs([found.experiment_id], filter, max_results=PAGE, page_token=token)
            yield from page
            token = page.token or ""
    except mlflow.MlflowException as error:
        # The sentences of MLflow are followed by lists and advice on other lines.
        invalid = error.error_code == "INVALID_PARAMETER_VALUE"
        cause = f"the filter {filter!r} is not valid" if invalid else f"{address}: cannot be read"
        raise UnrollError(f"{cause} ({str(error).splitlines()[0]})") from error


def _row(run: Any) -> dict[str, Any]:
    data = {"metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags}
    values = {f"{kind}.{name}": value for kind, named in data.items() for name, value in named.items()}
    return {name: getattr(run.info, name) for name in INFO} | values


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Pause the garbage collector.

    A thousand runs are more than a hundred thousand objects of SQLAlchemy, none of which becomes garbage here. The
    collector would visit all of them again and again, which takes two thirds of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
