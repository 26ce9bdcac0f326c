"""The content of a dvc.lock: what each stage was made from, and the hashes of its outputs."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from unroll.errors import UnrollError
from unroll.tracking.results import flatten


@dataclass(frozen=True)
class Stage:
    """The entry of one stage."""

    params: Mapping[str, Any]
    """The values of params.yaml that it depends on, by their full path."""
    deps: Mapping[str, str]
    """The MD5 of each dependency, by path."""
    outs: Mapping[str, str]
    """The MD5 of each output, by path."""


@dataclass(frozen=True)
class Lock:
    """A dvc.lock."""

    stages: Mapping[str, Stage]

    @staticmethod
    def parse(content: bytes, origin: str) -> "Lock":
        """Read the content of a dvc.lock.

        Args:
            content: The bytes of the file.
            origin: The name of the file in the error message.

        Returns:
            The lock.

        Raises:
            UnrollError: It is not a dvc.lock.
        """
        try:
            entries = YAML(typ="safe").load(content.decode("utf-8"))["stages"]
            return Lock({name: _stage(entry) for name, entry in entries.items()})
        except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
            raise UnrollError(f"{origin}: is not a dvc.lock; name one that `dvc repro` wrote") from None

    @property
    def outs(self) -> dict[str, str]:
        """The MD5 of each output of all stages, by path."""
        return {path: md5 for stage in self.stages.values() for path, md5 in stage.outs.items()}

    @property
    def params(self) -> dict[str, Any]:
        """The values of params.yaml that any stage depends on, by their full path."""
        return {key: value for stage in self.stages.values() for key, value in stage.params.items()}

    def without(self, stages: Collection[str]) -> "Lock":
        """Return the lock without some of its stages."""
        return Lock({name: stage for name, stage in self.stages.items() if name not in stages})

    def downstream(self, stages: set[str]) -> set[str]:
        """Return some stages and all stages that read an output of one of them, directly or indirectly."""
        found: set[str] = set()
        added = stages & set(self.stages)
        while added:
            found |= added
            made = [path for name in added for path in self.stages[name].outs]
            added = {name for name, stage in self.stages.items() if name not in found and _reads(stage, made)}
        return found

    def upstream(self, path: str) -> set[str]:
        """Return the stage that makes an output, and all stages that it depends on, directly or indirectly."""
        found: set[str] = set()
        added = {name for name, stage in self.stages.items() if path in stage.outs}
        while added:
            found |= added
            read = [self.stages[name] for name in added]
            rest = {name: stage for name, stage in self.stages.items() if name not in found}
            added = {name for name, made in rest.items() if any(_reads(stage, list(made.outs)) for stage in read)}
        return found

    def must_be_equal(self, path: str) -> bool:
        """Return whether an output has the same bytes on all processors: all its floats are portable.

        The param `arithmetic` concerns the CPU. Arithmetic on a GPU is native.
        """
        params = [self.stages[name].params for name in self.upstream(path)]
        arithmetic = {values.get("arithmetic") for values in params}
        on_gpu = any(values.get("device") == "cuda" for values in params)
        return "portable" in arithmetic and "native" not in arithmetic and not on_gpu


def _stage(entry: Mapping[str, Any]) -> Stage:
    params = flatten({key: value for values in entry.get("params", {}).values() for key, value in values.items()})
    return Stage(params, dict(_hashes(entry.get("deps", []))), dict(_hashes(entry.get("outs", []))))


def _hashes(entries: list[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    return ((entry["path"], entry["md5"]) for entry in entries if "md5" in entry)


def _reads(stage: Stage, made: list[str]) -> bool:
    """Return whether a stage depends on one of some paths, on a folder with one of them, or on a part of one."""
    folders = [f"{path}/" for path in made]
    return any(f"{dep}/".startswith(folder) or folder.startswith(f"{dep}/") for dep in stage.deps for folder in folders)
