"""Training on a GPU: python -m benchmarks.gpu [--json] [--ptb FOLDER] [--seconds N] [--quick].

This needs only torch, numpy and Lightning. It trains Penn Treebank by the recipe of AWD-LSTM (Merity, Keskar and Socher
2018) for a given time, compares the speed of cuDNN's LSTM through Lightning with a bare loop, and checks that two runs
give the same weights. Without a GPU it runs on the CPU, for which --quick has small sizes.
"""

import argparse
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import bare
from benchmarks.figures import Figure, figure, show
from unroll.models.recurrent import model as recurrent
from unroll.models.recurrent.model import Network
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.layers import Dropouts
from unroll.params.training import Training
from unroll.text.streams import Data, Stream, stream_of
from unroll.text.tokenizers.vocabulary import BOS
from unroll.training.batching import contiguous_batches
from unroll.training.fit import fit

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
WARM_UP = 10
"""The number of steps before the time is measured."""

TRAINING: dict[str, Any] = {
    "epochs": 1,
    "patience": 1000,
    "batch_size": 20,
    "accumulate_grad_batches": 1,
    "learning_rate": 30.0,
    "optimizer": {"kind": "sgd", "momentum": 0.0, "nesterov": False, "weight_decay": 1.2e-6},
    "schedule": {"kind": "constant"},
    "clip": {"kind": "norm", "max_norm": 0.25},
    "averaging": {"kind": "nt_asgd", "interval": 5},
    "precision": 32,
    "checkpoint_steps": 10**9,
    "ranks": 1,
}
AWD: dict[str, Any] = {
    "family": "recurrent",
    "tokenizer": "words",
    "cell": "lstm",
    "embedding_size": 400,
    "hidden_size": [1150, 1150, 400],
    "layers": 3,
    "residual": False,
    "dropout": {"input": 0.4, "hidden": 0.25, "output": 0.4, "embedding": 0.1, "weight_drop": 0.5, "variational": True},
    "activation_regularization": {"ar": 2.0, "tar": 1.0},
    "attention": {"kind": "none"},
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": {"kind": "full", "precision": 32},
    "training": TRAINING,
}
NONE = {"input": 0.0, "hidden": 0.0, "output": 0.0, "embedding": 0.0, "weight_drop": 0.0, "variational": False}
ADAM = {"kind": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0}


def streams(ptb: Path | None) -> tuple[dict[str, Stream], int]:
    """Return train, valid and test, one long text each as in the literature, and the size of the vocabulary.

    Args:
        ptb: The folder of Penn Treebank; None for random words of a Zipf distribution.

    Returns:
        The streams by split, and the number of tokens.
    """
    splits = ("train", "valid", "test")
    if ptb is None:
        words = np.split(4 + np.random.default_rng(0).zipf(1.3, 66_000) % 500, (60_000, 63_000))
        return {split: stream_of([part], 504) for split, part in zip(splits, words, strict=True)}, 504
    text = {split: (ptb / f"ptb.{split}.txt").read_text(encoding="utf-8").replace("\n", " <eos> ") for split in splits}
    ids = {word: 4 + i for i, word in enumerate(sorted(set(text["train"].split())))}
    tokens = {split: stream_of([np.array([ids[w] for w in text[split].split()])], 4 + len(ids)) for split in splits}
    return tokens, 4 + len(ids)


def partition(streams: dict[str, Stream], vocabulary_size: int, sequence_length: int) -> Data:
    """Return a partition of these streams."""
    return Data(
        "words", vocabulary_size, sequence_length, 1, {split: {"text": stream} for split, stream in streams.items()}
    )


class Task(recurrent.Task):
    """A task that measures the time of its steps. It waits for the device only at the first and the last step."""

    seconds, steps_timed, max_steps = 0.0, 0, 10**9

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch, at most `max_steps`."""
        return min(super().steps(epoch), self.max_steps)

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch, and measure the time between them."""
        begin, last = 0.0, self.steps(epoch) - 1
        first = min(WARM_UP, last // 2)
        for index, batch in enumerate(super().train_batches(epoch)):
            if index == first:
                begin = synchronized_time()
            if index == last:  # the trainer requests no batch after the last one
                self.seconds, self.steps_timed = synchronized_time() - begin, last - first
            yield batch


def synchronized_time() -> float:
    """Return the time in seconds, after the device has finished its work."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def make_task(values: dict[str, Any], data: Data, max_steps: int = 10**9) -> Task:
    """Make the task of a new network, with at most `max_steps` steps per epoch."""
    torch.manual_seed(1)
    params = bare.make(RecurrentParams, values | {"dropout": bare.make(Dropouts, values["dropout"])})
    task = Task(Network(params, data.vocabulary_size), params, data)
    task.max_steps = max_steps
    return task


def train(task: Task, **changes: Any) -> list[dict[str, float]]:
    """Train a task, with changes of `TRAINING`; return the logged values."""
    rows: list[dict[str, float]] = []
    fit(task, bare.make(Training, TRAINING | changes), 1, lambda step, **values: rows.append(values), None, DEVICE.type)
    return rows


def awd(data: Data, seconds: float, sizes: dict[str, Any], max_steps: int) -> list[Figure]:
    """Train the AWD-LSTM for as many epochs as fit into a time, according to the speed of its first steps.

    Args:
        data: The partition.
        seconds: The time for the training.
        sizes: Changes of the settings.
        max_steps: The maximum number of steps per epoch.

    Returns:
        The perplexities, the time and the speed.
    """
    trial = make_task(AWD | sizes, data, 60)
    train(trial)
    step = trial.seconds / trial.steps_timed
    task = make_task(AWD | sizes, data, max_steps)
    epochs = max(1, int(seconds / (1.1 * step * task.steps(0))))
    begin = synchronized_time()
    rows = train(task, epochs=epochs)
    wall = synchronized_time() - begin
    perplexity = carried_perplexity(task, data.test)
    valid = min(row["valid_perplexity"] for row in rows if "valid_perplexity" in row)
    label = f"AWD-LSTM, {epochs} epochs"
    return [
        figure(f"{label}: test perplexity", perplexity, "", "500 epochs in the paper", 58.8, "at most 65"),
        figure(f"{label}: best valid perplexity", valid, "", "500 epochs in the paper", 61.2, ""),
        figure(f"{label}: wall time", wall, "s", "none", None, f"about {seconds:g}"),
        figure(f"{label}: speed", 20 * data.sequence_length / step, "words per second", "none", None, ""),
    ]


@torch.no_grad()
def carried_perplexity(task: Task, stream: Stream) -> float:
    """Compute the perplexity of a stream, with the state carried from its beginning to its end."""
    network, state = task.network.to(DEVICE).eval(), None
    nats, count = 0.0, 0
    for x, y in contiguous_batches(stream, 256, 1, 0, 0):
        tokens, targets = (torch.from_numpy(np.asarray(part, dtype=np.int64)).to(DEVICE) for part in (x, y))
        summed, counted, state = task.loss((tokens, targets), state)
        nats, count = nats + float(summed), count + int(counted)
    network.cpu()
    return math.exp(nats / count)


def speed(data: Data, hidden: int, layers: int, rows: int, steps: int, rounds: int) -> list[Figure]:
    """Measure the speed of an LSTM without dropout through Lightning, and of a bare loop over `nn.LSTM`, in turns.

    Args:
        data: The partition.
        hidden: The size of the embeddings and of the layers.
        layers: The number of layers.
        rows: The number of rows of a batch.
        steps: The number of training steps of a round.
        rounds: The number of rounds.

    Returns:
        One figure, the median speed.
    """
    values = AWD | {"hidden_size": hidden, "embedding_size": hidden, "layers": layers, "dropout": NONE}
    values |= {"activation_regularization": {"ar": 0.0, "tar": 0.0}, "tie_weights": False}
    values |= {"training": TRAINING | {"batch_size": rows}}
    changes = {"batch_size": rows, "optimizer": ADAM, "learning_rate": 0.001, "averaging": {"kind": "none"}}
    ours, theirs = [], []
    for _ in range(rounds):
        task = make_task(values, data, steps)
        train(task, **changes)
        ours.append(task.steps_timed / task.seconds)
        theirs.append(run_bare_loop(data, hidden, layers, rows, steps))
    words = rows * data.sequence_length
    rates = [words * float(np.median(speeds)) for speeds in (ours, theirs)]
    label = f"LSTM {layers} x {hidden}, {rows} rows of {data.sequence_length}, {data.vocabulary_size} words"
    return [figure(f"training {label}", rates[0], "words per second", "bare loop over nn.LSTM", rates[1], "")]


class PlainLSTM(nn.Module):
    """Embedding, `nn.LSTM` and a linear layer."""

    def __init__(self, words: int, hidden: int, layers: int) -> None:
        """Build the network for this number of words, hidden size and number of layers."""
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, words)

    def forward(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read tokens (B, T); return logits (B, T, V) and the state after the last token."""
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.output(hidden), state


def run_bare_loop(data: Data, hidden: int, layers: int, rows: int, steps: int) -> float:
    """Train a `PlainLSTM` in a bare loop; return the steps per second."""
    network = PlainLSTM(data.vocabulary_size, hidden, layers).to(DEVICE)
    optimizer = torch.optim.Adam(network.parameters(), 0.001, fused=True)
    state, begin = None, 0.0
    for index, (x, y) in enumerate(contiguous_batches(data.train, data.sequence_length, rows, 1, 0)):
        if index == min(WARM_UP, steps // 2):
            begin = synchronized_time()
        if index == steps:
            break
        tokens, targets = (torch.from_numpy(np.asarray(part, dtype=np.int64)).to(DEVICE) for part in (x, y))
        logits, state = network(tokens, state)
        state = tuple(part.detach() for part in state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.masked_fill(targets <= BOS, -100).flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.25)
        optimizer.step()
    return (steps - min(WARM_UP, steps // 2)) / (synchronized_time() - begin)


def determinism(data: Data, sizes: dict[str, Any]) -> list[Figure]:
    """Measure the share of equal weights after two runs of a few steps with dropout and weight drop."""
    runs = []
    for _ in range(2):
        task = make_task(AWD | sizes, data, 30)
        train(task)
        runs.append(torch.cat([value.flatten() for value in task.network.state_dict().values()]))
    share = float((runs[0] == runs[1]).double().mean())
    return [figure("equal weights after two runs of 30 steps", share, "share", "none", None, "1")]


def main() -> None:
    """Print all figures, or those of one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--ptb", type=Path, help="the folder of ptb.train.txt; without it, random words of a Zipf distribution"
    )
    parser.add_argument("--seconds", type=float, default=420, help="the time for the training of the AWD-LSTM")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, for a CPU")
    parser.add_argument("--only", choices=["awd", "speed", "determinism"], help="print the figures of one part")
    arguments = parser.parse_args()
    splits, size = streams(arguments.ptb)
    sizes = {"embedding_size": 16, "hidden_size": [24, 24, 16]} if arguments.quick else {}
    data = partition(splits, size, 10 if arguments.quick else 70)
    figures: list[Figure] = []
    if arguments.only in (None, "determinism"):
        figures += determinism(data, sizes)
    if arguments.only in (None, "speed"):
        for hidden, layers, rows in ((16, 1, 8),) if arguments.quick else ((650, 2, 20), (1500, 2, 64)):
            figures += speed(data, hidden, layers, rows, 20 if arguments.quick else 100, 3)
    if arguments.only in (None, "awd"):
        figures += awd(data, arguments.seconds, sizes, 40 if arguments.quick else 10**9)
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
