"""Speed of evaluation: python -m benchmarks.evaluation [--json] [--rounds N] [--quick].

Tokens per second of `perplexity.evaluate` next to a bare loop over the same documents, in turns: of a network the
shortest there is over padded batches, of another model its `log_probs` and a sum. The models are those that the
pipeline has trained; a window network and a transformer, which its params have not, stand there untrained in the sizes
of experiments/ptb. --quick tries it out on a few documents.
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
from unroll.models.base.neural_language_model import Predictor
from unroll.models.base.protocol import LanguageModel
from unroll.params.experiments import ModelParams
from unroll.params.load import load
from unroll.params.root import Root
from unroll.text import streams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS

RATIO = 0.9
GOALS = {"ngram": 2e6}
"""Tokens per second, where there is a goal beyond the ratio."""
LONG = 500_000
"""Tokens of a text for a family with such a goal: the test split again and again."""
ROWS, NUMBERS = 64, 1 << 22
"""Documents side by side and logits at once in the bare loop of a network."""


def speed(params: Root, rounds: int, quick: bool) -> Iterator[Figure]:
    for name, family, model, tokens in _measured(params):
        documents = streams.load(Path("data/partitions") / tokens).test.documents[: 5 if quick else None]
        if family in GOALS and not quick:
            documents = documents * -(-LONG // sum(map(len, documents)))
        yield _speed(f"evaluation of {name} ({family})", model, documents, rounds, GOALS.get(family))


def _measured(params: Root) -> Iterator[tuple[str, str, Any, str]]:
    """(name, family, model, tokens)."""
    for name, section in params.experiments.items():
        folder = Path("models") / name
        if folder.is_dir() and isinstance(model := models.load(folder), LanguageModel):
            yield name, section.family, model, section.tokens
    for name in ("window", "transformer"):
        values = YAML(typ="safe").load(Path(f"experiments/ptb/{name}.yaml").read_text(encoding="utf-8"))
        section, family = TypeAdapter(ModelParams).validate_python(values["models"][name]), models.family(name)
        size = streams.load(Path("data/partitions/words")).vocabulary_size
        torch.manual_seed(params.seed)
        yield f"{name}, untrained", name, family.Model(section, size, family.Network(section, size)), "words"


def _speed(name: str, model: Any, documents: Sequence[Ids], rounds: int, goal: float | None) -> Figure:
    def ours() -> float:
        return perplexity.evaluate(model, documents).nats

    def bare() -> float:
        if isinstance(model, Predictor):
            return _bare(model, documents)
        return -float(np.concatenate(model.log_probs(documents)).sum())

    tokens, seconds = sum(map(len, documents)), {ours: [], bare: []}  # type: dict[Callable[[], float], list[float]]
    for _ in range(rounds):
        found = {work: _timed(work, seconds[work]) for work in seconds}
    if not np.isclose(found[ours], found[bare], rtol=1e-4):
        raise SystemExit(f"{name}: {found[ours]} nats, and {found[bare]} in the bare loop")
    value, peer = (tokens / median(seconds[work]) for work in (ours, bare))
    text = f"ratio at least {RATIO}" + (f", {goal:,.0f} tokens/s" if goal else "")
    return figure(name, value, "tokens/s", "bare loop", peer, text)


@torch.inference_mode()
def _bare(model: Predictor, documents: Sequence[Ids]) -> float:
    """Nats of all documents, the long ones first, in padded batches that keep their rows to the end."""
    network, nats = model.network, 0.0
    ordered = sorted(documents, key=len, reverse=True)
    for first in range(0, len(ordered), ROWS):
        rows = [torch.from_numpy(np.append(BOS, row).astype(np.int64)) for row in ordered[first : first + ROWS]]
        batch = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T + 1), 0 is `<pad>`
        state, steps = network.start(len(rows)), max(1, NUMBERS // (len(rows) * model.vocabulary_size))
        for x, y in zip(batch[:, :-1].split(steps, 1), batch[:, 1:].split(steps, 1), strict=True):
            hidden, state = network(x, state)
            nats += network.softmax.negative_log_likelihood(hidden, y).sum().item()
    return nats


def _timed(work: Callable[[], float], seconds: list[float]) -> float:
    start = time.perf_counter()
    found = work()
    seconds.append(time.perf_counter() - start)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few documents once, to see that it runs")
    arguments = parser.parse_args()
    params, rounds = load(), 1 if arguments.quick else arguments.rounds
    torch.set_num_threads(params.threads)
    show(speed(params, rounds, arguments.quick), arguments.json)


if __name__ == "__main__":
    main()
