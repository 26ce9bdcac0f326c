"""Small trained models in a temporary folder, and the command `unroll` run in this process with its output captured."""

import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import toy
from unroll import models
from unroll.cli import main
from unroll.models.base.inputs import Inputs
from unroll.models.hmm.params import HmmParams
from unroll.models.naive_bayes.params import NaiveBayesParams
from unroll.models.ngram.params import NgramParams
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.tokenizers import CharTokenizerParams, WordTokenizerParams
from unroll.text.cleaner import Cleaner
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.loading import learn_tokenizer

TEXTS = ["the students opened their books", "the students opened their laptops", "the time traveller arrived"]
CLEANING = {"cleaning": "plain", "invisible": "drop", "lowercase": True, "markup": "keep"}
WORDS = {"corpus": "toy", "sequence_length": 5, "type": "word", "pretokenizer": "whitespace", "min_count": 1}
CHARS = {"corpus": "toy", "sequence_length": 5, "type": "char", "min_count": 1, "shared_vocabulary": True}
TRIGRAM = {"family": "ngram", "tokenizer": "toy", "order": 3, "prune": [0], "smoothing": {"kind": "add_k", "k": 0.01}}
BAYES = {"family": "naive_bayes", "tokenizer": "toy", "order": 1, "pseudo_count": 0.1, "priors": "uniform"}
HMM = {"states": 3, "pseudo_count": 0.01, "restarts": 1, "restart_tokens": 10, "restart_iterations": 1}
RECURRENT = {"cell": "lstm", "embedding_size": 8, "hidden_size": 8, "layers": 1} | toy.RECURRENT
TRAINING = toy.TRAINING | {"epochs": 1, "patience": 1, "batch_size": 2}


class Lines(list[str]):
    """The texts of a train split in memory."""

    def count(self, function: Any) -> Any:
        return function(self)


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/: trigram, hmm and lstm over words, chars (an n-gram model), bayes (a classifier)."""
    workspace = tmp_path_factory.mktemp("workspace")
    words = WordTokenizerParams.model_validate(WORDS | {"shared_vocabulary": True, "vocabulary_size": "all"})
    chars = CharTokenizerParams.model_validate(CHARS)
    hmm = {"family": "hmm", "tokenizer": "toy", **HMM, "iterations": 2, "tolerance": 0.0001}
    lstm = {
        "family": "recurrent",
        "tokenizer": "toy",
        **RECURRENT,
        "tie_weights": True,
        "batching": "shuffled",
        "softmax": toy.SOFTMAX,
        "training": TRAINING,
    }
    train(workspace, "trigram", words, NgramParams.model_validate(TRIGRAM))
    train(workspace, "chars", chars, NgramParams.model_validate(TRIGRAM | {"order": 6}))
    train(workspace, "hmm", words, HmmParams.model_validate(hmm))
    train(workspace, "lstm", words, RecurrentParams.model_validate(lstm))
    train(workspace, "bayes", words, NaiveBayesParams.model_validate(BAYES), ["school", "school", "story"])
    return workspace


def train(workspace: Path, name: str, tokenizer_params: Any, params: Any, labels: Sequence[str] = ()) -> None:
    """Train a model on TEXTS and save it under models/, as the train stage does."""
    folder = workspace / "models" / name
    folder.mkdir(parents=True)
    tokenizer = learn_tokenizer(tokenizer_params, Lines(TEXTS))
    stream = stream_of([np.asarray(ids) for ids in tokenizer.encode_batch(TEXTS)], tokenizer.vocabulary_size)
    streams = {split: {"text": stream} for split in ("train", "valid", "test")}
    labels_by_split = {split: list(labels) for split in streams} if labels else {}
    data = Data("toy", tokenizer.vocabulary_size, 5, 1, streams, labels=labels_by_split)
    models.family(params.family).fit(params, data, Inputs(), lambda *_, **__: None).save(folder)
    tokenizer.save(folder / "tokenizer.json")
    save_cleaning(folder)


def save_cleaning(folder: Path) -> None:
    """Write the settings of cleaning into the folder of a model."""
    assert Cleaner(**CLEANING)("A  b") == "a b"
    (folder / "cleaning.json").write_text(json.dumps(CLEANING), encoding="utf-8")


@pytest.fixture
def unroll(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in `workspace`: unroll("score", "trigram", "-", text="the students") -> Result."""

    def run(*arguments: str, text: str | bytes = "") -> Result:
        stdin = io.TextIOWrapper(io.BytesIO(text.encode() if isinstance(text, str) else text))
        monkeypatch.chdir(workspace)
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "argv", ["unroll", *arguments])
        try:
            main()
            code: Any = 0
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        if isinstance(code, str):
            return Result(1, printed.out, printed.err + code + "\n")
        return Result(int(code or 0), printed.out, printed.err)

    return run
