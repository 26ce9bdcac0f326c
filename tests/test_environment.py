"""The environment of results: it is recorded with their bytes, and does not change while the bytes are the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_readme import committed
from unroll import environment
from unroll.arithmetic.pins import PORTABLE, is_supported
from unroll.cli import main
from unroll.environment import COUNTS, RECORD, Record, describe, made, record, summarize
from unroll.md5 import file_md5
from unroll.pipeline.lock import Lock
from unroll.pipeline.stage import atomic_outputs

INTEL = {"processor": "Intel", "instruction_sets": ["AVX2", "AVX-512"], "torch_kernels": "AVX512"}
AMD = {"processor": "AMD", "instruction_sets": ["AVX2"]}
LSTM = Path("metrics/lstm.json")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("metrics/clean").mkdir(parents=True)


def publish(content: str, machine: dict[str, object], monkeypatch: pytest.MonkeyPatch, path: Path = LSTM) -> None:
    """Publish a file as a stage does, on some machine."""
    monkeypatch.setattr(environment, "describe", lambda: machine)
    with atomic_outputs(path) as (file,):
        file.write_text(content, encoding="utf-8")


def test_the_same_bytes_from_another_machine_leave_the_record_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make repro` on another processor leaves `git status` clean: git tracks this file and the metrics."""
    publish("1", INTEL, monkeypatch)
    before = RECORD.read_bytes()
    publish("1", AMD, monkeypatch)
    assert RECORD.read_bytes() == before
    assert made(LSTM) == INTEL


def test_new_bytes_are_those_of_the_machine_that_made_them(monkeypatch: pytest.MonkeyPatch) -> None:
    publish("1", INTEL, monkeypatch)
    publish("1", INTEL, monkeypatch, Path("metrics/gru.json"))
    publish("2", AMD, monkeypatch)
    assert (made(LSTM), made(Path("metrics/gru.json"))) == (AMD, INTEL)
    publish("2", AMD, monkeypatch, Path("metrics/gru.json"))
    assert list(json.loads(RECORD.read_text())["environments"].values()) == [AMD]  # no result is of the other one


def test_restored_bytes_do_not_get_the_environment_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    publish("1", INTEL, monkeypatch)
    LSTM.write_text("restored by DVC")
    assert made(LSTM) is None


def test_the_record_does_not_depend_on_the_order_of_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    paths, contents = [LSTM, Path("metrics/train/lstm.csv")], set()
    for order in (paths, paths[::-1]):
        RECORD.unlink(missing_ok=True)
        for path in order:
            publish("1", INTEL, monkeypatch, path)
        contents.add(RECORD.read_bytes())
    assert len(contents) == 1


def test_counts_and_other_outputs_have_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    publish("1", INTEL, monkeypatch, Path("metrics/clean/prose.json"))
    publish("1", INTEL, monkeypatch, Path("models/lstm.txt"))
    assert not RECORD.exists()


def test_a_failed_stage_has_no_entry() -> None:
    with pytest.raises(FileNotFoundError), atomic_outputs(LSTM, Path("metrics/train.csv")) as (file, _):
        file.write_text("1")
    assert not RECORD.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "\x00",
        '{"results": {}}',
        '{"environments": {}, "results": {"metrics/lstm.json": {"md5": "a"}}}',
        '{"environments": {}, "results": {"metrics/lstm.json": {"md5": "a", "environment": "gone"}}}',
        '{"environments": {"x": {}}, "results": {"metrics/lstm.json": {"environment": "x"}}}',
    ],
)
def test_a_damaged_record_begins_again(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    RECORD.parent.mkdir()
    RECORD.write_text(content)
    publish("1", INTEL, monkeypatch)
    assert made(LSTM) == INTEL


def test_a_full_disk_does_not_fail_the_stage(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    Path("reports").write_text("a file where the folder should be")
    publish("1", INTEL, monkeypatch)
    assert LSTM.read_text() == "1"
    assert "the environment of this run is not recorded" in caplog.text


def test_a_library_that_cannot_describe_itself_does_not_fail_the_stage(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(environment, "describe", fail)
    with atomic_outputs(LSTM) as (file,):
        file.write_text("1")
    assert LSTM.read_text() == "1"
    assert "the environment of this run is not recorded (CUDA error: unspecified launch failure)" in caplog.text


@pytest.mark.parametrize("used", [False, True])
def test_a_gpu_is_described_if_it_was_used(monkeypatch: pytest.MonkeyPatch, used: bool) -> None:
    """A stage on the CPU gives the same bytes with and without a GPU in the machine."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    assert describe().get("gpu") == ("NVIDIA H100" if used else None)


def test_this_process_is_described_as_json() -> None:
    import numpy as np
    import torch

    found = describe()
    assert json.loads(json.dumps(found)) == found
    assert found["numpy"] == np.__version__
    assert found["torch"] == torch.__version__
    assert found["torch_kernels"] == torch.backends.cpu.get_cpu_capability()
    assert found["torch_threads"] == torch.get_num_threads()
    assert found["python"] == sys.version.split()[0]
    assert found["processor"] in summarize(found)
    if sys.platform == "linux":
        assert ("AVX2" in found.get("instruction_sets", [])) == (" avx2 " in Path("/proc/cpuinfo").read_text())


def test_the_command_prints_this_machine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["unroll", "environment"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert json.loads(capsys.readouterr().out) == describe()


@pytest.mark.slow
@pytest.mark.skipif(not is_supported(), reason="portable arithmetic needs an x86-64 processor with AVX2")
def test_the_command_describes_what_stages_with_portable_arithmetic_use() -> None:
    """Also where the variables of the shell choose other kernels."""
    shell = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    command = [sys.executable, "-m", "unroll", "environment", "--threads", "2"]
    found = json.loads(subprocess.run(command, env=shell, capture_output=True, check=True).stdout)
    assert found["variables"] == PORTABLE | {"UNROLL_THREADS": "2"}
    assert found["torch_kernels"] == "AVX2"
    assert found["torch_threads"] == 1
    assert "gpu" not in found


def test_the_help_of_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["unroll", "environment", "--help"])
    with pytest.raises(SystemExit):
        main()
    text = " ".join(capsys.readouterr().out.split())
    assert "Print the processor, the system and the versions of the libraries of this machine as JSON." in text
    assert "--arithmetic" in text


def test_libraries_that_are_not_imported_are_not_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    assert not [name for name in describe() if name.startswith("torch")]


@pytest.mark.parametrize("name", [*PORTABLE, "UNROLL_THREADS"])
def test_the_variables_that_choose_kernels_are_described(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "other")
    assert describe()["variables"][name] == "other"


def test_the_committed_results_name_the_processor_that_made_them() -> None:
    """A file that git tracks would else get a new entry when the pipeline runs on another processor."""
    record = Record.parse(committed(RECORD.as_posix()).encode())
    lock = Lock.parse(committed("dvc.lock").encode(), "dvc.lock")
    numbers = [path for path in lock.outs if path.startswith("metrics/") and Path(path).parent not in COUNTS]
    assert [path for path in numbers if record.find(path, lock.outs[path]) is None] == []


def test_a_file_has_the_hash_of_dvc() -> None:
    LSTM.write_bytes(b"abc")
    assert file_md5(LSTM) == "900150983cd24fb0d6963f7d28e17f72"
    record([LSTM])
    assert Record.parse(RECORD.read_bytes()).results["metrics/lstm.json"]["md5"] == file_md5(LSTM)
