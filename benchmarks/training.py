"""Training of recurrent networks beside hand-written loops: python -m benchmarks.training [--json] [--rounds N].

The same network, data, fused Adam and clipping by norm: once through `unroll.training.fit` (Lightning), once in a bare
loop with torch's own cross-entropy. They take turns, window by window; a figure is the median over all steps. Memory is
kept as in every stage, which the bare loop beside it profits from too.
Text is Penn Treebank (of a Zipf law without the mirror), its V - 4 most frequent words.

--examples FOLDER adds the word_language_model of a checkout of github.com/pytorch/examples at the same sizes.
"""

import argparse
import os
import re
import subprocess
import sys
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

from benchmarks.figures import Figure, figure, show
from unroll.models.base import neural_language_model
from unroll.models.recurrent import model as recurrent
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.training import Training
from unroll.pipeline import stage
from unroll.text.streams import Data, Stream, stream_of
from unroll.text.tokenizers.vocabulary import BOS, UNK
from unroll.training.fit import fit

MIRROR = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[2] / "shared/corpora")
PTB = MIRROR / "ptb/ptb.train.txt"
NATIVE = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
Timed = tuple[list[float], list[float]]  # seconds and nats per word of each step


@dataclass(frozen=True)
class Size:
    """V words, H = E, L layers, B rows of T words."""

    name: str
    words: int
    hidden: int
    layers: int
    rows: int
    length: int

    @property
    def tokens(self) -> int:
        return self.rows * self.length


A, B = Size("A", 10_000, 200, 2, 20, 35), Size("B", 4_000, 256, 1, 64, 64)
TINY = Size("tiny", 100, 16, 1, 4, 8)


LIMIT = 0.25  # of the gradient's norm
TRAINING = Training.model_validate(
    {
        "epochs": 1,
        "patience": 1,
        "batch_size": 1,  # the task knows its rows
        "accumulate_grad_batches": 1,
        "learning_rate": 0.001,
        "optimizer": {"kind": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0},
        "schedule": {"kind": "constant"},
        "clip": {"kind": "norm", "max_norm": LIMIT},
        "averaging": {"kind": "none"},
        "precision": 32,
        "checkpoint_steps": 10**9,
    }
)
"""One epoch at a constant rate; nothing but what the bare loop does too."""


def params(size: Size, precision: int | str = 32) -> RecurrentParams:
    values = {"family": "recurrent", "tokenizer": "words", "cell": "lstm", "layers": size.layers, "residual": False}
    values |= {
        "embedding_size": size.hidden,
        "hidden_size": size.hidden,
        "tie_weights": False,
        "batching": "contiguous",
    }
    values |= {
        "dropout": {
            "input": 0.2,
            "hidden": 0.2,
            "output": 0.2,
            "embedding": 0.0,
            "weight_drop": 0.0,
            "variational": False,
        }
    }
    values |= {"activation_regularization": {"ar": 0.0, "tar": 0.0}}
    softmax = {"kind": "full", "precision": precision}
    return RecurrentParams.model_validate(values | {"softmax": softmax, "training": TRAINING.model_dump()})


@cache
def lines(size: Size) -> list[list[str]]:
    """Sentences of at most V - 4 types; the rarer words are <unk>."""
    if not PTB.is_file():
        words = np.random.default_rng(0).zipf(1.2, 10**6)
        return [[f"w{word}" for word in line if word < size.words - 4] for line in np.split(words, 50_000)]
    found = [line.split() for line in PTB.read_text(encoding="utf-8").splitlines()]
    common = {word for word, _ in Counter(word for line in found for word in line).most_common(size.words - 4)}
    return [[word if word in common else "<unk>" for word in line] for line in found]


@cache
def data(size: Size, steps: int) -> Data:
    """Enough of the text for `steps` batches."""
    text = lines(size)
    ids = {word: 4 + i for i, word in enumerate(sorted({word for line in text for word in line} - {"<unk>"}))}
    stream = stream_of([np.array([ids.get(word, UNK) for word in line], dtype=np.int64) for line in text], size.words)
    wanted = steps * size.tokens + size.length
    tokens = np.tile(stream.tokens, -(-wanted // len(stream.tokens)))[:wanted]
    train, valid = (Stream(part, np.array([0, len(part)])) for part in (tokens, tokens[: 2 * size.tokens]))
    return Data("words", size.words, size.length, 1, {"train": {"text": train}, "valid": {"text": valid}})


class Task(neural_language_model.Task):
    """Notes when each batch is asked for: what lies between is a step."""

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        self.times: list[float] = []
        for batch in super().train_batches(epoch):
            self.times.append(time.perf_counter())
            yield batch
        self.times.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        return [after - before for before, after in zip(self.times[:-1], self.times[1:], strict=True)]


def task(size: Size, steps: int, precision: int | str = 32) -> Task:
    torch.manual_seed(1)
    network = recurrent.Network(params(size, precision), size.words)
    if not hasattr(network, "start"):
        network.start = network.recurrent.start
    return Task(network, "sequential", size.rows, data(size, steps))


def ours(trained: Task) -> Timed:
    """A window through Lightning; the losses are those it reports."""
    losses: list[float] = []

    def report(step: int, **values: float) -> None:
        losses.extend([values["train_loss"]] if "train_loss" in values else [])

    fit(trained, TRAINING, 1, report)
    return trained.seconds, losses


def bare(trained: Task, fused: bool = False, seeded: bool = False) -> Timed:
    """A window of the loop one would write by hand; `fused` with our loss, `seeded` with our dropout."""
    network, losses = trained.network.train(), []
    optimizer = torch.optim.Adam(network.parameters(), TRAINING.learning_rate, fused=True)
    state = network.start(trained.rows)
    for step, (tokens, targets) in enumerate(trained.train_batches(0)):
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
        nn.utils.clip_grad_norm_(network.parameters(), LIMIT)
        optimizer.step()
        losses.append(loss.item())
    return trained.seconds, losses


def in_turns(rounds: int, make: dict[str, Callable[[], Timed]]) -> dict[str, list[float]]:
    """Seconds of all steps of all windows by name, without the first steps, in which memory is taken."""
    found: dict[str, list[float]] = {name: [] for name in make}
    for _ in range(rounds):
        for name, window in make.items():
            seconds = window()[0]
            found[name] += seconds[min(5, len(seconds) // 2) :]
    return found


def speed(size: Size, rounds: int, steps: int, examples: Path | None) -> list[Figure]:
    """Words per second at equal precision."""
    windows: dict[str, Callable[[], Timed]] = {
        "ours": lambda: ours(task(size, steps)),
        "bare": lambda: bare(task(size, steps)),
    }
    if NATIVE:
        windows["bf16"] = lambda: ours(task(size, steps, "bf16"))
    main = examples and examples / "word_language_model/main.py"
    skipped = "" if main and main.is_file() else f"skipped: no {main}" if main else "skipped: no --examples"
    if examples and not skipped:
        with tempfile.TemporaryDirectory() as folder:
            write_text(Path(folder), size)
            windows["examples"] = lambda: word_language_model(examples, Path(folder), size, steps)
            found = in_turns(rounds, windows)
    else:
        found = in_turns(rounds, windows)
    rates = {name: size.tokens / median(seconds) for name, seconds in found.items()}
    label, unit, rate = f"training at size {size.name}", "words per second", rates["ours"]
    peer = skipped or "pytorch/examples word_language_model"
    figures = [
        figure(label, rate, unit, "bare loop", rates["bare"], "ratio at least 1.0"),
        figure(label, rate, unit, peer, rates.get("examples"), "ratio at least 1.15"),
    ]
    if NATIVE:  # elsewhere they are emulated, several times slower
        goal = "ratio at least 1.4" if size is B else ""
        figures.append(figure(f"{label}, softmax of 16 bits", rates["bf16"], unit, "bare loop", rates["bare"], goal))
    return figures


def write_text(folder: Path, size: Size) -> None:
    """The text as word_language_model wants it."""
    text = "\n".join(" ".join(line) for line in lines(size)) + "\n"
    for split in ("train", "valid", "test"):
        (folder / f"{split}.txt").write_text(text if split == "train" else text[:10_000], encoding="utf-8")


def word_language_model(examples: Path, folder: Path, size: Size, steps: int) -> Timed:
    """Its own report of the milliseconds of a batch, from its second window on; it is ended there."""
    sizes = {"emsize": size.hidden, "nhid": size.hidden, "nlayers": size.layers, "batch_size": size.rows}
    sizes |= {"bptt": size.length, "log-interval": max(1, steps // 2)}
    options = [f"--{name}={value}" for name, value in sizes.items()]
    command = [sys.executable, "-u", "main.py", "--data", str(folder), *options, "--save", str(folder / "model.pt")]
    process = subprocess.Popen(command, cwd=examples / "word_language_model", stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found: list[float] = []
    for line in process.stdout:
        if match := re.search(r"ms/batch +([\d.]+)", line):
            found.append(float(match[1]) / 1000)
        if len(found) == 3:
            break
    process.kill()
    process.wait()
    return found[1:] * (steps // 2), []


def equal_loss(size: Size, steps: int, bf16: bool) -> list[Figure]:
    """The loss after `steps` steps from the same weights: the mean over the last tenth of them."""
    last, plain = max(1, steps // 10), bare(task(size, steps), seeded=True)[1]
    peer, goal = mean(plain[-last:]), "within 0.0005 of the peer"
    label = f"training loss at size {size.name}, last {last} of {steps} steps"
    names: dict[int | str, str] = {32: "32 bits"} | ({"bf16": "softmax of 16 bits"} if bf16 else {})
    found = {name: ours(task(size, steps, precision))[1][-1] for precision, name in names.items()}
    return [
        figure(f"{label}, {name}", value, "nats per word", "bare loop", peer, goal, comparable=False)
        for name, value in found.items()
    ]


def overhead(rounds: int, steps: int) -> list[Figure]:
    """What Lightning adds to a step: a network so small that little else is left, and the same loss in both loops."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # there is nothing to share out, and waiting for a second thread is no work of Lightning's
    found = in_turns(
        rounds, {"ours": lambda: ours(task(TINY, steps)), "bare": lambda: bare(task(TINY, steps), fused=True)}
    )
    torch.set_num_threads(threads)
    added = 1000 * (median(found["ours"]) - median(found["bare"]))
    rows = [figure("overhead of a step through Lightning", added, "ms", "bare loop", None, "below 1")]
    for name, seconds in found.items():
        rows.append(figure(f"a step of the tiny network, {name}", 1000 * median(seconds), "ms", "none", None, ""))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--examples", type=Path, help="a checkout of github.com/pytorch/examples")
    parser.add_argument("--quick", action="store_true", help="a few steps of each, to see that it runs")
    parser.add_argument("--emulate", action="store_true", help="the loss of 16 bits also where they are emulated: slow")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    stage.keep_freed_memory()
    rounds, steps = (1, 6) if arguments.quick else (arguments.rounds, 40)
    figures = overhead(rounds, 50 if arguments.quick else 1000)
    for size in (A, B):
        figures += speed(size, rounds, steps, arguments.examples)
    figures += equal_loss(B, 10 if arguments.quick else 200, NATIVE or arguments.emulate)
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
