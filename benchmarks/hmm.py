"""Compare hidden Markov models with hmmlearn: python -m benchmarks.hmm [--json] [--rounds N] [--oracle].

The data are the 2,000 most frequent words and the first 100,000 tokens of Penn Treebank, or tokens of a Zipf
distribution without the mirror. Both models have 32 states, start from the same random parameters, and run in turns.
Both use one thread, so CPU seconds do not depend on other load. --oracle adds a training on 10^6 tokens that are
sampled from a chain of 8 states, which takes minutes.
"""

import argparse
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, figure, show
from unroll.models.base.inputs import Inputs
from unroll.models.hmm import model as hmm
from unroll.models.hmm.em import BaumWelch
from unroll.models.hmm.forward_backward import Probabilities
from unroll.models.hmm.params import HmmParams
from unroll.text.streams import Data, Ids, Stream, stream_of
from unroll.text.tokenizers.vocabulary import EOS

MIRROR = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[2] / "shared/corpora")
PTB = MIRROR / "ptb/ptb.train.txt"
STATES, SIZE, TOKENS = 32, 2000, 100_000


def params(**changes: Any) -> HmmParams:
    """Return the settings of the models, with changes."""
    numbers = {"states": STATES, "pseudo_count": 0.01, "restarts": 1, "restart_tokens": 50_000}
    numbers |= {"restart_iterations": 1, "iterations": 500, "tolerance": 1e-7}
    return HmmParams.model_validate({"family": "hmm", "tokenizer": "words"} | numbers | changes)


def read_tokens() -> Stream:
    """Read TOKENS tokens. Each line is a document, and the last of the SIZE types stands for all rarer words."""
    if not PTB.is_file():
        generator = np.random.default_rng(0)
        documents = np.split(4 + np.minimum(generator.zipf(1.2, TOKENS), SIZE - 5), range(20, TOKENS, 20))
        return stream_of(documents, SIZE)
    lines = [line.split() for line in PTB.read_text(encoding="utf-8").splitlines()]
    common = [word for word, _ in Counter(word for line in lines for word in line).most_common(SIZE - 5)]
    ids = {word: 4 + rank for rank, word in enumerate(common)}
    documents, left = [], TOKENS
    while left > 0:
        line = lines[len(documents)][: left - 1]
        documents.append(np.array([ids.get(word, SIZE - 1) for word in line], dtype=np.int64))
        left -= len(line) + 1
    return stream_of(documents, SIZE)


def measure_iterations(rounds: int) -> list[Figure]:
    """Measure one EM iteration on many documents, and on the same tokens as one document."""
    documents = read_tokens()
    tokens = np.delete(documents.tokens, documents.offsets[:-1]).astype(np.int64)
    one = Stream(np.insert(tokens, 0, 1), np.array([0, len(tokens) + 1]))
    figures = []
    for name, stream in (("as one document", one), (f"as {len(documents.offsets) - 1} documents", documents)):
        em = BaumWelch(params(), stream, SIZE)
        model = em.initialize(np.random.default_rng(1))
        theirs, peer = _peer(model, tokens, stream.lengths)

        def ours(em: BaumWelch = em, model: Probabilities = model) -> None:
            em.maximize(em.trellis.expected_counts(model), model)

        seconds: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(rounds):
            seconds["ours"].append(_cpu(ours))
            seconds["peer"] += [_cpu(peer)] if peer else []
        peer_value = median(seconds["peer"]) if peer else None
        label = f"EM iteration, {STATES} states, {SIZE} words, {TOKENS:,} tokens {name}"
        goal = "ratio at least 4"
        name_of_peer = "hmmlearn scaling" if peer else "skipped: hmmlearn is not installed"
        figures.append(figure(label, median(seconds["ours"]), "CPU s", name_of_peer, peer_value, goal))
        if theirs:
            counts = em.trellis.expected_counts(model)
            expected, log_likelihood = theirs
            pairs = ((counts.initial, "start"), (counts.transition, "trans"), (counts.emission, "obs"))
            far = max(_relative_difference(mine, expected[key]) for mine, key in pairs)
            goal = "at most 1e-6"
            figures.append(figure(f"largest difference of a count, {name}", far, "relative", "hmmlearn", None, goal))
            far = abs(counts.log_likelihood / log_likelihood - 1)
            figures.append(figure(f"difference of the likelihood, {name}", far, "relative", "hmmlearn", None, goal))
    return figures


def _peer(
    model: Probabilities, tokens: Ids, lengths: Ids
) -> tuple[tuple[Any, float] | None, Callable[[], None] | None]:
    """Return the result of hmmlearn's E-step from the same parameters, and a function that runs an iteration."""
    try:
        from hmmlearn.hmm import CategoricalHMM
    except ImportError:
        return None, None
    peer = CategoricalHMM(STATES, implementation="scaling", n_features=SIZE)

    def start() -> None:
        peer.startprob_, peer.transmat_, peer.emissionprob_ = model.initial, model.transition, model.emission

    def iteration() -> None:
        start()
        peer._do_mstep(peer._do_estep(tokens[:, None], lengths)[0])

    start()
    return peer._do_estep(tokens[:, None], lengths), iteration


def _relative_difference(ours: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Return the largest relative difference of counts that are not nearly zero."""
    seen = expected > 1e-9
    return float(np.abs(ours[seen] / expected[seen] - 1).max())


def measure_memory() -> list[Figure]:
    """Measure the memory of an E-step with 256 states. It must not grow with the length of the document."""
    figures = []
    for tokens in (100_000, 400_000):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak, seconds = pool.apply(_peak, (tokens,))
        label, goal = f"E-step, 256 states, {tokens:,} tokens in one document", "does not grow with the tokens"
        figures.append(figure(f"{label}: memory above start", peak, "MB", "none", None, goal))
        figures.append(figure(f"{label}: speed", tokens / seconds, "tokens per second", "none", None, ""))
    return figures


def _peak(tokens: int) -> tuple[float, float]:
    """Return the memory in MB that an E-step needs, and its seconds."""
    generator = np.random.default_rng(0)
    stream = stream_of([generator.integers(4, SIZE, tokens)], SIZE)
    em = BaumWelch(params(states=256), stream, SIZE)
    model = em.initialize(generator)
    before, start = _peak_memory(), time.perf_counter()
    em.trellis.expected_counts(model)
    return _peak_memory() - before, time.perf_counter() - start


def _peak_memory() -> float:
    """Return the peak memory of this process in MB. That of getrusage includes the parent before the fork."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure_oracle_gap() -> list[Figure]:
    """Measure the excess loss of EM over the chain that 10^6 tokens are sampled from, on other tokens."""
    generator = np.random.default_rng(5)
    states, size = 8, 104
    emission = np.zeros((states, size))
    emission[:, EOS], emission[:, 4:] = 0.02, 0.98 * generator.dirichlet(np.full(size - 4, 0.1), states)
    transition = generator.dirichlet(np.full(states, 0.3), states)
    start = generator.dirichlet(np.ones(states))
    settings = params(states=states, restarts=16, restart_iterations=60)
    oracle = hmm.Model(settings, start, transition, emission)
    splits = {split: _sample(oracle, tokens, generator) for split, tokens in SAMPLED_TOKENS.items()}
    streams = {split: {"text": stream_of(documents, size)} for split, documents in splits.items()}
    data = Data("hidden", size, 35, 1, streams)
    rows: list[int] = []
    begin = time.perf_counter(), time.process_time()
    model = hmm.fit(settings, data, Inputs(), lambda step, **values: rows.append(step))
    wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    documents = data.test.documents
    excess = np.concatenate(oracle.log_probs(documents)) - np.concatenate(model.log_probs(documents))
    free = (states - 1) + states * (states - 1) + states * (size - 4)  # <pad>, <bos>, <unk> never occur
    limit = 1.5 * free / (2 * data.train.predicted)
    label, goal = "excess over the true chain, 8 states, 10^6 tokens", "at most the peer value"
    return [
        figure(label, float(excess.mean()), "nats per token", "1.5 d / 2N", limit, goal),
        figure("its standard error", float(excess.std() / len(excess) ** 0.5), "nats per token", "none", None, ""),
        figure(f"its fit, 16 restarts and {rows[-1]} iterations", wall, "s", "none", None, ""),
        figure("its fit, CPU", cpu, "CPU s", "none", None, ""),
    ]


SAMPLED_TOKENS = {"train": 10**6, "valid": 50_000, "test": 300_000}


def _sample(model: hmm.Model, tokens: int, generator: np.random.Generator) -> list[Ids]:
    """Sample documents until there are `tokens` tokens, 1,000 documents at a time, each up to its <eos>."""
    documents: list[Ids] = []
    initial, transition, emission = (p.cumsum(-1) for p in (model.initial, model.transition, model.emission))
    while sum(map(len, documents)) + len(documents) < tokens:
        cumulative, rows = np.broadcast_to(initial, (1000, len(initial))), []
        running = np.ones(1000, dtype=bool)
        while running.any():
            states = np.minimum((generator.random((1000, 1)) > cumulative).sum(1), len(initial) - 1)
            symbols = (generator.random((1000, 1)) > emission[states]).sum(1)
            rows.append(np.minimum(symbols, emission.shape[1] - 1))
            running &= rows[-1] != EOS
            cumulative = transition[states]
        table = np.array(rows).T
        documents += [row[: np.argmax(row == EOS)] for row in table]
    ends = np.cumsum([len(document) + 1 for document in documents])
    return documents[: int(np.searchsorted(ends, tokens)) + 1]


def _cpu(work: Callable[[], None]) -> float:
    """Return the CPU seconds of a function."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--oracle", action="store_true", help="add the training on sampled text")
    arguments = parser.parse_args()
    figures = [
        *measure_iterations(arguments.rounds),
        *measure_memory(),
        *(measure_oracle_gap() if arguments.oracle else []),
    ]
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
