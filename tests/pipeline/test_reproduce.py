"""unroll reproduce: runs of the small pipeline, made again from their snapshots in work trees of their own."""

import json
from pathlib import Path

import pytest

from tests.pipeline import recorded
from tests.pipeline.pipeline import edit_params, git, hashes, run, runs
from unroll.errors import UnrollError
from unroll.pipeline.lock import Lock
from unroll.pipeline.reproduce import reproduce
from unroll.provenance import snapshot
from unroll.tracking import store

pytestmark = pytest.mark.slow
STAGES = {"download@prose", "clean@prose", "tokenize@words", "partition@words", "train@lstm", "evaluate@lstm"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a recorded run, in a path with a space."""
    return recorded.repository(tmp_path_factory.mktemp("reproduce") / "my copy")


@pytest.fixture
def place(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to experiment with, as the present folder."""
    place = recorded.copy(finished, tmp_path / "a copy")
    monkeypatch.chdir(place)
    return place


def test_a_clean_run_is_restored_from_the_cache(place: Path, tmp_path: Path) -> None:
    taken = recorded.snapshots(place, tmp_path / "run")
    assert snapshot.add_lock(taken, place)
    assert not snapshot.read(taken)["dirty"]
    before = git(place, "status", "--porcelain"), (place / ".git/index").read_bytes(), git(place, "for-each-ref")
    folder = Path(".dvc/tmp/reproduce/lstm")
    lines = list(reproduce(taken, folder, force=False))
    assert "DVC restored the outputs of 6 of 6 stages from its cache; --force computes all of them again" in lines
    assert lines[-1] == "all 11 outputs have the same bytes as those of the run"
    assert [line.split()[0] for line in lines[-12:-1]] == ["equal"] * 11
    assert before == (
        git(place, "status", "--porcelain"),
        (place / ".git/index").read_bytes(),
        git(place, "for-each-ref"),
    )
    assert "Running stage" not in run(folder, "dvc", "repro", "--dry", recorded.TARGET)
    with pytest.raises(UnrollError, match="is not an empty folder"):
        next(reproduce(taken, folder, force=False))
    with pytest.raises(UnrollError, match="is not an empty folder"):
        next(reproduce(taken, place, force=False))


def test_the_lock_of_dvc_has_the_dependencies_of_the_run(place: Path, tmp_path: Path) -> None:
    taken = recorded.snapshots(place, tmp_path / "run")
    stage = Lock.parse((taken / "dvc.lock").read_bytes(), "dvc.lock").stages["evaluate@lstm"]
    assert stage.deps["models/lstm"] == snapshot.read(taken)["outputs"]["models/lstm"]
    outputs = snapshot.read(taken)["outputs"]
    assert outputs == {path: hashes(place)[path] for path in outputs}  # as DVC writes them


def test_changes_of_a_dirty_work_tree_are_made_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seed comes from a new module, which reads a new binary file; and the names are hard."""
    odd = place.rename(tmp_path / "50% #é copy")
    monkeypatch.chdir(odd)
    run(odd, "unroll", "doctor")
    script = odd / "stages/train.py"
    text = script.read_text(encoding="utf-8")
    other = "train(params.model_copy(update={'seed': params.seed + offset.read()}), name"
    assert "train(params, name" in text
    script.write_text(text.replace("train(params, name", other, 1), encoding="utf-8")
    script.write_text(
        script.read_text().replace(
            "    from unroll.fingerprint", "    from stages import offset\n    from unroll.fingerprint"
        )
    )
    code = "from pathlib import Path\ndef read():\n    return sum(Path('stages/ö #.bin').read_bytes())\n"
    (odd / "stages/offset.py").write_text(code, encoding="utf-8")
    (odd / "stages/ö #.bin").write_bytes(bytes(range(256)))
    before = hashes(odd)["models/lstm"]
    run(odd, "dvc", "repro", recorded.TARGET)
    changed = hashes(odd)["models/lstm"]
    assert changed != before
    taken = recorded.snapshots(odd, tmp_path / "run")
    assert snapshot.read(taken)["dirty"]
    git(odd, "checkout", "--quiet", ".")
    git(odd, "clean", "--quiet", "--force", "-d")
    folder = tmp_path / "made #ü again"
    lines = list(reproduce(taken, folder, force=True))
    assert not any("DVC restored" in line for line in lines)
    assert {line.split("'")[1] for line in lines if line.startswith("Running stage '")} == STAGES
    assert lines[-1] == "all 11 outputs have the same bytes as those of the run"
    assert hashes(folder)["models/lstm"] == changed
    assert hashes(odd)["models/lstm"] == before


def test_a_temporary_experiment_is_made_again_after_the_workspace_changed(place: Path, tmp_path: Path) -> None:
    sizes = [f"models.lstm.{name}=12" for name in ("hidden_size", "embedding_size")]
    run(place, "dvc", "exp", "run", "--temp", "--name", "wider", "-S", sizes[0], "-S", sizes[1], recorded.TARGET)
    taken = recorded.snapshots(place, tmp_path / "run", "wider")
    values = snapshot.read(taken)
    assert (values["experiment"], values["dirty"]) == ("wider", True)
    assert values["commit"] == values["baseline"] == git(place, "rev-parse", "HEAD").strip()
    assert values["stages"]["train@lstm"]["user_command"].startswith("dvc exp run --temp --name wider")
    edit_params(place, "models.lstm.hidden_size", 20)
    (place / "stages/train.py").write_text("raise SystemExit(1)\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "other work")
    assert snapshot.add_lock(taken, place)  # from the commit of the experiment
    assert "evaluate@lstm" in Lock.parse((taken / "dvc.lock").read_bytes(), "dvc.lock").stages
    lines = list(reproduce(taken, tmp_path / "again", force=False))
    assert lines[-1] == "all 11 outputs have the same bytes as those of the run"


def test_a_fresh_clone_fetches_the_commit_and_computes_what_it_does_not_have(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = recorded.snapshots(place, tmp_path / "run")
    commit = snapshot.read(taken)["commit"]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "1", place.as_uri(), str(clone))
    assert git(clone, "rev-parse", "HEAD").strip() != commit
    monkeypatch.chdir(clone)
    lines = list(reproduce(taken, tmp_path / "again", force=False))
    assert not any("DVC restored" in line for line in lines)
    assert lines[-1] == "all 11 outputs have the same bytes as those of the run"
    assert git(clone, "status", "--porcelain") == ""


def test_a_fresh_clone_takes_what_the_remote_has(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = recorded.snapshots(place, tmp_path / "run")
    assert snapshot.add_lock(taken, place)
    remote = tmp_path / "re mote"
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(place), str(clone))
    for repository in (place, clone):  # a path relative to the folder .dvc of each repository
        run(repository, "dvc", "remote", "add", "--local", "--default", "storage", "../re mote")
    run(place, "dvc", "push", "--run-cache")
    assert remote.is_dir()
    monkeypatch.chdir(clone)
    lines = list(reproduce(taken, tmp_path / "deeper" / "again", force=False))
    assert lines[-1] == "all 11 outputs have the same bytes as those of the run"
    # DVC does not push metrics, which git tracks, so it computes their stages.
    assert "Stage 'download@prose' is cached - skipping run, checking out outputs" in lines
    assert "Running stage 'train@lstm':" in lines


def test_an_output_that_differs_is_named_with_its_difference(place: Path, tmp_path: Path) -> None:
    """By the command, for a run of MLflow: as if other numbers had been recorded, on another machine."""
    taken = recorded.snapshots(place, tmp_path / "reproduce")
    metrics = taken / "metrics/lstm.json"
    content = json.loads(metrics.read_bytes())
    right = content["cross_entropy"]
    metrics.write_text(json.dumps(content | {"cross_entropy": right + 0.25}))
    values = snapshot.read(taken)
    values["outputs"]["metrics/lstm.json"] = "0" * 32
    values["stages"]["evaluate@lstm"]["environment"]["processor"] = "Zilog Z80"
    (taken / "run.json").write_text(json.dumps(values))
    packages = (taken / "packages.txt").read_text()
    (taken / "packages.txt").write_text(packages.replace("torch==2.13.0", "torch==1.0"))
    identity = _log(place, taken)
    printed = run(place, "unroll", "reproduce", identity, code=1)
    assert "differs metrics/lstm.json\n" in printed
    assert printed.count("\nequal   ") == 10
    assert "metrics/lstm.json: 1 metric differs" in printed
    assert f"cross_entropy: {right:.9g} instead of {right + 0.25:.9g}, a difference of -0.25" in printed
    assert "instead of Zilog Z80" in printed
    assert "torch: 2.13.0" in printed
    assert printed.endswith("unroll: 1 of 11 outputs differ from those of the run: metrics/lstm.json\n")
    assert (place / f".dvc/tmp/reproduce/{identity}/models/lstm").is_dir()


def test_the_newest_run_of_a_model_is_made_again(place: Path, tmp_path: Path) -> None:
    _log(place, recorded.snapshots(place, tmp_path / "reproduce"))
    before = len(runs(place))
    printed = run(place, "unroll", "reproduce", "lstm", "--in", "../again", "--force")
    assert printed.endswith("all 11 outputs have the same bytes as those of the run\n")
    assert len(runs(place)) == before  # the reproduction has a store of its own


def _log(place: Path, taken: Path) -> str:
    """Log a snapshot to the run of the LSTM, and return the id of the run."""
    code = f"""
import mlflow
client = mlflow.MlflowClient({store.address(place / "mlruns/mlflow.db")!r})
(run,) = client.search_runs(["1"], "tags.`unroll.model` = 'lstm'")
client.log_artifacts(run.info.run_id, {str(taken)!r}, "reproduce")
print(run.info.run_id)
"""
    # In a process of its own, since MLflow remembers the artifacts of a run, and copies have runs with the same id.
    return run(place, "python", "-W", "ignore", "-c", code).split()[-1]


def test_what_cannot_be_made_again_is_one_sentence(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = recorded.snapshots(place, tmp_path / "run")
    right = snapshot.read(taken)
    for change, sentence in (
        ({"outputs": {}}, "the run has no outputs"),
        ({"commit": None, "no_commit_because": "no git"}, r"without a commit \(no git\)"),
        ({"commit": "0" * 40}, "neither this repository nor its origin has this commit"),
    ):
        (taken / "run.json").write_text(json.dumps(right | change))
        with pytest.raises(UnrollError, match=sentence):
            next(reproduce(taken, tmp_path / "again", force=False))
        assert not (tmp_path / "again").exists()
    (taken / "run.json").write_text(json.dumps(right))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnrollError, match="is not the root of a repository"):
        next(reproduce(taken, tmp_path / "other", force=False))


def test_a_stage_that_fails_is_one_sentence(place: Path, tmp_path: Path) -> None:
    taken = recorded.snapshots(place, tmp_path / "run")
    (taken / "params.yaml").write_text(
        (taken / "params.yaml").read_text().replace("hidden_size: 16", "hidden_size: -1")
    )
    with pytest.raises(UnrollError, match=r"`dvc repro train@lstm evaluate@lstm` failed in .*/again \(exit code"):
        list(reproduce(taken, tmp_path / "again", force=False))
