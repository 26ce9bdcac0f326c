"""The quality of word vectors by frequency: vectors whose answers are known, and chance."""

from types import SimpleNamespace

import numpy as np
import pytest

from unroll.evaluation.analysis import frequency_bands
from unroll.text.streams import Data, Ids, stream_of
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK
from unroll.text.tokenizers.word import WordTokenizer

WORDS = [f"word{number}" for number in range(40)]
TOKENIZER = WordTokenizer(WORDS, "whitespace")


class Vectors:
    """Word vectors of two topics: even and odd tokens; the last word has none."""

    def __init__(self, noise: float, topics: bool = True, seed: int = 1) -> None:
        generator, size = np.random.default_rng(seed), len(SPECIAL) + len(WORDS)
        topic = np.eye(2)[np.arange(size) % 2] if topics else generator.normal(size=(size, 2))
        self.vectors = np.hstack([topic, noise * generator.normal(size=(size, 6))]).astype(np.float32)
        self.known = (np.arange(size) >= len(SPECIAL)) & (np.arange(size) < size - 1)
        self.other_words, self.other_vectors = ["beyond"], np.ones((1, 8), dtype=np.float32)
        self.params = SimpleNamespace(analogies="none")


def documents(count: int, seed: int) -> list[Ids]:
    """Each document has the words of one topic. Tokens from 24 on are rarer than those before."""
    generator = np.random.default_rng(seed)
    probabilities = np.where(np.arange(20) < 10, 9.0, 1.0)
    probabilities /= probabilities.sum()
    return [4 + 2 * generator.choice(20, 8, p=probabilities) + number % 2 for number in range(count)]


def data(train: int = 60, test: int = 400) -> Data:
    size = len(SPECIAL) + len(WORDS)
    streams = {
        split: {"text": stream_of(documents(count, seed), size)}
        for seed, (split, count) in enumerate({"train": train, "test": test}.items())
    }
    return Data("toy", size, 3, 1, streams)


def test_bands_divide_the_words_by_their_count() -> None:
    bands = frequency_bands.evaluate(Vectors(0.1), data(), TOKENIZER, 1)
    counts = np.bincount(data().train.tokens, minlength=44)[4:-1]  # the last word has no vector
    assert [band["counts"] for band in bands] == ["1-9", "10-99"]
    assert [band["words"] for band in bands] == [((counts > 0) & (counts < 10)).sum(), (counts >= 10).sum()]
    positions = sum((document[:-1] < 43).sum() for document in data().test.documents)
    found = sum(band["positions"] for band in bands)
    assert 0.9 * positions < found <= positions  # words that the train split lacks have no band
    for band in bands:
        assert len(band["examples"]) == 3
        assert all(len(example["neighbours"]) == 5 for example in band["examples"])
        assert all(example["word"] not in example["neighbours"] for example in band["examples"])


def test_vectors_of_topics_tell_a_word_from_half_of_the_others() -> None:
    """A random word of the other topic is always told apart, and one of the same topic by chance."""
    bands = frequency_bands.evaluate(Vectors(0.05), data(), TOKENIZER, 1)
    for band in bands:
        words = band["words"]
        assert band["accuracy"] == pytest.approx(0.75, abs=0.06), words


def test_vectors_without_meaning_are_at_chance() -> None:
    found = [frequency_bands.evaluate(Vectors(1.0, False, seed), data(), TOKENIZER, 1) for seed in range(40)]
    for bands in zip(*found, strict=True):
        assert np.mean([band["accuracy"] for band in bands]) == pytest.approx(0.5, abs=0.04)


def test_equal_vectors_are_right_half_of_the_time() -> None:
    model = Vectors(0.0)
    model.vectors[:] = 1
    bands = frequency_bands.evaluate(model, data(), TOKENIZER, 1)
    assert all(band["accuracy"] == 0.5 for band in bands)


def test_the_measure_is_the_definition() -> None:
    """Recomputed position by position, with the same random words."""
    model, text = Vectors(0.5), data(test=40)
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    counts = np.bincount(text.train.tokens, minlength=44)
    generator = np.random.default_rng(7)
    bands = frequency_bands.evaluate(model, text, TOKENIZER, 7)
    for band, (low, high) in zip(bands, ((1, 9), (10, 99)), strict=True):
        words = [t for t in range(44) if model.known[t] and low <= counts[t] <= high]
        places = []
        for document in text.test.documents:
            for at, word in enumerate(document[:-1]):
                near = [*document[max(0, at - 5) : at], *document[at + 1 : min(at + 6, len(document) - 1)]]
                near = [other for other in near if model.known[other] and other != word]
                if model.known[word] and near:
                    places.append((word, near))
        places = [(word, near) for word, near in places if word in words]
        drawn = generator.integers(len(words) - 1, size=len(places))
        correct = []
        for (word, near), index in zip(places, drawn, strict=True):
            other = words[index + (words[index] >= word)]
            assert other != word
            left = [one for one in near if one != other]
            mean = unit[left].mean(0) if left else np.zeros(8)
            correct.append((1 + np.sign(unit[word] @ mean - unit[other] @ mean)) / 2)
        generator.permutation(words)  # the examples
        assert band["positions"] == len(places)
        assert band["accuracy"] == pytest.approx(np.mean(correct))


def test_a_text_without_words_nearby_has_no_positions() -> None:
    streams = data().streams | {
        "test": {"text": stream_of([np.asarray([5]), np.asarray([UNK, 6]), np.zeros(0, int)], 44)}
    }
    bands = frequency_bands.evaluate(Vectors(0.1), Data("toy", 44, 3, 1, streams), TOKENIZER, 1)
    assert [(band["positions"], band["accuracy"]) for band in bands] == [(0, 0.0), (0, 0.0)]
