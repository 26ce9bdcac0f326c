"""What a model fitted on the valid split: a valid split with other text changes exactly the models that say so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests import toy
from tests.models.test_contract import CASES, NGRAM, RECURRENT
from tests.models.test_saved import FOLDERS, name_of
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.mixture.model import Model as Mixture
from unroll.params.experiments import ModelParams
from unroll.params.training import Training
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import UNK

TRAINING = toy.TRAINING | {"epochs": 4, "patience": 1}
PLATEAU = {"kind": "plateau", "factor": 0.5, "patience": 1}
TRIGRAM = NGRAM | {"order": 3}


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_every_family_says_it_and_saving_does_not_change_it(folder: Path, tmp_path: Path) -> None:
    model = models.load(folder)
    assert all(isinstance(name, str) for name in model.fitted_on_valid)
    model.save(tmp_path)
    assert models.load(tmp_path).fitted_on_valid == model.fitted_on_valid


def fit(case: dict[str, Any], data: Data) -> Any:
    params = TypeAdapter(ModelParams).validate_python(case)
    return models.family(params.family).fit(params, data, Inputs(), lambda *_, **__: None)


def with_another_valid_split(data: Data) -> Data:
    """Return the data with a valid split of other words, in which the steps from word to word are backwards."""
    stream = data.valid
    tokens = np.where(stream.tokens > UNK, UNK + toy.VOCABULARY_SIZE - stream.tokens, stream.tokens)
    return replace(data, streams=data.streams | {"valid": {"text": replace(stream, tokens=tokens)}})


@pytest.mark.parametrize(
    ("case", "fitted"),
    [
        (TRIGRAM | {"smoothing": {"kind": "jelinek_mercer", "iterations": 5}}, ("interpolation weights",)),
        (TRIGRAM | {"smoothing": {"kind": "kneser_ney", "fallback": 0.6}}, ()),
        (TRIGRAM | {"smoothing": {"kind": "add_k", "k": 0.5}}, ()),
        (CASES["hmm"], ()),
        (CASES["cache"], ()),
        (RECURRENT | {"cell": "rnn", "training": TRAINING}, ("stopping epoch",)),
        (RECURRENT | {"cell": "rnn", "training": TRAINING | {"epochs": 1}}, ()),
    ],
)
def test_a_model_depends_on_the_valid_split_if_and_only_if_it_says_so(
    case: dict[str, Any], fitted: tuple[str, ...]
) -> None:
    data = toy.text()
    one, other = fit(case, data), fit(case, with_another_valid_split(data))
    assert one.fitted_on_valid == other.fitted_on_valid == fitted
    ours, theirs = (np.concatenate(model.log_probs(data.test.documents)) for model in (one, other))
    assert np.array_equal(ours, theirs) == (not fitted)


def test_a_mixture_says_what_its_members_say() -> None:
    data = toy.text()
    tuned = fit(TRIGRAM | {"smoothing": {"kind": "jelinek_mercer", "iterations": 5}}, data)
    cache = fit(CASES["cache"], data)
    params: Any = None
    assert Mixture(params, [cache, cache], np.ones(2) / 2).fitted_on_valid == ("mixture weights",)
    assert Mixture(params, [tuned, tuned], np.ones(2) / 2).fitted_on_valid == (
        "mixture weights",
        "interpolation weights",
    )


@pytest.mark.parametrize(
    ("changes", "fitted"),
    [
        ({"epochs": 1, "schedule": PLATEAU}, ()),
        ({"epochs": 2}, ("stopping epoch",)),
        ({"epochs": 2, "schedule": PLATEAU}, ("stopping epoch", "learning rate")),
        ({"epochs": 2, "averaging": {"kind": "nt_asgd", "interval": 1}}, ("stopping epoch", "start of averaging")),
    ],
)
def test_what_the_validation_loss_decides_in_a_training(changes: dict[str, Any], fitted: tuple[str, ...]) -> None:
    assert Training.model_validate(toy.TRAINING | changes).fitted_on_valid == fitted
