"""Strict, frozen schema of `params.yaml`: the only place a number lives.

`load()` reads and validates the whole file; every field is documented where it is declared and has no default.
"""

from unroll.params.load import load as load
from unroll.params.root import Root as Root
