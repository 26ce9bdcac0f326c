"""The tagged corpus: the same bytes everywhere, the chain of a regular expression, and the frequencies of the text."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from unroll.corpora import toy_tags
from unroll.corpora.toy_tags.automaton import Automaton, Leaf, Repeat, choice, chunk, sequence
from unroll.corpora.toy_tags.grammar import sentence
from unroll.corpora.toy_tags.lexicon import add_s, read_classes
from unroll.evaluation.tasks.spans import find_spans
from unroll.text.manifest import file_sha256

A, B, C = (Leaf(name, name.upper()) for name in "abc")


def fetched(folder: Path, **values: Any) -> list[list[tuple[str, str]]]:
    toy_tags.fetch(SimpleNamespace(**{"sentences": 500, "tags": "pos", "seed": 1} | values), folder)  # type: ignore[arg-type]
    blocks = (folder / "sentences.tsv").read_text(encoding="utf-8").split("\n\n")
    return [[tuple(line.split("\t")) for line in block.split("\n")] for block in blocks if block]  # type: ignore[misc]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        fetched(tmp_path / name, seed=seed)
        contents.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())})
    assert list(contents[0]) == ["raw.json", "sentences.tsv", "source.json", "source.safetensors"]
    assert contents[0] == contents[1]
    assert contents[0]["sentences.tsv"] != contents[2]["sentences.tsv"]


def test_the_text_has_the_bytes_of_other_systems(tmp_path: Path) -> None:
    fetched(tmp_path)
    assert file_sha256(tmp_path / "sentences.tsv") == "2453d15452c42f7c85f88dc131815064579b166f83d910ed30ca33cc798684a4"


def probability(automaton: Automaton, states: list[int]) -> float:
    """The probability of a sequence of states with its end."""
    end = len(automaton.leaves)
    if not states:
        return float(automaton.first[end])
    path = zip(states, [*states[1:], end], strict=True)
    return float(automaton.first[states[0]] * np.prod([automaton.transition[pair] for pair in path]))


def test_a_worked_chain() -> None:
    """a, perhaps b, then c any number of times."""
    automaton = Automaton.compile(sequence(A, choice((0.3, B)), Repeat(0.5, C)))
    assert [leaf.pos for leaf in automaton.leaves] == ["A", "B", "C"]
    for states, p in (
        ([0], 0.7 * 0.5),
        ([0, 1], 0.3 * 0.5),
        ([0, 2, 2], 0.7 * 0.5**3),
        ([0, 1, 2], 0.3 * 0.25),
        ([], 0),
        ([1], 0),
    ):
        assert probability(automaton, states) == pytest.approx(p)


def test_a_choice_of_nothing() -> None:
    automaton = Automaton.compile(choice((0.25, A), (0.25, sequence(B, C))))
    assert probability(automaton, []) == 0.5
    assert probability(automaton, [0]) == probability(automaton, [1, 2]) == 0.25


def test_the_words_of_a_chunk() -> None:
    automaton = Automaton.compile(chunk("NP", A, Repeat(0.5, B), choice((0.5, sequence(C, A)))))
    assert [leaf.chunk for leaf in automaton.leaves] == ["B-NP", "I-NP", "I-NP", "I-NP"]


def test_the_grammar_is_a_distribution() -> None:
    automaton = Automaton.compile(sentence())
    assert (automaton.transition >= 0).all()
    np.testing.assert_allclose(automaton.transition.sum(1), 1)
    assert automaton.first.sum() == pytest.approx(1)
    assert automaton.first[-1] == 0  # no sentence is empty
    assert {leaf.word_class for leaf in automaton.leaves} <= set(read_classes())


def test_the_states_occur_as_often_as_the_chain_says(tmp_path: Path) -> None:
    """The expected number of visits to each state is (I - T)^-1, and the tags have the sums."""
    sentences = fetched(tmp_path, sentences=4000)
    automaton = Automaton.compile(sentence())
    states = len(automaton.leaves)
    visits = np.linalg.solve((np.eye(states) - automaton.transition[:, :-1]).T, automaton.first[:-1])
    expected: Counter[str] = Counter()
    for leaf, number in zip(automaton.leaves, visits, strict=True):
        expected[leaf.pos] += number
    found = Counter(tag for words in sentences for _, tag in words)
    assert found.keys() == expected.keys()
    for tag, number in expected.items():
        assert found[tag] / 4000 == pytest.approx(number, rel=0.1), tag
    words = np.asarray([len(words) for words in sentences])
    assert words.mean() == pytest.approx(visits.sum(), abs=5 * words.std() / np.sqrt(len(words)))


def test_words_are_ambiguous_and_sentences_begin_with_a_capital(tmp_path: Path) -> None:
    sentences = fetched(tmp_path, sentences=2000)
    tags: dict[str, set[str]] = {}
    for words in sentences:
        assert words[0][0][0].isupper()
        for word, tag in words[1:]:
            tags.setdefault(word, set()).add(tag)
    assert tags["walk"] == {"NOUN", "VERB"}
    assert tags["that"] == {"DET", "PRON", "SCONJ"}
    assert tags["round"] >= {"ADJ", "ADP", "NOUN"}
    assert sum(len(own) > 1 for own in tags.values()) > 50


def test_chunks_are_whole_phrases(tmp_path: Path) -> None:
    """No I- tag begins a span, since every phrase of the grammar begins with B-."""
    for words in fetched(tmp_path, tags="chunks"):
        tags = [tag for _, tag in words]
        for span in find_spans(tags):
            assert tags[span.first] == f"B-{span.kind}"


def test_the_oracle_finds_the_model_beside_the_text(tmp_path: Path) -> None:
    fetched(tmp_path)
    settings = json.loads((tmp_path / "source.json").read_text(encoding="utf-8"))
    arrays = load_file(tmp_path / "source.safetensors")
    states = len(settings["tags"])
    assert arrays["transition"].shape == (states + 1, states + 1)
    assert arrays["emission"].shape[1] == len(settings["words"]) == len(set(settings["words"]))
    assert arrays["state_classes"].shape == (states,)
    np.testing.assert_allclose(arrays["emission"].sum(1), 1)


@pytest.mark.parametrize(
    ("word", "expected"), [("box", "boxes"), ("city", "cities"), ("play", "plays"), ("book", "books")]
)
def test_the_plural(word: str, expected: str) -> None:
    assert add_s(word) == expected
