"""What attention is for: a network says texts backwards that do not fit through one vector."""

from benchmarks.translation import solving


def test_attention_solves_what_the_bottleneck_cannot() -> None:
    whole, short, long = solving("reverse", pairs=8000, max_characters=8, hidden=64, epochs=4)
    assert whole["value"] > 0.98
    assert long["value"] > 0.97
    assert long["peer_value"] < short["peer_value"] - 0.2
    assert long["peer_value"] < 0.75
