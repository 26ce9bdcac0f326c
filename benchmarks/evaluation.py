"""Speed of evaluation: python -m benchmarks.evaluation [--json] [--rounds N] [--quick].

It measures the tokens per second of `perplexity.evaluate` for every language model of the pipeline, next to a bare loop
over the same documents, in turns. The bare loop of a network computes padded batches and nothing else; that of another
model calls `log_probs` and sums the result. A window network and a transformer, which the pipeline does not contain,
are measured without training, with the sizes of experiments/ptb. --quick measures only a few documents once.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from benchmarks.figures import Figure, figure, show
from unroll import models
from unroll.evaluation import perplexity
from unroll.models.base.neural_language_model import NeuralLanguageModel
from unroll.models.base.protocol import LanguageModel
from unroll.params.experiments import ModelParams
from unroll.params.load import load
from unroll.params.root import Root
from unroll.text import streams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS

RATIO = 0.9
"""The goal: the smallest speed of `perplexity.evaluate` relative to the bare loop."""
GOALS = {"ngram": 2e6}
"""Additional goals in tokens per second, by family."""
MIN_TOKENS = 500_000
"""The minimum number of tokens for a family with such a goal. The test split is repeated."""
ROWS, LOGITS = 64, 1 << 22
"""The number of documents in a batch, and of logits that are computed together, in the bare loop of a network."""


def measure(params: Root, rounds: int, quick: bool) -> Iterator[Figure]:
    """Yield the speed of each model.

    Args:
        params: The settings of the pipeline.
        rounds: The number of times that each loop is measured.
        quick: Whether only a few documents are scored.
    """
    for name, family, model, tokenizer in _load_models(params):
        documents = streams.load(Path("data/partitions") / tokenizer).test.documents[: 5 if quick else None]
        if family in GOALS and not quick:
            documents = documents * -(-MIN_TOKENS // sum(map(len, documents)))
        yield _measure(f"evaluation of {name} ({family})", model, documents, rounds, GOALS.get(family))


def _load_models(params: Root) -> Iterator[tuple[str, str, Any, str]]:
    """Yield the name, the family, the model and the tokenizer of each language model."""
    for name, entry in params.experiments.items():
        folder = Path("models") / name
        if folder.is_dir() and isinstance(model := models.load(folder), LanguageModel):
            yield name, entry.family, model, entry.tokenizer
    for name in ("window", "transformer"):
        values = YAML(typ="safe").load(Path(f"experiments/ptb/{name}.yaml").read_text(encoding="utf-8"))
        settings, family = TypeAdapter(ModelParams).validate_python(values["models"][name]), models.family(name)
        size = streams.load(Path("data/partitions/words")).vocabulary_size
        torch.manual_seed(params.seed)
        yield f"{name}, untrained", name, family.Model(settings, size, family.Network(settings, size)), "words"


def _measure(name: str, model: Any, documents: Sequence[Ids], rounds: int, goal: float | None) -> Figure:
    """Return the speed of one model next to the bare loop; both must give the same nats."""

    def evaluate() -> float:
        return perplexity.evaluate(model, documents).nats

    def bare() -> float:
        if isinstance(model, NeuralLanguageModel):
            return _score_bare(model, documents)
        return -float(np.concatenate(model.log_probs(documents)).sum())

    tokens = sum(map(len, documents))
    seconds: dict[Callable[[], float], list[float]] = {evaluate: [], bare: []}
    for _ in range(rounds):
        nats = {function: _time(function, times) for function, times in seconds.items()}
    if not np.isclose(nats[evaluate], nats[bare], rtol=1e-4):
        raise SystemExit(f"{name}: {nats[evaluate]} nats, but {nats[bare]} in the bare loop")
    value, peer = (tokens / median(seconds[function]) for function in (evaluate, bare))
    text = f"ratio at least {RATIO}" + (f", {goal:,.0f} tokens/s" if goal else "")
    return figure(name, value, "tokens/s", "bare loop", peer, text)


@torch.inference_mode()
def _score_bare(model: NeuralLanguageModel, documents: Sequence[Ids]) -> float:
    """Return the nats of all documents, longest first, in padded batches of fixed rows."""
    network, nats = model.network, 0.0
    ordered = sorted(documents, key=len, reverse=True)
    for first in range(0, len(ordered), ROWS):
        rows = [torch.from_numpy(np.append(BOS, row).astype(np.int64)) for row in ordered[first : first + ROWS]]
        batch = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T + 1), 0 is `<pad>`
        state, steps = network.start(len(rows)), max(1, LOGITS // (len(rows) * model.vocabulary_size))
        for x, y in zip(batch[:, :-1].split(steps, 1), batch[:, 1:].split(steps, 1), strict=True):
            hidden, state = network(x, state)
            nats += network.softmax.negative_log_likelihood(hidden, y).sum().item()
    return nats


def _time(function: Callable[[], float], seconds: list[float]) -> float:
    """Call a function, append its wall time to `seconds`, and return its result."""
    start = time.perf_counter()
    result = function()
    seconds.append(time.perf_counter() - start)
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument("--rounds", type=int, default=3, help="the number of times that each loop is measured")
    parser.add_argument("--quick", action="store_true", help="measure a few documents once")
    arguments = parser.parse_args()
    params, rounds = load(), 1 if arguments.quick else arguments.rounds
    show(measure(params, rounds, arguments.quick), arguments.json)


if __name__ == "__main__":
    main()
