"""Embeddings that begin from vectors: they do, they stay or are trained on, and what is saved needs no vectors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from unroll.layers.embedding_init import Initial
from unroll.params.pretrained import PretrainedParams

from tests import toy
from tests.models.test_contract import RECURRENT, TRANSFORMER, WINDOW
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs

VECTORS = np.random.default_rng(5).normal(size=(toy.VOCABULARY_SIZE, 16)).astype(np.float32)
CASES = {"window": WINDOW, "lstm": RECURRENT | {"cell": "lstm"}, "transformer": TRANSFORMER}


def fit(case: str, frozen: bool, vectors: Any = VECTORS) -> Any:
    section = CASES[case] | {"vectors": "v", "freeze_embeddings": frozen}
    params: PretrainedParams = TypeAdapter(PretrainedParams).validate_python(section)
    family = models.family(params.family)
    return family.fit(params, toy.text(), Inputs(), lambda *_, **__: None, initial=Initial(vectors, params.frozen))


def embedding(model: Any) -> Any:
    return model.network.embedding.weight.detach().numpy()


@pytest.mark.parametrize("case", CASES)
def test_frozen_vectors_stay_and_are_saved(case: str, tmp_path: Path) -> None:
    model = fit(case, freeze_embeddings=True)
    np.testing.assert_array_equal(embedding(model), VECTORS)
    model.save(tmp_path)
    np.testing.assert_array_equal(embedding(models.load(tmp_path)), VECTORS)


@pytest.mark.parametrize("case", CASES)
def test_other_vectors_are_trained_on(case: str) -> None:
    moved = np.abs(embedding(fit(case, freeze_embeddings=False)) - VECTORS).mean()
    assert 0 < moved < 0.3  # from where they began, which is 1 from nought


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(UnrollError, match=r"they are 16 of 5 numbers and the embedding is 16 of 16"):
        fit("window", freeze_embeddings=True, vectors=VECTORS[:, :5])
