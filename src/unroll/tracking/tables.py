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


def runs(filter: str = "", experiment: str = "") -> "pd.DataFrame":
    """Read the runs of the store of the present folder.

    The tracking URI of this process becomes that of the store, so that functions of mlflow find the same runs.

    Args:
        filter: Which runs, in the language of `mlflow.search_runs`, for example "metrics.test_perplexity < 100". By
            default, all runs.
        experiment: The name of the MLflow experiment, by default MLFLOW_EXPERIMENT_NAME or `unroll`.

    Returns:
        A row for each run, the last one that was started first. The first columns are those of `FIRST`: `duration` is a
        time difference, `parent` the id of the run that this one belongs to, and `children` the number of rows of the
        table whose parent the run is. The other columns are those of `mlflow.search_runs`: the params, metrics and tags
        with the prefixes "params.", "metrics." and "tags.". A value that a run does not have is missing.

    Raises:
        UnrollError: The filter is not valid, there is no such experiment, or the store cannot be read.
    """
    address, experiment = store.prepare(), experiment or outbox.experiment()
    import mlflow
    import pandas as pd

    store.connect(address)
    try:
        if mlflow.get_experiment_by_name(experiment) is None:
            known = ", ".join(sorted(one.name for one in mlflow.search_experiments()))
            raise UnrollError(f"{experiment}: is not an experiment of the store; it has {known}")
        with _paused_collector():
            found: Any = mlflow.search_runs(experiment_names=[experiment], filter_string=filter)
    except mlflow.MlflowException as error:
        # The sentences of MLflow are followed by lists and advice on other lines.
        cause = f"the filter {filter!r} is not valid" if _is_invalid(error) else f"{address}: cannot be read"
        raise UnrollError(f"{cause} ({str(error).splitlines()[0]})") from error
    found = found.reindex(columns=list(dict.fromkeys([*found, *FIRST.values()])))
    parents = found["tags.mlflow.parentRunId"]
    found["duration"] = pd.to_datetime(found.end_time, utc=True) - pd.to_datetime(found.start_time, utc=True)
    found["children"] = found.run_id.map(parents.value_counts()).fillna(0).astype(int)
    first = pd.DataFrame({name: found[source] for name, source in FIRST.items()})
    first = first.astype({name: "str" for name, source in FIRST.items() if source.startswith("tags.")})
    return first.join(found.drop(columns=["status", "run_id", "duration", "children"]))


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


def _is_invalid(error: Any) -> bool:
    return bool(error.error_code == "INVALID_PARAMETER_VALUE")
