"""Train a toy network that is killed at given batches: python -m tests.training.resume CASE FOLDER BATCH...

Each training runs in a process of its own, which is forked from this one after the imports, before any computation.
The last training is not killed. It saves its model and its training curve in FOLDER.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tests import toy
from tests.models.test_masked_transformer import MASKED_TRANSFORMER
from unroll import models
from unroll.models.base.curve import Curve
from unroll.models.base.inputs import Inputs
from unroll.params.experiments import ModelParams
from unroll.training import fit

RECURRENT = {
    "family": "recurrent",
    "tokenizer": "toy",
    "cell": "lstm",
    "embedding_size": 8,
    "hidden_size": 8,
    "layers": 2,
}
RECURRENT |= toy.RECURRENT | {"tie_weights": True, "batching": "contiguous", "softmax": toy.SOFTMAX}
SGD = {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
TRAINING = toy.TRAINING | {"checkpoint_steps": 3}
CASES: dict[str, dict[str, Any]] = {
    "adam": RECURRENT | {"training": TRAINING | {"averaging": {"kind": "ema", "decay": 0.9}}},
    "sgd": RECURRENT
    | {
        "batching": "shuffled",
        "training": TRAINING
        | {
            "epochs": 6,
            "patience": 6,
            "accumulate_grad_batches": 2,
            "optimizer": SGD,
            "learning_rate": 1.0,
            "schedule": {"kind": "plateau", "factor": 0.5, "patience": 1},
            "averaging": {"kind": "nt_asgd", "interval": 1},
        },
    },
    "masked": MASKED_TRANSFORMER | {"training": TRAINING, "dropout": 0.1},
}


def train(case: str, folder: Path, killed_at: int | None) -> None:
    """Train a case; kill the process at batch number `killed_at`, or save the model and the curve."""
    start = fit._Module.on_train_batch_start

    def on_train_batch_start(module: Any, *batch: Any) -> None:
        if module.batches_done == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        start(module, *batch)

    fit._Module.on_train_batch_start = on_train_batch_start  # type: ignore[method-assign]
    params = TypeAdapter(ModelParams).validate_python(CASES[case])
    curve, inputs = Curve(None), Inputs(checkpoints=folder / "checkpoints")
    model = models.family(params.family).fit(params, toy.text(), inputs, curve)
    (folder / "model").mkdir()
    model.save(folder / "model")
    curve.write(folder / "curve.csv")


def main(case: str, folder: Path, kills: list[int]) -> None:
    for killed_at in [*kills, None]:
        if (child := os.fork()) == 0:
            try:
                train(case, folder, killed_at)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == (0 if killed_at is None else -signal.SIGKILL), code


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [int(batch) for batch in sys.argv[3:]])
