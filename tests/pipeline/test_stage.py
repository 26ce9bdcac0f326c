"""Stages under bad weather: kills, signals, full disks, a second run at once, names that are not there."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from unroll.pipeline.stage import atomic_outputs

ROOT = Path(__file__).parents[2]


def test_publish_puts_files_and_folders_in_place(tmp_path: Path) -> None:
    file, folder = tmp_path / "deep" / "a.txt", tmp_path / "b"
    with atomic_outputs(file, folder) as (new_file, new_folder):
        new_file.write_text("one")
        new_folder.mkdir()
        (new_folder / "c.txt").write_text("two")
        assert not file.exists()
        assert not folder.exists()
    assert file.read_text() == "one"
    assert (folder / "c.txt").read_text() == "two"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "b", "c.txt", "deep"]


def test_publish_replaces_a_whole_folder(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    with atomic_outputs(folder) as (new,):
        new.mkdir()
        (new / "new.txt").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["new.txt"]


def test_a_failure_publishes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    file, other = tmp_path / "a.txt", tmp_path / "b.txt"
    file.write_text("before")

    def fail() -> None:
        with atomic_outputs(file, other) as (new, also_new):
            new.write_text("half")
            also_new.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_output_that_was_not_written_is_an_error(tmp_path: Path) -> None:
    def forget() -> None:
        with atomic_outputs(tmp_path / "a.txt", tmp_path / "b.txt") as (new, _):
            new.write_text("one")

    with pytest.raises(FileNotFoundError):
        forget()
    assert not (tmp_path / "a.txt").exists()


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    stale = tmp_path / ".unroll-999999-a.txt"
    stale.mkdir()
    (stale / "a.txt").write_text("half")
    with atomic_outputs(tmp_path / "a.txt") as (new,):
        new.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


SLEEPER = """
    import sys, time
    from pathlib import Path
    from unroll.pipeline import stage

    def main(params, name):
        with stage.atomic_outputs(Path("out.txt")) as (out,):
            out.write_text("half")
            print("ready", flush=True)
            time.sleep(float(Path("seconds").read_text()))
            out.write_text("whole")

    if __name__ == "__main__":
        stage.run(main, "models")
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the project's params.yaml and a stage that sleeps."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "sleeper.py").write_text(textwrap.dedent(SLEEPER))
    (tmp_path / "seconds").write_text("60")
    return tmp_path


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "sleeper.py", *arguments]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 143), (signal.SIGINT, 130)], ids=lambda x: str(x)
)
def test_a_signal_ends_it_with_its_code_and_publishes_nothing(place: Path, number: int, code: int) -> None:
    process = start(place, "lstm")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert not (place / "out.txt").exists()
    assert not list(place.glob(".unroll-*"))


TWICE = """
    import os, signal
    from pathlib import Path
    from unroll.pipeline import stage

    def main(params, name):
        found = signal.getsignal(signal.SIGTERM)
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            signal.signal(signal.SIGTERM, found)  # as Lightning does when it ends
            os.kill(os.getpid(), signal.SIGTERM)
            Path("closed").touch()

    if __name__ == "__main__":
        stage.run(main, "models")
"""


@pytest.mark.slow
def test_a_second_signal_does_not_interrupt_the_closing(place: Path) -> None:
    (place / "sleeper.py").write_text(textwrap.dedent(TWICE))
    process = start(place, "lstm")
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert (place / "closed").exists()


@pytest.mark.slow
def test_kill_9_publishes_nothing_and_the_next_run_is_whole(place: Path) -> None:
    process = start(place, "lstm")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    assert not (place / "out.txt").exists()
    (place / "seconds").write_text("0")
    again = start(place, "lstm")
    again.communicate(timeout=20)
    assert again.returncode == 0
    assert (place / "out.txt").read_text() == "whole"
    assert not list(place.glob(".unroll-*"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_a_stage_ends_with_its_parent(place: Path) -> None:
    """As when `dvc` is killed: its child must not run on beside the next repro's."""
    parent = subprocess.Popen(
        [sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, 'sleeper.py', 'lstm'])"],
        cwd=place,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    deadline = time.monotonic() + 10
    while list(place.glob(".unroll-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(place.glob(".unroll-*"))  # it swept up, so it was told to end
    parent.wait()
    parent.stdout.close()
    assert not (place / "out.txt").exists()


LAUNCHER = """
    import os, subprocess, sys, time
    from pathlib import Path

    with open("output", "wb") as output:
        subprocess.Popen(["sh", "run", "sleeper", "lstm"], stdout=output, stderr=output)
    while not Path("started").exists():
        time.sleep(0.01)
    os._exit(0)  # as if it was killed, before Python asks for a signal
"""
SLOW_PYTHON = """#!/bin/sh
touch started
while [ ! -e dead ]; do sleep 0.05; done
exec "{python}" sleeper.py lstm
"""


@pytest.mark.slow
def test_a_stage_whose_parent_died_before_it_asked_for_a_signal_ends(place: Path) -> None:
    """The parent dies while Python starts. The signal is not sent for that, so the parent is looked at again."""
    (place / "run").write_bytes((ROOT / "stages" / "run").read_bytes())
    (place / "launcher.py").write_text(textwrap.dedent(LAUNCHER))
    (place / "bin").mkdir()
    (place / "bin" / "unroll").touch()
    (place / "bin" / "python").write_text(SLOW_PYTHON.format(python=sys.executable))
    (place / "bin" / "python").chmod(0o755)
    environment = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, "launcher.py"], cwd=place, env=environment, check=True)
    (place / "dead").touch()
    deadline = time.monotonic() + 30
    while "has ended" not in (output := (place / "output").read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert output == "sleeper lstm: the process that started this stage has ended, so the stage ends, too\n"
    assert not (place / "out.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("parent", "code"), [("another", 143), ("own", 0), ("none", 0), ("nonsense", 0)])
def test_a_stage_compares_its_parent_with_the_one_at_its_start(place: Path, parent: str, code: int) -> None:
    (place / "seconds").write_text("0")
    values = {"another": "999999999", "own": str(os.getpid()), "nonsense": "x"}
    environment = {**os.environ, **({"UNROLL_PARENT": values[parent]} if parent in values else {})}
    process = subprocess.run([sys.executable, "sleeper.py", "lstm"], cwd=place, env=environment, capture_output=True)
    assert process.returncode == code
    assert (place / "out.txt").exists() == (code == 0)


@pytest.mark.slow
def test_a_second_run_waits_for_the_first(place: Path) -> None:
    (place / "seconds").write_text("1.5")
    first = start(place, "lstm")
    assert first.stdout is not None
    first.stdout.readline()
    second = start(place, "lstm")
    assert first.wait(20) == 0
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 0
    assert "waiting for another run" in errors
    first.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lstn"], "sleeper lstn: params.yaml: there is no lstn; did you mean lstm?"),
        (["../x"], "sleeper ../x: params.yaml: there is no ../x; choose one of"),
    ],
)
def test_an_unknown_name_is_one_sentence(place: Path, arguments: list[str], sentence: str) -> None:
    process = start(place, *arguments)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.startswith(sentence)
    assert len(errors.splitlines()) == 1


@pytest.mark.slow
def test_debug_shows_the_traceback(place: Path) -> None:
    process = start(place, "lstn", "--debug")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Traceback" in errors


def test_an_output_folder_that_may_not_be_written(place: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    place.chmod(0o555)
    process = start(place, "lstm")
    _, errors = process.communicate(timeout=20)
    place.chmod(0o755)
    assert process.returncode == 1
    assert "Permission denied" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_outputs_that_cannot_all_be_published_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, links: bool
) -> None:
    """The rename of one of three outputs fails: the earlier ones stay, and there is no new one beside them."""
    targets = [tmp_path / "replaced", tmp_path / "file.txt", tmp_path / "new.txt"]
    targets[0].mkdir()
    (targets[0] / "old.txt").write_text("old")
    targets[1].write_text("old")
    rename, failed = os.rename, []

    def failing(source: Path, target: Path) -> None:
        if target == targets[number - 1] and not failed:
            failed.append(target)
            raise OSError(5, "Input/output error")
        rename(source, target)

    def link(*_: Path, **__: bool) -> None:
        raise OSError(95, "Operation not supported")

    def publish() -> None:
        with atomic_outputs(*targets) as written:
            written[0].mkdir()
            for path in (written[0] / "new.txt", *written[1:]):
                path.write_text("new")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", failing)
        if not links:
            patch.setattr(os, "link", link)
        with pytest.raises(OSError, match="Input/output error"):
            publish()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "file.txt",
        "replaced",
        "replaced/old.txt",
    ]
    assert targets[1].read_text() == "old"
    publish()
    assert [path.read_text() for path in (targets[0] / "new.txt", *targets[1:])] == ["new"] * 3
