"""`unroll repro` on one machine gives what `dvc repro` gives, whatever runs at once and whatever is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.pipeline import environment
from tests.pipeline.runner import tiny
from unroll.errors import UnrollError
from unroll.pipeline import durations
from unroll.pipeline.runner.command import _SignsOfLife
from unroll.pipeline.runner.repository import Node
from unroll.pipeline.runner.resources import Resources, parse_memory

HEAD = "from pathlib import Path; from tests.pipeline.runner import tiny; tiny.run(Path.cwd(), 2)"
"""The program of a head process."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tiny.make(tmp_path / "repository")
    monkeypatch.chdir(place)
    monkeypatch.delenv("UNROLL_THREADS", raising=False)
    return place


def head(place: Path) -> "subprocess.Popen[str]":
    variables = environment(PYTHONPATH=os.pathsep.join(sys.path))
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen([sys.executable, "-c", HEAD], cwd=place, env=variables, text=True, **streams)


@pytest.mark.slow
def test_dvc_lock_has_the_same_bytes_for_any_number_of_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tiny.make(tmp_path / "repository", seconds=0.3)
    monkeypatch.chdir(place)
    tiny.dvc(place, "repro")
    expected = tiny.lock(place)
    for jobs in (1, 2, 4):
        tiny.forget(place)
        tiny.run(place, jobs)
        assert tiny.lock(place) == expected, jobs
        assert min(jobs, 2) <= tiny.most_at_once(place) <= jobs
        tiny.assert_no_stage_beside_itself(place)
        assert "didn't change" in tiny.dvc(place, "repro")
        assert tiny.lock(place) == expected
        assert len(tiny.events(place)) == 2 * len(tiny.STAGES)  # `dvc repro` ran nothing


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_a_clock_that_is_set_ends_no_stage(tmp_path: Path, step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day jumps, or the file is on a machine with another time."""
    alive, watched = tmp_path / "1.alive", []
    alive.touch()
    now, seconds = time.time, iter(range(0, 10**6, 20))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(time, "time", lambda: now() + step)
    watch = _SignsOfLife(alive).are_seen
    for beat in range(6):
        os.utime(alive, (0, now() + step * (beat > 2) + beat))
        watched.append(watch())
    assert watched == [True] * 6
    while watch():
        assert len(watched) < 20
        watched.append(True)
    assert len(watched) > 6  # it waits for a sign of life for some time
    alive.touch()
    assert watch()
    alive.unlink()
    assert not watch()


@pytest.mark.slow
def test_new_entries_follow_the_old_ones_as_those_of_dvc_do(place: Path) -> None:
    tiny.dvc(place, "repro", "g")
    tiny.dvc(place, "repro")
    expected = tiny.lock(place)
    tiny.forget(place)
    tiny.run(place, 4, ("g",))
    tiny.run(place, 4)
    assert tiny.lock(place) == expected


@pytest.mark.slow
def test_only_what_changed_runs_and_what_was_made_before_is_restored(place: Path) -> None:
    tiny.run(place)
    first = tiny.lock(place)
    (place / "params.yaml").write_text((place / "params.yaml").read_text().replace("d: 1", "d: 2"))
    tiny.run(place)
    assert [event.name for event in tiny.events(place)[2 * len(tiny.STAGES) :: 2]] == ["d"]  # its bytes are the same
    (place / "params.yaml").write_text((place / "params.yaml").read_text().replace("d: 2", "d: 1"))
    (place / "b.txt").unlink()
    (place / "b.txt").write_text("edited")
    tiny.run(place)
    assert tiny.lock(place) == first
    assert (place / "b.txt").read_text() == "b(a())\n"
    assert len(tiny.events(place)) == 2 * len(tiny.STAGES) + 2  # both came from the run cache


@pytest.mark.slow
def test_a_failure_skips_what_depends_on_it_and_nothing_else(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "fail-b").touch()
    with pytest.raises(UnrollError, match=r"^b failed; e skipped; the logs are in \.dvc/tmp/repro$"):
        tiny.run(place)
    printed = capsys.readouterr().err
    assert "b: fails" in printed
    assert "e: skipped, since b failed" in printed
    assert (place / ".dvc/tmp/repro/b.log").read_text() == "b says hello\nb: fails\n"
    assert {event.name for event in tiny.events(place)} == set(tiny.STAGES) - {"e"}
    (place / "fail-b").unlink()
    tiny.run(place)
    lock = tiny.lock(place)
    assert [event.name for event in tiny.events(place)].count("a") == 2  # its result was kept
    tiny.forget(place)
    tiny.dvc(place, "repro")
    assert tiny.lock(place) == lock


@pytest.mark.slow
def test_a_stage_that_does_not_write_its_output_has_failed(place: Path) -> None:
    text = (place / "dvc.yaml").read_text()
    (place / "dvc.yaml").write_text(text.replace(f"{sys.executable} stage.py c 0.05 a", "true"))
    with pytest.raises(UnrollError, match=r"^c failed; e skipped"):
        tiny.run(place)


@pytest.mark.slow
def test_stages_that_do_not_fit_into_the_memory_run_one_after_another(place: Path) -> None:
    tiny.run(place, 4, memory=100, known=dict.fromkeys(tiny.STAGES, 60.0))
    assert tiny.most_at_once(place) == 1
    known = {name: durations.Measured(1.0, size) for name, size in {"a": 60, "b": 30, "c": 20, "d": 500}.items()}
    resources = Resources(8, 100, (), False, known)
    nodes = {name: Node(name, "true", (), False, ()) for name in "abcde"}
    admitted = [name for name in "abcde" if resources.admit(nodes[name], 0) is not None]
    assert admitted == ["a", "b", "e"]  # nothing is known of e
    resources.release("a")
    assert resources.admit(nodes["c"], 0) is not None
    for name in "bce":
        resources.release(name)
    assert resources.admit(nodes["d"], 0) is not None  # alone
    assert resources.admit(nodes["b"], 0) is None


@pytest.mark.slow
def test_the_stages_share_the_cores(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unroll.pipeline.runner.resources.cores", lambda: 8)
    tiny.run(place, 2, ("b", "d"))
    threads = {event.name: event.threads for event in tiny.events(place)}
    assert threads["a"] == "4"
    tiny.run(place, 2, ("c",))
    assert tiny.events(place)[-1].threads == "8"  # it is alone
    monkeypatch.setenv("UNROLL_THREADS", "3")
    tiny.run(place, 2)
    assert tiny.events(place)[-1].threads == "3"


def test_a_stage_that_may_need_a_gpu_gets_one_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLL_WORKERS", "1")  # otherwise it is in the variables, too
    node = Node("train@a", "true", (), True, ())
    resources = Resources(8, 2**30, ("2", "GPU-7"), False, {})
    assert resources.admit(node, 0) == {"CUDA_VISIBLE_DEVICES": "2"}
    assert resources.admit(node._replace(name="train@b"), 0) == {"CUDA_VISIBLE_DEVICES": "GPU-7"}
    assert resources.admit(node._replace(name="train@c"), 0) is None
    assert resources.admit(node._replace(name="report", uses_device=False), 0) == {}
    resources.release("train@a")
    assert resources.admit(node._replace(name="train@c"), 0) == {"CUDA_VISIBLE_DEVICES": "2"}


@pytest.mark.parametrize(("text", "size"), [("8G", 8 * 2**30), ("1.5m", 3 * 2**19), ("2K", 2048)])
def test_a_size_of_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["8", "G", "0G", "-1G", "8GB", "1.2.3G", "nanG"])
def test_a_wrong_size_of_memory_is_a_sentence(text: str) -> None:
    with pytest.raises(UnrollError, match=f"^--memory is {text}; give a number with a unit"):
        parse_memory(text)


@pytest.mark.parametrize("victim", ["head", "stage"])
@pytest.mark.slow
def test_the_next_run_completes_a_killed_one(place: Path, victim: str) -> None:
    tiny.dvc(place, "repro")
    expected = tiny.lock(place)
    generator = random.Random(1)
    for _ in range(3):
        tiny.forget(place)
        process = head(place)
        deadline = time.monotonic() + 60
        while not tiny.events(place) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.5))
        if victim == "head":
            process.kill()
        elif started := [event for event in tiny.events(place) if Path(f"/proc/{event.process}").exists()]:
            os.kill(int(started[-1].process), signal.SIGKILL)
        output = process.communicate(timeout=60)[0]
        assert "Traceback" not in output.replace(HEAD, "") or victim == "stage"
        tiny.run(place)
        assert tiny.lock(place) == expected
        tiny.assert_no_stage_beside_itself(place)


@pytest.mark.slow
def test_a_second_run_waits_for_the_first_one(tmp_path: Path) -> None:
    place = tiny.make(tmp_path / "long", {"a": [], "b": ["a"], "c": ["a"]}, seconds=2.0)
    first = head(place)
    while not tiny.events(place):
        time.sleep(0.05)
    second = head(place)
    assert "waiting for another" not in first.communicate(timeout=60)[0]
    assert "waiting for another `unroll repro` to end" in second.communicate(timeout=60)[0]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(tiny.events(place)) == 2 * 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_stages_and_keeps_what_is_finished(tmp_path: Path, number: int) -> None:
    place = tiny.make(tmp_path / "long", {"quick": [], "long": [], "last": ["quick", "long"]}, seconds=0.0)
    text = (place / "dvc.yaml").read_text()
    (place / "dvc.yaml").write_text(text.replace("stage.py long 0.0", "stage.py long 60"))
    process = head(place)
    deadline = time.monotonic() + 60
    while "quick" not in {event.name for event in tiny.events(place) if event.what == "end"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(number)
    output = process.communicate(timeout=30)[0]
    assert "long: was ended" in output
    assert "KeyboardInterrupt" in output
    assert {event.name for event in tiny.events(place) if event.what == "end"} == {"quick", "long"}
    assert "quick:" in tiny.lock(place).decode()
    assert "long:" not in tiny.lock(place).decode()


def test_a_stage_is_measured_when_it_ends_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "train@a/b")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(RuntimeError), durations.measured():
        raise RuntimeError
    assert durations.read(tmp_path) == {}
    with durations.measured():
        pass
    [(name, value)] = durations.read(tmp_path).items()
    assert name == "train@a/b"
    assert value.seconds > 0
    assert value.memory > 2**20
    next((tmp_path / durations.FOLDER).iterdir()).write_text("{")
    assert durations.read(tmp_path) == {}


def test_an_unknown_stage_is_estimated_as_the_median_of_its_group() -> None:
    known = {f"train@{index}": durations.Measured(seconds, 10) for index, seconds in enumerate((1.0, 2.0, 9.0))}
    assert durations.estimate("train@new", known) == durations.Measured(2.0, 10)
    assert durations.estimate("train@2", known) == durations.Measured(9.0, 10)
    assert durations.estimate("report", known) is None
