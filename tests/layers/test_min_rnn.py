"""The scan in blocks equals the loop over steps."""

import pytest
import torch

from unroll.layers.cells import min_rnn


@pytest.mark.parametrize("steps", [1, 7, 300, 1024, 1030])
def test_blocks_equal_the_loop(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    decay, added, start = torch.rand(steps, 2, 8), torch.randn(steps, 2, 8), torch.randn(2, 8)
    found = {}
    for name, least in (("loop", steps + 1), ("blocks", 1)):
        monkeypatch.setattr(min_rnn, "MIN_BLOCKED_STEPS", least)
        leaves = [value.clone().requires_grad_() for value in (decay, added, start)]
        outputs = min_rnn.scan(*leaves)
        found[name] = [outputs, *torch.autograd.grad(outputs.square().sum(), leaves)]
    for one, other in zip(found["loop"], found["blocks"], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_long_sequences_stay_within_1e_5_of_double_precision() -> None:
    torch.manual_seed(1)
    decay, added, start = torch.rand(4096, 1, 16), torch.randn(4096, 1, 16), torch.randn(1, 16)
    exact = min_rnn.scan(decay.double(), added.double(), start.double())
    torch.testing.assert_close(min_rnn.scan(decay, added, start).double(), exact, atol=1e-5, rtol=0)


def test_large_steps_are_scanned_by_a_loop() -> None:
    """A step larger than the limit for blocks gives h_t of the equation, computed by hand."""
    size = min_rnn.MAX_BLOCKED_ELEMENTS + 1
    decay, added = torch.full((3, 1, size), 0.5), torch.ones(3, 1, size)
    outputs = min_rnn.scan(decay, added, torch.full((1, size), 4.0))
    assert outputs[:, 0, 0].tolist() == [3.0, 2.5, 2.25]
