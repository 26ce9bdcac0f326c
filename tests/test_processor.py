"""/proc/cpuinfo as Linux writes it on x86-64 and on ARM."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from unroll.processor import process_seconds, read_cpuinfo


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (
            "processor\t: 0\nflags\t\t: avx2 fma\n\nprocessor\t: 1\nflags\t\t: sse\n",
            {"processor": "0", "flags": "avx2 fma"},
        ),
        ("flags\t: avx2 sse\nflags\t: avx2 fma\n", {"flags": "avx2 sse"}),
        ("Features\t: fp asimd\nCPU part\t: 0xd40\n", {"Features": "fp asimd", "CPU part": "0xd40"}),
        ("model name\t: A: B\n", {"model name": "A: B"}),
        ("", {}),
    ],
)
def test_the_first_processor_is_read(tmp_path: Path, content: str, facts: dict[str, str]) -> None:
    (tmp_path / "cpuinfo").write_text(content, encoding="utf-8")
    assert read_cpuinfo(tmp_path / "cpuinfo") == facts


def test_another_system_has_no_such_file(tmp_path: Path) -> None:
    assert read_cpuinfo(tmp_path / "cpuinfo") == {}


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_the_age_of_a_process_does_not_depend_on_the_time_of_day(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = process_seconds(), time.time
    monkeypatch.setattr(time, "time", lambda: now() + step)
    assert 0 < before <= process_seconds() < before + 60


def test_a_process_is_not_older_than_its_start() -> None:
    """The time of boot that Linux tells is up to a second too early."""
    program = "from unroll.processor import process_seconds; print(process_seconds())"
    for _ in range(3):
        begin = time.monotonic()
        age = float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
        assert 0 < age <= time.monotonic() - begin + 0.02  # the system counts in hundredths
