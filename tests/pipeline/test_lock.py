"""dvc.lock: its content, the stages that follow from others, and the family that decides on a tolerance."""

import json
from typing import Any

import pytest

from unroll.errors import UnrollError
from unroll.pipeline.lock import Lock, Stage
from unroll.pipeline.numbers import family_of


def lock(**stages: tuple[list[str], list[str]]) -> Lock:
    """A lock of stages with (dependencies, outputs)."""
    return Lock(
        {name: Stage({}, dict.fromkeys(deps, "0"), dict.fromkeys(outs, "0")) for name, (deps, outs) in stages.items()}
    )


CHAIN = lock(
    report=(["metrics"], ["reports/index.html"]),
    evaluate=(["models/lstm"], ["metrics/lstm.json", "data/evaluations/lstm"]),
    train=(["data/tokens/words/ids.parquet", "src"], ["models/lstm"]),
    tokenize=(["data/clean/prose"], ["data/tokens/words"]),
    other=(["data/tokens/words_2", "src"], ["models/lstm_2"]),
)
"""Stages in an order against that of their dependencies: through a file, a folder around it, and a file of a folder."""


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"report"}, {"report"}),
        ({"evaluate"}, {"evaluate", "report"}),
        ({"train"}, {"train", "evaluate", "report"}),
        ({"tokenize"}, {"tokenize", "train", "evaluate", "report"}),
        ({"other"}, {"other"}),
        ({"other", "evaluate"}, {"other", "evaluate", "report"}),
        ({"absent"}, set()),
        (set(), set()),
    ],
)
def test_stages_follow_from_the_stages_whose_outputs_they_read(changed: set[str], found: set[str]) -> None:
    assert CHAIN.downstream(changed) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("reports/index.html", {"report", "evaluate", "train", "tokenize"}),
        ("data/evaluations/lstm", {"evaluate", "train", "tokenize"}),
        ("models/lstm", {"train", "tokenize"}),
        ("models/lstm_2", {"other"}),
        ("data/tokens/words", {"tokenize"}),
        ("absent", set()),
    ],
)
def test_an_output_follows_from_the_stages_whose_outputs_were_read(path: str, found: set[str]) -> None:
    assert CHAIN.upstream(path) == found


def test_the_content_is_read() -> None:
    stage: dict[str, Any] = {
        "cmd": "x",
        "deps": [{"path": "src", "md5": "1"}, {"path": "remote", "etag": "y"}],
        "params": {"params.yaml": {"models.lstm": {"training": {"epochs": 2}, "betas": [0.9, 0.99]}, "seed": 1}},
        "outs": [{"path": "models/lstm", "md5": "2.dir"}],
    }
    found = Lock.parse(
        json.dumps({"schema": "2.0", "stages": {"train@lstm": stage, "bare": {"cmd": "y"}}}).encode(), "x"
    )
    params = {"models.lstm.training.epochs": 2, "models.lstm.betas": [0.9, 0.99], "seed": 1}
    assert found.stages["train@lstm"] == Stage(params, {"src": "1"}, {"models/lstm": "2.dir"})
    assert (found.outs, found.params) == ({"models/lstm": "2.dir"}, params)
    assert found.without({"train@lstm"}).outs == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"{",
        b"\xff\xfe",
        b"stages:",
        b"stages: []",
        b"stages: {train: 1}",
        b"stages: {train: {outs: [1]}}",
        b"stages: {train: {outs: [{md5: 1}]}}",
        b"stages: {train: {params: [1]}}",
        b"train: {outs: []}",
    ],
)
def test_another_file_is_one_sentence(content: bytes) -> None:
    with pytest.raises(UnrollError, match=r"^a\.lock: is not a dvc\.lock; name one that `dvc repro` wrote$"):
        Lock.parse(content, "a.lock")


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("trigram", "ngram"),
        ("exact", "hmm"),
        ("counts", "hmm"),
        ("neural", "recurrent"),
        ("neural_2", "recurrent"),
        ("classes", "recurrent"),
        ("lstm_2", "recurrent"),
        ("absent", ""),
    ],
)
def test_the_least_exact_member_decides_on_a_mixture(name: str, family: str) -> None:
    params = {
        "models.trigram.family": "ngram",
        "models.hmm.family": "hmm",
        "models.lstm.family": "recurrent",
        "seeds.lstm_2.family": "recurrent",
        "generative_classifiers.classes.family": "generative_classifier",
        "generative_classifiers.classes.member.family": "recurrent",
    }
    mixtures = {
        "exact": ("trigram", "hmm"),
        "counts": ("trigram", "trigram"),
        "neural": ("trigram", "lstm"),
        "neural_2": ("lstm", "hmm"),
    }
    for mixture, (first, second) in mixtures.items():
        params |= {f"mixtures.{mixture}.family": "mixture"}
        params |= {f"mixtures.{mixture}.first": first, f"mixtures.{mixture}.second": second}
    assert family_of(Lock({"train": Stage(params, {}, {})}), name) == family
