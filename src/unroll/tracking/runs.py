"""The runs of one experiment in a store of MLflow.

Everything here can be done again after an interruption: a run is found by its tag `unroll.id`, and a store keeps one of
two equal metrics.
"""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unroll.tracking import outbox, store

NOT_FINITE = "unroll.not_finite"
"""The tag with the metrics that are infinite or not a number, which a database of MLflow cannot keep."""
HEARTBEAT = "unroll.heartbeat"
"""The tag with the seconds since 1970 at which a running run was seen alive."""
SILENT = 300
"""The seconds without a heartbeat after which a running run is one of a dead process."""
BATCH = 1000
"""The maximum number of metrics that MLflow takes at once."""


class Runs:
    """The runs of one experiment in a store."""

    def __init__(self, address: str, experiment: str) -> None:
        """Connect to a store, and make the experiment if there is none.

        Args:
            address: The tracking URI.
            experiment: The name of the experiment.
        """
        import mlflow

        store.connect(address)
        self.client: Any = mlflow.MlflowClient(address)
        self.experiment_id = store.experiment_id(self.client, experiment)

    def find(self, most: int = 1, **tags: str) -> list[Any]:
        """Return the newest runs with these tags, whose names begin with `unroll.`.

        Args:
            most: The maximum number of runs.
            tags: The values of the tags, by names without `unroll.`.
        """
        return self.search(
            " and ".join(f"tags.`unroll.{name}` = {_quote(value)}" for name, value in tags.items()), most
        )

    def search(self, condition: str, most: int = 50_000) -> list[Any]:
        """Return the newest runs that meet a condition, in MLflow's language."""
        found: list[Any] = []
        token = None
        while len(found) < most:
            size = min(1000, most - len(found))
            page = self.client.search_runs([self.experiment_id], condition, max_results=size, page_token=token)
            found += page
            if not (token := page.token):
                break
        return found

    def create(self, name: str, start: int, tags: Mapping[str, str]) -> Any:
        """Make a run, unless there is one with the same tag `unroll.id`."""
        if found := self.find(id=tags["unroll.id"]):
            return found[0]
        known = {key: value for key, value in tags.items() if value}
        return self.client.create_run(self.experiment_id, start_time=start, tags=known, run_name=name)

    def mark_killed(self) -> int:
        """Mark the RUNNING runs of models without a heartbeat as KILLED, and return their number."""
        running = self.search("attributes.status = 'RUNNING' and tags.`unroll.kind` = 'model'")
        signs = {run.info.run_id: _last_sign(run) for run in running}
        dead = {run_id: sign for run_id, sign in signs.items() if time.time() - sign > SILENT}
        for run_id, sign in dead.items():
            self.client.set_terminated(run_id, "KILLED", int(sign * 1000))
        return len(dead)

    def exists(self, run_id: str) -> bool:
        """Return whether a run is in the store and not deleted."""
        from mlflow.exceptions import MlflowException

        try:
            return bool(self.client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Log params, as far as the run does not have them."""
        from mlflow.entities import Param

        known = self.client.get_run(run_id).data.params
        new = [Param(key, str(value)[:6000]) for key, value in params.items() if key not in known]
        for first in range(0, len(new), 100):
            self.client.log_batch(run_id, params=new[first : first + 100])

    def log_rows(self, run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Log rows of a journal. Values that are not finite are no metrics: the tag `unroll.not_finite` has them."""
        from mlflow.entities import Metric

        values = [(name, value, row["time"], row["step"]) for row in rows for name, value in row["values"].items()]
        metrics = [Metric(*value) for value in values if math.isfinite(value[1])]
        for first in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[first : first + BATCH])
        if not_finite := {name: str(value) for name, value, *_ in values if not math.isfinite(value)}:
            known = self.client.get_run(run_id).data.tags.get(NOT_FINITE, "")
            not_finite = dict(part.rsplit(" ", 1) for part in known.split(", ") if part) | not_finite
            text = ", ".join(f"{name} {value}" for name, value in sorted(not_finite.items()))
            self.client.set_tag(run_id, NOT_FINITE, text)

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        self.client.log_batch(run_id, tags=[RunTag(key, str(value)) for key, value in tags.items()])

    def log_file(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Log a file, or the files of a folder, as artifacts."""
        if path.is_dir():
            self.client.log_artifacts(run_id, str(path), path.name)
        else:
            self.client.log_artifact(run_id, str(path), folder)

    def log_model(self, run_id: str, folder: Path, code: Path | None) -> None:
        """Log the folder of a model as a pyfunc, without pickle, with the code of this package or that of `code`."""
        from mlflow.models import Model

        from unroll.tracking import pyfunc

        # Without it, the model would belong to the experiment that is active in this process.
        made = self.client.create_logged_model(self.experiment_id, "model", run_id)
        about = {"name": "model", "run_id": run_id, "model_id": made.model_id}
        Model.log(artifact_path=None, flavor=pyfunc, folder=folder, code=code, **about)

    def has_model(self, run_id: str) -> bool:
        """Return whether a run has a model. One that an interruption left unfinished is deleted."""
        from mlflow.entities import LoggedModelStatus

        of_this_run = f"source_run_id = '{run_id}'"
        for model in self.client.search_logged_models([self.experiment_id], filter_string=of_this_run):
            if model.status == LoggedModelStatus.READY:
                return True
            self.client.delete_logged_model(model.model_id)
        return False


def open_runs() -> Runs:
    """Return the runs of the store that the environment names; the local one is made if there is none."""
    return Runs(store.prepare(), outbox.experiment())


def _last_sign(run: Any) -> float:
    """Return the seconds since 1970 at which a run was seen alive: at its start, if it has no heartbeat."""
    try:
        return float(run.data.tags[HEARTBEAT])
    except (KeyError, ValueError):  # a tag that somebody has changed counts as none
        return float(run.info.start_time or 0) / 1000


def _quote(value: str) -> str:
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"
