"""Oracles against brute force over all strings, and the laws of a language model."""

import itertools
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.models.oracles import KINDS, PCFG, CorpusInputs, Words, sample
from unroll import models
from unroll.corpora import markov
from unroll.errors import UnrollError
from unroll.models.base.protocol import LanguageModel, log_probs_by_stepping
from unroll.models.oracle import model as oracle
from unroll.models.oracle.chains import Hmm, Markov
from unroll.models.oracle.grammar import Grammar
from unroll.models.oracle.params import OracleParams
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, UNK


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def all_documents(model: oracle.Model, longest: int) -> list[np.ndarray]:
    """Return every document of at most `longest` symbols."""
    return [
        np.array([*symbols, EOS])
        for length in range(1, longest + 1)
        for symbols in itertools.product(model.ids, repeat=length)
    ]


# Brute force: the probability of a document, from the definition of its process


def by_definition(process: Any, symbols: tuple[int, ...]) -> float:
    if isinstance(process, Markov):
        past, p = [process.symbols] * process.order, 1.0
        for symbol in symbols:
            context = sum(past[-1 - j] * (process.symbols + 1) ** j for j in range(process.order))
            p *= process.transition[context, symbol]
            past.append(symbol)
        return p * (1 - process.stop_probability) ** (len(symbols) - 1) * process.stop_probability
    if isinstance(process, Hmm):
        total = 0.0
        for path in itertools.product(range(len(process.initial)), repeat=len(symbols)):
            p = process.initial[path[0]]
            for before, after in itertools.pairwise(path):
                p *= process.transition[before, after]
            total += p * math.prod(process.emission[s, w] for s, w in zip(path, symbols, strict=True))
        return total * (1 - process.stop_probability) ** (len(symbols) - 1) * process.stop_probability
    return trees(process, 0, symbols)


def trees(grammar: Grammar, parent: int, symbols: tuple[int, ...]) -> float:
    """Sum over all trees with root `parent` that yield the symbols."""
    total = grammar.emission[parent, symbols[0]] if len(symbols) == 1 else 0.0
    for cut in range(1, len(symbols)):
        for (above, left, right), rule in zip(grammar.rules, grammar.probabilities, strict=True):
            if above == parent:
                total += rule * trees(grammar, left, symbols[:cut]) * trees(grammar, right, symbols[cut:])
    return float(total)


def test_a_document_has_the_probability_of_its_definition(kind: str, tmp_path: Path) -> None:
    model = sample(kind, tmp_path)[0]
    documents = all_documents(model, 4)
    for document, scores in zip(documents, model.log_probs(documents), strict=True):
        symbols = tuple(int(model.codes[token]) for token in document[:-1])
        assert math.exp(scores.sum()) == pytest.approx(by_definition(model.process, symbols), rel=1e-10, abs=1e-300)


def test_the_probabilities_of_all_documents_approach_one(kind: str, tmp_path: Path) -> None:
    model = sample(kind, tmp_path)[0]
    totals = [sum(math.exp(s.sum()) for s in model.log_probs(all_documents(model, longest))) for longest in (3, 5, 7)]
    assert totals[0] < totals[1] < totals[2] < 1
    if kind == "pcfg":  # sizes of trees: Catalan numbers; the root has two children
        b, catalan = PCFG.branching, (1, 1, 2, 5, 14, 42, 132)
        single = [catalan[n - 1] * b ** (n - 1) * (1 - b) ** n for n in range(1, 8)]
        expected = sum(single[i] * single[j] for i in range(7) for j in range(7) if i + j + 2 <= 7)
    else:
        expected = 1 - (1 - KINDS[kind][1].stop_probability) ** 7
    assert totals[2] == pytest.approx(expected, rel=1e-10)


@pytest.mark.slow
def test_prefix_probabilities_sum_over_all_continuations(tmp_path: Path) -> None:
    """p(prefix) of a grammar from log_probs is the sum of p(sentence) over the sentences that begin with the prefix."""
    binary = np.zeros((3, 3, 3))
    binary[0, 1, 2], binary[0, 2, 1], binary[1, 1, 2], binary[2, 2, 2] = (
        0.7,
        0.3,
        0.05,
        0.1,
    )  # 1 and 2 recur on the left
    emission = np.array([[0.0, 0.0], [0.25, 0.7], [0.6, 0.3]])
    model = oracle.Model(Grammar.from_dense(binary, emission), np.array([4, 5]), 6, {"family": "oracle"})
    sentences = all_documents(model, 13)
    mass = np.array([math.exp(scores.sum()) for scores in model.log_probs(sentences)])
    assert mass.sum() == pytest.approx(1, abs=1e-5)  # the rest belongs to longer sentences
    for prefix in ([4], [5, 4], [4, 4, 5], [5, 5, 5, 4]):
        total = sum(m for m, s in zip(mass, sentences, strict=True) if list(s[: len(prefix)]) == prefix)
        assert math.exp(model.log_probs([np.array(prefix)])[0].sum()) == pytest.approx(total, abs=1e-5)


# Laws


def test_rows_sum_to_one_and_stepping_equals_scoring(kind: str, tmp_path: Path) -> None:
    model, documents, _ = sample(kind, tmp_path)
    assert isinstance(model, LanguageModel)
    some = [*documents[:40], max(documents, key=len), np.array([], dtype=int), np.array([EOS]), documents[0][:1]]
    some += [np.array([model.ids[0], 4 + len(model.ids), model.ids[1], EOS]), np.array([UNK, EOS, model.ids[0]])]
    for fast, slow in zip(model.log_probs(some), log_probs_by_stepping(model, some), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9)
    state = model.start(3)
    for tokens in ([4, 5, 6], [5, UNK, 5], [EOS, 6, 4]):
        rows = model.next_log_probs(state)
        np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-9)
        assert np.isneginf(rows[:, [PAD, BOS]]).all()
        state = model.advance(state, np.array(tokens))
    swapped = model.next_log_probs(model.select(state, np.array([2, 0])))
    np.testing.assert_allclose(swapped, model.next_log_probs(state)[[2, 0]], rtol=1e-12)


def test_an_impossible_token_has_infinite_loss_and_does_not_change_the_state(kind: str, tmp_path: Path) -> None:
    model, documents, _ = sample(kind, tmp_path)
    document = next(d for d in documents if len(d) > 3)
    other = 4 + len(model.ids)  # a word that no process emits
    clean, disturbed = model.log_probs([document, np.insert(document, 2, other)])
    assert np.isneginf(disturbed[2])
    np.testing.assert_allclose(np.delete(disturbed, 2), clean, rtol=1e-9)


def test_no_model_has_a_lower_expected_loss(kind: str, tmp_path: Path) -> None:
    """E_true[p_model(next) / p_true(next)] = 1, exactly over the next symbol and closely over sampled documents."""
    model, documents, _ = sample(kind, tmp_path)
    generator = np.random.default_rng(0)
    unigram = np.bincount(np.concatenate(documents), minlength=model.vocabulary_size) / sum(map(len, documents))
    ratios = []
    for document in documents[:300]:
        state = model.start()
        for token in document:
            true = np.exp(model.next_log_probs(state)[0])
            ratio = np.divide(unigram, true, out=np.zeros_like(true), where=true > 0)
            assert (true * ratio).sum() == pytest.approx(unigram[true > 0].sum(), rel=1e-9)
            ratios.append(ratio[token] / unigram[true > 0].sum())
            state = model.advance(state, np.array([token]))
    error = np.std(ratios) / math.sqrt(len(ratios))
    assert np.mean(ratios) == pytest.approx(1, abs=5 * error)
    # ... and any other prediction is worse on the sampled text itself.
    other = generator.dirichlet(np.ones(model.vocabulary_size))
    own = sum(scores.sum() for scores in model.log_probs(documents))
    assert own > sum(np.log(unigram[d]).sum() for d in documents) > sum(np.log(other[d]).sum() for d in documents)


def test_saving_is_exact(kind: str, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "model").mkdir()
    model, documents, _ = sample(kind, tmp_path / "raw")
    model.save(tmp_path / "model")
    loaded = models.load(tmp_path / "model")
    for a, b in zip(model.log_probs(documents[:50]), loaded.log_probs(documents[:50]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_long_sentence_does_not_underflow() -> None:
    """The probability is below the smallest float, but the chart is scaled word by word."""
    binary, emission = np.zeros((2, 2, 2)), np.zeros((2, 1000))
    binary[0, 1, 1], binary[1, 1, 1], emission[1] = 1.0, 0.4, 0.6 / 1000
    model = oracle.Model(Grammar.from_dense(binary, emission), np.arange(4, 1004), 1004, {"family": "oracle"})
    n = 120
    scores = model.log_probs([np.append(np.full(n, 9), EOS)])[0]
    size = sum(
        math.comb(2 * i, i) // (i + 1) * (math.comb(2 * (n - 2 - i), n - 2 - i) // (n - 1 - i)) for i in range(n - 1)
    )
    expected = math.log(size) + (n - 2) * math.log(0.4) + n * math.log(0.6 / 1000)
    assert expected < math.log(5e-324)
    assert scores.sum() == pytest.approx(expected, rel=1e-9)


# The vocabulary


def test_symbols_that_the_vocabulary_lacks_are_unknown(kind: str, tmp_path: Path) -> None:
    """p(<unk> ...) is the sum over all symbols that <unk> may stand for."""
    whole, _, _ = sample(kind, tmp_path)
    lacking = [0, 2]
    kept = [symbol for symbol in range(whole.process.symbols) if symbol not in lacking]
    partial = oracle.from_corpus(tmp_path, Words([f"w{symbol}" for symbol in kept]))
    for document in all_documents(whole, 3):
        symbols = whole.codes[document[:-1]]
        hidden = np.array([UNK if s in lacking else 4 + kept.index(s) for s in symbols] + [EOS])
        same = [s for s in all_documents(whole, 3) if len(s) == len(document) and all(
            a == b or {a, b} <= set(lacking) for a, b in zip(whole.codes[s[:-1]], symbols, strict=True))]  # fmt: skip
        total = sum(math.exp(scores.sum()) for scores in whole.log_probs(same))
        assert math.exp(partial.log_probs([hidden])[0].sum()) == pytest.approx(total, rel=1e-9, abs=1e-300)


def test_fit_needs_the_vocabulary_of_the_data(tmp_path: Path) -> None:
    _, _, words = sample("hmm", tmp_path)
    params, inputs = (
        OracleParams(family="oracle", tokenizer="hidden", corpus="hidden"),
        CorpusInputs(folder=tmp_path, words=words),
    )
    model = oracle.fit(params, Data("hidden", 9, 10, 1, {}), inputs, lambda *_, **__: None)
    assert model.params == {"family": "oracle", "tokenizer": "hidden", "corpus": "hidden"}
    with pytest.raises(UnrollError, match=r"hidden has 8 tokens, but its tokenizer has 9"):
        oracle.fit(params, Data("hidden", 8, 10, 1, {}), inputs, lambda *_, **__: None)


def test_other_tokenizers_and_corpora_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match="needs a corpus of source markov, hmm, pcfg or everyday"):
        oracle.from_corpus(tmp_path, Words(["w0"]))
    sample("hmm", tmp_path)
    with pytest.raises(UnrollError, match="use a tokenizer of type word"):
        oracle.from_corpus(tmp_path, Words(["x"]))
    large = SimpleNamespace(
        seed=1, order=6, vocabulary_size=4, concentration=1.0, stop_probability=0.5, expected_tokens=100
    )
    markov.fetch(large, tmp_path)
    with pytest.raises(UnrollError, match=r"lacks 2 of its 4 symbols.*min_count"):
        oracle.from_corpus(tmp_path, Words(["w0", "w1"]))
