"""The list of measures: which results each family has, and that a measure concerns nothing but its own module."""

import ast
import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluation.subjects import data, subject
from tests.models import labelled
from tests.models.test_contract import train
from unroll.evaluation import evaluate as evaluation
from unroll.evaluation import token_losses
from unroll.evaluation.evaluate import MEASURES, Measure, evaluate
from unroll.evaluation.result import Evaluation, json_value, read_diagnostics
from unroll.evaluation.subject import Subject
from unroll.models import family
from unroll.models.base.inputs import Inputs
from unroll.models.naive_bayes.params import NaiveBayesParams

ENABLED: dict[str, Any] = {
    "samples": 2,
    "carried_streams": 2,
    "folds": 3,
    "dynamic": {"kind": "sgd", "learning_rate": 0.1, "segment": 8, "decay": 0.0},
    "context_ablation": {"tokens": 10, "distances": [1, 2]},
    "k_step": {"contexts": 3, "length": 2, "steps": 2, "samples": 2},
}
"""Settings that omit no measure."""
PERPLEXITY = {
    "valid_perplexity",
    "test_perplexity",
    "test_perplexity_low",
    "test_perplexity_high",
    "test_perplexity_without_unknown",
    "cross_entropy",
    "bits_per_token",
    "bits_per_character",
    "bits_per_byte",
    "bits_per_byte_tokens",
    "bits_per_byte_spelling",
    "bits_per_byte_spacing",
    "train_tokens",
    "test_tokens",
    "oov_rate",
    "impossible_tokens",
    "vocabulary_size",
}
LANGUAGE_MODEL = PERPLEXITY | {"cache_perplexity", "cache_weight", "carried_perplexity"}
CLOZE = {"cloze_accuracy", "cloze_perplexity"}
TRANSLATION = {"exact_match", "bleu", "chrf", "length_ratio", "bleu_signature", "chrf_signature", "by_source_length"}
CLASSIFIER = {"test_documents", "classes", "accuracy", "macro_f1", "log_loss", "vocabulary_size", "calibration_error"}
CLASSIFIER |= {f"{name}_{end}" for name in ("accuracy", "log_loss") for end in ("low", "high")}
CLASSIFIER |= {f"fold_{name}{end}" for name in ("accuracy", "macro_f1", "log_loss") for end in ("", "_deviation")}
CLASSIFIER |= {"folds", "by_fold"}
LOSSES = {"document", "position", "token", "surface", "train_count", "nll"}


def naive_bayes() -> Any:
    params = {"family": "naive_bayes", "tokenizer": "toy", "order": 1, "pseudo_count": 0.1, "priors": "uniform"}
    validated = NaiveBayesParams.model_validate(params)
    return family("naive_bayes").fit(validated, data(), Inputs(), lambda *_, **__: None)


def attentive_classifier() -> Any:
    return labelled.train(labelled.NETWORK | {"pooling": "attention"}, data())


@pytest.mark.parametrize(
    ("case", "metrics", "diagnostics", "losses"),
    [
        (
            "trigram-add-k",
            LANGUAGE_MODEL,
            {"position", "context_ablation", "influence", "calibration", "table_growth"},
            LOSSES | {"cache_nll"},
        ),
        (
            "window",
            LANGUAGE_MODEL | {"dynamic_perplexity"},
            {"position", "context_ablation", "influence", "calibration", "map"},
            LOSSES | {"cache_nll", "dynamic_nll"},
        ),
        (
            "bidirectional",
            LANGUAGE_MODEL | {"dynamic_perplexity"} | CLOZE,
            {"position", "context_ablation", "influence", "calibration", "gradient_flow", "gates", "map"},
            LOSSES | {"cache_nll", "dynamic_nll"},
        ),
        ("seq2seq-dot", PERPLEXITY | TRANSLATION, {"position", "attention"}, LOSSES),
        ("naive_bayes", CLASSIFIER, {"confusion", "calibration"}, set()),
        ("attentive_classifier", CLASSIFIER, {"confusion", "calibration", "attention", "map"}, set()),
    ],
)
def test_each_family_has_the_results_of_its_protocols(
    case: str, metrics: set[str], diagnostics: set[str], losses: set[str]
) -> None:
    made = {"naive_bayes": naive_bayes, "attentive_classifier": attentive_classifier}
    model = made[case]() if case in made else train(case)
    result = evaluate(subject(model, data(pairs=case.startswith("seq2seq")), **ENABLED))
    assert set(result.metrics) == metrics
    assert set(result.diagnostics) == diagnostics
    assert set(result.losses) == losses
    assert result.samples


def test_a_sampled_corpus_has_k_step_predictions_and_no_carried_perplexity() -> None:
    result = evaluate(subject(train("trigram-add-k"), sampled=True, **ENABLED))
    assert set(result.metrics) == LANGUAGE_MODEL - {"carried_perplexity"}
    assert [row["steps"] for row in result.diagnostics["k_step"]] == [1, 2]
    assert result.arrays["k_step"].shape[:2] == (2, 3)
    assert "k_step_bias" not in result.arrays  # the method of this model is exact


def test_a_network_of_a_sampled_corpus_shows_the_bias_of_its_samples(tmp_path: Path) -> None:
    result = evaluate(subject(train("window"), sampled=True, **ENABLED))
    assert result.arrays["k_step_bias"].shape == result.arrays["k_step"].shape
    first, second = result.diagnostics["k_step"]
    assert (first["bias"], first["error"]) == pytest.approx((0, 0), abs=1e-6)
    assert second["bias"] > 0
    assert second["error"] > 0
    result.write(tmp_path / "model")
    assert np.load(tmp_path / "model" / "k_step_bias.npy").dtype == np.float32


def test_settings_omit_measures() -> None:
    omitted = {"samples": 0, "carried_streams": 0, "dynamic": {"kind": "none"}}
    result = evaluate(subject(train("window"), **ENABLED | omitted))
    assert not {"carried_perplexity", "dynamic_perplexity"} & set(result.metrics)
    assert "dynamic_nll" not in result.losses
    assert result.samples == ""


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: f"{measure.__module__}.{measure.__name__}")
@pytest.mark.parametrize("sampled", [False, True])
def test_a_measure_returns_none_for_a_model_without_its_protocol(measure: Measure, sampled: bool) -> None:
    assert measure(subject(object(), sampled=sampled, **ENABLED)) is None


def test_a_model_without_any_protocol_has_no_results() -> None:
    assert evaluate(subject(object(), **ENABLED)) == Evaluation()


def test_a_new_measure_is_an_entry_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its metrics, samples, diagnostics, arrays and its column of the table of losses appear with all others."""
    before = evaluate(subject(train("trigram-add-k"), **ENABLED))

    def measure(subject: Subject) -> Evaluation | None:
        flat = [np.full(len(document), -2.0) for document in subject.documents["test"]]
        return Evaluation({"new": 3}, "new text\n", {"new": [1]}, {"new_nll": flat}, arrays={"new": np.zeros(2)})

    monkeypatch.setattr(evaluation, "MEASURES", (*MEASURES, measure))
    after = evaluate(subject(train("trigram-add-k"), **ENABLED))
    assert after.metrics == before.metrics | {"new": 3}
    assert after.samples == before.samples + "new text\n"
    assert json_value(after.diagnostics) == json_value(before.diagnostics | {"new": [1]})
    assert set(after.arrays) == {"new"}
    assert set(after.losses) == set(before.losses) | {"new_nll"}
    assert (after.losses["new_nll"] == 2).all()


def test_the_list_depends_on_no_setting_and_no_protocol() -> None:
    """The settings of measures and the protocols of models are the concern of the measures alone."""
    names = {
        name
        for node in ast.walk(ast.parse(inspect.getsource(evaluation)))
        for name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "module", None))
        if name
    }
    assert not {"params", "model", "isinstance", "sampled", "seed"} & names
    assert not any(name.startswith(("unroll.models", "unroll.params")) for name in names)


def test_results_are_written_and_read(tmp_path: Path) -> None:
    result = Evaluation(
        {"test_perplexity": float("inf"), "tokens": np.int64(3)},
        diagnostics={"gates": [{"shares": np.array([0.5, np.nan])}]},
        losses={"token": np.array([4, 5], np.int32), "nll": np.array([1.0, np.inf])},
        arrays={"k_step": np.zeros((2, 3))},
    )
    folder = tmp_path / "model"
    metrics = result.write(folder)
    sha256 = hashlib.sha256((folder / token_losses.FILE).read_bytes()).hexdigest()
    assert json.loads(json.dumps(metrics)) == {"test_perplexity": "inf", "tokens": 3, "losses_sha256": sha256}
    assert read_diagnostics(folder) == {"gates": [{"shares": [0.5, "nan"]}]}
    assert np.load(folder / "k_step.npy").shape == (2, 3)
    assert token_losses.read(folder / token_losses.FILE)["nll"].tolist() == [1.0, np.inf]
    assert Evaluation({"accuracy": 1.0}).write(tmp_path / "other") == {"accuracy": 1.0}
