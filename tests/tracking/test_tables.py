"""The table of runs: useful columns first, parents with their children, and a verb that prints it."""

import csv
import gc
import io
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

import unroll
from tests.made_once import add_empty_store
from tests.tracking.logged import COUNTED, EXPERIMENT, SEEDS, TRIED, log_runs
from tests.trained import Run
from unroll.errors import UnrollError
from unroll.tracking import store, tables
from unroll.tracking.tables import FIRST

DOCUMENT = Path(__file__).parents[2] / "docs" / "tracking.md"
RUNS = len(COUNTED) + sum(1 + len(seeds) for seeds in SEEDS.values()) + 1 + len(TRIED)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("logged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(place))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        add_empty_store(place)
        log_runs()
    return place


@pytest.fixture
def place(logged: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_ROOT", str(logged))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return logged


@pytest.mark.usefixtures("place")
def test_the_first_columns_of_runs_are_those_to_compare() -> None:
    table = unroll.runs()
    assert list(table.columns[: len(FIRST)]) == list(FIRST)
    assert {"params.seed", "metrics.valid_loss", "tags.unroll.kind", "artifact_uri"} <= set(table.columns)
    assert table.columns.is_unique
    assert len(table) == RUNS
    assert table.started.is_monotonic_decreasing
    models = table[(table.kind == "model") & table.parent.isna()].set_index("model")
    assert models.test_perplexity.to_dict() == COUNTED
    assert models.duration["kneser5"] == pd.Timedelta(seconds=91)
    assert models.best_valid_loss.isna().all()


@pytest.mark.usefixtures("place")
def test_children_name_their_parent_and_parents_count_their_children() -> None:
    table = unroll.runs()
    parents = table[table.children > 0].set_index("name")
    assert parents.children.to_dict() == {"gru, 3 seeds": 3, "lstm, 3 seeds": 3, EXPERIMENT: 2}
    seeds = table[table.parent == parents.run_id["lstm, 3 seeds"]]
    assert sorted(seeds.test_perplexity) == sorted(SEEDS["lstm"])
    assert seeds.test_perplexity.mean() == pytest.approx(parents.test_perplexity["lstm, 3 seeds"], abs=1e-4)
    assert set(table[table.dvc_experiment == EXPERIMENT].model.dropna()) == set(TRIED)


@pytest.mark.usefixtures("place")
def test_a_filter_is_that_of_mlflow() -> None:
    found = unroll.runs("tags.`unroll.model` = 'gru' and metrics.test_perplexity < 80")
    assert found.test_perplexity.tolist() == [TRIED["gru"]]
    assert found.children.tolist() == [0]
    nothing = unroll.runs("metrics.test_perplexity < 0")
    assert list(nothing.columns[: len(FIRST)]) == list(FIRST)
    assert nothing.empty


def test_the_values_are_those_of_mlflow_page_by_page(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    monkeypatch.setattr(tables, "PAGE", 4)
    ours = unroll.runs()
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
    with tracking_uri(store.address()):
        theirs = mlflow.search_runs(experiment_names=["unroll"])
    other = {"status", "run_id"}  # with the same names among the first columns
    assert set(theirs.columns) - other <= set(ours.columns[len(FIRST) :])
    shared = list(theirs.columns)
    pd.testing.assert_frame_equal(ours[shared].convert_dtypes(), theirs.convert_dtypes(), check_dtype=False)


@contextmanager
def tracking_uri(address: str) -> Iterator[None]:
    """Let mlflow itself use a store."""
    import mlflow

    mlflow.set_tracking_uri(address)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("filter", "experiment", "sentence"),
    [
        ("metrics.loss ~ 1", "unroll", "the filter 'metrics.loss ~ 1' is not valid (Invalid "),
        ("metrics.loss < x", "unroll", "the filter 'metrics.loss < x' is not valid (Expected numeric value"),
        ("", "other", "other: is not an experiment of the store; it has Default, unroll"),
    ],
)
def test_a_wrong_filter_or_experiment_is_one_sentence(filter: str, experiment: str, sentence: str, unroll: Run) -> None:
    from unroll import runs

    with pytest.raises(UnrollError) as error:
        runs(filter, experiment)
    assert str(error.value).startswith(sentence)
    result = unroll("runs", "--filter", filter, "--experiment", experiment)
    assert (result.code, result.out, result.err) == (1, "", f"unroll: {error.value}\n")
    assert len(result.err.splitlines()) == 1


def test_a_server_that_is_down_is_one_sentence(monkeypatch: pytest.MonkeyPatch, unroll: Run) -> None:
    with socket.socket() as closed:  # bound, but nothing listens
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setattr(store, "prepare", lambda: address)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        result = unroll("runs")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"unroll: {address}: cannot be read (API request to ")
    assert len(result.err.splitlines()) == 1


@pytest.mark.slow
def test_a_fresh_store_has_an_empty_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unroll: Run, workspace: Path
) -> None:
    from unroll import runs

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    table = runs()
    assert (len(table), list(table.columns[: len(FIRST)])) == (0, list(FIRST))
    assert unroll("runs").out == "no runs\n"
    assert unroll("runs", "--format", "csv").out == ",".join(FIRST) + "\n"
    assert unroll("runs", "--format", "json").out == ""


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_as_before(enabled: bool) -> None:
    if not enabled:
        gc.disable()
    try:
        unroll.runs()
        with pytest.raises(UnrollError):
            unroll.runs("metrics.loss ~ 1")
        assert gc.isenabled() == enabled
    finally:
        gc.enable()


BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")  # of the model that mlflow loads
@pytest.mark.parametrize(
    "block", [pytest.param(one, marks=[pytest.mark.slow] * ("load_model" in one)) for one in BLOCKS]
)
def test_the_examples_of_the_documents_run(
    place: Path,
    workspace: Path,
    block: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(DOCUMENT.parents[1] if "leaderboard" in block else place)
    if "load_model" in block:
        monkeypatch.setenv("DVC_ROOT", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        log_runs()
        log_model(workspace / "models" / "lstm")
    with tracking_uri(store.address()):
        # The same address, but not relative: MLflow keeps connections by address, and the folder changes.
        exec(compile(block.replace("sqlite:///mlruns/mlflow.db", store.address()), str(DOCUMENT), "exec"), {})
    printed = capsys.readouterr().out
    if "load_model" in block:
        assert "'log_likelihood': -" in printed
        return
    shown = DOCUMENT.read_text(encoding="utf-8").split(block)[1].split("```")[2].strip("\n").splitlines()
    expected = printed.rstrip("\n").splitlines()
    assert shown[0].split() == expected[0].split()
    if "leaderboard" not in block:  # the results of the pipeline in the working tree may be those of another processor
        assert [line.rstrip() for line in shown] == [line.rstrip() for line in expected]


def log_model(folder: Path) -> None:
    """Log the model of a folder to the latest run of `lstm`."""
    import mlflow
    from mlflow.models import Model

    from unroll.tracking import pyfunc

    run = unroll.runs("tags.`unroll.model` = 'lstm'").iloc[0]
    with tracking_uri(store.address()), mlflow.start_run(run.run_id):
        Model.log(artifact_path=None, name="model", flavor=pyfunc, folder=folder)


@pytest.mark.usefixtures("place")
def test_the_verb_prints_runs_in_three_formats(unroll: Run) -> None:
    arguments = ("runs", "--filter", "tags.`unroll.kind` = 'model'")
    lines = unroll(*arguments).out.splitlines()
    heads = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert heads == [
        *("name", "status", "model", "test perplexity", "bits per byte", "best validation loss", "duration", "started"),
        *("DVC experiment", "id"),
    ]
    assert len({len(line) for line in lines}) == 1
    cells = {cell.strip() for cell in lines[2].split("|")}
    assert {"lstm red-newt", "lstm", "97.31", "0:01:31", "FINISHED"} <= cells
    rows = [json.loads(line) for line in unroll(*arguments, "--format", "json").out.splitlines()]
    table = list(csv.DictReader(io.StringIO(unroll(*arguments, "--format", "csv").out)))
    assert len(lines) - 2 == len(rows) == len(table) == RUNS - len(SEEDS) - 1
    assert list(rows[0]) == list(table[0]) == list(FIRST)
    assert rows[-1]["best_valid_loss"] is None
    for row, other in zip(rows, table, strict=True):
        assert {key: "" if value is None else str(value) for key, value in row.items()} == other


@pytest.mark.usefixtures("place")
def test_text_of_a_run_cannot_change_the_terminal_or_the_table(unroll: Run) -> None:
    import mlflow

    client = mlflow.MlflowClient(store.address())
    [run] = client.search_runs([store.experiment_id(client)], "tags.`unroll.model` = 'bigram'")
    client.update_run(run.info.run_id, name="a|b \x1b[31m")
    shown = unroll("runs", "--filter", "tags.`unroll.model` = 'bigram'").out.splitlines()[-1]
    client.update_run(run.info.run_id, name="bigram")
    assert shown.startswith(r"| a\|b \x1b[31m | FINISHED |")
