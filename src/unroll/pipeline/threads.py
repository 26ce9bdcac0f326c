"""Thread counts. They are part of every result, since the order of sums depends on them."""

import os


def set_threads(threads: int) -> None:
    """Set the thread counts of all libraries. BLAS and OpenMP read them when numpy or torch is imported."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["RAYON_NUM_THREADS"] = str(threads)  # the tokenizers library
    # Dynamic thread counts are disabled, since the order of sums depends on them.
    os.environ["MKL_DYNAMIC"] = os.environ["OMP_DYNAMIC"] = "FALSE"
