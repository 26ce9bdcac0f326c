"""The processor and the libraries that results are made with, and the file that keeps them beside the results.

`reports/environment.json` says for each file of numbers below `metrics/` which environment made its bytes. It is not an
output of a stage, and nothing compares it. A stage changes the entry of a file only if the bytes of the file are new.
So the same results, made again on another processor, leave the file as it is.
"""

import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from unroll.arithmetic.pins import CPUINFO, PORTABLE
from unroll.md5 import file_md5
from unroll.processor import read_cpuinfo

Environment = dict[str, Any]
RECORD = Path("reports/environment.json")
COUNTS = (Path("metrics/clean"), Path("metrics/tokens"))
"""Folders of counts, which are the same on every processor."""
INSTRUCTION_SETS = {
    "avx2": "AVX2",
    "fma": "FMA",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "avx512_fp16": "AVX-512 FP16",
    "amx_tile": "AMX",
    "asimd": "Neon",
    "sve": "SVE",
    "bf16": "BF16",
}
"""The instruction sets that choose between kernels, by their flag in /proc/cpuinfo."""
VARIABLES = (*PORTABLE, "UNROLL_THREADS")
"""Environment variables that change which kernels run, or in which order they add."""
logger = logging.getLogger("unroll")


def describe() -> Environment:
    """Describe this process: processor, system, versions, and the kernels of the libraries that it has imported.

    numpy and torch choose their kernels when they are imported. A library that is not imported has no part in the
    results, and is not described.

    Returns:
        Strings and lists of strings by name, as JSON stores them.
    """
    found: Environment = {
        **_processor(),
        "system": _system(),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "python": platform.python_version(),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }
    if "numpy" in sys.modules:
        import numpy as np
        from threadpoolctl import threadpool_info

        simd = np.show_config(mode="dicts")["SIMD Extensions"]
        found["numpy"] = version("numpy")
        found["numpy_features"] = [*simd.get("baseline", []), *simd.get("found", [])]
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        found["blas"] = sorted({f"{pool['internal_api']} {pool['version']} {pool['architecture']}" for pool in pools})
    if "torch" in sys.modules:
        import torch

        found["torch"] = str(torch.__version__)  # with the build: +cpu, +cu130
        found["torch_kernels"] = torch.backends.cpu.get_cpu_capability()
        found["torch_threads"] = torch.get_num_threads()
        # A GPU that computed nothing has no part in the results.
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            found["gpu"] = torch.cuda.get_device_name()
    return {name: value for name, value in found.items() if value not in ("", [], {})}


def summarize(environment: Mapping[str, Any]) -> str:
    """Return the processor, its instruction sets and the kernels of an environment in a few words."""
    words = list(environment.get("instruction_sets", []))
    words += [f"torch kernels {environment['torch_kernels']}"] if "torch_kernels" in environment else []
    words += [environment["gpu"]] if "gpu" in environment else []
    return environment.get("processor", "unknown processor") + (f" ({', '.join(words)})" if words else "")


@dataclass
class Record:
    """The content of `reports/environment.json`."""

    environments: dict[str, Environment] = field(default_factory=dict)
    """Environments by an identifier, the beginning of the hash of their content."""
    results: dict[str, dict[str, str]] = field(default_factory=dict)
    """For each file, the MD5 of its bytes, as dvc.lock has it, and the identifier of the environment."""

    @staticmethod
    def parse(content: bytes | None) -> "Record":
        """Read the content of the file; the record is empty if there is no file, or if it is damaged."""
        try:
            values = json.loads(content or b"{}")
            found = Record(dict(values["environments"]), dict(values["results"]))
            known = all(entry["environment"] in found.environments and entry["md5"] for entry in found.results.values())
            return found if known else Record()
        except (ValueError, KeyError, TypeError):
            return Record()

    def find(self, path: str, digest: str | None) -> Environment | None:
        """Return the environment that made a file.

        Args:
            path: The path of the file, relative to the root of the repository.
            digest: The MD5 of its bytes.

        Returns:
            The environment; None if it is not known which one made these bytes.
        """
        entry = self.results.get(path)
        return self.environments[entry["environment"]] if entry and entry["md5"] == digest else None

    def add(self, path: str, digest: str, environment: Environment) -> None:
        """Set the environment that made a file."""
        content = json.dumps(environment, sort_keys=True).encode()
        identifier = hashlib.sha256(content).hexdigest()[:8]
        self.results[path] = {"md5": digest, "environment": identifier}
        used = {entry["environment"] for entry in self.results.values()}
        kept = self.environments | {identifier: environment}
        self.environments = {name: value for name, value in kept.items() if name in used}

    def format(self) -> str:
        """Return the content of the file, in an order that does not depend on that of the stages."""
        values = {"environments": self.environments, "results": self.results}
        return json.dumps(values, indent=1, sort_keys=True) + "\n"


def record(published: Sequence[Path]) -> None:
    """Record that this process made files, if their bytes are new.

    Counts and files outside of `metrics/` are left out. A fault of the disk, or of a library that is described, is a
    warning, since the results themselves are published already.

    Args:
        published: Paths relative to the root of the repository.
    """
    numbers = [path for path in published if path.parts[0] == "metrics" and not any(map(path.is_relative_to, COUNTS))]
    if not numbers:
        return
    lock = Path(".dvc/tmp/locks/environment.lock")  # stages may run at the same time
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            known = read()
            new = {str(path): digest for path in numbers if known.find(str(path), digest := file_md5(path)) is None}
            if new:
                environment = describe()
                for path, digest in new.items():
                    known.add(path, digest, environment)
                RECORD.parent.mkdir(exist_ok=True)
                unfinished = RECORD.with_name(f".{RECORD.name}")
                unfinished.write_text(known.format(), encoding="utf-8")
                unfinished.replace(RECORD)
    except Exception as error:  # whatever it is, the stage has its results
        logger.warning("%s: the environment of this run is not recorded (%s)", RECORD, error)


def read() -> Record:
    """Read the record of the present folder."""
    return Record.parse(RECORD.read_bytes() if RECORD.is_file() else None)


def made(result: Path) -> Environment | None:
    """Return the environment that made a file below `metrics/`; None if it is not known."""
    return read().find(str(result), file_md5(result))


def _processor() -> Environment:
    """Return the name of the processor, with what tells apart processors of one name, and its instruction sets."""
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return {"processor": name or platform.machine()}
    facts = read_cpuinfo(CPUINFO)
    if not facts:
        return {"processor": platform.processor() or platform.machine()}
    flags = (facts.get("flags") or facts.get("Features", "")).split()
    kinds = ("vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU part")
    kind = ", ".join(f"{key} {facts[key]}" for key in kinds if key in facts)
    return {
        "processor": facts.get("model name", platform.machine()),
        "processor_kind": kind,
        "instruction_sets": [name for flag, name in INSTRUCTION_SETS.items() if flag in flags],
    }


def _system() -> str:
    """Return the name and the version of the operating system."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
