"""Hidden Markov models beside hmmlearn: python -m benchmarks.hmm [--json] [--rounds N] [--truth].

32 states, the 2,000 most frequent words and the first 100,000 tokens of Penn Treebank (of a Zipf law without the
mirror); both start from the same random parameters and take turns. Both use one thread, so CPU seconds are the seconds
of a machine that does nothing else. --truth adds the fit of 10^6 tokens sampled from a chain of 8 states: minutes.
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
from unroll.models.hmm.params import HmmParams
from unroll.text.streams import Data, Ids, Stream, stream_of
from unroll.text.tokenizers.vocabulary import EOS

MIRROR = Path(os.environ.get("UNROLL_MIRROR") or Path(__file__).parents[2] / "shared/corpora")
PTB = MIRROR / "ptb/ptb.train.txt"
STATES, SIZE, TOKENS = 32, 2000, 100_000


def params(**changes: Any) -> HmmParams:
    numbers = {"states": STATES, "pseudo_count": 0.01, "restarts": 1, "restart_tokens": 50_000}
    numbers |= {"restart_iterations": 1, "iterations": 500, "tolerance": 1e-7}
    return HmmParams.model_validate({"family": "hmm", "tokenizer": "words"} | numbers | changes)


def words() -> Stream:
    """TOKENS tokens over SIZE types, a line a document; what is rarer is the last type."""
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


def iterations(rounds: int) -> list[Figure]:
    """One EM iteration, as many documents and as one long one."""
    documents = words()
    tokens = np.delete(documents.tokens, documents.offsets[:-1]).astype(np.int64)
    one = Stream(np.insert(tokens, 0, 1), np.array([0, len(tokens) + 1]))
    figures = []
    for name, stream in (("as one document", one), (f"as {len(documents.offsets) - 1} documents", documents)):
        em = hmm.ExpectationMaximisation(params(), stream, SIZE)
        model = em.random(np.random.default_rng(1))
        theirs, peer = _peer(model, tokens, stream.lengths)
        chain = model.chain()

        def ours(em: hmm.ExpectationMaximisation = em, model: hmm.Model = model) -> None:
            em.maximise(em.trellis.expected_counts(model.chain()), model)

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
            counts = em.trellis.expected_counts(chain)
            expected, log_likelihood = theirs
            pairs = ((counts.initial, "start"), (counts.transition, "trans"), (counts.emission, "obs"))
            far = max(_distance(mine, expected[key]) for mine, key in pairs)
            goal = "at most 1e-6"
            figures.append(figure(f"largest difference of a count, {name}", far, "relative", "hmmlearn", None, goal))
            far = abs(counts.log_likelihood / log_likelihood - 1)
            figures.append(figure(f"difference of the likelihood, {name}", far, "relative", "hmmlearn", None, goal))
    return figures


def _peer(model: hmm.Model, tokens: Ids, lengths: Ids) -> tuple[tuple[Any, float] | None, Callable[[], None] | None]:
    """hmmlearn's E-step from the same parameters, and an iteration to time."""
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


def _distance(ours: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    seen = expected > 1e-9  # counts
    return float(np.abs(ours[seen] / expected[seen] - 1).max())


def memory() -> list[Figure]:
    """The E-step of 256 states on ever more tokens of one document: the peak must not follow."""
    figures = []
    for tokens in (100_000, 400_000):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak, seconds = pool.apply(_peak, (tokens,))
        label, goal = f"E-step, 256 states, {tokens:,} tokens in one document", "does not grow with the tokens"
        figures.append(figure(f"{label}: memory above start", peak, "MB", "none", None, goal))
        figures.append(figure(f"{label}: speed", tokens / seconds, "tokens per second", "none", None, ""))
    return figures


def _peak(tokens: int) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    stream = stream_of([generator.integers(4, SIZE, tokens)], SIZE)
    em = hmm.ExpectationMaximisation(params(states=256), stream, SIZE)
    chain = em.random(generator).chain()
    before, start = _highest(), time.perf_counter()
    em.trellis.expected_counts(chain)
    return _highest() - before, time.perf_counter() - start


def _highest() -> float:
    """MB; the kernel's own mark of this process, since getrusage also knows that of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def truth() -> list[Figure]:
    """EM's excess over the chain that 10^6 tokens are sampled from, on tokens it has not seen."""
    generator = np.random.default_rng(5)
    states, size = 8, 104
    emission = np.zeros((states, size))
    emission[:, EOS], emission[:, 4:] = 0.02, 0.98 * generator.dirichlet(np.full(size - 4, 0.1), states)
    transition = generator.dirichlet(np.full(states, 0.3), states)
    start = generator.dirichlet(np.ones(states))
    wanted = params(states=states, restarts=16, restart_iterations=60)
    source = hmm.Model(wanted, start, transition, emission)
    splits = {split: _sample(source, tokens, generator) for split, tokens in _SAMPLED.items()}
    streams = {split: {"text": stream_of(documents, size)} for split, documents in splits.items()}
    data = Data("hidden", size, 35, 1, streams)
    rows: list[int] = []
    begin = time.perf_counter(), time.process_time()
    model = hmm.fit(wanted, data, Inputs(), lambda step, **values: rows.append(step))
    wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    documents = data.test.documents
    excess = np.concatenate(source.log_probs(documents)) - np.concatenate(model.log_probs(documents))
    free = (states - 1) + states * (states - 1) + states * (size - 4)  # <pad>, <bos>, <unk> never occur
    limit = 1.5 * free / (2 * data.train.predicted)
    label, goal = "excess over the true chain, 8 states, 10^6 tokens", "at most the peer value"
    return [
        figure(label, float(excess.mean()), "nats per token", "1.5 d / 2N", limit, goal),
        figure("its standard error", float(excess.std() / len(excess) ** 0.5), "nats per token", "none", None, ""),
        figure(f"its fit, 16 restarts and {rows[-1]} iterations", wall, "s", "none", None, ""),
        figure("its fit, CPU", cpu, "CPU s", "none", None, ""),
    ]


_SAMPLED = {"train": 10**6, "valid": 50_000, "test": 300_000}


def _sample(source: hmm.Model, tokens: int, generator: np.random.Generator) -> list[Ids]:
    """Documents until there are `tokens` tokens; many at a time, each until its <eos>."""
    documents: list[Ids] = []
    initial, transition, emission = (p.cumsum(-1) for p in (source.initial, source.transition, source.emission))
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
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--truth", action="store_true", help="add the fit to a known source")
    arguments = parser.parse_args()
    figures = [*iterations(arguments.rounds), *memory(), *(truth() if arguments.truth else [])]
    show(figures, arguments.json)


if __name__ == "__main__":
    main()
