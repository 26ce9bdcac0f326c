"""The laws of `unroll.models.base.protocol`, for every family and its main options."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests import toy
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import ConditionalModel, LanguageModel, log_probs_by_stepping
from unroll.params.experiments import ModelParams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, UNK

NGRAM = {"family": "ngram", "tokenizer": "toy", "prune": [0]}
BIDIRECTIONAL = {
    "family": "bidirectional",
    "tokenizer": "toy",
    "embedding_size": 16,
    "hidden_size": 16,
    "layers": 1,
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING,
} | toy.LAYERS
RECURRENT = BIDIRECTIONAL | {"family": "recurrent"} | toy.RECURRENT
ONE_HOT = {"embedding_size": "one_hot", "tie_weights": False}
UNDROPPED = {"dropout": toy.DROPOUT | {"input": 0.0}}
WINDOW = {
    "family": "window",
    "tokenizer": "toy",
    "window": 3,
    "embedding_size": 16,
    "hidden_size": 16,
    "direct_connections": False,
    "dropout": 0.1,
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING,
}
TRANSFORMER = {
    "family": "transformer",
    "tokenizer": "toy",
    "hidden_size": 16,
    "layers": 2,
    "heads": 2,
    "feedforward_size": 32,
    "context": 5,
    "dropout": 0.1,
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING,
}
SEQ2SEQ = {
    "family": "seq2seq",
    "tokenizer": "toy",
    "cell": "lstm",
    "embedding_size": 16,
    "hidden_size": 16,
    "layers": 1,
    "bidirectional": False,
    "attention": "none",
    "input_feeding": False,
    "share_embeddings": False,
    "tie_weights": False,
    "dropout": 0.0,
    "label_smoothing": 0.0,
    "teacher_forcing": {"first": 1.0, "last": 1.0},
    "training": toy.TRAINING,
}
FED = {"attention": "additive", "input_feeding": True, "share_embeddings": True, "tie_weights": True}
CASES: dict[str, dict[str, Any]] = {
    "unigram": NGRAM | {"order": 1, "smoothing": {"kind": "add_k", "k": 1.0}},
    "trigram-add-k": NGRAM | {"order": 3, "smoothing": {"kind": "add_k", "k": 0.1}},
    "trigram-interpolated": NGRAM | {"order": 3, "smoothing": {"kind": "jelinek_mercer", "iterations": 5}},
    "kneser5": NGRAM | {"order": 5, "smoothing": {"kind": "modified_kneser_ney", "fallback": [0.5, 1.0, 1.5]}},
    "hmm": {
        "family": "hmm",
        "tokenizer": "toy",
        "states": 4,
        "pseudo_count": 0.01,
        "restarts": 2,
        "restart_tokens": 500,
        "restart_iterations": 3,
        "iterations": 5,
        "tolerance": 0.0,
    },
    "cache": {"family": "cache", "tokenizer": "toy", "window": 20, "decay": 0.9, "uniform": 0.5},
    "rnn": RECURRENT | {"cell": "rnn"},
    "gru-shuffled-untied": RECURRENT
    | {"cell": "gru", "batching": "shuffled", "tie_weights": False, "embedding_size": 8},
    "lstm": RECURRENT | {"cell": "lstm"},
    "lstm-two-layers": RECURRENT | {"cell": "lstm", "layers": 2},
    "rnn-adaptive": RECURRENT
    | {"cell": "rnn", "tie_weights": False, "softmax": {"kind": "adaptive", "cutoffs": [4, 9], "div_value": 2.0}},
    "rnn-sampled": RECURRENT | {"cell": "rnn", "softmax": {"kind": "sampled", "samples": 8, "exponent": 0.75}},
    "rnn-nce": RECURRENT | {"cell": "rnn", "softmax": {"kind": "nce", "samples": 8, "exponent": 0.75}},
    "rnn-negative-sampling": RECURRENT
    | {"cell": "rnn", "softmax": {"kind": "negative_sampling", "samples": 8, "exponent": 0.75}},
    "rnn-relu": RECURRENT | {"cell": "rnn_relu"},
    "rnn-sigmoid": RECURRENT | {"cell": "rnn_sigmoid"},
    "rnn-identity": RECURRENT | {"cell": "rnn_identity"},
    "gru-reset-before": RECURRENT | {"cell": "gru_reset_before", "layers": 2},
    "rnn-one-hot": RECURRENT | {"cell": "rnn"} | ONE_HOT | UNDROPPED,
    "lstm-one-hot": RECURRENT | {"cell": "lstm", "layers": 2} | ONE_HOT | UNDROPPED,
    "gru-dot": RECURRENT | {"cell": "gru", "attention": {"kind": "dot", "context": 100}},
    "rnn-general": RECURRENT
    | {"cell": "rnn", "layers": 2, "batching": "shuffled", "attention": {"kind": "general", "context": 3}},
    "lstm-additive": RECURRENT | {"cell": "lstm", "attention": {"kind": "additive", "context": 1}},
    "mingru-residual": RECURRENT | {"cell": "mingru", "layers": 2, "residual": True},
    "minlstm": RECURRENT | {"cell": "minlstm"},
    "awd-lstm": RECURRENT
    | {
        "cell": "lstm",
        "layers": 2,
        "hidden_size": [8, 16],
        "dropout": toy.DROPOUT | {"embedding": 0.1, "weight_drop": 0.2, "variational": True},
        "activation_regularization": {"ar": 2.0, "tar": 1.0},
    },
    "bidirectional": BIDIRECTIONAL | {"cell": "gru"},
    "bidirectional-one-hot": BIDIRECTIONAL | {"cell": "mingru"} | ONE_HOT | UNDROPPED,
    "window": WINDOW,
    "window-of-one": WINDOW | {"window": 1, "batching": "shuffled"},
    "window-one-hot": WINDOW | ONE_HOT,
    "window-direct": WINDOW | {"direct_connections": True, "tie_weights": False, "embedding_size": 8},
    "transformer": TRANSFORMER,
    "transformer-shuffled-untied": TRANSFORMER | {"context": 64, "batching": "shuffled", "tie_weights": False},
    "transformer-context-of-one": TRANSFORMER | {"context": 1, "layers": 1},
    "seq2seq": SEQ2SEQ | {"teacher_forcing": {"first": 1.0, "last": 0.5}},
    "seq2seq-dot": SEQ2SEQ | {"cell": "gru", "layers": 2, "bidirectional": True, "attention": "dot"},
    "seq2seq-one-hot": SEQ2SEQ | {"embedding_size": "one_hot", "bidirectional": True, "layers": 2, "dropout": 0.1},
    "seq2seq-fed": SEQ2SEQ | FED | {"label_smoothing": 0.1, "dropout": 0.1},
}
SOURCE = np.asarray([5, 6, 7, 8])


def train(case: str) -> Any:
    params = TypeAdapter(ModelParams).validate_python(CASES[case])
    data = toy.pairs() if params.family == "seq2seq" else toy.text()
    return models.family(params.family).fit(params, data, Inputs(), lambda *_, **__: None)


_trained: dict[str, Any] = {}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def trained(case: str) -> Any:
    if case not in _trained:
        _trained[case] = train(case)
    return _trained[case]


@pytest.fixture
def model(trained: Any) -> LanguageModel[Any]:
    return language_model(trained)


def language_model(trained: Any) -> LanguageModel[Any]:
    """Return the model itself, or the language model of a conditional model given SOURCE."""
    return trained.condition_on([SOURCE]) if isinstance(trained, ConditionalModel) else trained


@pytest.fixture
def documents() -> list[Ids]:
    """Documents with and without <eos>, an empty one, single tokens, unknown words, and a long one."""
    long = np.concatenate(toy.documents(12, seed=99))
    texts = [*toy.documents(5, seed=98), np.asarray([UNK, UNK]), long]
    return [np.append(text, EOS) for text in texts] + [
        np.asarray([], dtype=np.int64),
        np.asarray([7]),
        np.asarray([EOS]),
    ]


def state_after(model: LanguageModel[Any], document: Ids) -> Any:
    state = model.start(1)
    for token in document:
        state = model.advance(state, np.asarray([token]))
    return state


def test_satisfies_the_protocol(trained: Any, model: LanguageModel[Any]) -> None:
    assert isinstance(model, LanguageModel)
    assert model.vocabulary_size == toy.VOCABULARY_SIZE


def test_rows_sum_to_one(model: LanguageModel[Any], documents: list[Ids]) -> None:
    for document in documents:
        log_probs = np.asarray(model.next_log_probs(state_after(model, document[:9])), dtype=np.float64)
        assert log_probs.shape == (1, model.vocabulary_size)
        assert np.exp(log_probs).sum() == pytest.approx(1, abs=1e-5)


def test_pad_and_bos_are_never_predicted(model: LanguageModel[Any]) -> None:
    log_probs = model.next_log_probs(model.start(3))
    assert np.isneginf(log_probs[:, [PAD, BOS]]).all()
    assert np.isfinite(log_probs[:, [EOS, UNK]]).all()


def test_log_probs_equal_stepping(model: LanguageModel[Any], documents: list[Ids]) -> None:
    assert_close(model.log_probs(documents), log_probs_by_stepping(model, documents))


def test_a_suffix_never_changes_a_prefix(model: LanguageModel[Any], documents: list[Ids]) -> None:
    cut = [document[: len(document) // 2] for document in documents]
    whole = model.log_probs(documents)
    assert_close(model.log_probs(cut), [scores[: len(prefix)] for scores, prefix in zip(whole, cut, strict=True)])


def test_a_batch_equals_one_at_a_time(model: LanguageModel[Any], documents: list[Ids]) -> None:
    assert_close(model.log_probs(documents), [model.log_probs([document])[0] for document in documents])


def test_no_documents(model: LanguageModel[Any]) -> None:
    assert model.log_probs([]) == []


def test_select_reorders_and_repeats_contexts(model: LanguageModel[Any]) -> None:
    state = model.advance(model.start(3), np.asarray([4, 5, 6]))
    before = np.array(model.next_log_probs(state))
    picked = model.next_log_probs(model.select(state, np.asarray([2, 0, 0, 1])))
    np.testing.assert_allclose(picked, before[[2, 0, 0, 1]], rtol=1e-5)


def test_a_state_is_never_changed(model: LanguageModel[Any]) -> None:
    state = model.advance(model.start(2), np.asarray([4, 5]))
    before = np.array(model.next_log_probs(state))
    model.advance(state, np.asarray([6, 7]))
    model.select(state, np.asarray([1]))
    np.testing.assert_array_equal(before, model.next_log_probs(state))


def test_save_and_load_are_exact(trained: Any, model: LanguageModel[Any], documents: list[Ids], tmp_path: Path) -> None:
    trained.save(tmp_path)
    saved = models.load(tmp_path)
    assert saved.parameters == trained.parameters
    loaded = language_model(saved)
    for ours, theirs in zip(model.log_probs(documents), loaded.log_probs(documents), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_same_seed_same_bytes(case: str, trained: Any, tmp_path: Path) -> None:
    for name, model in (("one", trained), ("two", train(case))):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


@pytest.mark.parametrize("case", [name for name in CASES if name != "cache"], indirect=True)  # it is not trained
def test_beats_uniform(trained: Any) -> None:
    uniform = np.log(toy.VOCABULARY_SIZE - 2)
    if isinstance(trained, ConditionalModel):
        test = toy.pairs().streams["test"]
        documents = test["target"].documents
        scores = trained.condition_on([source[:-1] for source in test["source"].documents]).log_probs(documents)
    else:
        scores = trained.log_probs(toy.text().test.documents)
    assert -np.mean(np.concatenate(scores)) < uniform - 0.02


def assert_close(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    assert [len(scores) for scores in ours] == [len(scores) for scores in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)
