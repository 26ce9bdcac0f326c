"""Portable arithmetic: the same bits on every x86-64 processor with AVX2, for any number of threads."""
