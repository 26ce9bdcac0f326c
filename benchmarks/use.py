"""Trained models put to use: python -m benchmarks.use [--json] [--models FOLDER] [--clean FILE] [--small].

Speed: scoring and generation in tokens per second, search in queries per second over 10,000 documents. Worth: spelling
with a model's context beside the edit model alone, and n-best lists before and after rescoring, on held-out text with
fixed noise. Models and text are those of the default pipeline; what is not there is skipped, with the reason.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import noise
from unroll.use import TextModel, load
from unroll.use.rescoring import best, likelihoods, report, tune
from unroll.use.search.index import build, terms
from unroll.use.search.ranking import BM25, Dirichlet, search
from unroll.use.spelling import WORD, Speller, words_of

ROUNDS = 5
MODELS = ("kneser5", "hmm", "lstm")
Row = dict[str, Any]


def seconds(work: Callable[[], object]) -> float:
    """The median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def row(
    figure: str, value: float, unit: str, peer: str | None = None, peer_value: float | None = None, **more: Any
) -> Row:
    """`ratio` > 1 means that we are better; `less` says that less is."""
    ratio = None
    if peer_value:
        ratio = peer_value / max(value, 1e-12) if more.get("less") else value / peer_value
    shown = {"figure": figure, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value, "ratio": ratio}
    return shown | {"goal": more.get("goal")}


def speed(model: TextModel, name: str, texts: list[str], length: int) -> Iterator[Row]:
    tokens = sum(line.tokens for line in model.score(texts))
    yield row(f"score {name}", tokens / seconds(lambda: model.score(texts)), "tokens/s")
    rates = []
    for count in (1, 64):
        written = sum(len(model.encode(text)) for text in model.generate("the", count, length, 1.0, 1))
        rates.append(written / seconds(lambda count=count: model.generate("the", count, length, 1.0, 1)))
    yield row(f"generate {name}, 1 text", rates[0], "tokens/s")
    yield row(f"generate {name}, 64 texts", rates[1], "tokens/s", "1 text", rates[0], goal=4)


def retrieval(texts: list[str], documents: int, queries: int) -> Iterator[Row]:
    generator = np.random.default_rng(1)
    words = [word for text in texts for word in terms(text)]
    starts = generator.integers(len(words) - 100, size=documents)
    asked = [" ".join(generator.choice(words, size=3)) for _ in range(queries)]
    with tempfile.TemporaryDirectory() as place:
        made = ((str(number), " ".join(words[start : start + 100])) for number, start in enumerate(starts))
        index = build(Path(place) / "index", made)
        for name, ranking in (("Dirichlet", Dirichlet(1000.0)), ("BM25", BM25(1.2, 0.75))):
            spent = seconds(lambda ranking=ranking: [search(index, query, ranking, 10) for query in asked])
            yield row(f"search {documents:,} documents, {name}", queries / spent, "queries/s")


def spelling(models: dict[str, TextModel], texts: list[str], count: int) -> Iterator[Row]:
    """Share of misspelt words that are put right, and of right ones that are put wrong."""
    vocabulary = words_of(next(iter(models.values())))
    generator, known = np.random.default_rng(3), set(vocabulary)
    meant = noise.spans(texts, count, 2)
    typed = [noise.typed(words, known, generator) for words in meant]
    alone = 0.0
    for name, model in [("edit model alone", None), *models.items()]:
        speller = Speller(model, vocabulary)
        right = wrong = mistakes = intact = 0
        for words, hasty in zip(meant, typed, strict=True):
            answers = speller.correct(" ".join(hasty))[0].split()
            for word, given, answer in zip(words, hasty, answers, strict=True):
                if word != given:
                    mistakes, right = mistakes + 1, right + (answer == word)
                elif WORD.fullmatch(word) and word in known:
                    intact, wrong = intact + 1, wrong + (answer != word)
        share = right / mistakes
        alone = alone or share
        peer = None if model is None else "edit model alone"
        goal = None if model is None else 1
        yield row(f"spelling, {name}: put right of {mistakes}", share, "share", peer, peer and alone, goal=goal)
        yield row(f"spelling, {name}: put wrong of {intact} right words", wrong / intact, "share")


def rescoring(models: dict[str, TextModel], texts: list[str], count: int) -> Iterator[Row]:
    vocabulary = [word for word in words_of(next(iter(models.values()))) if noise.PLAIN.fullmatch(word)]
    dev, test = (noise.lists(noise.spans(texts, count, seed), vocabulary, seed) for seed in (4, 5))
    for name, model in models.items():
        by = tune(dev, likelihoods(model, dev))
        errors = report(test, best(test, likelihoods(model, test), by))
        figure = f"rescoring, {name} (weight {by.weight:g}, penalty {by.length_penalty:g}, oracle {errors.oracle:.4f})"
        yield row(figure, errors.after, "WER", "before", errors.before, less=True, goal=1)


def figures(models: Path, clean: Path, small: bool) -> Iterator[Row]:
    import pandas

    table = pandas.read_parquet(clean)
    texts = table[table["split"] == "test"]["text"].tolist()
    loaded = {name: load(models / name) for name in MODELS}
    scored = [" ".join(words) for words in noise.spans(texts, 20 if small else 2000, 1)]
    for name in ("kneser5", "lstm"):
        yield from speed(loaded[name], name, scored, 5 if small else 100)
    train = table[table["split"] == "train"]["text"].tolist()
    yield from retrieval(train, 100 if small else 10_000, 10 if small else 500)
    yield from spelling(loaded, texts, 5 if small else 200)
    yield from rescoring(loaded, texts, 5 if small else 150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--clean", type=Path, default=Path("data/clean/prose.parquet"))
    parser.add_argument("--small", action="store_true", help="a trial of everything, whose numbers mean nothing")
    arguments = parser.parse_args()
    for path in (arguments.clean, *(arguments.models / name for name in MODELS)):
        if not path.exists():
            print("[]" if arguments.json else f"skipped: {path} is not there; run `dvc repro` first")
            return
    found = []
    for one in figures(arguments.models, arguments.clean, arguments.small):
        found.append(one)
        if not arguments.json:
            peer = f"  ({one['peer']}: {one['peer_value']:.4g}, ratio {one['ratio']:.3g})" if one["ratio"] else ""
            print(f"{one['figure']}: {one['value']:.4g} {one['unit']}{peer}", flush=True)
    if arguments.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
