"""The entropy of a process, in closed form or by enumeration, is the cross-entropy of its oracle on sampled text."""

import itertools
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.models.oracles import HMM, MARKOV, Words
from unroll.corpora import hmm, markov, pcfg
from unroll.models.oracle import model as oracle
from unroll.models.oracle.chains import Markov
from unroll.models.oracle.grammar import Grammar
from unroll.text.tokenizers.vocabulary import EOS


def entropy(probabilities: np.ndarray) -> float:
    p = probabilities[probabilities > 0]
    return float(-(p * np.log(p)).sum())


def markov_entropy(process: Markov) -> float:
    """Compute the entropy of a document: each context adds its entropy times its expected visits n.

    The expected visits solve n = start + (1 - end) n P.
    """
    hidden = process.to_hmm()
    contexts = len(process.transition)
    visits = np.linalg.solve(np.eye(contexts) - (1 - process.stop_probability) * hidden.transition.T, hidden.initial)
    stop = entropy(np.array([process.stop_probability, 1 - process.stop_probability]))
    rows = np.array([entropy(row) for row in process.transition])
    return rows[-1] + float(visits @ (stop + (1 - process.stop_probability) * rows))


@pytest.mark.slow
def test_the_cross_entropy_of_a_chain_is_its_entropy(tmp_path: Path) -> None:
    markov.fetch(SimpleNamespace(**vars(MARKOV) | {"seed": 3, "expected_tokens": 120_000}), tmp_path)
    words = Words(["w0", "w1", "w2"])
    model = oracle.from_corpus(tmp_path, words)
    documents = [np.array([*words.encode(line), EOS]) for line in (tmp_path / "text.txt").read_text().splitlines()]
    totals = np.array([scores.sum() for scores in model.log_probs(documents)])
    error = totals.std() / math.sqrt(len(totals))
    assert error < 0.02
    assert -totals.mean() == pytest.approx(markov_entropy(model.process), abs=4 * error)


@pytest.mark.slow
def test_the_entropy_of_documents_of_a_hidden_chain_by_enumeration(tmp_path: Path) -> None:
    hmm.fetch(
        SimpleNamespace(
            **vars(HMM) | {"seed": 3, "expected_tokens": 40_000, "stop_probability": 0.7, "vocabulary_size": 3}
        ),
        tmp_path,
    )
    words = Words(["w0", "w1", "w2"])
    model = oracle.from_corpus(tmp_path, words)
    documents = [np.array([*words.encode(line), EOS]) for line in (tmp_path / "text.txt").read_text().splitlines()]
    totals = np.array([scores.sum() for scores in model.log_probs(documents)])
    expected = 0.0
    for length in range(1, 8):
        for symbols in itertools.product(range(3), repeat=length):
            forward = model.process.initial * model.process.emission[:, symbols[0]]
            for symbol in symbols[1:]:
                forward = (forward @ model.process.transition) * model.process.emission[:, symbol]
            if (p := forward.sum() * 0.3 ** (length - 1) * 0.7) > 0:
                expected -= p * math.log(p)
    error = totals.std() / math.sqrt(len(totals))
    assert -totals.mean() == pytest.approx(
        expected, abs=4 * error + 0.005
    )  # longer documents, 0.3^7 of the mass, are left out


@pytest.mark.slow
def test_the_entropy_of_an_unambiguous_grammar_is_that_of_its_derivations() -> None:
    """S -> A A | B A, A -> a, B -> b B | b: each sentence has one tree, so H is the sum of the rules' entropies."""
    binary, emission = np.zeros((4, 4, 4)), np.zeros((4, 2))
    binary[0, 1, 1], binary[0, 2, 1] = 0.4, 0.6
    emission[1, 0] = 1.0
    binary[2, 3, 2], emission[2, 1] = 0.25, 0.75
    emission[3, 1] = 1.0
    loop = entropy(np.array([0.25, 0.75])) / 0.75  # H(B) = h + 0.25 H(B)
    expected = entropy(np.array([0.4, 0.6])) + 0.6 * loop
    model = oracle.Model(Grammar.from_dense(binary, emission), np.array([4, 5]), 6, {"family": "oracle"})
    documents = [np.array([4, 4, EOS])] + [np.array([5] * n + [4, EOS]) for n in range(1, 40)]
    totals = np.array([scores.sum() for scores in model.log_probs(documents)])
    assert np.exp(totals).sum() == pytest.approx(1, abs=1e-12)
    assert -(np.exp(totals) * totals).sum() == pytest.approx(expected, rel=1e-10)
    tokens, sizes = pcfg.sample(*pcfg.to_rules(binary), emission, 20_000, np.random.default_rng(0))
    codes = np.split(tokens, np.cumsum(sizes)[:-1])
    drawn = np.array([s.sum() for s in model.log_probs([np.append(model.ids[c], EOS) for c in codes])])
    assert -drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / math.sqrt(len(drawn)))
