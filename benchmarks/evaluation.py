"""Speed of evaluation, and how fast models approach a known truth: python -m benchmarks.evaluation [--json] [--curve].

Tokens per second of `perplexity.evaluate` for the models that the pipeline has trained, next to a bare loop over the
same model (`log_probs` and a sum, nothing else), in turns. --curve fits models of the corpus `hidden` to growing parts
of its train split: millibits per token above the truth, next to d / 2N.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from unroll import models, partition
from unroll.evaluation import perplexity, truth
from unroll.models.protocol import LanguageModel
from unroll.params import Root, load
from unroll.partition import Data, Stream

Figure = dict[str, Any]
GOALS = {"ngram": 2e6}
"""Tokens per second, where there is a goal beyond the ratio."""


def speed(params: Root, rounds: int) -> list[Figure]:
    figures = []
    for name, section in params.experiments.items():
        folder = Path("models") / name
        if not folder.is_dir() or not isinstance(model := models.load(folder), LanguageModel):
            continue
        documents = partition.load(Path("data/partitions") / section.tokens).test.documents
        tokens = sum(map(len, documents))

        def ours(model: Any = model, documents: Any = documents) -> None:
            perplexity.evaluate(model, documents)

        def bare(model: Any = model, documents: Any = documents) -> None:
            np.concatenate(model.log_probs(documents)).sum()

        seconds: dict[str, list[float]] = {"ours": [], "bare": []}
        for _ in range(rounds):
            seconds["ours"].append(_timed(ours))
            seconds["bare"].append(_timed(bare))
        value, peer = (tokens / median(seconds[kind]) for kind in ("ours", "bare"))
        goal = "ratio at least 0.9" + (f", {GOALS[section.family]:,.0f} tokens/s" if section.family in GOALS else "")
        figures.append(_figure(f"evaluation of {name} ({section.family})", value, "tokens/s", "bare loop", peer, goal))
    return figures


def curve(params: Root) -> list[Figure]:
    """Excess of an HMM and of an n-gram model after 1/32, 1/16, ... of the train split."""
    data = partition.load(Path("data/partitions/symbols"))
    test = data.test.documents
    floor = -np.concatenate(models.load(Path("models/truth")).log_probs(test))
    figures = []
    for name in ("hmm_symbols", "kneser_symbols"):
        section = params.models[name]
        for part in (32, 16, 8, 4, 2, 1):
            small = _part(data, part)
            model = models.family(section.family).fit(section, small, lambda *_, **__: None)
            losses = -np.concatenate(model.log_probs(test))
            found = truth.excess(losses, floor, params.evaluate.statistics, params.seed)
            # Of an HMM all that is free: S - 1 of each row of transitions and the start, V - 1 of each of emissions.
            states = getattr(section, "states", 0)
            free = states * (states - 1) + states - 1 + states * (data.vocabulary_size - 3)
            expected = truth.expected(free, small.train.predicted) if states else None
            figures.append(
                _figure(
                    f"{name}, {small.train.predicted:,} tokens",
                    found.mean,
                    "millibits above the truth",
                    "d / 2N",
                    expected,
                    "",
                )
            )
    return figures


def _part(data: Data, part: int) -> Data:
    stream = data.train
    documents = (len(stream.offsets) - 1) // part
    cut = Stream(stream.tokens[: stream.offsets[documents]], stream.offsets[: documents + 1])
    streams = data.streams | {"train": {"text": cut}}
    return Data(data.name, data.vocabulary_size, data.sequence_length, data.seed, streams, data.counts)


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _figure(figure: str, value: float, unit: str, peer: str, peer_value: float | None, goal: str) -> Figure:
    ratio = value / peer_value if peer_value else None
    return {
        "figure": figure,
        "value": value,
        "unit": unit,
        "peer": peer,
        "peer_value": peer_value,
        "ratio": ratio,
        "goal": goal,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    params = load()
    figures = curve(params) if arguments.curve else speed(params, arguments.rounds)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for row in figures:
        peer = f"{row['peer']} {row['peer_value']:,.4g} (ratio {row['ratio']:.2f})" if row["peer_value"] else ""
        print(f"{row['figure']}: {row['value']:,.4g} {row['unit']}; {peer} {row['goal']}")


if __name__ == "__main__":
    main()
