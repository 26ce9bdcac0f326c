"""The experiments of DVC, beside the commits that they began from: what was changed, and what came of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from ruamel.yaml import YAML

from unroll.errors import UnrollError
from unroll.evaluation import token_losses
from unroll.evaluation.statistics import compare
from unroll.params.base import suggest
from unroll.params.evaluate import Statistics
from unroll.pipeline.clone import git, try_git
from unroll.pipeline.sweep import places
from unroll.tracking.results import flatten

MEASURES = {"test_perplexity": -1, "bleu": 1, "accuracy": 1, "analogy_accuracy": 1, "rmse": -1}
"""The one metric that counts, of each kind of model, and whether more of it is better (1) or worse (-1)."""


@dataclass(frozen=True)
class Outcome:
    """The result of one model in an experiment."""

    experiment: str
    """The name of the experiment."""
    base: str
    """The commit that it began from."""
    params: Sequence[str]
    """The params that differ, with both values."""
    model: str
    """The entry of params.yaml; empty if no result differs from that of the base."""
    measure: str
    """The name of the metric that counts."""
    before: float | None
    """Its value at the base; None for a model that the base does not have."""
    after: float | None
    """Its value in the experiment."""
    p: float | None
    """The p value of the difference between the losses on the same test tokens; None if they cannot be compared."""


def outcomes(name: str, reference: str) -> list[Outcome]:
    """Compare an experiment with the commit that it began from.

    Args:
        name: The name of the experiment.
        reference: Its reference in git.

    Returns:
        An outcome for each model whose results differ, those first whose own params were changed; one without a model
        if no result differs.
    """
    base = "".join(reference.split("/")[2:4])
    old, new = _params(base), _params(reference)
    changed = _differences(old, new)
    before, after = _metrics(base), _metrics(reference)
    differing = [model for model, values in after.items() if values != before.get(model)]
    paths = {line.split(" ")[0] for line in changed}
    differing.sort(key=lambda model: not any(f".{model}." in f".{path}." for path in paths))
    statistics = new.get("evaluate", {}).get("statistics")
    found = []
    for model in differing:
        measure = next((name for name in MEASURES if name in after[model]), "")
        if not measure:
            continue
        p = None
        if statistics and "losses_sha256" in after[model] and "losses_sha256" in before.get(model, {}):
            p = _significance(model, base, reference, Statistics.model_validate(statistics), int(new["seed"]))
        value = before.get(model, {}).get(measure)
        found.append(Outcome(name, base, changed, model, measure, value, after[model][measure], p))
    return found or [Outcome(name, base, changed, "", "", None, None, None)]


def _params(revision: str) -> Mapping[str, Any]:
    text = try_git(Path(), "show", f"{revision}:./params.yaml")
    return YAML(typ="safe").load(text) if text else {}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    one, other = flatten(old), flatten(new)
    return [
        f"{key} {one[key]} -> {other[key]}" if key in one and key in other else f"{key} {'+' if key in other else '-'}"
        for key in {**one, **other}
        if key not in one or key not in other or one[key] != other[key]
    ]


def _metrics(revision: str) -> dict[str, Mapping[str, Any]]:
    """Return the metrics of each model and each series of a revision."""
    listed = (try_git(Path(), "ls-tree", "--name-only", revision, "metrics/", "metrics/series/") or "").splitlines()
    paths = [Path(line) for line in listed if line.endswith(".json")]
    return {path.stem: json.loads(git(Path(), "show", f"{revision}:./{path.as_posix()}")) for path in paths}


def _significance(model: str, base: str, reference: str, params: Statistics, seed: int) -> float | None:
    """Test the difference of the losses of a model, which are in the cache of DVC."""
    path = f"data/evaluations/{model}/{token_losses.FILE}"
    tables = []
    with TemporaryDirectory() as folder:
        for revision in (base, reference):
            target = Path(folder) / revision.replace("/", "_")
            try:
                DVCFileSystem(rev=revision).get_file(path, str(target))
            except (OSError, DvcException):
                return None  # neither in the cache nor in a remote
            tables.append(token_losses.read(target))
    one, other = tables
    if not np.array_equal(one["token"], other["token"]) or not np.array_equal(one["surface"], other["surface"]):
        return None  # another text, or another tokenizer
    return compare(one["nll"], other["nll"], params, seed).p


def durations() -> dict[tuple[str, str], float]:
    """Return the seconds of the training and the evaluation of each model of each experiment, as MLflow has them."""
    from unroll.tracking.tables import runs

    try:
        table = runs()
    except UnrollError:
        return {}  # there is no store, or it cannot be reached
    known = table[table.dvc_experiment.notna() & table.duration.notna()]
    return {(row.dvc_experiment, row.model): row.duration.total_seconds() for row in known[::-1].itertuples()}


def compare_all(names: Sequence[str]) -> Iterator[Outcome]:
    """Compare experiments with the commits that they began from, the oldest first.

    Args:
        names: The names of the experiments; none for all.

    Yields:
        The outcomes.

    Raises:
        UnrollError: There is no experiment of a name.
    """
    known = places.experiments()
    for name in names:
        if name not in known:
            raise UnrollError(
                f"{name}: is not an experiment of this repository{suggest(name, known)}; see `dvc exp list -A`"
            )
    for name, reference in known.items():
        if not names or name in names:
            yield from outcomes(name, reference)
