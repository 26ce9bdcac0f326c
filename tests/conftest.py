"""Fixtures of more than one folder, and the order of all tests."""

import pytest

from tests.trained import place, unroll

__all__ = ["place", "unroll"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pipeline first: of two workers one is then busy with it while the other runs the rest."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")
