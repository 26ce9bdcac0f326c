"""The results that are logged: for each stage its files, and the numbers in them.

A running stage logs its result (`unroll.tracking.record`), and `unroll sync` those that DVC restored (`sync`).
"""

import csv
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unroll import environment
from unroll.fingerprint import describe, fingerprint
from unroll.md5 import dvc_md5
from unroll.params.experiments import SeedParams
from unroll.params.root import Root

METRICS, CURVES, MODELS = Path("metrics"), Path("metrics/train"), Path("models")
SAMPLES, REPORTS, FIGURES = Path("reports/samples"), Path("reports"), Path("reports/figures")
EVALUATIONS, PARTITIONS = Path("data/evaluations"), Path("data/partitions")
MODEL = "model"
"""The artifact that is the folder of a model, and is logged as a model."""
OF_ONE_MODEL = ("attention", "confusion", "projection")
"""The kinds of figures that show a single model. The other figures compare several models."""
Row = dict[str, Any]
"""{"step": ..., "values": {name: value}}."""


@dataclass(frozen=True)
class Result:
    """What one stage makes. Paths are relative to the root of the repository."""

    kind: str
    """The kind of its run: model, report, learning_curve or forecast. A model has a training and an evaluation."""
    stage: str
    name: str
    params: Mapping[str, Any]
    """The params of the run."""
    settings: Mapping[str, Any]
    """The settings that the outputs have a hash of (`unroll.fingerprint.describe` for a model)."""
    data: Path
    """The file or folder that the result is made from."""
    outputs: tuple[Path, ...]
    """The outputs of the stage."""
    files: Mapping[str, Path]
    """The artifacts of the run by their names."""
    identify: Callable[[], dict[str, str]]
    """Returns the tags that identify the result: the MD5 of its outputs, as DVC writes them."""
    read: Callable[[], list[Row]]
    """Returns the rows of metrics, from the outputs."""
    seeds_of: str = ""
    """The model of which this one and others are trained with several seeds, if there is one."""
    recorded: Path | None = None
    """The JSON file with the hashes of `settings` and `data`, among the outputs or in one of them."""
    shows: tuple[str, ...] = ()
    """The models that a report shows."""

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The hashes of the settings and the data, as the outputs have them."""
        return fingerprint(self.settings, self.data)

    def rows(self) -> list[Row]:
        """Return the rows of metrics that the stage has not recorded. A training records its curve."""
        return [] if self.stage == "train" else self.read()

    @property
    def words(self) -> tuple[str, ...]:
        """The name of the stage and its key, as in dvc.yaml."""
        return (self.stage,) if self.kind == "report" else (self.stage, self.name)

    def is_complete(self) -> bool:
        """Return whether the files exist and belong to these settings and this data."""
        if not all(path.exists() for path in (self.data, *self.outputs, *self.files.values())):
            return False
        found = _read(self.recorded) if self.recorded else self.hashes
        return all(found.get(key) == value for key, value in self.hashes.items())

    def evaluations(self) -> dict[str, str]:
        """Return the tag `unroll.evaluation` of each model that a report shows."""
        paths = {name: METRICS / f"{name}.json" for name in self.shows}
        return {name: dvc_md5(path) for name, path in paths.items() if path.exists()}

    def tags(self) -> dict[str, str]:
        """Return the tags of the run, with the environment of this process."""
        return self.all_tags(environment.describe())

    def all_tags(self, made: environment.Environment) -> dict[str, str]:
        """Return the tags of the run, with the environment that made the result."""
        recorded = _read(self.recorded) if self.recorded else self.hashes
        hashes = {f"unroll.{key.removesuffix('_hash')}": recorded[key] for key in self.hashes if key in recorded}
        return self.identify() | hashes | environment_tags(made)


def results(params: Root) -> list[Result]:
    """Return the results of every model, learning curve and series, and the report, whether or not the files exist."""
    found = [make(params, name) for name in params.experiments for make in (training, evaluation)]
    found += [learning_curve(params, name) for name in params.learning_curves]
    return [*found, *(forecast(params, name) for name in params.series), report(params)]


def training(params: Root, name: str) -> Result:
    """Return the result of stage train for a model."""
    model, curve = MODELS / name, CURVES / f"{name}.csv"
    return _of_model(
        params,
        name,
        stage="train",
        recorded=model / "experiment.json",
        params=_describe_run(params, name),
        outputs=(model, curve),
        files={MODEL: model, "curve.csv": curve},
        identify=lambda: {"unroll.training": dvc_md5(model)},
        read=lambda: curve_rows(curve),
    )


def evaluation(params: Root, name: str) -> Result:
    """Return the result of stage evaluate for a model."""
    metrics, samples, details = METRICS / f"{name}.json", SAMPLES / f"{name}.txt", EVALUATIONS / name
    files = {
        "metrics.json": metrics,
        "samples.txt": samples,
        "evaluation": details,
        "curve.csv": CURVES / f"{name}.csv",
    }
    return _of_model(
        params,
        name,
        stage="evaluate",
        recorded=metrics,
        params=_describe_run(params, name) | {"evaluate": params.evaluate.model_dump()},
        outputs=(metrics, samples, details),
        files=files,
        identify=lambda: {
            "unroll.training": dvc_md5(MODELS / name),
            "unroll.evaluation": dvc_md5(metrics),
            **_fitted_on_valid(metrics),
        },
        read=lambda: _evaluation_rows(_read(metrics), _read(details / "diagnostics.json")),
    )


def learning_curve(params: Root, name: str) -> Result:
    """Return the result of stage learning_curve for a model."""
    entry, path = params.learning_curves[name], METRICS / "learning_curves" / f"{name}.json"
    settings = entry.model_dump() | {"model": params.models[name].model_dump()}
    return Result(
        "learning_curve",
        "learning_curve",
        name,
        settings | _of_the_root(params),
        settings,
        PARTITIONS / entry.tokenizer,
        (path,),
        {"learning_curve.json": path},
        lambda: {"unroll.result": dvc_md5(path)},
        lambda: [_row(point.pop("train_tokens"), point) for point in _read(path)["points"]],
        recorded=path,
    )


def forecast(params: Root, name: str) -> Result:
    """Return the result of stage forecast for a series."""
    folder, settings = METRICS / "series", params.series[name].model_dump()
    metrics, errors, table = folder / f"{name}.json", folder / f"{name}.csv", Path("data/forecasts") / f"{name}.parquet"
    first = METRICS / "forecasts" / f"{name}.csv"
    return Result(
        "forecast",
        "forecast",
        name,
        settings | _of_the_root(params),
        settings,
        Path("data/clean") / f"{params.series[name].corpus}.parquet",
        (metrics, errors, table, first),
        {"metrics.json": metrics, "errors.csv": errors, "first_forecasts.csv": first},
        lambda: {"unroll.result": dvc_md5(metrics)},
        lambda: curve_rows(errors, by="forecaster"),
        recorded=metrics,
    )


def report(params: Root) -> Result:
    """Return the result of stage report."""
    names = ("leaderboard.md", "leaderboard.csv", "comparisons.csv", "index.html")
    settings = params.evaluate.model_dump()
    outputs = (*(REPORTS / name for name in names), FIGURES)
    return Result(
        "report",
        "report",
        "report",
        {"evaluate": settings},
        settings,
        METRICS,
        outputs,
        {path.name: path for path in outputs},
        lambda: {"unroll.result": dvc_md5(REPORTS / "index.html")},
        list,
        shows=tuple(params.experiments),
    )


def environment_tags(found: environment.Environment) -> dict[str, str]:
    """Return an environment as tags `unroll.environment.<name>`."""
    words = {name: ", ".join(value) if isinstance(value, list) else value for name, value in found.items()}
    return {f"unroll.environment.{name}": str(value) for name, value in flatten(words).items()}


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings: {"training": {"epochs": 3}} becomes {"training.epochs": 3}."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _of_model(root: Root, name: str, **fields: Any) -> Result:
    entry, repeated = root.experiments[name], {seed.model for seed in root.seeds.values()}
    seeds_of = entry.model if isinstance(entry, SeedParams) else name if name in repeated else ""
    settings = describe(root, name)
    data = PARTITIONS / settings["tokenizer"]
    return Result(kind="model", name=name, settings=settings, data=data, seeds_of=seeds_of, **fields)


def _describe_run(params: Root, name: str) -> dict[str, Any]:
    """Return the settings of a model with those of the root that it depends on; `seed` is that of a repeated model."""
    return _of_the_root(params) | describe(params, name)


def _of_the_root(params: Root) -> dict[str, Any]:
    return {"seed": params.seed, "arithmetic": params.arithmetic, "device": params.device}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _row(step: float, values: Mapping[str, Any]) -> Row:
    return {"step": int(step), "values": {name: float(value) for name, value in values.items()}}


def curve_rows(path: Path, by: str = "") -> list[Row]:
    """Return the rows of a CSV file with a column `step`. The values of the column `by` become prefixes of names."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line.get("step")]
    rows = []
    for line in lines:
        step, prefix = float(line.pop("step")), f"{line.pop(by)}_" if by else ""
        rows.append(_row(step, {prefix + name: value for name, value in line.items() if value}))
    return rows


def _fitted_on_valid(metrics: Path) -> dict[str, str]:
    fitted = _read(metrics).get("fitted_on_valid")
    return {"unroll.fitted_on_valid": ", ".join(fitted)} if fitted else {}


def _evaluation_rows(metrics: Mapping[str, Any], diagnostics: Mapping[str, Any]) -> list[Row]:
    """Return the numbers of an evaluation, and as curves those by distance, position, steps, fold and source length."""
    numbers = {k: v for k, v in metrics.items() if isinstance(v, int | float) or v in ("inf", "-inf", "nan")}
    rows = [_row(0, numbers)]
    context = diagnostics.get("context_ablation", {})
    tables = {
        "cut_nats": ("distance", "nats", context.get("cut", [])),
        "shuffled_nats": ("distance", "nats", context.get("shuffled", [])),
        "position_nats": ("first", "nats", diagnostics.get("position", [])),
        "k_step_nats": ("steps", "nats", diagnostics.get("k_step", [])),
        "k_step_bias": ("steps", "bias", diagnostics.get("k_step", [])),
        "k_step_error": ("steps", "error", diagnostics.get("k_step", [])),
        "gradient_flow_norm": ("steps", "norm", diagnostics.get("gradient_flow", [])),
    }
    rows += [_row(line[step], {name: line[key]}) for name, (step, key, lines) in tables.items() for line in lines]
    for group in metrics.get("by_source_length", []):
        scores = {f"source_length_{key}": value for key, value in group.items() if key not in ("first", "last")}
        rows.append(_row(group["last"], scores))
    for fold in metrics.get("by_fold", []):
        rows.append(_row(fold["fold"], {f"by_fold_{key}": value for key, value in fold.items() if key != "fold"}))
    return rows


def best_epoch(rows: list[Row]) -> dict[str, float]:
    """Return the smallest validation loss of a training and its epoch, whose weights the model has."""
    by_step: dict[int, dict[str, float]] = {}
    for row in rows:
        by_step.setdefault(row["step"], {}).update(row["values"])
    measured = [values for values in by_step.values() if math.isfinite(values.get("valid_loss", math.nan))]
    if not measured:
        return {}
    best = min(measured, key=lambda values: values["valid_loss"])
    return {"best_valid_loss": best["valid_loss"]} | ({"best_epoch": best["epoch"]} if "epoch" in best else {})
