"""Everything that belongs to one run, transferred from one tracking store to another.

A run of the target is made together with the tag `unroll.id`, which identifies it. Its tag `unroll.copy` is a hash of
what was transferred, or `unfinished`. So a run that is not complete, or that has changed since, is transferred again.
Every step can be done again: what is logged twice is the same as if it was logged once.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

IDENTITY = "unroll.id"
"""The tag that identifies a run in every store. A run of an older version is identified by its id of MLflow."""
STATE = "unroll.copy"
"""The tag of a transferred run, and of its models: UNFINISHED, and then a hash for a run, and FINISHED for a model."""
UNFINISHED, FINISHED = "unfinished", "finished"
PARENT = "mlflow.parentRunId"
RELATIVES = (PARENT, "mlflow.rootRunId")
"""Tags whose value is the id of another run."""
BATCH = {"metrics": 1000, "params": 100, "tags": 100}
"""The largest numbers of values that a server takes in one request."""


def identity(run: Any) -> str:
    """Return what identifies a run in every store."""
    return str(run.data.tags.get(IDENTITY) or run.info.run_id)


def get_if_exists(get: Callable[[str], Any], key: str) -> Any:
    """Return what a method of a client returns for an id; None if the store does not have it."""
    from mlflow.exceptions import MlflowException

    try:
        return get(key)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


class Transfer:
    """A transfer of runs between two stores."""

    def __init__(self, source: str, target: str, experiment: str) -> None:
        """Open the stores.

        Args:
            source: The tracking URI of the store that has the runs.
            target: The tracking URI of the store that gets them.
            experiment: The id of the experiment of the target.
        """
        import mlflow

        self.source_uri, self.experiment = source, experiment
        self.source: Any = mlflow.MlflowClient(source)
        self.target: Any = mlflow.MlflowClient(target)

    def find(self, run: Any) -> Any:
        """Return the run of the target with the identity of `run`; None if there is none.

        A run that was deleted in the target counts, so that it stays deleted.
        """
        from mlflow.entities import ViewType

        wanted = f"tags.`{IDENTITY}` = '{identity(run)}'"
        found = self.target.search_runs([self.experiment], wanted, ViewType.ALL, max_results=1)
        return found[0] if found else None

    def state(self, run: Any) -> str:
        """Return the hash of a run of the source. It changes when something is added to the run."""
        models = [output.model_id for output in run.outputs.model_outputs] if run.outputs else []
        values = [run.info.run_name, run.info.status, run.info.end_time, run.data.params, run.data.tags]
        values += [run.data.metrics, models, sorted(self._files(run.info.artifact_uri))]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]

    def transfer(self, run: Any, copy: Any, ids: Mapping[str, str]) -> str:
        """Transfer a run that has ended.

        Args:
            run: The run of the source.
            copy: The run of the target that is to be completed; None if there is none yet.
            ids: The ids in the target by those in the source, of the runs that `run` may refer to.

        Returns:
            The id of the run in the target.
        """
        from mlflow.entities import Param, RunTag

        run, state = self.source.get_run(run.info.run_id), self.state(run)  # a search does not return all inputs
        tags = {key: ids.get(value, value) if key in RELATIVES else value for key, value in run.data.tags.items()}
        if copy is None:
            own = {IDENTITY: identity(run), STATE: UNFINISHED}
            copy = self.target.create_run(self.experiment, run.info.start_time, tags | own, run_name=run.info.run_name)
        else:
            copy = self.target.get_run(copy.info.run_id)
            self._log(copy.info.run_id, "tags", [RunTag(key, value) for key, value in tags.items()])
        run_id = str(copy.info.run_id)
        self._log(run_id, "params", [Param(key, value) for key, value in run.data.params.items()])
        for key in run.data.metrics:
            self._log_metrics(run_id, self.source.get_metric_history(run.info.run_id, key))
        self._log_inputs(run, copy)
        if folder := self._download(run.info.artifact_uri):
            self.target.log_artifacts(run_id, folder)
        self._transfer_models(run, copy)
        self.target.set_terminated(run_id, run.info.status, run.info.end_time or run.info.start_time)
        self.target.set_tag(run_id, STATE, state)
        return run_id

    def _files(self, location: str, path: str | None = None) -> Iterator[tuple[str, int]]:
        """Yield the paths and the sizes of artifacts of the source."""
        from mlflow.artifacts import list_artifacts

        where = location if path is None else f"{location}/{quote(path)}"
        for file in list_artifacts(artifact_uri=where, tracking_uri=self.source_uri):
            if file.is_dir:
                name = PurePosixPath(file.path).name
                yield from self._files(location, name if path is None else f"{path}/{name}")
            else:
                yield f"{path or ''}/{PurePosixPath(file.path).name}", file.file_size or 0

    def _log(self, run_id: str, kind: str, values: Sequence[Any]) -> None:
        """Log metrics, params or tags."""
        for first in range(0, len(values), BATCH[kind]):
            self.target.log_batch(run_id, **{kind: values[first : first + BATCH[kind]]})

    def _log_metrics(self, run_id: str, metrics: Sequence[Any], model_id: str | None = None) -> None:
        """Log values with their steps and times. A store does not add a value that it has already."""
        from mlflow.entities import Metric

        values = [
            Metric(m.key, m.value, m.timestamp, m.step, model_id, m.dataset_name, m.dataset_digest) for m in metrics
        ]
        self._log(run_id, "metrics", values)

    def _log_inputs(self, run: Any, copy: Any) -> None:
        """Log the datasets that a run has used, and those models that the target has, too."""
        from mlflow.entities import LoggedModelInput

        datasets, used = (run.inputs.dataset_inputs, run.inputs.model_inputs) if run.inputs else ([], [])
        there = {entry.model_id for entry in copy.inputs.model_inputs} if copy.inputs else set()
        wanted = [f"tags.`{IDENTITY}` = '{entry.model_id}'" for entry in used]
        found = [m.model_id for text in wanted for m in self.target.search_logged_models([self.experiment], text)]
        models = [LoggedModelInput(model_id) for model_id in found if model_id not in there]
        if datasets or models:
            self.target.log_inputs(copy.info.run_id, datasets, models)

    def _download(self, location: str) -> str | None:
        """Return a folder with artifacts of the source; None if there are none. That of local artifacts is their own.

        Args:
            location: The URI of the folder.
        """
        from mlflow.artifacts import download_artifacts, list_artifacts

        if not list_artifacts(artifact_uri=location, tracking_uri=self.source_uri):
            return None
        return str(download_artifacts(artifact_uri=location, tracking_uri=self.source_uri))

    def _transfer_models(self, run: Any, copy: Any) -> None:
        """Transfer the models that a run has logged, with the calls of `mlflow.models.Model.log`."""
        from mlflow.entities import LoggedModelOutput

        outputs = run.outputs.model_outputs if run.outputs else []
        if not outputs:
            return
        run_id = copy.info.run_id
        there = self.target.search_logged_models([self.experiment], f"source_run_id = '{run_id}'")
        known = {model.tags.get(IDENTITY): model for model in there}
        linked = {output.model_id for output in copy.outputs.model_outputs} if copy.outputs else set()
        for output in outputs:
            model = get_if_exists(self.source.get_logged_model, output.model_id)
            if model is None:  # it was deleted
                continue
            made = known.get(output.model_id)
            if made is None:
                tags = model.tags | {IDENTITY: output.model_id, STATE: UNFINISHED}
                made = self.target.create_logged_model(
                    self.experiment, model.name, run_id, tags, model.params, model.model_type
                )
            if made.model_id not in linked:
                self.target.log_outputs(run_id, [LoggedModelOutput(made.model_id, output.step)])
            if made.tags.get(STATE) != FINISHED:
                self._transfer_model(model, made, run_id)

    def _transfer_model(self, model: Any, made: Any, run_id: str) -> None:
        """Transfer what belongs to a model that was made in the target."""
        from mlflow.entities import LoggedModelStatus

        if missing := {key: value for key, value in model.params.items() if key not in made.params}:
            self.target.log_model_params(made.model_id, missing)
        own = [metric for metric in model.metrics or [] if metric.run_id == model.source_run_id]
        self._log_metrics(run_id, own, made.model_id)
        if folder := self._download(model.artifact_location):
            self.target.log_model_artifacts(made.model_id, folder)
            self._log_description(Path(folder), made, run_id)
        if LoggedModelStatus.is_finalized(model.status):
            self.target.finalize_logged_model(made.model_id, model.status)
        self.target.set_logged_model_tags(made.model_id, {STATE: FINISHED})

    def _log_description(self, folder: Path, made: Any, run_id: str) -> None:
        """Log the file MLmodel, which names the run and the model, with the names of the target."""
        from mlflow.models import Model

        if not (folder / "MLmodel").is_file():
            return
        names = {"run_id": run_id, "artifact_path": made.artifact_location}
        names |= {"model_id": made.model_id, "model_uuid": made.model_id}
        with tempfile.TemporaryDirectory() as temporary:
            # MLflow does not find a file in a folder whose name contains a character with a meaning in addresses.
            description = shutil.copy(folder / "MLmodel", temporary)
            Model.from_dict(Model.load(description).to_dict() | names).save(description)
            self.target.log_model_artifact(made.model_id, description)
