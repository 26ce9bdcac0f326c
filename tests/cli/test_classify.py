"""`unroll classify` with networks: probabilities, and pictures of the attention to words."""

import json
from pathlib import Path

import pytest
import torch

import unroll as library
from tests import trained
from tests.models.labelled import BAG, NETWORK
from tests.trained import Run
from unroll.models.bag_of_embeddings.params import BagOfEmbeddingsParams
from unroll.models.recurrent_classifier.params import RecurrentClassifierParams
from unroll.params.tokenizers import WordTokenizerParams
from unroll.use.classification import map_attention

LABELS = ["school", "school", "story"]


@pytest.fixture(scope="module", autouse=True)
def _classifiers(workspace: Path) -> None:
    words = trained.WORDS | {"shared_vocabulary": True, "vocabulary_size": "all"}
    attentive = NETWORK | {"pooling": "attention", "bidirectional": True}
    for name, params in (
        ("reader_attention", RecurrentClassifierParams.model_validate(attentive)),
        ("reader_last", RecurrentClassifierParams.model_validate(NETWORK)),
        ("reader_bag", BagOfEmbeddingsParams.model_validate(BAG)),
    ):
        if not (workspace / "models" / name).exists():
            torch.manual_seed(1)
            trained.train(workspace, name, WordTokenizerParams.model_validate(words), params, LABELS)


@pytest.mark.parametrize("name", ["reader_attention", "reader_last", "reader_bag"])
def test_each_line_has_a_class_with_its_probability(unroll: Run, name: str) -> None:
    result = unroll("classify", name, "--all", "--json", text="The students opened\n\nunseen words\n")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["class"] in ("school", "story") for row in rows] == [True, False, True]
    for row in (rows[0], rows[2]):
        assert sum(row["all"].values()) == pytest.approx(1)
        assert row["probability"] == max(row["all"].values())


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_attention_of_the_first_text_is_a_picture(unroll: Run, workspace: Path, suffix: str) -> None:
    path = workspace / f"words.{suffix}"
    result = unroll("classify", "reader_attention", "--attention", str(path), text="\nthe time $x$\nthe students\n")
    assert (result.code, result.err) == (0, "")
    assert result.out.count("\n") == 3
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")
    assert suffix == "png" or b"traveller" not in content


def test_the_weights_are_those_of_the_words_that_are_read(workspace: Path) -> None:
    model = library.load(workspace / "models" / "reader_attention")
    found = map_attention(model, "The TIME traveller opened theirs")
    assert found is not None
    assert found.source == ["the", "time", "traveller", "opened", "<unk>", "<eos>"]
    assert found.target == [next(iter(model.classify(["The TIME traveller opened theirs"])[0]))]
    assert found.weights.shape == (1, 6)
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["reader_last", "reader_bag", "bayes"])
def test_a_model_without_attention_has_no_picture(unroll: Run, name: str) -> None:
    result = unroll("classify", name, "--attention", "words.png", text="the students\n")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"unroll: models/{name}: has no attention to draw; use a model with pooling: attention\n"


@pytest.mark.parametrize("path", ["words.gif2", "missing/words.png"])
def test_a_picture_that_cannot_be_written_is_an_error(unroll: Run, path: str) -> None:
    result = unroll("classify", "reader_attention", "--attention", path, text="the students\n")
    assert result.code == 1
    assert result.err.startswith(f"unroll: {path}: cannot be written (")
    assert result.err.count("\n") == 1


def test_a_language_model_is_refused_before_any_line_is_read(unroll: Run) -> None:
    result = unroll("classify", "lstm", "missing.txt")
    assert "does not classify; it supports: score" in result.err
