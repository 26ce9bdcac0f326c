"""Family masked_transformer: what is hidden and read, the equations of the network, and its predictions of blanks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import toy
from tests.evaluation.references import linear, normed
from unroll import models
from unroll.evaluation.tasks import cloze
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import ClozeModel, ContextualModel, EmbeddingModel, LanguageModel
from unroll.models.masked_transformer import model as masked_transformer
from unroll.models.masked_transformer.model import Model
from unroll.models.masked_transformer.network import MASK, Network
from unroll.models.masked_transformer.params import MaskedTransformerParams, Masking
from unroll.models.masked_transformer.task import Task, hide
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD

MASKED_TRANSFORMER = {
    "family": "masked_transformer",
    "tokenizer": "toy",
    "hidden_size": 16,
    "layers": 2,
    "heads": 2,
    "feedforward_size": 32,
    "context": 3,
    "dropout": 0.0,
    "tie_weights": True,
    "masking": {"share": 0.15, "mask": 0.8, "random": 0.1},
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING,
}


def train(**changes: Any) -> Model:
    params = MaskedTransformerParams.model_validate(MASKED_TRANSFORMER | changes)
    return masked_transformer.fit(params, toy.text(sequence_length=20), Inputs(), lambda *_, **__: None)


@pytest.fixture(scope="module")
def model() -> Model:
    """A model that is trained long enough to predict blanks."""
    training = toy.TRAINING | {"epochs": 30, "patience": 30, "learning_rate": 0.02}
    return train(training=training, masking={"share": 0.3, "mask": 0.8, "random": 0.1}, hidden_size=32)


def test_satisfies_the_protocols_of_a_model_of_both_sides(model: Model) -> None:
    assert isinstance(model, ClozeModel)
    assert isinstance(model, ContextualModel)
    assert isinstance(model, EmbeddingModel)
    assert not isinstance(model, LanguageModel)


def test_the_shares_of_hidden_words_are_those_of_the_settings() -> None:
    masking = Masking(share=0.15, mask=0.8, random=0.1)
    tokens = np.full((400, 102), 7)
    tokens[:, 0], tokens[:, -1] = BOS, EOS
    read, predicted = hide(tokens, masking, 1000, np.random.default_rng(1))
    chosen = predicted != PAD
    assert not chosen[:, [0, -1]].any()
    assert chosen[:, 1:-1].mean() == pytest.approx(0.15, abs=0.01)
    np.testing.assert_array_equal(predicted[chosen], tokens[chosen])
    np.testing.assert_array_equal(read[~chosen], tokens[~chosen])
    hidden = read[chosen]
    assert (hidden == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert (hidden == 7).mean() == pytest.approx(0.1, abs=0.02)
    random = hidden[(hidden != MASK) & (hidden != 7)]
    assert len(random) / len(hidden) == pytest.approx(0.1, abs=0.02)
    assert random.min() >= 3
    assert random.mean() == pytest.approx(500, rel=0.1)


def test_at_least_one_word_of_a_row_is_hidden() -> None:
    tokens = np.asarray([[BOS, 5, EOS], [BOS, EOS, BOS], [6, 7, 8]])
    masking = Masking(share=0.01, mask=1.0, random=0.0)
    for seed in range(20):
        read, predicted = hide(tokens, masking, 16, np.random.default_rng(seed))
        assert (predicted != PAD).sum(1).tolist() == [1, 0, 1]
        assert predicted[0].tolist() == [PAD, 5, PAD]
        assert read[0].tolist() == [BOS, MASK, EOS]
    (read, predicted) = hide(tokens, Masking(share=0.9, mask=1.0, random=0.0), 16, np.random.default_rng(1))
    assert (predicted != PAD).sum(1).tolist() == [1, 0, 3]


def test_a_batch_without_words_has_no_loss() -> None:
    params = MaskedTransformerParams.model_validate(MASKED_TRANSFORMER)
    task = Task(Network(params, toy.VOCABULARY_SIZE), params, toy.text())
    loss, count, _ = task.loss((torch.tensor([[BOS, EOS]]), torch.tensor([[PAD, PAD]])), None)
    loss.backward()  # type: ignore[no-untyped-call]
    assert (float(loss.detach()), int(count)) == (0, 0)


def test_batches_are_a_function_of_the_epoch_and_the_valid_split_stays_the_same() -> None:
    params = MaskedTransformerParams.model_validate(MASKED_TRANSFORMER)
    task = Task(Network(params, toy.VOCABULARY_SIZE), params, toy.text())
    once, again, other = ([*task.train_batches(epoch)] for epoch in (1, 1, 2))
    assert len(once) == task.steps(1)
    assert all(torch.equal(a, b) for one, two in zip(once, again, strict=True) for a, b in zip(one, two, strict=True))
    assert not torch.equal(once[0][0], other[0][0])
    assert all(torch.equal(a[0], b[0]) for a, b in zip(task.valid_batches(), task.valid_batches(), strict=True))


def test_the_loss_is_that_of_the_hidden_words() -> None:
    params = MaskedTransformerParams.model_validate(MASKED_TRANSFORMER)
    network = Network(params, toy.VOCABULARY_SIZE).eval()
    task = Task(network, params, toy.text())
    read, predicted = next(iter(task.train_batches(0)))
    loss, count, _ = task.loss((read, predicted), None)
    log_probs = network.softmax.log_probs(network(read, (read == BOS).cumsum(1)))
    expected = [-log_probs[b, t, word] for b, row in enumerate(predicted) for t, word in enumerate(row) if word != PAD]
    assert int(count) == len(expected)
    torch.testing.assert_close(loss, torch.stack(expected).sum())


def test_the_network_is_its_equations(model: Model) -> None:
    """Position by position and head by head. A rotation is a product of complex numbers."""
    tokens = np.asarray([BOS, 5, MASK, 7, 8, 9, MASK, 11, EOS])
    d, n = model.params.hidden_size // model.params.heads, model.params.context
    theta = 10_000.0 ** -(np.arange(0, d, 2) / d)
    x = model.embedding.astype(np.float64)[tokens]
    for block in model.network.blocks:
        qkv = np.split(linear(block.attention.qkv, normed(block.norm1, x)), 3, axis=1)
        outputs = np.zeros_like(x)
        for t in range(len(x)):
            near = np.arange(max(0, t - n), min(len(x), t + n + 1))
            for h in range(model.params.heads):
                q, k, v = (part[:, h * d : (h + 1) * d] for part in qkv)
                query, keys = (part[..., : d // 2] + 1j * part[..., d // 2 :] for part in (q[t], k[near]))
                turned = np.exp(1j * (t - near)[:, None] * theta)
                weights = np.exp((query * keys.conj() * turned).real.sum(1) / np.sqrt(d))
                outputs[t, h * d : (h + 1) * d] = weights / weights.sum() @ v[near]
        x = x + linear(block.attention.out, outputs)
        inner = torch.nn.functional.gelu(torch.from_numpy(linear(block.inner, normed(block.norm2, x)))).numpy()
        x = x + linear(block.out, inner)
    with torch.no_grad():
        found = model.network(torch.from_numpy(tokens)[None], torch.zeros(1, len(tokens)))[0]
    np.testing.assert_allclose(found, normed(model.network.norm, x), atol=1e-4)


def test_a_position_attends_to_its_own_document_only(model: Model) -> None:
    one, other = (torch.tensor([[BOS, *words, EOS, BOS, 7, 8, EOS]]) for words in ([5, 6], [9, 10]))
    with torch.no_grad():
        first, second = (model.network(tokens, (tokens == BOS).cumsum(1))[0, 4:] for tokens in (one, other))
        alone = model.network(torch.tensor([[BOS, 7, 8, EOS]]), torch.zeros(1, 4))[0]
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first, alone, rtol=1e-4, atol=1e-5)


def long_document() -> Any:
    return np.concatenate(toy.documents(6, seed=7))


def test_a_word_is_predicted_from_all_others_but_not_from_itself(model: Model) -> None:
    document = long_document()
    (scores,), (guesses,) = model.cloze_log_probs([document])
    for position in (0, 1, 17, len(document) - 1):
        variants = np.tile(document, (toy.VOCABULARY_SIZE - 2, 1))
        variants[:, position] = np.arange(2, toy.VOCABULARY_SIZE)
        column = np.asarray([score[position] for score in model.cloze_log_probs(list(variants))[0]], dtype=np.float64)
        assert np.exp(column).sum() == pytest.approx(1, abs=1e-4)
        assert column[document[position] - 2] == pytest.approx(scores[position], abs=1e-5)
        assert guesses[position] == 2 + column.argmax()


def test_the_windows_of_a_long_document_are_those_of_the_whole(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    document = long_document()
    monkeypatch.setattr(masked_transformer, "TOKENS", 100)
    (scores,), _ = model.cloze_log_probs([document])
    for position in range(len(document)):
        (row,) = model.blank_log_probs(document, np.asarray([position]))
        assert row[document[position]] == pytest.approx(scores[position], abs=1e-4)


def test_a_prediction_reaches_as_far_as_its_layers_do() -> None:
    """Two layers of three positions on each side, with weights that are large enough to see that."""
    params = MaskedTransformerParams.model_validate(MASKED_TRANSFORMER)
    torch.manual_seed(1)
    network = Network(params, toy.VOCABULARY_SIZE)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.mul_(1 if "norm" in name else 3)
    model, document, position = Model(params, toy.VOCABULARY_SIZE, network), long_document(), 20
    assert network.reach == 6
    (before,) = model.blank_log_probs(document, np.asarray([position]))
    for distance in (-7, -6, -1, 1, 6, 7):
        changed = document.copy()
        changed[position + distance] = 4 + (document[position + distance] - 4 + 3) % toy.WORDS
        (after,) = model.blank_log_probs(changed, np.asarray([position]))
        assert np.allclose(after[2:], before[2:], rtol=0, atol=1e-5) == (abs(distance) == 7), distance


def test_several_blanks_are_all_hidden(model: Model) -> None:
    document = np.asarray([5, 6, 7, 8])
    one = model.blank_log_probs(document, np.asarray([1, 2]))
    other = model.blank_log_probs(np.asarray([5, 9, 10, 8]), np.asarray([1, 2]))
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(one[0, 2:] - model.blank_log_probs(document, np.asarray([1]))[0, 2:]).max() > 1e-4


def test_it_predicts_blanks_of_the_toy_text(model: Model) -> None:
    """A word is mostly determined by its neighbours."""
    found = cloze.evaluate(model, toy.text().test.documents)
    assert found["cloze_accuracy"] > 0.4
    assert found["cloze_perplexity"] < 6 < toy.VOCABULARY_SIZE - 2


def test_an_empty_document(model: Model) -> None:
    scores, guesses = model.cloze_log_probs([np.asarray([], dtype=np.int64)])
    assert len(scores[0]) == len(guesses[0]) == 0
    assert model.contextual(np.asarray([], dtype=np.int64)).shape == (0, 32)


def test_contextual_vectors_depend_on_both_sides(model: Model) -> None:
    one, left, right = (model.contextual(np.asarray(words)) for words in ([5, 6, 7], [9, 6, 7], [5, 6, 11]))
    assert one.shape == (3, 32)
    assert np.abs(one[1] - left[1]).max() > 1e-4
    assert np.abs(one[1] - right[1]).max() > 1e-4


def test_save_and_load_are_exact_and_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        train().save(tmp_path / name)
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    loaded, document = models.load(tmp_path / "one"), [long_document()]
    np.testing.assert_array_equal(loaded.cloze_log_probs(document)[0][0], train().cloze_log_probs(document)[0][0])
    assert loaded.parameters == train().parameters
    assert loaded.fitted_on_valid == ("stopping epoch",)


def test_shares_that_are_more_than_all_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mask \(0\.8\) and random \(0\.3\) add up to more than 1; lower one"):
        Masking(share=0.1, mask=0.8, random=0.3)
    with pytest.raises(ValueError, match=r"hidden_size \(30\) is not a multiple of twice the heads \(4\)"):
        MaskedTransformerParams.model_validate(MASKED_TRANSFORMER | {"hidden_size": 30, "heads": 4})
