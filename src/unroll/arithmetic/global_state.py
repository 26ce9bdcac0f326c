"""The global state that a training sets, and that a caller in Python gets back after it."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unroll.arithmetic.threads import flush_denormals, is_flushing

LOGGERS = ("pytorch_lightning", "lightning_fabric", "pytorch_lightning.utilities.rank_zero", "gensim")
"""The loggers of the libraries that train, which log what the curve of a training says better."""


@contextmanager
def restored_global_state() -> Iterator[None]:
    """Let a training set global state, and restore it in the end, also after an error.

    Restored are the environment, the random generators of torch, its deterministic algorithms and thread count, the
    settings of cuDNN, the flushing of denormals, and the levels of the loggers of the libraries. These log errors only
    during the training.
    """
    environment = dict(os.environ)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    threads, fills = torch.get_num_threads(), torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    # A generator of CUDA that was never used is left alone: reading its state would set up the GPU.
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices), flush_denormals(is_flushing()):
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
            torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
            torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = cudnn
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
