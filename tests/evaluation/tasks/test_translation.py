"""Translations and how good they are: known answers, order, limits, unknown words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests import toy
from tests.evaluation.test_beam import params
from tests.models.test_contract import train
from tests.models.test_seq2seq import SOURCES, TARGETS, model
from unroll.evaluation.evaluate import Tokenizers, evaluate
from unroll.evaluation.generation import Truncation
from unroll.evaluation.tasks import translation, translation_metrics
from unroll.models.cache import model as cache
from unroll.params.evaluate import Evaluate
from unroll.text.tokenizers.word import WordTokenizer

REFERENCES = ["de hond leest het boek .", "zij ziet de kat .", "hij werkt ."]


def test_perfect_answers() -> None:
    found = translation_metrics.measure(REFERENCES, REFERENCES, [True] * 3)
    assert found["bleu"] == pytest.approx(100)
    assert found["chrf"] == pytest.approx(100)
    assert found["exact_match"] == found["length_ratio"] == 1


def test_bleu_is_sacrebleus_and_says_how() -> None:
    from sacrebleu import corpus_bleu, corpus_chrf

    answers = ["de hond leest een boek .", "zij ziet kat", "hij werkt ."]
    found = translation_metrics.measure(answers, REFERENCES, [False, False, True])
    assert found["bleu"] == corpus_bleu(answers, [REFERENCES]).score
    assert found["chrf"] == corpus_chrf(answers, [REFERENCES]).score
    assert found["exact_match"] == pytest.approx(1 / 3)
    assert found["length_ratio"] == pytest.approx(12 / 14)
    assert "tok:13a" in found["bleu_signature"]
    assert "version:" in found["chrf_signature"]


def test_groups_by_source_length_hold_every_sentence_once() -> None:
    answers = ["x", *REFERENCES[1:], "y"]
    found = translation_metrics.by_length([5, 6, 10, 60], answers, [*REFERENCES, "z"], [False, True, True, False])
    assert [(group["first"], group["last"], group["sentences"]) for group in found] == [
        (1, 5, 1),
        (6, 10, 2),
        (51, 60, 1),
    ]
    assert [group["exact_match"] for group in found] == [0, 1, 0]
    assert found[1]["bleu"] == pytest.approx(100)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_results_come_back_in_order_whatever_the_batch(batch_size: int) -> None:
    found = model(attention="additive")
    expected = [translation.translate(found, [source], 1, params(3))[0] for source in SOURCES]
    together = translation.translate(found, SOURCES, batch_size, params(3))
    assert [[list(one.tokens) for one in own] for own in together] == [
        [list(one.tokens) for one in own] for own in expected
    ]
    scores = translation.log_probs(found, SOURCES, TARGETS, batch_size)
    for source, target, own in zip(SOURCES, TARGETS, scores, strict=True):
        np.testing.assert_allclose(found.condition_on([source]).log_probs([target])[0], own, rtol=1e-5, atol=1e-6)


def test_nothing_is_longer_than_its_source_allows() -> None:
    short = params(2, max_length_ratio=0.5, max_length_offset=1)
    for found in (
        [one.tokens for own in translation.translate(model(), SOURCES, 4, short) for one in own[:1]],
        translation.sample(model(), SOURCES, 4, short, 1.0, 1, Truncation(top_k=5)),
    ):
        assert all(len(tokens) <= len(source) // 2 + 1 for tokens, source in zip(found, SOURCES, strict=True))


def test_sampling_at_temperature_nought_is_greedy_search() -> None:
    found = model(attention="dot")
    greedy = [own[0].tokens for own in translation.translate(found, SOURCES, 2, params(1))]
    for one, other in zip(greedy, translation.sample(found, SOURCES, 3, params(1), 0.0, 1), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_evaluation_of_a_model_of_pairs() -> None:
    data, words = toy.pairs(), WordTokenizer([f"w{number}" for number in range(toy.WORDS)], "whitespace")
    counts = {"test": {"target": {"bytes": 400, "characters": 400, "documents": 30, "oov_bytes": 3}}}
    trained, asked = train("seq2seq-dot"), _evaluate()
    tokenizers = Tokenizers(words, words)
    found = evaluate(
        trained, cache.Model(asked.cache, 16), replace(data, counts=counts), tokenizers, asked, 1, False, []
    )
    metrics, sources = found.metrics, data.streams["test"]["source"].documents
    assert {"test_perplexity", "exact_match", "bleu", "chrf", "length_ratio", "bleu_signature"} <= set(metrics)
    assert sum(group["sentences"] for group in metrics["by_source_length"]) == len(sources)
    assert found.samples.count("translation: ") == len(found.diagnostics["attention"]) == 2
    looked = found.diagnostics["attention"][0]
    assert looked["source"] == [words.id_to_token(int(token)) for token in sources[0]]
    assert np.asarray(looked["weights"]).shape == (len(looked["target"]), len(looked["source"]))
    assert looked["target"][-1] == "<eos>"


def _evaluate() -> Evaluate:
    values = YAML(typ="safe").load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))["evaluate"]
    return Evaluate.model_validate(values | {"samples": 2})
