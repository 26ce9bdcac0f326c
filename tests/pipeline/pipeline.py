"""A copy of the repository with a small text and small models, and queries of its `dvc` and MLflow."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.made_once import add_empty_store
from tests.pipeline.forked import can_be_forked, run_forked
from unroll.arithmetic.pins import is_supported
from unroll.text.manifest import file_sha256
from unroll.tracking import store

ARITHMETIC = "portable" if is_supported() else "native"

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
yaml = YAML(typ="safe", pure=True)


def run(place: Path, *command: str, code: int | None = 0, **variables: str) -> str:
    """Run a program of the environment in `place`; its whole output."""
    if can_be_forked(command) and "PYTHONPATH" not in variables:  # a fork has imported its modules before
        ended, output = run_forked(place, command, environment(**variables))
        assert code is None or ended == code, output
        return output
    result = subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=place,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert code is None or result.returncode == code, result.stdout
    return result.stdout


def environment(**variables: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_", "UNROLL_"))}
    # No process logs in the background, where a test would have to wait for it: `runs` logs what waits.
    own = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1", "UNROLL_TRACKING": "later"}
    return clean | own | variables


def git(place: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=place, check=True, capture_output=True, text=True).stdout


def small(values: dict[str, Any], place: Path) -> dict[str, Any]:
    """params.yaml with a small text and few, small models."""
    topics = ["def", "class", "import", "return", "yield", "raise", "while", "lambda", "global", "assert"]
    sentences = [
        f"The {a} statement comes before the {b} statement, and the {a} is read once{mark}"
        for index, a in enumerate(topics)
        for b in topics
        for mark in (".", "!", "?", " again.", f" in line {index}.")
    ]
    text = place / "my text.txt"
    text.write_text("\n".join(sentences) + "\n", encoding="utf-8")
    packages = values["corpora"]["prose"]
    prose = {key: value for key, value in packages.items() if key != "packages"} | {
        "source": "path",
        "path": text.name,
        "sha256": file_sha256(text),
        "documents": "line",
        "format": "text",
        "unknown_word": "none",
    }
    dutch = values["corpora"]["dutch"] | {"pairs": 300, "sha256": None}
    words = values["tokenizers"]["words"] | {"min_count": 1, "sequence_length": 8}
    models = values["models"]
    training = {"epochs": 2, "batch_size": 8}
    for name in ("lstm", "seq2seq"):
        sizes = {"embedding_size": 16, "hidden_size": 16, "training": models[name]["training"] | training}
        models[name] = models[name] | sizes
    return values | {
        "arithmetic": ARITHMETIC,
        "corpora": {"prose": prose, "dutch": dutch},
        "tokenizers": {"words": words, "pairs": values["tokenizers"]["pairs"]},
        "models": {name: models[name] for name in ("unigram", "trigram", "lstm", "seq2seq")},
        "mixtures": {"mixed": values["mixtures"]["kneser5_lstm"] | {"first": "trigram"}},
        "oracles": {},
        "seeds": {},
        "vectors": {},
        "learning_curves": {},
        "series": {},
    }


def write_params(place: Path, values: dict[str, Any]) -> None:
    with (place / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(json.loads(json.dumps(values)), file)  # without anchors for shared values


def copy_of_the_repository(place: Path, with_store: bool = True) -> Path:
    """A copy without results. `unroll doctor` needs seconds to make the store, so that it has one already."""
    place.mkdir()
    if with_store:
        add_empty_store(place)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0"):
        if (
            name
            and (ROOT / name).is_file()
            and not name.startswith(("metrics/", "reports/", "tests/"))
            and name != "dvc.lock"
        ):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def stages_to_run(place: Path) -> set[str]:
    """What `dvc repro --dry` says it would run."""
    return _named(run(place, "dvc", "repro", "--dry"))


def stages_that_run(place: Path) -> set[str]:
    """What `dvc repro` ran."""
    return _named(run(place, "dvc", "repro"))


def _named(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")}


def edit_params(place: Path, path: str, value: Any) -> None:
    values = yaml.load((place / "params.yaml").read_text(encoding="utf-8"))
    section = values
    *parents, last = path.split(".")
    for key in parents:
        section = section[key]
    section[last] = value
    write_params(place, values)


def hashes(place: Path) -> dict[str, str]:
    stages = yaml.load((place / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


def forget(place: Path, output: str) -> None:
    """Remove a folder that a stage made, and what DVC's cache knows of it: else DVC would take it from there."""
    md5 = hashes(place)[output]
    (place / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).unlink()
    shutil.rmtree(place / ".dvc" / "cache" / "runs")
    shutil.rmtree(place / output)


def runs(place: Path) -> list[Any]:
    """All runs, after what waits has been logged."""
    import mlflow

    run(place, "unroll", "sync")
    client = mlflow.MlflowClient(store.address(place / "mlruns" / "mlflow.db"))
    experiment = client.get_experiment_by_name("unroll")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def artifacts(place: Path, run: Any) -> set[str]:
    import mlflow

    client = mlflow.MlflowClient(store.address(place / "mlruns" / "mlflow.db"))
    return {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
