"""Fixtures of more than one folder."""

from tests.trained import place, unroll

__all__ = ["place", "unroll"]
