"""What a GPU makes of it: python -m benchmarks.gpu [--json] [--ptb FOLDER] [--seconds N] [--quick].

Needs torch, numpy and Lightning alone. Penn Treebank by the recipe of AWD-LSTM (Merity, Keskar and Socher 2018) for a
given time, the speed of cuDNN's LSTM through Lightning beside a bare loop, and whether two runs give the same weights.
Without a GPU it runs on the CPU, for which --quick has sizes.
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
from unroll.models.base.inputs import Inputs
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
WARM_UP = 10  # steps before the clock starts

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
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": {"kind": "full", "precision": 32},
    "training": TRAINING,
}
NONE = {"input": 0.0, "hidden": 0.0, "output": 0.0, "embedding": 0.0, "weight_drop": 0.0, "variational": False}
ADAM = {"kind": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0}


def streams(ptb: Path | None) -> tuple[dict[str, Stream], int]:
    """train, valid and test, one long text each as in the literature, and the size of the vocabulary."""
    splits = ("train", "valid", "test")
    if ptb is None:
        words = np.split(4 + np.random.default_rng(0).zipf(1.3, 66_000) % 500, (60_000, 63_000))
        return {split: stream_of([part], 504) for split, part in zip(splits, words, strict=True)}, 504
    text = {split: (ptb / f"ptb.{split}.txt").read_text(encoding="utf-8").replace("\n", " <eos> ") for split in splits}
    ids = {word: 4 + i for i, word in enumerate(sorted(set(text["train"].split())))}
    found = {split: stream_of([np.array([ids[w] for w in text[split].split()])], 4 + len(ids)) for split in splits}
    return found, 4 + len(ids)


def data(found: dict[str, Stream], size: int, length: int) -> Data:
    return Data("words", size, length, 1, {split: {"text": stream} for split, stream in found.items()})


class Task(recurrent.Task):
    """Measures its steps after the first few, waiting for the device at both ends only."""

    seconds, steps_timed, limit = 0.0, 0, 10**9

    def steps(self, epoch: int) -> int:
        return min(super().steps(epoch), self.limit)

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        begin, last = 0.0, self.steps(epoch) - 1
        first = min(WARM_UP, last // 2)
        for index, batch in enumerate(super().train_batches(epoch)):
            if index == first:
                begin = now()
            if index == last:  # nobody asks for another one
                self.seconds, self.steps_timed = now() - begin, last - first
            yield batch


def now() -> float:
    """Seconds, once the device has done what it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def task(values: dict[str, Any], given: Data, limit: int = 10**9) -> Task:
    torch.manual_seed(1)
    wanted = bare.make(RecurrentParams, values | {"dropout": bare.make(Dropouts, values["dropout"])})
    built = Task(Network(wanted, given.vocabulary_size), wanted, given)
    built.limit = limit
    return built


def train(built: Task, **changes: Any) -> list[dict[str, float]]:
    """What was reported, by row."""
    rows: list[dict[str, float]] = []
    fit(built, bare.make(Training, TRAINING | changes), 1, Inputs(), lambda step, **values: rows.append(values))
    return rows


def awd(given: Data, seconds: float, sizes: dict[str, Any], limit: int) -> list[Figure]:
    """As many epochs (of `limit` steps at most) as fit into `seconds`, by the speed of the first steps."""
    trial = task(AWD | sizes, given, 60)
    train(trial)
    step = trial.seconds / trial.steps_timed
    built = task(AWD | sizes, given, limit)
    epochs = max(1, int(seconds / (1.1 * step * built.steps(0))))
    begin = now()
    rows = train(built, epochs=epochs)
    wall = now() - begin
    perplexity = carried(built, given.test)
    valid = min(row["valid_perplexity"] for row in rows if "valid_perplexity" in row)
    label = f"AWD-LSTM, {epochs} epochs"
    return [
        figure(f"{label}: test perplexity", perplexity, "", "500 epochs in the paper", 58.8, "at most 65"),
        figure(f"{label}: best valid perplexity", valid, "", "500 epochs in the paper", 61.2, ""),
        figure(f"{label}: wall time", wall, "s", "none", None, f"about {seconds:g}"),
        figure(f"{label}: speed", 20 * given.sequence_length / step, "words per second", "none", None, ""),
    ]


@torch.no_grad()
def carried(built: Task, stream: Stream) -> float:
    """Perplexity with the state carried on from beginning to end."""
    network, state = built.network.to(DEVICE).eval(), None
    nats, count = 0.0, 0
    for x, y in contiguous_batches(stream, 256, 1, 0, 0):
        tokens, targets = (torch.from_numpy(np.asarray(part, dtype=np.int64)).to(DEVICE) for part in (x, y))
        summed, counted, state = built.loss((tokens, targets), state)
        nats, count = nats + float(summed), count + int(counted)
    network.cpu()
    return math.exp(nats / count)


def speed(given: Data, hidden: int, layers: int, rows: int, steps: int, rounds: int) -> list[Figure]:
    """The plain LSTM without dropout, through Lightning and in a bare loop over nn.LSTM, in turns."""
    values = AWD | {"hidden_size": hidden, "embedding_size": hidden, "layers": layers, "dropout": NONE}
    values |= {"activation_regularization": {"ar": 0.0, "tar": 0.0}, "tie_weights": False}
    values |= {"training": TRAINING | {"batch_size": rows}}
    changes = {"batch_size": rows, "optimizer": ADAM, "learning_rate": 0.001, "averaging": {"kind": "none"}}
    ours, theirs = [], []
    for _ in range(rounds):
        built = task(values, given, steps)
        train(built, **changes)
        ours.append(built.steps_timed / built.seconds)
        theirs.append(bare_loop(given, hidden, layers, rows, steps))
    words = rows * given.sequence_length
    rates = [words * float(np.median(found)) for found in (ours, theirs)]
    label = f"LSTM {layers} x {hidden}, {rows} rows of {given.sequence_length}, {given.vocabulary_size} words"
    return [figure(f"training {label}", rates[0], "words per second", "bare loop over nn.LSTM", rates[1], "")]


class Plain(nn.Module):
    def __init__(self, words: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, words)

    def forward(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.output(hidden), state


def bare_loop(given: Data, hidden: int, layers: int, rows: int, steps: int) -> float:
    """Steps per second."""
    network = Plain(given.vocabulary_size, hidden, layers).to(DEVICE)
    optimizer = torch.optim.Adam(network.parameters(), 0.001, fused=True)
    state, begin = None, 0.0
    for index, (x, y) in enumerate(contiguous_batches(given.train, given.sequence_length, rows, 1, 0)):
        if index == min(WARM_UP, steps // 2):
            begin = now()
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
    return (steps - min(WARM_UP, steps // 2)) / (now() - begin)


def determinism(given: Data, sizes: dict[str, Any]) -> list[Figure]:
    """The share of equal weights after two runs of a few steps, dropout and weight drop included."""
    runs = []
    for _ in range(2):
        built = task(AWD | sizes, given, 30)
        train(built)
        runs.append(torch.cat([value.flatten() for value in built.network.state_dict().values()]))
    share = float((runs[0] == runs[1]).double().mean())
    return [figure("equal weights after two runs of 30 steps", share, "share", "none", None, "1")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--ptb", type=Path, help="the folder of ptb.train.txt; without it a Zipf law, to try it out")
    parser.add_argument("--seconds", type=float, default=420, help="for the training of the AWD-LSTM")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try it out on a CPU")
    parser.add_argument("--only", choices=["awd", "speed", "determinism"], help="one part")
    arguments = parser.parse_args()
    found, size = streams(arguments.ptb)
    sizes = {"embedding_size": 16, "hidden_size": [24, 24, 16]} if arguments.quick else {}
    given = data(found, size, 10 if arguments.quick else 70)
    figures: list[Figure] = []
    if arguments.only in (None, "determinism"):
        figures += determinism(given, sizes)
    if arguments.only in (None, "speed"):
        for hidden, layers, rows in ((16, 1, 8),) if arguments.quick else ((650, 2, 20), (1500, 2, 64)):
            figures += speed(given, hidden, layers, rows, 20 if arguments.quick else 100, 3)
    if arguments.only in (None, "awd"):
        figures += awd(given, arguments.seconds, sizes, 40 if arguments.quick else 10**9)
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
