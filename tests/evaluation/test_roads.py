"""Perplexity by three roads: log_probs, stepping, and a reference that shares with the model its numbers alone."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.evaluation.test_ahead import chain
from tests.models.test_contract import train
from unroll.evaluation.perplexity import evaluate, score
from unroll.models import mixture
from unroll.models.protocol import log_probs_by_stepping
from unroll.params.models import MixtureParams
from unroll.partition import Ids
from unroll.text.vocabulary import BOS, EOS

V = toy.VOCABULARY_SIZE
Reference = Callable[[Ids], float]
"""Nats of a document."""


def trigram_with_add_k(document: Ids) -> float:
    pairs = [pair for known in toy.text().train.documents for pair in contexts(known)]
    counts, totals = Counter(pairs), Counter(context for context, _ in pairs)
    k, predicted = 0.1, V - 2
    return -sum(math.log((counts[c, w] + k) / (totals[c] + k * predicted)) for c, w in contexts(document))


def contexts(document: Ids) -> list[tuple[tuple[int, ...], int]]:
    read = [BOS, *map(int, document)]
    return [(tuple(read[max(0, i - 2) : i]), read[i]) for i in range(1, len(read))]


def forward(initial: Any, transition: Any, emission: Any) -> Reference:
    """The sum over all paths of hidden states, by the forward recursion in probabilities."""

    def nats(document: Ids) -> float:
        alpha = initial * emission[:, document[0]]
        for token in document[1:]:
            alpha = (alpha @ transition) * emission[:, token]
        return -math.log(alpha.sum())

    return nats


def network(model: Any, cell: str) -> Reference:
    """Elman's network or the LSTM, equation by equation, in float64."""
    p = {name.split(".")[-1]: value.double().numpy() for name, value in model.network.recurrent.state_dict().items()}
    embedding, softmax = (module.state_dict() for module in (model.network.embedding, model.network.softmax))

    def nats(document: Ids) -> float:
        total, h, c = 0.0, np.zeros(16), np.zeros(16)
        for before, token in zip([BOS, *document[:-1]], document, strict=True):
            x = embedding["weight"][before].double().numpy()
            a = p["weight_ih_l0"] @ x + p["bias_ih_l0"] + p["weight_hh_l0"] @ h + p["bias_hh_l0"]
            if cell == "rnn":
                h = np.tanh(a)
            else:
                i, f, g, o = np.split(a, 4)
                c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
                h = np.tanh(c) / (1 + np.exp(-o))
            logits = softmax["weight"].double().numpy() @ h + softmax["bias"].double().numpy()
            total -= logits[token] - np.log(np.exp(logits[EOS:]).sum())
        return total

    return nats


def road(case: str) -> tuple[Any, Reference, list[Ids]]:
    documents = [d for d in toy.text().test.documents if len(d)]
    if case == "truth":  # a chain of four states that ends with probability 0.1, as one of five that emits <eos>
        model = chain("hmm")
        process = model.process
        emission = np.zeros((5, 8))
        emission[:4, 4:], emission[4, EOS] = process.emission, 1
        transition = np.zeros((5, 5))
        transition[:4, :4], transition[:4, 4] = 0.9 * process.transition, 0.1
        own = [np.append(np.random.default_rng(n).integers(4, 8, n), EOS) for n in (1, 5, 30)]
        return model, forward(np.append(process.initial, 0), transition, emission), own
    if case == "mixture":
        members = [train("trigram-add-k"), train("hmm")]
        numbers = {"first": "a", "second": "b", "iterations": 5, "tolerance": 0.0}
        params = MixtureParams.model_validate({"family": "mixture", "tokens": "toy", **numbers})
        model = mixture.fit(params, toy.text(), lambda *_, **__: None, members)
        return model, by_rows(model), documents
    model = train(case)
    if case == "trigram-add-k":
        return model, trigram_with_add_k, documents
    if case == "hmm":
        return model, forward(model.initial, model.transition, model.emission), documents
    return model, network(model, case), documents


def by_rows(model: Any) -> Reference:
    """A mixture from its members' whole rows, weighted in probabilities."""

    def nats(document: Ids) -> float:
        total, states = 0.0, [member.start(1) for member in model.members]
        for token in document:
            rows = [np.exp(m.next_log_probs(s)[0]) for m, s in zip(model.members, states, strict=True)]
            total -= math.log(sum(w * row[token] for w, row in zip(model.weights, rows, strict=True)))
            states = [m.advance(s, np.asarray([token])) for m, s in zip(model.members, states, strict=True)]
        return total

    return nats


@pytest.mark.parametrize("case", ["trigram-add-k", "hmm", "truth", "mixture", "rnn", "lstm"])
def test_three_roads_meet(case: str) -> None:
    model, reference, documents = road(case)
    tolerance = 1e-6 if case in ("rnn", "lstm") else 1e-7 if case in ("trigram-add-k", "mixture") else 1e-9
    fast = evaluate(model, documents)
    stepped = score(log_probs_by_stepping(model, documents), documents)
    tokens = sum(map(len, documents))
    assert fast.tokens == tokens
    expected = math.exp(sum(map(reference, documents)) / tokens)
    assert fast.perplexity == pytest.approx(stepped.perplexity, rel=tolerance)
    assert fast.perplexity == pytest.approx(expected, rel=tolerance)
