"""The command `python -m unroll`, which is the same as `unroll`."""

from unroll.cli import main

main()
