"""Words in context, of every kind of network and of tokenizer."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.models import test_contract
from tests.trained import CLEANING
from unroll.errors import UnrollError
from unroll.models.base.protocol import ContextualModel
from unroll.text.cleaner import Cleaner
from unroll.text.tokenizers.word import CharTokenizer, WordTokenizer
from unroll.use.model import TextModel
from unroll.use.vectors.contexts import compare_occurrences, embed_texts, find_occurrences, map_occurrences

NETWORKS = ("lstm", "lstm-two-layers", "window", "transformer", "bidirectional")
CLEANER = Cleaner(**CLEANING)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Any:
    return test_contract.train(request.param)


def test_a_vector_depends_on_the_words_that_the_model_has_read(network: Any) -> None:
    assert isinstance(network, ContextualModel)
    one, other = (network.contextual(np.asarray(document)) for document in ([5, 6, 7, 8], [5, 6, 9, 8]))
    assert one.shape == other.shape == (4, 32 if "bidirectional" in type(network).__module__ else 16)
    assert np.isfinite(one).all()
    assert np.abs(one[3] - other[3]).max() > 1e-4  # the same word in another context
    before = slice(0, 16)  # a bidirectional model has read the words before in the first half
    np.testing.assert_allclose(one[:2, before], other[:2, before], atol=1e-6)


def test_the_hidden_vector_gives_the_next_distribution(network: Any) -> None:
    """The contextual vector of a language model is the one whose softmax predicts the next word."""
    document = np.asarray([5, 6, 7, 8])
    hidden = network.contextual(document)[:, :16]
    state = network.start(1)
    for token, vector in zip(document, hidden, strict=True):
        state = network.advance(state, np.asarray([token]))
        np.testing.assert_allclose(state[0][0], vector, atol=1e-5)


def test_an_empty_text_has_no_vectors(network: Any) -> None:
    assert network.contextual(np.zeros(0, dtype=np.int64)).shape[0] == 0


class Echo:
    """A contextual model whose vectors are the token, its position and the length of the text."""

    def contextual(self, document: Any) -> Any:
        return np.asarray([[token, at, len(document)] for at, token in enumerate(document)], dtype=float).reshape(-1, 3)


def text_model(tokenizer: Any) -> TextModel:
    return TextModel(Echo(), tokenizer, CLEANER, Path("models/echo"))


def test_occurrences_of_a_word() -> None:
    model = text_model(WordTokenizer(["the", "river", "bank", "closed"], "whitespace"))
    found = find_occurrences(model, ["The bank closed", "the river Bank", "river"], "Bank")
    assert [(one.text, one.marked) for one in found] == [(0, "the [bank] closed"), (1, "the river [bank]")]
    assert [one.vector.tolist() for one in found] == [[6, 1, 3], [6, 2, 3]]
    (two,) = find_occurrences(model, ["the river bank", "river the bank"], "river  bank")
    assert two.marked == "the [river bank]"
    assert two.vector.tolist() == [5.5, 1.5, 3]
    with pytest.raises(UnrollError, match=r"models/echo: does not know the word 'zebra'"):
        find_occurrences(model, ["the bank"], "zebra")


def test_occurrences_of_a_word_of_characters_are_whole_words() -> None:
    model = text_model(CharTokenizer(list("abekmnr .s")))
    found = find_occurrences(model, ["bank embank banker bank.", "banks a bank"], "bank")
    assert [(one.text, one.vector.tolist()) for one in found] == [
        (0, [pytest.approx(np.mean([5, 4, 9, 7])), 1.5, 24]),
        (0, [pytest.approx(np.mean([5, 4, 9, 7])), 20.5, 24]),
        (1, [pytest.approx(np.mean([5, 4, 9, 7])), 9.5, 12]),
    ]
    assert found[1].label == "bank embank banker [bank] ."


def test_cosines_and_the_map() -> None:
    model = text_model(WordTokenizer(["a", "b"], "whitespace"))
    found = find_occurrences(model, ["a b a", "b a"], "a")
    vectors = np.asarray([[4, 0, 3], [4, 2, 3], [4, 1, 2]])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(compare_occurrences(found), unit @ unit.T, atol=1e-6)
    places = map_occurrences(found)
    assert [label for label, _, _ in places] == ["[a] b a", "a b [a]", "b [a]"]
    assert np.sum([x for _, x, _ in places]) == pytest.approx(0, abs=1e-6)
    with pytest.raises(UnrollError, match="a picture needs two occurrences, and there are 1"):
        map_occurrences(found[:1])


def test_only_contextual_models_are_supported() -> None:
    model = text_model(WordTokenizer(["a"], "whitespace"))
    model.model = SimpleNamespace()
    with pytest.raises(UnrollError, match="does not have contextual vectors; it supports: no verb"):
        list(embed_texts(model, ["a"]))


def test_texts_are_cleaned_and_an_unknown_word_is_a_token() -> None:
    model = text_model(WordTokenizer(["a"], "whitespace"))
    (one, two) = embed_texts(model, ["A  zebra", ""])
    assert one.tokens == ["a", "<unk>"]
    assert one.vectors.shape == (2, 3)
    assert two.tokens == []
