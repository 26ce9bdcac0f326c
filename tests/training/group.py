"""Train toy networks by several ranks: python -m tests.training.group CASE RANKS FOLDER NAME[:RANK@BATCH]...

Each name is a training, whose ranks are forked from this process after the imports, before any computation. With
RANK@BATCH, this rank is killed at this batch, and the other ranks must notice. The name `accumulated` is a training by
one process that accumulates the rows of the ranks. Otherwise rank r saves its model and its curve in FOLDER/NAME/r. A
training goes on from the checkpoints of an earlier one of the same name.
"""

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from tests import toy
from tests.models import labelled
from tests.training.accumulation import Accumulation
from tests.training.resume import CASES
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.params.experiments import ModelParams
from unroll.training import fit
from unroll.training.ranks.launcher import Place, RankLostError
from unroll.training.ranks.process_group import Group, connect

PAIRS: dict[str, Any] = {
    "family": "seq2seq",
    "tokenizer": "toy",
    "cell": "gru",
    "bidirectional": True,
    "attention": "dot",
    "input_feeding": True,
    "embedding_size": 8,
    "hidden_size": 8,
    "layers": 1,
    "dropout": 0.1,
    "label_smoothing": 0.1,
    "share_embeddings": True,
    "tie_weights": True,
    "teacher_forcing": {"first": 1.0, "last": 0.5},
}
TAGGER: dict[str, Any] = {
    "family": "recurrent_tagger",
    "tokenizer": "toy",
    "cell": "lstm",
    "embedding_size": 8,
    "shape_embedding_size": 4,
    "hidden_size": 8,
    "layers": 1,
    "bidirectional": True,
    "dropout": 0.1,
    "word_dropout": 0.1,
    "crf": True,
}
DATA = {"seq2seq": toy.pairs, "recurrent_tagger": toy.tagged, "recurrent_classifier": labelled.data}
"""The data of a family, if it is not running text."""
ADAPTIVE: dict[str, Any] = {"kind": "adaptive", "cutoffs": [4, 10], "div_value": 2.0}
LOST = 75


STOPS = {"epochs": 6, "patience": 1, "learning_rate": 1.0, "schedule": {"kind": "constant"}}
TRAINED: dict[str, dict[str, Any]] = {
    "carried": CASES["adam"],
    "averaged": CASES["sgd"],  # two batches per step, and several averages
    "pairs": PAIRS | {"training": CASES["adam"]["training"] | {"batch_size": 29, "epochs": 2}},
    # Few targets are in the clusters of rare words, so that some weights have no gradient.
    "adaptive": CASES["sgd"]
    | {"softmax": ADAPTIVE, "tie_weights": False, "training": toy.TRAINING | {"batch_size": 4, "epochs": 1}},
    "tagger": TAGGER | {"training": CASES["adam"]["training"] | {"epochs": 2}},
    "labels": labelled.CASES["gru-both-attention"] | {"training": toy.TRAINING | {"batch_size": 20, "epochs": 2}},
    "stops": CASES["sgd"] | {"training": toy.TRAINING | STOPS},
}


def settings(case: str, ranks: int) -> Any:
    values = TRAINED[case] | {"training": TRAINED[case]["training"] | {"ranks": ranks}}
    return TypeAdapter(ModelParams).validate_python(values)


def train(case: str, folder: Path, group: Group, killed_at: int | None) -> None:
    """Train a case as one rank; kill the process at batch number `killed_at`, or save the model and the curve."""
    start = fit._Module.on_train_batch_start

    def on_train_batch_start(module: Any, *batch: Any) -> None:
        if module.batches_done == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        start(module, *batch)

    fit._Module.on_train_batch_start = on_train_batch_start  # type: ignore[method-assign]
    rows: list[Any] = []
    inputs = Inputs(checkpoints=folder / "checkpoints", group=group)
    save(case, group.size, folder / str(group.rank), inputs, rows)


def save(case: str, ranks: int, folder: Path, inputs: Inputs, rows: list[Any]) -> None:
    params = settings(case, ranks)
    data = DATA.get(params.family, toy.text)()
    log = lambda step, **values: rows.append([step, values])  # noqa: E731
    model = models.family(params.family).fit(params, data, inputs, log)
    folder.mkdir()
    model.save(folder)
    (folder / "rows.json").write_text(json.dumps(rows, indent=1))


def accumulate(case: str, ranks: int, folder: Path) -> None:
    """Train a case by one process."""
    rows: list[Any] = []

    def fit_in_a_loop(task: Any, params: Any, seed: int, *_: Any) -> None:
        training = Accumulation(task, params, seed)
        training.train()
        rows.append([training.losses, training.valid_losses])

    fit.fit = fit_in_a_loop
    save(case, ranks, folder, Inputs(), rows)


def run_rank(case: str, folder: Path, meeting: Path, ranks: int, kill: tuple[int, int] | None, rank: int) -> None:
    place = Place(rank, ranks, rank, 1, f"file://{meeting}")
    killed_at = kill[1] if kill and kill[0] == rank else None
    with connect(place, "cpu") as group:
        train(case, folder, group, killed_at)


def train_on_other_data(folder: str) -> None:
    """Train by two ranks on different texts, and print the kind of the error of each."""

    def run(rank: int) -> None:
        place = Place(rank, 2, rank, 1, f"file://{folder}/meeting")
        with connect(place, "cpu") as group:
            inputs = Inputs(checkpoints=Path(folder), group=group)
            params = settings("carried", 2)
            try:
                models.family(params.family).fit(params, toy.text(rank), inputs, lambda *_, **__: None)
            except UnrollError as error:
                sys.stdout.write(f"{type(error).__name__}\n")  # one write each: both ranks write to the same pipes
                sys.stdout.flush()
                sys.stderr.write(f"{error}\n")

    for child in [fork(partial(run, rank)) for rank in range(2)]:
        os.waitpid(child, 0)


def fork(work: Any) -> int:
    if (child := os.fork()) == 0:
        try:
            work()
        except RankLostError:
            os._exit(LOST)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return child


def main(case: str, ranks: int, folder: Path, names: list[str]) -> None:
    torch.set_num_threads(1)  # native results depend on their number
    for number, (name, _, killed) in enumerate(word.partition(":") for word in names):
        kill = tuple(int(part) for part in killed.split("@")) if killed else None
        (folder / name).mkdir(exist_ok=True)
        begin = time.monotonic()
        if name == "accumulated":
            works = [partial(accumulate, case, ranks, folder / name / "0")]
        else:
            arguments = (case, folder / name, folder / f"meeting-{number}", ranks, kill)
            works = [partial(run_rank, *arguments, rank) for rank in range(ranks)]
        children = [fork(work) for work in works]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        expected = [0] * len(works)
        if kill:
            expected = [-signal.SIGKILL if rank == kill[0] else LOST for rank in range(ranks)]
        assert codes == expected, (name, codes)
        print(f"{name}: {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
