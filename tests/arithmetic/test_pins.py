"""Libraries are pinned before they load, or the user reads why not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unroll.arithmetic import pins
from unroll.arithmetic.pins import PORTABLE, count_threads, is_supported, pin
from unroll.errors import UnrollError


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the environment after a test that pins it."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.mark.skipif(not is_supported(), reason="portable arithmetic needs an x86-64 processor with AVX2")
def test_pins_overwrite_what_is_set() -> None:
    code = "import os; from unroll.arithmetic.pins import pin; pin('portable'); print(os.environ['OPENBLAS_CORETYPE'])"
    assert run(code, OPENBLAS_CORETYPE="SkylakeX").stdout == "Haswell\n"


@pytest.mark.skipif(not is_supported(), reason="portable arithmetic needs an x86-64 processor with AVX2")
def test_the_kernels_are_replaced_when_torch_is_imported() -> None:
    code = (
        "from unroll.arithmetic.pins import pin; pin('portable', 3); import sys; assert 'torch' not in sys.modules; "
        "from torch import ones, get_num_threads; from unroll.arithmetic.threads import is_portable; "
        "print(is_portable(), get_num_threads(), float((ones(2, 2) @ ones(2, 2)).sum()))"
    )
    result = run(code)
    assert result.stdout == "True 1 8.0\n"
    assert result.stderr == ""


@pytest.mark.slow
def test_native_arithmetic_keeps_the_kernels_and_uses_all_threads() -> None:
    code = (
        "from unroll.arithmetic.pins import pin; pin('native', 3); import torch; "
        "from unroll.arithmetic.threads import is_portable; print(is_portable(), torch.get_num_threads())"
    )
    inherited = run(code)  # from this process, which is pinned
    assert inherited.stdout == "False 3\n", inherited.stderr


def test_native_arithmetic_removes_the_pins_that_it_inherits() -> None:
    code = (
        f"import os; os.environ.update({PORTABLE!r}, MKL_CBWR='AVX2'); from unroll.arithmetic.pins import pin; "
        "pin('native', 3); print([os.environ.get(name) for name in ('ATEN_CPU_CAPABILITY', 'MKL_CBWR')])"
    )
    assert run(code).stdout == "[None, 'AVX2']\n"


@pytest.mark.usefixtures("environment")
@pytest.mark.skipif(not is_supported(), reason="portable arithmetic needs an x86-64 processor with AVX2")
def test_a_pin_that_comes_too_late_is_refused() -> None:
    os.environ["ATEN_CPU_CAPABILITY"] = "avx512"
    with pytest.raises(UnrollError, match="portable arithmetic was chosen after numpy or torch were imported"):
        pin("portable")
    os.environ.update(PORTABLE)
    with pytest.raises(UnrollError, match="native arithmetic was chosen after numpy or torch were imported"):
        pin("native")


@pytest.mark.parametrize(
    "flags",
    ["", "flags\t\t: fpu sse sse2 avx\n", "flags\t\t: avx2 sse\nflags\t\t: avx2 fma\n", "Features\t: fp asimd\n"],
)
def test_a_processor_without_the_instructions(flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}", encoding="utf-8")
    monkeypatch.setattr(pins, "CPUINFO", tmp_path / "cpuinfo")
    assert not is_supported()
    with pytest.raises(UnrollError, match="with AVX2 and FMA; set arithmetic to native"):
        pin("portable")
    monkeypatch.setattr(pins, "CPUINFO", tmp_path / "missing")  # another system
    assert not is_supported()


def test_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLL_THREADS", "3")
    assert count_threads() == 3
    monkeypatch.delenv("UNROLL_THREADS")
    assert 1 <= count_threads() <= 8
    for wrong in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("UNROLL_THREADS", wrong)
        with pytest.raises(UnrollError, match=r"UNROLL_THREADS is .*; set it to a number"):
            count_threads()


def test_a_verb_chooses_threads_and_arithmetic() -> None:
    command = [sys.executable, "-m", "unroll", "score", "missing"]
    wrong = subprocess.run([*command, "--arithmetic", "fast"], capture_output=True, text=True)
    assert wrong.stderr == "unroll: --arithmetic is fast; give portable or native\n"
    assert wrong.returncode == 1
    assert (
        "should be greater than or equal to 1"
        in subprocess.run([*command, "--threads", "0"], capture_output=True, text=True).stderr
    )
