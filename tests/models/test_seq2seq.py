"""Encoder-decoders: the equations, padding, vocabularies, teacher forcing and label smoothing."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import toy
from tests.models.test_contract import FED, SEQ2SEQ
from unroll.evaluation.tasks.translation import sample, translate
from unroll.models.seq2seq import model as seq2seq
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.models.seq2seq.task import Task
from unroll.params.evaluate import Search
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD

SIZES = (10, 9)
SOURCES = [np.asarray(source) for source in ([4, 5, 6, 7, 8, 9], [5], [], [9, 9, 4])]
TARGETS = [np.asarray(target) for target in ([4, 5, EOS], [8, 7, 6, 5, 4, EOS], [EOS], [6])]
OPTIONS = {
    "none": {},
    "none-bidirectional": {"bidirectional": True, "layers": 2},
    "dot": {"attention": "dot", "bidirectional": True},
    "additive": {"attention": "additive", "cell": "gru", "layers": 2},
    "fed": {"attention": "dot", "input_feeding": True, "cell": "rnn"},
}


def model(**options: Any) -> seq2seq.Model:
    """Return a model with random weights."""
    torch.manual_seed(1)
    params = Seq2seqParams.model_validate(SEQ2SEQ | options)
    return seq2seq.Model(params, SIZES, EncoderDecoder(params, *SIZES))


@pytest.fixture(params=OPTIONS)
def any_model(request: pytest.FixtureRequest) -> seq2seq.Model:
    return model(**OPTIONS[request.param])


def test_padding_never_changes_a_score(any_model: seq2seq.Model) -> None:
    together = any_model.condition_on(SOURCES).log_probs(TARGETS)
    for source, target, scores in zip(SOURCES, TARGETS, together, strict=True):
        np.testing.assert_allclose(
            any_model.condition_on([source]).log_probs([target])[0], scores, rtol=1e-5, atol=1e-6
        )


def test_rows_have_their_own_sources_after_select(any_model: seq2seq.Model) -> None:
    given = any_model.condition_on(SOURCES)
    state = given.advance(given.start(4), np.asarray([4, 5, 6, 7]))
    order = np.asarray([3, 1, 1, 0, 2])
    moved = given.advance(given.select(state, order), np.asarray([5, 6, 7, 8, 4]))
    alone = []
    for row, token in zip(order, [5, 6, 7, 8, 4], strict=True):
        one = any_model.condition_on([SOURCES[row]])
        read = one.advance(one.advance(one.start(), np.asarray([4 + row])), np.asarray([token]))
        alone.append(one.next_log_probs(read)[0])
    np.testing.assert_allclose(given.next_log_probs(moved), alone, rtol=1e-5, atol=1e-6)


def test_scores_depend_on_the_first_word_of_the_source(any_model: seq2seq.Model) -> None:
    one, other = (
        any_model.condition_on([np.asarray(source)]).log_probs([TARGETS[1]])[0] for source in ([4, 5, 6], [7, 5, 6])
    )
    assert np.abs(one - other).min() > 1e-7


def test_decoding_with_attention_equals_the_equations() -> None:
    """Luong et al. (2015), with the encoder and the decoder computed step by step."""
    found = model(attention="dot", cell="gru")
    network = found.network
    encoder, decoder = network.encoder.layers[0][0], network.decoder.recurrent
    with torch.no_grad():
        state, outputs = torch.zeros(1, 16), []
        for token in [4, 5, 6, EOS]:
            state = decoder_step(encoder, network.source_embedding.weight[[token]], state)
            outputs.append(state[0])
        values = torch.stack(outputs)  # (S, H)
        expected = []
        for token, target in ((BOS, 7), (7, 8), (8, EOS)):
            state = decoder_step(decoder, network.target_embedding.weight[[token]], state)
            weights = torch.softmax(values @ network.decoder.alignment.key.weight.T @ state[0], 0)
            attentional = torch.tanh(network.decoder.combine(torch.cat([state[0], weights @ values])))
            expected.append(float(network.softmax.log_probs(attentional)[target]))
    scores = found.condition_on([np.asarray([4, 5, 6])]).log_probs([np.asarray([7, 8, EOS])])[0]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def decoder_step(layer: Any, inputs: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    return layer(inputs[:, None], (state,))[0][:, 0]


def test_attention_sums_to_one_over_the_words_of_each_source() -> None:
    given = model(attention="dot").condition_on(SOURCES)
    weights = given.attention(given.start(4))
    assert weights is not None
    np.testing.assert_array_equal((~np.isnan(weights)).sum(1), [len(source) + 1 for source in SOURCES])
    np.testing.assert_allclose(np.nansum(weights, axis=1), 1, rtol=1e-5)
    without = model().condition_on(SOURCES)
    assert without.attention(without.start(4)) is None


def test_separate_vocabularies_are_saved(tmp_path: Path) -> None:
    found = model(attention="dot")
    found.save(tmp_path)
    loaded = seq2seq.load(tmp_path)
    assert loaded.vocabulary_sizes == SIZES
    assert loaded.network.source_embedding.num_embeddings == 10
    for ours, theirs in zip(
        found.condition_on(SOURCES).log_probs(TARGETS), loaded.condition_on(SOURCES).log_probs(TARGETS), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_decode_predictions_reads_the_most_probable_tokens() -> None:
    network = model(attention="dot").network
    values, last = network.encode(torch.tensor([[4, 5, EOS]]))
    start, memory = network.decoder.start(last), network.decoder.memory(values)
    tokens = torch.tensor([[BOS, 4, 4, 4]])
    with torch.no_grad():
        outputs = network.decode_predictions(tokens, torch.ones(1, 4, dtype=torch.bool), start, memory)
        greedy = network.softmax.log_probs(outputs).argmax(-1)
        reread = torch.cat([tokens[:, :1], greedy[:, :-1]], dim=1)
        torch.testing.assert_close(network.decode(reread, start, memory).outputs, outputs)
        truth = network.decode_predictions(tokens, torch.zeros(1, 4, dtype=torch.bool), start, memory)
        torch.testing.assert_close(network.decode(tokens, start, memory).outputs, truth)


def test_translations_have_a_maximum_length(any_model: seq2seq.Model) -> None:
    with torch.no_grad():
        any_model.network.softmax.bias[EOS] = -1e9
    limits = [2 * len(source) + 3 for source in SOURCES]
    for width in (1, 3):
        search = Search(beam=width, length_penalty=1.0, coverage_penalty=0.0, max_length_ratio=2.0, max_length_offset=3)
        found = translate(any_model, SOURCES, 2, search)
        assert [len(best[0].tokens) for best in found] == limits
    drawn = sample(any_model, SOURCES, 2, search, 1.0, seed=1)
    assert [len(tokens) for tokens in drawn] == limits


def task(data: Data | None = None, **options: Any) -> Task:
    params = Seq2seqParams.model_validate(SEQ2SEQ | options)
    size = toy.VOCABULARY_SIZE
    return Task(EncoderDecoder(params, size, size), params, data or toy.pairs())


def test_batches_hold_every_pair_once_and_sources_of_one_length() -> None:
    batches = list(task().train_batches(0))
    assert len(batches) == task().steps(0)
    assert sum(len(sources) for sources, _, _ in batches) == 300
    for sources, targets, _ in batches:
        assert (sources != 0).all()
        torch.testing.assert_close(sources[:, :-1].flip(1), targets[:, :-1])  # targets are reversed sources


def test_the_share_of_padding_in_the_batches_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Sources have 2 to 4 tokens, and targets of one source length have 1 to 9, with <eos>."""
    generator, size = np.random.default_rng(1), toy.VOCABULARY_SIZE
    sources = [generator.integers(4, size, generator.integers(1, 4)) for _ in range(100)]
    targets = [generator.integers(4, size, generator.integers(0, 9)) for _ in range(100)]
    pairs = {"source": stream_of(sources, size), "target": stream_of(targets, size)}
    data = replace(toy.pairs(), streams={"train": pairs, "valid": pairs})
    with caplog.at_level(logging.INFO, "unroll"):
        trained = task(data)
        trained.log_batches()
    for epoch in range(2):
        batches = [batch for _, batch, _ in trained.train_batches(epoch)]
        padding = sum(int((batch == PAD).sum()) for batch in batches) / sum(batch.numel() for batch in batches)
        assert padding > 0.02
        small = sum(len(batch) < toy.TRAINING["batch_size"] / 2 for batch in batches)
        (message,) = caplog.messages
        assert message.startswith(f"seq2seq: {len(batches)} batches per epoch, {small} of them less than half full")
        assert message.endswith(f"; {100 * padding:.1f} % of the target tokens are padding")


def test_teacher_forcing_goes_from_first_to_last() -> None:
    scheduled = task(teacher_forcing={"first": 1.0, "last": 0.5})
    shares = [
        np.mean([bool(cell) for *_, predicted in scheduled.train_batches(epoch) for cell in predicted.flatten()])
        for epoch in range(3)
    ]
    assert shares[0] == 0
    np.testing.assert_allclose(shares[1:], [0.25, 0.5], atol=0.04)


def test_label_smoothing_is_for_training_only() -> None:
    smooth, plain = task(label_smoothing=0.2), task()
    smooth.network.load_state_dict(plain.network.state_dict())
    batch = next(iter(plain.train_batches(0)))
    for one in (smooth, plain):
        one.network.eval()
    assert smooth.loss(batch, None)[0] == plain.loss(batch, None)[0]
    for one in (smooth, plain):
        one.network.train()
    assert smooth.loss(batch, None)[0] != plain.loss(batch, None)[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bidirectional": True, "hidden_size": 15}, "even hidden_size"),
        ({"input_feeding": True}, "needs attention"),
        (FED | {"hidden_size": 8}, "equal to hidden_size"),
    ],
)
def test_incompatible_settings_raise_errors(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Seq2seqParams.model_validate(SEQ2SEQ | options)
