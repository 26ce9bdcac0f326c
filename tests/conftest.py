"""Fixtures of more than one folder, and the order of all tests."""

import os
import signal

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: each of two workers has one core

import pytest

from tests.trained import place, unroll

__all__ = ["place", "unroll"]

# A shell's background job ignores Ctrl-C, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pipeline first: of two workers one is then busy with it while the other runs the rest."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")
