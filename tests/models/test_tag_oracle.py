"""The oracle of tags: the enumeration of all derivations of short sentences, by the grammar as it was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tagged
from unroll import models
from unroll.corpora.toy_tags import capitalize
from unroll.corpora.toy_tags.automaton import Automaton
from unroll.corpora.toy_tags.grammar import sentence
from unroll.corpora.toy_tags.lexicon import read_classes
from unroll.models.base.inputs import Inputs
from unroll.models.tag_oracle.params import TagOracleParams
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.vocabulary import UNK


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tagged.prepare(tmp_path_factory.mktemp("tagged"), sentences=400)


def oracle(root: Path) -> Any:
    params = TagOracleParams(family="tag_oracle", tokenizer="tagged", corpus="phrases")
    return models.family("tag_oracle").fit(params, tagged.load(root), Inputs(root=root), lambda *_, **__: None)


def derivations(automaton: Automaton, by_position: list[np.ndarray]) -> Iterator[tuple[list[int], float]]:
    """Yield every sequence of states with its joint probability with the words, given p(word | state), (S,)."""
    end = len(automaton.leaves)

    def extend(states: list[int], p: float) -> Iterator[tuple[list[int], float]]:
        row = automaton.transition[states[-1]] if states else automaton.first
        if len(states) == len(by_position):
            if row[end]:
                yield states, p * row[end]
            return
        following = row[:end] * by_position[len(states)]
        for state in np.flatnonzero(following):
            yield from extend([*states, int(state)], p * following[state])

    yield from extend([], 1.0)


@pytest.mark.parametrize(
    "text", ["They saw her back .", "Will they like that round ?", "They box round houses .", "Like that round !"]
)
def test_posteriors_equal_the_enumeration_of_all_derivations(root: Path, text: str) -> None:
    """Also for unknown words, which stand for all words of their shape that the vocabulary lacks."""
    automaton, classes, model = Automaton.compile(sentence()), read_classes(), oracle(root)
    words, shapes = (load_tokenizer(root / "data/tokens/tagged/tokenizer.json", side) for side in ("target", "shapes"))
    array = np.asarray([words.encode(text), shapes.encode(text)]).T
    shares = {name: {word: w / sum(own.values()) for word, w in own.items()} for name, own in classes.items()}
    by_position = []
    for position, (token, shape) in enumerate(array.tolist()):
        emitted = {}
        for name, own in shares.items():
            spelled = [(capitalize(word) if position == 0 else word, share) for word, share in own.items()]
            seen = zip(*(part.encode(" ".join(word for word, _ in spelled)) for part in (words, shapes)), strict=True)
            same = [(t, s) == (token, shape) if token == UNK else t == token for t, s in seen]
            emitted[name] = sum(share for (_, share), is_same in zip(spelled, same, strict=True) if is_same)
        by_position.append(np.asarray([emitted[leaf.word_class] for leaf in automaton.leaves]))
    expected = np.zeros((len(array), len(model.tags)))
    for states, p in derivations(automaton, by_position):
        for position, state in enumerate(states):
            expected[position, model.tags.index(automaton.leaves[state].pos)] += p
    expected /= expected.sum(1, keepdims=True)
    found = np.exp(model.tag_log_posteriors([array])[0])
    np.testing.assert_allclose(found, expected, atol=1e-5)  # the corpus rounds its probabilities to 32 bits
    assert (expected.max(1) < 1).any()  # the sentence is ambiguous
    np.testing.assert_array_equal(model.tag([array])[0], expected.argmax(1))


def test_words_that_the_grammar_lacks_say_nothing(root: Path) -> None:
    """Neither does a word in a place where the grammar has none of its classes."""
    model, tokenizer = oracle(root), load_tokenizer(root / "data/tokens/tagged/tokenizer.json")
    impossible = [[UNK, UNK], [UNK, UNK]], [[token, 4] for token in tokenizer.encode("The the walks")]
    for found in model.tag_log_posteriors([np.asarray(words) for words in impossible]):
        np.testing.assert_allclose(np.exp(found).sum(1), 1)
    ((_, second, third),) = model.tag([np.asarray(impossible[1])])
    assert [model.tags[second], model.tags[third]] == ["DET", "NOUN"]


def test_it_counts_the_probabilities_of_the_grammar(root: Path) -> None:
    automaton = Automaton.compile(sentence())
    transitions = (automaton.transition > 0).sum() - len(automaton.leaves) + (automaton.first > 0).sum() - 1
    assert oracle(root).parameters > transitions
