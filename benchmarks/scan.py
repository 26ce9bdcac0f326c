"""Recurrent layers compared with torch's: python -m benchmarks.scan [--json] [--rounds N] [--steps T] [--threads N].

A training step of one layer consists of forward, backward and Adam. minGRU, minLSTM, both
forms of GRU and RNN are compared with `nn.GRU` and `nn.RNN` on long sequences (T = 1024, D = 256, 4,096 tokens per
step), and GRU and RNN at the sizes of language models. Both networks take turns. The outputs of minGRU are also
compared with a loop over its equations.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.figures import Figure, figure, show
from tests.layers import reference_cells
from unroll.arithmetic.threads import set_threads
from unroll.layers.recurrent import Recurrent

TOKENS, SIZE = 4096, 256
MODELS = {"default": (35, 16, 128), "PTB": (35, 20, 200), "large": (64, 64, 256)}  # T, B, H


class Peer(nn.Module):
    """A recurrent layer of torch that is called like `Recurrent`."""

    def __init__(self, kind: type[nn.RNNBase], size: int) -> None:
        """Build a layer of this class, with inputs and states of this size."""
        super().__init__()
        self.layer = kind(size, size, batch_first=True)

    def forward(self, inputs: Tensor, state: Any) -> Any:
        """Run all time steps of inputs (B, T, D) from a zero state."""
        return self.layer(inputs)


def training_step(network: nn.Module, inputs: Tensor) -> Callable[[], None]:
    """Return a function that does one training step of a network on inputs (B, T, D)."""
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    start = network.start(len(inputs)) if isinstance(network, Recurrent) else None

    def step() -> None:
        optimizer.zero_grad()
        network(inputs, start)[0].square().mean().backward()
        optimizer.step()

    return step


def compare(cell: str, kind: type[nn.RNNBase], sizes: tuple[int, int, int], rounds: int, goal: str) -> Figure:
    """Measure the training tokens per second of a cell of this project and of a layer of torch.

    Args:
        cell: The cell.
        kind: The class of the layer of torch.
        sizes: T, B and D.
        rounds: The number of steps that are timed.
        goal: The goal for the ratio.

    Returns:
        The figure.
    """
    steps, rows, size = sizes
    torch.manual_seed(0)
    inputs = torch.randn(rows, steps, size)
    ours = training_step(Recurrent(cell, size, size, 1, 0.0), inputs)  # type: ignore[arg-type]
    theirs = training_step(Peer(kind, size), inputs)
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):  # the first is not timed
        for step, times in zip((ours, theirs), seconds, strict=True):
            begin = time.perf_counter()
            step()
            if turn:
                times.append(time.perf_counter() - begin)
    value, peer = (steps * rows / median(times) for times in seconds)
    name = f"{cell}, T {steps}, B {rows}, D {size}: training"
    return figure(name, value, "tokens per second", f"nn.{kind.__name__}", peer, goal)


def exactness(steps: int) -> Figure:
    """Measure the largest difference between the outputs of minGRU and those of a loop over its equations."""
    torch.manual_seed(0)
    network, inputs = Recurrent("mingru", SIZE, SIZE, 1, 0.0), torch.randn(2, steps, SIZE)
    (state,) = network.start(2)
    with torch.no_grad():
        outputs, _ = network(inputs, (state,))
        difference = 0.0
        for step in range(steps):
            (state,) = reference_cells.mingru(inputs[:, step], (state,), *network.layers[0].parameters())
            difference = max(difference, float((outputs[:, step] - state).abs().max()))
    return figure(f"mingru, T {steps}: difference to the loop", difference, "absolute", goal="at most 1e-5")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=7, help="the number of steps that are timed")
    parser.add_argument("--steps", type=int, default=1024, help="the length of the long sequences")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    long = (arguments.steps, max(1, TOKENS // arguments.steps), SIZE)
    figures = [
        exactness(arguments.steps),
        compare("mingru", nn.GRU, long, arguments.rounds, "at least 5 times"),
        compare("minlstm", nn.GRU, long, arguments.rounds, ""),
        compare("gru", nn.GRU, long, arguments.rounds, "at least 2 times"),
        compare("gru_reset_before", nn.GRU, long, arguments.rounds, ""),
        compare("rnn", nn.RNN, long, arguments.rounds, ""),
        compare("rnn_identity", nn.RNN, long, arguments.rounds, ""),
    ]
    for sizes in MODELS.values():
        figures.append(compare("gru", nn.GRU, sizes, arguments.rounds, "at least as fast"))
        figures.append(compare("gru_reset_before", nn.GRU, sizes, arguments.rounds, ""))
        figures.append(compare("rnn", nn.RNN, sizes, arguments.rounds, "at least as fast"))
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
