"""What holds for all tests."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: with two workers, one is then busy with them while the other runs the rest."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
