"""Portable arithmetic gives the committed hashes on every processor, for any number of threads."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arithmetic.probe import FILE, GROUPS, Hashes
from unroll.arithmetic.pins import PORTABLE, is_supported

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not is_supported(), reason="portable arithmetic needs an x86-64 processor with AVX2")
EXPECTED: Hashes = json.loads(FILE.read_text(encoding="utf-8"))

LOWERED = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "AUTO",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": f"X86_V3 {PORTABLE['NPY_DISABLE_CPU_FEATURES']}",
}
"""A value of each pin that any processor accepts and that selects other kernels."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"}
"""Pins of thread counts, which `test_the_hashes_do_not_depend_on_the_number_of_threads` needs."""

EMULATORS = {"Haswell": "Intel, AVX2", "EPYC": "AMD, AVX2"}
MIN_QEMU = 8
"""The version of Debian 12, 7.2, crashes in a sort of numpy."""


def probe(
    group: str, pins: dict[str, str], environment: dict[str, str], command: tuple[str, ...] = (), *options: str
) -> dict[str, str]:
    """Return the hashes of a process of its own, in which some pins have other values."""
    code = (
        f"from unroll.arithmetic.pins import PORTABLE; PORTABLE.update({pins!r}); "
        f"import sys, runpy; sys.argv[1:] = {[group, *options]!r}; "
        "runpy.run_module('tests.arithmetic.probe', run_name='__main__')"
    )
    run = [*command, sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(run, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def differing(found: dict[str, str]) -> list[str]:
    return [name for name, value in found.items() if EXPECTED.get(name) != value]


def test_there_are_enough_hashes_and_fits_of_every_family() -> None:
    fits = {name.split(".")[1] for name in EXPECTED if name.startswith("fit.")}
    assert len(EXPECTED) - len(fits) >= 200
    families = [path.parent.name for path in (ROOT / "src/unroll/models").glob("*/model.py")]
    assert [family for family in families if not any(name.startswith(family) for name in fits)] == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_hashes_are_those_of_every_other_processor(group: str) -> None:
    assert differing(dict(GROUPS[group]())) == []


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["2", "5"])
def test_the_hashes_do_not_depend_on_the_number_of_threads(threads: str) -> None:
    assert differing(probe("operations", {}, {"UNROLL_THREADS": threads})) == []


@pytest.mark.slow
def test_the_fits_do_not_depend_on_the_number_of_threads() -> None:
    assert differing(probe("fits", {}, {"UNROLL_THREADS": "3"})) == []


@pytest.mark.slow
@pytest.mark.parametrize("pin", LOWERED)
def test_every_pin_acts(pin: str) -> None:
    """A pin that an upgrade of a library stops reading would be noticed on another processor only."""
    assert differing(probe("operations", {pin: LOWERED[pin]}, {}, (), "--until-difference")) != []


def test_every_pin_is_tested() -> None:
    assert {*LOWERED, *ONE_THREAD} == set(PORTABLE)


def qemu() -> str:
    """Return why there is no emulator, or nothing."""
    if shutil.which("qemu-x86_64") is None:
        return "qemu-x86_64 is not installed"
    version = subprocess.run(["qemu-x86_64", "--version"], capture_output=True, text=True).stdout.split()[2]
    return "" if int(version.split(".")[0]) >= MIN_QEMU else f"qemu-x86_64 {version} is too old"


@pytest.mark.slow
@pytest.mark.skipif(bool(qemu()), reason=qemu() or "qemu-x86_64 is there")
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("model", EMULATORS)
def test_the_hashes_on_an_emulated_processor(group: str, model: str) -> None:
    assert differing(probe(group, {}, {}, ("qemu-x86_64", "-cpu", model))) == []
