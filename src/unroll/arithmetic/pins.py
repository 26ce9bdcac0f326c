"""The environment that numpy, torch and their libraries read when they are imported.

With `portable` all of them run the kernels for AVX2, which every x86-64 processor since 2013 to 2017 has, and those
kernels of torch that differ between vendors are replaced (`unroll.arithmetic.kernels`). With `native` each runs the
fastest kernels of the processor, and the last bits of results depend on it and on the number of threads.
"""

import os
import sys
from pathlib import Path

import psutil
from wrapt import register_post_import_hook

from unroll.errors import UnrollError
from unroll.params.arithmetic import Arithmetic
from unroll.processor import read_cpuinfo

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # the LSTM and the GELU of torch
    "MKL_CBWR": "COMPATIBLE",  # the linear algebra of torch
    "OPENBLAS_CORETYPE": "Haswell",  # the products of numpy and scipy
    "OPENBLAS_NUM_THREADS": "1",  # the threads of `unroll.arithmetic.threads` share their products
    "OMP_NUM_THREADS": "1",  # those of torch, too
    "MKL_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # the functions and sorts of numpy
}
"""The pins. They overwrite what is set."""

CPUINFO = Path("/proc/cpuinfo")
REQUIRED = {"avx2", "fma"}
"""The instructions that the pinned kernels use, by their names in /proc/cpuinfo."""
MAX_THREADS = 8
"""The networks of the pipeline are too small for more threads, unless UNROLL_THREADS asks for them."""


def pin(arithmetic: Arithmetic, threads: int | None = None) -> None:
    """Set the environment. It is read when numpy and torch are imported, so this comes first.

    Args:
        arithmetic: What the numbers are computed with.
        threads: The number of threads. None takes UNROLL_THREADS, or else one per core, at most 8. It changes the last
            bits of native results only.

    Raises:
        UnrollError: The processor lacks instructions that portable arithmetic needs, UNROLL_THREADS is not a number, or
            numpy or torch were imported before with other settings.
    """
    libraries = ("OMP", "MKL", "OPENBLAS", "RAYON")  # the last is that of the tokenizers
    variables = ["UNROLL_THREADS", *(f"{name}_NUM_THREADS" for name in libraries)]
    environment = dict.fromkeys(variables, str(threads or count_threads()))
    # Dynamic thread counts are disabled, since the order of sums may depend on them.
    environment |= {"MKL_DYNAMIC": "FALSE", "OMP_DYNAMIC": "FALSE"}
    # Waiting threads of OpenMP sleep after some microseconds, or else they would take the time of other processes.
    environment["GOMP_SPINCOUNT"] = "10000"
    if arithmetic == "portable":
        if not is_supported():
            raise UnrollError(
                "portable arithmetic needs Linux on an x86-64 processor with AVX2 and FMA; "
                "set arithmetic to native, whose last bits depend on the processor"
            )
        environment |= PORTABLE
    pinned = [name for name, value in PORTABLE.items() if os.environ.get(name) == value]
    if {"numpy", "torch"} & sys.modules.keys() and (len(pinned) == len(PORTABLE)) != (arithmetic == "portable"):
        raise UnrollError(f"{arithmetic} arithmetic was chosen after numpy or torch were imported; choose it before")
    for name in pinned:  # which a native process may inherit from a portable one
        del os.environ[name]
    os.environ.update(environment)
    if arithmetic == "portable":
        register_post_import_hook(lambda torch: _replace_kernels(int(environment["UNROLL_THREADS"])), "torch")


def is_supported() -> bool:
    """Return whether this processor has the instructions that portable arithmetic needs."""
    return set(read_cpuinfo(CPUINFO).get("flags", "").split()) >= REQUIRED


def count_threads() -> int:
    """Return the number of threads: UNROLL_THREADS, or else one per core that this process may use, at most 8.

    Raises:
        UnrollError: UNROLL_THREADS is not a positive number.
    """
    if value := os.environ.get("UNROLL_THREADS"):
        if not value.isdecimal() or not int(value):
            raise UnrollError(f"UNROLL_THREADS is {value!r}; set it to a number of threads, for example 2")
        return int(value)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, psutil.cpu_count(logical=False) or usable, MAX_THREADS)


def _replace_kernels(threads: int) -> None:
    from unroll.arithmetic.kernels import register

    register(threads)
