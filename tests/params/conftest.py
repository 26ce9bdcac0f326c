"""The params.yaml that the tests change."""

import pytest
from ruamel.yaml import YAML

from tests.params.faults import ROOT, Values


@pytest.fixture
def values() -> Values:
    """The project's own params.yaml."""
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
