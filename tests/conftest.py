"""Fixtures that several folders share, and the order of all tests."""

import signal

import pytest

from tests.trained import unroll, workspace

__all__ = ["unroll", "workspace"]

# A shell's background job ignores SIGINT, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the pipeline first, so that one of two workers runs it while the other runs the rest."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")
