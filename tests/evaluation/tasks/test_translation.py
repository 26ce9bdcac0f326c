"""Translations and their quality: known translations, order, maximum length, unknown words."""

import numpy as np
import pytest

from tests.evaluation.subjects import data, subject
from tests.evaluation.test_beam import params
from tests.models.test_contract import train
from tests.models.test_seq2seq import SOURCES, TARGETS, model
from unroll.evaluation.evaluate import evaluate
from unroll.evaluation.generation import SamplingOptions
from unroll.evaluation.tasks import translation, translation_metrics

REFERENCES = ["de hond leest het boek .", "zij ziet de kat .", "hij werkt ."]


def test_perfect_translations() -> None:
    scores = translation_metrics.score(REFERENCES, REFERENCES, [True] * 3)
    assert scores["bleu"] == pytest.approx(100)
    assert scores["chrf"] == pytest.approx(100)
    assert scores["exact_match"] == scores["length_ratio"] == 1


def test_bleu_is_that_of_sacrebleu_with_its_signature() -> None:
    from sacrebleu import corpus_bleu, corpus_chrf

    translations = ["de hond leest een boek .", "zij ziet kat", "hij werkt ."]
    scores = translation_metrics.score(translations, REFERENCES, [False, False, True])
    assert scores["bleu"] == round(corpus_bleu(translations, [REFERENCES]).score, 10)
    assert scores["chrf"] == round(corpus_chrf(translations, [REFERENCES]).score, 10)
    assert scores["exact_match"] == pytest.approx(1 / 3)
    assert scores["length_ratio"] == pytest.approx(12 / 14)
    assert "tok:13a" in scores["bleu_signature"]
    assert "version:" in scores["chrf_signature"]


def test_groups_by_source_length_hold_every_sentence_once() -> None:
    translations = ["x", *REFERENCES[1:], "y"]
    groups = translation_metrics.score_by_length(
        [5, 6, 10, 60], translations, [*REFERENCES, "z"], [False, True, True, False]
    )
    assert [(group["first"], group["last"], group["sentences"]) for group in groups] == [
        (1, 5, 1),
        (6, 10, 2),
        (51, 60, 1),
    ]
    assert [group["exact_match"] for group in groups] == [0, 1, 0]
    assert groups[1]["bleu"] == pytest.approx(100)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_results_are_in_order_for_every_batch_size(batch_size: int) -> None:
    translator = model(attention="additive")
    expected = [translation.translate(translator, [source], 1, params(3))[0] for source in SOURCES]
    together = translation.translate(translator, SOURCES, batch_size, params(3))
    assert [[list(one.tokens) for one in own] for own in together] == [
        [list(one.tokens) for one in own] for own in expected
    ]
    scores = translation.log_probs(translator, SOURCES, TARGETS, batch_size)
    for source, target, own in zip(SOURCES, TARGETS, scores, strict=True):
        np.testing.assert_allclose(translator.condition_on([source]).log_probs([target])[0], own, rtol=1e-5, atol=1e-6)


def test_translations_have_at_most_the_maximum_length() -> None:
    short = params(2, max_length_ratio=0.5, max_length_offset=1)
    for translations in (
        [one.tokens for own in translation.translate(model(), SOURCES, 4, short) for one in own[:1]],
        translation.sample(model(), SOURCES, 4, short, 1.0, 1, SamplingOptions(top_k=5)),
    ):
        assert all(len(tokens) <= len(source) // 2 + 1 for tokens, source in zip(translations, SOURCES, strict=True))


def test_sampling_at_temperature_zero_is_greedy_search() -> None:
    translator = model(attention="dot")
    greedy = [own[0].tokens for own in translation.translate(translator, SOURCES, 2, params(1))]
    for one, other in zip(greedy, translation.sample(translator, SOURCES, 3, params(1), 0.0, 1), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_evaluation_of_a_model_of_pairs() -> None:
    evaluated = subject(train("seq2seq-dot"), data(pairs=True), samples=2)
    result = evaluate(evaluated)
    metrics, sources = result.metrics, evaluated.data.streams["test"]["source"].documents
    assert {"test_perplexity", "exact_match", "bleu", "chrf", "length_ratio", "bleu_signature"} <= set(metrics)
    assert sum(group["sentences"] for group in metrics["by_source_length"]) == len(sources)
    assert result.samples.count("translation: ") == len(result.diagnostics["attention"]) == 2
    attention = result.diagnostics["attention"][0]
    assert attention["source"] == [evaluated.tokenizer.id_to_token(int(token)) for token in sources[0]]
    assert np.asarray(attention["weights"]).shape == (len(attention["target"]), len(attention["source"]))
    assert attention["target"][-1] == "<eos>"
