"""Encoder-decoders: python -m benchmarks.translation [--json] [--quick] [--rounds N] [--pairs N] [--longest N].

- copy and reverse: random words up to length 30, said again or backwards, by attention and through the bottleneck;
- training through `unroll.models.seq2seq.model` (Lightning) beside a bare loop of the same network, in turns; medians;
- decoding sentences together beside one at a time, greedily and with a beam.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.figures import Figure, figure, show
from unroll.evaluation.tasks.translation import translate
from unroll.evaluation.tasks.translation_metrics import LENGTHS
from unroll.models.base.inputs import Inputs
from unroll.models.seq2seq import model as seq2seq
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.models.seq2seq.task import SIDES, Batch, Task
from unroll.params.evaluate import Search
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED, PAD

WORDS = 20


def task(kind: str, pairs: int, longest: int, seed: int = 1) -> Data:
    """`copy`: the target is the source; `reverse`: backwards. Words and lengths (1 to `longest`) are uniform."""
    generator, streams = np.random.default_rng(seed), {}
    for split, count in {"train": pairs, "valid": 200, "test": 500}.items():
        sources = [generator.integers(4, 4 + WORDS, generator.integers(1, longest + 1)) for _ in range(count)]
        targets = [source if kind == "copy" else source[::-1] for source in sources]
        streams[split] = {side: stream_of(d, 4 + WORDS) for side, d in (("source", sources), ("target", targets))}
    return Data(kind, 4 + WORDS, 35, seed, streams)


def params(attention: str, hidden: int, epochs: int, rate: float = 0.004) -> Seq2seqParams:
    training = {
        "epochs": epochs,
        "patience": epochs,
        "batch_size": 64,
        "accumulate_grad_batches": 1,
        "learning_rate": rate,
        "optimizer": {"kind": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0},
        "schedule": {"kind": "cosine"},
        "clip": {"kind": "norm", "max_norm": 1.0},
        "averaging": {"kind": "none"},
        "precision": 32,
        "checkpoint_steps": 10**9,
    }
    sizes = {"embedding_size": hidden, "hidden_size": hidden, "layers": 1, "dropout": 0.0, "label_smoothing": 0.0}
    kind = {"cell": "lstm", "bidirectional": True, "attention": attention, "input_feeding": attention != "none"}
    shared = {"share_embeddings": False, "tie_weights": False, "teacher_forcing": {"first": 1.0, "last": 1.0}}
    return Seq2seqParams.model_validate(
        {"family": "seq2seq", "tokenizer": "pairs", **kind, **sizes, **shared, "training": training}
    )


def search(beam: int) -> Search:
    return Search(beam=beam, length_penalty=0.0, coverage_penalty=0.0, max_length_ratio=2.0, max_length_offset=10)


def exact(model: seq2seq.Model, data: Data) -> list[bool]:
    """Which test sentences a greedy search gets right."""
    sources, targets = (data.streams["test"][side].documents for side in SIDES)
    found = translate(model, [source[:-1] for source in sources], 128, search(1))
    return [np.array_equal(own[0].tokens, target[:-1]) for own, target in zip(found, targets, strict=True)]


def solving(kind: str, pairs: int, longest: int, hidden: int, epochs: int) -> list[Figure]:
    """Exact match of attention beside the bottleneck, over all lengths and by length."""
    data = task(kind, pairs, longest)
    right = {
        name: np.asarray(exact(seq2seq.fit(params(name, hidden, epochs), data, Inputs(), lambda *_, **__: None), data))
        for name in ("dot", "none")
    }
    lengths = np.asarray([len(source) - 1 for source in data.streams["test"]["source"].documents])
    groups = np.searchsorted(LENGTHS, lengths)
    own, other = (float(right[name].mean()) for name in ("dot", "none"))
    found = [figure(f"{kind}, exact match", own, "share", "bottleneck", other, "1")]
    for group in np.unique(groups):
        rows, last = groups == group, min(LENGTHS[group], longest)
        own, other = float(right["dot"][rows].mean()), float(right["none"][rows].mean())
        found.append(figure(f"{kind}, exact match to length {last}", own, "share", "bottleneck", other))
    return found


def training(pairs: int, rounds: int, hidden: int, words: int = 4000) -> list[Figure]:
    """Target tokens per second of the train loop."""
    data, options = _text(pairs, words), params("dot", hidden, 1)
    options = options.model_copy(update={"input_feeding": False})
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(_speed_of_fit(options, data))
        bare.append(_speed_of_loop(options, data))
    return [figure("training", median(ours), "tokens/s", "bare loop", median(bare), "ratio at least 1.0")]


def _text(pairs: int, words: int) -> Data:
    """Sentences of 3 to 20 words of a Zipf law."""
    generator, p = np.random.default_rng(1), 1 / np.arange(1, words + 1)
    streams = {}
    for split, count in {"train": pairs, "valid": 64, "test": 64}.items():
        sides = {}
        for side in SIDES:
            lengths = generator.integers(3, 21, count)
            sides[side] = stream_of([4 + generator.choice(words, n, p=p / p.sum()) for n in lengths], 4 + words)
        streams[split] = sides
    return Data("zipf", 4 + words, 35, 1, streams)


def _speed_of_fit(options: Seq2seqParams, data: Data) -> float:
    marks: list[tuple[float, int]] = []

    def report(step: int, **values: float) -> None:
        if "train_loss" in values:
            marks.append((time.perf_counter(), step))

    seq2seq.fit(options, data, report)
    tokens = [int((targets != PAD).sum()) for _, targets, _ in _batches(options, data)]
    (first, a), (last, b) = marks[0], marks[-1]  # the start, and the validation at the end, are outside
    return sum(tokens[a:b]) / (last - first)


def _speed_of_loop(options: Seq2seqParams, data: Data) -> float:
    network = EncoderDecoder(options, data.vocabulary_size, data.vocabulary_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.training.learning_rate, fused=True)
    torch.use_deterministic_algorithms(False)  # which Lightning turned on
    batches = _batches(options, data)
    skipped = max(1, len(batches) // 10)
    tokens, first = 0, 0.0
    for index, (sources, targets, _) in enumerate(batches):
        if index == skipped:
            first = time.perf_counter()
        values, last = network.encode(sources)
        read = torch.cat([torch.ones_like(targets[:, :1]), targets[:, :-1]], dim=1)
        outputs = network.decode(read, network.decoder.start(last), network.decoder.memory(values)).outputs
        wanted = torch.where(targets == PAD, -100, targets - FIRST_PREDICTED)
        loss = F.cross_entropy(network.softmax.logits(outputs).flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        tokens += int((targets != PAD).sum()) * (index >= skipped)
    return tokens / (time.perf_counter() - first)


def _batches(options: Seq2seqParams, data: Data) -> list[Batch]:
    network = EncoderDecoder(options, data.vocabulary_size, data.vocabulary_size)
    return list(Task(network, options, data).train_batches(0))


def decoding(sentences: int, rounds: int, hidden: int, words: int = 4000) -> list[Figure]:
    """Sentences per second of an untrained network, which ends its texts at the longest length only."""
    data = _text(sentences, words)
    torch.manual_seed(1)
    sizes = (data.vocabulary_size, data.vocabulary_size)
    options = params("dot", hidden, 1)
    model = seq2seq.Model(options, sizes, EncoderDecoder(options, *sizes))
    sources = [source[:-1] for source in data.streams["train"]["source"].documents]
    found = []
    for beam in (1, 5):
        speeds: dict[int, list[float]] = {64: [], 1: []}
        for _ in range(rounds):
            for batch_size, measured in speeds.items():
                some: Sequence[Any] = sources if batch_size > 1 else sources[: max(1, len(sources) // 8)]
                start = time.perf_counter()
                translate(model, some, batch_size, search(beam))
                measured.append(len(some) / (time.perf_counter() - start))
        together, alone = (median(speeds[size]) for size in (64, 1))
        found.append(figure(f"decoding, beam {beam}", together, "sentences/s", "one at a time", alone))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=80_000)
    parser.add_argument("--longest", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs; nothing is solved")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.pairs, asked.longest, asked.epochs, asked.hidden = 1, 800, 8, 1, 16
    torch.set_num_threads(asked.threads)
    show(figures(asked), asked.json)


def figures(asked: argparse.Namespace) -> Iterator[Figure]:
    yield from training(max(800, asked.pairs // 20), asked.rounds, 2 * asked.hidden)
    yield from decoding(max(16, asked.pairs // 200), asked.rounds, 2 * asked.hidden)
    for kind in ("copy", "reverse"):
        yield from solving(kind, asked.pairs, asked.longest, asked.hidden, asked.epochs)


if __name__ == "__main__":
    main()
