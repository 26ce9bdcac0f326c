"""The file that describes a sweep: what is varied, what is measured, and how the points are chosen."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from ruamel.yaml import YAML

from unroll.errors import UnrollError
from unroll.params import load as params_file
from unroll.params.base import Count, Params, suggest
from unroll.params.overlay import assign
from unroll.params.root import SECTIONS

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Epochs = Annotated[int, Field(ge=1, le=10**6)]
Target = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_@-]*$")]
"""A stage of dvc.yaml, such as `evaluate@lstm`."""


class Metric(Params):
    """The number that is optimized."""

    file: str
    """The file with the number: an output of a stage, in JSON or CSV."""
    key: str
    """Its key in a JSON file, with dots for nested keys; or the column of a CSV file, whose best value counts."""
    direction: Literal["minimize", "maximize"]


class RandomSampler(Params):
    """Independent random points."""

    kind: Literal["random"]
    seed: Seed


class TpeSampler(Params):
    """The tree-structured Parzen estimator: points like the best ones so far are more probable."""

    kind: Literal["tpe"]
    seed: Seed
    startup_trials: Count
    """The number of random points before the first chosen one."""


class NoPruner(Params):
    """Every training runs to its end."""

    kind: Literal["none"]


class MedianPruner(Params):
    """A training ends if its best validation loss is worse than the median of the others at the same epoch."""

    kind: Literal["median"]
    model: str
    """The entry of params.yaml whose validation loss is observed."""
    startup_trials: Count
    """The number of trials that run to their end first."""
    warmup_epochs: Annotated[int, Field(ge=0, le=10**6)]
    """The number of epochs before a training can end."""


class SuccessiveHalvingPruner(Params):
    """At epochs that grow by a factor, only the best trainings go on (asynchronous successive halving)."""

    kind: Literal["successive_halving"]
    model: str
    min_epochs: Epochs
    reduction_factor: Annotated[int, Field(ge=2, le=100)]


class HyperbandPruner(Params):
    """Several successive halvings, which begin at different epochs."""

    kind: Literal["hyperband"]
    model: str
    min_epochs: Epochs
    max_epochs: Epochs
    reduction_factor: Annotated[int, Field(ge=2, le=100)]

    @model_validator(mode="after")
    def _is_ordered(self) -> "HyperbandPruner":
        if self.min_epochs > self.max_epochs:
            raise ValueError(f"min_epochs ({self.min_epochs}) is greater than max_epochs ({self.max_epochs})")
        return self


class Choice(Params):
    """One of some values, which may be lists or mappings."""

    kind: Literal["choice"]
    values: Annotated[list[Any], Field(min_length=1)]

    @model_validator(mode="after")
    def _are_different(self) -> "Choice":
        if len({json.dumps(value, sort_keys=True) for value in self.values}) < len(self.values):
            raise ValueError("two of the values are equal; remove one")
        return self

    @property
    def limits(self) -> list[Any]:
        """The values that must be valid: all."""
        return self.values


class Integer(Params):
    """A whole number from `low` to `high`, both included."""

    kind: Literal["int"]
    low: int
    high: int
    log: bool
    """Whether the logarithm of the number is uniform."""
    step: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _is_a_range(self) -> "Integer":
        _check_range(self.low, self.high, self.log, self.log and self.step != 1)
        return self

    @property
    def limits(self) -> list[int]:
        """The values that must be valid: the ends of the range."""
        return [self.low, self.high]


class Float(Params):
    """A number from `low` to `high`, both included."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool
    """Whether the logarithm of the number is uniform."""
    step: Annotated[float, Field(gt=0)] | None
    """The distance between two possible numbers; null for all."""

    @model_validator(mode="after")
    def _is_a_range(self) -> "Float":
        _check_range(self.low, self.high, self.log, self.log and self.step is not None)
        return self

    @property
    def limits(self) -> list[float]:
        """The values that must be valid: the ends of the range."""
        return [self.low, self.high]


def _check_range(low: float, high: float, log: bool, has_step: bool) -> None:
    if low > high:
        raise ValueError(f"low ({low}) is greater than high ({high}); exchange them")
    if log and low <= 0:
        raise ValueError(f"low ({low}) has no logarithm; give a low above 0, or log: false")
    if has_step:
        raise ValueError("log: true and a step exclude each other; write step: 1 for int and step: null for float")


Dimension = Annotated[Choice | Integer | Float, Field(discriminator="kind")]


class Space(Params):
    """The whole file."""

    targets: Annotated[list[Target], Field(min_length=1)]
    """The stages that run for each point, with all that they depend on."""
    metric: Metric
    sampler: Annotated[RandomSampler | TpeSampler, Field(discriminator="kind")]
    pruner: Annotated[NoPruner | MedianPruner | SuccessiveHalvingPruner | HyperbandPruner, Field(discriminator="kind")]
    space: Annotated[dict[str, Dimension], Field(min_length=1)]
    """What is varied, by its path in params.yaml. Several paths with commas between them have the same value."""


def paths_of(key: str) -> list[str]:
    """Return the paths of params.yaml that a key of `space` names."""
    return [path.strip() for path in key.split(",")]


def load(file: Path) -> Space:
    """Read and validate the file of a sweep. The present folder is the root of the repository.

    Args:
        file: The file.

    Returns:
        The sweep.

    Raises:
        UnrollError: The file has a wrong key or value, or does not agree with params.yaml or dvc.yaml.
    """
    space = params_file.validate(Space, params_file.read(file), str(file))
    values = params_file.read(Path("params.yaml"))
    params_file.parse(values, "params.yaml")
    for fault in _disagreements(space, values):
        raise UnrollError(f"{file}: {fault}")
    return space


def _disagreements(space: Space, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not agree with params.yaml and dvc.yaml."""
    for key, dimension in space.space.items():
        for limit in dimension.limits:
            changed = copy.deepcopy(values)
            try:
                for path in paths_of(key):
                    assign(changed, path, limit)
            except UnrollError as error:
                yield f"space.{key}: {error}"
                return
            for path, sentence in params_file.find_faults(changed).items():
                # Another fault can come from a combination of values, which may be right at every point.
                if any(path == own or path.startswith(f"{own}.") for own in paths_of(key)):
                    yield f"space.{key}: {sentence}"
    taken = [path for key in space.space for path in paths_of(key)]
    for index, path in enumerate(taken):
        for other in taken[:index]:
            if f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}."):
                yield f"space.{path}: space.{other} sets it, too; remove one"
    outputs = dict(_stages(YAML(typ="safe").load(Path("dvc.yaml").read_text(encoding="utf-8")), values))
    for target in space.targets:
        if target not in outputs:
            yield f"targets: dvc.yaml has no stage {target}{suggest(target, outputs)}"
    made = [path for paths in outputs.values() for path in paths]
    if space.metric.file not in made:
        files = [path for path in made if PurePosixPath(path).suffix in (".json", ".csv")]
        yield f"metric.file: no stage makes {space.metric.file}{suggest(space.metric.file, files)}"
    if PurePosixPath(space.metric.file).suffix not in (".json", ".csv"):
        yield f"metric.file: {space.metric.file} is neither JSON nor CSV"
    if not isinstance(space.pruner, NoPruner):
        models = [name for section in SECTIONS for name in values[section]]
        if space.pruner.model not in models:
            yield f"pruner.model: there is no {space.pruner.model}{suggest(space.pruner.model, models)}"


def _stages(pipeline: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the names of the stages of dvc.yaml and their outputs."""
    for name, stage in pipeline["stages"].items():
        entry = stage.get("do", stage)
        listed = [out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, [])]
        outputs = [out if isinstance(out, str) else next(iter(out)) for out in listed]
        if "foreach" not in stage:
            yield name, outputs
            continue
        section = re.fullmatch(r"\$\{(.+)\}", stage["foreach"])
        for key in values.get(section[1], {}) if section else ():
            yield f"{name}@{key}", [out.replace("${key}", key) for out in outputs]
