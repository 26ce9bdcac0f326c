"""n-gram models with every smoothing, trained on a small text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from unroll.models.base.inputs import Inputs
from unroll.models.ngram import model as ngram
from unroll.models.ngram.params import NgramParams
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import UNK

SIZE = 12
SMOOTHINGS: dict[str, dict[str, Any]] = {
    "maximum_likelihood": {},
    "add_k": {"k": 0.3},
    "jelinek_mercer": {"iterations": 30},
    "absolute_discounting": {"fallback": 0.6},
    "kneser_ney": {"fallback": 0.6},
    "modified_kneser_ney": {"fallback": [0.5, 1.0, 1.5]},
}
SMOOTHED = [kind for kind in SMOOTHINGS if kind != "maximum_likelihood"]


def params(kind: str, order: int, prune: Sequence[int] = (0,)) -> NgramParams:
    return NgramParams.model_validate(
        {
            "family": "ngram",
            "tokenizer": "words",
            "order": order,
            "smoothing": {"kind": kind, **SMOOTHINGS[kind]},
            "prune": list(prune),
        }
    )


def documents(seed: int, count: int) -> list[np.ndarray]:
    """Draw documents in which each token is likely to be near the previous one; token 11 does not occur."""
    generator = np.random.default_rng(seed)
    result = []
    for length in generator.integers(0, 9, count):
        walk = 4 + np.cumsum(generator.choice([0, 1, 1, 2, 5], length)) % (SIZE - 5)
        result.append(np.where(generator.random(length) < 0.03, UNK, walk))
    return result


TRAIN, VALID = documents(1, 120), documents(2, 60)
DATA = Data("toy", SIZE, 4, 1, {"train": {"text": stream_of(TRAIN, SIZE)}, "valid": {"text": stream_of(VALID, SIZE)}})


def fitted(kind: str, order: int, prune: Sequence[int] = (0,)) -> ngram.Model:
    return ngram.fit(params(kind, order, prune), DATA, Inputs(), lambda step, **values: None)


def state_after(model: ngram.Model, history: Sequence[int]) -> Any:
    state = model.start()
    for token in history:
        state = model.advance(state, np.array([token]))
    return state


every_model = pytest.mark.parametrize(
    ("kind", "order", "prune"),
    [(kind, order, prune) for kind in SMOOTHINGS for order, prune in ((1, [0]), (2, [0]), (4, [0]), (4, [0, 0, 1]))],
)
