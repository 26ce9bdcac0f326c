"""Training of recurrent networks compared with bare loops: python -m benchmarks.training [--json] [--rounds N].

The same network is trained on the same data with fused Adam and clipping by norm, once by `unroll.training.fit`
(Lightning) and once in a bare loop with torch's cross-entropy. Both take turns, window by window; a figure is the
median over all steps. malloc is tuned as in every stage, for the bare loop, too. The text is Penn Treebank with its
V - 4 most frequent words, or without the mirror random words of a Zipf distribution.

--examples FOLDER adds the word_language_model of a checkout of github.com/pytorch/examples at the same sizes.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import pytorch_examples
from benchmarks.figures import Figure, figure, show
from unroll.arithmetic.threads import set_threads
from unroll.models.recurrent.model import Network
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.layers import Cell
from unroll.params.training import Training
from unroll.pipeline import stage
from unroll.text.streams import Data, Stream, stream_of
from unroll.text.tokenizers.vocabulary import BOS, UNK
from unroll.training.fit import fit
from unroll.training.task import LanguageModelTask

MIRROR = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[2] / "shared/corpora")
PTB = MIRROR / "ptb/ptb.train.txt"
NATIVE_BFLOAT16 = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
Measured = tuple[list[float], list[float]]
"""The seconds and the losses (nats per word) of the steps."""


@dataclass(frozen=True)
class Size:
    """The sizes of a network and of its batches."""

    name: str
    words: int
    """The size of the vocabulary, V."""
    hidden: int
    """The size of the embedding and of the layers."""
    layers: int
    rows: int
    length: int
    cell: Cell = "lstm"

    @property
    def tokens(self) -> int:
        """The number of tokens of a batch."""
        return self.rows * self.length


A, B = Size("A", 10_000, 200, 2, 20, 35), Size("B", 4_000, 256, 1, 64, 64)
TINY = Size("tiny", 100, 16, 1, 4, 8)

MAX_NORM = 0.25
TRAINING = Training.model_validate(
    {
        "epochs": 1,
        "patience": 1,
        "batch_size": 1,  # not used: the task is made with its number of rows
        "accumulate_grad_batches": 1,
        "learning_rate": 0.001,
        "optimizer": {"kind": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0},
        "schedule": {"kind": "constant"},
        "clip": {"kind": "norm", "max_norm": MAX_NORM},
        "averaging": {"kind": "none"},
        "precision": 32,
        "checkpoint_steps": 10**9,
        "ranks": 1,
    }
)
"""One epoch at a constant learning rate, without anything that the bare loop does not do."""


def params(size: Size, precision: int | str = 32) -> RecurrentParams:
    """Return the settings of an LSTM of this size, with this precision of the softmax."""
    rates = {"input": 0.2, "hidden": 0.2, "output": 0.2, "embedding": 0.0, "weight_drop": 0.0, "variational": False}
    sizes = {"embedding_size": size.hidden, "hidden_size": size.hidden, "layers": size.layers}
    return RecurrentParams.model_validate(
        {
            "family": "recurrent",
            "tokenizer": "words",
            "cell": size.cell,
            **sizes,
            "residual": False,
            "dropout": rates,
            "activation_regularization": {"ar": 0.0, "tar": 0.0},
            "attention": {"kind": "none"},
            "tie_weights": False,
            "batching": "contiguous",
            "softmax": {"kind": "full", "precision": precision},
            "training": TRAINING,
        }
    )


@cache
def lines(size: Size) -> list[list[str]]:
    """Return sentences of at most V - 4 types; rarer words are `<unk>`."""
    if not PTB.is_file():
        words = np.random.default_rng(0).zipf(1.2, 10**6)
        return [[f"w{word}" for word in line if word < size.words - 4] for line in np.split(words, 50_000)]
    text = [line.split() for line in PTB.read_text(encoding="utf-8").splitlines()]
    frequent = {word for word, _ in Counter(word for line in text for word in line).most_common(size.words - 4)}
    return [[word if word in frequent else "<unk>" for word in line] for line in text]


@cache
def data(size: Size, steps: int) -> Data:
    """Return a partition with enough text for this number of batches."""
    text = lines(size)
    ids = {word: 4 + i for i, word in enumerate(sorted({word for line in text for word in line} - {"<unk>"}))}
    stream = stream_of([np.array([ids.get(word, UNK) for word in line], dtype=np.int64) for line in text], size.words)
    needed = steps * size.tokens + size.length
    tokens = np.tile(stream.tokens, -(-needed // len(stream.tokens)))[:needed]
    train, valid = (Stream(part, np.array([0, len(part)])) for part in (tokens, tokens[: 2 * size.tokens]))
    return Data("words", size.words, size.length, 1, {"train": {"text": train}, "valid": {"text": valid}})


class Task(LanguageModelTask):
    """A task that records the time at which each batch is requested. A step is the time between two requests."""

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch."""
        self.times: list[float] = []
        for batch in super().train_batches(epoch):
            self.times.append(time.perf_counter())
            yield batch
        self.times.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        """The seconds of each step."""
        return [end - begin for begin, end in zip(self.times[:-1], self.times[1:], strict=True)]


def make_task(size: Size, steps: int, precision: int | str = 32) -> Task:
    """Make the task of a new network."""
    torch.manual_seed(1)
    return Task(Network(params(size, precision), size.words), "contiguous", size.rows, data(size, steps))


def train(task: Task) -> Measured:
    """Train by Lightning. The losses are those that it logs, means over a tenth of the steps."""
    losses: list[float] = []

    def log(step: int, **values: float) -> None:
        losses.extend([values["train_loss"]] if "train_loss" in values else [])

    fit(task, TRAINING, 1, log, None, "cpu")
    return task.seconds, losses


def train_in_bare_loop(task: Task, fused: bool = False, seeded: bool = False) -> Measured:
    """Train in a loop as one would write it by hand.

    Args:
        task: The task.
        fused: Use the loss of this project in place of torch's cross-entropy.
        seeded: Seed dropout as this project does.

    Returns:
        The seconds and the loss of each step.
    """
    network, losses = task.network.train(), []
    optimizer = torch.optim.Adam(network.parameters(), TRAINING.learning_rate, fused=True)
    state = network.start(task.rows)
    for step, (tokens, targets) in enumerate(task.train_batches(0)):
        if seeded:
            torch.manual_seed((1 << 31) + step)
        hidden, after = network(tokens, state)
        state = tuple(part.detach() for part in after)
        if fused:
            nats = network.softmax.loss(hidden, targets)
        else:
            nats = network.softmax.negative_log_likelihood(hidden, targets).sum()
        loss = nats / (targets > BOS).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), MAX_NORM)
        optimizer.step()
        losses.append(loss.item())
    return task.seconds, losses


def measure_in_turns(rounds: int, windows: dict[str, Callable[[], list[float]]]) -> dict[str, list[float]]:
    """Run windows in turns, and return the seconds of all steps by name, without the first steps of a window."""
    measured: dict[str, list[float]] = {name: [] for name in windows}
    for _ in range(rounds):
        for name, window in windows.items():
            seconds = window()
            measured[name] += seconds[min(5, len(seconds) // 2) :]
    return measured


def speed(size: Size, rounds: int, steps: int, examples: Path | None) -> list[Figure]:
    """Measure the words per second of all trainings at this size.

    Args:
        size: The sizes of the network and its batches.
        rounds: The number of windows of each training.
        steps: The number of steps of a window.
        examples: A checkout of pytorch/examples, if there is one.

    Returns:
        A figure for each peer, and where the processor multiplies 16-bit numbers one for a softmax of 16 bits.
    """
    windows: dict[str, Callable[[], list[float]]] = {
        "unroll": lambda: train(make_task(size, steps))[0],
        "bare": lambda: train_in_bare_loop(make_task(size, steps))[0],
    }
    if NATIVE_BFLOAT16:
        windows["bf16"] = lambda: train(make_task(size, steps, "bf16"))[0]
    peer = "pytorch/examples word_language_model"
    with tempfile.TemporaryDirectory() as folder:
        if examples is None or not pytorch_examples.is_checkout(examples):
            peer = "skipped: no --examples" if examples is None else f"skipped: {examples} is not a checkout"
        else:
            pytorch_examples.write_text(Path(folder), lines(size))
            options = {"emsize": size.hidden, "nhid": size.hidden, "nlayers": size.layers}
            options |= {"batch_size": size.rows, "bptt": size.length}
            windows["examples"] = lambda: pytorch_examples.measure_seconds(examples, Path(folder), options, steps)
        measured = measure_in_turns(rounds, windows)
    rates = {name: size.tokens / median(seconds) for name, seconds in measured.items()}
    label, unit, rate = f"training at size {size.name}", "words per second", rates["unroll"]
    figures = [
        figure(label, rate, unit, "bare loop", rates["bare"], "ratio at least 1.0"),
        figure(label, rate, unit, peer, rates.get("examples"), "ratio at least 1.15"),
    ]
    if NATIVE_BFLOAT16:
        goal = "ratio at least 1.4" if size is B else ""
        figures.append(figure(f"{label}, softmax of 16 bits", rates["bf16"], unit, "bare loop", rates["bare"], goal))
    return figures


def equal_loss(size: Size, steps: int, bfloat16: bool) -> list[Figure]:
    """Compare the mean losses of the last tenth of the steps, from the same initial weights."""
    last, plain = max(1, steps // 10), train_in_bare_loop(make_task(size, steps), seeded=True)[1]
    peer, goal = mean(plain[-last:]), "within 0.0005 of the peer"
    label = f"training loss at size {size.name}, last {last} of {steps} steps"
    names: dict[int | str, str] = {32: "32 bits"} | ({"bf16": "softmax of 16 bits"} if bfloat16 else {})
    losses = {name: train(make_task(size, steps, precision))[1][-1] for precision, name in names.items()}
    return [
        figure(f"{label}, {name}", loss, "nats per word", "bare loop", peer, goal, comparable=False)
        for name, loss in losses.items()
    ]


def overhead(rounds: int, steps: int, threads: int) -> list[Figure]:
    """Measure what Lightning adds to a step, by a tiny network with the same loss in both loops, on one thread."""
    set_threads(1)
    windows: dict[str, Callable[[], list[float]]] = {
        "unroll": lambda: train(make_task(TINY, steps))[0],
        "bare loop": lambda: train_in_bare_loop(make_task(TINY, steps), fused=True)[0],
    }
    measured = measure_in_turns(rounds, windows)
    set_threads(threads)
    added = 1000 * (median(measured["unroll"]) - median(measured["bare loop"]))
    rows = [figure("overhead of a step by Lightning", added, "ms", "bare loop", None, "below 1")]
    for name, seconds in measured.items():
        rows.append(figure(f"a step of the tiny network, {name}", 1000 * median(seconds), "ms", "none", None, ""))
    return rows


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5, help="the number of windows of each training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--examples", type=Path, help="a checkout of github.com/pytorch/examples")
    parser.add_argument("--quick", action="store_true", help="a few steps of each training, to test the benchmark")
    parser.add_argument("--emulate", action="store_true", help="compare the loss of 16 bits also where they are slow")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    stage.tune_malloc()
    rounds, steps = (1, 6) if arguments.quick else (arguments.rounds, 40)
    figures = overhead(rounds, 50 if arguments.quick else 1000, arguments.threads)
    for size in (A, B):
        figures += speed(size, rounds, steps, arguments.examples)
    figures += equal_loss(B, 10 if arguments.quick else 200, NATIVE_BFLOAT16 or arguments.emulate)
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
