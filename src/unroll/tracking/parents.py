"""The parents of runs: several seeds of one model, an experiment of DVC, and a sweep of experiments.

    sweep -> experiment -> seeds -> model

A level that a run does not belong to is left out. MLflow shows children below their parent.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from unroll.tracking.journal import now

if TYPE_CHECKING:
    from unroll.tracking.runs import Runs

PARENT = "mlflow.parentRunId"
OF_A_SWEEP = re.compile(r"(.+)-\d+")
"""The name of an experiment of a sweep: `dvc exp run --queue --name NAME -S ...` adds -1, -2 and so on."""
KINDS = ("seeds", "experiment", "sweep")
"""The kinds of parents that are made here. Another parent belongs to the program that has made it."""
SUMMARIZED = (
    *("test_perplexity", "valid_perplexity", "cross_entropy", "bits_per_token", "bits_per_byte", "best_valid_loss"),
    *("accuracy", "macro_f1", "log_loss", "exact_match", "bleu", "chrf", "analogy_accuracy"),
    *("train_seconds", "evaluate_seconds", "parameters"),
)
"""The metrics whose mean and standard deviation the parent of several seeds has."""


def attach(runs: "Runs", head: Mapping[str, Any], run_id: str) -> None:
    """Make the parents of a run, and set the tag of the run that names its parent.

    Args:
        runs: The runs.
        head: The head of the journal of the run.
        run_id: The run.
    """
    above = experiment(runs, head) or _chosen(runs, head["parent"])
    parent = _seeds(runs, head, above) if head["seeds_of"] else above
    known = runs.client.get_run(run_id).data.tags.get(PARENT)
    if parent and parent != run_id and not (known and runs.exists(known)):
        runs.client.set_tag(run_id, PARENT, parent)


def experiment(runs: "Runs", head: Mapping[str, Any]) -> str | None:
    """Return the run of the experiment that a stage belongs to, which is made if there is none; None outside one."""
    name, baseline = head["experiment"], head["baseline"]
    if not name:
        return None
    matched = OF_A_SWEEP.fullmatch(name)
    of_the_sweep = {"unroll.sweep": matched[1] if matched else "", "dvc.exp.baseline": baseline}
    made = _make(runs, "experiment", name, head, {"dvc.exp.name": name, **of_the_sweep})
    if matched:
        _join(runs, matched[1], head, made)
    return made


def _join(runs: "Runs", name: str, head: Mapping[str, Any], experiment: str) -> None:
    """Let an experiment be a child of its sweep, which is made for the second experiment of a name.

    One experiment alone may have a number in its name. Once there is a sweep, the others are its children already, and
    are not read again for each run of hundreds.
    """
    baseline = head["baseline"]
    if runs.find(id=_identify("sweep", name, head)):
        members = [runs.client.get_run(experiment)]
    else:
        found = runs.find(1000, kind="experiment", sweep=name)
        members = [run for run in found if run.data.tags.get("dvc.exp.baseline", "") == baseline]
        if len(members) < 2:
            return
    sweep = _make(runs, "sweep", name, head, {"dvc.exp.baseline": baseline})
    for run in members:
        if run.data.tags.get(PARENT) != sweep:
            runs.client.set_tag(run.info.run_id, PARENT, sweep)


def update(runs: "Runs", head: Mapping[str, Any], run_id: str) -> None:
    """Bring the parents of a run up to date, after it has a new result.

    An experiment and a sweep end with the last of their runs. The parent of several seeds has the mean and the standard
    deviation of the runs that are evaluated; the last result of each seed counts. Its metrics: each of `SUMMARIZED`
    that all children have is the mean, the name with `_sd` is the standard deviation (with n - 1), and `seeds` is the
    number of children.

    Args:
        runs: The runs.
        head: The head of the journal of the child.
        run_id: The child.
    """
    attach(runs, head, run_id)  # again, if somebody deleted the parent
    parent = above = runs.client.get_run(run_id).data.tags.get(PARENT)
    while above and (run := runs.client.get_run(above)).data.tags.get("unroll.kind") in KINDS:
        runs.client.set_terminated(above, "FINISHED")
        above = run.data.tags.get(PARENT)
    if head["kind"] != "model" or not head["seeds_of"] or not parent:
        return
    newest: dict[str, Any] = {}
    evaluated = f"tags.`{PARENT}` = '{parent}' and tags.`unroll.kind` = 'model'"
    for child in runs.search(evaluated):
        if "unroll.evaluation" in child.data.tags:
            newest.setdefault(child.data.tags["unroll.model"], child)
    if not newest:
        return
    number = f"{len(newest)} seed{'s' if len(newest) > 1 else ''}"
    runs.client.update_run(parent, name=f"{head['seeds_of']}, {number}")
    known = runs.client.get_run(parent).data.metrics
    values = summarize([child.data.metrics for child in newest.values()])
    new = {name: value for name, value in values.items() if known.get(name) != value}
    runs.log_rows(parent, [{"time": now(), "step": 0, "values": new}])


def summarize(children: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean and the standard deviation of the metrics that all children have, and their number."""
    found: dict[str, float] = {"seeds": len(children)}
    for name in SUMMARIZED:
        values = [child[name] for child in children if math.isfinite(child.get(name, math.nan))]
        if len(values) == len(children) > 0:
            found[name] = fmean(values)
            if len(values) > 1:
                found[f"{name}_sd"] = stdev(values)
    return found


def _seeds(runs: "Runs", head: Mapping[str, Any], above: str | None) -> str:
    """Return the parent of the seeds of a model with these params and data."""
    own = ("seed", "model")  # what a member has of its own; settings of the evaluation are not those of the model
    params = {k: v for k, v in head["params"].items() if k not in own and not k.startswith("evaluate.")}
    found = _make(runs, "seeds", head["seeds_of"], {**head, "group": [params, head["data_hash"]]}, {}, above)
    runs.log_params(found, params)
    return found


def _identify(kind: str, name: str, head: Mapping[str, Any]) -> str:
    """Return the tag `unroll.id` of a parent."""
    identity = [kind, name, head["experiment"] if kind != "sweep" else "", head["baseline"], head.get("group")]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]


def _make(
    runs: "Runs", kind: str, name: str, head: Mapping[str, Any], tags: Mapping[str, str], above: str | None = None
) -> str:
    known = {
        "unroll.id": _identify(kind, name, head),
        "unroll.kind": kind,
        "unroll.model": name,
        PARENT: above or "",
        **tags,
    }
    title = name if kind == "experiment" else f"{name}, {kind}"
    run = runs.create(title, head["start"], known)
    if run.info.status == "RUNNING":
        runs.client.set_terminated(run.info.run_id, "FINISHED")
    return str(run.info.run_id)


def _chosen(runs: "Runs", run_id: str) -> str | None:
    """Return the run that MLFLOW_RUN_ID names, which another program has made; None if the store does not have it."""
    from mlflow.exceptions import MlflowException

    if not run_id:
        return None
    try:
        return str(runs.client.get_run(run_id).info.run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
