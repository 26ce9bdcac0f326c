"""A colleague clones the repository, pulls the results from the remote of the team, and has nothing to run."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.pipeline.pipeline import (
    copy_of_the_repository,
    edit_params,
    git,
    hashes,
    run,
    small,
    stages_that_run,
    write_params,
    yaml,
)
from tests.tracking.server import BUCKET, KEYS, object_store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline has run with one model, and whose results are committed."""
    place = copy_of_the_repository(tmp_path_factory.mktemp("remote") / "my copy")
    values = small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place)
    corpora, tokenizers = ({name: values[key][name]} for key, name in (("corpora", "prose"), ("tokenizers", "words")))
    models = {"trigram": values["models"]["trigram"]}
    write_params(place, values | {"corpora": corpora, "tokenizers": tokenizers, "models": models, "mixtures": {}})
    git(place, "init", "--quiet")
    run(place, "unroll", "doctor")
    run(place, "dvc", "repro")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "results")
    return place


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_clone_pulls_everything_and_runs_nothing(finished: Path, tmp_path: Path, kind: str) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(finished), str(origin))
    run(origin, "unroll", "doctor")
    # A clone has no cache. That of the first repository stands for the machine that has trained.
    run(origin, "dvc", "cache", "dir", "--local", str(finished / ".dvc" / "cache"))
    if kind == "folder":
        _share(origin, clone, str(tmp_path / "storage"))
        return
    if find_spec("dvc_s3") is None:
        pytest.skip("there is no dvc-s3: install unroll[server]")
    with object_store(tmp_path) as address:
        _share(origin, clone, f"s3://{BUCKET}/dvc", endpointurl=address)


def _share(origin: Path, clone: Path, storage: str, **options: str) -> None:
    """Push from one clone to a remote, and pull into another clone that knows only what git knows."""
    run(origin, "dvc", "remote", "add", "--default", "storage", storage)
    for name, value in options.items():
        run(origin, "dvc", "remote", "modify", "storage", name, value)
    git(origin, "commit", "--quiet", "--all", "--message", "remote")
    run(origin, "dvc", "push", **KEYS)
    git(origin.parent, "clone", "--quiet", str(origin), str(clone))
    assert not (clone / "models").exists()
    run(clone, "unroll", "doctor")
    run(clone, "dvc", "pull", **KEYS)
    assert (clone / "models" / "trigram" / "params.json").is_file()
    assert "Data and pipelines are up to date" in run(clone, "dvc", "repro")
    assert git(clone, "status", "--porcelain") == ""
    assert "the same bytes" in run(clone, "unroll", "verify", "--against", str(origin / "dvc.lock"))
    # A change reruns what depends on it, with the data that was pulled.
    edit_params(clone, "models.trigram.order", 2)
    assert stages_that_run(clone) == {"train@trigram", "evaluate@trigram", "report"}
    assert hashes(clone)["models/trigram"] != hashes(origin)["models/trigram"]
