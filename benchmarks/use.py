"""Trained models put to use: python -m benchmarks.use [--json] [--models FOLDER] [--clean FILE] [--small].

Speed: scoring and generation in tokens per second, search in queries per second over 10,000 documents. Worth: spelling
with a model's context beside the edit model alone, and n-best lists before and after rescoring, on the test split with
fixed noise, weights tuned on the valid split. Models and text are those of the default pipeline; what is not there is
skipped, with the reason.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import noise
from benchmarks.figures import Figure, figure, show
from unroll.text.tokenizers.vocabulary import EOS
from unroll.use import TextModel, load
from unroll.use.rescoring import best, likelihoods, report, word_errors
from unroll.use.rescoring import tune as tune_rescoring
from unroll.use.search.index import TERM, build, terms
from unroll.use.search.ranking import BM25, Dirichlet, search
from unroll.use.spelling import Speller, mistakes, tune, words_of

ROUNDS, RESAMPLES, STEPPED = 5, 2000, 10
"""Of a timing; of a bootstrap; of the texts, one in so many is also scored by a loop over tokens."""
MODELS, SPELLING = ("kneser5", "hmm", "lstm"), ("kneser5", "lstm")


def seconds(work: Callable[[], object]) -> float:
    """The median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def speed(model: TextModel, name: str, texts: list[str], length: int) -> Iterator[Figure]:
    tokens = sum(line.tokens for line in model.score(texts))
    rate = tokens / seconds(lambda: model.score(texts))
    documents = [np.append(model.encode(text), EOS) for text in texts]
    bare = tokens / seconds(lambda: model.language_model("score").log_probs(documents))
    yield figure(f"score {name}", rate, "tokens/s", "log_probs of ready ids", bare)
    some = documents[: max(1, len(documents) // STEPPED)]
    stepped = sum(map(len, some)) / seconds(lambda: [step(model, document) for document in some])
    yield figure(f"score {name}", rate, "tokens/s", "a loop over tokens", stepped, "ratio above 1")
    rates = []
    for count in (1, 64):
        written = sum(len(model.encode(text)) for text in model.generate("the", count, length, 1.0, 1))
        rates.append(written / seconds(lambda count=count: model.generate("the", count, length, 1.0, 1)))
    yield figure(f"generate {name}, 1 text", rates[0], "tokens/s")
    yield figure(f"generate {name}, 64 texts", rates[1], "tokens/s", "1 text", rates[0], "ratio at least 4")


def step(model: TextModel, document: Sequence[int] | Any) -> float:
    """log p of a document as whoever knows the contract alone would have it."""
    language_model, total = model.language_model("score"), 0.0
    state = language_model.start(1)
    for token in document:
        total += float(language_model.next_log_probs(state)[0][token])
        state = language_model.advance(state, np.asarray([token]))
    return total


def retrieval(texts: list[str], documents: int, queries: int) -> Iterator[Figure]:
    generator = np.random.default_rng(1)
    words = [word for text in texts for word in terms(text)]
    starts = generator.integers(len(words) - 100, size=documents)
    made = [" ".join(words[start : start + 100]) for start in starts]
    asked = [" ".join(generator.choice(words, size=3)) for _ in range(queries)]
    dense = queries / seconds(matrix_search(made, asked))
    with tempfile.TemporaryDirectory() as place:
        index = build(Path(place) / "index", ((str(number), text) for number, text in enumerate(made)))
        for name, ranking in (("Dirichlet", Dirichlet(1000.0)), ("BM25", BM25(1.2, 0.75))):
            spent = seconds(lambda ranking=ranking: [search(index, query, ranking, 10) for query in asked])
            label = f"search {documents:,} documents, {name}"
            yield figure(label, queries / spent, "queries/s", "tf-idf of scikit-learn", dense, "ratio above 1")


def matrix_search(texts: list[str], asked: list[str]) -> Callable[[], object]:
    """The usual way without a search engine: a sparse matrix of tf-idf times the query."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(token_pattern=TERM.pattern)
    matrix = vectors.fit_transform(texts)

    def work() -> list[Any]:
        found = []
        for query in asked:
            relevance = (matrix @ vectors.transform([query]).T).toarray()[:, 0]
            best = np.argpartition(-relevance, 10)[:10]
            found.append(best[np.argsort(-relevance[best])])
        return found

    return work


def interval(without: Sequence[int], with_model: Sequence[int], words: int) -> str:
    """Of what a model spares, in mistakes per word: a paired bootstrap over texts, 95 %."""
    spared = np.asarray(without, float) - np.asarray(with_model, float)
    generator = np.random.default_rng(7)
    drawn = generator.integers(len(spared), size=(RESAMPLES, len(spared)))
    low, high = np.quantile(spared[drawn].sum(1), [0.025, 0.975]) / words
    return f"95 % [{low:+.4f}, {high:+.4f}]"


def spelling(models: dict[str, TextModel], texts: list[str], held_out: list[str], count: int) -> Iterator[Figure]:
    """Wrong words per word of hasty typing, corrected; the weight of a model is tuned on other text."""
    vocabulary = words_of(next(iter(models.values())))
    dev, test = hasty(held_out, max(1, count // 5), 2), hasty(texts, count, 3)
    meant = [word for _, text in test for word in text.split()]
    misspelt = np.array([a != b for pair in test for a, b in zip(*map(str.split, pair), strict=True)])
    alone = mistakes(Speller(None, vocabulary), test)
    without = [sum(one) for one in alone]
    yield figure("spelling, as typed", float(misspelt.mean()), "wrong words")
    yield figure("spelling, edit model alone", sum(without) / len(meant), "wrong words")
    for name, model in models.items():
        speller = Speller(model, vocabulary)
        tune(speller, dev)
        found = mistakes(speller, test)
        wrong = np.concatenate(found)
        share = f"{wrong[misspelt].sum()} of {misspelt.sum()} misspelt stay, {wrong[~misspelt].sum()} become wrong"
        spared = interval(without, [sum(one) for one in found], len(meant))
        label = f"spelling, {name} (weight {speller.weight:g}; {share}; spares {spared})"
        yield figure(label, wrong.mean(), "wrong words", "edit model alone", sum(without) / len(meant), "ratio above 1")


def hasty(texts: list[str], count: int, seed: int) -> list[tuple[str, str]]:
    """(typed, meant) texts."""
    generator = np.random.default_rng(seed)
    spans = noise.sample_spans(texts, count, seed)
    return [(" ".join(noise.misspell_text(words, generator)), " ".join(words)) for words in spans]


def rescoring(models: dict[str, TextModel], texts: list[str], held_out: list[str], count: int) -> Iterator[Figure]:
    vocabulary = [word for word in words_of(next(iter(models.values()))) if noise.REPLACEABLE.fullmatch(word)]
    dev = noise.make_nbest_lists(noise.sample_spans(held_out, count, 4), vocabulary, 4)
    test = noise.make_nbest_lists(noise.sample_spans(texts, count, 5), vocabulary, 5)
    wrong = [word_errors(one) for one in test]
    before = [int(each[int(np.argmax(one.scores))]) for each, one in zip(wrong, test, strict=True)]
    for name, model in models.items():
        by = tune_rescoring(dev, likelihoods(model, dev))
        chosen = best(test, likelihoods(model, test), by)
        errors = report(test, chosen)
        after = [int(each[index]) for each, index in zip(wrong, chosen, strict=True)]
        spared = interval(before, after, errors.words)
        of = f"weight {by.weight:g}, penalty {by.length_penalty:g}, oracle {errors.oracle:.4f}, spares {spared}"
        yield figure(f"rescoring, {name} ({of})", errors.after, "WER", "before", errors.before, "ratio above 1")


def figures(models: Path, clean: Path, small: bool) -> Iterator[Figure]:
    import pandas

    table = pandas.read_parquet(clean)
    texts = table[table["split"] == "test"]["text"].tolist()
    held_out = table[table["split"] == "valid"]["text"].tolist()
    loaded = {name: load(models / name) for name in MODELS}
    scored = [" ".join(words) for words in noise.sample_spans(texts, 20 if small else 1000, 1)]
    for name in ("kneser5", "lstm"):
        yield from speed(loaded[name], name, scored, 5 if small else 100)
    train = table[table["split"] == "train"]["text"].tolist()
    yield from retrieval(train, 100 if small else 10_000, 10 if small else 500)
    yield from spelling({name: loaded[name] for name in SPELLING}, texts, held_out, 8 if small else 440)
    yield from rescoring(loaded, texts, held_out, 5 if small else 150)


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
    show(figures(arguments.models, arguments.clean, arguments.small), arguments.json)


if __name__ == "__main__":
    main()
