"""Which stages are not up to date, why, and which of them the run cache of DVC has."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.stage import PipelineStage
from dvc.stage.cache import _get_cache_hash
from dvc.stage.serialize import to_single_stage_lockfile
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta

from unroll.pipeline.runner.repository import Repository
from unroll.tracking.results import flatten

_SAID = {
    "modified": "has changed",
    "new": "is new",
    "deleted": "is missing",
    "not in cache": "is not in the cache",
}
"""How the states of DVC are said."""


def reasons(repository: Repository, name: str, pending: Iterable[str], known: Mapping[str, HashInfo]) -> list[str]:
    """Say why a stage is not up to date, apart from dependencies that are not made yet.

    Args:
        repository: The repository.
        name: The stage.
        pending: The outputs that other stages will write before.
        known: The hashes of those outputs that the run cache has.

    Returns:
        A phrase for each reason.
    """
    stage = repository.stages[name]
    with repository.locked():
        if not any(out.hash_info for out in stage.outs):
            return ["it has no results yet"]
        found = ["its command has changed"] if stage.changed_stage() else []
        for dep in stage.deps:
            if isinstance(dep, ParamsDependency):
                found += _changed_params(dep)
            elif dep.def_path in known:
                found += [f"{dep} changes"] if known[dep.def_path] != dep.hash_info else []
            elif not _overlaps(dep.def_path, pending):
                found += [f"{dep} {_SAID[state]}" for state in dep.status().values()]
        found += [f"{out} {_SAID[state]}" for out in stage.outs for state in out.status().values()]
        return found


def find_cached(repository: Repository, name: str, known: Mapping[str, HashInfo]) -> dict[str, HashInfo] | None:
    """Look up a stage that is not up to date in the run cache. `reasons` must not be called for it any more.

    Args:
        repository: The repository.
        name: The stage, all of whose dependencies are there, or are known.
        known: The hashes of dependencies that the run cache has.

    Returns:
        The hashes of its outputs, by path; None if the cache does not have them.
    """
    stage, cache = repository.stages[name], repository.dvc.stage_cache
    with repository.locked():
        hashed = all(out.hash_info for out in stage.outs)
        params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
        others = [dep for dep in stage.deps if dep not in params]
        same = hashed and not stage.changed_stage() and not any(dep.status() for dep in params)
        if same and all(dep.hash_info == (known.get(dep.def_path) or _hash(dep)) for dep in others):
            entry = to_single_stage_lockfile(stage)
        else:
            for dep in others:
                dep.hash_info, dep.meta = known.get(dep.def_path) or _hash(dep), Meta()
            for dep in params:
                dep.hash_info = dep.get_hash()
            entry = _newest_entry(repository, stage)
        if not entry:
            return None
        found = cache._create_stage(entry, wdir=stage.wdir)
        return {out.def_path: out.hash_info for out in found.outs} if found.outs_cached() else None


def _newest_entry(repository: Repository, stage: PipelineStage) -> Any:
    """Return the newest entry of the run cache with the command, the params and the dependencies of a stage."""
    cache = repository.dvc.stage_cache
    if not (stage.cmd and stage.deps and stage.outs):
        return None
    key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
    entries = sorted(Path(cache._get_cache_dir(key)).glob("*"), key=lambda path: path.stat().st_mtime)
    return cache._load_cache(key, entries[-1].name) if entries else None


def _hash(dep: Any) -> HashInfo | None:
    """Return the hash of a dependency; None if it is missing."""
    return dep.get_hash() if dep.exists else None


def _changed_params(dep: ParamsDependency) -> list[str]:
    """Say which params have other values than in dvc.lock."""
    old, new = flatten(dict(dep.hash_info.value or {})), flatten(dict(dep.read_params()))
    return [
        f"{key} {'is new' if key not in old else 'is removed' if key not in new else f'{old[key]} -> {new[key]}'}"
        for key in {**old, **new}
        if key not in old or key not in new or old[key] != new[key]
    ]


def _overlaps(path: str, others: Iterable[str]) -> bool:
    return any(f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/") for other in others)
