"""Attention reverses texts that do not fit into one vector."""

import pytest

from benchmarks.translation import measure_exact_match


@pytest.mark.slow
def test_attention_solves_what_the_bottleneck_cannot() -> None:
    whole, short, long = measure_exact_match("reverse", pairs=8000, max_length=8, hidden=64, epochs=4)
    assert whole["value"] > 0.98
    assert long["value"] > 0.97
    assert long["peer_value"] < short["peer_value"] - 0.2
    assert long["peer_value"] < 0.75
