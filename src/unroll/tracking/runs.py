"""The runs of MLflow that journals are logged to.

A model has one run: its training, by step, and its evaluation. The evaluation finds the run by the tag
`unroll.training`, the MD5 of the model, so that no run id enters an output. Everything here can be done again after an
interruption: a run is found by the tag `unroll.id`, and a store keeps one of two equal metrics.
"""

import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unroll.fingerprint import dvc_md5
from unroll.provenance import snapshot
from unroll.tracking import datasets, outbox, parents, store
from unroll.tracking.journal import Journal
from unroll.tracking.results import FIGURES, OF_ONE_MODEL, best_epoch, curve_rows

NOT_FINITE = "unroll.not_finite"
"""The tag with the metrics that are infinite or not a number, which a database of MLflow cannot keep."""
PATIENCE = 15
"""The seconds that a run waits for the hashes that DVC writes when a stage has ended."""
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

    def open(self, journal: Journal) -> str | None:
        """Return the id of the run that a journal belongs to, which is made if there is none.

        None means that the result of the journal is logged already.
        """
        head, end = journal.head, journal.end
        if found := self.find(id=head["id"]):
            return str(found[0].info.run_id)
        if head["stage"] != "train" and end is None:
            raise ValueError("the run of an evaluation is known when it has ended")
        identity = {key.removeprefix("unroll."): tag for key, tag in (end or {}).get("tags", {}).items()}
        if head["stage"] == "evaluate":
            model = {"model": head["name"], "training": identity["training"]}
            if self.find(**model, evaluation=identity["evaluation"]):
                return None
            waiting = [run for run in self.find(50, **model) if "unroll.evaluation" not in run.data.tags]
            here = [run for run in waiting if run.data.tags.get("dvc.exp.name", "") == head["experiment"]]
            if chosen := here or waiting:
                return str(chosen[0].info.run_id)
        elif head["kind"] == "report" and head["experiment"]:
            return parents.experiment(self, head)  # the report of an experiment belongs to the run of the experiment
        elif "result" in identity and self.find(kind=head["kind"], model=head["name"], result=identity["result"]):
            return None
        return str(self._make(journal).info.run_id)

    def _make(self, journal: Journal) -> Any:
        head, made = journal.head, journal.snapshot
        commands = [stage["user_command"] or stage["command"] for stage in made.get("stages", {}).values()]
        tags = {
            "unroll.id": head["id"],
            "unroll.kind": head["kind"],
            "unroll.model": head["name"],
            "unroll.host": head["host"],
            "unroll.seeds_of": head["seeds_of"],
            "dvc.exp.name": head["experiment"],
            "dvc.exp.baseline": head["baseline"],
            "mlflow.source.name": commands[0] if commands else "",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": made.get("commit") or "",
            "mlflow.user": os.environ.get("USER", ""),
            "unroll.dirty": str(bool(made.get("dirty"))).lower(),
        }
        name = " ".join(filter(None, (head["name"], head["experiment"])))
        return self.create(name, head["start"], tags)

    def log(self, journal: Journal) -> bool:
        """Log what is new in a journal.

        Args:
            journal: The journal.

        Returns:
            Whether everything is logged, so that the journal is not needed any more.
        """
        end, alive = journal.end, journal.is_in_progress()
        head, state = journal.head, journal.state
        ended = end is not None and not alive
        if not ended and head["stage"] != "train":
            return not alive  # what has not ended is lost, and its stage runs again
        if "run" not in state:
            if (run_id := self.open(journal)) is None:
                return True
            self.log_params(run_id, head["params"])
            parents.attach(self, head, run_id)
            journal.set_state(run=run_id, rows=0)
        run_id = journal.state["run"]
        rows = journal.rows()
        self.log_rows(run_id, rows[journal.state["rows"] :])
        journal.set_state(rows=len(rows))
        if not ended:
            self._keep_alive(journal, run_id, alive)
            return not alive and journal.is_replaced()
        assert end is not None
        if journal.state.get("closed") != end["status"]:
            self._log_end(journal, run_id, end)
        return self._log_snapshot(journal, run_id, end) and (end["status"] == "FINISHED" or journal.is_replaced())

    def _keep_alive(self, journal: Journal, run_id: str, alive: bool) -> None:
        """Set the status of a training without an end: RUNNING with a heartbeat, or KILLED until it goes on."""
        state = journal.state
        if not alive and state.get("closed") != "KILLED":
            self.client.set_terminated(run_id, "KILLED")
            journal.set_state(closed="KILLED")
        elif alive and state.get("closed"):
            self.client.update_run(run_id, status="RUNNING")
            journal.set_state(closed=None)
        if alive and time.time() - state.get("heartbeat", 0) > 30:
            self.client.set_tag(run_id, HEARTBEAT, str(int(time.time())))
            journal.set_state(heartbeat=time.time())

    def mark_killed(self) -> int:
        """Mark the RUNNING runs without a heartbeat as KILLED, and return their number."""
        running, now = self.search("attributes.status = 'RUNNING'"), time.time()
        signs = [float(run.data.tags.get(HEARTBEAT, run.info.start_time / 1000)) for run in running]
        dead = [run for run, sign in zip(running, signs, strict=True) if now - sign > SILENT]
        for run in dead:
            self.client.set_terminated(run.info.run_id, "KILLED")
        return len(dead)

    def _log_end(self, journal: Journal, run_id: str, end: Mapping[str, Any]) -> None:
        head, stage = journal.head, journal.head["stage"]
        files = journal.folder / "files"
        spent = {f"{stage}_{name}": value for name, value in end["spent"].items()}
        curve = journal.rows() if stage == "train" else []
        if stage == "evaluate" and self.client.get_run(run_id).data.tags["unroll.id"] == head["id"]:
            curve = curve_rows(files / "curve.csv")  # the training has a run with another evaluation
            self.log_rows(run_id, [{"time": end["time"], **row} for row in curve])
        self.log_rows(run_id, [{"time": end["time"], "step": 0, "values": spent | best_epoch(curve)}])
        self._log_files(run_id, files)
        if end["status"] == "FINISHED":
            self._log_model(run_id, head, end, files)
            datasets.log(self.client, run_id, head["data"], stage, journal.folder / "reproduce")
        self._log_pictures(files, end["evaluations"])
        self.set_tags(run_id, end["tags"])
        parents.update(self, head, run_id)
        if stage != "evaluate" or self.client.get_run(run_id).info.status == "RUNNING":
            self.client.set_terminated(run_id, end["status"], end["time"])
        journal.set_state(closed=end["status"])

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

    def _log_files(self, run_id: str, files: Path) -> None:
        for path in sorted(files.iterdir()) if files.is_dir() else []:
            if path.is_file():
                self.client.log_artifact(run_id, str(path))
            elif path.name != "model":
                self.client.log_artifacts(run_id, str(path), path.name)

    def _log_model(self, run_id: str, head: Mapping[str, Any], end: Mapping[str, Any], files: Path) -> None:
        """Log the model as a pyfunc, once. A run that begins with an evaluation takes it from the repository."""
        from mlflow.entities import LoggedModelStatus
        from mlflow.models import Model

        from unroll.tracking import pyfunc

        if head["kind"] != "model":
            return
        outputs = self.client.get_run(run_id).outputs
        for output in outputs.model_outputs if outputs else []:
            if self.client.get_logged_model(output.model_id).status == LoggedModelStatus.READY:
                return
            self.client.delete_logged_model(output.model_id)  # an interruption left it unfinished
        places = [files / "model", *(root / "models" / head["name"] for root in _roots(head))]
        wanted = end["tags"]["unroll.training"]
        if folder := next((path for path in places if path.exists() and dvc_md5(path) == wanted), None):
            Model.log(artifact_path=None, name="model", flavor=pyfunc, folder=folder, run_id=run_id)

    def _log_snapshot(self, journal: Journal, run_id: str, end: Mapping[str, Any]) -> bool:
        """Log what is needed to make the run again, for the stages of the run together.

        DVC writes the hashes of a stage to dvc.lock when the stage has ended, so the journal waits for them.

        Returns:
            Whether the snapshot is logged.
        """
        folder = journal.folder / "reproduce"
        if not folder.is_dir():
            return True
        # The dvc.lock of the stage has the hashes of its dependencies.
        is_late = time.time() * 1000 - end["time"] > PATIENCE * 1000
        by_dvc = end["status"] == "FINISHED" and journal.head["dvc"]
        found = by_dvc and any(snapshot.add_lock(folder, root) for root in _roots(journal.head))
        if by_dvc and not found and not is_late:
            return False
        if "merged" not in journal.state:
            if self.client.list_artifacts(run_id, "reproduce"):
                before = journal.folder / "before"
                before.mkdir(exist_ok=True)
                snapshot.merge(Path(self.client.download_artifacts(run_id, "reproduce", str(before))), folder)
                shutil.copytree(before / "reproduce", folder, dirs_exist_ok=True)
            journal.set_state(merged=True)
        self.client.log_artifacts(run_id, str(folder), "reproduce")
        return True

    def _log_pictures(self, files: Path, evaluations: Mapping[str, str]) -> None:
        """Log the figures that show a single model to the runs of the model."""
        for name, evaluation in evaluations.items():
            pictures = [path for kind in OF_ONE_MODEL if (path := files / FIGURES.name / f"{kind}_{name}.png").exists()]
            for run in self.find(50, model=name, evaluation=evaluation) if pictures else ():
                for path in pictures:
                    self.client.log_artifact(run.info.run_id, str(path), FIGURES.name)


def open_runs() -> Runs:
    """Return the runs of the store that the environment names; the local one is made if there is none."""
    return Runs(store.prepare(), outbox.experiment())


def _roots(head: Mapping[str, Any]) -> list[Path]:
    """Return where the outputs of a stage may be: in its repository, or in a copy of it that DVC may have removed."""
    return [root for root in (Path(head["root"]), outbox.root().parent) if root.is_dir()]


def _quote(value: str) -> str:
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"
