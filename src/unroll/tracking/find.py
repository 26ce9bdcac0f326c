"""Find a run of MLflow, and fetch what is needed to make it again."""

import re
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.tracking import store

ARTIFACT = "reproduce"
"""The folder of artifacts that has what is needed to make a run again."""

SUMMARIES = ("seeds", "experiment", "sweep", "report")
"""The kinds of runs that made no result of their own."""


def fetch(run: str, folder: Path) -> None:
    """Download the snapshot of a run.

    Args:
        run: The id of the run; or `model@experiment`, the newest finished run of a model in an experiment of DVC; or
            `model`, its newest finished run.
        folder: The folder to make.

    Raises:
        UnrollError: There is no such run, it has no snapshot, or the store or the artifacts cannot be reached.
    """
    address = store.prepare()
    import mlflow

    store.connect(address)
    try:
        client = mlflow.MlflowClient()
        found = _find(client, run)
        if ARTIFACT not in [artifact.path for artifact in client.list_artifacts(found)]:
            raise UnrollError(
                f"{run}: run {found} has no artifact {ARTIFACT}, since it did not end, or an older release made it; "
                "choose another run"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        fetched = mlflow.artifacts.download_artifacts(run_id=found, artifact_path=ARTIFACT, dst_path=str(folder.parent))
    except UnrollError:
        raise
    except Exception as error:  # each kind of store has its own exceptions
        reason = str(error).partition("\n")[0]
        raise UnrollError(f"{run}: MLflow or the artifacts of the run cannot be reached ({reason})") from None
    Path(fetched).rename(folder)


def _find(client: Any, run: str) -> str:
    """Return the id of the run that `run` names."""
    from mlflow.exceptions import MlflowException

    if re.fullmatch("[0-9a-f]{32}", run):
        try:
            return str(client.get_run(run).info.run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise UnrollError(f"{run}: there is no run with this id; `unroll ui` shows the runs") from None
    model, separator, experiment = run.partition("@")
    if not all(re.fullmatch(r"[\w.-]+", name) for name in ([model, experiment] if separator else [model])):
        raise UnrollError(f"{run}: is not the name of a run; give its id, MODEL, or MODEL@EXPERIMENT")
    wanted = f"attributes.status = 'FINISHED' and tags.`unroll.model` = '{model}'"
    wanted += f" and tags.`dvc.exp.name` = '{experiment}'" if experiment else ""
    newest = ["attributes.start_time DESC"]
    runs = client.search_runs([store.experiment_id(client)], wanted, max_results=100, order_by=newest)
    own = [one for one in runs if one.data.tags.get("unroll.kind") not in SUMMARIES]
    if not own:
        of = f" of experiment {experiment}" if experiment else ""
        raise UnrollError(f"{run}: there is no finished run of {model}{of}; `unroll ui` shows the runs")
    return str(own[0].info.run_id)
