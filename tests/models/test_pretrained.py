"""Embeddings that begin as pretrained vectors are frozen or trained, and the saved model needs no vectors."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests import toy
from tests.models.test_contract import RECURRENT, TRANSFORMER, WINDOW
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.params.experiments import PretrainedParams

VECTORS = np.random.default_rng(5).normal(size=(toy.VOCABULARY_SIZE, 16)).astype(np.float32)
CASES = {"window": WINDOW, "lstm": RECURRENT | {"cell": "lstm"}, "transformer": TRANSFORMER}


def fit(case: str, freeze_embeddings: bool, vectors: Any = VECTORS) -> Any:
    section = CASES[case] | {"vectors": "v", "freeze_embeddings": freeze_embeddings}
    params: PretrainedParams = TypeAdapter(PretrainedParams).validate_python(section)
    inputs = Inputs(trained={"v": SimpleNamespace(vectors=vectors)})
    return models.family(params.family).fit(params, toy.text(), inputs, lambda *_, **__: None)


def embedding(model: Any) -> Any:
    return model.network.embedding.weight.detach().numpy()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_frozen_vectors_are_not_changed_and_are_saved(case: str, tmp_path: Path) -> None:
    model = fit(case, freeze_embeddings=True)
    np.testing.assert_array_equal(embedding(model), VECTORS)
    model.save(tmp_path)
    np.testing.assert_array_equal(embedding(models.load(tmp_path)), VECTORS)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_vectors_that_are_not_frozen_are_trained(case: str) -> None:
    moved = np.abs(embedding(fit(case, freeze_embeddings=False)) - VECTORS).mean()
    assert 0 < moved < 0.3  # the distance to the initial vectors, whose mean distance to zero is about 0.8


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(UnrollError, match=r"their shape is 16 x 5, but the embedding is 16 x 16"):
        fit("window", freeze_embeddings=True, vectors=VECTORS[:, :5])
