"""The Python interface to trained models: python -m benchmarks.use [--json] [--models FOLDER] [--clean FILE] [--small].

Speed: scoring and generation in tokens per second, search in queries per second over 10,000 documents. Quality:
spelling correction with a language model compared with the edit model alone, and word error rates before and after
rescoring, on the test split with fixed noise; weights are tuned on the valid split. Models and texts are those of the
default pipeline. If they are missing, the benchmark is skipped with the reason.
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
from unroll.use.correction.spelling import Speller, mark_wrong_words, tune_weight, vocabulary_words
from unroll.use.rescoring import Interpolation, choose, count_word_errors, score_candidates, tune, word_error_rates
from unroll.use.search.index import TERM, build_index, extract_terms
from unroll.use.search.ranking import BM25, Dirichlet, search

ROUNDS = 5
"""The number of repetitions of a timing."""
RESAMPLES = 2000
"""The number of resamples of a bootstrap."""
STEPPING_SHARE = 10
"""One text in so many is also scored by a loop over tokens."""
MODELS, SPELLING = ("kneser5", "hmm", "lstm"), ("kneser5", "lstm")


def seconds(work: Callable[[], object]) -> float:
    """Measure the median time of ROUNDS runs, in seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def speed(model: TextModel, name: str, texts: list[str], length: int) -> Iterator[Figure]:
    """Measure the speed of scoring and generation."""
    tokens = sum(line.tokens for line in model.score(texts))
    rate = tokens / seconds(lambda: model.score(texts))
    documents = [np.append(model.encode(text), EOS) for text in texts]
    bare = tokens / seconds(lambda: model.language_model("score").log_probs(documents))
    yield figure(f"score {name}", rate, "tokens/s", "log_probs of ready ids", bare)
    some = documents[: max(1, len(documents) // STEPPING_SHARE)]
    stepping = sum(map(len, some)) / seconds(lambda: [score_by_stepping(model, document) for document in some])
    yield figure(f"score {name}", rate, "tokens/s", "a loop over tokens", stepping, "ratio above 1")
    rates = []
    for count in (1, 64):
        written = sum(len(model.encode(text)) for text in model.generate("the", count, length, 1.0, 1))
        rates.append(written / seconds(lambda count=count: model.generate("the", count, length, 1.0, 1)))
    yield figure(f"generate {name}, 1 text", rates[0], "tokens/s")
    yield figure(f"generate {name}, 64 texts", rates[1], "tokens/s", "1 text", rates[0], "ratio at least 4")


def score_by_stepping(model: TextModel, document: Sequence[int] | Any) -> float:
    """Compute log p of a document by `advance` and `next_log_probs` alone, in nats."""
    language_model, total = model.language_model("score"), 0.0
    state = language_model.start(1)
    for token in document:
        total += float(language_model.next_log_probs(state)[0][token])
        state = language_model.advance(state, np.asarray([token]))
    return total


def retrieval(texts: list[str], documents: int, queries: int) -> Iterator[Figure]:
    """Measure the speed of search in random documents."""
    generator = np.random.default_rng(1)
    words = [word for text in texts for word in extract_terms(text)]
    starts = generator.integers(len(words) - 100, size=documents)
    document_texts = [" ".join(words[start : start + 100]) for start in starts]
    query_texts = [" ".join(generator.choice(words, size=3)) for _ in range(queries)]
    dense = queries / seconds(matrix_search(document_texts, query_texts))
    with tempfile.TemporaryDirectory() as folder:
        index = build_index(Path(folder) / "index", ((str(number), text) for number, text in enumerate(document_texts)))
        for name, ranking in (("Dirichlet", Dirichlet(1000.0)), ("BM25", BM25(1.2, 0.75))):
            spent = seconds(lambda ranking=ranking: [search(index, query, ranking, 10) for query in query_texts])
            label = f"search {documents:,} documents, {name}"
            yield figure(label, queries / spent, "queries/s", "tf-idf of scikit-learn", dense, "ratio above 1")


def matrix_search(texts: list[str], queries: list[str]) -> Callable[[], object]:
    """Return a search by the product of a sparse matrix of tf-idf and each query."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(token_pattern=TERM.pattern)
    matrix = vectors.fit_transform(texts)

    def work() -> list[Any]:
        results = []
        for query in queries:
            relevance = (matrix @ vectors.transform([query]).T).toarray()[:, 0]
            best = np.argpartition(-relevance, 10)[:10]
            results.append(best[np.argsort(-relevance[best])])
        return results

    return work


def interval(before: Sequence[int], after: Sequence[int], words: int) -> str:
    """Compute the 95 % confidence interval of the reduction of errors per word, by a paired bootstrap over texts."""
    reduction = np.asarray(before, float) - np.asarray(after, float)
    generator = np.random.default_rng(7)
    drawn = generator.integers(len(reduction), size=(RESAMPLES, len(reduction)))
    low, high = np.quantile(reduction[drawn].sum(1), [0.025, 0.975]) / words
    return f"95 % [{low:+.4f}, {high:+.4f}]"


def spelling(models: dict[str, TextModel], texts: list[str], held_out: list[str], count: int) -> Iterator[Figure]:
    """Measure the share of wrong words of noisy texts after correction. The weight is tuned on other texts."""
    vocabulary = vocabulary_words(next(iter(models.values())))
    dev, test = add_noise(held_out, max(1, count // 5), 2), add_noise(texts, count, 3)
    intended = [word for _, text in test for word in text.split()]
    misspelled = np.array([a != b for pair in test for a, b in zip(*map(str.split, pair), strict=True)])
    without = [sum(marks) for marks in mark_wrong_words(Speller(None, vocabulary), test)]
    yield figure("spelling, as typed", float(misspelled.mean()), "wrong words")
    yield figure("spelling, edit model alone", sum(without) / len(intended), "wrong words")
    for name, model in models.items():
        speller = Speller(model, vocabulary)
        tune_weight(speller, dev)
        marks = mark_wrong_words(speller, test)
        wrong = np.concatenate(marks)
        counts = f"{wrong[misspelled].sum()} of {misspelled.sum()} stay wrong, {wrong[~misspelled].sum()} become wrong"
        reduction = interval(without, [sum(row) for row in marks], len(intended))
        label = f"spelling, {name} (weight {speller.weight:g}; {counts}; reduction {reduction})"
        yield figure(
            label, wrong.mean(), "wrong words", "edit model alone", sum(without) / len(intended), "ratio above 1"
        )


def add_noise(texts: list[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Return (typed, intended) texts with random typing errors."""
    generator = np.random.default_rng(seed)
    spans = noise.sample_spans(texts, count, seed)
    return [(" ".join(noise.misspell_text(words, generator)), " ".join(words)) for words in spans]


def rescoring(models: dict[str, TextModel], texts: list[str], held_out: list[str], count: int) -> Iterator[Figure]:
    """Measure the word error rates before and after rescoring. The parameters are tuned on other texts."""
    vocabulary = [word for word in vocabulary_words(next(iter(models.values()))) if noise.REPLACEABLE.fullmatch(word)]
    dev = noise.make_nbest_lists(noise.sample_spans(held_out, count, 4), vocabulary, 4)
    test = noise.make_nbest_lists(noise.sample_spans(texts, count, 5), vocabulary, 5)
    errors = [count_word_errors(one) for one in test]
    before = [int(row[int(np.argmax(one.scores))]) for row, one in zip(errors, test, strict=True)]
    for name, model in models.items():
        parameters = tune(dev, score_candidates(model, dev), Interpolation(1.0, 0.0))
        chosen = choose(test, score_candidates(model, test), parameters)
        rates = word_error_rates(test, chosen)
        assert rates is not None
        after = [int(row[index]) for row, index in zip(errors, chosen, strict=True)]
        reduction = interval(before, after, rates.words)
        settings = f"weight {parameters.weight:g}, penalty {parameters.length_penalty:g}"
        label = f"rescoring, {name} ({settings}, oracle {rates.oracle:.4f}, reduction {reduction})"
        yield figure(label, rates.after, "WER", "before", rates.before, "ratio above 1")


def figures(models: Path, clean: Path, small: bool) -> Iterator[Figure]:
    """Measure all figures; `small` uses few texts."""
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
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--clean", type=Path, default=Path("data/clean/prose.parquet"))
    parser.add_argument("--small", action="store_true", help="run everything on few texts; the figures are meaningless")
    arguments = parser.parse_args()
    for path in (arguments.clean, *(arguments.models / name for name in MODELS)):
        if not path.exists():
            print("[]" if arguments.json else f"skipped: {path} does not exist; run `dvc repro` first")
            return
    show(figures(arguments.models, arguments.clean, arguments.small), arguments.json)


if __name__ == "__main__":
    main()
