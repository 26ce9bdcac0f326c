"""Of several attempts at a stage, only the newest one publishes, wherever the others run."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tests.pipeline.pipeline import environment
from tests.pipeline.runner import locked
from unroll.errors import UnrollError
from unroll.pipeline import attempt
from unroll.pipeline.runner import command
from unroll.pipeline.runner.command import Command, execute
from unroll.pipeline.stage import TERMINATED, atomic_outputs


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return locked.make(tmp_path / "repository", {"a": []}, seconds=1.0)


def task(place: Path, line: str = f"exec {sys.executable} a.py") -> Command:
    alive = place / ".dvc" / "tmp" / "test.alive"
    alive.touch()
    return Command("a", line, place, alive, {"PYTHONPATH": os.pathsep.join(sys.path)})


def begun(place: Path) -> bool:
    return any(event.what == "write" for event in locked.events(place))


def wait_until(true: object) -> None:
    assert callable(true)
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def replace(part: Path, newest: Path) -> None:
    part.write_text("of an old one")
    newest.write_text("another")


def test_without_an_attempt_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(attempt.VARIABLE, raising=False)
    attempt.require_newest()
    attempt.require_parent()


def test_a_newer_attempt_replaces_an_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder with spaces" / "a.attempt"
    path.parent.mkdir()
    with attempt.begin(path) as first:
        monkeypatch.setenv(attempt.VARIABLE, first.variables[attempt.VARIABLE])
        attempt.require_newest()
        with attempt.begin(path) as second:
            assert second.is_newest()
            assert not first.is_newest()
            with pytest.raises(UnrollError, match="another attempt at this stage has begun"):
                attempt.require_newest()
        assert not path.exists()
        with pytest.raises(UnrollError):  # also after the end of the newest one
            attempt.require_newest()
    assert list(path.parent.iterdir()) == []


def test_a_stage_of_dvc_repro_replaces_all_attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = attempt.file_of(tmp_path / attempt.FOLDER, "train@a/b")
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("DVC_STAGE", "train@a/b")
    with attempt.begin(path) as this:
        monkeypatch.setenv(attempt.VARIABLE, this.variables[attempt.VARIABLE])
        attempt.replace_others()
        assert this.is_newest()
        monkeypatch.delenv(attempt.VARIABLE)
        attempt.replace_others()
        assert not this.is_newest()
    attempt.replace_others()


def test_an_old_attempt_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.txt"
    out.write_text("of the newest attempt")
    with attempt.begin(tmp_path / "a.attempt") as this:
        monkeypatch.setenv(attempt.VARIABLE, this.variables[attempt.VARIABLE])
        with pytest.raises(UnrollError, match="publishes nothing"), atomic_outputs(out) as (part,):
            replace(part, this.path)
    assert out.read_text() == "of the newest attempt"
    assert {path.name for path in tmp_path.iterdir()} == {"out.txt", "a.attempt"}


@pytest.mark.slow
def test_a_stage_whose_parent_has_died_before_it_could_notice_ends(place: Path) -> None:
    parent = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, parent.pid, os.WEXITED | os.WNOWAIT)
        for state in ("zombie", "gone"):
            path = place / "a.attempt"
            path.write_text("token")
            variables = environment(PYTHONPATH=os.pathsep.join(sys.path), UNROLL_ATTEMPT=f"token {parent.pid} {path}")
            result = subprocess.run(
                [sys.executable, "a.py"], cwd=place, env=variables, capture_output=True, text=True, check=False
            )
            assert result.returncode == 1, state
            assert result.stderr == ("a: the process that started this stage has ended; run `unroll repro` again\n"), (
                state
            )
            parent.wait()
    finally:
        parent.wait()
    assert locked.events(place) == []


@pytest.mark.slow
def test_a_retry_ends_the_attempt_that_still_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LOOK", 0.1)
    codes: dict[str, int] = {}

    def run(name: str) -> None:
        codes[name] = execute(task(place))

    first = threading.Thread(target=run, args=("first",))
    first.start()
    wait_until(lambda: begun(place))
    run("second")  # as on another machine, while the first one holds the lock of the stage
    first.join()
    assert codes == {"first": TERMINATED, "second": 0}
    locked.assert_no_stage_beside_itself(place)
    assert [event.what for event in locked.events(place) if event.what != "write"] == ["begin", "begin", "end"]
    assert not list((place / ".dvc/tmp").glob("*.attempt"))


@pytest.mark.slow
def test_a_stage_that_waits_for_the_lock_while_its_attempt_becomes_old_does_not_run(place: Path) -> None:
    lock = FileLock(place / ".dvc" / "tmp" / "locks" / "a.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    path = place / "a.attempt"
    path.write_text("old")
    variables = environment(PYTHONPATH=os.pathsep.join(sys.path), UNROLL_ATTEMPT=f"old {os.getpid()} {path}")
    with lock:
        stage = subprocess.Popen([sys.executable, "a.py"], cwd=place, env=variables, stderr=subprocess.PIPE, text=True)
        assert stage.stderr is not None
        assert "waiting for another run of the same stage" in stage.stderr.readline()
        path.write_text("new")
    assert stage.communicate()[1] == "a: another attempt at this stage has begun, so this one publishes nothing\n"
    assert stage.returncode == 1
    assert locked.events(place) == []


@pytest.mark.slow
def test_a_command_ends_when_nobody_wants_it_any_more(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LOOK", 0.1)
    one = task(place, "exec sleep 60")
    one.alive.unlink()
    assert execute(one) == TERMINATED  # it does not start
    assert not one.log.exists()
    one = task(place, "exec sleep 60")
    threading.Timer(0.5, one.alive.unlink).start()
    began = time.monotonic()
    assert execute(one) == TERMINATED
    monkeypatch.setattr(command, "FORSAKEN", 0.5)
    assert execute(task(place, "exec sleep 60")) == TERMINATED  # nobody touches the file
    assert time.monotonic() - began < 30


@pytest.mark.slow
def test_the_clocks_of_two_machines_are_not_compared(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LOOK", 0.1)
    one = task(place, "sleep 0.5; exit 7")
    for seconds in (0, 2**33):
        os.utime(one.alive, (seconds, seconds))
        assert execute(one) == 7
