"""Comparisons with peers, as ratios: python -m benchmarks.NAME.

Like stages, they use portable arithmetic, the peers of the same process included. UNROLL_ARITHMETIC=native runs them
with the fastest kernels of the processor; `benchmarks.arithmetic` compares the two.
"""

import os

from unroll.arithmetic.pins import pin

pin("native" if os.environ.get("UNROLL_ARITHMETIC") == "native" else "portable")
