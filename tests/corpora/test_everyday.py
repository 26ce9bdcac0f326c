"""The grammar of everyday English: its normal form, its sentences and its minimal pairs."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unroll.corpora import everyday
from unroll.corpora.everyday.grammar import (
    ROOT,
    Productions,
    is_nonterminal,
    read_features,
    read_rules,
    to_chomsky_normal_form,
)
from unroll.errors import UnrollError
from unroll.models.oracle.model import Model, from_corpus
from unroll.text.tokenizers.vocabulary import EOS, UNK

FEATURES = {
    "n": {"s": {"is": "is", "other": "p"}, "p": {"is": "are", "other": "s"}},
    "a": {"m": {"n": "s", "his": "his"}, "p": {"n": "p", "his": "their"}},
}
RULES = {
    "S": {"Who_{a} {a.n.is} here .": 3, "Who_{a} lost {a.his} Thing_{n} .": 2, "Who_{a}": 1},
    "Who_m": ["he", "the king"],
    "Who_p": {"they": 3, "the Who_p": 1, "the kings": 0},
    "Thing_s": ["key"],
    "Thing_p": ["keys", "good old keys"],
}


class Words:
    """A tokenizer of type word."""

    def __init__(self, words: list[str]) -> None:
        self.ids = {word: 4 + number for number, word in enumerate(words)}
        self.vocabulary_size = 4 + len(words)

    def encode(self, text: str) -> list[int]:
        separated = text.lower().replace(".", " .").replace(",", " ,")
        return [self.ids.get(word, UNK) for word in separated.split()]

    def document(self, text: str) -> np.ndarray:
        return np.array([*self.encode(text), EOS])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[dict[str, str]], Words, Model]:
    """The sentences, the minimal pairs, a tokenizer and the oracle."""
    folder = tmp_path_factory.mktemp("everyday")
    everyday.fetch(settings(2000), folder)
    words = Words(json.loads((folder / "source.json").read_text())["words"])
    pairs = [json.loads(line) for line in (folder / everyday.PAIRS_FILE).read_text().splitlines()]
    return (folder / "text.txt").read_text().splitlines(), pairs, words, from_corpus(folder, words)


def settings(sentences: int, **more: Any) -> Any:
    return SimpleNamespace(**{"seed": 1, "sentences": sentences, "pairs": 30} | more)


def small() -> Productions:
    return read_rules(RULES, read_features(FEATURES))


def sentences(productions: Productions, symbols: tuple[str, ...], depth: int) -> Iterator[tuple[list[str], float]]:
    """Every sentence with at most `depth` rewritings on a path, with the probability of each derivation."""
    if not symbols:
        yield [], 1.0
        return
    heads: list[tuple[list[str], float]] = []
    if not is_nonterminal(symbols[0]):
        heads = [([symbols[0]], 1.0)]
    elif depth:
        for side, probability in productions[symbols[0]].items():
            heads += [(words, probability * part) for words, part in sentences(productions, side, depth - 1)]
    for words, probability in heads:
        for others, rest in sentences(productions, symbols[1:], depth):
            yield words + others, probability * rest


def test_features_agree_and_weights_become_probabilities() -> None:
    productions = small()
    assert productions[ROOT][("Who_m", "is", "here", ".")] == 1.5 / 6
    assert productions[ROOT][("Who_p", "lost", "their", "Thing_s", ".")] == 0.5 / 6
    assert ("Who_p", "is", "here", ".") not in productions[ROOT]
    assert productions["Who_m"] == {("he",): 0.5, ("the", "king"): 0.5}
    for sides in productions.values():
        assert math.fsum(sides.values()) == pytest.approx(1)


def test_a_nonterminal_without_a_rule_is_named() -> None:
    with pytest.raises(ValueError, match="the nonterminal Who_f, which S needs, has no rule"):
        read_rules({"S": ["Who_f"]}, {})


def test_the_normal_form_has_the_sentences_and_probabilities_of_the_grammar(tmp_path: Path) -> None:
    """Up to a depth, they are enumerated from the rules as they are written."""
    from unroll.models.oracle.grammar import Grammar

    productions = small()
    normal = to_chomsky_normal_form(productions)
    grammar = Grammar(normal.rules, normal.probabilities, normal.emission)
    assert np.bincount(normal.rules[:, 0], normal.probabilities, len(normal.emission)) + normal.emission.sum(
        axis=1
    ) == pytest.approx(1)
    expected: Counter[tuple[str, ...]] = Counter()
    for words, probability in sentences(productions, (ROOT,), 12):
        expected[tuple(words)] += probability  # type: ignore[assignment]
    some = [words for words in expected if len(words) <= 8]
    codes = [np.array([normal.words.index(word) for word in words] + [len(normal.words)]) for words in some]
    for words, scores in zip(some, grammar.log_probs(codes), strict=True):
        assert math.exp(scores.sum()) == pytest.approx(expected[words], rel=1e-9)
    assert sum(expected.values()) == pytest.approx(1, abs=1e-4)
    assert ["the", "king", "lost", "his", "good", "old", "keys", "."] in [list(words) for words in some]


def test_the_sentences_are_those_of_the_grammar(made: Any) -> None:
    """Each is possible, and on average as probable as expected: the mean is within four standard errors of the entropy,
    which the mean log-probability of other sentences estimates."""
    lines, _, words, model = made
    scores = np.array([row.sum() for row in model.log_probs([words.document(line) for line in lines])])
    assert np.isfinite(scores).all()
    half = len(scores) // 2
    error = scores.std() * math.sqrt(2 / half)
    assert abs(scores[:half].mean() - scores[half:].mean()) < 4 * error
    begins = Counter(line.split()[0].lower() for line in lines)
    expected = np.exp(model.next_log_probs(model.start())[0])
    for word, count in begins.most_common(8):
        share = expected[words.ids[word.rstrip(",.")]]
        assert abs(count / len(lines) - share) < 4 * math.sqrt(share * (1 - share) / len(lines))


def test_sentences_are_written_as_people_write_them(made: Any) -> None:
    lines = made[0]
    assert all(line[0].isupper() and line.endswith(".") and " ." not in line and " ," not in line for line in lines)
    assert any(" Paris" in line or " Rome" in line or " London" in line for line in lines)
    assert not any(word in line.split() for line in lines for word in ("i", "paris", "france"))


def test_the_lectures_sentences_are_answered(made: Any) -> None:
    """The notes' examples: "the students opened their ___", "the cat sat on the ___"."""
    _, _, words, model = made

    def following(text: str) -> dict[str, float]:
        state = model.start()
        for token in words.encode(text):
            state = model.advance(state, [token])
        probabilities = np.exp(model.next_log_probs(state)[0])
        return {word: float(probabilities[number]) for word, number in words.ids.items()}

    opened, sat = following("the students opened their"), following("the cat sat on the")
    assert sorted(opened, key=opened.__getitem__)[-2:] == ["laptops", "books"]
    assert opened["minds"] > 0 == opened["mat"]
    assert max(sat, key=sat.__getitem__) == "mat"
    assert sat["banana"] == 0 < following("the cat ate the")["banana"]
    assert following("the keys to the cabinet")["are"] > 0 == following("the keys to the cabinet")["is"]
    assert following("we sat on the river")["bank"] == pytest.approx(1)


def test_minimal_pairs_differ_in_one_word_and_only_the_good_sentence_is_possible(made: Any) -> None:
    _, pairs, words, model = made
    texts = [pair[key] for pair in pairs for key in ("sentence_good", "sentence_bad")]
    scores = [row.sum() for row in model.log_probs([words.document(text) for text in texts])]
    for pair, good, bad in zip(pairs, scores[::2], scores[1::2], strict=True):
        assert np.isfinite(good), pair
        assert bad == -np.inf, pair
        first, second = pair["sentence_good"].split(), pair["sentence_bad"].split()
        assert len(first) == len(second)
        assert sum(a != b for a, b in zip(first, second, strict=True)) == 1
    counts = Counter(pair["phenomenon"] for pair in pairs)
    assert set(counts.values()) == {30}
    assert len(counts) == 8
    assert len({(pair["sentence_good"], pair["sentence_bad"]) for pair in pairs}) == len(pairs)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        everyday.fetch(settings(100, seed=seed), tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())})
    assert contents[0] == contents[1]
    assert contents[0]["text.txt"] != contents[2]["text.txt"]
    assert contents[0]["source.safetensors"] == contents[2]["source.safetensors"]


def test_a_vocabulary_with_capital_letters_is_refused(tmp_path: Path) -> None:
    everyday.fetch(settings(100), tmp_path)
    words = json.loads((tmp_path / "source.json").read_text())["words"]
    with pytest.raises(UnrollError, match=r"1 words of the vocabulary are no symbols .* set lowercase: true"):
        from_corpus(tmp_path, Words([*words, "The"]))
