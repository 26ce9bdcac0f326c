"""One run per model, whatever interrupts the process that logs."""

import json
import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tracking import workspace
from tests.tracking.workspace import drain, evaluate, everything, log_losses, make_training, params, runs, train
from unroll.environment import RECORD, Record
from unroll.errors import UnrollError
from unroll.md5 import dvc_md5, file_md5
from unroll.pipeline.doctor import repair
from unroll.tracking import outbox, results
from unroll.tracking.logger import Logger, pending
from unroll.tracking.record import record
from unroll.tracking.runs import HEARTBEAT, Runs, open_runs
from unroll.tracking.sync import sync


@pytest.mark.slow
def test_training_and_evaluation_are_one_run(place: Path) -> None:
    train("unigram")
    evaluate("unigram", test_perplexity=5.5, parameters=12)
    assert drain() == ["unigram: train logged", "unigram: evaluate logged"]
    assert list(runs()) == ["unigram"]
    run = runs()["unigram"]
    assert run.info.status == "FINISHED"
    expected = {"train_loss": 3.5, "valid_loss": 3.5, "best_valid_loss": 3.25, "best_epoch": 1.0}
    expected |= {"test_perplexity": 5.5, "parameters": 12, "position_nats": 1.5}
    assert expected.items() <= run.data.metrics.items()
    assert {"train_seconds", "train_cpu_seconds", "train_peak_memory_mb", "evaluate_seconds"} <= set(run.data.metrics)
    assert {"seed", "arithmetic", "device", "family", "evaluate.samples"} <= set(run.data.params)
    assert run.data.tags["unroll.training"] == dvc_md5(Path("models/unigram"))
    assert run.data.tags["unroll.evaluation"] == file_md5(Path("metrics/unigram.json"))
    [entry] = everything()
    assert entry["curves"]["valid_loss"] == [(2, 3.25), (4, 3.5)]
    expected_files = {"curve.csv", "metrics.json", "samples.txt", "evaluation/diagnostics.json", "reproduce/run.json"}
    assert expected_files <= set(entry["files"])
    assert entry["models"] == ["READY"]
    assert outbox.waiting(outbox.folder()) == []
    assert drain() == []


def test_the_hashes_and_the_stages_of_a_run_are_in_its_snapshot(place: Path) -> None:
    train("unigram")
    evaluate("unigram", test_perplexity=5.5)
    drain()
    run = runs()["unigram"].info.run_id
    made = json.loads(Path(open_runs().client.download_artifacts(run, "reproduce/run.json")).read_text())
    assert set(made["stages"]) == {"train@unigram", "evaluate@unigram"}
    paths = ("models/unigram", "metrics/train/unigram.csv", "metrics/unigram.json", "data/evaluations/unigram")
    assert {path: dvc_md5(Path(path)) for path in paths}.items() <= made["outputs"].items()


def test_another_evaluation_of_a_model_has_a_run_of_its_own_with_the_training(place: Path) -> None:
    train("unigram")
    evaluate("unigram", test_perplexity=5.5)
    drain()
    evaluate("unigram", test_perplexity=5.0)
    drain()
    found = open_runs().search("")
    assert sorted(run.data.metrics["test_perplexity"] for run in found) == [5.0, 5.5]
    assert len({run.data.tags["unroll.training"] for run in found}) == 1
    assert [len(run.outputs.model_outputs) for run in found] == [1, 1]
    evaluate("unigram", test_perplexity=5.0)
    drain()
    assert len(open_runs().search("")) == 2


def test_a_training_with_other_weights_has_a_run_of_its_own(place: Path) -> None:
    for weight, perplexity in ((1.0, 6.0), (2.0, 7.0)):
        train("unigram", weight)
        evaluate("unigram", test_perplexity=perplexity)
    drain()
    assert sorted(run.data.metrics["test_perplexity"] for run in open_runs().search("")) == [6.0, 7.0]


def test_infinite_results_are_tags(place: Path) -> None:
    """A database of MLflow would show an infinity as 1.8e308."""
    evaluate_with = {"test_perplexity": "inf", "bits_per_byte": "inf", "oov_rate": 0.5}
    train("unigram")
    evaluate("unigram", **evaluate_with)
    drain()
    data = runs()["unigram"].data
    assert data.tags["unroll.not_finite"] == "bits_per_byte inf, test_perplexity inf"
    assert "test_perplexity" not in data.metrics
    assert data.metrics["oov_rate"] == 0.5


class Interruption(Exception):
    pass


def scenario() -> None:
    """Two seeds of a model in an experiment of a sweep, of which one is evaluated twice, and another experiment."""
    for name in ("gru", "gru_2"):
        train(name)
        evaluate(name, test_perplexity=60.0 + len(name))
    evaluate("gru", test_perplexity=50.0)
    os.environ["DVC_EXP_NAME"] = "sizes-2"
    train("unigram")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interruptions_leave_nothing_out_and_nothing_twice(
    place: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """One of ten calls of the client fails, before or after the server has done what it asks for."""
    monkeypatch.setenv("DVC_EXP_NAME", "sizes-1")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "abc")
    starts = iter(range(10**9, 2 * 10**9))
    monkeypatch.setattr("unroll.tracking.record.psutil.Process.create_time", lambda self: next(starts))
    scenario()
    shutil.copytree(place / "mlruns", place / "second" / "mlruns")
    drain()
    expected = everything()
    assert len(expected) == 8  # three evaluations, a training, the seeds, the experiments and the sweep
    monkeypatch.setenv("DVC_ROOT", str(place / "second"))
    chance = random.Random(seed)

    def disturb(name: str, method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if chance.random() < 0.05:
                raise Interruption(name)
            result = method(*arguments, **named)
            if chance.random() < 0.05:
                raise Interruption(name)
            return result

        return call

    create = Runs.__init__

    def connect(self: Runs, *arguments: Any) -> None:
        create(self, *arguments)
        names = ("create_run", "log_batch", "set_tag", "log_artifact", "log_artifacts", "set_terminated", "log_inputs")
        for name in (*names, "search_runs", "get_run", "update_run"):
            setattr(self.client, name, disturb(name, getattr(self.client, name)))

    with monkeypatch.context() as patched:
        patched.setattr(Runs, "__init__", connect)
        interruptions = 0
        while outbox.waiting(outbox.folder()):
            try:
                drain()
            except Interruption:
                interruptions += 1
    assert interruptions > 5
    for found, wanted in zip(everything(), expected, strict=True):
        for aspect, value in wanted.items():
            assert found[aspect] == value, aspect


def test_a_value_that_the_store_refuses_delays_no_other_model(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_params = Runs.log_params

    def refuse(self: Runs, run_id: str, settings: Any) -> None:
        if "order" in settings:
            raise ValueError("refused")
        log_params(self, run_id, settings)

    train("trigram")
    evaluate("trigram", test_perplexity=5.0)
    train("gru")
    with monkeypatch.context() as patched:
        patched.setattr(Runs, "log_params", refuse)
        with pytest.raises(ValueError, match="refused"):
            drain()
    assert outbox.problem(outbox.folder()) == "ValueError: refused"
    assert runs()["gru"].info.status == "FINISHED"
    drain()
    assert outbox.problem(outbox.folder()) == ""
    assert runs()["trigram"].data.metrics["test_perplexity"] == 5.0


@pytest.mark.parametrize(
    ("error", "status"), [(SystemExit(143), "KILLED"), (UnrollError("the disk is full"), "FAILED")]
)
def test_a_training_that_goes_on_continues_its_run(place: Path, error: BaseException, status: str) -> None:
    checkpoints, result = Path(".dvc/tmp/checkpoints/gru"), results.training(params(), "gru")

    def begin() -> None:
        with record(result, checkpoints) as recorder:
            log_losses(recorder, 2)
            drain()
            assert runs()["gru"].info.status == "RUNNING"
            assert runs()["gru"].data.metrics["valid_loss"] == 3.25
            raise error

    with pytest.raises(type(error)):
        begin()
    drain()
    assert runs()["gru"].info.status == status
    assert runs()["gru"].data.tags.get("unroll.error") == ("the disk is full" if status == "FAILED" else None)
    assert pending(outbox.folder()) == []
    with record(result, checkpoints) as recorder:
        log_losses(recorder)
        drain()
        assert runs()["gru"].info.status == "RUNNING"
        make_training("gru")
    drain()
    [entry] = [entry for entry in everything() if entry["tags"]["unroll.kind"] == "model"]
    assert entry["status"] == "FINISHED"
    assert entry["curves"]["valid_loss"] == [(2, 3.25), (4, 3.5)]


def test_a_killed_training_of_other_params_does_not_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Path(".dvc/tmp/checkpoints/gru")

    def begin() -> None:
        with record(results.training(params(), "gru"), checkpoints) as recorder:
            log_losses(recorder, 2)
            raise SystemExit(143)

    with pytest.raises(SystemExit):
        begin()
    drain()
    monkeypatch.setattr("unroll.tracking.journal.code_hash", lambda: "other code")
    train("gru")
    drain()
    assert sorted(run.info.status for run in open_runs().search("tags.`unroll.kind` = 'model'")) == [
        "FINISHED",
        "KILLED",
    ]
    assert outbox.waiting(outbox.folder()) == []  # the journal of the killed one is replaced


def test_a_stage_that_fails_after_the_training_leaves_the_run_as_it_is(place: Path) -> None:
    train("unigram")
    with pytest.raises(UnrollError), record(results.evaluation(params(), "unigram")):
        raise UnrollError("no")
    assert drain() == ["unigram: train logged"]
    assert runs()["unigram"].info.status == "FINISHED"


@pytest.mark.slow
def test_a_full_disk_of_the_outbox_fails_no_stage(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("unroll.tracking.record.begin", full)
        train("unigram")
    with monkeypatch.context() as patched:
        patched.setattr("unroll.tracking.record.complete", full)
        train("trigram")
    with monkeypatch.context() as patched:
        patched.setattr("unroll.tracking.journal.Journal.add_rows", full)
        with record(results.training(params(), "gru")) as recorder:
            log_losses(recorder)
            make_training("gru")
    assert sum("No space left on device" in message for message in caplog.messages) >= 3
    list(sync([results.training(params(), name) for name in ("unigram", "trigram", "gru")]))
    assert outbox.waiting(outbox.folder()) == []
    assert [runs()[name].info.status for name in ("unigram", "trigram", "gru")] == ["FINISHED"] * 3


def test_a_late_result_is_reported(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    train("unigram")
    (outbox.folder() / "problem").write_text("no connection")
    monkeypatch.setattr(outbox, "LATE", -1)
    train("trigram")
    assert caplog.messages == [
        f"1 results are not in the tracking store yet (no connection); they are kept in {outbox.folder()}, "
        "and `unroll sync` logs them"
    ]


def test_the_run_that_mlflow_run_id_names_is_the_parent(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = open_runs().create("theirs", 0, {"unroll.id": "1", "unroll.model": "theirs", "unroll.kind": "other"})
    monkeypatch.setenv("MLFLOW_RUN_ID", theirs.info.run_id)
    train("unigram")
    monkeypatch.setenv("MLFLOW_RUN_ID", "abc")  # of another store
    train("trigram")
    drain()
    assert runs()["unigram"].data.tags["mlflow.parentRunId"] == theirs.info.run_id
    assert "mlflow.parentRunId" not in runs()["trigram"].data.tags


def test_the_name_of_the_experiment_is_that_of_the_user(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "my words")
    train("unigram")
    drain()
    assert runs()["unigram"].info.artifact_uri.startswith((place / "mlruns" / "artifacts").as_uri())
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    assert runs() == {}


def test_runs_without_a_sign_of_life_are_marked(place: Path) -> None:
    store = open_runs()
    tags = {"unroll.kind": "model", "unroll.model": "far", "unroll.id": "1"}
    silent = store.create("far", 1000, tags)
    alive = store.create("near", workspace_now(), tags | {"unroll.id": "2"})
    changed = store.create("changed", workspace_now(), tags | {"unroll.id": "3", HEARTBEAT: "soon"})
    assert store.mark_killed() == 1
    assert store.client.get_run(changed.info.run_id).info.status == "RUNNING"
    assert store.client.get_run(silent.info.run_id).info.status == "KILLED"
    assert store.client.get_run(alive.info.run_id).info.status == "RUNNING"


def workspace_now() -> int:
    from unroll.tracking.journal import now

    return now()


@pytest.mark.slow
def test_sync_logs_what_has_no_run_once(place: Path) -> None:
    made = [workspace.make_training("unigram"), workspace.make_evaluation("unigram", test_perplexity=5.5)]
    curve, known = Path("metrics/train/unigram.csv"), Record()
    known.add(str(curve), file_md5(curve), {"processor": "Intel", "instruction_sets": ["AVX2", "FMA"]})
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(known.format())
    assert list(sync(made)) == ["unigram: train logged", "unigram: evaluate logged"]
    run = runs()["unigram"]
    assert run.data.metrics["best_valid_loss"] == 3.25
    assert run.data.tags["unroll.synced"] == "true"
    # Another machine has made the files of the training, and nothing is recorded on those of the evaluation.
    found = {key: value for key, value in run.data.tags.items() if key.startswith("unroll.environment.")}
    assert found == {"unroll.environment.processor": "Intel", "unroll.environment.instruction_sets": "AVX2, FMA"}
    assert list(sync(made)) == []
    workspace.make_evaluation("unigram", test_perplexity=4.5)
    assert list(sync(made)) == ["unigram: evaluate logged"]


def test_files_of_other_params_are_not_logged(place: Path) -> None:
    workspace.make_training("unigram")
    Path("models/unigram/experiment.json").write_text("{}")
    wanted = [results.training(params(), name) for name in ("unigram", "trigram")]
    assert list(sync(wanted)) == [
        "unigram: files are missing or belong to other values of params.yaml; run `dvc repro`",
        "trigram: files are missing or belong to other values of params.yaml; run `dvc repro`",
    ]
    assert runs() == {}


def test_a_store_that_cannot_be_reached_is_one_sentence(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    train("unigram")
    with pytest.raises(UnrollError, match=r"^http://127.0.0.1:9: .*; 1 results are kept in "):
        list(sync([]))
    assert len(outbox.waiting(outbox.folder())) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert outbox.waiting(outbox.folder()) == []  # the local store has an outbox of its own
    assert isinstance(Logger(outbox.folder()), Logger)


def killed(name: str, **values: float) -> None:
    """Begin a training, which is killed after one row."""

    def begin() -> None:
        with record(results.training(params(), name), Path(".dvc/tmp/checkpoints") / name) as recorder:
            recorder.record(1, values)
            raise SystemExit(143)

    with pytest.raises(SystemExit):
        begin()


def test_a_training_that_goes_on_and_ends_between_two_looks_is_finished(place: Path) -> None:
    killed("gru", valid_loss=9.0)
    drain()
    train("gru")
    assert drain() == ["gru: train logged"]
    [run] = open_runs().search("tags.`unroll.kind` = 'model'")
    assert run.info.status == "FINISHED"
    assert "unroll.error" not in run.data.tags


def test_an_unfinished_row_damages_no_journal(place: Path) -> None:
    killed("gru", valid_loss=9.0)
    [journal] = outbox.waiting(outbox.folder())
    with (journal / "rows.jsonl").open("a") as file:
        file.write('{"time": 1, "st')
    train("gru")
    drain()
    assert everything()[0]["curves"]["valid_loss"] == [(1, 9.0), (2, 3.25), (4, 3.5)]


@pytest.mark.parametrize("name", ["run.json", "state.json"])
def test_a_damaged_journal_delays_no_other(place: Path, name: str) -> None:
    killed("gru", valid_loss=9.0)
    [journal] = outbox.waiting(outbox.folder())
    (journal / name).write_text("")
    train("unigram")
    with pytest.raises(ValueError, match="Expecting value"):
        drain()
    assert runs()["unigram"].info.status == "FINISHED"


def test_sync_does_not_wait_for_a_training_in_progress(place: Path) -> None:
    with record(results.training(params(), "gru")) as recorder:
        log_losses(recorder, 2)
        train("unigram")
        assert list(sync([])) == ["unigram: train logged"]
        assert runs()["gru"].info.status == "RUNNING"
        make_training("gru")


def test_a_run_that_somebody_deleted_is_made_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise Interruption

    train("gru")
    drain()
    killed("unigram", valid_loss=9.0)
    drain()
    store = open_runs()
    for kind, name in (("seeds", "gru"), ("model", "unigram")):
        store.client.delete_run(runs(kind)[name].info.run_id)
    train("unigram")
    with monkeypatch.context() as patched:  # an interruption between the two
        patched.setattr(Runs, "log_params", refuse)
        with pytest.raises(Interruption):
            drain()
    evaluate("gru", test_perplexity=60.0)
    drain()
    assert runs()["unigram"].info.status == "FINISHED"
    assert runs("seeds")["gru"].data.metrics["test_perplexity"] == 60.0


def test_equal_results_of_two_experiments_have_a_run_in_each(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for experiment in ("one", "two"):
        monkeypatch.setenv("DVC_EXP_NAME", experiment)
        train("unigram")
        evaluate("unigram", test_perplexity=5.5)
    drain()
    found = open_runs().search("tags.`unroll.kind` = 'model'")
    assert sorted(run.data.tags["dvc.exp.name"] for run in found) == ["one", "two"]
    assert [run.data.metrics["test_perplexity"] for run in found] == [5.5, 5.5]
    assert sorted(runs("experiment")) == ["one", "two"]


def test_one_experiment_with_a_number_in_its_name_is_no_sweep(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "ptb-lstm-20")
    train("unigram")
    drain()
    assert runs("sweep") == {}
    monkeypatch.setenv("DVC_EXP_NAME", "ptb-lstm-40")
    train("unigram")
    drain()
    parents = {run.data.tags["mlflow.parentRunId"] for run in runs("experiment").values()}
    assert parents == {runs("sweep")["ptb-lstm"].info.run_id}


def test_killed_trainings_are_no_part_of_the_mean(place: Path) -> None:
    train("gru")
    evaluate("gru", test_perplexity=60.0)
    killed("gru_2", valid_loss=99.0)
    drain()
    measured = runs("seeds")["gru"].data.metrics
    assert (measured["seeds"], measured["best_valid_loss"]) == (1, 3.25)
    assert runs("seeds")["gru"].info.run_name == "gru, 1 seed"


def test_a_training_that_doctor_took_for_dead_is_running_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with record(results.training(params(), "gru")) as recorder:
        log_losses(recorder, 2)
        drain()
        monkeypatch.setattr("unroll.tracking.runs.SILENT", -1)
        assert open_runs().mark_killed() == 1
        assert runs()["gru"].info.status == "KILLED"
        monkeypatch.setattr("unroll.tracking.entry.BEAT", -1)
        drain()
        assert runs()["gru"].info.status == "RUNNING"
        make_training("gru")


def test_a_clock_that_is_set_back_stops_no_heartbeat(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with record(results.training(params(), "gru")) as recorder:
        log_losses(recorder, 2)
        drain()
        before, now = float(runs()["gru"].data.tags[HEARTBEAT]), time.time
        monkeypatch.setattr(time, "time", lambda: now() - 3600)
        drain()
        assert float(runs()["gru"].data.tags[HEARTBEAT]) < before - 3000
        assert open_runs().mark_killed() == 0
        make_training("gru")


def test_an_outbox_that_cannot_be_made_fails_no_stage(without_store: Path, caplog: pytest.LogCaptureFixture) -> None:
    (without_store / "mlruns").write_text("a file")
    train("unigram")
    assert "this run is not tracked" in caplog.text


def test_the_process_in_the_background_has_no_variables_of_the_stage(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNROLL_TRACKING")
    monkeypatch.setenv("DVC_STAGE", "train@lstm")
    started: list[dict[str, str]] = []
    monkeypatch.setattr("unroll.tracking.outbox.subprocess.run", lambda *_, env, **__: started.append(env))
    outbox.wake(outbox.folder())
    assert not [name for name in started[0] if name.startswith("DVC_")]
    assert started[0]["PATH"] == os.environ["PATH"]


def test_doctor_marks_silent_runs_and_names_a_server_that_is_down(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / ".dvc").mkdir(exist_ok=True)
    tags = {"unroll.kind": "model", "unroll.model": "far", "unroll.id": "1"}
    open_runs().create("far", 1000, tags)
    assert "mlflow: 1 run of dead processes marked KILLED" in repair(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    *_, first, last = repair(place)
    assert first == "mlflow: runs are logged to http://127.0.0.1:9"
    assert last.endswith("`unroll sync` logs the results when the store can be used")
