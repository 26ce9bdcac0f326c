"""The tests. They use portable arithmetic where the processor has it, as the pipeline does."""

import os

from unroll.arithmetic.pins import is_supported, pin

# This comes before torch is imported. Each of two workers has one core, and so has every program that a test starts.
os.environ.setdefault("UNROLL_THREADS", "1")
pin("portable" if is_supported() else "native")
