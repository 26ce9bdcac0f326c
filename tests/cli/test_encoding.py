"""Text is UTF-8 in every environment: another locale, another encoding, closed streams."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_once import add_empty_store
from tests.pipeline.closure import ROOT
from tests.trained import Run

PLAIN = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A locale of ASCII, without the UTF-8 mode that Python chooses for it."""
ENVIRONMENTS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
    "plain": PLAIN,
    "coerced": {"LC_ALL": "", "LANG": "C"},
}


def run(workspace: Path, *arguments: str, text: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "unroll", *arguments]
    environment = os.environ | variables
    return subprocess.run(
        command, cwd=workspace, env=environment, input=text.encode(), capture_output=True, check=False
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_input_and_output_are_utf_8(workspace: Path, environment: str) -> None:
    result = run(workspace, "score", "trigram", "-", text="café “日本”\n", **ENVIRONMENTS[environment])
    assert result.returncode == 0, result.stderr
    assert "café “日本”" in result.stdout.decode("utf-8")
    result = run(workspace, "score", "trigram", "-", "--json", text="café “日本”\n", **ENVIRONMENTS[environment])
    assert '"text": "café “日本”"' in result.stdout.decode("utf-8")


def test_an_error_is_utf_8_and_one_sentence(workspace: Path) -> None:
    result = run(workspace, "score", "trigram", "é日.txt", **ENVIRONMENTS["ascii"])
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.decode("utf-8").startswith("unroll: é日.txt: cannot be read")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse file names that are not UTF-8")
def test_a_file_name_that_is_not_utf_8_is_escaped(workspace: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "unroll", "score", "trigram", b"caf\xe9.txt"],
        cwd=workspace,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(b"unroll: caf\\udce9.txt: cannot be read")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_text_argument_is_utf_8_in_every_locale(workspace: Path, environment: str) -> None:
    result = run(workspace, "complete", "chars", "é", **ENVIRONMENTS[environment])
    assert result.returncode == 0, result.stderr
    plain = run(workspace, "complete", "chars", "é", LC_ALL="C.UTF-8")
    assert result.stdout == plain.stdout != b""


@pytest.mark.parametrize(
    "arguments",
    [("generate", "chars", "--prompt"), ("complete", "chars"), ("similar", "lstm"), ("search", "lines.txt")],
)
def test_a_text_argument_that_is_not_utf_8_is_one_sentence(unroll: Run, arguments: tuple[str, ...]) -> None:
    result = unroll(*arguments, "caf\udce9")
    assert (result.code, result.out) == (1, "")
    assert result.err == "unroll: the argument 'caf\\udce9' is not UTF-8; set the terminal to UTF-8\n"


def test_half_of_a_surrogate_pair_in_json_is_one_sentence(unroll: Run, workspace: Path) -> None:
    (workspace / "half.jsonl").write_text('{"text": "whole"}\n{"text": "a\\ud83d"}\n', encoding="utf-8")
    result = unroll("score", "chars", "half.jsonl")
    assert result.code == 1
    assert result.err == "unroll: half.jsonl: line 2: \"text\" has half of a character, '\\ud83d'; remove it\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_traceback(workspace: Path, closed: str) -> None:
    command = f'"{sys.executable}" -m unroll score trigram - {closed}'
    result = subprocess.run(["/bin/sh", "-c", command], cwd=workspace, input=b"the students\n", capture_output=True)
    assert b"Traceback" not in result.stderr
    assert result.returncode == (1 if "<&-" in closed else 0)  # without input there is no text


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_stage_reports_an_error_in_utf_8(environment: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stages.train", "é"],
        cwd=ROOT,
        env=os.environ | ENVIRONMENTS[environment],
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    name = "\\udcc3\\udca9" if environment == "plain" else "é"  # Python does not decode the argument in that locale
    assert f"train {name}: params.yaml: there is no {name}" in result.stderr.decode("utf-8")


@pytest.mark.slow
def test_doctor_writes_utf_8(tmp_path: Path) -> None:
    place = tmp_path / "é"
    (place / ".dvc").mkdir(parents=True)
    add_empty_store(place)
    (place / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    result = run(place, "doctor", **ENVIRONMENTS["ascii"])
    assert result.returncode == 0, result.stderr
    assert "fail in a folder whose path has #, ? or non-ASCII characters" in result.stdout.decode("utf-8")
    config = (place / ".dvc" / "config.local").read_text(encoding="utf-8")
    assert str(place / ".dvc" / "tmp" / "site") in config
