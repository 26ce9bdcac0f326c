"""Every internal of DVC that the runner calls exists, takes these arguments, and does what it is called for.

An upgrade of DVC that changes one of them fails here, and not in somebody's pipeline.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dvc
import pytest
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.output import Output
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.repo.scm_context import SCMContext
from dvc.rwlock import rwlock
from dvc.stage import PipelineStage
from dvc.stage import cache as stage_cache
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import modify_yaml

from tests.pipeline.runner import tiny
from unroll.errors import UnrollError
from unroll.pipeline import runner
from unroll.pipeline.runner.repository import Repository, Start

CALLS: list[tuple[Callable[..., Any], list[str]]] = [
    (Repo.__init__, ["root_dir", "_wait_for_lock"]),
    (lock_repo, ["repo"]),
    (collect_stages, ["repo", "targets"]),
    (get_active_graph, ["graph"]),
    (plan_repro, ["graph", "stages"]),
    (SCMContext.__call__, ["quiet"]),
    (SCMContext.track_file, ["paths"]),
    (rwlock, ["tmp_dir", "fs", "cmd", "read", "write", "hardlink"]),
    (PipelineStage.changed, []),
    (PipelineStage.changed_stage, []),
    (PipelineStage.remove_outs, ["ignore_remove", "force"]),
    (PipelineStage.save_deps, []),
    (PipelineStage.save, ["run_cache"]),
    (PipelineStage.commit, []),
    (PipelineStage.outs_cached, []),
    (Output.status, []),
    (Output.get_hash, []),
    (ParamsDependency.read_params, []),
    (ParamsDependency.get_hash, []),
    (stage_cache.StageCache.restore, ["stage"]),
    (stage_cache.StageCache._create_stage, ["cache", "wdir"]),
    (stage_cache.StageCache._get_cache_dir, ["key"]),
    (stage_cache.StageCache._load_cache, ["key", "value"]),
    (stage_cache._get_cache_hash, ["cache", "key"]),
    (to_single_stage_lockfile, ["stage"]),
    (modify_yaml, ["path"]),
]
"""The functions and methods, with the arguments that are given to them."""
FILES = ("repository.py", "inspection.py", "lock_file.py")


@pytest.mark.parametrize(("function", "arguments"), CALLS, ids=lambda value: getattr(value, "__qualname__", ""))
def test_a_call_takes_its_arguments(function: Callable[..., Any], arguments: list[str]) -> None:
    if function is modify_yaml:  # it is made by partial application
        assert callable(function)
        return
    parameters = inspect.signature(function).parameters
    others = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    assert set(arguments) <= set(parameters) or "call" in parameters  # a decorator that hides the signature
    assert set(others) <= {"self", "call", *arguments}


def test_the_contract_names_every_import_from_dvc() -> None:
    folder = Path(runner.__file__).parent
    imported = {
        name.split(" as ")[0].strip()
        for file in FILES
        for names in re.findall(r"^from dvc\S* import (.+)$", (folder / file).read_text(), re.MULTILINE)
        for name in names.split(",")
    }
    here = {function.__qualname__.split(".")[0] for function, _ in CALLS if hasattr(function, "__qualname__")}
    types = {
        "HashInfo",
        "Meta",
        "ParamsDependency",
        "DvcException",
        "LockError",
        "RunCacheNotFoundError",
        "modify_yaml",
    }
    assert imported <= here | types
    others = [path.name for path in folder.glob("*.py") if path.name not in FILES]
    assert not [
        name for name in others if re.search(r"^\s*(from|import) dvc\b", (folder / name).read_text(), re.MULTILINE)
    ]


def test_the_errors_are_those_of_dvc() -> None:
    assert issubclass(LockError, DvcException)
    assert issubclass(stage_cache.RunCacheNotFoundError, DvcException)
    assert dvc.__version__.startswith("3.")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tiny.make(tmp_path / "repository", {"a": [], "b": ["a"]})
    monkeypatch.chdir(place)
    return place


@pytest.mark.slow
def test_a_stage_is_started_finished_and_restored_as_by_dvc(place: Path) -> None:
    repository = Repository(place)
    nodes = repository.collect([])
    assert {name: node.upstream for name, node in nodes.items()} == {"a": (), "b": ("a",)}
    assert nodes["b"].outs == ("b.txt",)
    assert repository.start("a") is Start.RUNS
    (place / "a.txt").write_text("a()\n")
    repository.finish("a")
    repository.write()
    ours = tiny.lock(place)
    tiny.forget(place)
    (place / ".dvc/tmp/repro/entries.json").unlink()
    tiny.dvc(place, "repro", "a")
    assert tiny.lock(place) == ours
    again = Repository(place)
    again.collect([])
    assert again.start("a") is Start.UNCHANGED
    (place / "a.txt").unlink()
    assert again.start("a") is Start.RESTORED
    assert (place / "a.txt").read_text() == "a()\n"
    assert again.start("a", force=True) is Start.RUNS
    assert not (place / "a.txt").exists()  # DVC removes old outputs before the command, too
    again.abandon("a")


@pytest.mark.slow
def test_other_commands_of_dvc_cannot_change_the_outputs_of_a_running_stage(place: Path) -> None:
    repository = Repository(place)
    repository.collect([])
    assert repository.start("a") is Start.RUNS
    other = tiny.dvc_fails(place, "repro", "a")
    assert "is busy" in other
    repository.abandon("a")
    assert "a" in tiny.dvc(place, "repro", "a")


@pytest.mark.slow
def test_a_wrong_target_or_a_damaged_pipeline_is_a_sentence(place: Path) -> None:
    with pytest.raises(UnrollError, match=r"^Stage 'nothing' not found inside 'dvc\.yaml' file$"):
        Repository(place).collect(["nothing"])
    (place / "dvc.yaml").write_text("stages: [")
    with pytest.raises(UnrollError, match=r"^unable to read: 'dvc\.yaml'"):
        Repository(place).collect([])
    with pytest.raises(UnrollError, match="not inside of a DVC repository"):
        Repository(place.parent)
