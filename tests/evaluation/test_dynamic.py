"""Dynamic evaluation: tokens are scored before they are learned, repetition helps, and the model is unchanged."""

from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.evaluation.subjects import subject
from tests.models.test_contract import train
from unroll.errors import UnrollError
from unroll.evaluation.evaluate import evaluate
from unroll.models.base import neural_language_model
from unroll.models.base.protocol import DynamicModel
from unroll.params.evaluate import DynamicSgd
from unroll.text.tokenizers.vocabulary import BOS, EOS
from unroll.training import dynamic_evaluation

PARAMS = DynamicSgd(kind="sgd", learning_rate=0.3, segment=8, decay=0.01)
CASES = ["gru-shuffled-untied", "lstm", "bidirectional", "transformer", "rnn-sampled"]


@pytest.fixture(scope="module", params=CASES)
def model(request: pytest.FixtureRequest) -> Any:
    return train(request.param)


def long(seed: int = 5) -> np.ndarray:
    return np.append(np.concatenate(toy.documents(4, seed)), EOS)


def test_tokens_are_scored_before_they_are_learned(model: Any) -> None:
    """The first segment has the static scores, and later tokens change no score of an earlier segment."""
    assert isinstance(model, DynamicModel)
    document = long()
    static, adapted = model.log_probs([document])[0], model.adapted_log_probs([document], PARAMS)[0]
    np.testing.assert_allclose(adapted[:8], static[:8], rtol=1e-5, atol=1e-6)
    assert np.abs(adapted[8:] - static[8:]).max() > 1e-4
    changed = np.append(document[:20], document[20:][::-1])
    np.testing.assert_array_equal(model.adapted_log_probs([changed], PARAMS)[0][:20], adapted[:20])


def test_the_next_document_profits_and_the_model_is_unchanged(model: Any) -> None:
    before = {name: np.array(value) for name, value in neural_language_model.weights(model.network).items()}
    document = long()
    first, second = model.adapted_log_probs([document, document], PARAMS)
    assert second.sum() > first.sum()
    np.testing.assert_array_equal(model.adapted_log_probs([document], PARAMS)[0], first)
    for name, value in neural_language_model.weights(model.network).items():
        np.testing.assert_array_equal(value, before[name])
    assert not any(weight.grad is not None for weight in model.network.parameters())


def test_a_repetitive_text_is_learned(model: Any) -> None:
    """A cycle of three words that are never adjacent in the training text."""
    document = np.append(np.tile([4, 11, 7], 40), EOS)
    static, adapted = model.log_probs([document])[0], model.adapted_log_probs([document], PARAMS)[0]
    assert -adapted.mean() < -static.mean() - 0.3


def test_the_steps_are_the_equation() -> None:
    """theta_i = theta_{i-1} - rate grad L(s_i) + decay (theta_0 - theta_{i-1}), written out for a window network."""
    model, document = train("window"), long()[:28]
    adapted = model.adapted_log_probs([document], PARAMS.model_copy(update={"decay": 0.25}))[0]
    network, read = model.network, neural_language_model.as_tensor(np.append(BOS, document))[None]
    weights = list(network.parameters())
    trained, state, expected = [weight.data.clone() for weight in weights], network.start(1), []
    for first in (0, 8, 16, 24):
        x, y = read[:, first : first + 8][:, : 28 - first], read[:, first + 1 : first + 9]
        hidden, state = network(x, state)
        nats = network.softmax.negative_log_likelihood(hidden, y)
        expected += (-nats[0]).tolist()
        network.zero_grad()
        (nats.sum() / 8).backward()
        for weight, origin in zip(weights, trained, strict=True):
            weight.data += 0.25 * (origin - weight.data) - 0.3 * weight.grad
    np.testing.assert_allclose(adapted, expected, rtol=1e-4)


def test_documents_may_be_empty_or_absent() -> None:
    model = train("window")
    assert model.adapted_log_probs([], PARAMS) == []
    assert [len(scores) for scores in model.adapted_log_probs([long()[:0], long()[:1]], PARAMS)] == [0, 1]


def test_divergence_is_an_error() -> None:
    model = train("rnn-relu")
    with pytest.raises(UnrollError, match=r"evaluate\.dynamic\.learning_rate 100"):
        dynamic_evaluation.score(model.network, [long(), long()], PARAMS.model_copy(update={"learning_rate": 100.0}))


def test_it_is_a_column_of_its_own() -> None:
    """A network has it if params.yaml enables it, and an n-gram model never."""
    window, counts = train("window"), train("trigram-add-k")
    for model, kind in ((window, "sgd"), (window, "none"), (counts, "sgd")):
        dynamic = PARAMS.model_dump() if kind == "sgd" else {"kind": kind}
        result = evaluate(subject(model, samples=0, dynamic=dynamic))
        expected = model is window and kind == "sgd"
        assert ("dynamic_nll" in result.losses) == ("dynamic_perplexity" in result.metrics) == expected
        if expected:
            assert np.exp(result.losses["dynamic_nll"].mean()) == pytest.approx(result.metrics["dynamic_perplexity"])
            assert result.metrics["dynamic_perplexity"] != pytest.approx(result.metrics["test_perplexity"], rel=1e-4)
