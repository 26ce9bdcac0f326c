"""The scan in blocks is the loop."""

import pytest
import torch

from unroll.layers import scan


@pytest.mark.parametrize("steps", [1, 7, 300, 1024, 1030])
def test_blocks_equal_the_loop(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    decay, given, start = torch.rand(steps, 2, 8), torch.randn(steps, 2, 8), torch.randn(2, 8)
    found = {}
    for name, least in (("loop", steps + 1), ("blocks", 1)):
        monkeypatch.setattr(scan, "BLOCKED", least)
        leaves = [value.clone().requires_grad_() for value in (decay, given, start)]
        outputs = scan.scan(*leaves)
        found[name] = [outputs, *torch.autograd.grad(outputs.square().sum(), leaves)]
    for one, other in zip(found["loop"], found["blocks"], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_long_sequences_stay_within_1e_5_of_double_precision() -> None:
    torch.manual_seed(1)
    decay, given, start = torch.rand(4096, 1, 16), torch.randn(4096, 1, 16), torch.randn(1, 16)
    exact = scan.scan(decay.double(), given.double(), start.double())
    torch.testing.assert_close(scan.scan(decay, given, start).double(), exact, atol=1e-5, rtol=0)


def test_large_steps_take_the_loop() -> None:
    """Also past the size where blocks no longer pay: h_t of the equation, by hand."""
    decay, given = torch.full((3, 1, scan.SMALL + 1), 0.5), torch.ones(3, 1, scan.SMALL + 1)
    outputs = scan.scan(decay, given, torch.full((1, scan.SMALL + 1), 4.0))
    assert outputs[:, 0, 0].tolist() == [3.0, 2.5, 2.25]
