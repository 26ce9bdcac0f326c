"""Every fault in params.yaml is one sentence with the full path of the key."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.params.faults import ROOT, Values, edit, refused
from unroll.errors import UnrollError
from unroll.params.load import load, parse


def test_the_projects_own_file_is_valid_and_frozen() -> None:
    params = load(ROOT / "params.yaml")
    with pytest.raises(ValidationError):
        params.seed = 3


def remove(path: str) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        *parents, last = path.split(".")
        for key in parents:
            values = values[key]
        del values[last]

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (edit("models.lstm.hiden_size", 3), "models.lstm.hiden_size: unknown key; did you mean hidden_size?"),
        (
            edit("models.lstm.training.patiense", 3),
            "models.lstm.training.patiense: unknown key; did you mean patience?",
        ),
        (edit("sed", 3), "sed: unknown key; did you mean seed?"),
        (remove("models.lstm.hidden_size"), "models.lstm.hidden_size: missing"),
        (remove("models.lstm.family"), "models.lstm.family: missing"),
        (edit("models.lstm.hidden_size", 3.7), "models.lstm.hidden_size: input should be a valid integer, not 3.7"),
        (edit("models.lstm.hidden_size", "64"), "models.lstm.hidden_size: input should be a valid integer, not '64'"),
        (edit("models.lstm.hidden_size", True), "models.lstm.hidden_size: input should be a valid integer"),
        (edit("models.lstm.hidden_size", None), "models.lstm.hidden_size: input should be a valid integer, not None"),
        (edit("models.lstm.hidden_size", 0), "models.lstm.hidden_size: input should be greater than or equal to 1"),
        (edit("models.lstm.hidden_size", 10**9), "models.lstm.hidden_size: input should be less than or equal to"),
        (
            edit("models.lstm.training.learning_rate", math.nan),
            "models.lstm.training.learning_rate: input should be a fin",
        ),
        (edit("models.lstm.training.learning_rate", math.inf), "models.lstm.training.learning_rate: input should be"),
        (
            edit("models.lstm.training.learning_rate", "1e-3"),
            "models.lstm.training.learning_rate: input should be a val",
        ),
        (
            edit("models.lstm.training.learning_rate", -1.0),
            "models.lstm.training.learning_rate: input should be greater",
        ),
        (edit("models.lstm.tie_weights", "yes"), "models.lstm.tie_weights: input should be a valid boolean, not 'yes'"),
        (edit("models.lstm.family", "recurent"), "models.lstm.family: there is no recurent; did you mean recurrent?"),
        (edit("models.lstm.tokenizer", "word"), "models.lstm.tokenizer: there is no word; did you mean words?"),
        (edit("tokenizers.words.corpus", "prosa"), "tokenizers.words.corpus: there is no prosa; did you mean prose?"),
        (edit("tokenizers.words.type", "sentence"), "tokenizers.words.type: there is no sentence; choose one of"),
        (
            edit("corpora.prose.source", "timemachin"),
            "corpora.prose.source: there is no timemachin; did you mean timemac",
        ),
        (edit("corpora.prose.splits.valid", 0.95), "corpora.prose.splits: valid + test = 1.05 leaves nothing"),
        (edit("models.lstm.cell", "lstn"), "models.lstm.cell: input should be 'rnn', 'rnn_relu', 'rnn_sigmoid',"),
        (
            edit("models.seq2seq.tokenizer", "words"),
            "models.seq2seq: family seq2seq needs a tokenizer of a corpus of sentence p",
        ),
        (
            edit("models.lstm.embedding_size", 7),
            "models.lstm: tie_weights needs embedding_size (7) equal to hidden_size",
        ),
        (edit("seed", -1), "seed: input should be greater than or equal to 0, not -1"),
        (edit("seed", 2**32), "seed: input should be less than 4294967296"),
        (edit("models.my model", {}), "models.my model: string should match pattern"),
        (edit("models.x; touch y", {}), "models.x; touch y: string should match pattern"),
        (edit("models.x", None), "models.x: input should be a valid dictionary"),
        (edit("models", {}), "models: dictionary should have at least 1 item"),
    ],
)
def test_refused_with_the_path_of_the_key(values: Values, change: Callable[[Values], None], sentence: str) -> None:
    change(values := copy.deepcopy(values))
    assert refused(values).startswith(sentence)


@pytest.mark.parametrize("nothing", [None, [], "text", 3])
def test_a_file_that_is_no_mapping(nothing: Any) -> None:
    assert "params" in refused(nothing)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"seed: 1\nseed: 2\n", "line 2: found duplicate key"),
        (b"seed: [1\narithmetic: native\n", "line"),
        (b"seed:\t1\n\tx: 2\n", "line"),
        (b"a: &a [1]\nb: *a\n", "line 1: remove the anchor &a and write the value out"),
        (b"b: 1\na: {<<: *b}\n", "line 2: write the keys out instead of the merge key <<"),
        (b"b: 1\na: *b\n", "line 2: write the value out instead of the alias *b"),
        (b"a: !!python/object/apply:os.system [touch x]\n", "line 1: could not determine a constructor"),
        (b"seed: \xff\n", "not UTF-8 at byte 6"),
    ],
)
def test_a_broken_file_names_the_line(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UnrollError, match=r"params\.yaml: ") as caught:
        load(path)
    assert str(caught.value).removeprefix(f"{path}: ").startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"not found; run from the repository's root"):
        load(tmp_path / "params.yaml")


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    """YAML 1.2: 1e-3 is a number, not a string; a byte order mark and CRLF change nothing."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("0.004", "4e-3")
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(path) == load(ROOT / "params.yaml")


def test_an_entry_of_seeds_agrees_with_its_model(values: Values) -> None:
    repeat = {"family": "recurrent", "tokenizer": "words", "model": "lstm", "seed": 2}
    values["seeds"] = {"lstm_2": repeat}
    assert parse(values, "params.yaml").experiments["lstm_2"].tokenizer == "words"
    values["seeds"] = {"lstm_2": repeat | {"model": "lstn"}}
    assert refused(values).startswith("seeds.lstm_2.model: there is no lstn; did you mean lstm?")
    values["seeds"] = {"lstm_2": repeat | {"family": "ngram"}}
    assert refused(values) == "seeds.lstm_2.family: is ngram, but models.lstm.family is recurrent; write recurrent"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"fractions": [0.5, 0.25]},
            "learning_curves.hmm_symbols: fractions [0.5, 0.25] are not in ascending order; write [0.25, 0.5]",
        ),
        (
            {"family": "ngram"},
            "learning_curves.hmm_symbols.family: is ngram, but models.hmm_symbols.family is hmm; write hmm",
        ),
        (
            {"tokenizer": "words"},
            "learning_curves.hmm_symbols.tokenizer: is words, but models.hmm_symbols.tokenizer is symbols",
        ),
        ({"oracle": "delphi"}, "learning_curves.hmm_symbols.oracle: there is no delphi"),
    ],
)
def test_a_learning_curve_agrees_with_its_model(values: Values, change: Values, sentence: str) -> None:
    values["learning_curves"]["hmm_symbols"] |= change
    assert refused(values).startswith(sentence)
