"""A training that is called from Python leaves no global state changed, also after an error."""

import logging
import os
import random
import signal
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from tests import toy
from tests.models.test_contract import SEQ2SEQ
from tests.models.test_glove import fit as fit_glove
from tests.models.test_masked_transformer import train as train_masked
from tests.models.test_word2vec_softmax import fit as fit_softmax
from tests.models.test_word_vectors import train as train_vectors
from tests.series import synthetic
from tests.training.resume import RECURRENT
from unroll import models
from unroll.arithmetic.global_state import LOGGERS
from unroll.arithmetic.threads import flush_denormals, is_flushing
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.params.experiments import ModelParams
from unroll.series import latent
from unroll.text.streams import Data


def state() -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "signals": {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)},
        "levels": {name: logging.getLogger(name).level for name in (*LOGGERS, "unroll", "")},
        "warnings": list(warnings.filters),
        "flushing": is_flushing(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "precision": torch.get_float32_matmul_precision(),
        "type": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": str(np.random.get_state()),
        "random": random.getstate(),
    }


def train(settings: dict[str, Any], data: Data, log: Any = lambda *_, **__: None) -> None:
    params = TypeAdapter(ModelParams).validate_python(settings | {"training": toy.TRAINING | {"epochs": 1}})
    models.family(params.family).fit(params, data, Inputs(), log)


def failing() -> None:
    def log(*_: Any, **__: Any) -> None:
        raise UnrollError("the disk is full")

    with pytest.raises(UnrollError, match="the disk is full"):
        train(RECURRENT, toy.text(), log)


FITS: dict[str, Callable[[], Any]] = {
    "recurrent": lambda: train(RECURRENT, toy.text()),
    "failing": failing,
    "seq2seq": lambda: train(SEQ2SEQ, toy.pairs()),
    "latent": lambda: latent.fit(
        synthetic.section("latent", epochs=1, patience=1), synthetic.past(synthetic.noisy_sine(200))
    ),
    "word2vec": train_vectors,
    "word2vec_softmax": fit_softmax,
    "glove": fit_glove,
    "masked_transformer": train_masked,
}


@pytest.mark.parametrize("flushing", [False, True])
@pytest.mark.parametrize("name", FITS)
def test_a_training_restores_all_global_state(name: str, flushing: bool) -> None:
    import gensim.models  # noqa: F401  # so that the import, which a first training makes, is no change
    import pytorch_lightning  # noqa: F401

    with flush_denormals(flushing):
        logging.getLogger("gensim").setLevel(logging.INFO)
        torch.use_deterministic_algorithms(flushing, warn_only=True)
        try:
            before = state()
            FITS[name]()
            after = state()
        finally:
            torch.use_deterministic_algorithms(False)
            logging.getLogger("gensim").setLevel(logging.NOTSET)
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
