"""What numbers are computed with."""

from typing import Literal

Arithmetic = Literal["portable", "native"]
"""The same bits on every x86-64 processor with AVX2, or the fastest kernels of the processor at hand."""
