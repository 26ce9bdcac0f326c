"""The tolerances between kinds of processors: every family and metric has one, and the document names them all."""

import json
import math
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.models.mixture.params import MixtureParams
from unroll.params.corpora import Corpus, SampledCorpus
from unroll.params.experiments import Experiment, SeedParams
from unroll.params.series import SeriesParams
from unroll.pipeline.numbers import SAMPLED
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


def test_the_sampled_sources_are_those_of_the_schema() -> None:
    found = [one for one in classes(Corpus) if issubclass(one, SampledCorpus)]
    assert {typing.get_args(one.model_fields["source"].annotation)[0] for one in found} == set(SAMPLED)


@pytest.mark.parametrize("path", sorted((ROOT / "metrics").glob("*.json")), ids=lambda path: path.stem)
def test_every_metric_has_a_tolerance_or_a_reason(path: Path) -> None:
    metrics = json.loads(path.read_text(encoding="utf-8"))
    for name, value in metrics.items():
        if isinstance(value, float | list | dict):
            assert (name in OF_NETWORKS) != (name in NOT_COMPARED), name


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
