"""How a journal becomes a run of MLflow, or a part of one.

A model has one run: its training, by step, and its evaluation. The evaluation finds the run by the tag
`unroll.training`, the MD5 of the model, so that no run id enters an output.
"""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unroll.md5 import dvc_md5
from unroll.provenance import snapshot
from unroll.tracking import datasets, outbox, parents
from unroll.tracking.journal import Journal
from unroll.tracking.results import FIGURES, MODEL, OF_ONE_MODEL, best_epoch, curve_rows
from unroll.tracking.runs import HEARTBEAT, Runs

BEAT = 30
"""The seconds between two heartbeats of a training."""
OF_AN_EVALUATION = ("unroll.evaluation", "unroll.fitted_on_valid", "unroll.synced")
"""The tags that an evaluation adds to the run of its training."""
WAIT_FOR_HASHES = 15
"""The seconds that a run waits for the hashes that DVC writes when a stage has ended."""


class Entry:
    """A journal and its run."""

    def __init__(self, runs: Runs, journal: Journal) -> None:
        """Set the runs of the store and the journal."""
        self.runs, self.journal, self.head = runs, journal, journal.head
        self.alive = journal.is_in_progress()  # before the end is read, which a living process may still write
        self.end = None if self.alive else journal.end
        self.identity = {key.removeprefix("unroll."): tag for key, tag in (self.end or {}).get("tags", {}).items()}

    def log(self) -> bool:
        """Log what is new in the journal.

        Returns:
            Whether everything is logged, so that the journal is not needed any more.
        """
        if self.end is None and self.head["stage"] != "train":
            return not self.alive  # what has not ended is lost, and its stage runs again
        if (known := self.journal.state.get("run")) and not self.runs.exists(known):
            self.journal.set_state(run=None, rows=0, closed=None, merged=False)  # somebody deleted it
        if not self.journal.state.get("run"):
            if (run_id := self._open()) is None:
                return True
            self.runs.log_params(run_id, self.head["params"])
            parents.attach(self.runs, self.head, run_id)
            self.journal.set_state(run=run_id, rows=0)
        run_id, rows = self.journal.state["run"], self.journal.rows()
        self.runs.log_rows(run_id, rows[self.journal.state["rows"] :])
        self.journal.set_state(rows=len(rows))
        if self.end is None:
            self._keep_alive(run_id, rows[-1]["time"] if rows else self.head["start"])
            return not self.alive and self.journal.is_replaced()
        if self.journal.state.get("closed") != self.end["status"]:
            self._log_end(run_id, self.end)
            self.journal.set_state(closed=self.end["status"])
        if not self._log_snapshot(run_id, self.end):
            return False
        if self.end["status"] == "FINISHED" or self.journal.is_replaced():
            return True
        self.journal.settle()
        return False

    def _open(self) -> str | None:
        """Return the id of the run, which is made if there is none; None if the result is logged already."""
        if found := self.runs.find(id=self.head["id"]):
            return str(found[0].info.run_id)
        if self.head["stage"] == "evaluate":
            # A run that was trained in the same experiment and waits for its evaluation, or else an equal result.
            found = self._here(model=self.head["name"], training=self.identity["training"])
            waiting = [run for run in found if "unroll.evaluation" not in run.data.tags]
            if waiting:
                return str(waiting[0].info.run_id)
            if any(run.data.tags["unroll.evaluation"] == self.identity["evaluation"] for run in found):
                return None
        elif self.head["kind"] == "report" and self.head["experiment"]:
            return parents.experiment(self.runs, self.head)
        elif self._here(kind=self.head["kind"], model=self.head["name"], result=self.identity.get("result", "")):
            return None
        return str(self._make().info.run_id)

    def _here(self, **tags: str) -> list[Any]:
        """Return the newest runs with these tags, of the same experiment of DVC or of none."""
        found = self.runs.find(50, **tags)
        return [run for run in found if run.data.tags.get("dvc.exp.name", "") == self.head["experiment"]]

    def _make(self) -> Any:
        head, made = self.head, self.journal.snapshot
        commands = [stage["user_command"] or stage["command"] for stage in made.get("stages", {}).values()]
        tags = {
            "unroll.id": head["id"],
            "unroll.kind": head["kind"],
            "unroll.model": head["name"],
            "unroll.host": head["host"],
            "unroll.seeds_of": head["seeds_of"],
            "unroll.dirty": str(bool(made.get("dirty"))).lower(),
            "dvc.exp.name": head["experiment"],
            "dvc.exp.baseline": head["baseline"],
            "mlflow.source.name": commands[0] if commands else "",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": made.get("commit") or "",
            "mlflow.user": head["user"],
        }
        of_a_stage = head["kind"] not in ("model", "report")  # it may have the name of a model
        title = f"{head['name']}, {head['kind'].replace('_', ' ')}" if of_a_stage else head["name"]
        name = " ".join(filter(None, (title, head["experiment"])))
        return self.runs.create(name, head["start"], tags)

    def _keep_alive(self, run_id: str, last: int) -> None:
        """Set the status of a training without an end: RUNNING with a heartbeat, or KILLED until it goes on.

        Args:
            run_id: The run.
            last: The time of the last row, in milliseconds since 1970.
        """
        state = self.journal.state
        if not self.alive:
            self.runs.client.set_terminated(run_id, "KILLED", last)
            self.journal.set_state(closed="KILLED")
            self.journal.settle()
        elif (
            state.get("closed") or abs(time.time() - state.get("heartbeat", 0)) > BEAT
        ):  # also after a clock was set back
            self.runs.client.update_run(run_id, status="RUNNING")
            self.runs.client.set_tag(run_id, HEARTBEAT, str(int(time.time())))
            self.journal.set_state(closed=None, heartbeat=time.time())

    def _log_end(self, run_id: str, end: Mapping[str, Any]) -> None:
        """Log everything but the snapshot of a stage that has ended."""
        stage, files = self.head["stage"], self.journal.folder / "files"
        known = self.runs.client.get_run(run_id).data.tags
        joins = stage == "evaluate" and known["unroll.id"] != self.head["id"]
        curve = self.journal.rows() if stage == "train" else []
        if stage == "evaluate" and not joins:
            curve = curve_rows(files / "curve.csv")  # the training has a run with another evaluation
            self.runs.log_rows(run_id, [{"time": end["time"], **row} for row in curve])
        spent = {f"{stage}_{name}": value for name, value in end["spent"].items()}
        self.runs.log_rows(run_id, [{"time": end["time"], "step": 0, "values": spent | best_epoch(curve)}])
        for path in sorted(files.iterdir()) if files.is_dir() else []:
            if path.name != MODEL:
                self.runs.log_file(run_id, path)
        if end["status"] == "FINISHED":
            self._log_model(run_id, files / MODEL)
            datasets.log(self.runs.client, run_id, self.head["data"], stage, self.journal.folder / "reproduce")
        self._log_pictures(files / FIGURES.name, end["evaluations"])
        # The environment and the settings of a run are those of its training.
        tags = {key: value for key, value in end["tags"].items() if not joins or key in OF_AN_EVALUATION}
        self.runs.set_tags(run_id, tags)
        if end["status"] == "FINISHED" and "unroll.error" in known:
            self.runs.client.delete_tag(run_id, "unroll.error")
        parents.update(self.runs, self.head, run_id)
        if not joins:
            self.runs.client.set_terminated(run_id, end["status"], end["time"])

    def _log_model(self, run_id: str, copy: Path) -> None:
        """Log the model, once. For a run that begins with an evaluation it is that of the repository."""
        if self.head["kind"] == "model" and not self.runs.has_model(run_id):
            places = [copy, *(root / "models" / self.head["name"] for root in self._roots())]
            for folder in places:
                if folder.exists() and dvc_md5(folder) == self.identity["training"]:
                    sources = [root / "src" / "unroll" for root in self._roots()]
                    self.runs.log_model(run_id, folder, next((path for path in sources if path.is_dir()), None))
                    return

    def _log_pictures(self, figures: Path, evaluations: Mapping[str, str]) -> None:
        """Log the figures of a report that show a single model to the runs of the model."""
        for name, evaluation in evaluations.items():
            pictures = [path for kind in OF_ONE_MODEL if (path := figures / f"{kind}_{name}.png").exists()]
            for run in self.runs.find(50, model=name, evaluation=evaluation) if pictures else ():
                for path in pictures:
                    self.runs.log_file(run.info.run_id, path, FIGURES.name)

    def _log_snapshot(self, run_id: str, end: Mapping[str, Any]) -> bool:
        """Log what is needed to make the run again, for the stages of the run together.

        DVC writes the hashes of a stage to dvc.lock when the stage has ended, so the snapshot waits for them.

        Returns:
            Whether the snapshot is logged.
        """
        folder, state = self.journal.folder / "reproduce", self.journal.state
        if not folder.is_dir():
            return True
        if end["status"] == "FINISHED" and self.head["dvc"]:
            is_early = time.time() - end["time"] / 1000 < WAIT_FOR_HASHES
            if not any(snapshot.add_lock(folder, root) for root in self._roots()) and is_early:
                return False
        if not state.get("merged"):
            if self.runs.client.list_artifacts(run_id, "reproduce"):
                before = self.journal.folder / "before"
                before.mkdir(exist_ok=True)
                snapshot.merge(Path(self.runs.client.download_artifacts(run_id, "reproduce", str(before))), folder)
                shutil.copytree(before / "reproduce", folder, dirs_exist_ok=True)
            self.journal.set_state(merged=True)
        self.runs.log_file(run_id, folder)
        return True

    def _roots(self) -> list[Path]:
        """Return where outputs may be: in the repository, or in the copy of it that the stage ran in."""
        return [root for root in (Path(self.head["root"]), outbox.root().parent) if root.is_dir()]
