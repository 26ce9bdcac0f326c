"""Encoder-decoders: python -m benchmarks.translation [--json] [--quick] [--rounds N] [--pairs N] [--max-length N].

- Copying and reversing up to 30 random words, with attention and without it.
- Training by `unroll.models.seq2seq.model` (Lightning) compared with a bare loop over the same network, in turns.
- Decoding sentences together compared with one at a time, by greedy search and by beam search.
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
from unroll.arithmetic.threads import set_threads
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


def make_data(kind: str, pairs: int, max_length: int, seed: int = 1) -> Data:
    """Sample pairs whose words and lengths (1 to `max_length`) are uniform.

    Args:
        kind: `copy`: the target is the source; `reverse`: the target is the reversed source.
        pairs: The number of pairs of the train split.
        max_length: The maximum number of words.
        seed: The random seed.

    Returns:
        The partition.
    """
    generator, streams = np.random.default_rng(seed), {}
    for split, count in {"train": pairs, "valid": 200, "test": 500}.items():
        sources = [generator.integers(4, 4 + WORDS, generator.integers(1, max_length + 1)) for _ in range(count)]
        targets = [source if kind == "copy" else source[::-1] for source in sources]
        streams[split] = {side: stream_of(d, 4 + WORDS) for side, d in (("source", sources), ("target", targets))}
    return Data(kind, 4 + WORDS, 35, seed, streams)


def params(attention: str, hidden: int, epochs: int, rate: float = 0.004) -> Seq2seqParams:
    """Return the settings of a bidirectional LSTM encoder-decoder, with input feeding if it has attention."""
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
        "ranks": 1,
    }
    sizes = {"embedding_size": hidden, "hidden_size": hidden, "layers": 1, "dropout": 0.0, "label_smoothing": 0.0}
    kind = {"cell": "lstm", "bidirectional": True, "attention": attention, "input_feeding": attention != "none"}
    shared = {"share_embeddings": False, "tie_weights": False, "teacher_forcing": {"first": 1.0, "last": 1.0}}
    return Seq2seqParams.model_validate(
        {"family": "seq2seq", "tokenizer": "pairs", **kind, **sizes, **shared, "training": training}
    )


def search(beam: int) -> Search:
    """Return the settings of a beam search without penalties."""
    return Search(beam=beam, length_penalty=0.0, coverage_penalty=0.0, max_length_ratio=2.0, max_length_offset=10)


def exact_matches(model: seq2seq.Model, data: Data) -> list[bool]:
    """Return for each test sentence whether greedy search finds its target."""
    sources, targets = (data.streams["test"][side].documents for side in SIDES)
    results = translate(model, [source[:-1] for source in sources], 128, search(1))
    return [np.array_equal(own[0].tokens, target[:-1]) for own, target in zip(results, targets, strict=True)]


def measure_exact_match(kind: str, pairs: int, max_length: int, hidden: int, epochs: int) -> list[Figure]:
    """Measure the exact matches with attention and without it, over all lengths and by length.

    Args:
        kind: `copy` or `reverse`.
        pairs: The number of pairs of the train split.
        max_length: The maximum number of words.
        hidden: The size of embeddings and states.
        epochs: The number of epochs.

    Returns:
        A figure of all lengths, then one of each group of lengths.
    """
    data = make_data(kind, pairs, max_length)
    correct = {}
    for attention in ("dot", "none"):
        model = seq2seq.fit(params(attention, hidden, epochs), data, Inputs(), lambda *_, **__: None)
        correct[attention] = np.asarray(exact_matches(model, data))
    lengths = np.asarray([len(source) - 1 for source in data.streams["test"]["source"].documents])
    groups = np.searchsorted(LENGTHS, lengths)
    own, other = (float(correct[name].mean()) for name in ("dot", "none"))
    figures = [figure(f"{kind}, exact match", own, "share", "without attention", other, "1")]
    for group in np.unique(groups):
        rows, last = groups == group, min(LENGTHS[group], max_length)
        own, other = float(correct["dot"][rows].mean()), float(correct["none"][rows].mean())
        figures.append(figure(f"{kind}, exact match up to length {last}", own, "share", "without attention", other))
    return figures


def measure_training(pairs: int, rounds: int, hidden: int, words: int = 4000) -> list[Figure]:
    """Measure the target tokens per second of training, median of some rounds, with and without Lightning."""
    data = _random_text(pairs, words)
    settings = params("dot", hidden, 1).model_copy(update={"input_feeding": False})
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(_speed_of_fit(settings, data))
        bare.append(_speed_of_bare_loop(settings, data))
    return [figure("training", median(ours), "tokens/s", "bare loop", median(bare), "ratio at least 1.0")]


def _random_text(pairs: int, words: int) -> Data:
    """Return pairs of sentences of 3 to 20 words of a Zipf distribution."""
    generator, p = np.random.default_rng(1), 1 / np.arange(1, words + 1)
    streams = {}
    for split, count in {"train": pairs, "valid": 64, "test": 64}.items():
        sides = {}
        for side in SIDES:
            lengths = generator.integers(3, 21, count)
            sides[side] = stream_of([4 + generator.choice(words, n, p=p / p.sum()) for n in lengths], 4 + words)
        streams[split] = sides
    return Data("zipf", 4 + words, 35, 1, streams)


def _speed_of_fit(settings: Seq2seqParams, data: Data) -> float:
    """Return the tokens per second between the first and the last log of the training loss."""
    logged: list[tuple[float, int]] = []

    def log(step: int, **values: float) -> None:
        if "train_loss" in values:
            logged.append((time.perf_counter(), step))

    seq2seq.fit(settings, data, Inputs(), log)
    tokens = [int((targets != PAD).sum()) for _, targets, _ in _batches(settings, data)]
    (begin, first), (end, last) = logged[0], logged[-1]
    return sum(tokens[first:last]) / (end - begin)


def _speed_of_bare_loop(settings: Seq2seqParams, data: Data) -> float:
    """Return the tokens per second of a loop as one would write it by hand, without its first tenth."""
    network = EncoderDecoder(settings, data.vocabulary_size, data.vocabulary_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.training.learning_rate, fused=True)
    torch.use_deterministic_algorithms(False)  # Lightning has turned them on
    batches = _batches(settings, data)
    skipped = max(1, len(batches) // 10)
    tokens, first = 0, 0.0
    for index, (sources, targets, _) in enumerate(batches):
        if index == skipped:
            first = time.perf_counter()
        values, last = network.encode(sources)
        read = torch.cat([torch.ones_like(targets[:, :1]), targets[:, :-1]], dim=1)
        outputs = network.decode(read, network.decoder.start(last), network.decoder.memory(values)).outputs
        classes = torch.where(targets == PAD, -100, targets - FIRST_PREDICTED)
        loss = F.cross_entropy(network.softmax.logits(outputs).flatten(0, 1), classes.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        tokens += int((targets != PAD).sum()) * (index >= skipped)
    return tokens / (time.perf_counter() - first)


def _batches(settings: Seq2seqParams, data: Data) -> list[Batch]:
    """Return the batches of the first epoch."""
    network = EncoderDecoder(settings, data.vocabulary_size, data.vocabulary_size)
    return list(Task(network, settings, data).train_batches(0))


def measure_decoding(sentences: int, rounds: int, hidden: int, words: int = 4000) -> list[Figure]:
    """Measure the sentences per second of an untrained network, whose translations have the maximum length."""
    data = _random_text(sentences, words)
    torch.manual_seed(1)
    sizes = (data.vocabulary_size, data.vocabulary_size)
    settings = params("dot", hidden, 1)
    model = seq2seq.Model(settings, sizes, EncoderDecoder(settings, *sizes))
    sources = [source[:-1] for source in data.streams["train"]["source"].documents]
    figures = []
    for beam in (1, 5):
        speeds: dict[int, list[float]] = {64: [], 1: []}
        for _ in range(rounds):
            for batch_size, measured in speeds.items():
                some: Sequence[Any] = sources if batch_size > 1 else sources[: max(1, len(sources) // 8)]
                start = time.perf_counter()
                translate(model, some, batch_size, search(beam))
                measured.append(len(some) / (time.perf_counter() - start))
        together, alone = (median(speeds[size]) for size in (64, 1))
        figures.append(figure(f"decoding, beam {beam}", together, "sentences/s", "one at a time", alone))
    return figures


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=80_000, help="the number of pairs to train on")
    parser.add_argument("--max-length", type=int, default=30, help="the maximum number of words to copy or reverse")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to test the benchmark")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.pairs, arguments.max_length, arguments.epochs, arguments.hidden = 1, 800, 8, 1, 16
    set_threads(arguments.threads)
    show(measure_all(arguments), arguments.json)


def measure_all(arguments: argparse.Namespace) -> Iterator[Figure]:
    """Yield the figures of all parts."""
    yield from measure_training(max(800, arguments.pairs // 20), arguments.rounds, 2 * arguments.hidden)
    yield from measure_decoding(max(16, arguments.pairs // 200), arguments.rounds, 2 * arguments.hidden)
    for kind in ("copy", "reverse"):
        yield from measure_exact_match(kind, arguments.pairs, arguments.max_length, arguments.hidden, arguments.epochs)


if __name__ == "__main__":
    main()
