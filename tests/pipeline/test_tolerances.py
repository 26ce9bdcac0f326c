"""The tolerances between kinds of processors: every family and metric has one, and the document names them all."""

import hashlib
import json
import math
import typing
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.analysis.test_embeddings import WORDS, Vectors
from tests.evaluation.analysis.test_embeddings import data as vector_data
from tests.evaluation.subjects import data, subject
from tests.evaluation.test_evaluate import ENABLED, naive_bayes
from tests.models.test_contract import train
from unroll.environment import Record
from unroll.evaluation.analysis import embeddings, learning_curve
from unroll.evaluation.evaluate import evaluate
from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.models.mixture.params import MixtureParams
from unroll.params.experiments import Experiment, SeedParams
from unroll.params.series import SeriesParams
from unroll.pipeline.lock import Lock, Stage
from unroll.pipeline.numbers import Mismatch, Row, compare_output
from unroll.pipeline.results import Results
from unroll.pipeline.tolerances import (
    COUNTING,
    DOUBLE,
    ERRORS,
    EXCESS,
    NATS,
    NETWORKS,
    NOT_COMPARED,
    OF_NETWORKS,
    PERPLEXITY,
    ROUNDING,
    SCORE,
    SHARE,
    Tolerance,
)
from unroll.text.tokenizers.word import WordTokenizer

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/reproducibility.md").read_text(encoding="utf-8")
ALL = (ROUNDING, NATS, PERPLEXITY, EXCESS, ERRORS, SHARE, SCORE)


def classes(schema: Any) -> Iterator[Any]:
    """The classes of a union, with all that are nested in it."""
    if isinstance(schema, type) and hasattr(schema, "model_fields"):
        yield schema
    for part in typing.get_args(schema):
        yield from classes(part)


def test_every_family_has_a_kind() -> None:
    made_of_others = (MixtureParams, GenerativeClassifierParams, SeedParams)
    models = [one for one in classes(Experiment) if one not in made_of_others]
    forecasters = list(classes(SeriesParams.model_fields["forecasters"].annotation))
    found = {typing.get_args(one.model_fields["family"].annotation)[0] for one in (*models, *forecasters)}
    assert found == COUNTING | DOUBLE | NETWORKS
    assert not COUNTING & DOUBLE | COUNTING & NETWORKS | DOUBLE & NETWORKS


@pytest.mark.parametrize("path", sorted((ROOT / "metrics").glob("*.json")), ids=lambda path: path.stem)
def test_every_metric_has_a_tolerance_or_a_reason(path: Path) -> None:
    metrics = json.loads(path.read_text(encoding="utf-8"))
    for name, value in metrics.items():
        if is_measured(value):
            assert (name in OF_NETWORKS) != (name in NOT_COMPARED), name


def is_measured(value: Any) -> bool:
    """Whether a metric is not a whole number, a word or a list of words, which must be equal."""
    words = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    return isinstance(value, float | list | dict) and not words


def compare(path: str, one: dict[str, Any], other: dict[str, Any], family: str = "recurrent") -> list[Row]:
    """Compare the files of metrics of two runs with a model of some family."""

    def results(name: str, values: dict[str, Any]) -> Results:
        content = json.dumps(values).encode()
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        lock = Lock({"evaluate": Stage({"models.model.family": family}, {}, {path: digest})})
        return Results(name, lock, Record(), {path: content}.get)

    return compare_output(results("one", one), results("other", other), path)


def evaluated(case: str, folder: Path) -> dict[str, Any]:
    """The metrics that stage evaluate writes for a model of this release."""
    model = naive_bayes() if case == "naive_bayes" else train(case)
    found = evaluate(subject(model, data(pairs=case.startswith("seq2seq")), **ENABLED))
    declared = {"parameters": model.parameters, "fitted_on_valid": list(model.fitted_on_valid)}
    return {"family": case, **declared, **found.write(folder / "evaluation")}


@pytest.mark.slow
@pytest.mark.parametrize("case", ["trigram-add-k", "window", "bidirectional", "seq2seq-dot", "naive_bayes"])
def test_every_metric_of_a_new_evaluation_is_compared_or_has_a_reason(case: str, tmp_path: Path) -> None:
    metrics = evaluated(case, tmp_path)
    path = "metrics/model.json"
    compare(path, metrics, metrics)
    for name, value in metrics.items():
        if is_measured(value):
            assert (name in OF_NETWORKS) != (name in NOT_COMPARED), name
        elif name not in NOT_COMPARED:
            other = metrics | {name: [*value, "more"] if isinstance(value, list) else f"not {value}"}
            for family in ("recurrent", "ngram"):
                with pytest.raises(Mismatch, match=f"{name} must be equal"):
                    compare(path, metrics, other, family)


@pytest.mark.parametrize("name", ["bits_per_byte_spelling", "bits_per_byte_spacing"])
def test_facts_of_the_text_may_differ_by_rounding_only(name: str) -> None:
    path = "metrics/model.json"
    (row,) = compare(path, {name: 0.5}, {name: 0.5 + 9e-10})
    assert row.is_within
    (row,) = compare(path, {name: 0.5}, {name: 0.5 + 1.1e-9})
    assert not row.is_within


def test_bits_per_byte_of_tokens_follow_from_the_cross_entropy() -> None:
    assert compare("metrics/model.json", {"bits_per_byte_tokens": 1.5}, {"bits_per_byte_tokens": 2.5}) == []


def test_every_metric_of_word_vectors_and_learning_curves_is_compared() -> None:
    tokenizer = WordTokenizer(WORDS, "whitespace")
    vectors, _ = embeddings.evaluate(Vectors(), vector_data(), tokenizer)
    assert {row.measure for row in compare("metrics/model.json", vectors, vectors)} == {"coverage", "test_coverage"}
    curve = {"points": [asdict(learning_curve.Point(100, 1.0, 0.5, 1.5, 2.0))]}
    rows = compare("metrics/learning_curves/model.json", curve, curve)
    assert [row.measure for row in rows] == [f"100 tokens {name}" for name in ("excess", "low", "high", "expected")]


@pytest.mark.parametrize("family", ["latent", "direct"])
def test_every_error_of_every_column_of_a_series_is_compared(family: str) -> None:
    step = {"step": 1, "forecasts": 300, "rmse": 0.5, "mae": 0.4, "nll": 1.0, "within": 0.7}

    def metrics(**changed: float) -> dict[str, Any]:
        columns = [{"column": "level", "steps": [step]}, {"column": "flow", "steps": [step | changed]}]
        entry = {"family": family, "parameters": 3, "steps": [step], "columns": columns}
        return {"forecasters": {"one": entry}}

    assert all(row.is_within for row in compare("metrics/series/s.json", metrics(), metrics()))
    rows = compare("metrics/series/s.json", metrics(), metrics(nll=1.5))
    assert [row.measure for row in rows if not row.is_within] == ["flow k=1 nll"]


def test_the_document_names_every_tolerance_with_its_measurement() -> None:
    text = " ".join(DOCUMENT.split())
    for tolerance in (ROUNDING, NATS, ERRORS, SHARE, SCORE):
        assert f"{tolerance.limit:g} {tolerance.unit}" in text
        assert tolerance.measured in text
    for name in (*OF_NETWORKS, *NOT_COMPARED):
        assert f"`{name}`" in text, name
    assert "\n## Processors\n" in DOCUMENT


@pytest.mark.parametrize("tolerance", ALL)
@given(value=st.floats(1e-6, 1e6))
def test_equal_numbers_have_no_difference(tolerance: Tolerance, value: float) -> None:
    assert tolerance.difference(value, value) == 0


@pytest.mark.parametrize("tolerance", ALL)
@given(one=st.floats(1e-6, 1e6), other=st.floats(1e-6, 1e6))
def test_the_difference_is_antisymmetric(tolerance: Tolerance, one: float, other: float) -> None:
    assert tolerance.difference(one, other) == pytest.approx(-tolerance.difference(other, one), abs=1e-12)


@pytest.mark.parametrize("tolerance", ALL)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinities_and_nan_are_equal_to_themselves_only(tolerance: Tolerance, value: float) -> None:
    assert tolerance.difference(value, value) == 0
    assert tolerance.difference(value, 1.0) == tolerance.difference(1.0, value) == math.inf
    assert tolerance.difference(math.inf, -math.inf) == math.inf


@pytest.mark.parametrize(
    ("tolerance", "one", "other", "difference"),
    [
        (NATS, 4.02, 4.0, 0.02),
        (PERPLEXITY, 60 * math.exp(0.02), 60.0, 0.02),
        (SHARE, 0.53, 0.5, 3.0),
        (SCORE, 41.0, 40.0, 1.0),
        (ERRORS, 1.0, 0.98, 0.02),
        (ROUNDING, 1.0, 1.0 - 1e-9, 1e-9),
        (ROUNDING, 1e-9, 0.0, 1e-9),
        (ROUNDING, 1000.0, 1000.0 - 1e-6, 1e-9),
        (ERRORS, 1e-6, 0.98e-6, 0.02),
        (EXCESS, 28.8539, 0.0, 28.8539),
    ],
)
def test_worked_differences(tolerance: Tolerance, one: float, other: float, difference: float) -> None:
    assert tolerance.difference(one, other) == pytest.approx(difference, rel=1e-6)
    assert difference == pytest.approx(tolerance.limit, rel=1e-6)
